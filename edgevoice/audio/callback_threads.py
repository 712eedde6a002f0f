"""Callback threads: PortAudio's own. They get real-time priority, lose it if they spin, and their errors are kept."""

import ctypes
import os
import threading
from typing import Any

from edgevoice.audio.capture import Callback
from edgevoice.audio.portaudio import ABORT
from edgevoice.real_time import hurry, rest

_LASTING_CALLS = 1000
"""Callbacks after which a stream is expected to last: 10 s of the speaker, 20 s of the microphone."""


_CORES_TO_SPARE = 2
"""On so many cores two threads that spin in real time leave nothing for the loop, which is to end that: the loss of a
card was noticed after up to 20 s instead of one.
"""


class CallbackThreads:
    """Wraps the callbacks of both streams; ``errors`` are those that were raised in them."""

    def __init__(self) -> None:
        self._threads: set[int] = set()
        self.errors: list[Exception] = []

    def guard(self, callback: Callback, *, is_urgent: bool = True) -> Callback:
        """Wrap a callback: it asks for real time in its thread, and an error in it ends more than the stream.

        One that is not urgent does so only where a core is left for everybody else, should both streams' threads spin.
        """
        calls = 0
        wants_real_time = is_urgent or (os.cpu_count() or 1) > _CORES_TO_SPARE

        def guarded(pcm: bytes | None, frames: int, times: Any, status: int) -> tuple[bytes | None, int]:
            nonlocal calls
            calls += 1
            if calls == 1:
                self._threads.add(threading.get_native_id())
                if wants_real_time:
                    hurry()
            elif calls == _LASTING_CALLS:
                _stay_known_to_the_interpreter()
            try:
                return callback(pcm, frames, times, status)
            except Exception as error:  # noqa: BLE001 - nothing can catch it in PortAudio's thread; it is in `errors`
                self.errors.append(error)
                return None, ABORT

        return guarded

    def join(self) -> None:
        """Count this thread, which is none of PortAudio's, among them: it asks for real time."""
        self._threads.add(threading.get_native_id())
        hurry()

    def calm(self) -> None:
        """Drop the threads' real-time priority: two that spin would starve a machine of two cores, and us."""
        while self._threads:
            rest(self._threads.pop())


def _stay_known_to_the_interpreter() -> None:
    """Keep the interpreter's record of this foreign thread from one callback to the next.

    Without it each callback makes one, with a stack of its own, and throws it away. The record, 4 kB, outlives the
    thread: that is why only a stream that lasts asks for it. One that is reopened every two seconds, because the
    other half of the sound system is missing, would fill the memory in weeks.
    """
    ctypes.pythonapi.PyGILState_Ensure()
