"""What the disk keeps of the rings, and what happens where it keeps nothing: that is reported, and never fatal."""

import itertools
import logging
from collections.abc import Iterable
from dataclasses import replace

from edgevoice.alarms.ring_book import RingBook
from edgevoice.alarms.rings import ScheduledRing
from edgevoice.errors import StorageUnavailable
from edgevoice.journal import tell

_log = logging.getLogger(__name__)

_SURE_EVERY = 60
"""Every how many looks the file itself is asked whether it has changed: two changes within one tick of the kernel's
clock, 4 ms, may look like one from outside.
"""

_FIRST_UNKEPT = 10**9
"""The ids of what the disk could not keep begin here: they are never those of what it keeps."""


class KeptRings:
    """A `RingBook` that may fail; ``problem`` says in one line why it did the last time, empty if it did not."""

    def __init__(self, book: RingBook) -> None:
        self._book = book
        self._unkept = itertools.count(_FIRST_UNKEPT)
        self._version: int | None = None
        self._stamp: object = None
        self._looks = 0
        self._has_warned = False
        self.problem = ""

    def is_unkept(self, ring: ScheduledRing) -> bool:
        """Return whether the disk could not keep it."""
        return ring.ring_id >= _FIRST_UNKEPT

    async def rings(self) -> list[ScheduledRing] | None:
        """Return everything that is kept, ``None`` if it cannot be read."""
        try:
            return await self._book.rings()
        except StorageUnavailable as error:
            self._complain(error)
            return None

    async def keep(self, ring: ScheduledRing) -> ScheduledRing:
        """Keep one, and return it with its id, whether or not the disk took it."""
        try:
            kept = await self._book.keep(replace(ring, ring_id=0) if self.is_unkept(ring) else ring)
        except StorageUnavailable as error:
            self._complain(error)
            return ring if ring.ring_id else replace(ring, ring_id=next(self._unkept))
        self.problem = ""
        return kept

    def take_warning(self) -> bool:
        """Return whether to warn the user of the disk: once, until it has kept something again."""
        had_warned, self._has_warned = self._has_warned, bool(self.problem)
        return self._has_warned and not had_warned

    async def drop(self, ring_ids: Iterable[int]) -> None:
        """Keep these no longer."""
        try:
            await self._book.drop(ring_ids)
        except StorageUnavailable as error:
            self._complain(error)

    async def known_s(self) -> float:
        """Return the last wall time that was known, 0 if none was."""
        try:
            return await self._book.known_s()
        except StorageUnavailable as error:
            self._complain(error)
            return 0.0

    async def know(self, wall_s: float) -> None:
        """Keep the wall time."""
        try:
            await self._book.know(wall_s)
        except StorageUnavailable as error:
            self._complain(error)

    async def has_changed(self) -> bool:
        """Return whether another process has changed what is kept since the last call."""
        stamp, before = self._book.stamp(), self._stamp
        self._looks += 1
        if stamp == before and self._looks % _SURE_EVERY and self._version is not None:
            return False  # the thread that owns the file is not woken for nothing
        self._stamp = stamp
        try:
            version = await self._book.version()
        except StorageUnavailable as error:
            self._complain(error)
            return False
        known, self._version = self._version, version
        return known is not None and known != version

    def _complain(self, error: StorageUnavailable) -> None:
        if not self.problem:
            tell(_log, logging.ERROR, "alarms-unkept", code=error.code, problem=error.line())
        self.problem = error.line()
