"""When the reader yields to the loop, how an unreadable frame is logged, and which side broke the rules; no network."""

import asyncio
import logging
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, ConnectionClosedError
from websockets.frames import Close

from edgevoice.core.protocol import wire
from edgevoice.errors import ServiceNonsense
from edgevoice.realtime.incoming import Incoming

SPEECH = b'{"type":"input_audio_buffer.speech_started"}'
LARGEST = 65_536 - 1024
"""Bytes of the largest frame that is read alone before the reader yields to the loop."""


class Connection:
    """Gives these frames, then the end."""

    def __init__(self, *frames: bytes, end: ConnectionClosed | None = None) -> None:
        self._frames = list(frames)
        self._end = end

    async def recv(self, *, decode: bool) -> bytes:
        assert decode is False
        if not self._frames and self._end is not None:
            raise self._end
        return self._frames.pop(0)


def of_length(length: int) -> bytes:
    return SPEECH + b" " * (length - len(SPEECH))


@pytest.mark.parametrize(
    ("lengths", "turns"),
    [
        ([LARGEST, 100], 1),
        ([LARGEST - 1, 100], 0),
        ([LARGEST - 1, 100, 100], 1),
        ([LARGEST, 100, 100, LARGEST, 100], 2),
        ([LARGEST, LARGEST - 1, 100], 1),
        ([LARGEST, LARGEST - 1, 100, 100], 2),
        ([100] * 59, 0),
        ([100] * 60, 1),
    ],
)
def test_the_loop_gets_its_turn_after_a_limited_amount_was_read(
    lengths: list[int], turns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def live() -> None:
        connection: Any = Connection(*map(of_length, lengths))
        incoming = Incoming(connection)
        for _ in lengths:
            assert await incoming.next() == wire.SpeechStarted()

    monkeypatch.setattr("asyncio.sleep", sleep)
    asyncio.run(live())

    assert slept == [0] * turns


def test_a_frame_that_cannot_be_read_is_skipped_and_logged_by_its_length(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    connection: Any = Connection(b"my secret", SPEECH)

    assert asyncio.run(Incoming(connection).next()) == wire.SpeechStarted()

    (record,) = [record for record in caplog.records if record.name.startswith("edgevoice")]
    assert (record.name, record.levelno) == ("edgevoice.realtime.incoming", logging.DEBUG)
    assert record.msg == "frame-unreadable"
    fields = vars(record)["fields"]
    assert fields["length"] == 9
    assert fields["problem"] == "not a Realtime event: broken JSON"
    assert "secret" not in str(fields)


BROKEN = Close(1002, "")


@pytest.mark.parametrize(
    ("code", "words"), [(1002, "protocol error"), (1007, "invalid data"), (1009, "message too big")]
)
def test_a_service_that_breaks_a_rule_is_reported_with_the_rule(code: int, words: str) -> None:
    end = ConnectionClosedError(None, Close(code, ""))
    connection: Any = Connection(end=end)

    with pytest.raises(ServiceNonsense) as ended:
        asyncio.run(Incoming(connection).next())
    assert ended.value.line().startswith(f"the service broke the rules of WebSocket: {words}. ")
    assert ended.value.__cause__ is end


@pytest.mark.parametrize(
    "end",
    [
        ConnectionClosedError(None, None),
        ConnectionClosedError(Close(1011, ""), Close(1011, ""), rcvd_then_sent=True),
        ConnectionClosedError(BROKEN, BROKEN, rcvd_then_sent=True),
        ConnectionClosedError(None, Close(1000, "")),
    ],
    ids=repr,
)
def test_any_other_end_counts_as_the_connections_own(end: ConnectionClosed) -> None:
    connection: Any = Connection(end=end)

    with pytest.raises(ConnectionClosed) as ended:
        asyncio.run(Incoming(connection).next())
    assert ended.value is end
