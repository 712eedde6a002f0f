"""The output callback, called as PortAudio calls it."""

import time

import numpy as np
import numpy.typing as npt
import pyaudio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgevoice.audio.earcons import render
from edgevoice.audio.speaker import PERIOD, RATE_HZ, Speaker
from edgevoice.core.messages import Earcon, ItemHeard, PlaybackCut, PlaybackDrained

Samples = npt.NDArray[np.int16]
PREFILL_MS = 80


class Ear:
    """A speaker and what the room hears of it, and what it tells."""

    def __init__(self, *, volume_percent: int = 100, earcon_percent: int = 100) -> None:
        self.told: list[PlaybackCut | PlaybackDrained] = []
        self.speaker = Speaker(
            self.told.append, prefill_ms=PREFILL_MS, volume_percent=volume_percent, earcon_percent=earcon_percent
        )

    def hear(self, frames: int = PERIOD, status: int = 0) -> Samples:
        pcm, verdict = self.speaker.callback(None, frames, {}, status)
        assert verdict == pyaudio.paContinue
        assert isinstance(pcm, bytes)
        assert len(pcm) == 2 * frames
        return np.frombuffer(pcm, dtype="<i2")

    def hear_periods(self, count: int) -> Samples:
        return np.concatenate([self.hear() for _ in range(count)])


def speech(milliseconds: int, level: int = 10_000) -> bytes:
    return np.full(milliseconds * RATE_HZ // 1000, level, "<i2").tobytes()


@pytest.fixture
def ear() -> Ear:
    return Ear()


def test_between_answers_it_gives_zeros(ear: Ear) -> None:
    assert ear.speaker.is_silent
    assert not ear.hear_periods(5).any()
    assert ear.told == []


@given(
    frames=st.lists(st.integers(1, 3000), min_size=1, max_size=20),
    spoken_ms=st.integers(0, 300),
    rings=st.booleans(),
)
def test_whatever_happens_it_gives_exactly_two_bytes_a_frame(frames: list[int], spoken_ms: int, *, rings: bool) -> None:
    ear = Ear()
    ear.speaker.play("item", 0, speech(spoken_ms))
    ear.speaker.finish()
    if rings:
        ear.speaker.play_earcon(Earcon.ALARM)
    for index, count in enumerate(frames):
        ear.hear(count)  # which asserts it
        if index == len(frames) // 2:
            ear.speaker.cut()


def test_an_answer_is_heard_sample_for_sample_once_enough_of_it_is_there(ear: Ear) -> None:
    spoken = np.arange(1, 2401, dtype="<i2")
    assert ear.speaker.play("item", 0, spoken[:1900].tobytes()) == 1
    assert not ear.hear().any(), "79 ms are less than the prefill"
    assert ear.speaker.play("item", 0, spoken[1900:].tobytes()) is None

    assert np.array_equal(ear.hear_periods(10), spoken)
    assert not ear.speaker.play("other", 0, b""), "nothing is no sound"


def test_the_end_of_playback_is_told_once_with_the_period_that_holds_it(ear: Ear) -> None:
    ear.speaker.play("item", 0, speech(100))
    ear.hear_periods(9)
    assert ear.told == []
    assert not ear.speaker.is_silent

    ear.hear_periods(3)

    assert ear.told == [PlaybackDrained(burst=1)]
    assert ear.speaker.is_silent


def test_a_short_answer_that_is_complete_does_not_wait_for_the_prefill(ear: Ear) -> None:
    ear.speaker.play("item", 0, speech(20))
    ear.speaker.finish_item("item")

    assert ear.hear().all()


def test_a_finished_response_does_not_wait_either(ear: Ear) -> None:
    ear.speaker.play("item", 0, speech(20))
    assert not ear.hear().any()
    ear.speaker.finish()

    assert ear.hear().all()


def test_a_cut_fades_within_5_ms_of_the_next_period_and_tells_what_was_heard(ear: Ear) -> None:
    ear.speaker.play("item", 2, speech(1000))
    ear.hear_periods(10)
    ear.speaker.cut()

    fading = ear.hear().astype(int)

    assert fading[0] == 10_000
    assert (np.diff(fading[:120]) < 0).all()
    assert not fading[120:].any()
    assert ear.told == [PlaybackCut((ItemHeard("item", 2, heard_ms=105, received_ms=1000, is_complete=False),))]
    assert not ear.hear_periods(3).any()
    assert len(ear.told) == 1


@pytest.mark.parametrize(("percent", "expected"), [(100, 10_000), (70, 4900), (50, 2500), (10, 100), (0, 0)])
def test_volume_follows_the_ear_and_zero_is_silence(percent: int, expected: int) -> None:
    ear = Ear(volume_percent=percent)
    ear.speaker.play("item", 0, speech(200))

    heard = ear.hear_periods(4)

    assert ear.speaker.volume_percent == percent
    assert heard[-1] == pytest.approx(expected, abs=1)


def test_a_change_of_volume_takes_10_ms_and_does_not_click(ear: Ear) -> None:
    ear.speaker.play("item", 0, speech(200))
    ear.hear_periods(2)
    ear.speaker.volume_percent = 20

    heard = ear.hear_periods(2).astype(int)

    assert heard[-1] == 400
    assert 0 < -np.diff(heard, prepend=10_000).min() <= 10_000 / 240 + 1
    assert heard[240] == 400


def test_an_earcon_sounds_alone(ear: Ear) -> None:
    ear.speaker.play_earcon(Earcon.MUTED)
    sound = render(Earcon.MUTED)

    assert not ear.speaker.is_silent
    assert np.array_equal(ear.hear_periods(30)[: len(sound)], sound)
    assert ear.speaker.is_silent
    assert ear.told == []


def test_an_earcon_sounds_over_speech_and_counts_as_none_of_it(ear: Ear) -> None:
    ear.speaker.play("item", 0, speech(500))
    ear.hear()
    ear.speaker.play_earcon(Earcon.MUTED)

    expected = np.minimum(render(Earcon.MUTED)[:PERIOD].astype(int) + 10_000, 32767)
    assert np.array_equal(ear.hear(), expected)

    ear.speaker.cut()
    ear.hear()
    (told,) = ear.told
    assert isinstance(told, PlaybackCut)
    assert told.items[0].heard_ms == 25


def test_a_cut_does_not_silence_an_earcon_and_stopping_earcons_does_not_cut(ear: Ear) -> None:
    ear.speaker.play("item", 0, speech(500))
    ear.speaker.play_earcon(Earcon.ALARM)
    ear.hear()
    ear.speaker.cut()
    ear.hear()
    assert ear.hear().any(), "the alarm goes on"

    ear.speaker.play("next", 0, speech(500))
    ear.speaker.stop_earcons()

    assert (ear.hear() == 10_000).all()


def test_earcons_have_a_volume_of_their_own() -> None:
    ear = Ear(volume_percent=0, earcon_percent=50)
    ear.speaker.play_earcon(Earcon.MUTED)

    assert np.abs(ear.hear_periods(20).astype(int)).max() == pytest.approx(0.8 * 32767 / 4, rel=0.05)


def test_an_underflow_is_counted_and_any_other_sign_is_not(ear: Ear) -> None:
    for status in (pyaudio.paOutputUnderflow, 0, pyaudio.paOutputOverflow, pyaudio.paOutputUnderflow):
        ear.hear(status=status)

    assert ear.speaker.underflows == 2


def test_the_time_of_the_last_callback_is_known_in_silence_too(ear: Ear) -> None:
    before = time.monotonic()
    ear.hear()

    assert before <= ear.speaker.called_at <= time.monotonic()
