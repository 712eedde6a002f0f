"""The transport to a server that runs here: JSON lines over its standard input and output, none longer than 1 MiB.

The SDK's own transport has no limits: one endless line would fill the memory of the child, and with it the machine's.
"""

import asyncio
import contextlib
import ctypes
import os
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.client._transport import TransportStreams
from mcp.client.stdio import get_default_environment
from mcp.shared.message import SessionMessage
from mcp_types import INTERNAL_ERROR, ErrorData, JSONRPCError, JSONRPCRequest, JSONRPCResponse, jsonrpc_message_adapter

from edgevoice import children
from edgevoice.mcp.child.traffic import MESSAGE_LIMIT_BYTES, TOO_LONG, Flooded, Traffic
from edgevoice.mcp.server import McpServer

_CHUNK_BYTES: Final = 1 << 16
_STOP_S: Final = 0.5
_LAST_WORDS_BYTES: Final = 2000
_INHERITED: Final = ("LANG", "LC_ALL", "TZ", "TMPDIR")
_PR_SET_PDEATHSIG: Final = 1

_Send = MemoryObjectSendStream[SessionMessage | Exception]


@asynccontextmanager
async def stdio_transport(
    server: McpServer, traffic: Traffic, started: Callable[[int], None]
) -> AsyncGenerator[TransportStreams]:
    """Start the server's process, and stop it at the end with all that it has started; raises ``OSError``.

    ``started`` receives the id of its process group.
    """
    process = await asyncio.create_subprocess_exec(
        server.command,
        *server.args,
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        env=_environment(server.env),
        start_new_session=True,
        preexec_fn=_die_with_parent,
    )
    started(process.pid)
    incoming, read = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    write, outgoing = anyio.create_memory_object_stream[SessionMessage](0)
    pipes = _Pipes(process, traffic)
    tasks = [
        asyncio.ensure_future(pipes.read(incoming)),
        asyncio.ensure_future(pipes.write(outgoing)),
        asyncio.ensure_future(pipes.listen()),
    ]
    try:
        yield read, write
    finally:
        with anyio.CancelScope(shield=True):
            await _stop(process)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for stream in (incoming, read, write, outgoing):
                stream.close()


class _Pipes:
    """The two directions of a server's process, and what it writes to standard error."""

    def __init__(self, process: Process, traffic: Traffic) -> None:
        self._process = process
        self._traffic = traffic
        self._asked: set[int | str] = set()
        self._last_words = b""

    async def read(self, deliver: _Send) -> None:
        """Pass on each line that is a message, until the process closes its output or floods."""
        assert self._process.stdout is not None  # noqa: S101 - it was asked for as a pipe
        line, is_too_long = bytearray(), False
        try:
            while chunk := await self._process.stdout.read(_CHUNK_BYTES):
                *ends, rest = chunk.split(b"\n")
                self._traffic.take(len(chunk), messages=len(ends))
                for piece in ends:
                    if is_too_long or len(line) + len(piece) > MESSAGE_LIMIT_BYTES:
                        await self._answer_all(deliver)
                    else:
                        await self._pass_on(bytes(line + piece), deliver)
                    line, is_too_long = bytearray(), False
                line = line if is_too_long else line + rest
                if len(line) > MESSAGE_LIMIT_BYTES:
                    line, is_too_long = bytearray(), True
        except Flooded as flood:
            self._traffic.end(str(flood))
        except (anyio.ClosedResourceError, anyio.BrokenResourceError):
            return  # the session is over
        else:
            self._traffic.end(await self._how_it_ended())
        deliver.close()

    async def _pass_on(self, line: bytes, deliver: _Send) -> None:
        if not line.strip():
            return
        try:
            message = jsonrpc_message_adapter.validate_json(line, by_name=False)
        except (ValueError, RecursionError):
            # Many print a greeting, or log to the wrong place.
            self._traffic.garbage += 1
            return
        if isinstance(message, JSONRPCResponse | JSONRPCError) and message.id is not None:
            self._asked.discard(message.id)
        await deliver.send(SessionMessage(message))

    async def _answer_all(self, deliver: _Send) -> None:
        """Answer every open request with an error: which one the message was for is not known."""
        for number in [each for each in self._asked if isinstance(each, int)]:
            self._asked.discard(number)
            error = JSONRPCError(jsonrpc="2.0", id=number, error=ErrorData(code=INTERNAL_ERROR, message=TOO_LONG))
            await deliver.send(SessionMessage(error))

    async def write(self, outgoing: MemoryObjectReceiveStream[SessionMessage]) -> None:
        """Write what the session sends; a process that no longer reads ends by closing its output, too."""
        assert self._process.stdin is not None  # noqa: S101 - as above
        with contextlib.suppress(ConnectionError, anyio.ClosedResourceError):
            async for each in outgoing:
                if isinstance(each.message, JSONRPCRequest):
                    self._asked.add(each.message.id)
                text = each.message.model_dump_json(by_alias=True, exclude_unset=True)
                self._process.stdin.write(f"{text}\n".encode())
                await self._process.stdin.drain()

    async def listen(self) -> None:
        """Read standard error, and keep only the end of it: nobody may fill the log."""
        assert self._process.stderr is not None  # noqa: S101 - as above
        while chunk := await self._process.stderr.read(_CHUNK_BYTES):
            self._last_words = (self._last_words + chunk)[-_LAST_WORDS_BYTES:]

    async def _how_it_ended(self) -> str:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), _STOP_S)
        status = self._process.returncode
        if status is None:
            return "it closed its output"
        how = f"it ended with status {status}" if status >= 0 else f"it was ended by signal {-status}"
        lines = self._last_words.decode(errors="replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return f"{how}: {last}" if last else how


def _environment(extra: Mapping[str, str]) -> dict[str, str]:
    known = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {**get_default_environment(), **known, **extra}


def _die_with_parent() -> None:
    """Have the kernel kill this process when its parent dies, however that happens (prctl(2))."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


async def _stop(process: Process) -> None:
    """Stop a server as the protocol asks for: close its input, then SIGTERM, then SIGKILL, to all that it started."""
    if process.stdin is not None:
        process.stdin.close()
    for number in (signal.SIGTERM, signal.SIGKILL):
        if await _has_ended(process):
            break
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
    await _has_ended(process)
    # Also what it left behind.
    children.kill_group(process.pid)


async def _has_ended(process: Process) -> bool:
    # Not `wait()`: it also waits for the pipes, which a grandchild may hold open.
    for _ in range(100):
        if process.returncode is not None:
            return True
        await asyncio.sleep(_STOP_S / 100)
    return False
