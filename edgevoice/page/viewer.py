"""A viewer: one browser's connection, which is sent what happens and is never waited for."""

import asyncio
import json
from typing import Any, Final, Protocol

MOST_WAITING: Final = 256
"""Messages that may wait for a browser that does not read: some ten seconds of them. Then it is dropped."""

_BURST: Final = 60
_RATE_HZ: Final = 20.0


class Transport(Protocol):
    """What a viewer needs of its connection."""

    async def send(self, message: str) -> None:
        """Send a text, once there is space for it."""
        ...

    def drop(self) -> None:
        """End the connection at once, without a goodbye."""
        ...


class Viewer:
    """Sends to one browser in order; ``run`` must be running. ``is_dropped`` once it did not read."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._waiting: asyncio.Queue[str] = asyncio.Queue(MOST_WAITING)
        self._left = float(_BURST)
        self._asked_at = asyncio.get_running_loop().time()
        self.is_dropped = False

    def send(self, message: str) -> None:
        """Have a text sent; a browser that has stopped reading is dropped."""
        if self.is_dropped:
            return
        try:
            self._waiting.put_nowait(message)
        except asyncio.QueueFull:
            self.is_dropped = True
            self._transport.drop()

    def send_fields(self, **fields: Any) -> None:
        """Have an object sent."""
        self.send(json.dumps(fields, ensure_ascii=False))

    def may_ask(self) -> bool:
        """Count a request; return whether it comes slowly enough to be answered."""
        now = asyncio.get_running_loop().time()
        self._left = min(_BURST, self._left + (now - self._asked_at) * _RATE_HZ) - 1
        self._asked_at = now
        self._left = max(self._left, -1.0)
        return self._left >= 0

    async def run(self) -> None:
        """Send until cancelled; raises what the connection raises when it has ended."""
        while True:
            await self._transport.send(await self._waiting.get())
