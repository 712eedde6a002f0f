"""The models that hear one sound at a time, as the kernel computes them: FireRedVAD and YAMNet. No clock.

Each call is one of C: whoever waits for Python's lock, which a busy thread keeps for 5 ms, waits once.
"""

import ctypes
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from edgevoice.wakeword.kernel.library import WHOLE, Dense, MapLayer, open_library
from edgevoice.wakeword.kernel.stages import dense, place_of
from edgevoice.wakeword.kernel.weights import in_blocks
from edgevoice.wakeword.models.arrays import Array, Arrays
from edgevoice.wakeword.models.firered import KIND, KIND_LAYERS, KIND_SIZE, filter_bank, povey_window
from edgevoice.wakeword.models.firered_file import UNITS, Weights, find_firered, read_firered
from edgevoice.wakeword.models.shapes import TRANSFORM, Floats, Samples
from edgevoice.wakeword.models.yamnet import (
    FEATURES,
    HALVING,
    HEAD,
    LAYERS,
    hann_window,
    mel_matrix,
    yamnet_weights,
)

SOUND_BLOCK: Final = 320
"""Samples that `KernelSound` takes together: 20 ms."""

_EVENT_CHANNELS: Final = (32, 64, 128, 128, 256, 256, *(512,) * 6, 1024, 1024)
"""Of YAMNet's first layer, and of each one across channels."""


def open_sound(folder: Path) -> "KernelSound":
    """Return FireRedVAD; the library is compiled into ``folder`` if need be.

    Raises ``WakeWordUnavailable`` without its package or without the library, ``OSError`` or ``ValueError`` if the
    package brings another model.
    """
    weights = read_firered(find_firered().read_bytes())
    return KernelSound(open_library(folder), weights, np.load(KIND, allow_pickle=False))


def open_events(folder: Path) -> "KernelEvents":
    """Return YAMNet; what must be made first is kept in ``folder``. Raises as `open_sound` does."""
    weights = yamnet_weights(folder)
    return KernelEvents(open_library(folder), weights, np.load(HEAD, allow_pickle=False))


class KernelSound:
    """FireRedVAD with its memory, 0.1 ms of a PC's core for a block; implements ``models.firered.Network``."""

    def __init__(self, library: ctypes.CDLL, weights: Weights, kind: Floats) -> None:
        if kind.shape != (KIND_SIZE,):
            raise ValueError(f"the classifier of kinds of sounds has {kind.size} numbers, not {KIND_SIZE}")
        layers: list[Arrays] = []
        for layer in weights.layers:
            bias = np.zeros(UNITS, np.float32) if layer.narrow_bias is None else layer.narrow_bias
            layers += [_dense(layer.wide, layer.wide_bias), _dense(layer.narrow, bias)]
        layers.append(_dense(weights.wide, weights.wide_bias))
        layers.append(_dense(weights.last[:, np.newaxis], np.array([weights.last_bias], np.float32)))
        taps = np.stack([layer.taps for layer in weights.layers])
        normal = np.stack([weights.shift, weights.scale])
        self._mel = _Mel(library, povey_window(), filter_bank())
        self._arrays = (layers, taps, normal, kind)  # keeps the memory alive
        self._library = library
        chain = (Dense * len(layers))(*map(dense, layers))
        self._model = library.sound_new(self._mel.place, chain, *(each.ctypes.data for each in (taps, normal, kind)))
        if not self._model:
            raise MemoryError
        weakref.finalize(self, library.sound_free, self._model)

    def forget(self) -> None:
        """Go on as if nothing had been heard."""
        self._library.sound_forget(self._model)

    def take(self, blocks: Sequence[Samples], before: int) -> list[tuple[float, float]]:
        """Take blocks of 20 ms, mono s16 at 16 kHz; see ``models.firered.Network.take``."""
        sound = np.concatenate(blocks)
        judged = np.empty((len(blocks), 2), np.float32)
        self._library.sound_take(self._model, sound.ctypes.data, len(blocks), before, judged.ctypes.data, None)
        return [(voice, words) for voice, words in judged[before:].tolist()]

    def inner(self, sound: Samples) -> tuple[Floats, Floats]:
        """Return the probability of a voice in each whole block, (n,), and the inner layers' values, (n, 3, 128)."""
        count = len(sound) // SOUND_BLOCK
        sound = np.ascontiguousarray(sound, np.int16)
        judged = np.empty((count, 2), np.float32)
        inner = np.empty((count, len(KIND_LAYERS), UNITS), np.float32)
        self._library.sound_take(self._model, sound.ctypes.data, count, 0, judged.ctypes.data, inner.ctypes.data)
        return judged[:, 0], inner


