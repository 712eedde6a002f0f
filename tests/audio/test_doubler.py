import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st

from edgevoice.audio.doubler import Doubler

SOUND = (8000 * np.random.default_rng(1).standard_normal(2400)).clip(-32768, 32767).astype(np.int16)


def whole(samples: npt.NDArray[np.int16] = SOUND) -> npt.NDArray[np.int16]:
    return Doubler().process(samples)


def test_speech_keeps_its_level_and_its_images_are_70_db_below() -> None:
    for pitch_hz in (200, 1000, 4000, 8000):
        sine = (16_000 * np.sin(2 * np.pi * pitch_hz * np.arange(24_000) / 24_000)).astype(np.int16)
        spectrum = np.abs(np.fft.rfft(whole(sine)[4800:43_200] * np.hanning(38_400)))
        frequencies = np.fft.rfftfreq(38_400, 1 / 48_000)
        level = spectrum[np.abs(frequencies - pitch_hz) < 50].max()
        images = spectrum[frequencies > 12_000].max()

        assert 20 * np.log10(images / level) < -70
        assert level / (16_000 * 38_400 / 4) > 0.98


@given(st.lists(st.integers(1, 700), max_size=12), st.integers(0, 300))
def test_pieces_and_what_was_taken_back_make_no_difference(sizes: list[int], back: int) -> None:
    doubler, at = Doubler(), 0
    pieces = []
    for size in sizes:
        pieces.append(doubler.process(SOUND[at : at + size]))
        at = min(at + size, len(SOUND))
        if back and at >= back:
            doubler.process(np.full(back, 30_000, np.int16))
            doubler.take_back(back)

    assert np.array_equal(np.concatenate([*pieces, np.zeros(0, np.int16)]), whole()[: 2 * at])


def test_after_silence_nothing_of_the_sound_before_it_is_left() -> None:
    doubler = Doubler()
    doubler.process(SOUND)
    doubler.clear()

    assert not doubler.process(np.zeros(100, np.int16)).any()
