"""Makes the parts of the front end, and verifies at once that they compute what openWakeWord's files compute.

Needs the package `onnx`; imported by the process that makes them, never by the daemon.
"""

import numpy as np

from edgevoice.wakeword.models.front_end import FrontEndParts, PartsUnavailable
from edgevoice.wakeword.models.graph import GraphUnknown, constants_of, streaming_graph
from edgevoice.wakeword.models.mel import MelBank
from edgevoice.wakeword.models.onnx_session import open_session
from edgevoice.wakeword.models.present import find_part
from edgevoice.wakeword.models.shapes import (
    CHUNK_FRAMES,
    CHUNK_SAMPLES,
    MEL_BANDS,
    TRANSFORM,
    WINDOW_FRAMES,
    Floats,
)

_PROOF_CHUNKS = 25
_MOST_DIFFERENCE = 1e-3
"""Tolerance for embeddings, which run to some tens. The two differ by 1e-5 because sums are in another order."""

_BINS = TRANSFORM // 2 + 1


def make_parts() -> FrontEndParts:
    """Make the parts from the installed package's files; ``PartsUnavailable`` if those are not the known ones."""
    melspectrogram, embedding_model = (find_part(name).read_bytes() for name in ("melspectrogram", "embedding_model"))
    try:
        window, mel = _mel_constants(melspectrogram)
        parts = FrontEndParts(window, mel, streaming_graph(embedding_model))
        _prove_mel(parts, melspectrogram)
        _prove_graph(parts, embedding_model)
    except GraphUnknown as error:
        raise PartsUnavailable(f"this release of openwakeword is not known: {error}") from error
    return parts


def _mel_constants(melspectrogram: bytes) -> tuple[Floats, Floats]:
    """Return the window and the matrix from bins to bands; the transform is stored as convolutions with cosines."""
    by_shape: dict[tuple[int, ...], list[Floats]] = {}
    for _, array in constants_of(melspectrogram):
        by_shape.setdefault(array.shape, []).append(array)
    transforms, matrices = by_shape.get((_BINS, 1, TRANSFORM), []), by_shape.get((_BINS, MEL_BANDS), [])
    if len(transforms) != 2 or len(matrices) != 1:
        raise GraphUnknown("its mel spectrogram holds other constants")
    # At 0 Hz the cosine is 1 throughout, so its row is the bare window; the sine's part is 0.
    window = max((each[0, 0] for each in transforms), key=lambda row: float(np.abs(row).sum()))
    return np.ascontiguousarray(window, np.float32), np.ascontiguousarray(matrices[0], np.float32)


def _prove_mel(parts: FrontEndParts, melspectrogram: bytes) -> None:
    session = open_session(melspectrogram)
    chance = np.random.default_rng(4)
    bank = MelBank(parts.window, parts.mel)
    for loudest in (0, 3, 300, 30_000):
        audio = chance.integers(-loudest, loudest, CHUNK_SAMPLES, np.int16, endpoint=True)
        (theirs,) = session.run(None, {session.get_inputs()[0].name: audio[None].astype(np.float32)})
        difference = np.abs(theirs.reshape(-1, MEL_BANDS) / 10 + 2 - bank.chunk(audio)).max()
        if not difference <= _MOST_DIFFERENCE:
            raise GraphUnknown(f"its mel spectrogram differs by {difference:.3g}")


def _prove_graph(parts: FrontEndParts, embedding_model: bytes) -> None:
    theirs, ours = open_session(embedding_model), open_session(parts.graph)
    mel = np.random.default_rng(5).normal(0, 3, (_PROOF_CHUNKS * CHUNK_FRAMES, MEL_BANDS)).astype(np.float32)
    feeds = {each.name: np.zeros(each.shape, np.float32) for each in ours.get_inputs() if each.name != "mel"}
    embeddings = ours.run(["embedding"], feeds | {"mel": mel[None, None]})[0]
    for number, embedding in enumerate(embeddings):
        end = (number + 1) * CHUNK_FRAMES
        if end >= WINDOW_FRAMES:
            window = mel[None, end - WINDOW_FRAMES : end, :, None]
            (expected,) = theirs.run(None, {theirs.get_inputs()[0].name: window})
            difference = np.abs(expected.reshape(-1) - embedding).max()
            if not difference <= _MOST_DIFFERENCE:
                raise GraphUnknown(f"its embedding network differs by {difference:.3g} when it is rewritten")
