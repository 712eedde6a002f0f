"""The kernel's stages, with the calls of those that onnxruntime runs: mel spectrogram, network and classifier."""

import ctypes
import weakref
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from edgevoice.wakeword.kernel.library import FLOATS, Convolution, Dense
from edgevoice.wakeword.kernel.weights import check_front_end, check_voice, check_word, layers_of
from edgevoice.wakeword.models.arrays import Array, Arrays
from edgevoice.wakeword.models.shapes import (
    CHUNK_FRAMES,
    EMBEDDING_SIZE,
    FRAME,
    HOP,
    MEL_BANDS,
    PRIMING_CHUNKS,
    TRANSFORM,
    Floats,
    Samples,
)
from edgevoice.wakeword.models.silero import CHUNK, CONTEXT, STATE

_MOST_STEPS = 2
"""Steps that the network takes at once (kernel.h)."""


class KernelMel:
    """The mel spectrogram; its calls are those of ``models.mel.MelBank``."""

    def __init__(self, library: ctypes.CDLL, arrays: Arrays) -> None:
        check_front_end(arrays)
        self._arrays = arrays  # keeps the memory alive
        self._frames = library.mel_frames
        self._mel = library.mel_new(arrays["window"].ctypes.data, arrays["mel"].ctypes.data, MEL_BANDS)
        if not self._mel:
            raise MemoryError
        weakref.finalize(self, library.mel_free, self._mel)
        self._made = np.zeros((_MOST_STEPS, CHUNK_FRAMES, MEL_BANDS), np.float32)
        self._places = [each.ctypes.data for each in self._made]

    def chunk(self, sound: Samples) -> Floats:
        """Return the mel frames of one or two frames of 80 ms, preceded by 30 ms of context: (8, 32) or (16, 32).

        Valid until the next call.
        """
        count = len(sound) // FRAME
        at = sound.ctypes.data
        for number in range(count):
            self._frames(self._mel, at + 2 * FRAME * number, CHUNK_FRAMES, self._places[number])
        return self._made[:count].reshape(-1, MEL_BANDS)

    def chunks(self, sounds: Samples) -> Floats:
        """Return (n, 8, 32) mel frames of (n, 1760) samples, each chunk as ``chunk`` makes it."""
        made = np.zeros((len(sounds), CHUNK_FRAMES, MEL_BANDS), np.float32)
        for sound, frames in zip(sounds, made, strict=True):
            self._frames(self._mel, sound.ctypes.data, CHUNK_FRAMES, frames.ctypes.data)
        return made

    def first_frames(self, frame: Samples) -> Floats:
        """Return the (5, 32) mel frames of the very first 1280 samples, which have no predecessor."""
        made = np.zeros(((FRAME - TRANSFORM) // HOP + 1, MEL_BANDS), np.float32)
        self._frames(self._mel, frame.ctypes.data, len(made), made.ctypes.data)
        return made


class KernelNetwork:
    """The embedding network with its state; its calls are those of ``models.graph_network.GraphNetwork``."""

    def __init__(self, library: ctypes.CDLL, arrays: Arrays) -> None:
        check_front_end(arrays)
        self._arrays = arrays  # keeps the memory alive
        self._library = library
        layers = [_convolution(layer) for layer in layers_of(arrays)]
        self._network = library.network_new((Convolution * len(layers))(*layers), len(layers))
        if not self._network:
            raise MemoryError
        weakref.finalize(self, library.network_free, self._network)
        self._made = np.zeros((_MOST_STEPS, EMBEDDING_SIZE), np.float32)
        self._place = self._made.ctypes.data

    def step(self, mel: Floats) -> Floats:
        """Return the (n, 96) embeddings of the windows that end with these 8 n mel frames, n = 1 or 2.

        Valid until the next call.
        """
        count = len(mel) // CHUNK_FRAMES
        self._library.network_step(self._network, mel.ctypes.data, count, self._place)
        return self._made[:count]

    def prime(self, chunk: Floats) -> Floats:
        """Continue as if this chunk had been repeated forever; return a copy of its (96,) embedding."""
        embedding: Floats = self.catch_up(np.tile(chunk, (PRIMING_CHUNKS, 1)))[-1].copy()
        return embedding

    def catch_up(self, mel: Floats) -> Floats:
        """Restart with (8 n, 32) mel frames; return (n, 96) embeddings, valid from the first full window on."""
        self._library.network_forget(self._network)
        mel = np.ascontiguousarray(mel)
        made = [
            self.step(mel[at : at + _MOST_STEPS * CHUNK_FRAMES]).copy()
            for at in range(0, len(mel), _MOST_STEPS * CHUNK_FRAMES)
        ]
        return np.concatenate(made)


class KernelClassifier:
    """One wake word's classifier; its calls are those of ``models.classifier.Classifier``."""

    def __init__(self, library: ctypes.CDLL, arrays: Arrays) -> None:
        self.embeddings_seen = check_word(arrays)
        self._arrays = arrays  # keeps the memory alive
        self._scores_of = library.dense_scores
        self._chain = _chain(arrays, "")
        self._verifier = _chain(arrays, "verifier.") if "verifier.least" in arrays else None
        self._least = float(arrays["verifier.least"][0]) if self._verifier is not None else 0.0
        self._scores = np.zeros(2, np.float32)
        self._place = self._scores.ctypes.data
        self.listen_to(np.zeros((self.embeddings_seen, EMBEDDING_SIZE), np.float32))

    def listen_to(self, embeddings: Floats) -> None:
        """Read the last rows of ``embeddings`` from now on, in place; the array must not be moved."""
        if len(embeddings) < self.embeddings_seen or not embeddings.flags.c_contiguous:
            raise ValueError(f"{len(embeddings)} embeddings are fewer than the {self.embeddings_seen} of a window")
        self._embeddings = embeddings  # keeps the memory alive
        self._end = embeddings.ctypes.data + embeddings.nbytes

    def scores(self, count: int) -> list[float]:
        """Return the scores, from 0 to 1, of the embeddings as they were after each of the last frames, 1 or 2."""
        window = self._end - (self.embeddings_seen + count - 1) * EMBEDDING_SIZE * 4
        scores = self._run(self._chain, window, count)
        if self._verifier is None or max(scores) < self._least:
            return scores
        verified = self._run(self._verifier, window, count)
        return [other if score >= self._least else score for score, other in zip(scores, verified, strict=True)]

    def _run(self, chain: "ctypes.Array[Dense]", window: int, count: int) -> list[float]:
        self._scores_of(chain, len(chain), window, count, self._place)
        scores: list[float] = self._scores[:count].tolist()
        return scores


class KernelVoice:
    """The voice model, called as onnxruntime's session of it is."""

    def __init__(self, library: ctypes.CDLL, arrays: Arrays) -> None:
        check_voice(arrays)
        self._arrays = arrays  # keeps the memory alive
        self._step = library.voice_step
        self._layers = _chain(arrays, "")

    def run(self, _outputs: None, inputs: Mapping[str, Array]) -> tuple[Floats, Floats]:
        """Return the probability, (1, 1), and the next state of ``input``, (1, 576), and ``state``, (2, 1, 128)."""
        sound = np.ascontiguousarray(inputs["input"], np.float32)
        state: Floats = np.array(inputs["state"], np.float32, order="C")
        if sound.shape != (1, CONTEXT + CHUNK) or state.shape != STATE:
            raise ValueError(f"the voice model takes no sound of {sound.shape} and no state of {state.shape}")
        probability = self._step(self._layers, sound.ctypes.data, state.ctypes.data)
        return np.array([[probability]], np.float32), state


def _convolution(layer: Arrays) -> Convolution:
    leak, floor = layer["limits"].tolist()
    return Convolution(*layer["shape"].tolist(), leak, floor, *_places(layer, ("weights", "bias", "scale", "shift")))


def _chain(arrays: Arrays, prefix: str) -> "ctypes.Array[Dense]":
    layers = [dense(layer) for layer in layers_of(arrays, prefix)]
    return (Dense * len(layers))(*layers)


def dense(layer: Arrays) -> Dense:
    """Return a dense layer, whose arrays must outlive it."""
    is_normalised = "gain" in layer
    epsilon = float(layer["epsilon"][0]) if is_normalised else 0.0
    sizes = layer["weights"].shape[-2], len(layer["bias"])
    return Dense(*sizes, is_normalised, epsilon, *_places(layer, ("weights", "bias", "gain", "offset")))


def _places(layer: Arrays, names: Sequence[str]) -> list[Any]:
    return [place_of(layer[name]) if name in layer else None for name in names]


def place_of(array: Array) -> Any:
    """Return where an array of floats lies, for a structure of C's."""
    return array.ctypes.data_as(FLOATS)
