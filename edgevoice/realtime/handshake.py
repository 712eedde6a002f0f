"""Handshake: opens a session as the box does, and hangs up as soon as its configuration is in force."""

import asyncio
import logging
from typing import Any

from edgevoice.core.facts import LinkOpened
from edgevoice.core.protocol.downlink import Arrival
from edgevoice.errors import LinkError
from edgevoice.journal import tell
from edgevoice.realtime.endpoint import Endpoint
from edgevoice.realtime.link import Link

_log = logging.getLogger(__name__)


async def shake_hands(endpoint: Endpoint, session: dict[str, Any], *, connect_s: float) -> None:
    """Open a session and close it at once; raises the ``LinkError`` that the box would meet."""
    over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def take(arrivals: list[Arrival]) -> None:
        if not over.done() and any(isinstance(arrival, LinkOpened) for arrival in arrivals):
            over.set_result(None)

    def lost(error: LinkError) -> None:
        tell(_log, logging.DEBUG, "handshake-refused", code=error.code)
        if not over.done():
            over.set_exception(error)

    def give_up(ended: asyncio.Task[None]) -> None:
        """Pass on a fault of ours, with which the link's own task ended."""
        if not ended.cancelled() and not over.done() and (failure := ended.exception()) is not None:
            over.set_exception(failure)

    link = Link(lambda: endpoint, lambda _word: session, take, connect_s=connect_s, lost=lost)
    running = asyncio.create_task(link.run())
    running.add_done_callback(give_up)
    link.open()
    try:
        await over
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
