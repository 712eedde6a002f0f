"""Spoken: sentences of the box, synthesised in a child process of low priority and kept in a folder as files.

The voice would take 190 MB of the daemon's memory. Where none is installed, nothing is made.
"""

import asyncio
import contextlib
import hashlib
import importlib.util
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from edgevoice.errors import LocalServiceUnavailable
from edgevoice.local.speech.voice import HibariVoice, Voice
from edgevoice.store.files import write_whole

RECIPE: Final = "hibari 1"
"""Change this with the voice, so that the sentences are made again."""

_MAKING_LIMIT_S: Final = 180.0
"""It takes some 3 s on a laptop; a busy old Pi gets this long."""

_LONGEST_BYTES: Final = 2 * 24_000 * 20

Samples = npt.NDArray[np.int16]


def has_voice() -> bool:
    """Return whether a voice is installed."""
    return importlib.util.find_spec("hibari") is not None


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


async def synthesise(folder: Path, wanted: Mapping[str, str]) -> str:
    """Make what is missing of these files, each named and with its sentence; return why it failed, or an empty text."""
    try:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "edgevoice.box.spoken",
            str(folder),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            process_group=0,  # Ctrl-C goes to the parent, which ends the child
        )
    except OSError as error:
        return f"its process cannot be started: {error.strerror}"
    try:
        async with asyncio.timeout(_MAKING_LIMIT_S):
            # By its input: arguments can be read by every user of the machine.
            _, complaint = await child.communicate(json.dumps(dict(wanted)).encode())
    except TimeoutError:
        return "it took too long"
    finally:
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()
    if child.returncode == 0:
        return ""
    return (complaint.decode("utf-8", "replace").strip().splitlines() or ["no reason given"])[-1]


def make(folder: Path, wanted: Mapping[str, str], voice: Voice) -> None:
    """Speak every missing sentence into its file. Raises ``OSError`` if they cannot be written."""
    for name, sentence in wanted.items():
        if not (folder / name).exists():
            write_whole(folder / name, voice.say(sentence, 1.0))


def main() -> int:
    """Make what is missing in the given folder, as the child process of `synthesise`; return the exit status."""
    os.nice(19)
    try:
        make(Path(sys.argv[1]), json.load(sys.stdin), HibariVoice.load())
    except (LocalServiceUnavailable, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - the parent writes the log
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
