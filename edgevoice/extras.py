"""Packages that only some commands need: whether they are installed, and the one command that adds them here."""

import importlib.util
import sys
from pathlib import Path
from typing import Final, Literal

Extra = Literal["eval", "plot", "local", "echo", "mcp", "microwakeword", "mqtt", "music", "metrics"]

_INSTALLED: Final = "/opt/edgevoice"
"""Where scripts/setup puts the program; this installation has no pip."""

_PACKAGES: Final[dict[Extra, tuple[str, ...]]] = {
    "eval": ("jiwer>=4", "matplotlib>=3.8", "soundfile>=0.13"),
    "plot": ("matplotlib>=3.8",),
    "local": ("hama==1.7.0", "hibari-tts==0.2.1", "webrtcvad-wheels>=2.0.14"),
    "echo": ("pywebrtc-audio==0.2.0",),
    "mcp": ("mcp>=2.3,<3",),
    "microwakeword": ("pymicro-wakeword==2.5.0",),
    "mqtt": ("aiomqtt==2.5.1", "paho-mqtt==2.2.0"),
    "music": ("dbus-fast==5.2.0",),
    "metrics": ("prometheus-client>=0.22",),
}


def has(module: str) -> bool:
    """Return whether a module can be imported, without importing it."""
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def folder_of(module: str) -> Path | None:
    """Return the folder of an installed package, of which only files are used, without importing it; else None."""
    specification = importlib.util.find_spec(module)
    return Path(specification.origin).parent if specification is not None and specification.origin else None


def how_to_add(extra: Extra) -> str:
    """Return the command that adds an extra's packages to the running program."""
    if sys.prefix == _INSTALLED:
        # Setup installs all others anyway: if one is missing, the installation is damaged, and setup repairs it.
        wanted = {"mcp": " --with mcp", "eval": " --with eval", "plot": " --with eval"}.get(extra, "")
        return f"sudo scripts/setup{wanted}, in the folder from which it was installed"
    packages = " ".join(f"'{each}'" for each in _PACKAGES[extra])
    # Not the name of this project: on an index it would be somebody else's.
    return f"{sys.executable} -m pip install {packages}"
