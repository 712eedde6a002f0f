"""Typed functions as tools: the signature becomes the JSON schema, the docstring the description.

Arguments come from a model and are untrusted: they are checked against the signature before anything runs.
"""

import asyncio
import dataclasses
import decimal
import functools
import inspect
import math
import re
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import msgspec

from edgevoice import threads
from edgevoice.errors import ToolRefused
from edgevoice.settings.wording import JSON, complaint, shown
from edgevoice.tools.decorator import Mark, mark_of
from edgevoice.tools.signature import signature_of
from edgevoice.tools.tool import ToolContext, ToolDefinition, decode_arguments

_ERROR_PATH = re.compile(r"^(?P<text>.*) - at `\$\.?(?P<path>.*)`$", re.DOTALL)

Function = TypeVar("Function", bound=Callable[..., Any])


class ToolFailed(Exception):
    """A function raised something that must not go further; the text is the name of what it raised."""


class FunctionTool:
    """A typed function that the model may call; ``Tool`` of `tool`.

    A coroutine function runs in the loop, any other in a thread of its own; what a decorator hides of a coroutine
    function runs in the loop, too. A parameter of the type `ToolContext` is
    given the call's context, and the model does not see it. Raises ``TypeError`` for a function that cannot be a tool,
    see `signature_of`.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._signature = signature_of(function)
        mark = mark_of(function) or Mark()
        self._definition = replace(
            self._signature.definition, requires_approval=mark.requires_approval, timeout_s=mark.timeout_s
        )

    @property
    def definition(self) -> ToolDefinition:
        """The name, the description and the parameters."""
        return self._definition

    def check(self, arguments: str) -> dict[str, Any]:
        """Return the function's arguments, parsed from JSON text.

        Empty text and ``null`` mean no arguments. A null that is not allowed is ignored; a number in quotation marks
        counts as a number. Missing arguments keep the function's defaults. Raises ``ToolRefused``, which names the
        parameter and what is wrong with it; also for an argument that the function does not have.
        """
        return checked(decode_arguments(arguments), self._signature.arguments, self._signature.nullable)

    def call(self, arguments: dict[str, Any], context: ToolContext) -> Awaitable[Any]:
        """Begin the call, in the loop or in a thread."""
        given = {**arguments, self._signature.context: context} if self._signature.context else arguments
        call = functools.partial(self._function, **given)
        if inspect.iscoroutinefunction(self._function):
            return _run_in_loop(call)
        return run_in_thread(call, name=f"tool-{self.definition.name}")


class FunctionSource:
    """Typed functions, in the order in which they were added; ``ToolSource`` of `tool`."""

    def __init__(self, functions: Iterable[Callable[..., Any]] = (), *, name: str = "functions") -> None:
        self.name = name
        self._tools: dict[str, FunctionTool] = {}
        self._changed: list[Callable[[], None]] = []
        self.add_all(functions)

    def tools(self) -> Sequence[FunctionTool]:
        """Return a tool for each function."""
        return tuple(self._tools.values())

    def may_offer(self, name: str) -> bool:
        """Return whether a function of this name was added."""
        return name in self._tools

    def on_change(self, changed: Callable[[], None]) -> None:
        """Call ``changed`` after each function that is added from now on."""
        self._changed.append(changed)

    def add(self, function: Callable[..., Any]) -> FunctionTool:
        """Add a function and return its tool.

        Raises ``TypeError`` for a function that cannot be a tool, and ``ValueError`` for a name that is taken.
        """
        return self.add_all([function])[0]

    def add_all(self, functions: Iterable[Callable[..., Any]]) -> list[FunctionTool]:
        """Add functions and return their tools; none is added if one cannot be. Raises the same as ``add``."""
        tools = [FunctionTool(function) for function in functions]
        names = [tool.definition.name for tool in tools]
        if taken := [name for place, name in enumerate(names) if name in self._tools or name in names[:place]]:
            raise ValueError(f"there is already a tool named {taken[0]}")
        self._tools.update(zip(names, tools, strict=True))
        for changed in self._changed:
            changed()
        return tools

    def tool(self, function: Function) -> Function:
        """Add a function; the decorator form of ``add``."""
        self.add(function)
        return function


class _ThreadCall(asyncio.Future[Any]):
    """The result of a call in a thread. A thread cannot be stopped, so this cannot be cancelled.

    ``rest`` is what a thread has returned that is still to be awaited: a coroutine, which can be cancelled.
    """

    rest: asyncio.Future[Any] | None = None

    def cancel(self, msg: object = None) -> bool:  # noqa: ARG002 - the signature of asyncio.Future
        return self.rest is not None and self.rest.cancel()

    def settle(self, done: asyncio.Future[Any]) -> None:
        """Take what the thread, or the rest, has come to."""
        if done.cancelled():
            self.set_exception(ToolFailed("CancelledError"))
        elif (failure := done.exception()) is not None:
            self.set_exception(failure)
        elif inspect.iscoroutine(found := done.result()):
            self.rest = asyncio.ensure_future(_run_in_loop(lambda: found))
            self.rest.add_done_callback(self.settle)
        else:
            self.set_result(found)


def run_in_thread(call: Callable[[], Any], *, name: str) -> asyncio.Future[Any]:
    """Call a function in a thread; what is returned is done when the thread is over.

    Not a task: the loop waits at its end for those, and a tool that hangs would hang the daemon.
    """
    result = _ThreadCall(loop=asyncio.get_running_loop())
    threads.run(functools.partial(_call, call), name=name).add_done_callback(result.settle)
    return result


async def _run_in_loop(call: Callable[[], Awaitable[Any]]) -> Any:
    """Await a tool's coroutine. What ends a program ends only the call: asyncio would stop the loop for it."""
    try:
        return await call()
    except (SystemExit, KeyboardInterrupt) as error:
        raise ToolFailed(type(error).__name__) from None


