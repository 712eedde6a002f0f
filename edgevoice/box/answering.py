"""Answering: which service answers, the one on the network or the one inside the box, and the endpoint to dial."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from edgevoice.core.ports import Observer
from edgevoice.errors import LocalServiceUnavailable
from edgevoice.host.credentials import Key, answers_itself
from edgevoice.journal import tell
from edgevoice.local.process import LocalServiceProcess
from edgevoice.observers.announcement import ANNOUNCEMENT, Announced
from edgevoice.realtime.endpoint import Endpoint, local, remote
from edgevoice.settings.service import ServiceSettings
from edgevoice.store.folders import state_folder

_log = logging.getLogger(__name__)


@asynccontextmanager
async def answering_service(
    service: ServiceSettings, key: Key | None, environment: Mapping[str, str]
) -> AsyncIterator[tuple[Callable[[], Endpoint], Sequence[Observer]]]:
    """Yield the endpoint for each session: the service on the network or, without a key, the one inside the box.

    The observers that come with it must see every notice: one of them notes that the service inside the box has
    introduced itself, which it does only once.
    """
    if not answers_itself(service, key):
        yield lambda: remote(service, key.reveal() if key is not None else ""), ()
        return
    said = Announced(state_folder(environment) / "said-local-service")
    announcement = None if said.is_done else ANNOUNCEMENT
    async with LocalServiceProcess(announcement=announcement) as process:
        # Loading its models takes seconds: it begins before anybody waits for an answer.
        starting = asyncio.create_task(_start_early(process))
        try:
            yield lambda: local(process.socket_path, process.prepare), (said,)
        finally:
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)


async def _start_early(process: LocalServiceProcess) -> None:
    try:
        await process.ensure()
    except LocalServiceUnavailable as error:
        # The box keeps running: it rings its timers, and the fault light says the same when somebody speaks to it.
        tell(_log, logging.ERROR, "local-service", code=error.code, problem=error.line())
