"""Stalls: whether the event loop stands still, and for how long. It only logs; systemd's watchdog does the rest."""

import asyncio
import logging
import time
from collections.abc import Callable

from edgevoice.core.ports import Observer, Report
from edgevoice.journal import tell
from edgevoice.tick import until_tick_s

_log = logging.getLogger(__name__)


class StallWatch(Observer):
    """Logs each stall of more than ``limit_s`` seconds, by a ``clock`` of monotonic seconds."""

    def __init__(self, limit_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit_s = limit_s
        self._clock = clock

    async def run(self, _report: Report) -> None:
        """Measure until cancelled by how much the loop wakes this task too late."""
        step_s = self._limit_s / 2
        while True:
            before = self._clock()
            due_s = until_tick_s(before, step_s)
            await asyncio.sleep(due_s)
            late_s = self._clock() - before - due_s
            if late_s > self._limit_s:
                tell(_log, logging.WARNING, "loop-stalled", seconds=round(late_s, 1), limit_s=self._limit_s)
