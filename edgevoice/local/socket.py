"""One WebSocket connection, for writing: events with ids, recorded on request."""

import asyncio
import itertools
import socket
import struct
from collections.abc import Mapping
from secrets import token_hex
from typing import Any, Literal

import msgspec
from websockets.asyncio.server import ServerConnection

from edgevoice.local import first_protocol
from edgevoice.local.behaviour import Behaviour
from edgevoice.local.dialect import Dialect
from edgevoice.local.recorder import WireRecorder
from edgevoice.local.refusals import RequestRefused


class EventSender:
    """Send events in the order of the calls; every event passes the `Behaviour`."""

    def __init__(
        self, connection: ServerConnection, behaviour: Behaviour, recorder: WireRecorder | None, dialect: Dialect
    ) -> None:
        self._connection = connection
        self._behaviour = behaviour
        self._recorder = recorder
        self.dialect = dialect
        self._token = token_hex(4)
        self._numbers: dict[str, itertools.count[int]] = {}

    def new_id(self, prefix: str) -> str:
        """Return the next id of a kind: ``item_5f0c3a9e_1``, ``item_5f0c3a9e_2``; the next session has others.

        A client may remember ids for longer than a session, as those of the OpenAI Realtime protocol occur only once.
        """
        numbers = self._numbers.setdefault(prefix, itertools.count(1))
        return f"{prefix}_{self._token}_{next(numbers)}"

    async def send(self, event_type: str, **fields: Any) -> None:
        """Send an event; raise ConnectionClosed if the client has left."""
        event: dict[str, Any] = {"type": event_type, "event_id": self.new_id("event"), **fields}
        made = first_protocol.older(event) if self.dialect.has_first_names else event
        if made is not None:
            await self._behaviour.sending(self, made)

    async def refuse(self, refused: RequestRefused, event: Mapping[str, Any]) -> None:
        """Send the ``error`` for a client's ``event``; echo its ``event_id`` if it is a text."""
        code = self.dialect.code(event.get("type"), refused.code)
        error: dict[str, str | None] = {"type": "invalid_request_error", "code": code, "message": str(refused)}
        event_id = event.get("event_id")
        echo = event_id if isinstance(event_id, str) else None
        await self.send("error", error=error | {"param": refused.param, "event_id": echo})

    async def put(self, event: Mapping[str, Any]) -> None:
        """Write an event to the wire unchanged."""
        if self._recorder is not None:
            self._recorder.event("server", event)
        await self._connection.send(msgspec.json.encode(event).decode())

    async def put_frame(self, frame: str | bytes) -> None:
        """Write a frame to the wire, JSON or not."""
        if self._recorder is not None:
            self._recorder.event("server", frame)
        await self._connection.send(frame)

    async def close(self, code: int, reason: str) -> None:
        """Close the connection with a code and a reason."""
        await self._connection.close(code, reason)

    def abort(self, how: Literal["end", "reset"] = "end") -> None:
        """Drop the connection without a close frame, with TCP's orderly end or a reset."""
        connected = self._connection.transport.get_extra_info("socket")
        if how == "reset" and connected is not None:
            # A linger time of zero makes TCP send a reset; a unix socket ends as always.
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._connection.transport.abort()

    def freeze(self) -> None:
        """Stop reading, including pings."""
        self._connection.transport.pause_reading()

    async def pause(self, seconds: float, cut: asyncio.Future[Any]) -> None:
        """Wait between two pieces of an answer; return at once if it is ``cut``."""
        await self._behaviour.pause(seconds, cut)
