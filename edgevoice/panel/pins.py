"""Opening pins: which library drives them, and what a person reads when a pin cannot be opened.

Every pin library of gpiozero raises errors of its own kind; this module turns all of them into ``PanelUnavailable``.
"""

import contextlib
import importlib
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from edgevoice.errors import PanelUnavailable, StorageUnavailable
from edgevoice.panel.gpio import gpiozero
from edgevoice.store.folders import scratch_folder

PinFactory = Any
"""A pin factory of gpiozero, which has no types."""

DEFAULT_LIBRARY = "lgpio"
"""The only library that drives the pins of every Pi, including the 5; gpiozero's other choices end with the Pi 4."""


def open_pins(environment: Mapping[str, str], library: str = "") -> PinFactory:
    """Return a pin factory of gpiozero; the caller closes it with ``close()``.

    ``library`` is gpiozero's name for it, "mock" for mock pins; if empty, GPIOZERO_PIN_FACTORY in ``environment``
    chooses, and otherwise "lgpio" is used. Raises ``PanelUnavailable``; we never fall back to another library, because
    gpiozero itself calls the last one that it would try experimental.
    """
    name = library or environment.get("GPIOZERO_PIN_FACTORY", "") or DEFAULT_LIBRARY
    if name == "mock":
        from edgevoice.panel.mock import MockPins  # noqa: PLC0415 - no box has them

        return MockPins()
    load = _loader(name)
    try:
        # lgpio makes a named pipe in the working directory while it is imported, and fails where it cannot write
        # (gpiozero issue 1106). Both ends of the pipe are open by the time the directory goes.
        with scratch_folder("edgevoice-pins-") as writable, contextlib.chdir(writable), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return load()()
    except StorageUnavailable as error:
        raise PanelUnavailable(f"the pin library {name} cannot be loaded: {error}", remedy=error.remedy) from error
    except ImportError as error:
        raise PanelUnavailable(
            f"the pin library {name} cannot be loaded: {_text(error)}",
            remedy="Install it: .venv/bin/pip install '.[pi]', or set panel.kind = \"none\".",
        ) from error
    except pin_errors() as error:
        raise PanelUnavailable(
            f"the pin library {name} finds no pins: {_text(error)}",
            remedy='On a Raspberry Pi, add the user to the group gpio; elsewhere, set panel.kind = "terminal".',
        ) from error


def _loader(name: str) -> Callable[[], PinFactory]:
    """Return what loads a pin library by gpiozero's name for it, and returns what opens it."""
    if name.lower() == DEFAULT_LIBRARY:
        # Not by its entry point: what reads those takes 1.6 MB.
        return lambda: importlib.import_module("gpiozero.pins.lgpio").LGPIOFactory
    from importlib.metadata import entry_points  # noqa: PLC0415

    for found in entry_points(group="gpiozero_pin_factories", name=name.lower()):
        return found.load
    raise PanelUnavailable(
        f"there is no pin library {name!r}", remedy='Unset GPIOZERO_PIN_FACTORY, or set it to "lgpio" or "mock".'
    )


def pin_errors() -> tuple[type[Exception], ...]:
    """Return every kind of error with which a pin library refuses; lgpio's own is known only once lgpio is loaded."""
    known: tuple[type[Exception], ...] = (gpiozero.GPIOZeroError, OSError)
    lgpio = sys.modules.get("lgpio")
    return known if lgpio is None else (*known, lgpio.error)


@contextlib.contextmanager
def claiming(purpose: str, gpio: int) -> Iterator[None]:
    """Turn a refusal of the pin ``gpio``, a Broadcom number, into ``PanelUnavailable`` that names pin and purpose."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except gpiozero.exc.PinInvalidPin as error:
        raise PanelUnavailable(
            f"{purpose}: there is no GPIO{gpio} on this board", remedy="Choose a pin between 2 and 27 in the settings."
        ) from error
    except pin_errors() as error:
        raise PanelUnavailable(
            f"{purpose}: GPIO{gpio} cannot be used: {_text(error)}",
            remedy=f"Choose another pin in the settings, or free GPIO{gpio}: `gpioinfo` shows what uses it.",
        ) from error


def _text(error: Exception) -> str:
    """Return an error's text as one line without the quotation marks that lgpio puts around it."""
    text = " ".join(str(error).split())
    if text[:1] in {"'", '"'} and text[-1:] == text[:1]:
        text = text[1:-1]
    return text.strip(".") or type(error).__name__
