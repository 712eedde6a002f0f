"""Sayings: the few fixed sentences of the box, synthesised once, kept in the cache folder, and played offline.

If no voice is installed, the earcon remains a sound. ``python -m edgevoice.box.sayings FOLDER`` makes them ahead, as
scripts/setup does: the first start would take a minute of an old Pi for it.
"""

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from edgevoice.box import speech, spoken
from edgevoice.box.spoken import Samples, Speak
from edgevoice.core.orders import Earcon
from edgevoice.core.ports import Observer, Report
from edgevoice.journal import tell
from edgevoice.store.files import drop_older
from edgevoice.threads import run

_log = logging.getLogger(__name__)

SENTENCES: Final[Mapping[Earcon, str]] = {
    Earcon.SESSION_SPENT: "We have been talking for as long as I may at a time. Call me again to go on.",
    Earcon.BUDGET_SPENT: "My minutes for today are used up. I will be here again tomorrow.",
    Earcon.NO_NETWORK: "No network: I cannot reach the service.",
    Earcon.NO_SERVICE: "The service does not answer.",
    Earcon.BAD_KEY: "The service refused my key.",
    Earcon.NO_CREDIT: "There is no credit left.",
    Earcon.NO_MICROPHONE: "No microphone.",
    Earcon.NO_PROXY: "The proxy refused me.",
    Earcon.WRONG_CLOCK: "My clock is wrong.",
}


def wanted() -> dict[str, str]:
    """Return every sentence by the name of its file."""
    return {_file_name(earcon): sentence for earcon, sentence in SENTENCES.items()}


def place_of(earcon: Earcon, folder: Path) -> Path:
    """Return the file that holds the sentence for an earcon, mono s16 at 24 kHz, whether it exists or not."""
    return folder / _file_name(earcon)


def read(earcon: Earcon, folder: Path) -> Samples | None:
    """Return the sentence for an earcon, ``None`` if it has none or none was made in ``folder``."""
    return spoken.read(place_of(earcon, folder)) if earcon in SENTENCES else None


class Sayings(Observer):
    """Teaches the speaker the sentences in ``folder``, once the box listens: making them takes seconds of a core.

    ``listening`` waits for that; ``use`` is the speaker's own `learn`; ``speak`` is ``None`` without a voice.
    """

    def __init__(
        self,
        folder: Path,
        use: Callable[[Earcon, Samples], None],
        listening: Callable[[], Awaitable[None]],
        speak: Speak | None,
    ) -> None:
        self._folder = folder
        self._use = use
        self._listening = listening
        self._speak = speak

    async def run(self, _report: Report) -> None:
        """Learn, and end."""
        await self._listening()
        await learn(self._folder, self._use, self._speak)


async def learn(folder: Path, use: Callable[[Earcon, Samples], None], speak: Speak | None) -> None:
    """Pass every sentence to ``use``; those missing from ``folder`` are made first, if a voice is installed."""
    missing = [earcon for earcon in SENTENCES if not _taken(earcon, folder, use)]
    if not missing:
        return
    if speak is None:
        tell(
            _log, logging.DEBUG, "sayings", problem="no voice is installed: limits and faults are announced by a sound"
        )
        return
    if complaint := await spoken.make(folder, wanted(), speak):
        problem = f"limits and faults are announced by a sound, because the sentences cannot be made: {complaint}"
        tell(_log, logging.WARNING, "sayings", problem=problem)
        return
    for earcon in missing:
        _taken(earcon, folder, use)
        # What the sentence was in another release, or another voice.
        await run(partial(drop_older, place_of(earcon, folder)), name="sayings")


def _taken(earcon: Earcon, folder: Path, use: Callable[[Earcon, Samples], None]) -> bool:
    samples = read(earcon, folder)
    if samples is None:
        return False
    use(earcon, samples)
    return True


def _file_name(earcon: Earcon) -> str:
    return spoken.file_name(f"saying-{earcon.value}", SENTENCES[earcon])


async def _make_ahead(folder: Path) -> str:
    voice = speech.Speech()
    try:
        return await spoken.make(folder, wanted(), voice.say)
    finally:
        await voice.close()


def main(arguments: Sequence[str]) -> int:
    """Make every sentence in the folder that is the only argument; return the exit status."""
    if complaint := asyncio.run(_make_ahead(Path(arguments[0]))):
        print(f"the sentences cannot be made: {complaint}", file=sys.stderr)  # noqa: T201 - for scripts/setup
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
