"""Sayings: the few fixed sentences of the box, synthesised once, kept in the cache folder, and played offline.

A child process of low priority makes them, because a voice would take 190 MB of the daemon's memory. If no voice is
installed, the earcon remains a sound.
"""

import asyncio
import contextlib
import hashlib
import importlib.util
import logging
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from edgevoice.core.orders import Earcon
from edgevoice.core.ports import Observer, Report
from edgevoice.errors import LocalServiceUnavailable
from edgevoice.journal import tell
from edgevoice.local.speech.voice import HibariVoice, Voice
from edgevoice.store.files import write_whole

_log = logging.getLogger(__name__)

SENTENCES: Final[Mapping[Earcon, str]] = {
    Earcon.SESSION_SPENT: "We have been talking for as long as I may at a time. Call me again to go on.",
    Earcon.BUDGET_SPENT: "My minutes for today are used up. I will be here again tomorrow.",
}

_RECIPE: Final = "hibari 1"
"""Change this with the voice, so that the sentences are made again."""

_MAKING_LIMIT_S: Final = 180.0
"""It takes some 3 s on a laptop; a busy old Pi gets this long."""

_LONGEST_BYTES: Final = 2 * 24_000 * 20

Samples = npt.NDArray[np.int16]


def place_of(earcon: Earcon, folder: Path) -> Path:
    """Return the file that holds the sentence for an earcon, mono s16 at 24 kHz, whether it exists or not."""
    digest = hashlib.sha256(f"{_RECIPE} {SENTENCES[earcon]}".encode()).hexdigest()[:12]
    return folder / f"saying-{earcon.value}-{digest}.s16"


class Sayings(Observer):
    """Teaches the speaker the sentences in ``folder``, once the box listens: making them takes seconds of a core.

    ``listening`` waits for that; ``use`` is the speaker's own `learn`.
    """

    def __init__(
        self, folder: Path, use: Callable[[Earcon, Samples], None], listening: Callable[[], Awaitable[None]]
    ) -> None:
        self._folder = folder
        self._use = use
        self._listening = listening

    async def run(self, _report: Report) -> None:
        """Learn, and end."""
        await self._listening()
        await learn(self._folder, self._use)


async def learn(folder: Path, use: Callable[[Earcon, Samples], None]) -> None:
    """Pass every sentence to ``use``; those missing from ``folder`` are made first, if a voice is installed."""
    missing = [earcon for earcon in SENTENCES if not _taken(earcon, folder, use)]
    if not missing:
        return
    if importlib.util.find_spec("hibari") is None:
        tell(_log, logging.DEBUG, "sayings", problem="no voice is installed: limits are announced by a sound")
        return
    if await _make_in_child(folder):
        for earcon in missing:
            _taken(earcon, folder, use)


def _taken(earcon: Earcon, folder: Path, use: Callable[[Earcon, Samples], None]) -> bool:
    try:
        with place_of(earcon, folder).open("rb") as file:
            spoken = file.read(_LONGEST_BYTES)
    except OSError:
        return False
    use(earcon, np.frombuffer(spoken[: len(spoken) // 2 * 2], dtype="<i2").astype(np.int16))
    return True


async def _make_in_child(folder: Path) -> bool:
    complaint = await _complaint_of_child(folder)
    if complaint:
        problem = f"limits are announced by a sound, because the sentences cannot be made: {complaint}"
        tell(_log, logging.WARNING, "sayings", problem=problem)
    return not complaint


async def _complaint_of_child(folder: Path) -> str:
    """Run the child to its end; return why it failed, or an empty text."""
    try:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "edgevoice.box.sayings",
            str(folder),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            process_group=0,  # Ctrl-C goes to the parent, which ends the child
        )
    except OSError as error:
        return f"its process cannot be started: {error.strerror}"
    try:
        async with asyncio.timeout(_MAKING_LIMIT_S):
            _, complaint = await child.communicate()
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


def make(folder: Path, voice: Voice) -> None:
    """Speak every missing sentence into its file. Raises ``OSError`` if they cannot be written."""
    for earcon, sentence in SENTENCES.items():
        place = place_of(earcon, folder)
        if not place.exists():
            write_whole(place, voice.say(sentence, 1.0))


def main() -> int:
    """Make what is missing in the given folder, as the child process of `learn`; return the exit status."""
    os.nice(19)
    try:
        make(Path(sys.argv[1]), HibariVoice.load())
    except (LocalServiceUnavailable, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - the parent writes the log
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
