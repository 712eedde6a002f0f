"""Where wake word models are: in the openwakeword package by name, or anywhere by path. Imports no model library."""

import importlib.util
import re
from pathlib import Path

from edgevoice.errors import WakeWordUnavailable

_PARTS = {"melspectrogram", "embedding_model", "silero_vad"}
"""Files beside the models that are not wake words."""

_OTHERS = {"timer", "weather"}
"""Models of the package that hear commands, not one word; they have several classes."""

_VERSION = re.compile(r"_v\d[\d.]*$")


def words_present() -> dict[str, Path]:
    """Return the wake words that the installed package brings, by name; empty when it is not installed."""
    specification = importlib.util.find_spec("openwakeword")
    if specification is None or specification.origin is None:
        return {}
    folder = Path(specification.origin).parent / "resources" / "models"
    words = {word_of(path): path for path in sorted(folder.glob("*.onnx"))}
    return {name: path for name, path in words.items() if name not in _PARTS | _OTHERS}


def word_of(path: Path) -> str:
    """Return the word that a model hears: its file's name without the version."""
    return _VERSION.sub("", path.stem)


def find_model(name: str) -> Path:
    """Return the file of a wake word, given its name or a path; ``WakeWordUnavailable`` tells what there is instead."""
    if name.endswith(".onnx"):
        path = Path(name).expanduser()
        if not path.is_file():
            raise WakeWordUnavailable(f"wakeword.model is {name}; there is no such file")
        return path
    words = words_present()
    if name not in words:
        names = ", ".join(words) or "none: the package openwakeword is not installed"
        raise WakeWordUnavailable(f'wakeword.model is "{name}"; present: {names}')
    return words[name]
