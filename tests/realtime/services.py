"""Services that a test scripts: real WebSocket servers on this machine, and a link that dials them."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve, unix_serve
from websockets.exceptions import ConnectionClosed

from edgevoice.core.facts import LinkLost, LinkOpened
from edgevoice.core.protocol.downlink import Arrival
from edgevoice.realtime.endpoint import Endpoint
from edgevoice.realtime.link import Link
from tests.waiting import eventually

KEY = "c2VjcmV0OmtleS10aGF0LW5vYm9keS1tYXktc2Vl"
SESSION = {"type": "realtime", "instructions": "Be brief."}

SPEECH_STARTED = {"type": "input_audio_buffer.speech_started", "audio_start_ms": 0, "item_id": "u1"}


class Talker:
    """One connection, from the service's side: the events it received, in order, and those it can send."""

    def __init__(self, connection: ServerConnection) -> None:
        self.connection = connection
        self.received: list[dict[str, Any]] = []

    @property
    def types(self) -> list[str]:
        return [event["type"] for event in self.received]

    async def say(self, *events: dict[str, Any]) -> None:
        for event in events:
            await self.connection.send(json.dumps(event))

    async def listen(self, count: int) -> None:
        """Receive that many events."""
        for _ in range(count):
            self.received.append(json.loads(await self.connection.recv()))

    async def accept(self) -> None:
        """Greet, accept the configuration and confirm it."""
        await self.say({"type": "session.created", "session": {}})
        await self.listen(1)
        await self.say({"type": "session.updated", "session": {}})

    async def listen_to_the_end(self) -> None:
        """Receive whatever comes until the other side hangs up."""
        with suppress(ConnectionClosed):
            while True:
                await self.listen(1)


Script = Callable[[Talker], Awaitable[None]]


async def obliging(talker: Talker) -> None:
    """Open the session and listen until the other side hangs up."""
    await talker.accept()
    await talker.listen_to_the_end()


class Service:
    """Runs a script for each connection."""

    def __init__(self, *scripts: Script) -> None:
        self._scripts = list(scripts) or [obliging]
        self.talkers: list[Talker] = []

    async def handle(self, connection: ServerConnection) -> None:
        talker = Talker(connection)
        script = self._scripts[min(len(self.talkers), len(self._scripts) - 1)]
        self.talkers.append(talker)
        with suppress(ConnectionClosed):  # the client may hang up in the middle of the script
            await script(talker)

    @asynccontextmanager
    async def listening(self, **options: Any) -> AsyncIterator[str]:
        """Listen on a port of this machine; give the address."""
        async with serve(self.handle, "127.0.0.1", 0, **options) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            scheme = "wss" if options.get("ssl") else "ws"
            yield f"{scheme}://localhost:{port}/realtime" if options.get("ssl") else f"ws://127.0.0.1:{port}/realtime"

    @asynccontextmanager
    async def listening_at(self, path: Path) -> AsyncIterator[Path]:
        """Listen on a Unix socket."""
        async with unix_serve(self.handle, str(path)):
            yield path


class Caller:
    """A link and everything that it reports."""

    def __init__(
        self,
        endpoint: Endpoint | str | Callable[[], Endpoint],
        *,
        connect_s: float = 5.0,
        pong_s: float = 10.0,
        take: Callable[[list[Arrival]], None] = lambda _arrivals: None,
    ) -> None:
        if isinstance(endpoint, str):
            endpoint = Endpoint(endpoint, {"Authorization": f"Basic {KEY}"})
        if isinstance(endpoint, Endpoint):
            fixed = endpoint
            dial: Callable[[], Endpoint] = lambda: fixed  # noqa: E731 - it narrows the type
        else:
            dial = endpoint
        self._take_too = take
        self.arrivals: list[Arrival] = []
        self.link = Link(dial, lambda _word: SESSION, self._take, connect_s=connect_s, pong_s=pong_s)

    @property
    def losses(self) -> list[LinkLost]:
        return [arrival for arrival in self.arrivals if isinstance(arrival, LinkLost)]

    def _take(self, arrivals: list[Arrival]) -> None:
        self.arrivals += arrivals
        self._take_too(arrivals)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Caller"]:
        """Run the link to the end of the block; a bug of ours inside a session is raised there."""
        running = asyncio.create_task(self.link.run())
        try:
            yield self
            assert not running.done(), "a fault of ours"
        finally:
            running.cancel()
            (end,) = await asyncio.gather(running, return_exceptions=True)
        assert isinstance(end, asyncio.CancelledError), end

    async def opened(self) -> None:
        self.link.open()
        await eventually(lambda: LinkOpened() in self.arrivals or bool(self.losses))
        # On a busy machine what follows may have arrived, too.
        assert self.arrivals[:1] == [LinkOpened()]

    async def lost(self) -> LinkLost:
        """Wait for the loss, and long enough to see that it is reported once and nothing follows it."""
        await eventually(lambda: bool(self.losses))
        for _ in range(20):
            await asyncio.sleep(0)
        (loss,) = self.losses
        assert self.arrivals[-1] == loss
        return loss


def problem_in(caplog: pytest.LogCaptureFixture, event: str) -> str:
    (record,) = [record for record in caplog.records if record.msg == event]
    problem = vars(record)["fields"]["problem"]
    assert isinstance(problem, str)
    assert problem.isprintable()
    return problem
