"""Waiting for what another thread or the loop will make true, with a time limit: never for a time to pass."""

import asyncio
import threading
import time
from collections.abc import Callable

_PULSE_S = 0.002
LIMIT_S = 10.0


def until(is_so: Callable[[], bool], limit_s: float = LIMIT_S) -> None:
    """Wait in a thread."""
    pulse = threading.Event()
    deadline = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < deadline, "it did not come true in time"
        pulse.wait(_PULSE_S)


async def eventually(is_so: Callable[[], bool], limit_s: float = LIMIT_S) -> float:
    """Wait in the loop; return the seconds that it took."""
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() < began + limit_s, "it did not come true in time"
        await asyncio.sleep(_PULSE_S)
    return time.monotonic() - began
