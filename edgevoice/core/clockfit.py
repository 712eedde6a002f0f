"""Clock fit: which sample passes a converter when, from the times of many callbacks. No I/O, no clock."""

from dataclasses import dataclass

import numpy as np

_BUCKET_S = 1.0
"""Callbacks are late by up to milliseconds but never early: only the promptest of each second is believed."""

_MOST_BUCKETS = 600
"""Ten minutes: a crystal's rate wanders with its temperature, not faster."""

_JUMP_S = 0.004
"""More than this off the line is an xrun, or a sound server that thought better of it; not a rate."""

_STRANGE = 60
"""Buckets within which a second jump means that the rate itself is another one now."""

_FEWEST_FOR_RATE = 10
_SETTLED_BUCKETS = 3


@dataclass(frozen=True, slots=True)
class Line:
    """A stream's clock: sample ``position`` passes at ``time_at`` in monotonic seconds, and the other way round.

    ``lag_s`` is how late sample 0 is at monotonic time 0, ``ppm`` how much slower than its nominal rate the clock
    runs. ``error_ppm`` is one standard error of that; infinite where it is not known yet, and ``ppm`` then 0.
    """

    rate_hz: int
    reference_s: float
    lag_s: float
    ppm: float
    error_ppm: float

    def time_at(self, position: float) -> float:
        """Return when a sample passes, in monotonic seconds."""
        slope = self.ppm * 1e-6
        return (position / self.rate_hz + self.lag_s - slope * self.reference_s) / (1 - slope)

    def position_at(self, time_s: float) -> float:
        """Return which sample passes at a monotonic time, in samples and parts of one."""
        late_s = self.lag_s + self.ppm * 1e-6 * (time_s - self.reference_s)
        return (time_s - late_s) * self.rate_hz


class ClockFit:
    """The clock of one stream of nominally ``rate_hz``, fitted to its callbacks.

    ``take`` is cheap enough for every callback; ``line`` is computed once per second of sound. The method is the lower
    envelope: of each second the least late observation, and a straight line through those.
    """

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        # Times and how late, oldest first, in memory that is taken once: a list would grow for ten minutes.
        self._points = np.zeros((2, _MOST_BUCKETS))
        self._count = 0
        self._bucket_end_s = 0.0
        self._least = (0.0, np.inf)
        self._line: Line | None = None
        self._since_jump = _STRANGE
        self.jumps = 0

    @property
    def line(self) -> Line | None:
        """Return the clock as known so far; ``None`` in the first second."""
        return self._line

    @property
    def is_settled(self) -> bool:
        """Whether seconds have passed since the start or the last jump."""
        return self._count >= _SETTLED_BUCKETS

    def take(self, position: int, at_s: float) -> None:
        """Take that sample ``position`` passed the converter at monotonic ``at_s``, or somewhat earlier."""
        late_s = at_s - position / self._rate_hz
        if late_s < self._least[1]:
            self._least = (at_s, late_s)
        if at_s >= self._bucket_end_s:
            if self._bucket_end_s > 0:
                self._close_bucket(*self._least)
            self._bucket_end_s = at_s + _BUCKET_S
            self._least = (0.0, np.inf)

    def restart(self) -> None:
        """Forget everything: the stream was opened anew, perhaps on another card."""
        self._count = 0
        self._bucket_end_s = 0.0
        self._least = (0.0, np.inf)
        self._line = None

    def _close_bucket(self, at_s: float, late_s: float) -> None:
        self._since_jump += 1
        if self._line is not None:
            expected_s = self._line.lag_s + self._line.ppm * 1e-6 * (at_s - self._line.reference_s)
            jump_s = late_s - expected_s
            if abs(jump_s) > _JUMP_S:
                # Time was lost, or won: once, and the rate learned before still holds; twice, and nothing does.
                self._points[1] += jump_s
                if self._since_jump <= _STRANGE:
                    self._count = 0
                self._since_jump = 0
                self.jumps += 1
        self._count = min(self._count + 1, _MOST_BUCKETS)
        # The oldest gives way; what is before the first of them is never looked at.
        self._points[:, :-1] = self._points[:, 1:]
        self._points[:, -1] = at_s, late_s
        self._line = self._fit()

    def _fit(self) -> Line:
        times, lates = self._points[:, -self._count :]
        reference_s = float(times.mean())
        if len(times) < _FEWEST_FOR_RATE:
            return Line(self._rate_hz, reference_s, float(np.median(lates)), 0.0, np.inf)
        around = times - reference_s
        spread = float(around @ around)
        slope = float(around @ lates) / spread
        lag_s = float(lates.mean())
        rest = lates - lag_s - slope * around
        error = float(np.sqrt(rest @ rest / (len(times) - 2) / spread))
        return Line(self._rate_hz, reference_s, lag_s, slope * 1e6, error * 1e6)


def drift_ppm(near: Line, far: Line) -> tuple[float, float]:
    """Return by how many ppm the far-end's clock is faster than the near-end's, and one standard error of that."""
    return near.ppm - far.ppm, float(np.hypot(near.error_ppm, far.error_ppm))
