"""Detector: scores every frame on a thread of its own and tells the loop of detections."""

import asyncio
import contextlib
import logging
import queue
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from edgevoice.core.messages import WakeWordHeard
from edgevoice.errors import WakeWordUnavailable
from edgevoice.journal import tell
from edgevoice.wakeword.decision import Decision, Thresholds
from edgevoice.wakeword.models import word_of

_log = logging.getLogger(__name__)

_RATE_HZ = 16_000
_FRAME = 1280
_MOST_WAITING = 25
"""Frames that may wait: 2 s. When the thread is that far behind, the oldest is dropped and counted."""

_Frame = tuple[bytes, int]


class Detector:
    """One wake word, listened for in every frame that ``hear`` is given, from any thread.

    ``tell`` is called in the detector's thread with each detection and must return at once. ``loaded`` is set, in the
    loop, once the model is there. ``scored_at`` and ``detected_at`` are monotonic seconds; the first is the watchdog's
    proof that somebody listens.
    """

    def __init__(self, model: Path, thresholds: Thresholds, tell: Callable[[WakeWordHeard], None]) -> None:
        self._path = model
        self._word = word_of(model)
        self._decision = Decision(thresholds)
        self._tell = tell
        self._frames: queue.Queue[_Frame | None] = queue.Queue(_MOST_WAITING)
        self.loaded = asyncio.Event()
        self.scored_at = 0.0
        self.detected_at = 0.0
        self.dropped = 0

    def hear(self, frame: bytes, end: int) -> None:
        """Take 1280 samples, mono s16 at 16 kHz, of which the last is number ``end - 1``; never blocks."""
        while True:
            try:
                self._frames.put_nowait((frame, end))
            except queue.Full:
                self._drop_oldest()
            else:
                return

    async def run(self) -> None:
        """Load the model and listen until cancelled; a model that cannot be used is ``WakeWordUnavailable``."""
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()

        def finish(error: BaseException | None) -> None:
            if not ended.done():
                ended.set_exception(error) if error is not None else ended.set_result(None)

        def work() -> None:
            problem: BaseException | None = None
            try:
                self._listen(lambda: loop.call_soon_threadsafe(self.loaded.set))
            except Exception as error:  # noqa: BLE001 - it is raised in `run`, which awaits it
                problem = error
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(finish, problem)

        thread = threading.Thread(target=work, name="wakeword", daemon=True)
        thread.start()
        try:
            await ended
        finally:
            self._end()

    def _listen(self, tell_loaded: Callable[[], object]) -> None:
        model = _load(self._path)
        name = next(iter(model.models))
        tell_loaded()
        tell(_log, logging.INFO, "wakeword-ready", word=self._word)
        while (item := self._frames.get()) is not None:
            frame, end = item
            score = float(model.predict(np.frombuffer(frame, dtype="<i2"))[name])
            self.scored_at = time.monotonic()
            if self._decision.take(score, end / _RATE_HZ):
                self.detected_at = self.scored_at
                self._tell(WakeWordHeard(self._word, round(score, 3), end))

    def _drop_oldest(self) -> None:
        try:
            self._frames.get_nowait()
            self.dropped += 1
        except queue.Empty:
            pass  # the thread was quicker

    def _end(self) -> None:
        while True:
            try:
                self._frames.put_nowait(None)
            except queue.Full:
                self._drop_oldest()
            else:
                return


def _load(path: Path) -> Any:
    """Load openWakeWord's model; the import takes most of a second, so it is done here, off the loop."""
    from openwakeword.model import Model  # noqa: PLC0415

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the library asks for an accelerator first, and says that there is none
            model = Model(wakeword_model_paths=[str(path)])
            # A file of another kind of model loads too, and fails only when it is used.
            model.predict(np.zeros(_FRAME, np.int16))
    except Exception as error:
        # onnxruntime raises classes of its own for files that are no models; all mean the same to the owner.
        raise WakeWordUnavailable(f"{path} is not a wake word model: {type(error).__name__}") from error
    if list(model.model_outputs.values()) != [1]:
        raise WakeWordUnavailable(
            f"{path} does not give one score for one word, but {list(model.model_outputs.values())}"
        )
    return model
