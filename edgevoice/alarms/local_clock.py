"""The clocks of this machine: wall clock, boot clock and time zone, as alarms are to believe them."""

import os
from collections.abc import Callable
from datetime import UTC, tzinfo
from pathlib import Path

from edgevoice.steady_clock import ClockReading, SteadyClock, read_clocks

_SYSTEM_ZONE = "/etc/localtime"


def local_zone() -> tzinfo:
    """Return this machine's time zone, with its rules for the years to come; UTC if it has none."""
    # Loaded when a time of day is first needed.
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # noqa: PLC0415

    name = os.environ.get("TZ", "").lstrip(":") or _SYSTEM_ZONE
    try:
        if not name.startswith("/"):
            return ZoneInfo(name)
        with Path(name).open("rb") as file:
            return ZoneInfo.from_file(file)
    except (OSError, ValueError, ZoneInfoNotFoundError):
        return UTC


class LocalClock:
    """Reads the clocks by ``read`` and the time zone by ``zone``."""

    def __init__(self, read: Callable[[], ClockReading] = read_clocks, zone: Callable[[], tzinfo] = local_zone) -> None:
        self._read = read
        self._steady = SteadyClock()
        self.zone = zone

    def know(self, known_s: float) -> None:
        """Take the last wall time that was known before this boot."""
        self._steady = SteadyClock(known_s)

    def now(self) -> ClockReading:
        """Return the clocks, as they are to be believed."""
        return self._steady.read(self._read())
