"""The clock: the local time."""

from collections.abc import Callable
from datetime import datetime

from edgevoice.wall_clock import local_now


def clock_tool(now: Callable[[], datetime] = local_now) -> Callable[[], dict[str, str]]:
    """Return the tool that reports the time, date, weekday and time zone of ``now``, which must have a zone."""

    def get_current_time() -> dict[str, str]:
        """Tell the current local time, date and weekday."""
        moment = now()
        return {
            "time": f"{moment:%H:%M}",
            "date": f"{moment:%Y-%m-%d}",
            "weekday": f"{moment:%A}",
            "timezone": moment.tzname() or "unknown",
        }

    return get_current_time
