"""Witness: microWakeWord's model of the same word, consulted while openWakeWord's score is significant.

Models by two makers, trained separately, fail at different sounds. A sound that both find likely is a call at scores
that neither would be trusted with alone, and one that one model is sure of and the other excludes is not: in noise that
halves the missed calls at the same number of false wakes (docs/wake-word.md has the figures).
"""

from collections import deque
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Final

from edgevoice.wakeword.models.micro import MicroScorer
from edgevoice.wakeword.models.shapes import FRAME, Samples
from edgevoice.wakeword.odds import log_odds, probability

NEAR: Final = 0.0003
"""The score from which the second model is consulted: in talk it then hears every tenth frame.

With 0.01, 51 of 188 "Alexa" in noise and at a distance were missed, not 30; with less, no fewer.
"""

_NEAR_FRAMES: Final = 3
"""How long after such a score the second model goes on listening."""

_HELD_FRAMES: Final = 8
"""How long the second model's result is used: 0.6 s. The two models do not rise in the same frame."""

_KEPT_FRAMES: Final = 38
"""What the second model hears first when it is consulted: 3 s, more than it remembers."""

_AGAINST: Final = -8.0
_FOR: Final = 4.0
"""Bounds of what the second model adds to the logarithm of the odds: it is more confident than its errors justify."""

_EVEN: Final = 6.5
"""Added to the sum of both, so that a combined score of one half is as trustworthy as openWakeWord's was.

Chosen by curves on one half of the voices and of the hours of talk, judged on the other.
"""


class Witness:
    """Turns openWakeWord's scores into combined ones; ``models`` has a microWakeWord model, or None, for each word.

    A word without one keeps its scores. Nothing is computed while no word is likely; then the second model catches up
    with the sound that it has missed, some 6 ms of a PC's core.
    """

    def __init__(self, models: Sequence[Path | None]) -> None:
        self._scorer = MicroScorer([model for model in models if model is not None])
        order = count()
        self._numbers = [None if model is None else next(order) for model in models]
        self._unheard: deque[Samples] = deque(maxlen=_KEPT_FRAMES)
        self._said: deque[Sequence[float]] = deque(maxlen=_HELD_FRAMES)
        self._near_frames = 0

    def fused(self, sound: Samples, rows: Sequence[Sequence[float]]) -> Sequence[Sequence[float]]:
        """Take one or two frames and openWakeWord's scores after each; return the combined scores of both models."""
        self._unheard.extend(sound.reshape(-1, FRAME))
        self._near_frames = max(0, self._near_frames - len(rows))
        if any(
            score >= NEAR
            for row in rows
            for score, number in zip(row, self._numbers, strict=True)
            if number is not None
        ):
            self._near_frames = _NEAR_FRAMES
        if self._near_frames:
            while self._unheard:
                self._said += self._scorer.score(self._unheard.popleft())
        else:
            self._said.clear()
        return [[self._fused(score, number) for score, number in zip(row, self._numbers, strict=True)] for row in rows]

    def reset(self) -> None:
        """Forget what was heard."""
        self._scorer.reset()
        self._unheard.clear()
        self._said.clear()
        self._near_frames = 0

    def _fused(self, score: float, number: int | None) -> float:
        if number is None or not score:
            return score
        said = max((scores[number] for scores in self._said), default=0.0)
        odds = log_odds(score) + min(_FOR, max(_AGAINST, log_odds(said))) + _EVEN
        return probability(odds)
