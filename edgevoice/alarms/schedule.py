"""Schedule: everything that is to ring, what of it is due, and what follows when it has rung. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo

from edgevoice.alarms.recurrence import next_occurrence
from edgevoice.alarms.rings import RingKind, ScheduledRing
from edgevoice.steady_clock import BACK_S, ClockReading

MOST_RINGS = 1000
"""How many timers, alarms and reminders there may be at a time."""

LONGEST_TIMER_S = 86_400
"""A day."""


@dataclass(frozen=True, slots=True)
class Due:
    """Something is due since ``late_s`` seconds."""

    ring: ScheduledRing
    late_s: float


class Schedule:
    """What is to ring, by its id. What is due stays so until it is ``over``, but is reported once."""

    def __init__(self, rings: Iterable[ScheduledRing] = ()) -> None:
        self._rings = {ring.ring_id: ring for ring in rings}
        self._reported: set[int] = set()
        self._nearest: dict[str, float] | None = None

    @property
    def rings(self) -> list[ScheduledRing]:
        """Everything that is to ring or rings, in the order in which it was set."""
        return list(self._rings.values())

    @property
    def reported(self) -> set[int]:
        """The ids of what is due and was reported."""
        return set(self._reported)

    def get(self, ring_id: int) -> ScheduledRing | None:
        """Return what has this id."""
        return self._rings.get(ring_id)

    def put(self, ring: ScheduledRing) -> None:
        """Add something, or replace it; it is reported when it is due."""
        self._rings[ring.ring_id] = ring
        self._reported.discard(ring.ring_id)
        self._nearest = None

    def remove(self, ring_id: int) -> None:
        """Remove it, if it is there."""
        self._rings.pop(ring_id, None)
        self._reported.discard(ring_id)
        self._nearest = None

    def replace_all(self, rings: Iterable[ScheduledRing]) -> set[int]:
        """Take what is kept now; return the ids of what was due and is no longer there, or is due another time."""
        before, self._rings = self._rings, {ring.ring_id: ring for ring in rings}
        gone = {one for one in self._reported if self._rings.get(one) != before.get(one)}
        self._reported -= gone
        self._nearest = None
        return gone

    def take_due(self, now: ClockReading) -> list[Due]:
        """Return what has come due since the last call, the longest due first."""
        if (next_s := self.next_in_s(now)) is None or next_s > 0:
            return []
        due = [Due(ring, -left_s) for ring in self._waiting if (left_s := ring.left_s(now)) <= 0]
        self._reported |= {one.ring.ring_id for one in due}
        self._nearest = None
        return sorted(due, key=lambda one: -one.late_s)

    def next_in_s(self, now: ClockReading) -> float | None:
        """Return how long until the next is due, in seconds; ``None`` if nothing is."""
        if self._nearest is None:
            self._nearest = self._find_nearest(now.boot_id)
        left_s = [due_s - (now.boot_s if clock else now.wall_s) for clock, due_s in self._nearest.items()]
        return min(left_s, default=None)

    def _find_nearest(self, boot_id: str) -> dict[str, float]:
        """Return the first due time by each clock: that of this boot, by its id, and the wall clock, without one."""
        nearest: dict[str, float] = {}
        for ring in self._waiting:
            is_of_boot = ring.due_boot_s is not None and ring.boot_id == boot_id
            clock, due_s = (boot_id, ring.due_boot_s) if is_of_boot else ("", ring.due_wall_s)
            nearest[clock] = min(due_s or 0.0, nearest.get(clock, float("inf")))
        return nearest

    @property
    def _waiting(self) -> list[ScheduledRing]:
        return [ring for ring in self._rings.values() if not (ring.is_paused or ring.ring_id in self._reported)]


def timer(seconds: float, label: str, now: ClockReading) -> ScheduledRing:
    """Return a timer that rings after ``seconds``."""
    return in_seconds(ScheduledRing(RingKind.TIMER, label, seconds=round(seconds)), seconds, now)


def in_seconds(ring: ScheduledRing, seconds: float, now: ClockReading) -> ScheduledRing:
    """Return ``ring`` due in ``seconds`` from now, by the clock that nobody can set."""
    due_wall_s, due_boot_s = now.wall_s + seconds, now.boot_s + seconds
    return replace(ring, due_wall_s=due_wall_s, due_boot_s=due_boot_s, boot_id=now.boot_id, paused_s=None)


def paused(ring: ScheduledRing, now: ClockReading) -> ScheduledRing:
    """Return a timer that waits, with what is left of it."""
    return replace(ring, paused_s=ring.left_s(now))


def resumed(ring: ScheduledRing, now: ClockReading) -> ScheduledRing:
    """Return a paused timer that runs again, for what was left of it."""
    return in_seconds(ring, ring.left_s(now), now)


def later(ring: ScheduledRing, seconds: float, now: ClockReading) -> ScheduledRing:
    """Return a timer with so much more left, at least a second; a paused one stays so."""
    left_s = max(1.0, ring.left_s(now) + seconds)
    return replace(ring, paused_s=left_s) if ring.is_paused else in_seconds(ring, left_s, now)


def at_local_time(
    kind: RingKind, label: str, first: datetime, rule: str, now: ClockReading, zone: tzinfo
) -> ScheduledRing | None:
    """Return an alarm or a reminder; ``None`` if its time has passed. Raises ``ValueError`` for a rule that is none."""
    ring = ScheduledRing(kind, label, first=first.isoformat(timespec="minutes"), rule=rule, since_s=now.wall_s)
    return resolved(ring, zone)


def resolved(ring: ScheduledRing, zone: tzinfo) -> ScheduledRing | None:
    """Return an alarm or a reminder with the moment of its next occurrence; ``None`` if there is no more."""
    due_s = next_occurrence(datetime.fromisoformat(ring.first), ring.rule, ring.since_s, zone)
    return None if due_s is None else replace(ring, due_wall_s=due_s, due_boot_s=None, boot_id="")


def after_ring(ring: ScheduledRing, now: ClockReading, zone: tzinfo) -> ScheduledRing | None:
    """Return what follows when it has rung: the next occurrence after now, ``None`` if there is none."""
    if not ring.rule:
        return None
    # A clock that was set back must not let the same occurrence ring again.
    since_s = max(now.wall_s, ring.due_wall_s if ring.due_boot_s is None else ring.since_s)
    return resolved(replace(ring, since_s=since_s), zone)


def by_clock(ring: ScheduledRing, now: ClockReading) -> ScheduledRing:
    """Return what recurs as it is where the clock was far ahead and has been set right: it last rang in no future."""
    is_ahead = bool(ring.rule) and ring.since_s > now.wall_s + BACK_S
    return replace(ring, since_s=now.wall_s) if is_ahead else ring


def in_zone(ring: ScheduledRing, zone: tzinfo) -> ScheduledRing | None:
    """Return an alarm or a reminder as it rings in this time zone; what counts seconds is left as it is."""
    return ring if ring.due_boot_s is not None or not ring.first else resolved(ring, zone)
