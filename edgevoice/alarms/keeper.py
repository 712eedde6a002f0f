"""Keeper: reports what is due, on time, and keeps what is set. It runs beside the box, in the loop's thread."""

import asyncio
import logging
from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Protocol

from edgevoice.alarms.kept import KeptRings
from edgevoice.alarms.local_clock import LocalClock
from edgevoice.alarms.ring_book import RingBook
from edgevoice.alarms.rings import RingKind, ScheduledRing, spoken_late, spoken_name
from edgevoice.alarms.schedule import MOST_RINGS, Due, Schedule, after_ring, by_clock, in_seconds, in_zone
from edgevoice.alarms.tasks_beside import TasksBeside
from edgevoice.core.announcements import RingDue, RingOutcome, RingWithdrawn
from edgevoice.core.facts import Event
from edgevoice.core.notices import Notice
from edgevoice.core.orders import ReportRing
from edgevoice.core.ports import Observer, Report
from edgevoice.journal import tell
from edgevoice.steady_clock import BACK_S, ClockReading
from edgevoice.tick import until_tick_s

_log = logging.getLogger(__name__)

_LOOK_EVERY_S = 1.0
"""How often it looks at the clocks: they may have been set, the machine suspended, the file changed by a command."""

_SHORTEST_S = 0.001
"""The shortest wait: clocks are read in steps, so that a moment less would not end."""

_KNOW_EVERY_S = 3600.0
"""How often the wall time is kept, so that a box without a battery for its clock knows roughly when it is."""

_SNOOZABLE_S = 900.0
"""How long after it has rung something can be snoozed."""

_MEANT_S = 60.0
"""For how long after a ring "turn off the alarm" means what has rung: the wake word has silenced it already."""

_RINGS_LATE_S = 900.0
"""What has come due longer ago than this is announced instead of ringing: nobody waits for it any more."""

UNKEPT = "I cannot store anything at the moment. What you set rings, unless I am switched off before."
"""What the box says of a full or broken disk."""

_READY_BEFORE_S = 3.0
"""How long before it is due the spoken name of a ring is brought into memory: reading a file takes some ms."""


@dataclass(frozen=True, slots=True)
class _Rang:
    """What rang last, and when it fell silent, by the boot clock; ``is_newest``: nothing was set since.

    ``again`` is the id under which it rings again, if it was snoozed.
    """

    ring: ScheduledRing
    boot_s: float
    is_newest: bool = True
    again: int = 0


def _to_nobody(_event: Event) -> None:
    """Stand in for the box before it runs."""


class RingVoice(Protocol):
    """Speaks the names of what rings."""

    async def prepare(self, sentence: str) -> str:
        """Have a sentence spoken, and return the id of its clip, empty if there is no voice."""
        ...

    async def ready(self, sentence: str) -> str:
        """Give the speaker the clip of a sentence, and return its id, empty if it is not there."""
        ...

    async def welcome(self) -> None:
        """Wait until announcements are welcome: until quiet hours are over."""
        ...

    async def announce(self, sentence: str) -> bool:
        """Announce a sentence when it is its turn; return whether it was heard, or cut by somebody who heard it."""
        ...


class NoVoice:
    """Speaks nothing: the earcon must do."""

    async def prepare(self, _sentence: str) -> str:
        """Return that there is no clip."""
        return ""

    async def ready(self, _sentence: str) -> str:
        """Return that there is no clip."""
        return ""

    async def welcome(self) -> None:
        """Return at once: a ring is all that there is."""

    async def announce(self, _sentence: str) -> bool:
        """Return that it cannot be announced."""
        return False


