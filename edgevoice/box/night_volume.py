"""The volume at night: answers are no louder than that, and by day as loud as before. An observer."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final

from edgevoice.core.ports import Observer, Report
from edgevoice.core.time_of_day import CLOCK_MAY_BE_SET_S, Span, is_within, seconds_to_edge, span_of
from edgevoice.settings.schema import Settings
from edgevoice.wall_clock import local_now

NO_LIMIT: Final = 100


class NightVolume(Observer):
    """Calls ``limit`` with the loudest volume in percent, whenever that changes; ``now`` is the local time."""

    def __init__(self, night: Span, percent: int, limit: Callable[[int], None], now: Callable[[], datetime]) -> None:
        self._night = night
        self._percent = percent
        self._limit = limit
        self._now = now

    async def run(self, report: Report) -> None:  # noqa: ARG002 - a limit is no news
        """Set and lift the limit, forever."""
        while True:
            now = self._now()
            second = now.hour * 3600 + now.minute * 60 + now.second
            self._limit(self._percent if is_within(second // 60, self._night) else NO_LIMIT)
            edge_s = seconds_to_edge(second, self._night)
            await asyncio.sleep(CLOCK_MAY_BE_SET_S if edge_s is None else min(edge_s, CLOCK_MAY_BE_SET_S))


def night_volume_of(settings: Settings, limit: Callable[[int], None]) -> NightVolume | None:
    """Return what keeps the box quiet at night, ``None`` if these settings want no limit."""
    panel, percent = settings.panel, settings.speaker.night_volume_percent
    night = span_of(panel.night_from, panel.night_to)
    return NightVolume(night, percent, limit, local_now) if night is not None and percent < NO_LIMIT else None
