"""Packages that only some of the commands need: whether they are there, and the one command that adds them here."""

import importlib.util
import sys
from typing import Final, Literal

Extra = Literal["eval", "plot", "local", "echo", "microwakeword"]

_INSTALLED: Final = "/opt/edgevoice"
"""Where scripts/setup puts the program; it brings no pip of its own."""

_PACKAGES: Final[dict[Extra, tuple[str, ...]]] = {
    "eval": ("matplotlib>=3.8", "soundfile>=0.13"),
    "plot": ("matplotlib>=3.8",),
    "local": ("hama==1.7.0", "hibari-tts==0.2.1", "webrtcvad-wheels>=2.0.14"),
    "echo": ("pywebrtc-audio==0.2.0",),
    "microwakeword": ("pymicro-wakeword==2.5.0",),
}


def has(module: str) -> bool:
    """Tell whether a module can be imported, without importing it."""
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def how_to_add(extra: Extra) -> str:
    """Return the command that adds the packages of an extra to the program that runs now."""
    if sys.prefix == _INSTALLED:
        # All that an installed box may lack is what measures.
        return "sudo scripts/setup --with eval, in the folder that it was installed from"
    packages = " ".join(f"'{each}'" for each in _PACKAGES[extra])
    return f"{sys.executable} -m pip install {packages} (as pip install 'edgevoice[{extra}]' does)"
