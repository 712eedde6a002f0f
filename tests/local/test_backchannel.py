"""Clearing the output gives silence: backchannels stop, and none of their audio follows the answer."""

import asyncio
import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from websockets.asyncio.client import connect

from edgevoice.local.behaviour import Behaviour, OpenConnection, ServiceControls
from edgevoice.local.scripted.script import AnswerStep, Backchannel, Expect, Step, TurnStep
from edgevoice.local.server import LocalService
from tests.local.client import HEADERS, QUERY, Client
from tests.local.talking import SETUP, Hears, Tone, play, setup

# 100 s of speech: still being sent when the client receives its start.
LONG = " ".join(["mm-hm"] * 500)
DELTA = "response.backchannel.audio.delta"
CLEAR = "output_audio_buffer.clear"


async def clear(client: Client) -> None:
    await setup(client)
    await client.until(DELTA)
    await client.send(CLEAR)
    await client.until("output_audio_buffer.cleared")
    assert len([event for event in client.events if event["type"] == DELTA]) < 500
    await client.forget().until("response.done")
    assert not [kind for kind in client.kinds() if "backchannel" in kind]


CLEARED: dict[str, tuple[Step, ...]] = {
    "expected": (Backchannel(LONG, runs_on=True), Expect(CLEAR)),
    "two at once": (Backchannel(LONG, runs_on=True), Backchannel(LONG, runs_on=True), Expect(CLEAR)),
    "allowed": (Backchannel(LONG),),
}


@pytest.mark.parametrize("steps", CLEARED.values(), ids=CLEARED)
def test_a_cleared_output_stops_the_backchannel(steps: tuple[Step, ...]) -> None:
    allow = frozenset({CLEAR}) if len(steps) == 1 else frozenset[str]()
    play(clear, SETUP, TurnStep("well", until="started"), *steps, TurnStep("well"), AnswerStep("I see."), allow=allow)


def test_a_backchannel_after_a_cleared_output_is_spoken() -> None:
    async def listen(client: Client) -> None:
        await setup(client)
        await client.send(CLEAR)
        await client.until("response.backchannel.audio.done", phrase="mm-hm")
        assert client.kinds() == ["output_audio_buffer.cleared", DELTA, "response.backchannel.audio.done"]

    play(listen, SETUP, Expect(CLEAR), Backchannel("mm-hm"))


def test_a_backchannel_has_the_sessions_format() -> None:
    async def listen(client: Client) -> None:
        await setup(client, audio={"output": {"format": "g711_ulaw"}})
        await client.until("response.backchannel.audio.done", phrase="mm-hm")
        sound = [base64.b64decode(event["delta"]) for event in client.events if event["type"] == DELTA]
        # A word is 200 ms.
        assert len(b"".join(sound)) == 1600

    play(listen, SETUP, Backchannel("mm-hm"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Slow(Behaviour):
    """Holds a piece of a backchannel back until the client has cleared its output, and a while longer."""

    has_cleared: asyncio.Event = field(default_factory=asyncio.Event)

    async def attend(self, service: ServiceControls) -> None:
        await service.say_backchannel(LONG)

    async def received(self, line: OpenConnection, event: Mapping[str, Any]) -> Mapping[str, Any]:
        self.has_cleared.set()
        return event

    async def sending(self, line: OpenConnection, event: Mapping[str, Any]) -> None:
        if event["type"] == DELTA:
            await line.put({"type": "held"})
            await self.has_cleared.wait()
            for _ in range(50):
                await asyncio.sleep(0)
        await line.put(event)


def test_a_delta_being_sent_arrives_before_the_output_is_reported_cleared() -> None:
    async def scene() -> None:
        service = LocalService(voice=Tone(), recogniser=Hears(), behaviour=Slow())
        async with service, connect(service.url + QUERY, additional_headers=HEADERS) as socket:
            client = Client(socket)
            await client.until("held")
            await client.forget().send(CLEAR)
            await client.send("conversation.item.retrieve", item_id="nobody")
            await client.until("error")
            assert client.kinds() == [DELTA, "output_audio_buffer.cleared", "error"]

    asyncio.run(scene())
