"""Tick: what looks at something now and then looks at the same moments, so that an idle box wakes once for all."""

import asyncio

_NEAR = 0.1
"""The share of a period that a tick must be away: after a loop that woke a moment early, the next one is meant."""


def until_tick_s(now_s: float, every_s: float) -> float:
    """Return the seconds from ``now_s`` until the next multiple of ``every_s``, at least a tenth of it away."""
    left_s = every_s - now_s % every_s
    return left_s if left_s >= _NEAR * every_s else left_s + every_s


async def tick(every_s: float) -> None:
    """Sleep until the next multiple of ``every_s`` on the loop's clock.

    Whoever waits for a multiple of the same half second wakes with all others who do.
    """
    await asyncio.sleep(until_tick_s(asyncio.get_running_loop().time(), every_s))
