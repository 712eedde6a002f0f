import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgevoice.audio.upsampler import Upsampler

SOUND = (8000 * np.random.default_rng(1).standard_normal(8000)).clip(-32768, 32767).astype(np.int16)


@pytest.mark.parametrize("pitch_hz", [100, 1000, 3400, 6000])
def test_speech_keeps_its_level_and_its_place_and_its_images_are_75_db_below(pitch_hz: int) -> None:
    sine = 16_000 * np.sin(2 * np.pi * pitch_hz * np.arange(16_000) / 16_000)

    heard = Upsampler().resample_chunk(sine.astype(np.int16)).astype(float)

    expected = 16_000 * np.sin(2 * np.pi * pitch_hz * np.arange(len(heard)) / 24_000)
    assert np.abs(heard - expected)[100:].max() < 40
    spectrum = np.abs(np.fft.rfft(heard[2400:21_600] * np.hanning(19_200)))
    frequencies = np.fft.rfftfreq(19_200, 1 / 24_000)
    away = np.abs(frequencies - pitch_hz) > 100
    assert 20 * np.log10(spectrum[away].max() / spectrum.max()) < -75


@given(st.lists(st.integers(0, 700), max_size=11))
def test_the_pieces_make_no_difference_and_a_millisecond_is_held_back(sizes: list[int]) -> None:
    upsampler, at, pieces = Upsampler(), 0, [np.zeros(0, np.int16)]
    for size in sizes:
        pieces.append(upsampler.resample_chunk(SOUND[at : at + size]))
        at += size

    given = np.concatenate(pieces)
    assert np.array_equal(given, Upsampler().resample_chunk(SOUND[:at]))
    assert at * 3 / 2 - len(given) <= 25
