"""Runs tools in parallel to the audio: each call gets exactly one answer, in bounded time, whatever the tool does.

A tool's arguments and its answer never reach the log.
"""

import asyncio
import functools
import logging
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import msgspec

from edgevoice.core.facts import ToolCall, ToolFinished
from edgevoice.core.ports import Report
from edgevoice.errors import ToolRefused, WishRefused
from edgevoice.journal import tell
from edgevoice.tools.approver import DECLINED, Approver
from edgevoice.tools.functions import ToolFailed
from edgevoice.tools.registry import Registry
from edgevoice.tools.tool import Tool, ToolContext

ERROR_LIMIT = 500
"""The longest error text, in characters; it may quote what the model sent."""

MOST_WAITING = 32
"""How many calls may wait for others to end. A model asks for some ten at a time at most; more is an endless loop."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ToolLimits:
    """What a call may cost, whatever kind of tool it is.

    ``timeout_s``: how long a call may take, unless its tool has a time of its own. ``output_bytes``: the longest answer
    that the service receives, as UTF-8; a longer one costs more to speak than it is worth. ``calls_at_once``: how many
    run at a time; further ones wait, for as long as they may take. A function that hangs in its thread keeps its place
    until it returns.
    """

    timeout_s: float = 10.0
    output_bytes: int = 16_384
    calls_at_once: int = 8


class ToolRunner:
    """Runs the tools of a registry; ``Tools`` of ``core.ports``. Only the loop's thread may call it.

    A call that takes longer than its time is cancelled, and answered with an error whether or not the tool heeds that.
    Tools that require approval are run by the ``approver``; without one they are declined.
    """

    def __init__(
        self, registry: Registry, report: Report, limits: ToolLimits, approver: Approver | None = None
    ) -> None:
        self._approver = approver
        self._registry = registry
        self._report = report
        self._limits = limits
        self._places = asyncio.Semaphore(limits.calls_at_once)
        self._calls: dict[asyncio.Task[None], ToolContext] = {}
        self._running: dict[asyncio.Future[Any], ToolContext] = {}
        self._outdated: set[ToolContext] = set()

    def run(self, call: ToolCall) -> None:
        """Begin a call; ``ToolFinished`` is reported later in any case, unless ``close`` comes first.

        A call of the same id that is still running belongs to a session that is over, for a service may number its
        calls anew in each. It goes on, but its result is not reported as that of this one.
        """
        self._outdated |= {context for context in self._calls.values() if context.call_id == call.call_id}
        context = ToolContext(call.call_id)
        task = asyncio.get_running_loop().create_task(self._answer(call, context), name="tool")
        self._calls[task] = context
        task.add_done_callback(self._forget)

    def abandon(self, call_ids: Collection[str]) -> None:
        """Let calls know that nobody waits for their results; what they return is reported nevertheless."""
        for context in self._calls.values():
            if context.call_id in call_ids:
                context.cancel()

    def close(self) -> None:
        """Cancel every call; nothing more is reported."""
        for task in tuple(self._calls):
            task.cancel()
        for running, context in tuple(self._running.items()):
            _cancel(running, context)
        if self._approver is not None:
            self._approver.close()

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._outdated.discard(self._calls.pop(task))

    async def _answer(self, call: ToolCall, context: ToolContext) -> None:
        finished = await self._finished(call, context)
        if context not in self._outdated:
            self._report(finished)

    async def _finished(self, call: ToolCall, context: ToolContext) -> ToolFinished:
        try:
            tool = self._find(call)
            arguments = _checked(tool, call)
            run = functools.partial(self._output, tool, arguments, context)
            if not tool.definition.requires_approval:
                return ToolFinished(call.call_id, await self._result(tool, arguments, context))
            if self._approver is None:
                tell(_log, logging.WARNING, "tool-approval-impossible", tool=tool.definition.name)
                return ToolFinished(call.call_id, DECLINED)
            return await self._approver.finished(call, tool.definition, arguments, run)
        except ToolRefused as refusal:
            is_wish = isinstance(refusal, WishRefused)
            return ToolFinished(call.call_id, error_output(str(refusal)), is_wish_refused=is_wish)

    async def _output(self, tool: Tool, arguments: dict[str, Any], context: ToolContext) -> str:
        """Return the JSON text of a tool's answer, or of the error if there is none, for whatever reason."""
        try:
            return await self._result(tool, arguments, context)
        except ToolRefused as refusal:
            return error_output(str(refusal))

    async def _result(self, tool: Tool, arguments: dict[str, Any], context: ToolContext) -> str:
        name = tool.definition.name
        limit_s = tool.definition.timeout_s or self._limits.timeout_s
        await self._place(limit_s)
        running = self._begin(tool, arguments, context)
        done, _ = await asyncio.wait({running}, timeout=limit_s)
        if not done:
            # Not awaited: a tool that ignores its cancellation must not delay the answer.
            _cancel(running, context)
            tell(_log, logging.WARNING, "tool-timeout", tool=name, timeout_s=limit_s)
            raise ToolRefused(f"{name} did not answer within {limit_s:g} seconds")
        return encode_output(name, _result(name, running), self._limits.output_bytes)

    def _find(self, call: ToolCall) -> Tool:
        try:
            return self._registry.find(call.name)
        except ToolRefused:
            # Not its name, which the model has made up.
            tell(_log, logging.WARNING, "tool-unknown")
            raise

    async def _place(self, limit_s: float) -> None:
        """Wait until the call may run; raises ``ToolRefused`` if that takes longer than ``limit_s``."""
        refused = ToolRefused(f"{self._limits.calls_at_once} tools are running already; try again later")
        if len(self._calls) > self._limits.calls_at_once + MOST_WAITING:
            raise refused
        try:
            async with asyncio.timeout(limit_s):
                await self._places.acquire()
        except TimeoutError:
            raise refused from None

    def _begin(self, tool: Tool, arguments: dict[str, Any], context: ToolContext) -> asyncio.Future[Any]:
        try:
            running = asyncio.ensure_future(tool.call(arguments, context))
        except Exception as error:
            self._places.release()
            raise _refusal(tool, error) from error
        self._running[running] = context
        running.add_done_callback(self._ended)
        return running

    def _ended(self, running: asyncio.Future[Any]) -> None:
        del self._running[running]
        self._places.release()
        # A late failure must be retrieved, or asyncio logs it with its whole content.
        if not running.cancelled():
            running.exception()


