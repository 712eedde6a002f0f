import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from edgevoice.agent.agent import Agent
from edgevoice.agent.events import AgentEvent
from edgevoice.agent.voice import RealtimeVoice
from edgevoice.local.server import LocalService
from edgevoice.local.speech.recogniser import PhonemeRecogniser
from edgevoice.local.speech.voice import HibariVoice

Scene = Callable[[Callable[[Agent], Awaitable[None]]], None]


@pytest.fixture(scope="session")
def voice() -> HibariVoice:
    return HibariVoice.load()


@pytest.fixture(scope="session")
def recogniser() -> PhonemeRecogniser:
    return PhonemeRecogniser.load()


@pytest.fixture
def converse(voice: HibariVoice, recogniser: PhonemeRecogniser) -> Callable[..., None]:
    """Run a program against the local service; the service sends and the program pulls as fast as they can."""

    def run(program: Callable[[Agent], Awaitable[None]], *, is_pulled: bool = True, **options: Any) -> None:
        async def scene() -> None:
            async with LocalService(voice=voice, recogniser=recogniser, pace=1000.0) as service:
                spoken = RealtimeVoice(url=service.url, api_key="dGVzdA==", options={"dialect": "inworld"})
                agent = Agent(voice=spoken, playback="pull", **options)
                async with asyncio.timeout(20), agent:
                    player = asyncio.create_task(played(agent) if is_pulled else asyncio.sleep(0))
                    await program(agent)
                    player.cancel()

        asyncio.run(scene())

    return run


async def played(agent: Agent) -> None:
    """Pull as fast as possible: an answer is over as soon as it has arrived."""
    while True:
        agent.read(2400)
        await asyncio.sleep(0.001)


async def watched(agent: Agent, seen: list[AgentEvent]) -> None:
    """Add to ``seen`` every event until the conversation is over."""
    async for event in agent:
        seen += [event]
