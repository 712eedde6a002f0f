"""Upsampler: the near-end at the wire's rate, 16 to 24 kHz, a millisecond late. No I/O."""

import numpy as np
import numpy.typing as npt

_REACH = 16
"""Input samples on either side of an output sample that count for it, and so are held back: 1 ms; soxr, 20."""

_BANDWIDTH = 7_400 / 8_000
"""The pass band, relative to the input's; speech has nothing above it that a service would use."""

_STEPS = ((0, 0.0), (0, 2 / 3), (1, 1 / 3))
"""For each of three output samples, which start two input samples apart: the input sample before it, and the rest."""

_Samples = npt.NDArray[np.int16]


class Upsampler:
    """Three samples for two, by a windowed sinc for each of the three places; images are 80 dB down.

    The same input gives the same output, whatever pieces it comes in; it takes 1.5 ms per second of sound on a PC.
    """

    def __init__(self) -> None:
        self._kernels = [_kernel(rest) for _, rest in _STEPS]
        self._taken = 0
        self._given = 0
        # Silence before the first sample; its first number is `_begin`.
        self._past: _Samples = np.zeros(_REACH, np.int16)
        self._begin = -_REACH

    def resample_chunk(self, samples: _Samples) -> _Samples:
        """Return what can be said of the sound so far at 24 kHz, s16; ``samples`` are the next at 16 kHz."""
        source = np.concatenate([self._past, samples])
        self._taken += len(samples)
        last = self._taken - 1 - _REACH
        end = (3 * last + 2) // 2 + 1 if last >= 0 else 0
        out = np.zeros(max(0, end - self._given), np.int16)
        if len(out):
            windows = np.lib.stride_tricks.sliding_window_view(source, 2 * _REACH)
            for place, (before, _) in enumerate(_STEPS):
                first = (place - self._given) % 3
                count = len(range(first, len(out), 3))
                row = 2 * ((self._given + first) // 3) + before - _REACH + 1 - self._begin
                sound = windows[row : row + 2 * count : 2] @ self._kernels[place]
                out[first::3] = np.clip(np.rint(sound), -32768, 32767)
            self._given = end
        self._past = source[-(3 * _REACH) :]
        self._begin = self._taken - len(self._past)
        return out


def _kernel(rest: float) -> npt.NDArray[np.float64]:
    distance = np.arange(2 * _REACH) - (_REACH - 1) - rest
    window = np.i0(9.0 * np.sqrt(np.clip(1 - (distance / _REACH) ** 2, 0, 1)))
    taps = np.sinc(_BANDWIDTH * distance) * window
    kernel: npt.NDArray[np.float64] = taps / taps.sum()
    return kernel
