"""Records what happened on the stage, in order, with its time, and waits for what should happen next."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from edgevoice.core.notices import Notice
from edgevoice.core.ports import Observer
from edgevoice.errors import EdgevoiceError

_T = TypeVar("_T")


class StepMissed(EdgevoiceError, TimeoutError):
    """Something that should have happened did not, within its time limit."""

    code = "step-missed"
    remedy = "The lines above show what happened before it; run it again on a machine that is less busy."


@dataclass(frozen=True, slots=True)
class Note:
    """A notice and its monotonic time in seconds."""

    at_s: float
    notice: Notice


class Seen(Observer):
    """An observer that keeps every notice. ``mark`` sets where ``wait_for`` begins to search."""

    def __init__(self) -> None:
        self.notes: list[Note] = []
        self._from = 0
        self._news = asyncio.Event()

    def observe(self, notice: Notice, now: float) -> None:
        """Record what happened."""
        self.notes.append(Note(now, notice))
        self._news.set()

    def mark(self) -> None:
        """Count only what happens from now on."""
        self._from = len(self.notes)

    def all_of(self, kind: type[_T], since: int = 0) -> Iterator[tuple[float, _T]]:
        """Yield every notice of a kind, with its time, oldest first."""
        for note in self.notes[since:]:
            if isinstance(note.notice, kind):
                yield note.at_s, note.notice

    def first(self, kind: type[_T], what: str) -> tuple[float, _T]:
        """Return the first notice of a kind, and its time; ``StepMissed`` names ``what`` is missing."""
        for found in self.all_of(kind):
            return found
        raise StepMissed(f"{what} did not happen")

    async def wait_for(
        self, kind: type[_T], what: str, limit_s: float, where: Callable[[_T], bool] = lambda _notice: True
    ) -> tuple[float, _T]:
        """Return the first matching notice since the mark and its time; ``StepMissed`` names ``what`` is missing.

        A notice that is found is consumed: the next wait searches after it.
        """
        try:
            async with asyncio.timeout(limit_s):
                while True:
                    for index in range(self._from, len(self.notes)):
                        note = self.notes[index]
                        if isinstance(note.notice, kind) and where(note.notice):
                            self._from = index + 1
                            return note.at_s, note.notice
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise StepMissed(f"{what} did not happen within {limit_s:g} s") from None
