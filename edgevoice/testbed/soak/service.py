"""The service as a child that can be killed and started again on its port."""

import asyncio
import socket
from asyncio.subprocess import Process
from types import TracebackType
from typing import Self

from edgevoice import children
from edgevoice.local.process import READY, START_LIMIT_S
from edgevoice.testbed.soak.box import SoakBroken


class LocalServiceCommand:
    """`edgevoice local` on a port of this machine, from ``async with`` to the end of its block."""

    def __init__(self, *, start_limit_s: float = START_LIMIT_S) -> None:
        self._start_limit_s = start_limit_s
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._child: Process | None = None

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.kill()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.kill()

    async def start(self) -> None:
        """Start it; return when it accepts connections. Raises ``SoakBroken``."""
        command = children.python("edgevoice.local", "--port", str(self.port), "--until-stdin-closes")
        self._child = await children.start(command)
        assert self._child.stdout is not None  # noqa: S101 - it was asked for as a pipe
        try:
            async with asyncio.timeout(self._start_limit_s):
                while line := await self._child.stdout.readline():
                    if line.decode(errors="replace").strip() == READY:
                        return
        except TimeoutError:
            raise SoakBroken(f"the local service was not ready within {self._start_limit_s:g} s") from None
        raise SoakBroken("the local service ended before it was ready", remedy="Its own output is above.")

    async def kill(self) -> None:
        """End it at once, as a crash would."""
        if self._child is not None and self._child.returncode is None:
            self._child.kill()
            await self._child.wait()
