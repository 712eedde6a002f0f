"""Speaker: the output callback of a stream that never stops, and the buffer that it pulls from."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pyaudio

from edgevoice.audio.earcons import EarconMixer
from edgevoice.core.messages import Earcon, PlaybackCut, PlaybackDrained
from edgevoice.core.playout import RATE_HZ, Playout

PERIOD = 240
"""Frames per callback: 10 ms at 24 kHz. A cut is silent after at most two and a half of them."""

__all__ = ["PERIOD", "RATE_HZ", "Speaker"]

_SILENCE = bytes(2 * PERIOD)


class Speaker:
    """Implements ``ports.FarEnd``.

    ``tell`` is called in PortAudio's thread with what playback came to, and must return at once. The stream is fed
    zeros between answers: an amplifier that is switched on with every answer swallows its first 12 ms.
    """

    def __init__(
        self,
        tell: Callable[[PlaybackCut | PlaybackDrained], None],
        *,
        prefill_ms: int,
        volume_percent: int,
        earcon_percent: int,
    ) -> None:
        self._tell = tell
        self._lock = threading.Lock()
        self._playout = Playout(prefill_ms)
        self._earcons = EarconMixer(_gain(earcon_percent))
        self._volume_percent = volume_percent
        self._playout.set_gain(_gain(volume_percent))
        self.called_at = 0.0
        self.underflows = 0

    @property
    def is_silent(self) -> bool:
        """Whether nothing is to be heard."""
        return self._playout.is_idle and self._earcons.is_idle

    @property
    def volume_percent(self) -> int:
        """How loud answers are, in percent; 0 is silence, and each 10 % are about the same step to the ear."""
        return self._volume_percent

    @volume_percent.setter
    def volume_percent(self, percent: int) -> None:
        self._volume_percent = percent
        with self._lock:
            self._playout.set_gain(_gain(percent))

    def play(self, item_id: str, content_index: int, pcm: bytes) -> int | None:
        """Queue mono s16 samples at 24 kHz; return the number of the burst that this begins, if it does."""
        with self._lock:
            return self._playout.push(item_id, content_index, pcm)

    def finish_item(self, item_id: str) -> None:
        """Mark an item as completely received."""
        with self._lock:
            self._playout.finish_item(item_id)

    def finish(self) -> None:
        """Mark everything as completely received."""
        with self._lock:
            self._playout.finish()

    def cut(self) -> None:
        """Silence the answer with the next period."""
        with self._lock:
            self._playout.cut()

    def play_earcon(self, earcon: Earcon) -> None:
        """Mix a short sound over whatever plays."""
        with self._lock:
            self._earcons.play(earcon)

    def stop_earcons(self) -> None:
        """Silence the earcons."""
        with self._lock:
            self._earcons.stop()

    def callback(self, _pcm: bytes | None, frames: int, _times: Any, status: int) -> tuple[bytes, int]:
        """Give PortAudio one period."""
        self.called_at = time.monotonic()
        if status & pyaudio.paOutputUnderflow:
            self.underflows += 1
        # A box is silent for most of its life: look before taking the lock and an array.
        if self.is_silent:
            return (_SILENCE if frames == PERIOD else bytes(2 * frames)), pyaudio.paContinue
        with self._lock:
            samples, fact = self._playout.pull(frames)
            if not self._earcons.is_idle:
                self._earcons.mix_into(samples)
        if fact is not None:
            self._tell(fact)
        return samples.tobytes(), pyaudio.paContinue


def _gain(percent: int) -> float:
    """Turn percent into a factor: squared, because the ear hears ratios."""
    return (percent / 100) ** 2
