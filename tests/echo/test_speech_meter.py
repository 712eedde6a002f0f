"""How speech sounds: recorded people and a whisper, near and far, in a room that is not silent."""

import wave
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from edgevoice.core.sound.rates import NEAR_END_HZ
from edgevoice.core.sound.whisper import is_whisper
from edgevoice.echo.speech_meter import SpeechMeter

DATA = Path(__file__).parents[1] / "data"
PEOPLE = sorted(path for path in (DATA / "sounds" / "near").glob("*.wav"))
(WHISPER,) = (DATA / "whispers").glob("*.wav")
ROOM_RMS = 30.0


@cache
def read(path: Path) -> npt.NDArray[np.float64]:
    with wave.open(str(path), "rb") as file:
        assert file.getframerate() == NEAR_END_HZ
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float)


def scene(path: Path, *, above_room_db: float, reverberation_s: float = 0.0) -> npt.NDArray[np.int16]:
    """What the microphone hears of somebody after 1.5 s of the room's own noise."""
    random = np.random.default_rng(1)
    said = read(path)
    if reverberation_s:
        tail = random.standard_normal(round(reverberation_s * NEAR_END_HZ))
        tail *= np.exp(-6.9 * np.arange(len(tail)) / len(tail))
        size = len(said) + len(tail)
        said = np.fft.irfft(np.fft.rfft(said, size) * np.fft.rfft(tail, size), size)
    said *= ROOM_RMS * 10 ** (above_room_db / 20) / np.sqrt(np.mean(said**2))
    heard = np.concatenate([np.zeros(NEAR_END_HZ * 3 // 2), said, np.zeros(NEAR_END_HZ // 5)])
    heard += ROOM_RMS * random.standard_normal(len(heard))
    clipped: npt.NDArray[np.int16] = np.clip(heard, -32768, 32767).astype(np.int16)
    return clipped


def metered(samples: npt.NDArray[np.int16], piece: int = 8000) -> SpeechMeter:
    meter = SpeechMeter()
    for at in range(0, len(samples), piece):
        meter.add(samples[at : at + piece].tobytes())
    return meter


@pytest.mark.parametrize("above_room_db", [10.0, 30.0])
@pytest.mark.parametrize("reverberation_s", [0.0, 0.5])
def test_a_whisper_has_no_pitch_and_no_lows_near_and_far(above_room_db: float, reverberation_s: float) -> None:
    sound = metered(scene(WHISPER, above_room_db=above_room_db, reverberation_s=reverberation_s)).sound()

    assert sound.is_clear
    assert sound.voiced_share < 0.1
    assert sound.low_share < 0.1
    assert is_whisper(sound)


@pytest.mark.parametrize("path", PEOPLE, ids=lambda path: path.stem)
@pytest.mark.parametrize(("above_room_db", "reverberation_s"), [(30.0, 0.0), (10.0, 0.5), (5.0, 0.0)])
def test_a_talker_does_not_whisper_near_or_far(path: Path, above_room_db: float, reverberation_s: float) -> None:
    heard = scene(path, above_room_db=above_room_db, reverberation_s=reverberation_s)

    assert not is_whisper(metered(heard).sound())


@pytest.mark.parametrize("piece", [320, 1000, 16_000])
def test_it_does_not_matter_in_which_pieces_it_comes(piece: int) -> None:
    heard = scene(WHISPER, above_room_db=20.0)

    assert metered(heard, piece).sound() == metered(heard).sound()


def test_the_room_alone_is_no_speech() -> None:
    random = np.random.default_rng(1)
    noise = (ROOM_RMS * random.standard_normal(3 * NEAR_END_HZ)).astype(np.int16)

    assert not metered(noise).sound().is_clear
    assert not SpeechMeter().sound().is_clear
    assert not metered(np.zeros(NEAR_END_HZ, np.int16)).sound().is_clear


def test_what_comes_late_is_measured_in_part_and_the_last_ten_seconds_count() -> None:
    heard = scene(WHISPER, above_room_db=20.0)
    late = SpeechMeter()
    late.add(np.concatenate([np.full(60 * NEAR_END_HZ, 9000, np.int16), heard[-3 * NEAR_END_HZ :]]).tobytes())
    assert is_whisper(late.sound())

    long = metered(np.concatenate([scene(PEOPLE[0], above_room_db=30.0), *[heard] * 4]))
    assert is_whisper(long.sound())


def test_the_zeros_of_a_muted_microphone_are_no_room() -> None:
    room = np.random.default_rng(1).normal(0, 100, 2 * NEAR_END_HZ).astype(np.int16)
    meter = SpeechMeter()
    meter.add(np.concatenate([np.zeros(NEAR_END_HZ, np.int16), room]).tobytes())

    assert not meter.sound().is_clear, "nobody has said anything"
