"""Tools, and the sources that offer them: the interfaces between what can be called and what calls it. No I/O.

A source of any kind (functions here; a folder, HTTP, MCP servers, integrations) offers objects that satisfy `Tool`.
`registry` joins the sources, `runner` runs the calls; neither knows the kinds.
"""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from edgevoice.errors import ToolRefused

ARGUMENTS_LIMIT = 65_536
"""The longest JSON text of arguments that is decoded, in characters."""


@dataclass(frozen=True, slots=True)
class ToolDefinition:
    """How a tool is described to the model; ``parameters`` is the JSON schema of an object, without references.

    ``requires_approval``: it runs only after the user has agreed. ``timeout_s``: how long it may take, if that is not
    the time that all tools have.
    """

    name: str
    description: str
    parameters: dict[str, Any]
    requires_approval: bool = False
    timeout_s: float | None = None


class ToolContext:
    """One call, as the tool that runs it sees it. Safe to use in any thread.

    A call is cancelled when nobody waits for its result any more: its time limit has passed, the user has interrupted
    the answer that it belongs to, or the program ends. A tool that runs for long stops then; a quick one need not look.
    What a call still returns after an interruption is recorded in the conversation, but not spoken.
    """

    def __init__(self, call_id: str = "") -> None:
        self.call_id = call_id
        self._cancelled = threading.Event()
        self._lock = threading.Lock()
        self._waiting: list[Callable[[], None]] = []

    @property
    def is_cancelled(self) -> bool:
        """Whether nobody waits for the result any more."""
        return self._cancelled.is_set()

    def wait_cancelled(self, timeout_s: float) -> bool:
        """Wait in a thread for the cancellation, for ``timeout_s`` seconds at most; return whether it came."""
        return self._cancelled.wait(timeout_s)

    async def until_cancelled(self) -> None:
        """Return once the call is cancelled; for asynchronous tools."""
        loop, reached = asyncio.get_running_loop(), asyncio.Event()

        def reach() -> None:
            loop.call_soon_threadsafe(reached.set)

        with self._lock:
            if self.is_cancelled:
                return
            self._waiting.append(reach)
        try:
            await reached.wait()
        finally:
            with self._lock:
                if reach in self._waiting:
                    self._waiting.remove(reach)

    def cancel(self) -> None:
        """Cancel the call; only its runner does."""
        with self._lock:
            self._cancelled.set()
            waiting, self._waiting = self._waiting, []
        for reach in waiting:
            reach()


class Tool(Protocol):
    """Something that the model may call."""

    @property
    def definition(self) -> ToolDefinition:
        """The name, the description and the parameters; they never change."""
        ...

    def check(self, arguments: str) -> dict[str, Any]:
        """Return JSON text from the model as the arguments for ``call``.

        Raises ``ToolRefused``, whose text goes to the model and says what is wrong.
        """
        ...

    def call(self, arguments: dict[str, Any], context: ToolContext) -> Awaitable[Any]:
        """Begin a call in the loop's thread, without blocking, and return what its result is awaited by.

        The result is anything that ``msgspec`` encodes as JSON, ``None`` for a call that only has an effect. The
        awaitable is done no sooner than the call has ended, and raises ``ToolRefused`` with a text for the model.
        """
        ...


class ToolSource(Protocol):
    """Where tools come from. What it offers may change while the program runs."""

    @property
    def name(self) -> str:
        """The name by which the log speaks of it."""
        ...

    def tools(self) -> Sequence[Tool]:
        """Return what it offers at this moment; at once, in the loop's thread."""
        ...

    def may_offer(self, name: str) -> bool:
        """Return whether a tool of this name is offered now or may be later, so that it can be named in settings."""
        ...

    def on_change(self, changed: Callable[[], None]) -> None:
        """Call ``changed``, in the loop's thread, whenever ``tools`` would return others than before."""
        ...


def decode_arguments(text: str) -> dict[str, Any]:
    """Return the JSON object that a model sent as arguments; empty text and ``null`` are an empty one.

    Raises ``ToolRefused`` for anything else, also for a name that stands twice: it is not known which value is meant.
    """
    if len(text) > ARGUMENTS_LIMIT:
        raise ToolRefused(f"the arguments are longer than {ARGUMENTS_LIMIT} characters")
    try:
        arguments = msgspec.json.decode(text) if text.strip() else None
    except (ValueError, RecursionError) as error:
        raise ToolRefused("the arguments are not valid JSON") from error
    if arguments is None:
        return {}
    if not isinstance(arguments, dict):
        raise ToolRefused("the arguments must be a JSON object")
    json.loads(text, object_pairs_hook=_named_once)
    return arguments


def _named_once(pairs: list[tuple[str, Any]]) -> None:
    """Raise ``ToolRefused`` for a JSON object in which a name stands twice; msgspec would take the last."""
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        twice = next(name for place, name in enumerate(names) if name in names[:place])
        raise ToolRefused(f"the arguments name {twice[:64]} twice")
