"""Near misses: peaks of a score that led to no detection, and those that did. Pure: no sound, no files, no clock."""

from collections.abc import Sequence
from dataclasses import dataclass

from edgevoice.wakeword.decision import Decision

_OVER_AFTER_FRAMES = 6
"""Frames below the floor that end a rise: half a second, so that one breath is one rise."""

_LONGEST_FRAMES = 25
"""A rise that lasts for 2 s is several: nobody says a wake word that slowly."""


@dataclass(frozen=True, slots=True)
class Rise:
    """A score that rose and fell again; ``word`` is its number.

    ``peak`` is the highest score, ``held`` the highest that two consecutive frames reached: with a threshold of up to
    ``held`` the two-frame rule would have detected it. ``threshold`` was in force at the peak, and scores were recorded
    from ``floor`` on. ``peak_age`` is how many frames ago the peak was.
    """

    word: int
    peak: float
    held: float
    threshold: float
    floor: float
    is_speaking: bool
    is_heard: bool
    peak_age: int


@dataclass(slots=True)
class _Rising:
    peak: float = -1.0
    held: float = 0.0
    threshold: float = 0.0
    floor: float = 0.0
    is_speaking: bool = False
    is_heard: bool = False
    peak_age: int = 0
    frames: int = 0
    low_frames: int = 0


class Rises:
    """Follows the scores of ``words`` words and reports each rise above ``share`` of its threshold, once it is over.

    A rise that led to a detection, or one in the refractory period after it, is not a near miss.
    """

    def __init__(self, words: int, share: float) -> None:
        self._share = share
        self._rising: list[_Rising | None] = [None] * words
        self._last: list[float] = [0.0] * words

    def take(self, decision: Decision, heard: int | None, *, is_speaking: bool) -> Sequence[Rise]:
        """Take the decision that has just been made, and return the rises that ended with this frame: usually none."""
        over: list[Rise] = []
        if heard is not None:
            self._rising = [each if number == heard else None for number, each in enumerate(self._rising)]
        for number, (score, bar) in enumerate(zip(decision.scores, decision.bars, strict=True)):
            floor = bar * self._share
            rising = self._rising[number]
            # A rise that was detected goes on through the refractory period: its peak comes after the detection.
            if decision.is_deaf and rising is not None and not rising.is_heard:
                rising = self._rising[number] = None
            if rising is None and score >= floor and not decision.is_deaf:
                rising = self._rising[number] = _Rising()
            if rising is not None:
                rising.is_heard |= number == heard
                if score > rising.peak:
                    rising.peak, rising.threshold, rising.floor, rising.peak_age = score, bar, floor, -1
                    rising.is_speaking = is_speaking
                rising.held = max(rising.held, min(score, self._last[number]))
                rising.frames, rising.peak_age = rising.frames + 1, rising.peak_age + 1
                rising.low_frames = 0 if score >= floor else rising.low_frames + 1
                if rising.low_frames >= _OVER_AFTER_FRAMES or rising.frames >= _LONGEST_FRAMES:
                    over.append(_ended(number, rising))
                    self._rising[number] = None
            self._last[number] = score
        return over


def _ended(word: int, rising: _Rising) -> Rise:
    return Rise(
        word,
        rising.peak,
        rising.held,
        rising.threshold,
        rising.floor,
        rising.is_speaking,
        rising.is_heard,
        rising.peak_age,
    )
