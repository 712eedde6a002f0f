"""Detector: scores every frame on its own thread, two at once while no word is likely, and reports detections."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgevoice import threads
from edgevoice.core.facts import WakeWordHeard
from edgevoice.journal import tell
from edgevoice.wakeword.batching import CALM
from edgevoice.wakeword.decision import Decision
from edgevoice.wakeword.far_end import FarEndScorer
from edgevoice.wakeword.frame_queue import FrameQueue
from edgevoice.wakeword.models.shapes import FRAME, RATE_HZ, Samples
from edgevoice.wakeword.scorer import Scorer
from edgevoice.wakeword.tuning.notes import Notes
from edgevoice.wakeword.words import WakeWord

_log = logging.getLogger(__name__)

_LATE_S = 2.0
"""How old a frame may be when it is scored. If more than that is waiting, frames are dropped and words are lost."""


@dataclass(frozen=True, slots=True)
class OwnVoice:
    """What is known of the box's own voice; called in the detector's thread, and to return at once.

    ``is_speaking`` says whether the box itself is speaking, and ``far_end`` which words it says. ``clear`` is called
    with the next samples and the number of the one after them; it returns as many, in which a call stands out better
    from the box's voice.
    """

    is_speaking: Callable[[], bool]
    far_end: FarEndScorer | None = None
    clear: Callable[[Samples, int], Samples] | None = None


class Detector:
    """Listens for wake words in every frame passed to ``hear``, from any thread.

    ``load`` returns the scorer of these words; it is called, and the scorer used, only in the detector's thread.
    ``tell`` is called there with each detection and must return at once. ``notes`` receive every decision too.
    ``loaded`` is set, in the loop, once the models are there. ``scored_at``, ``kept_up_at`` and ``detected_at`` are
    monotonic seconds. ``kept_up_at`` is when a frame was last scored soon after it was heard: the watchdog's sign of
    life, because a scorer that is too slow keeps scoring but hears nothing.
    """

    def __init__(
        self,
        words: Sequence[WakeWord],
        load: Callable[[], Scorer],
        tell: Callable[[WakeWordHeard], None],
        own_voice: OwnVoice,
        *,
        smoothing_frames: int = 1,
        notes: Notes | None = None,
    ) -> None:
        self._words = [word.name for word in words]
        self._load = load
        self._decision = Decision([word.thresholds for word in words], smoothing_frames=smoothing_frames)
        self._notes = notes
        self._tell = tell
        self._own_voice = own_voice
        self._frames = FrameQueue()
        self.loaded = asyncio.Event()
        self.scored_at = 0.0
        self.kept_up_at = 0.0
        self.detected_at = 0.0

    @property
    def scores(self) -> Mapping[str, tuple[float, float]]:
        """The newest score of each word, from 0 to 1, with the threshold in force; read from any thread."""
        decision = self._decision
        pairs = zip(decision.scores, decision.bars, strict=True)
        return dict(zip(self._words, pairs, strict=True))

    @property
    def dropped(self) -> int:
        """How often the thread was so far behind that frames were dropped."""
        return self._frames.dropped

    def hear(self, frame: bytes, end: int) -> None:
        """Take 1280 samples, mono s16 at 16 kHz, of which the last is number ``end - 1``; never blocks.

        For one thread at a time.
        """
        self._frames.hear(frame, end)

    async def run(self) -> None:
        """Load the models and listen until cancelled; a model that cannot be used is ``WakeWordUnavailable``.

        Any other end of the thread is also an error: the box would no longer listen.
        """
        loop = asyncio.get_running_loop()
        try:
            await threads.run(lambda: self._listen(lambda: loop.call_soon_threadsafe(self.loaded.set)), name="wakeword")
        finally:
            self._frames.end()

    def _listen(self, tell_loaded: Callable[[], object]) -> None:
        scorer = self._load()
        if self._own_voice.far_end is not None:
            self._own_voice.far_end.open()
        tell_loaded()
        tell(_log, logging.INFO, "wakeword-ready", words=" ".join(self._words))
        with self._noting():
            while (item := self._frames.get()) is not None:
                self._take(scorer, *item)

    def _take(self, scorer: Scorer, pcm: bytes, end: int, heard_at: float) -> None:
        sound = np.frombuffer(pcm, dtype="<i2")
        clear = self._own_voice.clear
        rows = scorer.score(sound if clear is None else clear(sound, end))
        is_speaking = self._own_voice.is_speaking()
        self._frames.pace.take(rows, is_speaking=is_speaking)
        self.scored_at = time.monotonic()
        if self.scored_at - heard_at <= _LATE_S:
            self.kept_up_at = self.scored_at
        ends = range(end - len(sound) + FRAME, end + 1, FRAME)
        for frame, frame_end, scores in zip(sound.reshape(-1, FRAME), ends, rows, strict=True):
            heard = self._decision.take(self._called(scores, frame_end), frame_end / RATE_HZ, is_speaking=is_speaking)
            if heard is not None:
                self.detected_at = self.scored_at
                self._tell(WakeWordHeard(self._words[heard], round(self._decision.scores[heard], 3), frame_end))
            if self._notes is not None:
                self._notes.take(frame, self._decision, heard, is_speaking=is_speaking)

    def _called(self, scores: Sequence[float], frame_end: int) -> Sequence[float]:
        """Return the scores without those of words that the box itself has just said."""
        far_end = self._own_voice.far_end
        if far_end is None:
            return scores
        return [
            0.0 if score >= CALM and far_end.has_said(word, frame_end) else score for word, score in enumerate(scores)
        ]

    @contextlib.contextmanager
    def _noting(self) -> Iterator[None]:
        if self._notes is None:
            yield
            return
        self._notes.begin()
        try:
            yield
        finally:
            self._notes.end()
