"""Outgoing: what runs beside the reader of a session: it sends what waits, and pings."""

import asyncio

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from edgevoice.errors import ServiceUnreachable
from edgevoice.realtime.tcp import let_go


async def ping(connection: ClientConnection, host: str, pong_s: float) -> None:
    """Ping the other side until the connection ends; if it does not answer, it is open only at this end.

    The library's own keepalive waits for ever for space in a socket whose other end reads nothing. Raises
    ``ServiceUnreachable``.
    """
    while True:
        await asyncio.sleep(pong_s / 2)
        try:
            async with asyncio.timeout(pong_s):
                await (await connection.ping())
        except TimeoutError:
            let_go(connection.transport)
            raise ServiceUnreachable(f"{host} stopped answering pings") from None
        except ConnectionClosed:
            return  # the reader knows why, and reports it


async def write(connection: ClientConnection, outbox: asyncio.Queue[bytes]) -> None:
    """Send what is put into the outbox, in its order, until the connection ends."""
    while True:
        frame = await outbox.get()
        try:
            await connection.send(frame, text=True)
        except ConnectionClosed:
            return  # the reader knows why, and reports it
