"""hama's phoneme network: its weights, read from the file inside the package. None of the package's code is used.

The file lists its arrays, each with a name, a type, a shape and a place, and then holds them one after the other. Those
that had no name in the published network are called by the number of the operator that used them.
"""

import json
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from edgevoice.errors import LocalServiceUnavailable
from edgevoice.extras import folder_of, how_to_add

Floats = npt.NDArray[np.float32]

IN_ROOMS: Final = Path(__file__).with_name("in_rooms.npz")
"""What `scripts/room-network` changes in the weights, so that the network knows rooms and noise."""

UNITS: Final = 144
BANDS: Final = 80
BLOCKS: Final = 4
TAPS: Final = 31
"""Frames that a block's convolution spans."""

_NETWORK, _VOCABULARY = "asr_waveform.hama", "g2p_vocab.json"
_MAGIC: Final = b"HAMAPK\x01\x02"
_TYPES: Final = {0: "<f4", 1: "<f2"}
_COUNT: Final = struct.Struct("<I")
_NAME: Final = struct.Struct("<H")
_PLACE: Final = struct.Struct("<QQ")
_MODEL: Final = "acoustic_model.model."
_FIRST_MATRIX, _FIRST_CONVOLUTION = 829, 804
_MATRICES, _CONVOLUTIONS = 9, 3
"""How many numbers each block has of either kind."""

_DOWN, _UP = ".down", ".up"
_MATRICES_OF_A_BLOCK: Final = (0, 1, 2, 6, 7, 8)
"""Both layers of its first half step, the attention's input and output, and both layers of its second half step."""


@dataclass(frozen=True, slots=True)
class Norm:
    """What values are multiplied with, and what is added, after they have a mean of 0 and a deviation of 1."""

    weight: Floats
    bias: Floats


@dataclass(frozen=True, slots=True)
class DenseLayer:
    """A layer: ``matrix``, (inputs, outputs), and ``bias``.

    The product of both matrices of ``change``, (inputs, few) and (few, outputs), is added to ``matrix``.
    """

    matrix: Floats
    bias: Floats
    change: tuple[Floats, Floats] | None = None


@dataclass(frozen=True, slots=True)
class HalfStep:
    """Two layers that add half of what they compute."""

    norm: Norm
    wide: DenseLayer
    narrow: DenseLayer


@dataclass(frozen=True, slots=True)
class ConformerBlock:
    """One block: a half step, attention, a convolution, another half step, and a norm.

    ``attended`` makes queries, keys and values, (144, 432). ``taps`` is (31, 144), the oldest frame first.
    """

    first: HalfStep
    attention_norm: Norm
    attended: DenseLayer
    joined: DenseLayer
    convolution_norm: Norm
    gated: DenseLayer
    taps: Floats
    taps_bias: Floats
    mixed: DenseLayer
    second: HalfStep
    norm: Norm


@dataclass(frozen=True, slots=True)
class PhonemeWeights:
    """The network: ``bands`` is (201, 80), and ``stem``, (240, 144), takes three frames of bands.

    ``names`` are those of the phonemes, in the order of the last layer's outputs.
    """

    bands: Floats
    stem: DenseLayer
    blocks: tuple[ConformerBlock, ...]
    phonemes: DenseLayer
    names: tuple[str, ...]


Arrays = dict[str, Floats]


def read_weights(*changes: Path) -> tuple[PhonemeWeights, ...]:
    """Return the published weights, then those after the changes in each of these files.

    What a file does not change is there only once. Raises LocalServiceUnavailable if hama is not installed, or brings
    another network, and for a file of changes that cannot be read.
    """
    assets, read = _assets(), [_changes_in(each) for each in changes]
    try:
        arrays = arrays_of((assets / _NETWORK).read_bytes())
        vocabulary = json.loads((assets / _VOCABULARY).read_text(encoding="utf-8"))
        names = (*vocabulary["decoder"], "<wb>", "<blank>")
        return tuple(_weights(each, names) for each in (arrays, *(_changed(arrays, each) for each in read)))
    except (OSError, ValueError, LookupError, struct.error) as error:
        raise LocalServiceUnavailable("The package hama brings another speech recogniser") from error


def published_arrays() -> Arrays:
    """Return all arrays of the package's network. Raises as `read_weights` and `arrays_of`."""
    return arrays_of((_assets() / _NETWORK).read_bytes())


def _assets() -> Path:
    if (package := folder_of("hama")) is None:
        problem, remedy = "The speech recogniser hama is not installed", f"Add it: {how_to_add('local')}"
        raise LocalServiceUnavailable(problem, remedy=remedy)
    return package / "assets"


