"""What keeps rings: the interface, and what keeps them in memory or not at all. Loads no SQLite."""

import itertools
from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol

from edgevoice.alarms.rings import ScheduledRing
from edgevoice.errors import StorageUnavailable


class RingBook(Protocol):
    """Where rings are kept. Everything raises ``StorageUnavailable`` where it cannot be read or written."""

    async def rings(self) -> list[ScheduledRing]:
        """Return everything that is kept, in the order in which it was set."""
        ...

    async def known_s(self) -> float:
        """Return the last wall time that was known, in seconds since the epoch; 0 if none was."""
        ...

    async def know(self, wall_s: float) -> None:
        """Keep the wall time."""
        ...

    async def keep(self, ring: ScheduledRing) -> ScheduledRing:
        """Keep one, in the place of that with its id, and return it with its id."""
        ...

    async def drop(self, ring_ids: Iterable[int]) -> None:
        """Keep these no longer."""
        ...

    async def version(self) -> int:
        """Return a number that changes whenever another process changes what is kept."""
        ...

    def stamp(self) -> object:
        """Return what differs after each change, by whomever; costs next to nothing and never waits for the disk."""
        ...


class NoBook:
    """Refuses to keep anything, for a disk that cannot be used."""

    async def rings(self) -> list[ScheduledRing]:
        """Return nothing."""
        return []

    async def known_s(self) -> float:
        """Return that no time is known."""
        return 0.0

    async def know(self, _wall_s: float) -> None:
        """Do nothing."""

    async def keep(self, ring: ScheduledRing) -> ScheduledRing:
        """Refuse it: ``StorageUnavailable``."""
        raise StorageUnavailable(f"{ring.kind}s are not kept here")

    async def drop(self, _ring_ids: Iterable[int]) -> None:
        """Do nothing."""

    async def version(self) -> int:
        """Return that nothing changes."""
        return 0

    def stamp(self) -> object:
        """Return that nothing changes."""
        return None


class MemoryBook:
    """Keeps what is set until the program ends."""

    def __init__(self) -> None:
        self._rings: dict[int, ScheduledRing] = {}
        self._ids = itertools.count(1)

    async def rings(self) -> list[ScheduledRing]:
        """Return everything that is kept."""
        return list(self._rings.values())

    async def known_s(self) -> float:
        """Return that no time was known before."""
        return 0.0

    async def know(self, _wall_s: float) -> None:
        """Do nothing."""

    async def keep(self, ring: ScheduledRing) -> ScheduledRing:
        """Keep one, and return it with its id."""
        kept = replace(ring, ring_id=ring.ring_id or next(self._ids))
        self._rings[kept.ring_id] = kept
        return kept

    async def drop(self, ring_ids: Iterable[int]) -> None:
        """Keep these no longer."""
        for ring_id in ring_ids:
            self._rings.pop(ring_id, None)

    async def version(self) -> int:
        """Return that no other process changes anything."""
        return 0

    def stamp(self) -> object:
        """Return that no other process changes anything."""
        return None
