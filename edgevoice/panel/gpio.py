"""gpiozero, loaded without what finds its pin libraries by their entry points: that takes 1.6 MB, for nothing.

The program names the pin library itself, so gpiozero never looks for one.
"""

from contextlib import AbstractContextManager
from typing import Any

from edgevoice.stand_ins import standing_in


def without_entry_points() -> AbstractContextManager[None]:
    """Let a module of gpiozero be imported within this context without what reads entry points."""
    # What gpiozero tries first; else it loads `importlib.metadata`, and with it the packages of e-mail.
    return standing_in("importlib_metadata", entry_points=_entry_points)


def _entry_points(**names: Any) -> Any:
    from importlib.metadata import entry_points  # noqa: PLC0415 - only if somebody does look for one

    return entry_points(**names)


with without_entry_points():
    import gpiozero

__all__ = ["gpiozero"]
