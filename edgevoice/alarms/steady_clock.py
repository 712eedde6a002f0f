"""A wall clock to set alarms by: it follows corrections, but not a clock that has lost its time. Pure."""

from edgevoice.alarms.rings import ClockReading

BACK_S = 86_400.0
"""How far the clock may be set back and still be believed: a day. A Pi without a battery wakes up years ago."""


class SteadyClock:
    """The best knowledge of the wall time. ``known_s``: the last time that was known before this boot, 0 if none."""

    def __init__(self, known_s: float = 0.0) -> None:
        self._known_s = known_s
        self._known_boot_s: float | None = None

    @property
    def known_s(self) -> float:
        """The last wall time that was believed."""
        return self._known_s

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
