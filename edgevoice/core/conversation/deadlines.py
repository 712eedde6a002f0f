"""Named deadlines: many can run; the conversation publishes the nearest one. No clock."""

from enum import Enum, auto


class Deadline(Enum):
    """What the conversation waits for, but not indefinitely."""

    CONNECT = auto()
    REDIAL = auto()
    LISTEN = auto()
    ANSWER = auto()
    ASK = auto()
    SESSION = auto()
    RENEW = auto()
    BUDGET = auto()
    FAULT = auto()
    VOLUME = auto()
    RING = auto()
    QUESTION = auto()
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
        """Remove deadlines; those that are not running are ignored."""
        for name in names:
            self._at.pop(name, None)

    def spare(self, now: float, until: float, *names: Deadline) -> None:
        """Postpone to ``until`` those of these deadlines that have passed at ``now``."""
        for name in names:
            if name in self._at and self._at[name] <= now:
                self._at[name] = until

    def at(self, name: Deadline) -> float | None:
        """Return when a deadline is due, or ``None`` if it is not running."""
        return self._at.get(name)

    def next(self) -> float | None:
        """Return the nearest deadline, or ``None`` if none is running."""
        return min(self._at.values(), default=None)

    def take_due(self, now: float) -> Deadline | None:
        """Remove and return the earliest deadline that has passed; ``None`` if there is none.

        One at a time, because handling the first may cancel the next.
        """
        name = min(self._at, key=self._at.__getitem__, default=None)
        if name is None or self._at[name] > now:
            return None
        del self._at[name]
        return name
