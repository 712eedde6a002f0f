"""Forgetting: deletes what is remembered when a person holds the mute button for long. An observer."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from edgevoice.core.notices import Notice
from edgevoice.core.orders import ForgetEverything
from edgevoice.core.ports import Observer, Report
from edgevoice.errors import StorageUnavailable
from edgevoice.journal import tell

_log = logging.getLogger(__name__)


class Forgetting(Observer):
    """Calls ``forget`` when the box is told to forget everything; what cannot be deleted is logged."""

    def __init__(self, forget: Callable[[], Awaitable[None]]) -> None:
        self._forget = forget
        self._wanted = asyncio.Event()

    def observe(self, notice: Notice, now: float) -> None:  # noqa: ARG002 - when does not matter
        """Take the order to forget."""
        if isinstance(notice, ForgetEverything):
            self._wanted.set()

    async def run(self, report: Report) -> None:  # noqa: ARG002 - the earcon has said it already
        """Forget, each time it is wanted, forever."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            try:
                await self._forget()
            except StorageUnavailable as error:
                tell(_log, logging.ERROR, "not-forgotten", code=error.code, problem=error.line())
            else:
                tell(_log, logging.INFO, "forgotten", by="mute button")
