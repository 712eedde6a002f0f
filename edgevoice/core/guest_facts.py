"""What the guests of the box report of themselves: the conversation ignores it, and observers show it."""

from msgspec import Struct


class GuestFailed(Struct, frozen=True):
    """A guest (control, mqtt, music, metrics) does not work; ``problem`` and ``remedy`` are one line each.

    It is started again, unless only a person can help.
    """

    guest: str
    code: str
    problem: str
    remedy: str


class GuestRestored(Struct, frozen=True):
    """A guest that had failed works again."""

    guest: str


GuestFact = GuestFailed | GuestRestored
"""What happens to the guests."""
