"""The service as a child that can be killed and started again on its port."""

import asyncio
import socket
import sys
from asyncio.subprocess import PIPE, Process
from types import TracebackType
from typing import Self

from edgevoice.local.process import READY, START_LIMIT_S
from edgevoice.testbed.soak.box import SoakBroken


class LocalServiceCommand:
    """`edgevoice local` on a port of this machine, from ``async with`` to the end of its block."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._child: Process | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.kill()

    async def start(self) -> None:
        """Start it; return when it accepts connections."""
        command = (sys.executable, "-P", "-m", "edgevoice.local", "--port", str(self.port), "--until-stdin-closes")
        self._child = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, process_group=0)
        assert self._child.stdout is not None  # noqa: S101 - it was asked for as a pipe
        async with asyncio.timeout(START_LIMIT_S):
            while line := await self._child.stdout.readline():
                if line.decode(errors="replace").strip() == READY:
                    return
        raise SoakBroken("the local service ended before it was ready", remedy="Its own output is above.")

    async def kill(self) -> None:
        """End it at once, as a crash would."""
        if self._child is not None and self._child.returncode is None:
            self._child.kill()
            await self._child.wait()
