"""Spoken: sentences of the box, kept in a folder as files once they were spoken. What speaks is `Speech`."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from edgevoice.errors import LocalServiceUnavailable
from edgevoice.store.files import write_whole
from edgevoice.threads import run

RECIPE: Final = "hibari 2"
"""Change this with the voice, so that the sentences are made again."""

_LONGEST_BYTES: Final = 2 * 24_000 * 20

Samples = npt.NDArray[np.int16]
Speak = Callable[[str], Awaitable[Samples]]
"""Turns a text into sound, mono s16 at 24 kHz. Raises ``LocalServiceUnavailable``."""


def file_name(purpose: str, sentence: str) -> str:
    """Return the name of the file that holds a sentence, mono s16 at 24 kHz, whether it exists or not."""
    digest = hashlib.sha256(f"{RECIPE} {sentence}".encode()).hexdigest()[:12]
    return f"{purpose}-{digest}.s16"


def read(place: Path) -> Samples | None:
    """Return the samples of a file, ``None`` if it cannot be read."""
    try:
        with place.open("rb") as file:
            spoken = file.read(_LONGEST_BYTES)
    except OSError:
        return None
    return np.frombuffer(spoken[: len(spoken) // 2 * 2], dtype="<i2").astype(np.int16)


async def make(folder: Path, wanted: Mapping[str, str], speak: Speak) -> str:
    """Make what is missing of these files, each named and with its sentence; return why it failed, or an empty text."""
    for name, sentence in wanted.items():
        place = folder / name
        if place.exists():
            continue
        try:
            spoken = (await speak(sentence)).astype("<i2").tobytes()
            # A card may take a second to write, and the loop has audio to move.
            await run(lambda place=place, spoken=spoken: write_whole(place, spoken), name="spoken")  # type: ignore[misc] # bound now
        except LocalServiceUnavailable as error:
            return error.line()
        except OSError as error:
            return f"{folder} cannot be written: {error.strerror}"
    return ""
