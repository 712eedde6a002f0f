"""The other end of NOTIFY_SOCKET."""

import asyncio
import socket
from pathlib import Path

from tests.waiting import LIMIT_S


class Systemd:
    """A service manager that keeps what it is sent until it is asked."""

    def __init__(self, path: Path | str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.setblocking(False)

    def told(self) -> list[str]:
        messages = []
        while True:
            try:
                messages.append(self._socket.recv(4096).decode())
            except BlockingIOError:
                return messages

    async def hear(self, count: int) -> list[str]:
        """Wait for that many messages."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(LIMIT_S):
            return [(await loop.sock_recv(self._socket, 4096)).decode() for _ in range(count)]

    def close(self) -> None:
        self._socket.close()
