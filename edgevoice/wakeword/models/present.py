"""Where wake word models are: in the packages by name, or anywhere by path. Imports no model library."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edgevoice.errors import WakeWordUnavailable
from edgevoice.extras import folder_of, how_to_add
from edgevoice.settings.wakeword import WakewordEngine


class MicroMissing(WakeWordUnavailable):
    """The engine microwakeword was requested, and its package is not installed."""

    def __init__(self) -> None:
        remedy = f'Set wakeword.engine = "streaming", or add the package: {how_to_add("microwakeword")}'
        super().__init__("the engine microwakeword needs the package pymicro-wakeword: not installed", remedy=remedy)


@dataclass(frozen=True, slots=True)
class _Family:
    """Models of one kind: the module that brings some in ``folder``, and the files by which each is named.

    ``others`` are files that people name by mistake, by suffix: what each is, and what to do.
    """

    module: str
    folder: tuple[str, ...]
    suffix: str
    no_words: frozenset[str]
    others: Mapping[str, str]


_CHECKPOINT = "a PyTorch checkpoint: export it as ONNX, and name that .onnx file"

_OPEN_WAKE_WORD: Final = _Family(
    "openwakeword",
    ("resources", "models"),
    ".onnx",
    # Parts that every word needs, and models that hear commands instead of one word; they have several classes.
    frozenset({"melspectrogram", "embedding_model", "silero_vad", "timer", "weather"}),
    {
        ".tflite": "a TensorFlow Lite model: name the .onnx file of the same word; openWakeWord trains both. "
        'For a microWakeWord model, set wakeword.engine = "microwakeword"',
        ".json": 'not an ONNX model: for a microWakeWord model, set wakeword.engine = "microwakeword"',
        ".pt": _CHECKPOINT,
        ".pth": _CHECKPOINT,
        ".data": "the weights of a model alone: name the .onnx file beside it",
    },
)

_MICRO_WAKE_WORD: Final = _Family(
    "pymicro_wakeword",
    ("models",),
    ".json",
    frozenset(),
    {
        ".tflite": "a model without its description: name the .json file that belongs to it, in the same folder",
        ".onnx": 'not a microWakeWord model: set wakeword.engine = "streaming", or name a .json file',
    },
)

_FAMILIES: Final[Mapping[WakewordEngine, _Family]] = {
    "streaming": _OPEN_WAKE_WORD,
    "openwakeword": _OPEN_WAKE_WORD,
    "microwakeword": _MICRO_WAKE_WORD,
}

_HOMES = ("/home", "/root", "/run/user")
"""The folders that ProtectHome= in the service's unit makes inaccessible to it (systemd.exec)."""

_VERSION = re.compile(r"_v\d[\d.]*$")


def words_present(engine: WakewordEngine = "streaming") -> dict[str, Path]:
    """Return the wake words that the engine's package brings, by name; empty if it is not installed."""
    family = _FAMILIES[engine]
    folder = _folder(family)
    paths = sorted(folder.glob(f"*{family.suffix}")) if folder is not None else []
    words = {word_of(path): path for path in paths}
    return {name: path for name, path in words.items() if name not in family.no_words}


def find_part(name: str) -> Path:
    """Return a file that every word needs: "melspectrogram" or "embedding_model". Missing: ``WakeWordUnavailable``."""
    folder = _folder(_OPEN_WAKE_WORD)
    path = folder / f"{name}.onnx" if folder is not None else None
    if path is None or not path.is_file():
        raise WakeWordUnavailable(
            f"the package openwakeword does not bring {name}.onnx",
            remedy="Install the release that does: pip install openwakeword==0.4.0",
        )
    return path


def _folder(family: _Family) -> Path | None:
    """Return where the package keeps its models, without importing it: openWakeWord pulls in scikit-learn."""
    package = folder_of(family.module)
    return None if package is None else package.joinpath(*family.folder)


def word_of(path: Path) -> str:
    """Return the word that a model hears: its file's name without the version."""
    return _VERSION.sub("", path.stem)


def find_model(name: str, setting: str = "wakeword.model", *, engine: WakewordEngine = "streaming") -> Path:
    """Return the file of a wake word, given its name or a path; ``WakeWordUnavailable`` lists the available words.

    ``setting`` is the setting that the error names.
    """
    family = _FAMILIES[engine]
    article = "an" if family.suffix == ".onnx" else "a"
    remedy = f"Name one of the words that are present, or the path of {article} {family.suffix} file, in {setting}."
    if name.lower().endswith(family.suffix):
        try:
            path = _readable(name)
        except PermissionError:
            raise _forbidden(name, setting) from None
        except OSError as error:
            problem = f"{setting} is {name}, which cannot be read: {error.strerror}"
            raise WakeWordUnavailable(problem, remedy=remedy) from None
        if path is None:
            # The service's home folder is not the person's.
            there = f", which is {_expanded(name)}" if name.startswith("~") else ""
            raise WakeWordUnavailable(f"{setting} is {name}{there}; there is no such file", remedy=remedy)
        return path
    if (other := family.others.get(Path(name).suffix.lower())) is not None:
        found, _, advice = other.partition(": ")
        raise WakeWordUnavailable(f"{setting} is {name}, {found}", remedy=f"{advice[0].upper()}{advice[1:]}.")
    words = words_present(engine)
    if name not in words:
        if not words and family is _MICRO_WAKE_WORD:
            raise MicroMissing
        names = ", ".join(words) or "none: the package openwakeword is not installed"
        raise WakeWordUnavailable(f'{setting} is "{name}"; present: {names}', remedy=remedy)
    return words[name]


def is_in_home(path: Path) -> bool:
    """Return whether a file lies in a home folder, by the service manager's definition."""
    return any(path.resolve().is_relative_to(home) for home in _HOMES)


def _expanded(name: str) -> Path:
    """Return a path with ~ replaced by a home folder; unchanged if the user does not exist."""
    try:
        return Path(name).expanduser()
    except RuntimeError:
        return Path(name)


def _readable(name: str) -> Path | None:
    """Return the path of a file that can be opened, None if there is no such file; else raise ``OSError``."""
    path = _expanded(name)
    if not path.is_file():
        return None
    with path.open("rb"):
        return path


def _forbidden(name: str, setting: str) -> WakeWordUnavailable:
    """Return the refusal of a file that this user cannot read: usually it is the service, and a home folder."""
    return WakeWordUnavailable(
        f"{setting} is {name}, which is not readable by this user; the service may not read home folders",
        remedy=in_reach(setting),
    )


def in_reach(setting: str) -> str:
    """Return the remedy for a model that lies where the service cannot read it; ``setting`` names it."""
    return (
        "Put the file into /etc/edgevoice or /var/lib/edgevoice, readable for the user edgevoice, "
        f"and name that path in {setting}."
    )
