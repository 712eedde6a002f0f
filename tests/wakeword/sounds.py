"""Sounds and model parts shared by the wake word tests; see tests/data/README.md for the recordings."""

import wave
from collections.abc import Iterator
from functools import cache
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgevoice.wakeword.models.front_end import FrontEndParts
from edgevoice.wakeword.models.make_front_end import make_parts
from edgevoice.wakeword.models.shapes import FRAME, RATE_HZ
from edgevoice.wakeword.scorer import Scorer

DATA = Path(__file__).parents[1] / "data"
POSITIVES = sorted(path.name for path in DATA.glob("pos_hey_jarvis__*.wav"))
NEGATIVES = sorted(path.name for path in DATA.glob("neg_*.wav"))

Samples = npt.NDArray[np.int16]
Scores = npt.NDArray[np.float64]


def recording(name: str) -> Samples:
    with wave.open(str(DATA / name)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE_HZ, 1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")


def quiet(seconds: float) -> Samples:
    return np.random.default_rng(7).integers(-20, 20, round(seconds * RATE_HZ), dtype=np.int16)


def frames_of(*pieces: Samples) -> Samples:
    """Return whole frames, (n, 1280); what is left over at the end is dropped."""
    sound = np.concatenate(pieces)
    return sound[: len(sound) // FRAME * FRAME].reshape(-1, FRAME)


def noise(seconds: float, level: float, *, is_pink: bool, seed: int) -> npt.NDArray[np.float64]:
    """Return noise of this RMS level; pink noise falls by 3 dB per octave, as room noise does."""
    size = round(seconds * RATE_HZ)
    spectrum = np.fft.rfft(np.random.default_rng(seed).normal(size=size))
    if is_pink:
        spectrum /= np.sqrt(np.maximum(1, np.arange(len(spectrum))))
    sound: npt.NDArray[np.float64] = np.fft.irfft(spectrum, size)
    sound *= level / sound.std()
    return sound


@cache
def parts() -> FrontEndParts:
    """Return the front end's parts, made once for all tests."""
    return make_parts()


def rooms() -> Iterator[Samples]:
    """Yield stretches of sound, each to be scored after a reset; four and a half minutes in all."""
    for number, level in enumerate((0.0, 3.0, 60.0, 900.0, 6000.0)):
        pieces = [noise(3.0, max(level, 1e-9), is_pink=bool(number % 2), seed=number)]
        for name in (*POSITIVES, *NEGATIVES):
            spoken = recording(name)
            hall = noise(len(spoken) / RATE_HZ + 1.5, max(level, 1e-9), is_pink=bool(number % 2), seed=len(spoken))
            hall[: len(spoken)] += spoken * (1.0, 0.3, 1.0, 0.6, 1.0)[number]
            pieces.append(hall)
        yield frames_of(np.clip(np.concatenate(pieces), -32768, 32767).astype(np.int16))
    tone = 12_000 * np.sin(2 * np.pi * 440 / RATE_HZ * np.arange(RATE_HZ * 4))
    steps = np.repeat(np.array([0, 32767, -32768, 1, 0], np.int16), RATE_HZ)
    yield frames_of(tone.astype(np.int16), np.zeros(RATE_HZ * 3, np.int16), steps, quiet(75.0))
    for name in POSITIVES:
        # A word right after a reset, and one aligned differently to the frames.
        yield frames_of(recording(name), np.zeros(333, np.int16), recording(name), quiet(2.0))


def heard(scorer: Scorer, at_once: int = 1, *, most: int | None = None) -> list[Scores]:
    """Return the scores of every frame of `rooms`, or of the first ``most``, (frames, words) for each stretch."""
    scores = []
    for stretch in islice(rooms(), most):
        scorer.reset()
        rows = [scorer.score(stretch[at : at + at_once].reshape(-1)) for at in range(0, len(stretch), at_once)]
        scores.append(np.concatenate(rows))
    return scores
