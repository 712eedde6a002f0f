"""Tools of a program: typed functions that the model may call."""

from collections.abc import Callable
from typing import Any, TypeVar

from edgevoice.tools.signature import signature_of
from edgevoice.tools.tool import ToolContext

__all__ = ["ToolContext", "tool"]

Function = TypeVar("Function", bound=Callable[..., Any])


def tool(function: Function) -> Function:
    """Return the function, once it is known that a model can call it; for ``Agent(tools=[...])``.

    Its name, its docstring and its types are what the model sees. Raises ``TypeError`` for a function without a
    docstring or with a parameter without a type: when it is defined, and not when the conversation begins.
    """
    signature_of(function)
    return function
