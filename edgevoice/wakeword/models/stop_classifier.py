"""The single words "stop" and "snooze", as a small classifier of openWakeWord's embeddings: sound in, scores out.

It sees the last 1.4 s: the word, and whether it stands alone. Its weights were trained by `scripts/stop-words`, with
synthetic voices only; they are ours, and under the licence of this project.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from edgevoice.wakeword.models.features import FrontEnd, Stages
from edgevoice.wakeword.models.shapes import EMBEDDING_SIZE, FRAME, Floats, Samples

WINDOW: Final = 9
"""Embeddings that a score depends on: 8 steps of 80 ms and the 760 ms that one embedding sees."""

WEIGHTS: Final = Path(__file__).with_name("stop_words.npz")

_UNSCORED: Final = 12
"""Frames after the start whose scores are 0: what came before them was not heard."""

_NOTHING: Final = (0.0, 0.0)


class StopClassifier:
    """Two layers; ``weights`` is the file that holds them in half precision."""

    def __init__(self, weights: Path = WEIGHTS) -> None:
        with weights.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            self._first, self._first_bias, self._second, self._second_bias = (
                file[name].astype(np.float32) for name in ("first", "first_bias", "second", "second_bias")
            )

    def scores(self, window: Floats) -> tuple[float, float]:
        """Return how likely the last `WINDOW` embeddings, (9, 96), are of "stop" and of "snooze", said alone."""
        hidden = np.maximum(window.reshape(-1) @ self._first + self._first_bias, 0.0)
        logits = hidden @ self._second + self._second_bias
        odds = np.exp(logits - logits.max())
        _, stop, snooze = (odds / odds.sum()).tolist()
        return stop, snooze


class StopScorer:
    """Scores a stream, frame by frame: some 1 ms of a PC's core per frame."""

    def __init__(self, stages: Stages, weights: Path = WEIGHTS) -> None:
        self._classifier = StopClassifier(weights)
        self._front_end = FrontEnd(stages, WINDOW)
        self._unscored = _UNSCORED

    def score(self, sound: Samples) -> Sequence[tuple[float, float]]:
        """Take some frames of 1280 samples, s16 mono at 16 kHz; return the scores of both words after each."""
        return [self._take(frame) for frame in sound.reshape(-1, FRAME)]

    def _take(self, frame: Samples) -> tuple[float, float]:
        self._front_end.step(frame)
        if self._unscored:
            self._unscored -= 1
            return _NOTHING
        return self._classifier.scores(self._front_end.embeddings)


def write_weights(place: Path, first: Floats, first_bias: Floats, second: Floats, second_bias: Floats) -> None:
    """Write the weights, (864, hidden), (hidden,), (hidden, 3) and (3,), as `StopClassifier` reads them."""
    if first.shape[0] != WINDOW * EMBEDDING_SIZE or second.shape[1] != len(("neither", "stop", "snooze")):
        raise ValueError(f"weights of {first.shape} and {second.shape} are not of this classifier")
    arrays = {"first": first, "first_bias": first_bias, "second": second, "second_bias": second_bias}
    with place.open("wb") as file:
        np.savez_compressed(file, **{name: array.astype(np.float16) for name, array in arrays.items()})  # type: ignore[arg-type] # its stub takes **kwargs for a flag
