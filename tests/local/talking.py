"""Holding a talk with a scripted opponent: a voice that needs no model, a time that jumps."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from edgevoice.local.scripted.opponent import Opponent
from edgevoice.local.scripted.script import Expect, Script, ScriptedSession, Step, Terms
from edgevoice.local.server import LocalService
from tests.local.client import HEADERS, LIMIT_S, QUERY, Client

Talk = Callable[[Client], Awaitable[None]]


class Tone:
    """Speaks a word as 200 ms of noise."""

    def say(self, sentence: str, speed: float) -> bytes:
        chance = np.random.default_rng(len(sentence))
        size = 4800 * len(sentence.split())
        return bytes(chance.integers(-3000, 3000, size, np.int16).astype("<i2").tobytes())


class Hears:
    """Hears the same words in everything."""

    def __init__(self, words: str = "") -> None:
        self._words = words

    def words(self, speech: bytes) -> str:
        return self._words


class Clock:
    """A time that passes at once; ``waits`` are the waits that were not nothing."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    async def sleep(self, seconds: float) -> None:
        if seconds >= 0.5:
            self.waits.append(seconds)
        await asyncio.sleep(0)


def script_of(*steps: Step) -> Script:
    """Return the script of one session of these steps."""
    return Script((ScriptedSession(steps),))


def play(talk: Talk, *steps: Step, hears: str = "", **terms: object) -> Clock:
    """Hold one talk with the steps; raise ScriptBroken when it breaks them or leaves some unused."""
    return play_all(Script((ScriptedSession(steps, Terms(**terms)),)), talk, hears=hears)  # type: ignore[arg-type]


def play_all(script: Script, *talks: Talk, hears: str = "") -> Clock:
    """Hold one conversation after another, each on its own connection."""
    clock = Clock()
    opponent = Opponent(script=script, sleep=clock.sleep)

    async def scene() -> None:
        service = LocalService(voice=Tone(), recogniser=Hears(hears), behaviour=opponent, pace=1000.0)
        async with service:
            for talk in talks:
                async with connect(service.url + QUERY, additional_headers=HEADERS, compression=None) as socket:
                    await talk(Client(socket))
            async with asyncio.timeout(LIMIT_S):
                await opponent.over()

    asyncio.run(scene())
    return clock


SETUP = Expect("session.update")
DELTA = "response.output_audio.delta"
DETECTION = {"audio": {"input": {"turn_detection": {"type": "server_vad"}}}}
MESSAGE = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello"}]}


async def setup(client: Client, **session: Any) -> None:
    await client.send("session.update", session={**DETECTION, **session})
    await client.until("session.updated")
    client.forget()


async def closing(client: Client) -> int | None:
    """Receive until the service is gone; return its close code, None when there was none."""
    try:
        while True:
            await client.receive()
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd is not None else None


async def only_setup(client: Client) -> None:
    await setup(client)
