"""The front end's parts: what is made of openWakeWord's files once, kept in a cache folder, and read at every start.

They are made by a child process, because the package `onnx` that it takes would stay in the daemon's memory. Names of
other people's models go nowhere, and nothing is fetched.
"""

import hashlib
import importlib.util
import logging
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from edgevoice.errors import WakeWordUnavailable
from edgevoice.journal import tell
from edgevoice.wakeword.models import find_part
from edgevoice.wakeword.shapes import MEL_BANDS, TRANSFORM, Floats

_log = logging.getLogger(__name__)

_RECIPE = 1
"""Counted up with every change in what the parts are or how they are made, so that older ones are left alone."""

_MAKING_LIMIT_S = 120.0
"""It takes 1.5 s on a laptop; an old Pi that is busy gets its time."""


class PartsUnavailable(WakeWordUnavailable):
    """The streaming front end cannot be made here; the library's own engine can do without."""

    code = "wakeword-front-end"
    remedy = (
        "Install what it takes: pip install onnx; where scripts/setup has installed, run it again. The other engine, "
        '"openwakeword", costs eight times as much and takes scikit-learn and scipy, which scripts/setup leaves out.'
    )


@dataclass(frozen=True, slots=True)
class Parts:
    """``window`` is (512,), ``mel`` (257, 32), float32; ``graph`` is the streaming network in ONNX's format."""

    window: Floats
    mel: Floats
    graph: bytes

    def write(self, path: Path) -> None:
        """Write them as one file; its format carries a checksum."""
        with path.open("wb") as file:
            np.savez(file, window=self.window, mel=self.mel, graph=np.frombuffer(self.graph, np.uint8))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read them back; a file that is not what was written is a ``ValueError``, a missing one an ``OSError``."""
        try:
            # Opened here: numpy leaves a file open that turns out to be no archive.
            with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                window, mel, graph = (file[name] for name in ("window", "mel", "graph"))
        except (zipfile.BadZipFile, KeyError, EOFError) as error:
            raise ValueError(f"{path} is damaged") from error
        shapes = (window.shape, mel.shape, graph.ndim, window.dtype, mel.dtype, graph.dtype)
        if shapes != ((TRANSFORM,), (TRANSFORM // 2 + 1, MEL_BANDS), 1, np.float32, np.float32, np.uint8):
            raise ValueError(f"{path} holds something else")
        return cls(window, mel, graph.tobytes())


def cache_folder(environment: Mapping[str, str]) -> Path:
    """Return where the parts are kept: systemd's cache directory, else the user's own."""
    if folder := environment.get("CACHE_DIRECTORY", "").partition(":")[0]:
        return Path(folder)
    base = environment.get("XDG_CACHE_HOME", "")
    # The base directory specification tells to ignore a relative path.
    return (Path(base) if Path(base).is_absolute() else Path("~/.cache").expanduser()) / "edgevoice"


def parts_of(folder: Path) -> Parts:
    """Return the parts, made first if ``folder`` does not hold those of the installed models.

    A folder that cannot be written costs making them at every start, and one entry in the log. Raises
    ``PartsUnavailable`` when they cannot be made.
    """
    kept = folder / f"wakeword-front-end-{_fingerprint()}.npz"
    try:
        return Parts.read(kept)
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        tell(_log, logging.WARNING, "wakeword-cache", problem=f"{kept} cannot be used and is made anew: {error}")
    with tempfile.TemporaryDirectory(prefix="edgevoice-wakeword-") as scratch:
        made = Path(scratch) / "parts.npz"
        _make_in_child(made)
        parts = Parts.read(made)
    _keep(parts, kept)
    return parts


def _fingerprint() -> str:
    digest = hashlib.sha256(f"recipe {_RECIPE}".encode())
    for name in ("melspectrogram", "embedding_model"):
        digest.update(find_part(name).read_bytes())
    return digest.hexdigest()[:16]


def _make_in_child(target: Path) -> None:
    if importlib.util.find_spec("onnx") is None:
        raise PartsUnavailable("the wake word's front end has not been made yet, and the package onnx is not installed")
    command = [sys.executable, "-P", "-m", "edgevoice.wakeword", str(target)]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=_MAKING_LIMIT_S)
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip().splitlines() or ["without a word"])[-1]
        raise PartsUnavailable(f"the wake word's front end cannot be made: {last}") from error
    except subprocess.TimeoutExpired as error:
        raise PartsUnavailable(
            f"the wake word's front end was not made within {_MAKING_LIMIT_S:.0f} s",
            remedy="Try again when the machine is less busy.",
        ) from error


def _keep(parts: Parts, place: Path) -> None:
    # A name of its own: two programs may start at once, and each renames a file that is whole.
    temporary = place.with_name(f"{place.stem}.{os.getpid()}.tmp")
    try:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        parts.write(temporary)
        temporary.replace(place)
    except OSError as error:
        tell(_log, logging.WARNING, "wakeword-cache", problem=f"{place.parent} cannot be written: {error.strerror}")