def _changes_in(place: Path) -> Arrays:
    try:
        with place.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            return {name: file[name].astype(np.float32) for name in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        problem = f"{place} cannot be read, or is damaged: {error}"
        raise LocalServiceUnavailable(problem, remedy="Install edgevoice again.") from error


def _changed(arrays: Arrays, changes: Arrays) -> Arrays:
    """Add changes to arrays of the same names; NAME.down and NAME.up are a `DenseLayer`'s change."""
    added = {name: change if name.endswith((_DOWN, _UP)) else arrays[name] + change for name, change in changes.items()}
    return {**arrays, **added}


def arrays_of(file: bytes) -> Arrays:
    """Return all arrays of a file, by name. Raises ``ValueError`` for a file of another kind."""
    if file[: len(_MAGIC)] != _MAGIC:
        raise ValueError("the file is of another kind")
    (count,), at = _COUNT.unpack_from(file, len(_MAGIC)), len(_MAGIC) + _COUNT.size
    listed: list[tuple[str, str, tuple[int, ...], int, int]] = []
    for _ in range(count):
        (length,), at = _NAME.unpack_from(file, at), at + _NAME.size
        name, kind, dimensions = file[at : at + length].decode("ascii"), file[at + length], file[at + length + 1]
        at += length + 2
        shape, at = struct.unpack_from(f"<{dimensions}I", file, at), at + 4 * dimensions
        (place, size), at = _PLACE.unpack_from(file, at), at + _PLACE.size
        listed.append((name, _TYPES[kind], shape, place, size))
    first = len(file) - max(place + size for *_, place, size in listed)
    return {
        name: np.frombuffer(file, kind, int(np.prod(shape)), first + place).astype(np.float32).reshape(shape)
        for name, kind, shape, place, _ in listed
    }


def _weights(arrays: Arrays, names: tuple[str, ...]) -> PhonemeWeights:
    stem = arrays["onnx::Conv_801"].transpose(2, 1, 0).reshape(3 * BANDS, UNITS)
    phonemes = _pointwise(arrays, f"{_MODEL}proj.")
    if len(names) != len(phonemes.bias):
        raise ValueError(f"{len(names)} phonemes have names, of {len(phonemes.bias)}")
    blocks = tuple(_block(arrays, number) for number in range(BLOCKS))
    return PhonemeWeights(arrays["mel_fb"], DenseLayer(stem, arrays["onnx::Conv_802"]), blocks, phonemes, names)


def _block(arrays: Arrays, number: int) -> ConformerBlock:
    name = f"{_MODEL}blocks.{number}."
    wide, narrow, attended, joined, second_wide, second_narrow = (
        f"onnx::MatMul_{_FIRST_MATRIX + _MATRICES * number + each}" for each in _MATRICES_OF_A_BLOCK
    )
    convolution = _FIRST_CONVOLUTION + _CONVOLUTIONS * number
    return ConformerBlock(
        first=_half_step(arrays, f"{name}ffn1.", wide, narrow),
        attention_norm=_norm(arrays, f"{name}attn_norm."),
        attended=_dense(arrays, attended, f"{name}attn.in_proj_bias"),
        joined=_dense(arrays, joined, f"{name}attn.out_proj.bias"),
        convolution_norm=_norm(arrays, f"{name}conv.norm."),
        gated=_pointwise(arrays, f"{name}conv.pointwise1."),
        taps=np.ascontiguousarray(arrays[f"onnx::Conv_{convolution}"].reshape(UNITS, TAPS).T),
        taps_bias=arrays[f"onnx::Conv_{convolution + 1}"],
        mixed=_pointwise(arrays, f"{name}conv.pointwise2."),
        second=_half_step(arrays, f"{name}ffn2.", second_wide, second_narrow),
        norm=_norm(arrays, f"{name}norm."),
    )


def _half_step(arrays: Arrays, name: str, wide: str, narrow: str) -> HalfStep:
    first, second = _dense(arrays, wide, f"{name}fc1.bias"), _dense(arrays, narrow, f"{name}fc2.bias")
    return HalfStep(_norm(arrays, f"{name}norm."), first, second)


def _norm(arrays: Arrays, name: str) -> Norm:
    return Norm(arrays[f"{name}weight"], arrays[f"{name}bias"])


def _dense(arrays: Arrays, matrix: str, bias: str) -> DenseLayer:
    return DenseLayer(arrays[matrix], arrays[bias], _change(arrays, matrix))


def _pointwise(arrays: Arrays, name: str) -> DenseLayer:
    """Return a convolution over one frame as the layer that it is."""
    # A view, so that it is there only once.
    return DenseLayer(arrays[f"{name}weight"][:, :, 0].T, arrays[f"{name}bias"], _change(arrays, f"{name}weight"))


def _change(arrays: Arrays, name: str) -> tuple[Floats, Floats] | None:
    return (arrays[name + _DOWN], arrays[name + _UP]) if name + _DOWN in arrays else None
