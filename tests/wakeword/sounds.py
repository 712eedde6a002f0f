"""Sounds and model parts shared by the wake word tests; see tests/data/README.md for the recordings."""

import wave
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgevoice.wakeword.models.front_end import FrontEndParts
from edgevoice.wakeword.models.make_front_end import make_parts
from edgevoice.wakeword.models.shapes import FRAME, RATE_HZ

DATA = Path(__file__).parents[1] / "data"
POSITIVES = sorted(path.name for path in DATA.glob("pos_hey_jarvis__*.wav"))
NEGATIVES = sorted(path.name for path in DATA.glob("neg_*.wav"))

Samples = npt.NDArray[np.int16]


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
