"""Named deadlines: many can run, the core publishes the nearest one. No clock."""

from enum import Enum, auto


class Deadline(Enum):
    """What the conversation waits for, and must not wait for without end."""

    CONNECT = auto()
    REDIAL = auto()
    LISTEN = auto()
    ANSWER = auto()
    ASK = auto()
    SESSION = auto()
    RENEW = auto()
    BUDGET = auto()
    FAULT = auto()
    RING = auto()
    ECHO_TAIL = auto()
    RESUME = auto()
    ROOM_QUIET = auto()


class Deadlines:
    """A handful of deadlines in monotonic seconds."""

    def __init__(self) -> None:
        self._at: dict[Deadline, float] = {}

    def set(self, name: Deadline, at: float) -> None:
        """Start or move a deadline."""
        self._at[name] = at

    def clear(self, *names: Deadline) -> None:
        """Forget deadlines; those that do not run are no matter."""
        for name in names:
            self._at.pop(name, None)

    def spare(self, now: float, until: float, *names: Deadline) -> None:
        """Put off to ``until`` those of these deadlines that are over at ``now``."""
        for name in names:
            if name in self._at and self._at[name] <= now:
                self._at[name] = until

    def at(self, name: Deadline) -> float | None:
        """Return when a deadline is, or ``None`` when it does not run."""
        return self._at.get(name)

    def next(self) -> float | None:
        """Return the nearest deadline, or ``None`` when nothing is waited for."""
        return min(self._at.values(), default=None)

    def take_due(self, now: float) -> Deadline | None:
        """Return the earliest deadline that is over, and forget it; ``None`` when there is none.

        One at a time: what is done about the first may call off the next.
        """
        name = min(self._at, key=self._at.__getitem__, default=None)
        if name is None or self._at[name] > now:
            return None
        del self._at[name]
        return name
