"""Clock fit: which sample passes a converter when, from the times of many callbacks. No I/O, no clock."""

from dataclasses import dataclass

import numpy as np

_BUCKET_S = 1.0
"""Callbacks are late by up to milliseconds but never early: only the promptest of each second is believed."""

_FIRST_BUCKET_S = 0.1
"""After a jump the first is shorter: until it is over, nobody knows what the microphone hears."""

_MOST_BUCKETS = 600
"""Ten minutes: a crystal's rate wanders with its temperature, not faster."""

_JUMP_S = 0.004
_JUMPED_S = 0.25
"""More than this off the line for so long is no rate and no late callback: samples were lost, and nobody said so."""

_STRANGE_S = 120.0
"""Time within which a second jump that nobody told of means that the rate itself is another one now."""

_FEWEST_FOR_RATE = 8
"""Buckets beyond the first of each stretch without a jump: what the rate is learned from."""

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
    envelope: of each second the least late observation, and a straight line through those. An xrun moves the line and
    leaves its slope: the rate is learned within each stretch between two of them.
    """

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        # Times, how late, and in which stretch, oldest first, in memory that is taken once: a list would grow for ten
        # minutes.
        self._points = np.zeros((3, _MOST_BUCKETS))
        self._count = 0
        self._bucket_end_s = 0.0
        self._least = (0.0, np.inf)
        self._line: Line | None = None
        self._stretch = 0
        self._last_fit_s = 0.0
        self._jumped_s = -np.inf
        self._is_provisional = False
        self.is_moving = False
        self.jumps = 0

    @property
    def line(self) -> Line | None:
        """Return the clock as known so far; ``None`` in the first second."""
        return self._line

    @property
    def is_settled(self) -> bool:
        """Whether seconds have passed since the start, or since a second jump that nobody told of."""
        return self._count >= _SETTLED_BUCKETS and not self.is_moving

    def take(self, position: int, at_s: float) -> None:
        """Take that sample ``position`` passed the converter at monotonic ``at_s``, or somewhat earlier."""
        late_s = at_s - position / self._rate_hz
        if self._line is not None and not self.is_moving:
            self._watch(at_s, late_s, self._line)
        if late_s < self._least[1]:
            self._least = (at_s, late_s)
        if at_s >= self._bucket_end_s:
            if self._bucket_end_s > 0:
                self._close_bucket(*self._least)
            self._open_bucket(at_s + (_FIRST_BUCKET_S if self.is_moving else _BUCKET_S))

    def xrun(self) -> None:
        """Take note that samples were lost before the next callback: for a tenth of a second the line is wrong."""
        self.is_moving = self._line is not None
        self._open_bucket(0.0)

    def restart(self) -> None:
        """Forget everything: the stream was opened anew, perhaps on another card."""
        self._count = 0
        self._line = None
        self.is_moving = self._is_provisional = False
        self._open_bucket(0.0)

    def _open_bucket(self, end_s: float) -> None:
        self._bucket_end_s = end_s
        self._least = (0.0, np.inf)

    def _watch(self, at_s: float, late_s: float, line: Line) -> None:
        """See what nobody tells of: a sound server's xrun, or its change of mind."""
        expected_s = line.lag_s + line.ppm * 1e-6 * (at_s - line.reference_s)
        if abs(late_s - expected_s) <= _JUMP_S:
            self._last_fit_s = at_s
        elif at_s - self._last_fit_s > _JUMPED_S:
            # Once, and the rate learned before still holds; twice, and nothing does.
            if at_s - self._jumped_s < _STRANGE_S:
                self._count = 0
            self._jumped_s = at_s
            self.xrun()

    def _close_bucket(self, at_s: float, late_s: float) -> None:
        if not self._is_provisional:
            self._count = min(self._count + 1, _MOST_BUCKETS)
            # The oldest gives way; what is before the first of them is never looked at.
            self._points[:, :-1] = self._points[:, 1:]
        if self.is_moving:
            self._stretch += 1
            self.jumps += 1
        # Of a tenth of a second the promptest is later than of a second; taken for equals they would tell a false rate.
        self._is_provisional, self.is_moving = self.is_moving, False
        self._points[:, -1] = at_s, late_s, self._stretch
        self._line = self._fit()
        self._last_fit_s = at_s

    def _fit(self) -> Line:
        """Fit one slope to all stretches, and a lag to the last of them."""
        times, lates, stretches = self._points[:, -self._count :]
        _, numbers, sizes = np.unique(stretches, return_inverse=True, return_counts=True)
        around = times - (np.bincount(numbers, times) / sizes)[numbers]
        lates_around = lates - (np.bincount(numbers, lates) / sizes)[numbers]
        is_last = stretches == self._stretch
        reference_s = float(times[is_last].mean())
        freedom = len(times) - len(sizes) - 1
        if freedom < _FEWEST_FOR_RATE:
            return Line(self._rate_hz, reference_s, float(np.median(lates[is_last])), 0.0, np.inf)
        spread = float(around @ around)
        slope = float(around @ lates_around) / spread
        lag_s = float(np.mean(lates[is_last]))
        rest = lates_around - slope * around
        error = float(np.sqrt(rest @ rest / freedom / spread))
        return Line(self._rate_hz, reference_s, lag_s, slope * 1e6, error * 1e6)


def drift_ppm(near: Line, far: Line) -> tuple[float, float]:
    """Return by how many ppm the far-end's clock is faster than the near-end's, and one standard error of that."""
    return near.ppm - far.ppm, float(np.hypot(near.error_ppm, far.error_ppm))
