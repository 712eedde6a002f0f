"""Quiet hours: the time of day in which nothing is announced. What people have set themselves still rings."""

import asyncio
from collections.abc import Callable
from datetime import datetime

from edgevoice.core.time_of_day import is_within, span_of
from edgevoice.settings.alarms import QuietHoursSettings

_LOOK_EVERY_S = 30.0
"""How often to look whether they are over: the clock may be set meanwhile."""


def is_quiet(settings: QuietHoursSettings, now: datetime) -> bool:
    """Return whether this local time is within quiet hours, which may go on past midnight."""
    return is_within(now.hour * 60 + now.minute, span_of(settings.begin, settings.end))


async def until_quiet_hours_end(settings: QuietHoursSettings, now: Callable[[], datetime]) -> None:
    """Wait until it is not, or no longer, within quiet hours; ``now`` returns the local time."""
    while True:
        if not is_quiet(settings, now()):
            return
        await asyncio.sleep(_LOOK_EVERY_S)
