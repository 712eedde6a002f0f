"""A box that keeps timers and alarms in virtual time, with clocks that a test may set, and a disk that may be full."""

import asyncio
import json
from collections.abc import Coroutine, Iterable
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from edgevoice.alarms.keeper import Keeper
from edgevoice.alarms.local_clock import LocalClock
from edgevoice.alarms.rings import ScheduledRing
from edgevoice.alarms.tools import AlarmTools
from edgevoice.core.announcements import RingOutcome
from edgevoice.core.facts import Event
from edgevoice.core.orders import ReportRing
from edgevoice.errors import StorageUnavailable
from edgevoice.steady_clock import ClockReading
from edgevoice.tools.functions import FunctionSource
from tests.tools.calling import called

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY_NOON_S = 1_764_586_800.0
"""2025-12-01, 12:00 in Berlin, a Monday."""


class Shelf:
    """A book in memory, which outlives the boxes that use it."""

    def __init__(self) -> None:
        self.kept: dict[int, ScheduledRing] = {}
        self.known = 0.0
        self.changes = 0
        self.is_full = False
        self._count = 0

    def _need_space(self) -> None:
        if self.is_full:
            raise StorageUnavailable("the disk is full")

    async def rings(self) -> list[ScheduledRing]:
        self._need_space()
        return list(self.kept.values())

    async def known_s(self) -> float:
        self._need_space()
        return self.known

    async def know(self, wall_s: float) -> None:
        self._need_space()
        self.known = wall_s

    async def keep(self, ring: ScheduledRing) -> ScheduledRing:
        self._need_space()
        self._count += not ring.ring_id
        kept = replace(ring, ring_id=ring.ring_id or self._count)
        self.kept[kept.ring_id] = kept
        return kept

    async def drop(self, ring_ids: Iterable[int]) -> None:
        self._need_space()
        for ring_id in ring_ids:
            self.kept.pop(ring_id, None)

    async def version(self) -> int:
        self._need_space()
        return self.changes

    def stamp(self) -> object:
        return self.changes


class Speech:
    """A voice that has spoken everything at once; without ``words`` there is none."""

    def __init__(self, *, has_words: bool = True) -> None:
        self.has_words = has_words
        self.prepared: list[str] = []
        self.announced: list[str] = []
        self.is_welcome = asyncio.Event()
        self.is_welcome.set()

    async def prepare(self, sentence: str) -> str:
        self.prepared.append(sentence)
        return sentence if self.has_words else ""

    async def ready(self, sentence: str) -> str:
        return sentence if self.has_words else ""

    async def welcome(self) -> None:
        await self.is_welcome.wait()

    async def announce(self, sentence: str) -> bool:
        if self.has_words:
            self.announced.append(sentence)
        return self.has_words


class House:
    """One run of a box; its clocks begin at ``wall_s`` and ``boot_s``. Use it inside `virtual_time.run`."""

    def __init__(
        self,
        shelf: Shelf,
        *,
        wall_s: float = MONDAY_NOON_S,
        boot_s: float = 100.0,
        boot_id: str = "first",
        speech: Speech | None = None,
    ) -> None:
        self._began = asyncio.get_running_loop().time()
        self.wall_s, self.boot_s, self.boot_id = wall_s, boot_s, boot_id
        self.is_set = False
        self.zone = BERLIN
        self.speech = speech or Speech()
        self.reported: list[tuple[float, Event]] = []
        self.keeper = Keeper(shelf, self.speech, clock=LocalClock(self._read, lambda: self.zone))
        self._tools = {
            tool.definition.name: tool for tool in FunctionSource(AlarmTools(self.keeper).functions()).tools()
        }
        self._running = asyncio.ensure_future(self.keeper.run(self._report))

    def _read(self) -> ClockReading:
        passed = self.passed_s
        return ClockReading(self.wall_s + passed, self.boot_s + passed, self.boot_id, self.is_set)

    @property
    def passed_s(self) -> float:
        return asyncio.get_running_loop().time() - self._began

    @property
    def facts(self) -> list[Event]:
        return [event for _, event in self.reported]

    def _report(self, event: Event) -> None:
        self.reported.append((round(self.passed_s, 3), event))

    async def ask(self, tool: str, **arguments: Any) -> Any:
        """Call a tool as the model does."""
        return await called(self._tools[tool], json.dumps(arguments))

    async def ends(self, ring_id: int, outcome: RingOutcome = RingOutcome.STOPPED) -> None:
        """Let the box report how a ring ended."""
        self.keeper.observe(ReportRing(ring_id, outcome), 0.0)
        await asyncio.sleep(0.01)

    async def switch_off(self) -> None:
        """End this run without a goodbye."""
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)


Story = Coroutine[Any, Any, None]
