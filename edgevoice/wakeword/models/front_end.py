"""The front end's parts: derived from openWakeWord's files once, kept in a cache folder, and read at every start.

They are made by a child process, because the package `onnx` that this needs would stay in the daemon's memory. Names of
other people's models are not sent anywhere, and nothing is downloaded.
"""

import hashlib
import importlib.util
import io
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, ClassVar, Self

import numpy as np

from edgevoice.errors import WakeWordUnavailable
from edgevoice.journal import tell
from edgevoice.store.files import drop_older, write_whole
from edgevoice.store.making import NotMade, make_in_child
from edgevoice.wakeword.models.classifier import Classifier
from edgevoice.wakeword.models.graph_network import GraphNetwork
from edgevoice.wakeword.models.mel import MelBank
from edgevoice.wakeword.models.present import find_part
from edgevoice.wakeword.models.shapes import MEL_BANDS, TRANSFORM, Floats

_log = logging.getLogger(__name__)

_RECIPE = 1
"""Incremented with every change in the parts or how they are made, so that older ones are ignored."""


class PartsUnavailable(WakeWordUnavailable):
    """The streaming front end cannot be made here; the library's own engine works without it."""

    code = "wakeword-front-end"
    remedy = (
        "Install what it takes: pip install onnx; where scripts/setup has installed, run it again. The other engine, "
        '"openwakeword", costs eight times as much and takes scikit-learn and scipy, which scripts/setup leaves out.'
    )


class PartsNotMade(PartsUnavailable):
    """The parts could not be made this time; another attempt may succeed without any change."""

    needs_person: ClassVar[bool] = False
    remedy = "Try again when the machine is less busy: `free -h` shows its memory."


@dataclass(frozen=True, slots=True)
class FrontEndParts:
    """``window`` is (512,), ``mel`` (257, 32), float32; ``graph`` is the streaming network in ONNX's format.

    Implements ``features.Stages`` by onnxruntime.
    """

    window: Floats
    mel: Floats
    graph: bytes

    def mel_bank(self) -> MelBank:
        """Return the mel spectrogram."""
        return MelBank(self.window, self.mel)

    def network(self) -> GraphNetwork:
        """Return an embedding network in its first state."""
        return GraphNetwork(self.graph)

    def classifier(self, model: Path, pair: bytes | None = None) -> Classifier:
        """Return a word's classifier."""
        return Classifier(model, pair)

    def write(self, path: Path) -> None:
        """Write the parts as one file; its format carries a checksum."""
        with path.open("wb") as file:
            self.dump(file)

    def dump(self, file: BinaryIO) -> None:
        """Write the parts into an open file."""
        np.savez(file, window=self.window, mel=self.mel, graph=np.frombuffer(self.graph, np.uint8))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the parts back; a file of other content is a ``ValueError``, a missing one an ``OSError``."""
        # Opened here: numpy leaves a file open if it turns out not to be an archive.
        with path.open("rb") as opened:
            return cls.load(opened, name=str(path))

    @classmethod
    def load(cls, opened: BinaryIO, *, name: str) -> Self:
        """Read the parts from an open file; ``name`` is used in the text of a ``ValueError``."""
        from zipfile import BadZipFile  # noqa: PLC0415 - numpy loads it only to read such a file, too

        try:
            with np.load(opened, allow_pickle=False) as file:
                window, mel, graph = (file[name] for name in ("window", "mel", "graph"))
        except (BadZipFile, KeyError, EOFError) as error:
            raise ValueError(f"{name} is damaged") from error
        shapes = (window.shape, mel.shape, graph.ndim, window.dtype, mel.dtype, graph.dtype)
        if shapes != ((TRANSFORM,), (TRANSFORM // 2 + 1, MEL_BANDS), 1, np.float32, np.float32, np.uint8):
            raise ValueError(f"{name} holds something else")
        return cls(window, mel, graph.tobytes())


def parts_of(folder: Path) -> FrontEndParts:
    """Return the parts, made first if ``folder`` does not hold those of the installed models.

    If the folder is not writable, they are made at every start, and it is logged once. Raises ``PartsUnavailable`` if
    they cannot be made.
    """
    kept = folder / f"wakeword-front-end-{_fingerprint()}.npz"
    try:
        return FrontEndParts.read(kept)
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        tell(_log, logging.WARNING, "wakeword-cache", problem=f"{kept} cannot be used and is made again: {error}")
    made = _make_in_child()
    try:
        parts = FrontEndParts.load(io.BytesIO(made), name="the wake word's front end")
    except ValueError as error:
        raise PartsNotMade(f"{error}, as it was made") from error
    _keep(parts, kept)
    return parts


def _fingerprint() -> str:
    digest = hashlib.sha256(f"recipe {_RECIPE}".encode())
    for name in ("melspectrogram", "embedding_model"):
        digest.update(find_part(name).read_bytes())
    return digest.hexdigest()[:16]


def _make_in_child() -> bytes:
    """Return what `FrontEndParts.write` writes. It uses a pipe: a full disk must not make the box deaf."""
    if importlib.util.find_spec("onnx") is None:
        raise PartsUnavailable("the wake word's front end has not been made yet, and the package onnx is not installed")
    try:
        return make_in_child("the wake word's front end", "edgevoice.wakeword", "-")
    except NotMade as error:
        kind = PartsNotMade if error.can_pass else PartsUnavailable
        raise kind(str(error)) from error


def _keep(parts: FrontEndParts, place: Path) -> None:
    try:
        write_whole(place, parts.dump)
        drop_older(place)
    except OSError as error:
        tell(_log, logging.WARNING, "wakeword-cache", problem=f"{place.parent} cannot be written: {error.strerror}")
