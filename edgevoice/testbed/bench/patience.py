"""Patience: a limit for what a bench waits for, which names what did not come."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from edgevoice.errors import EdgevoiceError


class NotInTime(EdgevoiceError, TimeoutError):
    """What a bench waited for did not come."""

    code = "bench-not-in-time"
    remedy = "Try again when the machine is less busy."


@asynccontextmanager
async def in_time(what: str, limit_s: float) -> AsyncIterator[None]:
    """Raise ``NotInTime``, which names ``what`` was waited for, if the block takes longer than ``limit_s`` seconds."""
    try:
        async with asyncio.timeout(limit_s):
            yield
    except NotInTime:
        raise
    except TimeoutError:
        raise NotInTime(f"the bench waited for {what}, which did not come within {limit_s:g} s") from None
