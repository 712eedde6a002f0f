"""A wall clock to go by for years: it follows corrections, but not a clock that has lost its time."""

import functools
import time
from dataclasses import dataclass
from pathlib import Path

BACK_S = 86_400.0
"""How far the clock may be set back and still be believed: a day. A Pi without a battery wakes up years ago."""


@dataclass(frozen=True, slots=True)
class ClockReading:
    """The clocks at one moment: the wall clock since the epoch, and the boot clock since ``boot_id`` began.

    Both in seconds. The boot clock runs while the machine is suspended, and nobody can set it.
    """

    wall_s: float
    boot_s: float
    boot_id: str


def read_clocks() -> ClockReading:
    """Return the machine's clocks."""
    return ClockReading(time.time(), time.clock_gettime(time.CLOCK_BOOTTIME), _boot_id())


@functools.cache
def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


class SteadyClock:
    """The best knowledge of the wall time. ``known_s``: the last time that was known before this boot, 0 if none."""

    def __init__(self, known_s: float = 0.0) -> None:
        self._known_s = known_s
        self._known_boot_s: float | None = None

    def read(self, raw: ClockReading) -> ClockReading:
        """Return the clocks as they are to be believed.

        While the wall clock shows a time more than a day before one that has passed, its time is lost: time then goes
        on from the last one that was known, as the boot clock counts.
        """
        if self._known_boot_s is None:
            self._known_boot_s = raw.boot_s
        expected_s = self._known_s + raw.boot_s - self._known_boot_s
        wall_s = raw.wall_s if raw.wall_s >= expected_s - BACK_S else expected_s
        self._known_s, self._known_boot_s = wall_s, raw.boot_s
        return ClockReading(wall_s, raw.boot_s, raw.boot_id)
