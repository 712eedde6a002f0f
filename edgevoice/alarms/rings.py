"""What is to ring: a timer, an alarm or a reminder, and how people name it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from edgevoice.steady_clock import ClockReading

LONGEST_LABEL = 80
"""Characters: more are no name, and speaking it would take longer than people listen."""


class RingKind(StrEnum):
    """What rings."""

    TIMER = "timer"
    ALARM = "alarm"
    REMINDER = "reminder"


@dataclass(frozen=True, slots=True)
class ScheduledRing:
    """Something that will ring; ``ring_id`` is 0 before it is kept.

    A timer, and whatever was snoozed, is due at ``due_boot_s`` of the boot ``boot_id``; in any other boot at
    ``due_wall_s``, as everything else is. While it is paused it is never due, and ``paused_s`` is left of it.
    ``seconds`` is how long a timer was set for. ``first`` is the local time at
    which an alarm or a reminder rings first, in ISO format without an offset, and ``rule`` how it recurs, as an RRULE,
    empty if it does not. Where the time zone changes, they follow it. ``since_s`` is the wall time after which the next
    occurrence is to be found: when it was set, or when it last rang.
    """

    kind: RingKind
    label: str = ""
    ring_id: int = 0
    due_wall_s: float = 0.0
    due_boot_s: float | None = None
    boot_id: str = ""
    seconds: int = 0
    first: str = ""
    rule: str = ""
    since_s: float = 0.0
    paused_s: float | None = None

    @property
    def is_paused(self) -> bool:
        """Whether it waits until it is resumed."""
        return self.paused_s is not None

    def left_s(self, now: ClockReading) -> float:
        """Return how long until it is due, in seconds, or would be if it were resumed now; negative once it is."""
        if self.paused_s is not None:
            return self.paused_s
        if self.due_boot_s is not None and self.boot_id == now.boot_id:
            return self.due_boot_s - now.boot_s
        return self.due_wall_s - now.wall_s


def named(rings: Sequence[ScheduledRing], label: str | None) -> list[ScheduledRing]:
    """Return those that people mean by a name: those of just that name, else those that have it as a part of theirs.

    ``None`` is any name.
    """
    if label is None:
        return list(rings)
    wanted = label.strip().casefold()
    exact = [one for one in rings if one.label.strip().casefold() == wanted]
    return exact or [one for one in rings if wanted in one.label.casefold()]


def spoken_name(ring: ScheduledRing) -> str:
    """Return what the box says when it rings, one short sentence."""
    match ring.kind:
        case RingKind.TIMER:
            return f"Your {ring.label or spoken_length(ring.seconds)} timer."
        case RingKind.ALARM:
            clock = ring.first[11:16]
            return f"It is time: {ring.label}." if ring.label else f"Your {clock} alarm."
        case RingKind.REMINDER:
            return f"Reminder: {ring.label}."


def spoken_late(ring: ScheduledRing, late_s: float) -> str:
    """Return what the box says of something that came due while it could not ring."""
    return f"{spoken_name(ring)[:-1]}, {_said(round(late_s), plural=True)} ago."


def spoken_length(seconds: int) -> str:
    """Return a length of time as people say it before a noun: "1 hour and 30 minute"."""
    return _said(seconds, plural=False)


def _said(seconds: int, *, plural: bool) -> str:
    """Return a length of time in its two largest units."""
    parts = [(seconds // 86_400, "day"), (seconds // 3600 % 24, "hour"), (seconds // 60 % 60, "minute")]
    parts.append((seconds % 60, "second"))
    said = [f"{count} {unit}{'s' if plural and count != 1 else ''}" for count, unit in parts if count][:2]
    return " and ".join(said) or "0 seconds"
