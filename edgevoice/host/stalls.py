"""Stalls: whether the event loop stands still, and for how long. It only tells; systemd's watchdog does the rest."""

import asyncio
import logging
import time
from collections.abc import Callable

from edgevoice.journal import tell

_log = logging.getLogger(__name__)


async def watch_loop(limit_s: float, clock: Callable[[], float] = time.monotonic) -> None:
    """Write each stall of more than ``limit_s`` seconds to the log, with its length; never ends by itself."""
    step_s = limit_s / 4
    while True:
        before = clock()
        await asyncio.sleep(step_s)
        late_s = clock() - before - step_s
        if late_s > limit_s:
            tell(_log, logging.WARNING, "loop-stalled", seconds=round(late_s, 1), limit_s=limit_s)
