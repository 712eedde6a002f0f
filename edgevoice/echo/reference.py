"""Far-end reference: what the speaker was handed, at the near-end's rate and aligned with it. No I/O, no clock."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgevoice.core.sound.clockfit import ClockFit, ClockLine, drift_ppm
from edgevoice.core.sound.rates import FAR_END_HZ, NEAR_END_HZ

_RATIO = FAR_END_HZ / NEAR_END_HZ

_HELD = 4 * FAR_END_HZ
"""Samples of the far-end that are kept: the longest delay, and a reserve for a stall."""

_TAIL = FAR_END_HZ * 6 // 10
"""Samples after the last sound during which a room, a codec or a Bluetooth link may still return it: 600 ms."""

_MARGIN_S = 0.008
"""The reference is early by this much: an echo that comes before its reference can never be cancelled."""

_TAPS = 48
_PHASES = 256
_CUTOFF_HZ = 7_400

_SAME_CLOCK_PPM = 0.5
"""Less than this is not drift: both halves use one crystal, and following noise would only unsettle the canceller."""

_SAME_CLOCK_SLIP = 12
"""Far-end samples, 0.5 ms, by which the fits of one crystal may deviate from the previous alignment."""

_Samples = npt.NDArray[np.int16]


@dataclass(slots=True)
class _Alignment:
    """Near-end sample ``near`` hears far-end sample ``far``; each later one moves on by ``step`` far-end samples."""

    near: int
    far: float
    step: float
    jumps: int

    def at(self, near: int) -> float:
        return self.far + (near - self.near) * self.step


class FarEndReference:
    """The last seconds of the far-end, read in near-end blocks.

    ``played`` is for the output callback, ``block`` for the capture callback. ``delay_s`` is how much later the
    microphone hears the speaker than the clocks indicate: converters and air, as measured; if it was not measured, it
    is 0, and the canceller's own tail must cover it. With ``lead_s`` the reference is early by so much.

    ``short`` is how many samples at 24 kHz the last block needed that had not come yet; zeros stand for them.
    ``is_ours`` and ``lookahead`` are for `EchoStage`: all of it is the box's own sound, and is known before it sounds.
    """

    is_ours = True
    lookahead = 0

    def __init__(self, near: ClockFit, far: ClockFit, delay_s: float = 0.0, *, lead_s: float = 0.0) -> None:
        self._near = near
        self._far = far
        self._delay_s = max(0.0, delay_s - _MARGIN_S) - lead_s
        self.short = 0
        self._ring = np.zeros(_HELD, np.int16)
        self._end = 0
        self._sound_end = -_HELD
        self._alignment: _Alignment | None = None
        self._expected = 0
        self._kernels = _kernels()

    @property
    def drift_ppm(self) -> float:
        """Return by how much the far-end's clock is faster than the near-end's, in ppm; 0 if that is uncertain."""
        if self._near.line is None or self._far.line is None:
            return 0.0
        drift, error = drift_ppm(self._near.line, self._far.line)
        return drift if abs(drift) > max(_SAME_CLOCK_PPM, 3 * error) else 0.0

    @property
    def position(self) -> int:
        """The number of samples recorded so far."""
        return self._end

    @property
    def is_settled(self) -> bool:
        """Whether both clocks have been observed long enough for the blocks to be aligned."""
        return self._near.is_settled and self._far.is_settled

    @property
    def is_moving(self) -> bool:
        """Whether either stream has just lost samples, and it is not known yet how many."""
        return self._near.is_moving or self._far.is_moving

    def take_back(self, frames: int) -> None:
        """Forget the last ``frames``: the card was given other samples instead of them, before it emitted them."""
        self._end -= frames
        self._sound_end = min(self._sound_end, self._end)

    def delay_by(self, seconds: float) -> None:
        """Return each block so much later from now on: the echo has moved against its reference."""
        self._delay_s += seconds
        self._alignment = None

    def played(self, samples: _Samples | None, frames: int) -> None:
        """Record what was handed to the card, s16 at 24 kHz; ``None`` stands for ``frames`` of silence."""
        if samples is None:
            if self._end - self._sound_end < _HELD:
                self._write(np.zeros(min(frames, _HELD), np.int16))
            self._end += frames
            return
        self._write(samples)
        self._end += frames
        self._sound_end = self._end

    def block(self, position: int, count: int) -> _Samples | None:
        """Return the reference for near-end samples ``position`` to ``position + count``, s16 at 16 kHz.

        ``None`` if the far-end has been silent for so long that none of it can be heard. ``count`` must be even.
        """
        near, far = self._near.line, self._far.line
        self.short = 0
        # The second check is approximate, and costs nothing in an idle box.
        if near is None or far is None or self._end - self._sound_end > _HELD:
            return None
        if self._alignment is None or self._alignment.jumps != self.jumps or position != self._expected:
            self._alignment = self._align(position, near, far)
        begin = self._alignment.at(position)
        self.short = max(0, int(begin + _RATIO * count) + _TAPS // 2 - self._end)
        if begin > self._sound_end + _TAIL:
            return None
        self._expected = position + count
        return self._resampled(begin, count)

    @property
    def jumps(self) -> int:
        """How often either stream has lost or gained time: each time the echo has moved against its reference."""
        return self._near.jumps + self._far.jumps

    def _align(self, position: int, near: ClockLine, far: ClockLine) -> _Alignment:
        """Realign after a pause; while something sounds, follow only drift: the canceller could not follow more."""
        drift = self.drift_ppm
        place = far.position_at(near.time_at(position) - self._delay_s)
        before = self._alignment
        if before is not None and before.jumps == self.jumps and drift == 0:
            expected = before.at(position)
            if abs(place - expected) < _SAME_CLOCK_SLIP:
                place = expected
        return _Alignment(position, place, _RATIO * (1 + drift * 1e-6), self.jumps)

    def _write(self, samples: _Samples) -> None:
        at = self._end % _HELD
        first = min(len(samples), _HELD - at)
        self._ring[at : at + first] = samples[:first]
        self._ring[: len(samples) - first] = samples[first:]

    def _read(self, begin: int, count: int) -> npt.NDArray[np.float32]:
        """Return far-end samples, with zeros for those that are no longer, or not yet, there."""
        out = np.zeros(count, np.float32)
        first, last = max(begin, self._end - _HELD, 0), min(begin + count, self._end)
        if first >= last:
            return out
        at, size = first % _HELD, last - first
        head = min(size, _HELD - at)
        place = first - begin
        out[place : place + head] = self._ring[at : at + head]
        out[place + head : place + size] = self._ring[: size - head]
        return out

    def _resampled(self, begin: float, count: int) -> _Samples:
        """Return ``count`` samples at 16 kHz from far-end position ``begin`` on.

        Within a block the two clocks run at the same rate (50 ppm are a hundredth of a sample), so every second sample
        has the same phase.
        """
        even, odd = int(np.floor(begin)), int(np.floor(begin + _RATIO))
        # Both phases in one product: a column of taps for each, the odd ones shifted by a sample or two.
        taps = np.zeros((_TAPS + 2, 2), np.float32)
        taps[:_TAPS, 0] = self._kernels[int((begin - even) * _PHASES)]
        taps[odd - even : odd - even + _TAPS, 1] = self._kernels[int((begin + _RATIO - odd) * _PHASES)]
        source = self._read(even - _TAPS // 2 + 1, 3 * (count // 2) + _TAPS)
        # Each row starts three samples later, as a view: nothing is copied.
        windows = np.ndarray((count // 2, _TAPS + 2), np.float32, source, strides=(12, 4))
        out: npt.NDArray[np.float32] = windows.dot(taps).reshape(count)
        return np.clip(np.rint(out), -32768, 32767).astype(np.int16)


def _kernels() -> npt.NDArray[np.float32]:
    """Return a windowed sinc for each phase between two far-end samples; row ``phase``, column tap."""
    taps = np.arange(_TAPS) - (_TAPS // 2 - 1)
    phases = (np.arange(_PHASES) + 0.5) / _PHASES
    distance = taps[None, :] - phases[:, None]
    bandwidth = 2 * _CUTOFF_HZ / FAR_END_HZ
    window = np.kaiser(2 * _PHASES * _TAPS + 1, 8.0)
    shaped = np.interp(distance, np.linspace(-_TAPS / 2, _TAPS / 2, len(window)), window)
    kernels = bandwidth * np.sinc(bandwidth * distance) * shaped
    normalised: npt.NDArray[np.float32] = (kernels / kernels.sum(axis=1, keepdims=True)).astype(np.float32)
    return normalised
