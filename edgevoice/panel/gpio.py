"""gpiozero, loaded without what finds its pin libraries by their entry points: that takes 1.6 MB, for nothing.

The program names the pin library itself, so gpiozero never looks for one.
"""

import contextlib
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any, Final

_BACKPORT: Final = "importlib_metadata"
"""The module that gpiozero tries first; else it loads ``importlib.metadata``, and with it the packages of e-mail."""


class _Backport(ModuleType):
    @staticmethod
    def entry_points(**names: Any) -> Any:
        from importlib.metadata import entry_points  # noqa: PLC0415 - only if somebody does look for one

        return entry_points(**names)


@contextlib.contextmanager
def without_entry_points() -> Iterator[None]:
    """Let a module of gpiozero be imported within this context without what reads entry points."""
    if _BACKPORT in sys.modules:
        yield
        return
    sys.modules[_BACKPORT] = _Backport(_BACKPORT)
    try:
        yield
    finally:
        del sys.modules[_BACKPORT]


with without_entry_points():
    import gpiozero

__all__ = ["gpiozero"]
