import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from edgevoice.local.server import LocalService
from edgevoice.local.speech.recogniser import PhonemeRecogniser
from edgevoice.local.speech.voice import HibariVoice
from tests import virtual_time
from tests.local.client import Client, dialled, openai_address


@pytest.fixture(scope="session")
def voice() -> HibariVoice:
    return HibariVoice.load()


@pytest.fixture(scope="session")
def recogniser() -> PhonemeRecogniser:
    return PhonemeRecogniser.load()


@pytest.fixture
def talk(voice: HibariVoice, recogniser: PhonemeRecogniser) -> Callable[..., None]:
    """Run one client's talk against a service that sends as fast as it can, or at ``pace``."""

    def run(
        talk: Callable[[Client], Awaitable[None]],
        *,
        pace: float = 1000.0,
        announcement: str | None = None,
        is_openai: bool = False,
        is_in_virtual_time: bool = False,
        **session: Any,
    ) -> None:
        async def scene() -> None:
            async with (
                LocalService(voice=voice, recogniser=recogniser, pace=pace, announcement=announcement) as service,
                dialled(service, openai_address(service) if is_openai else "", **session) as client,
            ):
                await talk(client)

        (virtual_time.run if is_in_virtual_time else asyncio.run)(scene())

    return run
