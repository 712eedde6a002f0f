"""Unemitted: what was rendered for a card that can be rewound, and what is to be reported once it can be no more.

No I/O, no clock, no lock. Positions count the samples rendered.
"""

from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

Mark = TypeVar("Mark")
Fact = TypeVar("Fact")


@dataclass(frozen=True, slots=True)
class _Block(Generic[Mark]):
    """One piece that was rendered at once, from ``begin`` on; ``mark`` is where all sounds were before it."""

    begin: int
    mark: Mark


@dataclass(frozen=True, slots=True)
class _Due(Generic[Fact]):
    """A fact that is true once the card has emitted everything before ``at``."""

    at: int
    fact: Fact


class Unemitted(Generic[Mark, Fact]):
    """The blocks that may be taken back, and the facts that wait until they cannot.

    So a fact is reported once, and only if it comes true: the end of an answer that is cut before it was heard is none.
    Nothing before position ``final`` can be taken back any more, even where the card says that it still could: that
    was rendered for a change, or reported. ``reached`` is the position that the card was last known to have reached.
    """

    def __init__(self) -> None:
        self.final = self.reached = 0
        self._blocks: deque[_Block[Mark]] = deque()
        self._facts: deque[_Due[Fact]] = deque()

    @property
    def next_due(self) -> int | None:
        """The position at which the next fact is true, if there is one."""
        return min((due.at for due in self._facts), default=None)

    @property
    def oldest(self) -> tuple[int, Mark] | None:
        """The begin and the mark of the first block that may still be taken back, if there is one."""
        return (self._blocks[0].begin, self._blocks[0].mark) if self._blocks else None

    def began(self, begin: int, mark: Mark) -> None:
        """Record that a block was rendered from ``begin`` on."""
        self._blocks.append(_Block(begin, mark))

    def wait(self, begin: int, at: int, fact: Fact) -> None:
        """Keep a fact of the block from ``begin`` until everything before ``at`` has been emitted.

        A fact at the very begin waits for the first sample: until then its block may be rendered again, with the fact.
        """
        self._facts.append(_Due(max(at, begin + 1), fact))

    def pop_due(self, position: int) -> list[Fact]:
        """Return the facts that are true now that nothing before ``position`` can be taken back."""
        self.final = max(self.final, position)
        due = [each.fact for each in self._facts if each.at <= position]
        self._facts = deque(each for each in self._facts if each.at > position)
        while len(self._blocks) > 1 and self._blocks[1].begin <= position:
            self._blocks.popleft()
        return due

    def take_back(self, position: int) -> tuple[int, Mark] | None:
        """Forget what was rendered from ``position`` on, at least ``final``; return its block's begin and mark."""
        self.final = max(self.final, position)
        self._facts = deque(each for each in self._facts if each.at <= position)
        found = None
        while self._blocks and found is None:
            block = self._blocks.pop()
            found = (block.begin, block.mark) if block.begin <= position else None
        self._blocks.clear()  # a change comes next: nothing before it can be rendered as it was
        return found
