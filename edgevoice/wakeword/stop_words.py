"""Stop words: while something rings, listens for "stop" or "snooze" without the wake word; otherwise nothing runs.

What it hears has passed the echo stage, as what the wake word hears. Its network is its own, loaded when a ring begins:
the wake word's may be another engine's, or absent. A second opinion, where there is one, is asked only about sounds
that the first finds likely.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Protocol

import numpy as np

from edgevoice import threads
from edgevoice.core.announcements import StopWordHeard
from edgevoice.core.notices import Notice, RingingBegan, RingingEnded
from edgevoice.core.ports import Observer, Report
from edgevoice.errors import EdgevoiceError
from edgevoice.journal import tell
from edgevoice.wakeword.engine import stages_in
from edgevoice.wakeword.frame_queue import FrameQueue
from edgevoice.wakeword.models.shapes import FRAME, Samples
from edgevoice.wakeword.models.stop_classifier import StopScorer
from edgevoice.wakeword.odds import log_odds

_log = logging.getLogger(__name__)

WORDS: Final = ("stop", "snooze")

CANDIDATE: Final = 0.002
"""The score from which a word is likely."""

ALONE: Final = 0.8
"""The score from which a likely word is one without a second opinion."""

FIT_WEIGHT: Final = 2.0
"""What the second opinion counts, relative to the logarithm of the first one's odds."""

TOGETHER: Final = {"stop": -7.0, "snooze": -6.0}
"""The sum of both from which a likely word is one. These and `FIT_WEIGHT` were chosen with voices and sentences that
`edgevoice bench household` does not use.
"""

_WAITS_FRAMES: Final = 3
"""How long a likely word waits for the second opinion: 240 ms in which nothing may follow it."""

_HEARD_FRAMES: Final = 18
"""What the second opinion hears: the last 1.44 s, some 0.4 s of them before the word and 0.3 s after it. A word that
is not alone in them fits badly. Of "turn it up" the last second is like "stop".
"""

_REST_FRAMES: Final = 3
"""For how many frames after a likely one a word is not considered again."""

Fit = Callable[[Samples, str], float]
"""Returns how well a second of sound fits a word and nothing else: 0 or more if well, and the less the worse."""

Post = Callable[[StopWordHeard], None]


class StopScores(Protocol):
    """Turns sound into the scores of "stop" and "snooze"."""

    def score(self, sound: Samples) -> Sequence[tuple[float, float]]:
        """Take some frames of 1280 samples, s16 mono at 16 kHz; return both scores after each."""
        ...


class StopDecision:
    """Decides which word was said, frame by frame; ``fit`` is a second opinion.

    A word that is likely is decided 240 ms later, when it is known whether another follows. Its score is the higher of
    the first two.
    """

    def __init__(self, fit: Fit | None = None) -> None:
        self._fit = fit
        self._sound: deque[Samples] = deque(maxlen=_HEARD_FRAMES)
        self._likely: dict[str, list[float]] = {}
        self._rests = dict.fromkeys(WORDS, 0)

    def take(self, frame: Samples, scores: tuple[float, float]) -> StopWordHeard | None:
        """Take a frame and its scores; return the word that is certain with it."""
        self._sound.append(frame)
        heard = None
        for word, score in zip(WORDS, scores, strict=True):
            if (likely := self._likely.get(word)) is not None:
                likely.append(score)
                if len(likely) > _WAITS_FRAMES:
                    del self._likely[word]
                    if self._is_certain(word, max(likely[:2])):
                        heard = StopWordHeard(is_snooze=word == WORDS[1])
            if self._rests[word]:
                self._rests[word] -= 1
            elif score >= CANDIDATE:
                self._likely[word] = [score]
                self._rests[word] = _REST_FRAMES
        return heard

    def _is_certain(self, word: str, score: float) -> bool:
        if self._fit is None:
            return score >= ALONE
        return log_odds(score) + FIT_WEIGHT * self._fit(np.concatenate(self._sound), word) >= TOGETHER[word]


class StopWords(Observer):
    """An observer that hears while something rings. ``load`` makes scorer and second opinion, in their thread.

    ``post`` is called in that thread with each word, and must return at once.
    """

    def __init__(self, load: Callable[[], tuple[StopScores, Fit | None]], post: Post) -> None:
        self._load = load
        self._post = post
        self._began = asyncio.Event()
        self._frames: FrameQueue | None = None
        self._has_complained = False

    def hear(self, frame: bytes, end: int) -> None:
        """Take 1280 samples of the near end, in PortAudio's thread; never blocks. Ignored while nothing rings."""
        if (frames := self._frames) is not None:
            frames.hear(frame, end)

    def observe(self, notice: Notice, now: float) -> None:  # noqa: ARG002 - it has no times
        """Listen from when something rings until nothing does."""
        match notice:
            case RingingBegan():
                self._frames = FrameQueue()
                self._began.set()
            case RingingEnded() if self._frames is not None:
                self._frames.end()
                self._frames = None
            case _:
                pass

    async def run(self, _report: Report) -> None:
        """Run a thread for each time that something rings, until cancelled."""
        while True:
            await self._began.wait()
            self._began.clear()
            if (frames := self._frames) is None:
                continue  # it is over already
            try:
                await threads.run(lambda frames=frames: self._listen(frames), name="stop-words")  # type: ignore[misc] # bound now
            except EdgevoiceError as error:
                self._complain(error)
            finally:
                frames.end()

    def _listen(self, frames: FrameQueue) -> None:
        scorer, fit = self._load()
        decision = StopDecision(fit)
        while (item := frames.get()) is not None:
            sound = np.frombuffer(item[0], "<i2")
            for frame, scores in zip(sound.reshape(-1, FRAME), scorer.score(sound), strict=True):
                if (heard := decision.take(frame, scores)) is not None:
                    self._post(heard)

    def _complain(self, error: EdgevoiceError) -> None:
        if not self._has_complained:
            tell(_log, logging.WARNING, "no-stop-word", code=error.code, problem=error.line())
        self._has_complained = True


def open_stop_words(cache: Path, post: Post, load_fit: Callable[[], Fit | None]) -> StopWords:
    """Return the listener; nothing is loaded yet. ``cache`` is where the front end's parts are kept."""
    return StopWords(lambda: (StopScorer(stages_in(cache)), load_fit()), post)
