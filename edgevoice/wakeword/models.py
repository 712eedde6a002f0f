"""Where wake word models are: in the openwakeword package by name, or anywhere by path. Imports no model library."""

import importlib.util
import re
from pathlib import Path

from edgevoice.errors import WakeWordUnavailable

_PARTS = {"melspectrogram", "embedding_model", "silero_vad"}
"""Files beside the models that are not wake words."""

_OTHERS = {"timer", "weather"}
"""Models of the package that hear commands, not one word; they have several classes."""

_HOMES = ("/home", "/root", "/run/user")
"""What ProtectHome= in the service's unit closes to it (systemd.exec)."""

_OTHER_FILES = {
    ".tflite": "a TensorFlow Lite model: name the .onnx file of the same word; openWakeWord trains both",
    ".pt": "a PyTorch checkpoint: export it as ONNX, and name that .onnx file",
    ".pth": "a PyTorch checkpoint: export it as ONNX, and name that .onnx file",
    ".data": "the weights of a model alone: name the .onnx file beside it",
}
"""What people name instead of an .onnx file, by the end of the name."""

_VERSION = re.compile(r"_v\d[\d.]*$")


def words_present() -> dict[str, Path]:
    """Return the wake words that the installed package brings, by name; empty when it is not installed."""
    folder = _folder()
    words = {word_of(path): path for path in sorted(folder.glob("*.onnx"))} if folder is not None else {}
    return {name: path for name, path in words.items() if name not in _PARTS | _OTHERS}


def find_part(name: str) -> Path:
    """Return a file that every word needs: "melspectrogram" or "embedding_model". Missing: ``WakeWordUnavailable``."""
    folder = _folder()
    path = folder / f"{name}.onnx" if folder is not None else None
    if path is None or not path.is_file():
        raise WakeWordUnavailable(
            f"the package openwakeword does not bring {name}.onnx",
            remedy="Install the release that does: pip install openwakeword==0.4.0",
        )
    return path


def _folder() -> Path | None:
    """Return where the package keeps its models, without importing it: that drags scikit-learn and scipy along."""
    specification = importlib.util.find_spec("openwakeword")
    if specification is None or specification.origin is None:
        return None
    return Path(specification.origin).parent / "resources" / "models"


def word_of(path: Path) -> str:
    """Return the word that a model hears: its file's name without the version."""
    return _VERSION.sub("", path.stem)


def find_model(name: str, setting: str = "wakeword.model") -> Path:
    """Return the file of a wake word, given its name or a path; ``WakeWordUnavailable`` tells what there is instead.

    ``setting`` is the one that the error blames.
    """
    remedy = f"Name one of the words that are present, or the path of an .onnx file, in {setting}."
    if name.lower().endswith(".onnx"):
        try:
            path = _readable(name)
        except PermissionError:
            raise _forbidden(name, setting) from None
        except OSError as error:
            problem = f"{setting} is {name}, which cannot be read: {error.strerror}"
            raise WakeWordUnavailable(problem, remedy=remedy) from None
        if path is None:
            # The service's home folder is another one than the person's.
            there = f", which is {_expanded(name)}" if name.startswith("~") else ""
            raise WakeWordUnavailable(f"{setting} is {name}{there}; there is no such file", remedy=remedy)
        return path
    if (other := _OTHER_FILES.get(Path(name).suffix.lower())) is not None:
        found, _, advice = other.partition(": ")
        raise WakeWordUnavailable(f"{setting} is {name}, {found}", remedy=f"{advice[0].upper()}{advice[1:]}.")
    words = words_present()
    if name not in words:
        names = ", ".join(words) or "none: the package openwakeword is not installed"
        raise WakeWordUnavailable(f'{setting} is "{name}"; present: {names}', remedy=remedy)
    return words[name]


def is_in_home(path: Path) -> bool:
    """Tell whether a file lies in a home folder, as the service manager draws the line for a service."""
    return any(path.resolve().is_relative_to(home) for home in _HOMES)


def _expanded(name: str) -> Path:
    """Return a path with ~ replaced by a home folder; as it is for somebody who is not there."""
    try:
        return Path(name).expanduser()
    except RuntimeError:
        return Path(name)


def _readable(name: str) -> Path | None:
    """Return the path of a file that can be opened, None if there is no such file; else an ``OSError``."""
    path = _expanded(name)
    if not path.is_file():
        return None
    with path.open("rb"):
        return path


def _forbidden(name: str, setting: str) -> WakeWordUnavailable:
    """Return the refusal of a file that this user may not read: the service, most of the time, and a home folder."""
    return WakeWordUnavailable(
        f"{setting} is {name}, which may not be read by this user; the service may not read home folders",
        remedy=in_reach(setting),
    )


def in_reach(setting: str) -> str:
    """Return the remedy for a model that lies where the service cannot read it; ``setting`` names it."""
    return (
        "Put the file into /etc/edgevoice or /var/lib/edgevoice, readable for the user edgevoice, "
        f"and name that path in {setting}."
    )
