"""The child that holds the connections to MCP servers: started, read with limits, and replaced if it fails.

Whatever the child does, this process only ever waits for it in a task of its own, and reads a bounded amount at a time.
"""

import asyncio
import contextlib
import itertools
import logging
import random
from asyncio.subprocess import Process
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec

from edgevoice import children
from edgevoice.core.backoff import Backoff
from edgevoice.errors import ToolRefused
from edgevoice.extras import has, how_to_add
from edgevoice.journal import tell
from edgevoice.mcp.server import McpServer
from edgevoice.mcp.wire import (
    TO_PROGRAM_LIMIT,
    Answered,
    CallTool,
    CancelCall,
    FrameInvalid,
    Lost,
    Offered,
    Retry,
    SdkLoaded,
    Serve,
    Started,
    ToChild,
    ToProgram,
    frame,
    frames,
    to_program,
)

START_LIMIT_S: Final = 180.0
"""How long the child may take to load the SDK: 1 s on an idle desktop processor, over 40 s on one with a load of 20."""

_ANSWER_LIMIT_S: Final = 30.0
"""How long the child may take to confirm a cancelled call; one that takes longer hangs. The sound goes before it, so a
busy machine keeps it waiting: with 5 s a healthy one was killed at a load of seven for each core.
"""

_AGAIN: Final = Backoff(first_s=1, factor=2, limit_s=300)
_SETTLED_S: Final = 60.0
_WITHIN_S: Final = 10.0
_MOST_FRAMES: Final = 1000
_MOST_UNREAD_BYTES: Final = 1 << 22
_COMMAND: Final = tuple(children.python("edgevoice.mcp.child"))

_log = logging.getLogger(__name__)


class Watcher(Protocol):
    """What is told about the servers, in the loop's thread."""

    def offered(self, server: str, message: Offered) -> None:
        """Take all tools of a server that is connected."""
        ...

    def lost(self, server: str, message: Lost) -> None:
        """Note that a server cannot be reached."""
        ...


class ChildBroken(Exception):
    """The child cannot go on; the text says why."""


