"""A small TCP proxy between box and service that can break the link, stall, and lose chunks."""

import asyncio
import contextlib
import random
from types import TracebackType
from typing import Self

_LARGEST_CHUNK = 65_536
_LOSS = 0.3
_RETRANSMISSION_S = 0.2
"""The least time after which Linux sends a segment again (TCP_RTO_MIN)."""


class FaultProxy:
    """Carries every connection to the service's port until a fault is switched on.

    TCP retransmits what is lost, so a lossy network is simulated by its effect: three of ten chunks arrive some 200 ms
    late, and everything behind them waits.
    """

    def __init__(self, service_port: int, chance: random.Random) -> None:
        self._service_port = service_port
        self._chance = chance
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._flows = asyncio.Event()
        self._flows.set()
        self._is_lossy = False
        self.port = 0

    async def __aenter__(self) -> Self:
        await self.restore()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cut()
        await asyncio.gather(*self._serving, return_exceptions=True)

    def cut(self) -> None:
        """Break every connection and accept no new one."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._writers:
            writer.transport.abort()

    async def restore(self) -> None:
        """Accept connections again, on the same port."""
        if self._server is None:
            self._server = await asyncio.start_server(self._begin, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    def stall(self) -> None:
        """Let no byte pass; nothing is lost."""
        self._flows.clear()

    def flow(self) -> None:
        """Forward everything without delay again."""
        self._is_lossy = False
        self._flows.set()

    def lose(self) -> None:
        """Behave like a network that loses three of ten packets."""
        self._is_lossy = True

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with contextlib.suppress(OSError):
            there, back = await asyncio.open_connection("127.0.0.1", self._service_port)
            self._writers.add(back)
            ways = [asyncio.create_task(self._pour(reader, back)), asyncio.create_task(self._pour(there, writer))]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            await self._close(back)
        await self._close(writer)

    async def _close(self, writer: asyncio.StreamWriter) -> None:
        self._writers.discard(writer)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    async def _pour(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(_LARGEST_CHUNK):
                await self._flows.wait()
                if self._is_lossy and self._chance.random() < _LOSS:
                    await asyncio.sleep(_RETRANSMISSION_S * self._chance.uniform(1, 1.5))
                writer.write(chunk)
                await writer.drain()
