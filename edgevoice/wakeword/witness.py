"""Witness: microWakeWord's model of the same word, asked while openWakeWord's score is in the air.

Two makers' models, trained apart, fail at different sounds. What both find likely is a call at scores that neither
would be trusted with alone, and what the one is sure of and the other excludes is none: in noise that halves the
missed calls at the same number of false wakes (docs/wake-word.md has the figures).
"""

import math
from collections import deque
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Final

from edgevoice.wakeword.models.micro import MicroScorer
from edgevoice.wakeword.models.shapes import FRAME, Samples

NEAR: Final = 0.01
"""From this score on the witness is asked. Talk that is no wake word reaches it some twice a minute."""

_NEAR_FRAMES: Final = 3
"""So long after such a score the witness goes on listening."""

_HELD_FRAMES: Final = 8
"""How long what the witness has said holds: 0.6 s. The two models do not rise in the same frame."""

_KEPT_FRAMES: Final = 38
"""What the witness hears first when it is asked: 3 s, more than its model remembers."""

_AGAINST: Final = -8.0
_FOR: Final = 4.0
"""Bounds of what the witness adds to the logarithm of the odds: it sounds surer than its errors allow."""

_EVEN: Final = 6.5
"""Added to the sum of both, so that a fused score of one half is as trustworthy as openWakeWord's was.

Chosen by curves on one half of the voices and of the hours of talk, judged on the other.
"""


class Witness:
    """Turns openWakeWord's scores into fused ones; ``models`` has a microWakeWord model, or None, for each word.

    A word without one keeps its scores. Nothing is computed while nothing is near; then the witness catches up with
    the sound that it has missed, some 6 ms of a PC's core.
    """

    def __init__(self, models: Sequence[Path | None]) -> None:
        self._scorer = MicroScorer([model for model in models if model is not None])
        order = count()
        self._numbers = [None if model is None else next(order) for model in models]
        self._unheard: deque[Samples] = deque(maxlen=_KEPT_FRAMES)
        self._said: deque[Sequence[float]] = deque(maxlen=_HELD_FRAMES)
        self._near_frames = 0

    def fused(self, sound: Samples, rows: Sequence[Sequence[float]]) -> Sequence[Sequence[float]]:
        """Take one or two frames and openWakeWord's scores after each; return the scores of both models together."""
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
        odds = _log_odds(score) + min(_FOR, max(_AGAINST, _log_odds(said))) + _EVEN
        return 1 / (1 + math.exp(-odds))


def _log_odds(probability: float) -> float:
    bounded = min(1 - 1e-6, max(1e-6, probability))
    return math.log(bounded / (1 - bounded))
