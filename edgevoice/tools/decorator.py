"""The decorator ``tool``: marks the typed functions of a program, or of a file in the folder of tools."""

from collections.abc import Callable
from typing import Any, TypeVar

from edgevoice.tools.signature import signature_of

_MARK = "__edgevoice_tool__"

Function = TypeVar("Function", bound=Callable[..., Any])


def tool(function: Function) -> Function:
    """Return the function, once it is known that a model can call it.

    Its name, its docstring and its types are what the model sees. Raises ``TypeError`` for a function without a
    docstring or with a parameter without a type: when it is defined, and not when the conversation begins.
    """
    signature_of(function)
    setattr(function, _MARK, True)
    return function


def is_tool(value: object) -> bool:
    """Return whether a value is a function that ``tool`` has marked."""
    return callable(value) and getattr(value, _MARK, False) is True
