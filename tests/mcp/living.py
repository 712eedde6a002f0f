"""A loop in a thread with tools from MCP servers, for tests that share one child process."""

import asyncio
import contextlib
import json
import logging
import threading
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from edgevoice.core.facts import Event, ToolCall, ToolFinished
from edgevoice.mcp.server import McpServer
from edgevoice.mcp.source import McpSource
from edgevoice.tools.registry import Registry
from edgevoice.tools.runner import ToolLimits, ToolRunner
from tests.waiting import until

HERE = Path(__file__).parent
SMALL, SDK = HERE / "small_server.py", HERE / "sdk_server.py"
LIMIT_S = 240.0

_T = TypeVar("_T")


class Lines(logging.Handler):
    """Keeps the lines of a log, as text."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        fields = getattr(record, "fields", {})
        self.lines.append(" ".join([record.msg, *(f"{key}={value}" for key, value in fields.items())]))

    def of(self, *words: str) -> list[str]:
        return [line for line in self.lines if all(word in line for word in words)]


class Living:
    """A source of tools that runs, with a runner that calls them as the box does."""

    def __init__(self, source: McpSource, loop: asyncio.AbstractEventLoop, log: Lines) -> None:
        self.source = source
        self.log = log
        self.changes: list[list[str]] = []
        self._loop = loop
        self._outputs: dict[str, asyncio.Future[str]] = {}
        registry = Registry([], always=[source])
        registry.on_change(lambda: self.changes.append([*registry.names]))
        self.registry = registry
        self._runner = ToolRunner(registry, self._report, ToolLimits(timeout_s=LIMIT_S))

    def _report(self, event: Event) -> None:
        assert isinstance(event, ToolFinished)
        self._outputs[event.call_id].set_result(event.output)

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(LIMIT_S)

    def call(self, name: str, **arguments: Any) -> Any:
        """Return what the model is given."""

        async def scene() -> str:
            call_id = f"call{len(self._outputs)}"
            self._outputs[call_id] = self._loop.create_future()
            self._runner.run(ToolCall(call_id, name, json.dumps(arguments)))
            return await self._outputs[call_id]

        return json.loads(self.run(scene()))

    def tools_of(self, server: str) -> Sequence[str]:
        return [name for name in self.registry.names if name.startswith(f"{server}__")]


@contextlib.contextmanager
def living(servers: Mapping[str, McpServer], *, but: str = "") -> Iterator[Living]:
    """Yield the tools of servers, once each of them, ``but`` one, has offered its own or has failed."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    log = Lines()
    logger = logging.getLogger("edgevoice")
    level = logger.level
    logger.addHandler(log)
    logger.setLevel(logging.INFO)

    async def start() -> tuple[Living, asyncio.Task[None]]:
        source = McpSource(servers)
        return Living(source, loop, log), asyncio.ensure_future(source.run())

    async def stop(task: asyncio.Task[None]) -> None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    try:
        made, task = asyncio.run_coroutine_threadsafe(start(), loop).result(LIMIT_S)
        try:
            until(lambda: servers.keys() - {but} <= made.source.states.keys(), LIMIT_S)
            yield made
        finally:
            asyncio.run_coroutine_threadsafe(stop(task), loop).result(LIMIT_S)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
        logger.removeHandler(log)
        logger.setLevel(level)
