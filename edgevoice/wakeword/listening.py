"""Listening to a recording as the box would: every score, and every decision. No clock, no threads."""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

from edgevoice.wakeword.decision import Decision, Thresholds
from edgevoice.wakeword.models.shapes import FRAME, RATE_HZ, Samples
from edgevoice.wakeword.scorer import Scorer
from edgevoice.wakeword.tuning.near_misses import Rise, Rises

Scores = npt.NDArray[np.float64]

FRAME_S = FRAME / RATE_HZ

LEAD_FRAMES = 25
"""Room noise before a recording: 2 s, as much as a score remembers. A box has always been listening for longer."""

_TAIL_FRAMES = 12
"""The same after it: a score goes on rising for some frames after the word."""

_ROOM_LEVEL = 20
"""Of the room's noise, in units of s16: -64 dBFS."""


@dataclass(frozen=True, slots=True)
class WordHeard:
    """A detection of word number ``word``, ``at_s`` seconds into the recording."""

    word: int
    score: float
    at_s: float


@dataclass(frozen=True, slots=True)
class Listened:
    """A recording of ``seconds``; ``scores`` is (frames, words), of which the first ``LEAD_FRAMES`` precede it."""

    seconds: float
    scores: Scores
    heard: tuple[WordHeard, ...]
    near_misses: tuple[Rise, ...]

    def time_of(self, frame: int) -> float:
        """Return the second of the recording at which a frame of ``scores`` ends."""
        return (frame + 1 - LEAD_FRAMES) * FRAME_S


def listen(
    scorer: Scorer,
    frames: Iterable[Samples],
    thresholds: Sequence[Thresholds],
    *,
    smoothing_frames: int = 1,
    share: float = 0.5,
) -> Listened:
    """Reset ``scorer``, play it a quiet room and then ``frames`` of 1280 samples, and decide as the box does."""
    scorer.reset()
    decision = Decision(thresholds, smoothing_frames=smoothing_frames)
    rises = Rises(len(thresholds), share)
    scores = array("d")
    heard: list[WordHeard] = []
    near: list[Rise] = []
    room = np.random.default_rng(4).integers(-_ROOM_LEVEL, _ROOM_LEVEL, (LEAD_FRAMES + _TAIL_FRAMES, FRAME), np.int16)
    for number, frame in enumerate(chain(room[:LEAD_FRAMES], frames, room[LEAD_FRAMES:])):
        word = decision.take(scorer.score(frame)[0], (number + 1) * FRAME_S)
        scores.extend(decision.scores)
        if word is not None:
            heard.append(WordHeard(word, decision.scores[word], (number + 1 - LEAD_FRAMES) * FRAME_S))
        near += (rise for rise in rises.take(decision, word, is_speaking=False) if not rise.is_heard)
    table = np.frombuffer(scores).reshape(-1, len(thresholds))
    seconds = (len(table) - len(room)) * FRAME_S
    return Listened(seconds, table, tuple(heard), tuple(near))


def detections(scores: Scores, thresholds: Thresholds) -> int:
    """Return how often a word would be heard under other thresholds; ``scores`` are of one word, smoothed, (frames,).

    It is decided by the box's own rules, including the refractory period.
    """
    loud = np.flatnonzero(scores >= thresholds.threshold)
    if not len(loud):
        return 0
    decision = Decision([thresholds])
    count, expected = 0, -1
    for number in loud.tolist():
        if number != expected:
            # There was a lower one in between: two loud frames that are not adjacent do not confirm each other.
            decision.take([0.0], number * FRAME_S)
        count += decision.take([float(scores[number])], (number + 1) * FRAME_S) is not None
        expected = number + 1
    return count
