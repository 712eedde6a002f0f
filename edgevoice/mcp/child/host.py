"""Host: serves the program's messages with one connection for each server."""

import asyncio
import contextlib
from typing import Final

import msgspec

from edgevoice.mcp.child.connection import CallRefused, ServerConnection
from edgevoice.mcp.wire import (
    TO_CHILD_LIMIT,
    Answered,
    CallTool,
    CancelCall,
    Retry,
    SdkLoaded,
    Serve,
    ToChild,
    ToProgram,
    frame,
    frames,
    to_child,
)

_LONGEST_ERROR: Final = 500


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve until the program closes its end, then close every connection."""
    host = _Host(writer)
    host.report(SdkLoaded())
    try:
        async for message in frames(reader, to_child, TO_CHILD_LIMIT):
            host.take(message)
    finally:
        await host.close()


class _Host:
    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._connections: dict[str, ServerConnection] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._calls: dict[int, asyncio.Task[None]] = {}

    def report(self, message: ToProgram) -> None:
        """Write a message; the program reads faster than servers may make us write."""
        with contextlib.suppress(ConnectionError):
            self._writer.write(frame(message))

    def take(self, message: ToChild) -> None:
        match message:
            case Serve(servers):
                for name, server in servers.items():
                    self._connections[name] = connection = ServerConnection(name, server, self.report)
                    self._run(connection.run())
            case CallTool(number):
                self._calls[number] = self._run(self._answer(message))
            case CancelCall(number):
                if (call := self._calls.get(number)) is not None:
                    call.cancel()
            case Retry():
                for connection in self._connections.values():
                    connection.retry()

    async def close(self) -> None:
        for task in tuple(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _run(self, work: "asyncio._CoroutineLike[None]") -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def _answer(self, call: CallTool) -> None:
        result, error = msgspec.Raw(b"null"), None
        try:
            result = await self._connections[call.server].call(call.tool, call.arguments)
        except CallRefused as refusal:
            error = " ".join(str(refusal)[: 4 * _LONGEST_ERROR].split())[:_LONGEST_ERROR]
        except asyncio.CancelledError:
            error = "cancelled"
        except Exception as failure:  # noqa: BLE001 - a call without an answer would look as if this process hung
            error = f"the call failed ({type(failure).__name__})"
        finally:
            del self._calls[call.id]
        self.report(Answered(call.id, result, error))
