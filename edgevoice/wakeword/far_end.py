"""Far end: scores what the box itself says, so that a wake word in an answer is not mistaken for a call.

The echo canceller leaves a little of the box's own voice, and a model that hears a call through noise hears that too.
Only the box knows what it has just said. Its last seconds are kept, and scored only when the near end has a score, so
an ordinary reading voice costs next to nothing.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

import numpy as np

from edgevoice.wakeword.models.shapes import FRAME, RATE_HZ, Samples
from edgevoice.wakeword.scorer import Scorer

_SAID: Final = 0.1
"""At this score or above, the box has said the word. In ten minutes of a reading voice without the word no score
reached it; all 24 words in six minutes of a box that kept saying it did, and would have with any limit from 0.02 to
0.5.
"""

_HELD: Final = RATE_HZ
"""Samples after such a score during which the near end may still score: 1 s, a word's length and a room."""

_MOST_WAITING: Final = 200
"""Blocks of 20 ms that are kept: 4 s, twice what a score remembers."""


class FarEndScorer:
    """Scores the far end with the wake word's models; ``load`` returns their scorer.

    ``hear`` is for the capture callback, everything else for the thread that scores the near end.
    """

    def __init__(self, load: Callable[[], Scorer]) -> None:
        self._load = load
        self._scorer: Scorer | None = None
        self._waiting: deque[tuple[bytes, int]] = deque(maxlen=_MOST_WAITING)
        self._sound = b""
        self._end = 0
        self._said_until: list[int] = []

    def open(self) -> None:
        """Load the models: before the box speaks, because loading them would starve the audio callbacks."""
        self._scorer = self._load()

    def hear(self, block: Samples, position: int) -> None:
        """Take what the speaker plays while the near end hears samples from ``position`` on, s16 at 16 kHz.

        Never blocks. While the far end is silent, no call is needed.
        """
        self._waiting.append((block.tobytes(), position))

    def has_said(self, word: int, end: int) -> bool:
        """Return whether the box has just said a word, given by number, when the near end has come to sample ``end``.

        This scores what has not been scored yet: at most 4 s of sound, some 15 ms of a PC's core.
        """
        scorer = self._scorer
        if scorer is None:
            return False
        while self._waiting and self._waiting[0][1] < end:
            self._take(scorer, *self._waiting.popleft())
        return word < len(self._said_until) and end <= self._said_until[word]

    def _take(self, scorer: Scorer, block: bytes, position: int) -> None:
        if position != self._end:
            # There was silence in between: anything said before it is not part of a word.
            self._sound = b""
            scorer.reset()
        self._sound += block
        self._end = position + len(block) // 2
        if len(self._sound) < 2 * FRAME:
            return
        frame, self._sound = self._sound[: 2 * FRAME], self._sound[2 * FRAME :]
        (scores,) = scorer.score(np.frombuffer(frame, "<i2"))
        self._said_until = self._said_until or [0] * len(scores)
        for number, score in enumerate(scores):
            if score >= _SAID:
                self._said_until[number] = self._end + _HELD
