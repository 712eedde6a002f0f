"""Doubler: twice the sample rate, for cards that know no other. What was given last can be taken back. No I/O."""

import numpy as np
import numpy.typing as npt

_REACH = 12
"""Input samples on either side of an output sample that count for it; so the output is half a millisecond late."""

_HELD = 4096
"""Input samples that are kept: more than any ring holds."""

_PIECE = 480
"""Input samples that are interpolated at once, tap by tap: `np.convolve`, and numpy with more than 500 samples, let
other threads run, and beside a busy one that takes 5 ms and more.
"""

_Samples = npt.NDArray[np.int16]


class Doubler:
    """A half-band filter: every second output sample is an input sample, those between are interpolated.

    Images of the band of speech, up to 9 kHz, are 70 dB down. The same input gives the same output, whatever pieces it
    comes in and whatever was taken back meanwhile.
    """

    def __init__(self) -> None:
        self._kernel = _kernel()
        self._past: _Samples = np.zeros(2 * _REACH, np.int16)

    def process(self, samples: _Samples) -> _Samples:
        """Return twice as many samples as those given, s16."""
        if not len(samples):
            return samples
        source = np.concatenate([self._past[-(2 * _REACH - 1) :], samples])
        out = np.empty(2 * len(samples), np.int16)
        out[0::2] = source[_REACH - 1 : _REACH - 1 + len(samples)]
        for at in range(0, len(samples), _PIECE):
            count = min(_PIECE, len(samples) - at)
            between = np.zeros(count)
            for place, tap in enumerate(self._kernel, at):
                between += tap * source[place : place + count]
            out[2 * at + 1 : 2 * (at + count) : 2] = np.clip(np.rint(between), -32768, 32767)
        self._past = np.concatenate([self._past, samples])[-_HELD:]
        return out

    def mark(self) -> _Samples:
        """Return where it is, for ``restore``."""
        return self._past

    def restore(self, mark: _Samples) -> None:
        """Return to ``mark``."""
        self._past = mark

    def take_back(self, count: int) -> None:
        """Forget the last ``count`` samples: others come in their place."""
        kept = self._past[: max(0, len(self._past) - count)]
        missing = max(0, 2 * _REACH - len(kept))
        self._past = np.concatenate([np.zeros(missing, np.int16), kept])

    def clear(self) -> None:
        """Go on after silence."""
        self._past = np.zeros(2 * _REACH, np.int16)


def _kernel() -> npt.NDArray[np.float64]:
    """Return the taps of the samples between two: a windowed sinc at half a sample, whose sum is 1."""
    distance = np.arange(2 * _REACH) - (_REACH - 0.5)
    taps = np.sinc(distance) * np.kaiser(2 * _REACH, 6.0)
    kernel: npt.NDArray[np.float64] = taps / taps.sum()
    return kernel
