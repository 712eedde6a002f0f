"""The names of what rings, spoken: synthesised when it is set, kept in the cache folder, given to the speaker in time.

Implements ``alarms.keeper.RingVoice``. Without a voice nothing is spoken, and the earcon must do.
"""

import asyncio
import contextlib
import itertools
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

from edgevoice.box import spoken
from edgevoice.core.announcements import Announcement, AnnouncementDue, Priority
from edgevoice.core.ports import Report
from edgevoice.journal import tell
from edgevoice.threads import run

_log = logging.getLogger(__name__)

_MOST_IN_MEMORY = 8
"""Clips that the speaker knows at a time: some 70 kB each."""

_MOST_FILES = 200

_TOGETHER_S = 0.2
"""How long to wait for further names before a process is started for them."""


class ClipMemory(Protocol):
    """The part of the speaker that this needs."""

    def learn_clip(self, clip_id: str, samples: spoken.Samples) -> None:
        """Know a clip by this id."""
        ...

    def forget_clip(self, clip_id: str) -> None:
        """Know it no longer."""
        ...


class RingNames:
    """Speaks into files of ``folder``.

    ``welcome`` waits until announcements are welcome, and ``listening`` until the box listens.
    """

    def __init__(
        self,
        folder: Path,
        clips: ClipMemory,
        report: Report,
        *,
        welcome: Callable[[], Awaitable[None]],
        listening: Callable[[], Awaitable[None]],
    ) -> None:
        self._folder = folder
        self._clips = clips
        self._report = report
        self._welcome = welcome
        self._listening = listening
        self._known: OrderedDict[str, None] = OrderedDict()
        self._missing: dict[str, str] = {}
        self._making = asyncio.Lock()
        self._numbers = itertools.count(1)
        self._later: set[asyncio.Future[None]] = set()

    async def prepare(self, sentence: str) -> str:
        """Have a sentence spoken into its file, and return the id of its clip, empty if there is no voice."""
        name = spoken.file_name("ring", sentence)
        if (self._folder / name).exists():
            return name
        if not spoken.has_voice():
            return ""
        self._missing[name] = sentence
        await self._listening()
        async with self._making:
            await asyncio.sleep(_TOGETHER_S)
            if wanted := self._missing:
                self._missing = {}
                if complaint := await spoken.synthesise(self._folder, wanted):
                    tell(_log, logging.WARNING, "ring-names", problem=f"names cannot be spoken: {complaint}")
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

    async def announce(self, sentence: str) -> bool:
        """Announce a sentence once announcements are welcome; return whether it can be."""
        if not await self.prepare(sentence):
            return False
        task = asyncio.ensure_future(self._announce_later(sentence))
        self._later.add(task)
        task.add_done_callback(self._later.discard)
        return True

    async def _announce_later(self, sentence: str) -> None:
        await self._welcome()
        clip_id = await self.ready(sentence)
        name = f"late-{next(self._numbers)}"
        self._report(AnnouncementDue(Announcement(name, clip_id, Priority.ANNOUNCEMENT, has_chime=True)))

    def _sweep(self) -> None:
        """Remove the names that were made first; those of what is still set are made again when it next rings."""
        files = sorted(self._folder.glob("ring-*.s16"), key=lambda place: place.stat().st_mtime)
        for place in files[:-_MOST_FILES]:
            with contextlib.suppress(OSError):
                place.unlink()
