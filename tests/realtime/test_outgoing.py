"""What is sent beside the reader: frames as text, and pings, until the connection ends."""

import asyncio
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosedOK

from edgevoice.realtime.outgoing import ping, write


class Connection:
    """The part of a connection that a link uses: pings answered at once until it is closed, and frames sent."""

    def __init__(self, answered: int) -> None:
        self._answered = answered
        self.sent: list[tuple[bytes, dict[str, bool]]] = []

    async def ping(self) -> Any:
        if not self._answered:
            raise ConnectionClosedOK(None, None)
        self._answered -= 1
        pong = asyncio.get_running_loop().create_future()
        pong.set_result(0.0)
        return pong

    async def send(self, frame: bytes, **options: bool) -> None:
        if not self._answered:
            raise ConnectionClosedOK(None, None)
        self._answered -= 1
        self.sent.append((frame, options))


def test_two_pings_are_sent_within_the_pong_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("asyncio.sleep", sleep)
    connection: Any = Connection(answered=2)

    # It ends by itself with the connection: the reader reports why.
    asyncio.run(ping(connection, "box.local", 10.0))

    assert slept == [5.0] * 3


def test_frames_go_as_text_until_the_connection_is_closed() -> None:
    async def live() -> Connection:
        outbox: asyncio.Queue[bytes] = asyncio.Queue()
        for frame in (b"1", b"2", b"3"):
            outbox.put_nowait(frame)
        connection: Any = Connection(answered=2)
        await write(connection, outbox)
        made: Connection = connection
        return made

    assert asyncio.run(live()).sent == [(b"1", {"text": True}), (b"2", {"text": True})]
