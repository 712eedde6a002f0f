"""Backchannels: the service's short "mm-hm" while the user speaks, mixed in quietly; they belong to no answer."""

import numpy as np
import numpy.typing as npt

from edgevoice.core.sound.fade import FADE, fade_out
from edgevoice.core.sound.rates import FAR_END_HZ
from edgevoice.core.sound.whole_samples import WholeSamples

_Samples = npt.NDArray[np.int16]

BACKCHANNEL_GAIN = 10 ** (-9 / 20)
"""Relative to an answer: it is played while the user speaks, and must not make them stop."""

_PREFILL = FAR_END_HZ * 60 // 1000
"""Samples to buffer before one is played, 60 ms: a gap in a sound of half a second is audible."""

_MOST = 3 * FAR_END_HZ
"""Samples that may be queued, 3 s: six of the model's tokens, which is its longest, take some two."""

_NOTHING = np.zeros(0, np.int16)


class BackchannelMixer:
    """The queued backchannels of the service, one after another. Callers in two threads must hold a lock."""

    def __init__(self) -> None:
        self._waiting: _Samples = _NOTHING
        self._joined = WholeSamples()
        self._is_flowing = False
        self._current: str | None = None
        self._stopped: str | None = None

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to mix."""
        return not self._is_flowing

    def push(self, backchannel_id: str, pcm: bytes) -> bool:
        """Queue s16 samples at 24 kHz; return whether a backchannel begins with them.

        A sample split over two pushes is joined again. Samples are dropped if their backchannel was stopped, or if 3 s
        are queued already.
        """
        if backchannel_id == self._stopped:
            return False
        begins = backchannel_id != self._current
        if begins:
            self._current, self._joined = backchannel_id, WholeSamples()
        samples = np.frombuffer(self._joined.take(pcm), "<i2")[: _MOST - len(self._waiting)]
        self._waiting = np.concatenate([self._waiting, samples])
        self._is_flowing = self._is_flowing or len(self._waiting) >= _PREFILL
        return begins

    def finish(self, backchannel_id: str) -> None:
        """Mark a backchannel as completely received: what has arrived need not wait for a prefill."""
        if backchannel_id == self._current:
            self._is_flowing = len(self._waiting) > 0

    def skip(self, backchannel_id: str) -> None:
        """Drop the rest of this backchannel as it arrives: one must not start in its middle."""
        # A backchannel without an id cannot be distinguished from the next.
        self._stopped = backchannel_id or self._stopped

    def stop(self) -> None:
        """Fade out what is sounding within 3 ms, and drop the rest; what still arrives of it is not heard."""
        # A backchannel without an id cannot be distinguished from the next: that must not silence all later ones.
        self._stopped = self._current or self._stopped
        self._current = None
        tail = self._waiting[:FADE] if self._is_flowing else _NOTHING
        self._waiting = (tail * fade_out(len(tail))).astype(np.int16)
        self._is_flowing = len(tail) > 0

    def mix_into(self, samples: _Samples, gain: float) -> None:
        """Add the next stretch to ``samples``, in place, at a ``gain`` of 0 to 1, clipping at full scale."""
        piece, self._waiting = self._waiting[: len(samples)], self._waiting[len(samples) :]
        self._is_flowing = len(self._waiting) > 0
        mixed = samples[: len(piece)] + piece * gain
        samples[: len(piece)] = np.clip(mixed, -32768, 32767)

    def mark(self) -> tuple[_Samples, bool]:
        """Return what is still to be mixed, for ``take_back``."""
        return self._waiting, self._is_flowing

    def take_back(self, mark: tuple[_Samples, bool]) -> None:
        """Return to ``mark``: what was mixed since then is to be mixed again."""
        self._waiting, self._is_flowing = mark