class KernelEvents:
    """YAMNet, which remembers nothing: some 6 ms of a PC's core for a judgement; implements ``echo.voice.EventModel``.

    ``weights`` are those of ``models.yamnet.compact``.
    """

    def __init__(self, library: ctypes.CDLL, weights: Arrays, head: Floats) -> None:
        if head.shape != (FEATURES + 1,):
            raise ValueError(f"the classifier of speech has {head.size} numbers, not {FEATURES + 1}")
        self._mel = _Mel(library, hann_window(), mel_matrix())
        self._arrays = (weights, head)  # keeps the memory alive
        self._library = library
        layers = (MapLayer * LAYERS)(*(map_layer(weights, number) for number in range(LAYERS)))
        self._model = library.events_new(self._mel.place, layers, head.ctypes.data)
        if not self._model:
            raise MemoryError
        weakref.finalize(self, library.events_free, self._model)

    def speech_odds(self, sound: Samples, begin: int) -> float:
        """Return how much a sound is like speech; see ``echo.voice.EventModel.speech_odds``."""
        return self._judged(sound, begin)[0]

    def features(self, sound: Samples, begin: int) -> Floats:
        """Return the 2048 numbers by which such a sound is judged."""
        return self._judged(sound, begin)[1]

    def _judged(self, sound: Samples, begin: int) -> tuple[float, Floats]:
        sound = np.ascontiguousarray(sound, np.int16)
        features = np.empty(FEATURES, np.float32)
        place = features.ctypes.data
        return self._library.events_odds(self._model, sound.ctypes.data, len(sound), begin, place), features


class _Mel:
    """A mel spectrogram's constants in C."""

    def __init__(self, library: ctypes.CDLL, window: Floats, matrix: Floats) -> None:
        whole = whole_window(window)
        self.place = library.mel_new(whole.ctypes.data, matrix.ctypes.data, matrix.shape[1])
        if not self.place:
            raise MemoryError
        weakref.finalize(self, library.mel_free, self.place)


def whole_window(window: Floats) -> Floats:
    """Return a window with zeros after it, as long as the transform, (512,)."""
    return np.concatenate([window, np.zeros(TRANSFORM - len(window), np.float32)])


def _dense(weights: Floats, bias: Floats) -> Arrays:
    return {"weights": in_blocks(weights), "bias": bias}


def map_layer(weights: Arrays, number: int) -> MapLayer:
    """Return a layer whose arrays have the sizes that the kernel takes for granted; else ``ValueError``."""
    is_across = number > 0 and number % 2 == 0
    taken, made = _EVENT_CHANNELS[(number - 1) // 2 if number else 0], _EVENT_CHANNELS[(number + 1) // 2]
    made = made if is_across else taken
    bias = _expected(weights, f"bias.{number}", (made,), np.float32)
    step = 2 if number in HALVING else 1
    if not is_across:
        taps = _expected(weights, f"weights.{number}", (3, 3, made), np.float32)
        return MapLayer(taken if number else 1, made, 0, step, place_of(taps), None, None, place_of(bias))
    whole = _expected(weights, f"weights.{number}", (taken, made), np.int8)
    scale = _expected(weights, f"scale.{number}", (made,), np.float32)
    return MapLayer(taken, made, 1, step, None, whole.ctypes.data_as(WHOLE), place_of(scale), place_of(bias))


def _expected(weights: Arrays, name: str, shape: tuple[int, ...], kind: Any) -> Array:
    array = weights.get(name, np.zeros(0))
    if array.shape != shape or array.dtype != kind or not array.flags.c_contiguous:
        raise ValueError(f"YAMNet's {name} are {array.dtype}{array.shape}, and must be {np.dtype(kind)}{shape}")
    return array
