"""Runs tools in parallel to the audio: each call gets exactly one answer, in bounded time, whatever the tool does.

A tool's arguments and its answer never reach the log.
"""

import asyncio
import logging
from typing import Any

import msgspec

from edgevoice.core.facts import ToolCall, ToolFinished
from edgevoice.core.ports import Report
from edgevoice.errors import ToolRefused
from edgevoice.journal import tell
from edgevoice.tools.functions import ToolFailed
from edgevoice.tools.registry import Registry
from edgevoice.tools.tool import Tool, ToolContext

OUTPUT_LIMIT_BYTES = 16_384
"""The longest answer that the service receives, as UTF-8; a longer one costs more to speak than it is worth."""

ERROR_LIMIT = 500
"""The longest error text, in characters; it may quote what the model sent."""

CALLS_AT_ONCE = 8
"""How many calls may run at a time. A function that hangs in its thread keeps its slot until it returns."""

_log = logging.getLogger(__name__)


class ToolRunner:
    """Runs the tools of a registry; ``Tools`` of ``core.ports``. Only the loop's thread may call it.

    A call that takes longer than ``timeout_s`` seconds is cancelled, and answered with an error whether or not the
    tool heeds that.
    """

    def __init__(self, registry: Registry, report: Report, *, timeout_s: float) -> None:
        self._registry = registry
        self._report = report
        self._timeout_s = timeout_s
        self._calls: set[asyncio.Task[None]] = set()
        self._running: dict[asyncio.Future[Any], ToolContext] = {}

    def run(self, call: ToolCall) -> None:
        """Begin a call; ``ToolFinished`` is reported later in any case, unless ``close`` comes first."""
        task = asyncio.get_running_loop().create_task(self._answer(call), name="tool")
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)

    def close(self) -> None:
        """Cancel every call; nothing more is reported."""
        for task in tuple(self._calls):
            task.cancel()
        for running, context in tuple(self._running.items()):
            _cancel(running, context)

    async def _answer(self, call: ToolCall) -> None:
        try:
            output = await self._output(call)
        except ToolRefused as refusal:
            output = error_output(str(refusal))
        self._report(ToolFinished(call.call_id, output))

    async def _output(self, call: ToolCall) -> str:
        """Return the JSON text of a tool's answer; raises ``ToolRefused`` if there is none, for whatever reason."""
        tool = self._registry.find(call.name)
        name = tool.definition.name
        if len(self._running) >= CALLS_AT_ONCE:
            raise ToolRefused(f"{CALLS_AT_ONCE} tools are running already; try again later")
        running, context = self._begin(tool, call)
        done, _ = await asyncio.wait({running}, timeout=self._timeout_s)
        if not done:
            # Not awaited: a tool that ignores its cancellation must not delay the answer.
            _cancel(running, context)
            tell(_log, logging.WARNING, "tool-timeout", tool=name, timeout_s=self._timeout_s)
            raise ToolRefused(f"{name} did not answer within {self._timeout_s:g} seconds")
        return encode_output(name, _result(name, running))

    def _begin(self, tool: Tool, call: ToolCall) -> tuple[asyncio.Future[Any], ToolContext]:
        context = ToolContext(call.call_id)
        try:
            running = asyncio.ensure_future(tool.call(tool.check(call.arguments), context))
        except ToolRefused:
            raise
        except Exception as error:
            raise _failure(tool.definition.name, type(error).__name__) from error
        self._running[running] = context
        running.add_done_callback(self._ended)
        return running, context

    def _ended(self, running: asyncio.Future[Any]) -> None:
        del self._running[running]
        # A late failure must be retrieved, or asyncio logs it with its whole content.
        if not running.cancelled():
            running.exception()


def _cancel(running: asyncio.Future[Any], context: ToolContext) -> None:
    context.cancel()
    running.cancel()


def _result(name: str, finished: asyncio.Future[Any]) -> Any:
    """Return the tool's result; raises ``ToolRefused``, with the tool's own text only if the tool itself refused."""
    failure = asyncio.CancelledError() if finished.cancelled() else finished.exception()
    if failure is None:
        return finished.result()
    if isinstance(failure, ToolRefused):
        raise failure
    raise _failure(name, str(failure) if isinstance(failure, ToolFailed) else type(failure).__name__)


def _failure(name: str, kind: str) -> ToolRefused:
    """Log that a tool failed, by the name of what it raised, and return what the model is answered."""
    tell(_log, logging.WARNING, "tool-failed", tool=name, error=kind)
    return ToolRefused("the tool failed")


def encode_output(name: str, result: Any) -> str:
    """Return a result as JSON text, ``{"ok": true}`` for ``None``; raises ``ToolRefused`` if it cannot be sent."""
    try:
        encoded = msgspec.json.encode({"ok": True} if result is None else result)
    except (TypeError, ValueError, RecursionError) as error:
        raise _failure(name, type(error).__name__) from error
    if len(encoded) > OUTPUT_LIMIT_BYTES:
        raise ToolRefused(f"the answer is too long: {len(encoded)} bytes, at most {OUTPUT_LIMIT_BYTES}")
    return encoded.decode()


def error_output(text: str) -> str:
    """Return the JSON text that reports an error to the model, in one line of at most ``ERROR_LIMIT`` characters."""
    line = " ".join(text.split())[:ERROR_LIMIT]
    # A surrogate in the model's arguments cannot be encoded, but the answer must be sent.
    return msgspec.json.encode({"error": line.encode(errors="replace").decode()}).decode()