class Keeper(Observer):
    """Timers, alarms and reminders of a box. What the disk does not keep rings all the same while the program runs.

    ``snooze_s``: how long a snooze lasts unless somebody says otherwise.
    """

    def __init__(
        self, book: RingBook, voice: RingVoice, *, snooze_s: float = 540.0, clock: LocalClock | None = None
    ) -> None:
        self._kept = KeptRings(book)
        self._voice = voice
        self._snooze_s = snooze_s
        self._clock = clock or LocalClock()
        self._schedule = Schedule()
        self._loading = asyncio.Lock()
        self._is_loaded = False
        self._changed = asyncio.Event()
        self._ended: deque[ReportRing] = deque()
        self._latest: _Rang | None = None
        self._beside = TasksBeside()
        self._report: Report = _to_nobody

    # --- what people and tools do -------------------------------------------------------------------------------------

    @property
    def problem(self) -> str:
        """Why the disk does not keep what is set, in one line; empty if it does."""
        return self._kept.problem

    @property
    def zone(self) -> tzinfo:
        """The local time zone."""
        return self._clock.zone()

    def now(self) -> ClockReading:
        """Return the clocks, as they are to be believed."""
        return self._clock.now()

    async def rings(self) -> list[ScheduledRing]:
        """Return everything that is set, in the order in which it was."""
        await self._load()
        return self._schedule.rings

    async def add(self, ring: ScheduledRing) -> ScheduledRing:
        """Set it, and return it with its id. Raises ``OverflowError`` if there are too many."""
        await self._load()
        if len(self._schedule.rings) >= MOST_RINGS and self._schedule.get(ring.ring_id) is None:
            raise OverflowError(f"{MOST_RINGS} are set already")
        kept = await self._kept.keep(ring)
        if self._latest is not None:
            self._latest = replace(self._latest, is_newest=False)
        if self._kept.take_warning():
            # Whoever set it may see neither a screen nor a log.
            self._beside.run(self._voice.announce(UNKEPT))
        self._schedule.put(kept)
        self._changed.set()
        self._beside.run(self._voice.prepare(spoken_name(kept)))
        return kept

    async def cancel(self, ring_ids: Iterable[int]) -> None:
        """Cancel these; what rings falls silent."""
        await self._load()
        ids = set(ring_ids)
        ringing = ids & self._schedule.reported
        for ring_id in ids:
            self._schedule.remove(ring_id)
        await self._kept.drop(ids)
        for ring_id in ringing:
            self._withdraw(ring_id)
        self._changed.set()

    async def snooze_latest(self, seconds: float | None = None) -> ScheduledRing | None:
        """Let what rang last ring again in ``seconds``, and only then; ``None`` if that is too long ago."""
        latest = self._latest
        if latest is None or self.now().boot_s - latest.boot_s > _SNOOZABLE_S:
            return None
        if latest.again:
            await self.cancel([latest.again])
        return await self._snooze(latest, seconds)

    async def silence(self, kinds: Collection[RingKind]) -> ScheduledRing | None:
        """Silence what rings of these kinds, as the stop word does, and return it; it stays set if it recurs.

        If nothing does, return what fell silent a moment ago, or was snoozed, and cancel its snooze: whoever says "turn
        off the alarm" means that, not those that are still to come. ``None`` if there is neither, or if something was
        set since.
        """
        await self._load()
        now = self.now()
        for ring in self._schedule.rings:
            is_ringing = ring.ring_id in self._schedule.reported and -ring.left_s(now) <= _RINGS_LATE_S
            if is_ringing and ring.kind in kinds:
                self._withdraw(ring.ring_id)
                self._latest = _Rang(ring, now.boot_s)
                await self._follow(ring)
        latest = self._latest
        if latest is None or not latest.is_newest or latest.ring.kind not in kinds:
            return None
        if self._schedule.get(latest.again) is not None:
            await self.cancel([latest.again])
            return latest.ring
        return latest.ring if now.boot_s - latest.boot_s <= _MEANT_S else None

    async def _snooze(self, latest: _Rang, seconds: float | None = None) -> ScheduledRing:
        # Another one: the next occurrence of one that recurs stays as it is.
        once = replace(latest.ring, ring_id=0, rule="")
        again = await self.add(in_seconds(once, self._snooze_s if seconds is None else seconds, self.now()))
        self._latest = replace(latest, again=again.ring_id)
        return again

    # --- beside the box -----------------------------------------------------------------------------------------------

    def observe(self, notice: Notice, _now: float) -> None:
        """Take how a ring ended."""
        if isinstance(notice, ReportRing):
            self._ended.append(notice)
            self._changed.set()

    async def run(self, report: Report) -> None:
        """Report what is due until cancelled."""
        self._report = report
        await self._load()
        known_s, before_s = 0.0, 0.0
        try:
            while True:
                while self._ended:
                    await self._rang(self._ended.popleft())
                now = self.now()
                if now.wall_s < before_s - BACK_S:
                    await self._reload()  # the clock was far ahead
                before_s = now.wall_s
                for due in self._schedule.take_due(now):
                    await self._come_due(due)
                await self._make_ready(now)
                if await self._wait(now):
                    continue  # something is due in a moment: the disk can wait
                if await self._kept.has_changed():
                    await self._reload()
                if abs(now.wall_s - known_s) >= _KNOW_EVERY_S:
                    known_s = now.wall_s
                    await self._kept.know(known_s)
        finally:
            self._beside.cancel_all()

    async def _wait(self, now: ClockReading) -> bool:
        """Wait until something is due or has changed, or the clocks must be looked at; return whether it is due."""
        left_s = self._schedule.next_in_s(now)
        loop = asyncio.get_running_loop()
        look_s = until_tick_s(loop.time(), _LOOK_EVERY_S)
        pause_s = look_s if left_s is None else min(look_s, max(_SHORTEST_S, left_s))
        # A timeout would cancel and wake the task twice, each second of the box's life.
        look = loop.call_later(pause_s, self._changed.set)
        await self._changed.wait()
        look.cancel()
        self._changed.clear()
        return left_s is not None and left_s <= _LOOK_EVERY_S

    async def _load(self) -> None:
        """Read what is kept, once."""
        async with self._loading:
            if not self._is_loaded:
                await self._read()
                self._is_loaded = True

    async def _read(self) -> None:
        self._clock.know(await self._kept.known_s())
        self._schedule = Schedule(self._in_zone(await self._kept.rings() or []))
        for ring in self._schedule.rings:
            self._beside.run(self._voice.prepare(spoken_name(ring)))

    async def _reload(self) -> None:
        """Take what a command has changed; what is not kept stays as it is."""
        if (rings := await self._kept.rings()) is None:
            return
        kept = self._in_zone(rings)
        unkept = [ring for ring in self._schedule.rings if self._kept.is_unkept(ring)]
        new = [ring for ring in kept if self._schedule.get(ring.ring_id) is None]
        for ring_id in self._schedule.replace_all([*kept, *unkept]):
            self._withdraw(ring_id)
        for ring in new:
            self._beside.run(self._voice.prepare(spoken_name(ring)))

    def _in_zone(self, rings: Collection[ScheduledRing]) -> list[ScheduledRing]:
        if not rings:
            return []  # the rules of time zones are not even loaded
        now, zone = self.now(), self._clock.zone()
        return [moved for ring in rings if (moved := in_zone(by_clock(ring, now), zone)) is not None]

    async def _come_due(self, due: Due) -> None:
        if due.late_s > _RINGS_LATE_S:
            # Beside: what is due meanwhile rings on time. It is kept until it was said, over restarts, too.
            self._beside.run(self._say_missed(due), due.ring.ring_id)
        else:
            await self._ring(due)

    async def _say_missed(self, due: Due) -> None:
        await self._voice.welcome()
        late_s = -due.ring.left_s(self.now())
        if await self._voice.announce(spoken_late(due.ring, late_s)):
            await self._follow(due.ring)
        else:
            # Without a voice nothing but a ring can say that something was missed.
            await self._ring(Due(due.ring, late_s))

    async def _ring(self, due: Due) -> None:
        tell(_log, logging.INFO, "ring", kind=due.ring.kind, late_ms=round(due.late_s * 1000))
        self._report(RingDue(due.ring.ring_id, await self._voice.ready(spoken_name(due.ring))))

    async def _make_ready(self, now: ClockReading) -> None:
        left_s = self._schedule.next_in_s(now)
        if left_s is None or left_s > _READY_BEFORE_S:
            return
        for ring in self._schedule.rings:
            if 0 < ring.left_s(now) <= _READY_BEFORE_S and not ring.is_paused:
                await self._voice.ready(spoken_name(ring))

    async def _rang(self, ended: ReportRing) -> None:
        ring = self._schedule.get(ended.ring_id)
        if ring is None or ended.ring_id not in self._schedule.reported:
            return  # cancelled, or silenced and set for its next occurrence
        self._latest = _Rang(ring, self.now().boot_s)
        if ended.outcome is RingOutcome.SNOOZED:
            try:
                await self._snooze(self._latest)
            except OverflowError as error:
                tell(_log, logging.WARNING, "not-snoozed", problem=str(error))
        await self._follow(ring)

    async def _follow(self, ring: ScheduledRing) -> None:
        """Set the next occurrence of something that has rung, or drop it."""
        following = after_ring(ring, self.now(), self._clock.zone())
        if following is None:
            self._schedule.remove(ring.ring_id)
            await self._kept.drop([ring.ring_id])
        else:
            self._schedule.put(await self._kept.keep(following))

    def _withdraw(self, ring_id: int) -> None:
        """Silence something that was cancelled while it rang, or before it was said that it had been missed."""
        self._beside.cancel(ring_id)
        self._report(RingWithdrawn(ring_id))
