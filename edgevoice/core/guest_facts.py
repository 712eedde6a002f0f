"""What the guests of the box report of themselves: the conversation ignores it, and observers show it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GuestFailed:
    """A guest (control, mqtt, music, metrics) does not work; ``problem`` and ``remedy`` are one line each.

    It is started again, unless only a person can help.
    """

    guest: str
    code: str
    problem: str
    remedy: str


@dataclass(frozen=True, slots=True)
class GuestRestored:
    """A guest that had failed works again."""

    guest: str


GuestFact = GuestFailed | GuestRestored
"""What happens to the guests."""
