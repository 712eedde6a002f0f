"""Answering: which service answers, the one on the network or the one inside the box, and the endpoint to dial."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from edgevoice.box.resting import Resting
from edgevoice.core.ports import Observer
from edgevoice.host.credentials import Key, answers_itself
from edgevoice.local.process import LocalServiceProcess
from edgevoice.observers.announcement import ANNOUNCEMENT, Announced
from edgevoice.realtime.endpoint import Endpoint, local, remote
from edgevoice.settings.service import ServiceSettings
from edgevoice.store.folders import state_folder


@asynccontextmanager
async def answering_service(
    service: ServiceSettings, key: Key | None, environment: Mapping[str, str]
) -> AsyncIterator[tuple[Callable[[], Endpoint], Sequence[Observer]]]:
    """Yield the endpoint for each session: the service on the network or, without a key, the one inside the box.

    The observers that come with it must see every notice: one of them notes that the service inside the box has
    introduced itself, which it does only once, another starts and ends it.
    """
    if not answers_itself(service, key):
        yield lambda: remote(service, key.reveal() if key is not None else ""), ()
        return
    state = state_folder(environment)
    said = Announced(state / "said-local-service")
    async with LocalServiceProcess(announcement=lambda: None if said.is_done else ANNOUNCEMENT) as process:
        resting = Resting(process, state / "local-service-seconds")
        yield lambda: local(process.socket_path, process.prepare), (said, resting)
