"""Far-end queue: answers and backchannels waiting to be played, filled by the loop and emptied by another thread."""

import threading
from contextlib import AbstractContextManager

from edgevoice.audio.backchannel import BackchannelMixer
from edgevoice.core.sound.playout import Playout


class FarEndQueue:
    """The half of ``ports.FarEnd`` that only queues; a subclass takes from it what sounds next, under the lock.

    Whatever changes what is about to sound does so within ``_changing``, which holds the lock.
    """

    def __init__(self, prefill_ms: int) -> None:
        self._lock = threading.Lock()
        self._playout = Playout(prefill_ms)
        self._backchannels = BackchannelMixer()

    def _changing(self, *, is_more: bool = False) -> AbstractContextManager[object]:
        """Hold the lock while what is about to sound changes; ``is_more`` says that audio is only added to it."""
        del is_more
        return self._lock

    def play(self, item_id: str, content_index: int, pcm: bytes) -> int | None:
        """Queue mono s16 samples at 24 kHz; return the number of the burst if one begins with them."""
        with self._changing(is_more=True):
            return self._playout.push(item_id, content_index, pcm)

    def finish_item(self, item_id: str) -> None:
        """Mark an item as completely received."""
        with self._changing(is_more=True):
            self._playout.finish_item(item_id)

    def finish(self) -> None:
        """Mark everything as completely received."""
        with self._changing(is_more=True):
            self._playout.finish()

    def resume(self) -> int:
        """Resume the rest that was kept, from the first sample that was not heard; return the burst's number."""
        with self._changing():
            return self._playout.resume()

    def drop(self) -> None:
        """Drop the rest that was kept."""
        with self._changing():
            self._playout.drop()

    def play_backchannel(self, backchannel_id: str, pcm: bytes) -> bool:
        """Queue mono s16 samples at 24 kHz, to be played 9 dB below an answer; return whether a backchannel begins."""
        with self._changing():
            return self._backchannels.push(backchannel_id, pcm)

    def finish_backchannel(self, backchannel_id: str) -> None:
        """Mark a backchannel as completely received."""
        with self._changing():
            self._backchannels.finish(backchannel_id)

    def skip_backchannel(self, backchannel_id: str) -> None:
        """Stop playing a backchannel that began when it could not be heard."""
        with self._lock:
            self._backchannels.skip(backchannel_id)

    def stop_backchannel(self) -> None:
        """Silence the backchannel that is sounding, within 3 ms; the rest of it is not heard."""
        with self._changing():
            self._backchannels.stop()
