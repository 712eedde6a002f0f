"""Tools, and the sources that offer them: the interfaces between what can be called and what calls it. No I/O.

A source of any kind (functions here; a folder, HTTP, MCP servers, integrations) offers objects that satisfy `Tool`.
`registry` joins the sources, `runner` runs the calls; neither knows the kinds.
"""

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
    """How a tool is described to the model; ``parameters`` is the JSON schema of an object, without references."""

    name: str
    description: str
    parameters: dict[str, Any]


class ToolContext:
    """One call, as the tool that runs it sees it. Safe to use in any thread.

    A call is cancelled when nobody waits for its result any more: its time limit has passed, the answer that it
    belongs to was cancelled, or the program ends. A tool that runs for long stops then; a quick one need not look.
    """

    def __init__(self, call_id: str = "") -> None:
        self.call_id = call_id
        self._cancelled = threading.Event()

    @property
    def is_cancelled(self) -> bool:
        """Whether nobody waits for the result any more."""
        return self._cancelled.is_set()

    def wait_cancelled(self, timeout_s: float) -> bool:
        """Wait in a thread for the cancellation, for ``timeout_s`` seconds at most; return whether it came."""
        return self._cancelled.wait(timeout_s)

    def cancel(self) -> None:
        """Cancel the call; only its runner does."""
        self._cancelled.set()


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

    Raises ``ToolRefused`` for anything else.
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
    return arguments
