"""Handshake: opens a session as the box does, and hangs up as soon as its configuration is in force."""

import asyncio
import logging
from typing import Any

from edgevoice.core.downlink import Arrival
from edgevoice.core.facts import LinkOpened
from edgevoice.errors import LinkError
from edgevoice.journal import tell
from edgevoice.realtime.endpoint import Endpoint
from edgevoice.realtime.link import Link

_log = logging.getLogger(__name__)


class _Trial(Link):
    """A link that keeps why it was lost instead of reporting it."""

    def __init__(self, endpoint: Endpoint, session: dict[str, Any], *, connect_s: float) -> None:
        super().__init__(lambda: endpoint, lambda _word: session, self._note, connect_s=connect_s)
        self.over: asyncio.Future[LinkError | None] = asyncio.get_running_loop().create_future()

    def _note(self, arrivals: list[Arrival]) -> None:
        if any(isinstance(arrival, LinkOpened) for arrival in arrivals):
            self._settle(None)

    def _lose(self, error: LinkError) -> None:
        tell(_log, logging.DEBUG, "handshake-refused", code=error.code)
        self.close()
        self._settle(error)

    def give_up(self, running: asyncio.Task[None]) -> None:
        """Pass on the error with which the link's own task ended."""
        if not running.cancelled() and not self.over.done() and (failure := running.exception()) is not None:
            self.over.set_exception(failure)

    def _settle(self, error: LinkError | None) -> None:
        if not self.over.done():
            self.over.set_result(error)


async def shake_hands(endpoint: Endpoint, session: dict[str, Any], *, connect_s: float) -> None:
    """Open a session and close it at once; raises the ``LinkError`` that the box would meet."""
    trial = _Trial(endpoint, session, connect_s=connect_s)
    running = asyncio.create_task(trial.run())
    trial.open()
    # A fault of ours ends `run` with an error, which must not leave us waiting.
    running.add_done_callback(trial.give_up)
    try:
        error = await trial.over
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    if error is not None:
        raise error
