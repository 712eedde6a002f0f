"""The decorator ``tool``: marks the typed functions of a program, or of a file in the folder of tools."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, overload

from edgevoice.tools.signature import signature_of

_MARK = "__edgevoice_tool__"

LONGEST_S = 600.0
"""The longest time limit of a tool, in seconds: nobody waits longer beside a box."""

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Mark:
    """What the decorator says about a function, see `tool`."""

    requires_approval: bool = False
    timeout_s: float | None = None


@overload
def tool(function: Function, /) -> Function: ...


@overload
def tool(*, requires_approval: bool = False, timeout_s: float | None = None) -> Callable[[Function], Function]: ...


def tool(
    function: Function | None = None, /, *, requires_approval: bool = False, timeout_s: float | None = None
) -> Function | Callable[[Function], Function]:
    """Return the function, once it is known that a model can call it.

    Its name, its docstring and its types are what the model sees. ``requires_approval``: before it runs, the user is
    asked aloud, and it runs only if they say yes. ``timeout_s``: how long it may take, if not as long as other tools.
    Raises ``TypeError`` for a function without a docstring or with a parameter without a type, and ``ValueError`` for
    a time of no use: when the function is defined, and not when the conversation begins.
    """
    if timeout_s is not None and not 0 < timeout_s <= LONGEST_S:
        raise ValueError(f"timeout_s is {timeout_s:g}; it must be above 0, and at most {LONGEST_S:g} seconds")
    mark = Mark(requires_approval, timeout_s)

    def marked(decorated: Function) -> Function:
        signature_of(decorated)
        setattr(decorated, _MARK, mark)
        return decorated

    return marked if function is None else marked(function)


def mark_of(value: object) -> Mark | None:
    """Return what ``tool`` has noted on a function; ``None`` for anything that it has not marked."""
    mark = getattr(value, _MARK, None)
    return mark if callable(value) and isinstance(mark, Mark) else None
