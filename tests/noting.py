"""An observer for tests: keeps what it observes."""

from edgevoice.core.notices import Notice
from edgevoice.core.ports import Observer


class Noting(Observer):
    """Appends each notice to ``seen``."""

    def __init__(self, seen: list[Notice]) -> None:
        self.seen = seen

    def observe(self, notice: Notice, _now: float) -> None:
        self.seen.append(notice)
