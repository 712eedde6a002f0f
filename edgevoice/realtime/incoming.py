"""Incoming: the events of one connection, in order. Yields to the loop, however much the service sends."""

import asyncio
import logging

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode

from edgevoice.core.protocol import wire
from edgevoice.errors import ServiceNonsense
from edgevoice.journal import tell
from edgevoice.realtime.frames import FrameReader

_log = logging.getLogger(__name__)

_BETWEEN_TURNS_BYTES = 65_536
"""Bytes read at most before the loop runs again, counting 1 KiB extra per frame: 10 ms of work on a slow Pi.

Otherwise waiting frames would be read without a pause, and a button pressed meanwhile would wait for the last one.
"""

_BROKEN_RULES = {CloseCode.PROTOCOL_ERROR, CloseCode.INVALID_DATA, CloseCode.MESSAGE_TOO_BIG}
"""Codes with which our side closes a connection if the other end breaks WebSocket's rules or sends too much."""


class Incoming:
    """Reads one connection; ``next`` is for one caller at a time."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._frames = FrameReader()
        self._taken_bytes = 0

    async def next(self) -> wire.ServerEvent:
        """Return the next event; raises ``ServiceNonsense``, and ``ConnectionClosed`` at the end.

        A frame that cannot be read is skipped, and logged at debug level without its content.
        """
        while True:
            if self._taken_bytes >= _BETWEEN_TURNS_BYTES:
                self._taken_bytes = 0
                await asyncio.sleep(0)
            frame = await self._receive()
            self._taken_bytes += len(frame) + 1024
            try:
                return self._frames.read(frame)
            except wire.WireError as error:
                tell(_log, logging.DEBUG, "frame-unreadable", problem=str(error), length=len(frame))

    async def _receive(self) -> bytes:
        try:
            # Bytes: a binary frame may contain JSON too, and text that is not UTF-8 would end the connection.
            return await self._connection.recv(decode=False)
        except ConnectionClosed as error:
            if error.sent is not None and error.sent.code in _BROKEN_RULES and not error.rcvd_then_sent:
                reason = CloseCode(error.sent.code).name.lower().replace("_", " ")
                raise ServiceNonsense(f"the service broke the rules of WebSocket: {reason}") from error
            raise