def _call(function: Callable[[], Any]) -> Any:
    """Call a tool's function in its thread; raises ``ToolRefused``, or ``ToolFailed`` for whatever else it raises."""
    try:
        return function()
    except ToolRefused:
        raise
    except BaseException as error:  # noqa: BLE001 - whatever a tool raises is its answer, and this is its own thread
        # By name only: we do not want its text.
        raise ToolFailed(type(error).__name__) from None


def checked(arguments: dict[str, Any], takes: type[msgspec.Struct], nullable: Collection[str] = ()) -> dict[str, Any]:
    """Return the arguments as ``takes`` has them, see `FunctionTool.check`.

    An unknown one is refused, at any depth: whoever cancels the timer of a wrong name must not cancel all. The schema
    does not say so (``additionalProperties``), because some hosts of models refuse a schema that does. Raises
    ``ToolRefused``.
    """
    _require_known(arguments, takes.__struct_fields__, takes.__name__)
    known = {name: value for name, value in arguments.items() if value is not None or name in nullable}
    try:
        converted = msgspec.convert(known, takes, strict=False)
    except msgspec.ValidationError as error:
        raise ToolRefused(_refusal(known, takes, error)) from error
    found = {name: getattr(converted, name) for name in known}
    for name, value in found.items():
        _require_known_within(known[name], value, name)
        _require_finite(name, msgspec.to_builtins(value, builtin_types=(decimal.Decimal,)))
    return found


def _require_known(given: Iterable[str], known: Sequence[str], who: str) -> None:
    if unknown := [name for name in given if name not in known]:
        there = ", ".join(known) or "no arguments"
        raise ToolRefused(f"there is no argument {shown(unknown[0], JSON)}; {who} takes {there}")


def _require_known_within(given: Any, converted: Any, who: str) -> None:
    """Raise ``ToolRefused`` for a name that an object in the arguments does not have; msgspec would leave it out."""
    match given, converted:
        case dict(), msgspec.Struct():
            fields, config = converted.__struct_encode_fields__, converted.__struct_config__
            _require_known([name for name in given if name != config.tag_field], fields, who)
            for place, name in zip(converted.__struct_fields__, fields, strict=True):
                _require_known_within(given.get(name), getattr(converted, place), f"{who}.{name}")
        case dict(), _ if dataclasses.is_dataclass(converted):
            names = [field.name for field in dataclasses.fields(converted)]
            _require_known(given, names, who)
            for name in names:
                _require_known_within(given.get(name), getattr(converted, name), f"{who}.{name}")
        case dict(), dict():
            for name, inner in zip(given, converted.values(), strict=False):
                _require_known_within(given[name], inner, f"{who}.{name}")
        case list(), list() | tuple():
            for index, (each, inner) in enumerate(zip(given, converted, strict=False)):
                _require_known_within(each, inner, f"{who}[{index}]")
        case _:
            pass


def _require_finite(name: str, value: Any) -> None:
    """Raise ``ToolRefused`` for "nan" and "inf", which msgspec reads as numbers; JSON has neither."""
    match value:
        case float() | decimal.Decimal() if not math.isfinite(value):
            raise ToolRefused(f"{name} is {value}; it must be a finite number")
        case dict():
            for each in (*value, *value.values()):
                _require_finite(name, each)
        case list() | tuple() | set() | frozenset():
            for each in value:
                _require_finite(name, each)
        case _:
            pass


def _refusal(given: dict[str, Any], takes: type[msgspec.Struct], error: msgspec.ValidationError) -> str:
    """Return what is wrong with the arguments, in the words of the settings; inside an object, in msgspec's."""
    match = _ERROR_PATH.match(str(error))
    if match is not None and re.search(r"[.\[]", match["path"]):
        return f"{match['path']}: {match['text']}"
    for field in msgspec.structs.fields(takes):
        if field.name not in given and field.required:
            return f"{field.name} is missing"
        if field.name in given and (said := complaint(given[field.name], field.type, strict=False)):
            return f"{field.name} {said}"
    return str(error)
