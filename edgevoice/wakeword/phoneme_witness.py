"""The third witness: whether what was heard has the phonemes of the wake word, asked while the other two are in doubt.

Models of a wake word have learned what it sounds like as a whole, and take other words of the same melody for it. A
network that hears phonemes has learned speech, not this word, so it fails at other sounds: most false wakes have other
phonemes, and many calls that noise has made doubtful have the right ones (docs/wake-word.md has the figures).
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from edgevoice.wakeword.models.shapes import FRAME, Samples
from edgevoice.wakeword.odds import log_odds, probability

Fit = Callable[[Samples, str], float]
"""Returns how well a wake word fits some part of a sound: 0 at most, and the less the worse."""

EVEN: Final = {"alexa": -6.0, "hey_jarvis": -13.0, "hey_mycroft": -13.0}
"""The fit that speaks neither for nor against a word. The longer a word, the fewer other words come near it."""

_FOR: Final = 5.0
_AGAINST: Final = -5.0
"""Bounds of what it adds: a call that both models are sure of is heard, whatever its phonemes."""

_SURE: Final = 5.3
"""The logarithm of the odds, a score of 0.995, from which it is not asked: a clear call does not wait for it."""

_HEARD_FRAMES: Final = 20
"""What it hears: the last 1.6 s. With 1.3 s a fifth more calls were missed, and 2.5 s brought no more."""

_HELD_FRAMES: Final = 2
"""How many frames its answer counts for, at half the cost: asked at each it brought no more calls."""


class PhonemeWitness:
    """Adds to the scores of ``words``; None stands for a word that it does not know, whose scores stay as they are.

    ``load`` returns the network's `Fit`, None if there is none; it is called, once, when something is first in doubt.
    """

    def __init__(self, words: Sequence[str | None], load: Callable[[], Fit | None]) -> None:
        self._words = [word if word in EVEN else None for word in words]
        self._load: Callable[[], Fit | None] | None = load
        self._fit: Fit | None = None
        self._heard: deque[Samples] = deque(maxlen=_HEARD_FRAMES)
        # For each word: what the witness adds, and for how many more frames.
        self._answers = [(0.0, 0)] * len(words)

    def weighed(self, sound: Samples, rows: Sequence[Sequence[float]]) -> Sequence[Sequence[float]]:
        """Take one or two frames and the scores after each; return the scores with the evidence of the phonemes."""
        self._heard.extend(sound.reshape(-1, FRAME))
        return [[self._weighed(number, score) for number, score in enumerate(row)] for row in rows]

    def reset(self) -> None:
        """Forget what was heard."""
        self._heard.clear()
        self._answers = [(0.0, 0)] * len(self._words)

    def _weighed(self, number: int, score: float) -> float:
        added, frames = self._answers[number]
        self._answers[number] = added, max(0, frames - 1)
        word, odds = self._words[number], log_odds(score)
        if word is None or not -_FOR <= odds < _SURE:
            return score
        if not frames:
            added = self._asked(word)
            self._answers[number] = added, _HELD_FRAMES - 1
        return probability(odds + added)

    def _asked(self, word: str) -> float:
        if self._load is not None:
            self._fit, self._load = self._load(), None
        if self._fit is None:
            return 0.0
        fit = self._fit(np.concatenate(self._heard), word)
        return min(_FOR, max(_AGAINST, fit - EVEN[word]))
