"""A wall clock to go by for years: it follows corrections, but not a clock that has lost its time."""

import ctypes
import functools
import os
import time
from dataclasses import dataclass
from pathlib import Path

_TIMESYNCD = "/run/systemd/timesync/synchronized"

BACK_S = 86_400.0
"""How far the clock may be set back and still be believed: a day. A Pi without a battery wakes up years ago."""


@dataclass(frozen=True, slots=True)
class ClockReading:
    """The clocks at one moment: the wall clock since the epoch, and the boot clock since ``boot_id`` began.

    Both in seconds. The boot clock runs while the machine is suspended, and nobody can set it. ``is_set``: the network
    keeps the wall clock right.
    """

    wall_s: float
    boot_s: float
    boot_id: str
    is_set: bool = False


class _Timex(ctypes.Structure):
    """The beginning of struct timex on 64-bit Linux (adjtimex(2)); the rest is space for what the kernel writes."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("frequency", ctypes.c_long),
        ("largest_error_us", ctypes.c_long),
        ("rest", ctypes.c_byte * 256),
    )


@functools.cache
def _kernel() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def is_set_by_network() -> bool | None:
    """Return whether the network has set the wall clock since the machine started; ``None`` if nothing says so.

    The file is systemd-timesyncd's. The kernel is asked as `timedatectl` does, an error below 16 s meaning that
    something sets the clock; the service may not ask it.
    """
    if os.path.exists(_TIMESYNCD):  # noqa: PTH110 - half the cost of Path's, each second
        return True
    timex = _Timex()
    try:
        state = _kernel().adjtimex(ctypes.byref(timex))
    except (AttributeError, OSError):
        return None
    return None if state < 0 else 0 <= timex.largest_error_us < 16_000_000


def read_clocks() -> ClockReading:
    """Return the machine's clocks."""
    is_set = is_set_by_network() is True
    return ClockReading(time.time(), time.clock_gettime(time.CLOCK_BOOTTIME), _boot_id(), is_set)


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
        on from the last one that was known, as the boot clock counts. Unless the network keeps it right: then it was
        wrong before.
        """
        if self._known_boot_s is None:
            self._known_boot_s = raw.boot_s
        expected_s = self._known_s + raw.boot_s - self._known_boot_s
        wall_s = raw.wall_s if raw.is_set or raw.wall_s >= expected_s - BACK_S else expected_s
        self._known_s, self._known_boot_s = wall_s, raw.boot_s
        return ClockReading(wall_s, raw.boot_s, raw.boot_id, raw.is_set)