def _cancel(running: asyncio.Future[Any], context: ToolContext) -> None:
    context.cancel()
    running.cancel()


def _checked(tool: Tool, call: ToolCall) -> dict[str, Any]:
    try:
        return tool.check(call.arguments)
    except ToolRefused:
        # Not the reason: it may quote what the model sent.
        tell(_log, logging.WARNING, "tool-arguments-refused", tool=tool.definition.name)
        raise
    except Exception as error:
        raise _refusal(tool, error) from error


def _refusal(tool: Tool, error: Exception) -> ToolRefused:
    return error if isinstance(error, ToolRefused) else _failure(tool.definition.name, type(error).__name__)


def _result(name: str, finished: asyncio.Future[Any]) -> Any:
    """Return the tool's result; raises ``ToolRefused``, with the tool's own text only if the tool itself refused."""
    failure = asyncio.CancelledError() if finished.cancelled() else finished.exception()
    if failure is None:
        return finished.result()
    if isinstance(failure, ToolRefused):
        if not isinstance(failure, WishRefused):
            # Not the reason: it may quote what the user said.
            tell(_log, logging.WARNING, "tool-refused", tool=name)
        raise failure
    raise _failure(name, str(failure) if isinstance(failure, ToolFailed) else type(failure).__name__)


def _failure(name: str, kind: str) -> ToolRefused:
    """Log that a tool failed, by the name of what it raised, and return what the model is answered."""
    tell(_log, logging.WARNING, "tool-failed", tool=name, error=kind)
    return ToolRefused("the tool failed")


def encode_output(name: str, result: Any, limit_bytes: int) -> str:
    """Return a result as JSON text, ``{"ok": true}`` for ``None``; raises ``ToolRefused`` if it cannot be sent."""
    try:
        # Not encoded to be counted: with hundreds of megabytes, the loop and the sound would stand still for a second.
        is_far_too_long = _is_far_too_long(result, limit_bytes)
        encoded = b"" if is_far_too_long else msgspec.json.encode({"ok": True} if result is None else result)
    except Exception as error:
        # The tool's own objects may raise anything here, and another thread of it may be changing them.
        raise _failure(name, type(error).__name__) from error
    if is_far_too_long:
        tell(_log, logging.WARNING, "tool-output-too-long", tool=name)
        raise ToolRefused(f"the answer is too long: at most {limit_bytes} bytes")
    if len(encoded) > limit_bytes:
        tell(_log, logging.WARNING, "tool-output-too-long", tool=name, output_bytes=len(encoded))
        raise ToolRefused(f"the answer is too long: {len(encoded)} bytes, at most {limit_bytes}")
    return encoded.decode()


def _is_far_too_long(result: Any, limit_bytes: int) -> bool:
    """Return whether a result's texts and elements alone exceed the limit, without looking at more than that."""
    counted, unseen = 0, [result]
    while unseen and counted <= limit_bytes:
        match unseen.pop():
            case str() | bytes() | bytearray() as text:
                counted += len(text)
            case dict() as members:
                counted += len(members)
                unseen += (*members, *members.values()) if counted <= limit_bytes else ()
            case list() | tuple() | set() | frozenset() as elements:
                counted += len(elements)
                unseen += elements if counted <= limit_bytes else ()
            case _:
                pass  # a number, or an object of the tool's own, which says nothing about its length
    return counted > limit_bytes


def error_output(text: str) -> str:
    """Return the JSON text that reports an error to the model, in one line of at most ``ERROR_LIMIT`` characters."""
    line = " ".join(text.split())[:ERROR_LIMIT]
    # A surrogate in the model's arguments cannot be encoded, but the answer must be sent.
    return msgspec.json.encode({"error": line.encode(errors="replace").decode()}).decode()
