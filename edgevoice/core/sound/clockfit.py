"""Clock fit: maps samples to times for one converter, from the times of many callbacks. No I/O, no clock, no arrays."""

import math
from array import array
from collections import deque
from dataclasses import dataclass

_BUCKET_S = 1.0
"""Callbacks are late by up to milliseconds but never early: only the promptest of each second is used."""

_FIRST_BUCKET_S = 0.1
"""The first bucket after a jump is shorter: until it ends, the position of near-end samples is unknown."""

_MOST_BUCKETS = 600
"""Ten minutes: a crystal's rate changes with its temperature, not faster."""

_JUMP_S = 0.004
_JUMPED_S = 0.25
"""A longer deviation from the line than this is neither a rate nor a late callback: samples were lost without a report.
"""

_STRANGE_S = 120.0
"""A second unreported jump within this time means that the rate itself has changed."""

_FEWEST_FOR_RATE = 8
"""Buckets beyond the first of each stretch without a jump: the data from which the rate is learned."""

_SETTLED_BUCKETS = 3

_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class ClockLine:
    """A stream's clock: sample ``position`` passes at ``time_at`` in monotonic seconds, and vice versa.

    ``lag_s`` is how late sample 0 is at monotonic time 0, ``ppm`` how much slower than its nominal rate the clock
    runs. ``error_ppm`` is one standard error of that; while it is unknown, it is infinite and ``ppm`` is 0.
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
        """Return which sample passes at a monotonic time, as a fractional number."""
        late_s = self.lag_s + self.ppm * 1e-6 * (time_s - self.reference_s)
        return (time_s - late_s) * self.rate_hz


@dataclass(slots=True)
class _Stretch:
    """The sums of a straight line's least squares over the buckets between two jumps.

    They are in whole nanoseconds, which Python adds without rounding: removing a value after ten minutes leaves no
    residue, however long the box runs.
    """

    count: int = 0
    times: int = 0
    lates: int = 0
    times_times: int = 0
    times_lates: int = 0
    lates_lates: int = 0

    def add(self, time_ns: int, late_ns: int) -> None:
        self._take(1, time_ns, late_ns)

    def remove(self, time_ns: int, late_ns: int) -> None:
        self._take(-1, time_ns, late_ns)

    def _take(self, sign: int, time_ns: int, late_ns: int) -> None:
        self.count += sign
        self.times += sign * time_ns
        self.lates += sign * late_ns
        self.times_times += sign * time_ns * time_ns
        self.times_lates += sign * time_ns * late_ns
        self.lates_lates += sign * late_ns * late_ns

    def squares(self) -> tuple[float, float, float]:
        """Return the squares around the means, in ns²: of the times, of both together, and of how late they are."""
        return (
            (self.count * self.times_times - self.times * self.times) / self.count,
            (self.count * self.times_lates - self.times * self.lates) / self.count,
            (self.count * self.lates_lates - self.lates * self.lates) / self.count,
        )


class _Buckets:
    """The promptest observation of each second of the last ten minutes, in stretches between two jumps.

    ``count``: how many are held.
    """

    def __init__(self) -> None:
        # Rings of times and of lateness, in ns, in memory that is allocated once: a list would grow for ten minutes.
        self._times = array("q", bytes(8 * _MOST_BUCKETS))
        self._lates = array("q", bytes(8 * _MOST_BUCKETS))
        self._next = 0
        self._stretches: deque[_Stretch] = deque([_Stretch()])
        self.count = 0

    def clear(self) -> None:
        self.count = 0
        self._stretches = deque([_Stretch()])

    def begin_stretch(self) -> None:
        """Begin a new stretch after a jump."""
        if self._stretches[-1].count:
            self._stretches.append(_Stretch())

    def keep(self, at_s: float, late_s: float) -> None:
        """Add a bucket to the last stretch; when the ring is full, the oldest is removed."""
        if self.count == _MOST_BUCKETS:
            oldest = self._stretches[0]
            oldest.remove(self._times[self._next], self._lates[self._next])
            if not oldest.count:
                self._stretches.popleft()
        else:
            self.count += 1
        time_ns, late_ns = round(at_s * _NS), round(late_s * _NS)
        self._times[self._next], self._lates[self._next] = time_ns, late_ns
        self._next = (self._next + 1) % _MOST_BUCKETS
        self._stretches[-1].add(time_ns, late_ns)

    def drop_newest(self) -> None:
        self._next = (self._next - 1) % _MOST_BUCKETS
        self.count -= 1
        self._stretches[-1].remove(self._times[self._next], self._lates[self._next])

    def fit(self, rate_hz: int) -> ClockLine:
        """Fit one slope to all stretches, and a lag to the last of them."""
        last = self._stretches[-1]
        reference_s = last.times / last.count / _NS
        freedom = self.count - len(self._stretches) - 1
        if freedom < _FEWEST_FOR_RATE:
            # There are few: at most as many as a rate needs, plus one.
            lates = sorted(self._lates[(self._next - 1 - back) % _MOST_BUCKETS] for back in range(last.count))
            median = (lates[last.count // 2] + lates[(last.count - 1) // 2]) / 2
            return ClockLine(rate_hz, reference_s, median / _NS, 0.0, math.inf)
        squares = [stretch.squares() for stretch in self._stretches]
        times, both, lates_squared = (math.fsum(column) for column in zip(*squares, strict=True))
        slope = both / times
        error = math.sqrt(max(0.0, lates_squared - slope * both) / freedom / times)
        return ClockLine(rate_hz, reference_s, last.lates / last.count / _NS, slope * 1e6, error * 1e6)


class ClockFit:
    """The clock of one stream of nominally ``rate_hz``, fitted to its callbacks.

    ``take`` is meant for the callback itself: it needs microseconds, however long the stream has run. The method is the
    lower envelope: the least late observation of each second, and a straight line through those. An xrun shifts the
    line but keeps its slope: the rate is learned within each stretch between two xruns.

    The arithmetic is plain Python. When memory is short, the kernel first reclaims the pages of a library that an idle
    box uses once a second, as it would use numpy here; reading them back takes longer than a callback's period.
    """

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._buckets = _Buckets()
        self._bucket_end_s = 0.0
        self._least = (0.0, math.inf)
        self._line: ClockLine | None = None
        self._last_fit_s = 0.0
        self._jumped_s = -math.inf
        self._is_provisional = False
        self.is_moving = False
        self.jumps = 0

    @property
    def line(self) -> ClockLine | None:
        """Return the clock as known so far; ``None`` in the first second."""
        return self._line

    @property
    def is_settled(self) -> bool:
        """Whether seconds have passed since the start, or since a second unreported jump."""
        return self._buckets.count >= _SETTLED_BUCKETS and not self.is_moving

    def take(self, position: int, at_s: float) -> None:
        """Record that sample ``position`` passed the converter at monotonic ``at_s``, or somewhat earlier."""
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
        """Record that samples were lost before the next callback: for a tenth of a second the line is wrong."""
        self.is_moving = self._line is not None
        self._open_bucket(0.0)

    def restart(self) -> None:
        """Forget everything: the stream was reopened, perhaps on another card."""
        self._forget()
        self._line = None
        self.is_moving = False
        self._open_bucket(0.0)

    def _open_bucket(self, end_s: float) -> None:
        self._bucket_end_s = end_s
        self._least = (0.0, math.inf)

    def _watch(self, at_s: float, late_s: float, line: ClockLine) -> None:
        """Detect what is not reported: a sound server's xrun, or a change of its rate."""
        expected_s = line.lag_s + line.ppm * 1e-6 * (at_s - line.reference_s)
        if abs(late_s - expected_s) <= _JUMP_S:
            self._last_fit_s = at_s
        elif at_s - self._last_fit_s > _JUMPED_S:
            # After one jump the rate learned before still holds; after two, nothing does.
            if at_s - self._jumped_s < _STRANGE_S:
                self._forget()
            self._jumped_s = at_s
            self.xrun()

    def _forget(self) -> None:
        self._buckets.clear()
        self._is_provisional = False

    def _close_bucket(self, at_s: float, late_s: float) -> None:
        # The promptest of a tenth of a second is later than that of a second; mixing them would give a wrong rate.
        if self._is_provisional:
            self._buckets.drop_newest()
        if self.is_moving:
            self.jumps += 1
            self._buckets.begin_stretch()
        self._is_provisional, self.is_moving = self.is_moving, False
        self._buckets.keep(at_s, late_s)
        self._line = self._buckets.fit(self._rate_hz)
        self._last_fit_s = at_s


def drift_ppm(near: ClockLine, far: ClockLine) -> tuple[float, float]:
    """Return by how many ppm the far-end's clock is faster than the near-end's, and one standard error of that."""
    return near.ppm - far.ppm, math.hypot(near.error_ppm, far.error_ppm)
