"""Callback time: when a stream's samples pass the converter, on the monotonic clock used everywhere else."""

import time
from collections.abc import Mapping

from edgevoice.core.sound.clockfit import ClockFit

_LONGEST_WAIT_S = 0.5
"""A longer time between PortAudio's reading of the clock and ours is not a delay: the clock was set, or is a different
one.
"""

_GAP_S = 0.4
"""Callbacks this far apart belong to two streams: it was reopened."""


class CallbackTime:
    """Fits ``clock`` to a stream's callbacks, and counts its xruns; only for PortAudio's thread.

    ``key`` names the converter's time among those that PortAudio gives. ``called_at`` is when it last called, in
    monotonic seconds.
    """

    def __init__(self, clock: ClockFit, key: str) -> None:
        self.clock = clock
        self._key = key
        self.called_at = 0.0
        self.xruns = 0

    def lost(self) -> None:
        """Count audio that was lost just now."""
        self.xruns += 1
        self.clock.xrun()

    def take(self, times: Mapping[str, float] | None, position: int, *, is_xrun: bool) -> None:
        """Take a callback whose first sample is number ``position``; ``is_xrun`` says that audio was lost before it."""
        if is_xrun:
            self.lost()
        now = time.monotonic()
        if now - self.called_at > _GAP_S:
            self.clock.restart()
        self.called_at = now
        if times:
            self.clock.take(position, converter_s(times, self._key))

    def observe(self, position: int, at_s: float) -> None:
        """Take that the card emitted sample ``position`` at ``at_s``, in monotonic seconds, or somewhat earlier."""
        self.called_at = at_s
        self.clock.take(position, at_s)

    def restart(self) -> None:
        """Record that the stream was opened again, perhaps on another card."""
        self.called_at = time.monotonic()
        self.clock.restart()


class Timed:
    """A stream's end whose callbacks keep ``timing``."""

    timing: CallbackTime

    @property
    def clock(self) -> ClockFit:
        """The stream's clock."""
        return self.timing.clock

    @property
    def called_at(self) -> float:
        """When PortAudio last called, in monotonic seconds."""
        return self.timing.called_at


def converter_s(times: Mapping[str, float], key: str) -> float:
    """Return the ``time.monotonic()`` that corresponds to PortAudio's ``times[key]``.

    PortAudio uses the wall clock, which may be set, so only differences count: from that time to its ``current_time``,
    and from that to now. The latter is how long the callback waited for the interpreter, up to 5 ms beside a busy
    thread.
    """
    now, wall = time.monotonic(), time.time()
    waited_s = wall - times["current_time"]
    if not 0 <= waited_s < _LONGEST_WAIT_S:
        waited_s = 0.0
    return now - waited_s + times[key] - times["current_time"]
