"""Frame queue: frames that were heard and not scored yet, from PortAudio's thread to the wake word's."""

import queue
import time

from edgevoice.wakeword.batching import Pace

_MOST_WAITING = 25
"""Items that may be queued: 2 s. If the thread falls that far behind, the oldest item is dropped and counted."""

Sound = tuple[bytes, int, float]
"""Samples, the number of the one after them, and when they were heard."""


class FrameQueue:
    """Frames, one or two at a time as ``pace`` asks for them; ``dropped`` counts those not fetched in time."""

    def __init__(self) -> None:
        self.pace = Pace()
        self.dropped = 0
        self._held = b""
        self._waiting: queue.Queue[Sound | None] = queue.Queue(_MOST_WAITING)

    def hear(self, frame: bytes, end: int) -> None:
        """Take a frame whose last sample is number ``end - 1``; never blocks. For one thread at a time."""
        sound, self._held = self._held + frame, b""
        if self.pace.frames * len(frame) > len(sound):
            self._held = sound
        else:
            self._put((sound, end, time.monotonic()))

    def get(self) -> Sound | None:
        """Wait for the next item; ``None`` after ``end``."""
        return self._waiting.get()

    def end(self) -> None:
        """Release the waiting thread."""
        self._put(None)

    def _put(self, item: Sound | None) -> None:
        while True:
            try:
                self._waiting.put_nowait(item)
            except queue.Full:
                self._drop_oldest()
            else:
                return

    def _drop_oldest(self) -> None:
        try:
            self._waiting.get_nowait()
            self.dropped += 1
        except queue.Empty:
            pass  # the thread was quicker
