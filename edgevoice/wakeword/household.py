"""Household: verifiers of the enrolled voices, consulted while a wake word's score is significant.

A verifier is openWakeWord's custom verifier: a logistic regression on the embeddings that the wake word's model sees.
Here it is plain numbers, applied with numpy. openWakeWord replaces the model's score by the verifier's, so nobody else
can wake the box. Here both are added as evidence, within bounds: a known voice is heard at scores that would otherwise
be too low, and a guest whom the model hears clearly always wakes it.
"""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from edgevoice.wakeword.models.shapes import Floats
from edgevoice.wakeword.odds import log_odds, probability

NEAR: Final = 0.02
"""openWakeWord's score from which the verifiers are consulted."""

_FOR: Final = 4.0
_AGAINST: Final = -2.0
"""Bounds of what a verifier adds to the logarithm of the odds.

With them a score of 0.02 becomes 0.5 for a voice that is certainly known, and so does 0.88 for one that is certainly
not.

Chosen by curves on one half of the voices, judged on the other (docs/wake-word.md): with these, known voices are missed
less often and false wakes do not rise, while guests are missed hardly more often than before.
"""

_HELD_FRAMES: Final = 3
"""How long a verifier's result is used: 0.24 s. It and the model do not peak in the same frame."""


@dataclass(frozen=True, slots=True)
class VoiceVerifier:
    """One person's verifier of one wake word; ``weights`` is (N * 96,), the oldest embedding first."""

    name: str
    word: str
    weights: Floats
    bias: float


class HouseholdVoices:
    """Adds the verifiers' evidence to the scores; ``voices`` has those enrolled for each word, in the words' order.

    ``threshold`` is a verifier's probability above which it supports a call: the higher, the stricter. If there are
    several voices, the best match counts.
    """

    def __init__(self, voices: Sequence[Sequence[VoiceVerifier]], *, threshold: float) -> None:
        self._weights = [np.stack([each.weights for each in known]) if known else None for known in voices]
        self._biases = [np.array([each.bias for each in known], np.float32) for known in voices]
        # Each enrolled person is one more voice that a sound may happen to resemble.
        self._offsets = [log_odds(threshold) + math.log(max(1, len(known))) for known in voices]
        self._said: list[deque[float]] = [deque(maxlen=_HELD_FRAMES) for _ in voices]

    def verified(
        self, rows: Sequence[Sequence[float]], own: Sequence[Sequence[float]], embeddings: Floats
    ) -> Sequence[Sequence[float]]:
        """Return ``rows``, the scores after each of the latest frames, with the verifiers' evidence added.

        ``own`` are openWakeWord's own scores of the same frames, ``embeddings`` (n, 96) those after the last of them.
        """
        return [
            [
                self._verified(number, score, near, embeddings[: len(embeddings) - ago])
                for number, (score, near) in enumerate(zip(row, own_row, strict=True))
            ]
            for ago, row, own_row in zip(reversed(range(len(rows))), rows, own, strict=True)
        ]

    def reset(self) -> None:
        """Forget what was heard."""
        for said in self._said:
            said.clear()

    def _verified(self, number: int, score: float, near: float, embeddings: Floats) -> float:
        weights, said = self._weights[number], self._said[number]
        if weights is None or near < NEAR:
            said.clear()
            return score
        window = embeddings[len(embeddings) - weights.shape[1] // embeddings.shape[1] :].reshape(-1)
        said.append(float((weights @ window + self._biases[number]).max()))
        evidence = min(_FOR, max(_AGAINST, max(said) - self._offsets[number]))
        return probability(log_odds(score) + evidence)
