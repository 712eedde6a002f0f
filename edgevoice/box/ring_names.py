"""The names of what rings, spoken: synthesised when it is set, kept in the cache folder, given to the speaker in time.

Implements ``alarms.keeper.RingVoice``. Where no voice is installed, ``alarms.keeper.NoVoice`` stands in its place.
"""

import contextlib
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

from edgevoice.box import spoken
from edgevoice.core.announcements import AnnouncementOutcome
from edgevoice.errors import LocalServiceUnavailable
from edgevoice.journal import tell
from edgevoice.threads import run

_log = logging.getLogger(__name__)

_MOST_IN_MEMORY = 8
"""Clips that the speaker knows at a time: some 70 kB each."""

_MOST_FILES = 200


class ClipMemory(Protocol):
    """The part of the speaker that this needs."""

    def learn_clip(self, clip_id: str, samples: spoken.Samples) -> None:
        """Know a clip by this id."""
        ...

    def forget_clip(self, clip_id: str) -> None:
        """Know it no longer."""
        ...


class RingNames:
    """Speaks into files of ``folder`` by ``speak``.

    ``say`` announces a sound and returns how that ended. ``welcome`` waits until announcements are welcome, and
    ``listening`` until the box listens.
    """

    def __init__(
        self,
        folder: Path,
        clips: ClipMemory,
        speak: spoken.Speak,
        *,
        say: Callable[[spoken.Samples], Awaitable[AnnouncementOutcome]],
        welcome: Callable[[], Awaitable[None]],
        listening: Callable[[], Awaitable[None]],
    ) -> None:
        self._folder = folder
        self._clips = clips
        self._speak = speak
        self._say = say
        self._welcome = welcome
        self._listening = listening
        self._known: OrderedDict[str, None] = OrderedDict()

    async def prepare(self, sentence: str) -> str:
        """Have a sentence spoken into its file, and return the id of its clip, empty if there is no voice."""
        name = spoken.file_name("ring", sentence)
        if (self._folder / name).exists():
            return name
        await self._listening()
        if complaint := await spoken.make(self._folder, {name: sentence}, self._speak):
            self._complain(complaint)
        await run(self._sweep, name="ring-names")
        return name if (self._folder / name).exists() else ""

    async def ready(self, sentence: str) -> str:
        """Give the speaker the clip of a sentence, and return its id, empty if it is not there."""
        name = spoken.file_name("ring", sentence)
        if name in self._known:
            self._known.move_to_end(name)
            return name
        samples = await run(lambda: spoken.read(self._folder / name), name="ring-names")
        if samples is None:
            return ""
        self._clips.learn_clip(name, samples)
        self._known[name] = None
        while len(self._known) > _MOST_IN_MEMORY:
            self._clips.forget_clip(self._known.popitem(last=False)[0])
        return name

    async def welcome(self) -> None:
        """Wait until announcements are welcome: until quiet hours are over."""
        await self._welcome()

    async def announce(self, sentence: str) -> bool:
        """Announce a sentence when it is its turn; return whether it was heard, or cut by somebody who heard it."""
        try:
            samples = await self._speak(sentence)
        except LocalServiceUnavailable as error:
            self._complain(error.line())
            return False
        return await self._say(samples) in {AnnouncementOutcome.PLAYED, AnnouncementOutcome.CUT}

    @staticmethod
    def _complain(problem: str) -> None:
        tell(_log, logging.WARNING, "ring-names", problem=f"names cannot be spoken: {problem}")

    def _sweep(self) -> None:
        """Remove the names that were made first; those of what is still set are made again when it next rings."""
        files = sorted(self._folder.glob("ring-*.s16"), key=_made_at)
        for place in files[:-_MOST_FILES]:
            with contextlib.suppress(OSError):
                place.unlink()


def _made_at(place: Path) -> float:
    """Return when a file was made, in seconds since 1970; 0 if it is gone: another name may be prepared meanwhile."""
    try:
        return place.stat().st_mtime
    except OSError:
        return 0.0