class McpProcess:
    """The child process for these servers, while `run` runs. ``command`` replaces it in tests."""

    def __init__(
        self, servers: Mapping[str, McpServer], watcher: Watcher, *, command: Sequence[str] = _COMMAND
    ) -> None:
        self._servers = dict(servers)
        self._watcher = watcher
        self._command = command
        self._child: Process | None = None
        self._problem = ""
        self._groups: dict[str, int] = {}
        self._numbers = itertools.count(1)
        self._calls: dict[int, asyncio.Future[Answered]] = {}
        self._overdue: dict[int, asyncio.TimerHandle] = {}
        self._wanted = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """The child's process id while it is connected."""
        return self._child.pid if self._child is not None else None

    async def run(self) -> None:
        """Keep the child running until cancelled; if the SDK is not installed, log that once and return."""
        if not has("mcp"):
            problem = f"Tools from MCP servers need the SDK, which is not installed. Add it: {how_to_add('mcp')}"
            tell(_log, logging.ERROR, "mcp-unavailable", servers=" ".join(self._servers), problem=problem)
            for name in self._servers:
                self._watcher.lost(name, Lost(name, "the SDK is not installed", 0, is_gone=True))
            return
        loop = asyncio.get_running_loop()
        attempt = 0
        while True:
            began = loop.time()
            problem = await self._once()
            attempt = 0 if loop.time() - began > _SETTLED_S else attempt
            again_s = _AGAIN.delay_s(attempt, random.random)
            attempt += 1
            tell(_log, logging.ERROR, "mcp-process-ended", again_s=round(again_s, 1), problem=problem)
            for name in self._servers:
                self._watcher.lost(name, Lost(name, "the process for MCP servers ended", again_s, is_gone=True))
            self._wanted.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), again_s)

    def retry(self) -> None:
        """Try at once to reach what cannot be reached: somebody begins a conversation."""
        self._wanted.set()
        self._send(Retry())

    async def call(self, server: str, tool: str, arguments: dict[str, Any]) -> msgspec.Raw:
        """Return a tool's result as JSON; raises ``ToolRefused``. If it is cancelled, the server learns of it."""
        number = next(self._numbers)
        if not self._send(CallTool(number, server, tool, arguments)):
            raise ToolRefused(f"the server {server} is not running; try again later")
        self._calls[number] = answer = asyncio.get_running_loop().create_future()
        try:
            answered = await answer
        except asyncio.CancelledError:
            if number in self._calls and self._send(CancelCall(number)):
                self._overdue[number] = asyncio.get_running_loop().call_later(_ANSWER_LIMIT_S, self._hangs)
            raise
        finally:
            self._calls.pop(number, None)
        if answered.error is not None:
            # By name only: the line is for the model, and may quote what it sent.
            tell(_log, logging.WARNING, "mcp-call-failed", server=server, tool=tool)
            raise ToolRefused(answered.error)
        result: msgspec.Raw = answered.result
        return result

    def _send(self, message: ToChild) -> bool:
        """Write a message; return whether there is a child to read it."""
        if self._child is None or self._child.stdin is None or self._child.stdin.is_closing():
            return False
        content = frame(message)
        if self._child.stdin.transport.get_write_buffer_size() + len(content) > _MOST_UNREAD_BYTES:
            self._fail("it no longer reads")
            return False
        self._child.stdin.write(content)
        return True

    def _hangs(self) -> None:
        self._fail("it no longer answers")

    def _fail(self, problem: str) -> None:
        """Kill the child: its end is noticed where its output is read."""
        self._problem = self._problem or problem
        if self._child is not None:
            children.kill_group(self._child.pid)

    async def _once(self) -> str:
        """Run one child to its end; return what ended it."""
        try:
            child = await children.start(self._command)
        except OSError as error:
            return f"it cannot be started: {error.strerror}"
        try:
            await self._serve(child)
        except (ChildBroken, FrameInvalid) as error:
            # What it has started goes with it, however it behaves.
            children.kill_group(child.pid)
            return self._problem or str(error)
        finally:
            self._child, self._problem = None, ""
            self._settle()
            await children.end(child)
            for group in self._groups.values():
                children.kill_group(group)
            self._groups.clear()
        raise AssertionError("it is served until it breaks")

    def _settle(self) -> None:
        """Answer every open call, because no other answer can come."""
        for number, answer in tuple(self._calls.items()):
            if not answer.done():
                answer.set_result(Answered(number, error="the process for MCP servers ended during the call"))
        for timer in self._overdue.values():
            timer.cancel()
        self._overdue.clear()

    async def _serve(self, child: Process) -> None:
        """Take what the child writes, for as long as it lasts; raises ``ChildBroken`` and ``FrameInvalid``."""
        assert child.stdout is not None  # noqa: S101 - it was asked for as a pipe
        loop = asyncio.get_running_loop()
        since, count = loop.time(), 0
        messages = frames(child.stdout, to_program, TO_PROGRAM_LIMIT)
        try:
            async with asyncio.timeout(START_LIMIT_S):
                first = await anext(messages, None)
        except TimeoutError:
            raise ChildBroken(f"it was not ready within {START_LIMIT_S:g} s") from None
        if not isinstance(first, SdkLoaded):
            raise ChildBroken("it ended before it was ready; what it wrote is in the log")
        self._child = child
        self._send(Serve(self._servers))
        async for message in messages:
            now = loop.time()
            since, count = (now, 1) if now > since + _WITHIN_S else (since, count + 1)
            if count > _MOST_FRAMES:
                raise ChildBroken("it sends without end")
            self._take(message)
            # What is buffered is read without waiting: the sound has its turn in between.
            await asyncio.sleep(0)
        raise ChildBroken("it ended")

    def _take(self, message: ToProgram) -> None:
        match message:
            case Answered(id=number):
                if (timer := self._overdue.pop(number, None)) is not None:
                    timer.cancel()
                answer = self._calls.get(number)
                if answer is not None and not answer.done():
                    answer.set_result(message)
            case Offered(server=server) if server in self._servers:
                self._watcher.offered(server, message)
            case Lost(server=server) if server in self._servers:
                self._groups.pop(server, None)
                self._watcher.lost(server, message)
            case Started(server=server, group=group) if server in self._servers:
                self._groups[server] = group
            case SdkLoaded() | Offered() | Lost() | Started():
                raise ChildBroken("it speaks of what it was not given")
