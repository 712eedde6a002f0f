"""Makes the files of weights: what the kernel computes, and a proof of it computed by onnxruntime from the same models.

Imported by the process that makes them, never by the daemon.
"""

import io
from pathlib import Path
from typing import Any, Final

import numpy as np

from edgevoice.errors import WakeWordUnavailable
from edgevoice.wakeword.kernel.weights import check_word, front_end_weights, voice_weights, word_weights
from edgevoice.wakeword.models.arrays import Array, dump_arrays
from edgevoice.wakeword.models.classifier import Classifier
from edgevoice.wakeword.models.onnx_session import open_session
from edgevoice.wakeword.models.present import find_part
from edgevoice.wakeword.models.shapes import (
    CHUNK_FRAMES,
    CHUNK_SAMPLES,
    EMBEDDING_SIZE,
    FRAME,
    LOOKBACK,
    MEL_BANDS,
    WINDOW_CHUNKS,
    WINDOW_FRAMES,
    Floats,
    Samples,
)
from edgevoice.wakeword.models.silero import find_voice, probabilities

PROOF_CHUNKS: Final = 16
FIRST_PROVEN: Final = WINDOW_CHUNKS - 1
"""The first chunk of the proof that ends a whole window."""

_PROOF_WINDOWS = 16
_TRIED = 48
_MOST_STEPS = 2000
_LIKELY = 0.99


def front_end_file() -> bytes:
    """Return the front end's file, from the installed package's models. Raises ``ValueError`` for unknown ones."""
    melspectrogram, embedding_model = (find_part(name).read_bytes() for name in ("melspectrogram", "embedding_model"))
    arrays = front_end_weights(melspectrogram, embedding_model)
    sound = _proof_sound()
    arrays |= {"proof.sound": sound, "proof.embeddings": _embeddings(sound, melspectrogram, embedding_model)}
    return _file(arrays)


def word_file(model: Path) -> bytes:
    """Return a wake word's file; empty if it is not of the kernel's kind, or not a wake word: onnxruntime says why."""
    try:
        arrays = word_weights(model.read_bytes())
        # It refuses what is not a wake word's model.
        Classifier(model)
    except (ValueError, WakeWordUnavailable):
        return b""
    windows, scores = _proof_windows(open_session(model), check_word(arrays))
    return _file(arrays | {"proof.windows": windows, "proof.scores": scores})


def voice_file() -> bytes:
    """Return the voice model's file; empty if its package is missing, or brings another model."""
    try:
        model = find_voice().read_bytes()
        arrays = voice_weights(model)
    except (ValueError, WakeWordUnavailable):
        return b""
    sound = _proof_sound()
    return _file(arrays | {"proof.sound": sound, "proof.probabilities": probabilities(open_session(model), sound)})


def _file(arrays: dict[str, Array]) -> bytes:
    made = io.BytesIO()
    dump_arrays(arrays, made)
    return made.getvalue()


def _proof_sound() -> Samples:
    """Return silence, noise that swells to full scale, a click and a tone."""
    size = LOOKBACK + PROOF_CHUNKS * FRAME
    chance = np.random.default_rng(4)
    sound = chance.normal(size=size) * np.geomspace(0.1, 8000, size)
    sound[: 2 * FRAME] = 0
    sound[5 * FRAME : 6 * FRAME] = 0
    sound[5 * FRAME + 700] = 30_000
    sound[-4 * FRAME :] *= 0.05
    sound[-4 * FRAME :] += 9000 * np.sin(0.17 * np.arange(4 * FRAME))
    return np.clip(sound, -32_768, 32_767).astype(np.int16)


def _embeddings(sound: Samples, melspectrogram: bytes, embedding_model: bytes) -> Floats:
    """Return what openWakeWord's own models make of the sound: the embedding of each whole window."""
    spectrum, network = open_session(melspectrogram), open_session(embedding_model)
    chunks = np.lib.stride_tricks.sliding_window_view(sound, CHUNK_SAMPLES)[::FRAME].astype(np.float32)
    mel = np.concatenate([_run(spectrum, chunk[None]).reshape(-1, MEL_BANDS) / 10 + 2 for chunk in chunks])
    ends = range((FIRST_PROVEN + 1) * CHUNK_FRAMES, len(mel) + 1, CHUNK_FRAMES)
    made = [_run(network, mel[None, end - WINDOW_FRAMES : end, :, None]).reshape(-1) for end in ends]
    return np.array(made, np.float32)


def _proof_windows(session: Any, seen: int) -> tuple[Floats, Floats]:
    """Return windows (n, seen, 96) from unlikely to likely ones, and their scores (n,).

    Noise alone scores nothing or everything, which would prove little: so the least likely is changed at random, and
    changes that raise the score are kept.
    """
    chance = np.random.default_rng(11)
    shape = (1, seen, EMBEDDING_SIZE)

    def noise(level: float) -> tuple[float, Floats]:
        window = chance.normal(0, level, shape).astype(np.float32)
        return float(_run(session, window)[0, 0]), window

    tried = sorted((noise(2.0 ** (number % 6)) for number in range(_TRIED)), key=_score)
    score, window = tried[0]
    for _ in range(_MOST_STEPS):
        changed = window + chance.normal(0, 0.5, shape).astype(np.float32)
        if (better := float(_run(session, changed)[0, 0])) > score:
            score, window = better, changed
            tried.append((score, window))
            if score > _LIKELY:
                break
    tried.sort(key=_score)
    kept = [tried[at] for at in np.linspace(0, len(tried) - 1, _PROOF_WINDOWS).astype(int)]
    return np.concatenate([each for _, each in kept]), np.array([each for each, _ in kept], np.float32)


def _score(tried: tuple[float, Floats]) -> float:
    return tried[0]


def _run(session: Any, value: Floats) -> Floats:
    made: Floats = session.run(None, {session.get_inputs()[0].name: value})[0]
    return made
