"""What counts as voiced: real recordings, and sounds made to deceive."""

import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from edgevoice.echo.canceller import BLOCK
from edgevoice.echo.voicing import WINDOW, is_voiced
from edgevoice.testbed.bench.echo_noises import cough, dishes, door

DATA = Path(__file__).parents[1] / "data"
RATE_HZ = 16_000

Sound = npt.NDArray[np.float32]


def voiced_share(sound: npt.NDArray[np.int16]) -> float:
    """Return the fraction of voiced blocks among those within 20 dB of the loudest."""
    windows = [sound[at : at + WINDOW].astype(np.float32) for at in range(0, len(sound) - WINDOW, BLOCK)]
    loudest = max(float(window @ window) for window in windows)
    judged = [is_voiced(window) for window in windows if float(window @ window) > loudest / 100]
    return sum(judged) / len(judged)


def harmonics(pitch_hz: float) -> Sound:
    at = np.arange(WINDOW) / RATE_HZ
    voice = sum(np.sin(2 * np.pi * pitch_hz * number * at) / number for number in range(1, 12))
    return np.asarray(1000 * voice, np.float32)


@pytest.mark.parametrize("name", sorted(path.name for path in DATA.glob("*.wav")))
def test_a_third_and_more_of_speech_is_voiced(name: str) -> None:
    with wave.open(str(DATA / name)) as file:
        speech = np.frombuffer(file.readframes(file.getnframes()), "<i2")

    assert voiced_share(speech) > 1 / 3


@pytest.mark.parametrize("make", [cough, door, dishes])
def test_kitchen_noises_are_hardly_ever_voiced(make: Callable[[int], npt.NDArray[np.int16]]) -> None:
    assert max(voiced_share(make(seed)) for seed in range(40)) < 0.15


@pytest.mark.parametrize("pitch_hz", [80, 120, 200, 320, 550])
def test_voices_from_the_deepest_to_a_childs_are_voiced(pitch_hz: float) -> None:
    assert is_voiced(harmonics(pitch_hz))


def test_ringing_above_all_voices_is_not_voiced() -> None:
    at = np.arange(WINDOW) / RATE_HZ

    assert not is_voiced(np.asarray(3000 * np.sin(2 * np.pi * 950 * at), np.float32))


def test_a_hum_below_all_voices_is_not_voiced() -> None:
    at = np.arange(WINDOW) / RATE_HZ

    assert not is_voiced(np.asarray(3000 * np.sin(2 * np.pi * 100 * at), np.float32))


def test_silence_is_never_voiced_and_noise_hardly_ever() -> None:
    chance = np.random.default_rng(1)
    noises = [chance.standard_normal(WINDOW).astype(np.float32) for _ in range(300)]

    assert not is_voiced(np.zeros(WINDOW, np.float32))
    assert sum(map(is_voiced, noises)) <= 1
