"""Runs tools beside the audio: each call gets exactly one answer, in bounded time, whatever the tool does.

What a tool was asked and what it answered never reaches the log.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import msgspec

from edgevoice import threads
from edgevoice.core.facts import ToolCall, ToolFinished
from edgevoice.core.ports import Report
from edgevoice.errors import ToolRefused
from edgevoice.journal import tell
from edgevoice.tools.registry import Registry, Tool

OUTPUT_LIMIT_BYTES = 16_384
"""The longest answer the service is given, as UTF-8; a longer one costs more to speak than it is worth."""

ERROR_LIMIT = 500
"""The longest error text, in characters; it may quote what the model sent."""

CALLS_AT_ONCE = 8
"""How many calls may run at a time. A function that hangs in its thread keeps its place until it returns."""

_log = logging.getLogger(__name__)


class _Failed(Exception):
    """A tool raised in its thread; the text is the kind of error."""


class ToolRunner:
    """Runs the tools of a registry; ``Tools`` of ``core.ports``. Only the loop's thread may call it.

    Asynchronous functions run in the loop, others each in a thread of its own; a call that takes longer than
    ``timeout_s`` seconds is answered with an error and, if it can be, cancelled.
    """

    def __init__(self, registry: Registry, report: Report, *, timeout_s: float) -> None:
        self._registry = registry
        self._report = report
        self._timeout_s = timeout_s
        self._calls: set[asyncio.Task[None]] = set()
        self._running: set[asyncio.Future[Any]] = set()

    def run(self, call: ToolCall) -> None:
        """Begin a call; ``ToolFinished`` is reported later in any case, unless ``close`` comes first."""
        task = asyncio.get_running_loop().create_task(self._answer(call), name="tool")
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)

    def close(self) -> None:
        """Cancel every call; none is reported any more."""
        for task in (*self._calls, *self._running):
            task.cancel()

    async def _answer(self, call: ToolCall) -> None:
        try:
            output = await self._output(call)
        except ToolRefused as refusal:
            output = error_output(str(refusal))
        self._report(ToolFinished(call.call_id, output))

    async def _output(self, call: ToolCall) -> str:
        """Return the JSON text of a tool's answer; raises ``ToolRefused`` for every reason why there is none."""
        tool = self._registry.find(call.name)
        arguments = tool.check(call.arguments)
        if len(self._running) >= CALLS_AT_ONCE:
            raise ToolRefused(f"{CALLS_AT_ONCE} tools are running already; try again later")
        running = self._start(tool, arguments)
        done, _ = await asyncio.wait({running}, timeout=self._timeout_s)
        if not done:
            # Not awaited: a tool that does not heed its cancellation must not keep the answer waiting.
            running.cancel()
            tell(_log, logging.WARNING, "tool-timeout", tool=tool.name, timeout_s=self._timeout_s)
            raise ToolRefused(f"{tool.name} did not answer within {self._timeout_s:g} seconds")
        return encode_output(tool, _result(tool, running))

    def _start(self, tool: Tool, arguments: dict[str, Any]) -> asyncio.Future[Any]:
        call = partial(tool.function, **arguments)
        if tool.is_async:
            coroutine: Coroutine[Any, Any, Any] = call()
            running: asyncio.Future[Any] = asyncio.get_running_loop().create_task(coroutine, name=f"tool-{tool.name}")
            running.add_done_callback(self._running.discard)
            # A failure that comes too late must be looked at, or asyncio logs it with everything that is in it.
            running.add_done_callback(lambda late: late.cancelled() or late.exception())
        else:
            # A thread that hangs keeps its place until it is over, whether the call was given up or not.
            running = threads.run(partial(_call, call), name=f"tool-{tool.name}", over=self._running.discard)
        self._running.add(running)
        return running


def _call(function: Callable[[], Any]) -> Any:
    """Call a tool's function in its thread; raises ``ToolRefused``, or ``_Failed`` for whatever else it raises."""
    try:
        return function()
    except ToolRefused:
        raise
    except BaseException as error:  # noqa: BLE001 - whatever a tool raises is its answer, and this is its own thread
        # By name only: none of its text is wanted.
        raise _Failed(type(error).__name__) from None


def _result(tool: Tool, finished: asyncio.Future[Any]) -> Any:
    """Return what a tool returned; raises ``ToolRefused``, in the tool's words only when it refused by itself."""
    failure = asyncio.CancelledError() if finished.cancelled() else finished.exception()
    if failure is None:
        return finished.result()
    if isinstance(failure, ToolRefused):
        raise failure
    kind = str(failure) if isinstance(failure, _Failed) else type(failure).__name__
    tell(_log, logging.WARNING, "tool-failed", tool=tool.name, error=kind)
    raise ToolRefused("the tool failed")


def encode_output(tool: Tool, result: Any) -> str:
    """Return a result as JSON text, ``{"ok": true}`` for ``None``; raises ``ToolRefused`` for what cannot be sent."""
    try:
        encoded = msgspec.json.encode({"ok": True} if result is None else result)
    except (TypeError, ValueError, RecursionError) as error:
        tell(_log, logging.WARNING, "tool-failed", tool=tool.name, error=type(error).__name__)
        raise ToolRefused("the tool failed") from error
    if len(encoded) > OUTPUT_LIMIT_BYTES:
        raise ToolRefused(f"the answer is too long: {len(encoded)} bytes, at most {OUTPUT_LIMIT_BYTES}")
    return encoded.decode()


def error_output(text: str) -> str:
    """Return the JSON text that tells the model of an error, in one line of at most ``ERROR_LIMIT`` characters."""
    line = " ".join(text.split())[:ERROR_LIMIT]
    # A surrogate that a model put into its arguments cannot be encoded, and the answer must go out.
    return msgspec.json.encode({"error": line.encode(errors="replace").decode()}).decode()
