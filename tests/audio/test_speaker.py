"""The output callback, called as PortAudio calls it."""

import time

import numpy as np
import numpy.typing as npt
import pyaudio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgevoice.audio.earcons import render
from edgevoice.audio.far_end_mixer import SpeakerFact, factor
from edgevoice.audio.speaker import PERIOD, Speaker
from edgevoice.core.facts import ItemHeard, PlaybackCut, PlaybackDrained
from edgevoice.core.orders import Earcon
from edgevoice.core.sound.rates import FAR_END_HZ
from edgevoice.doctor.streams import PlayedAudio
from tests.audio.fake_ring import Pin

Samples = npt.NDArray[np.int16]
PREFILL_MS = 80


class Ear:
    """A speaker, what the room hears of it, and what it reports."""

    def __init__(self, *, volume_percent: int = 100, earcon_percent: int = 100) -> None:
        self.told: list[SpeakerFact] = []
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
    return np.full(milliseconds * FAR_END_HZ // 1000, level, "<i2").tobytes()


@pytest.fixture
def ear() -> Ear:
    return Ear()


def test_between_answers_it_outputs_zeros(ear: Ear) -> None:
    assert ear.speaker.is_silent
    assert not ear.hear_periods(5).any()
    assert ear.told == []


@given(
    frames=st.lists(st.integers(1, 3000), min_size=1, max_size=20),
    spoken_ms=st.integers(0, 300),
    rings=st.booleans(),
)
def test_the_callback_always_returns_exactly_two_bytes_per_frame(
    frames: list[int], spoken_ms: int, *, rings: bool
) -> None:
    ear = Ear()
    ear.speaker.play("item", 0, speech(spoken_ms))
    ear.speaker.finish()
    if rings:
        ear.speaker.play_earcon(Earcon.TIMER)
    for index, count in enumerate(frames):
        ear.hear(count)  # which asserts it
        if index == len(frames) // 2:
            ear.speaker.cut()


def test_an_answer_plays_sample_for_sample_once_prefilled(ear: Ear) -> None:
    spoken = np.arange(1, 2401, dtype="<i2")
    assert ear.speaker.play("item", 0, spoken[:1900].tobytes()) == 1
    assert not ear.hear().any(), "79 ms are less than the prefill"
    assert ear.speaker.play("item", 0, spoken[1900:].tobytes()) is None

    assert np.array_equal(ear.hear_periods(10), spoken)
    assert not ear.speaker.play("other", 0, b""), "nothing is no sound"


def test_the_end_of_playback_is_reported_once_with_its_period(ear: Ear) -> None:
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


def test_a_finished_response_does_not_wait_for_the_prefill_either(ear: Ear) -> None:
    ear.speaker.play("item", 0, speech(20))
    assert not ear.hear().any()
    ear.speaker.finish()

    assert ear.hear().all()


def test_a_cut_fades_within_3_ms_of_the_next_period_and_reports_what_was_heard(ear: Ear) -> None:
    ear.speaker.play("item", 2, speech(1000))
    ear.hear_periods(10)
    ear.speaker.cut()

    fading = ear.hear().astype(int)

    assert fading[0] == 10_000
    assert (np.diff(fading[:72]) < 0).all()
    assert not fading[72:].any()
    assert ear.told == [PlaybackCut((ItemHeard("item", 2, heard_ms=103, received_ms=1000, is_complete=False),))]
    assert not ear.hear_periods(3).any()
    assert len(ear.told) == 1


@pytest.mark.parametrize(("percent", "expected"), [(100, 10_000), (70, 4900), (50, 2500), (10, 100), (0, 0)])
def test_the_volume_scale_is_perceptual_and_zero_is_silence(percent: int, expected: int) -> None:
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


def test_an_earcon_plays_without_an_answer(ear: Ear) -> None:
    ear.speaker.play_earcon(Earcon.MUTED)
    sound = render(Earcon.MUTED)

    assert not ear.speaker.is_silent
    assert np.array_equal(ear.hear_periods(30)[: len(sound)], sound)
    assert ear.speaker.is_silent
    assert ear.told == []


def test_an_earcon_plays_over_speech_and_does_not_count_as_speech(ear: Ear) -> None:
    ear.speaker.play("item", 0, speech(500))
    ear.hear()
    ear.speaker.play_earcon(Earcon.MUTED)

    expected = np.minimum(render(Earcon.MUTED)[:PERIOD].astype(int) + 10_000, 32767)
    assert np.array_equal(ear.hear(), expected)

    ear.speaker.cut()
    ear.hear()
    (told,) = ear.told
    assert isinstance(told, PlaybackCut)
    assert told.items[0].heard_ms == 23


def test_a_cut_does_not_silence_an_earcon_and_stopping_earcons_does_not_cut(ear: Ear) -> None:
    ear.speaker.play("item", 0, speech(500))
    ear.speaker.play_earcon(Earcon.TIMER)
    ear.hear()
    ear.speaker.cut()
    ear.hear()
    assert ear.hear().any(), "the alarm goes on"

    ear.speaker.play("next", 0, speech(500))
    ear.speaker.stop_earcons()

    assert (ear.hear() == 10_000).all()


def test_earcons_have_their_own_volume() -> None:
    ear = Ear(volume_percent=0, earcon_percent=50)
    ear.speaker.play_earcon(Earcon.MUTED)

    assert np.abs(ear.hear_periods(20).astype(int)).max() == pytest.approx(0.32 * 32767 / 4, rel=0.05)


def test_the_volume_of_earcons_can_be_changed() -> None:
    ear = Ear(volume_percent=0, earcon_percent=100)

    ear.speaker.earcon_percent = 50
    ear.speaker.play_earcon(Earcon.MUTED)

    assert ear.speaker.earcon_percent == 50
    assert np.abs(ear.hear_periods(20).astype(int)).max() == pytest.approx(0.32 * 32767 / 4, rel=0.05)


@pytest.mark.parametrize(
    ("before", "change", "after", "sound"),
    [
        (50, 5, 55, Earcon.VOLUME),
        (50, -5, 45, Earcon.VOLUME),
        (98, 5, 100, Earcon.VOLUME_END),
        (95, 5, 100, Earcon.VOLUME_END),
        (3, -5, 0, Earcon.VOLUME_END),
        (100, 5, 100, Earcon.VOLUME_END),
    ],
)
def test_a_change_of_the_volume_sounds_as_loud_as_it_is_and_both_ends_sound_different(
    before: int, change: int, after: int, sound: Earcon
) -> None:
    ear = Ear(volume_percent=before)
    ear.speaker.change_volume(change)

    assert ear.speaker.volume_percent == after
    loudest = np.abs(ear.hear_periods(30).astype(int)).max()
    gain = factor(after) if sound is Earcon.VOLUME else 1.0
    assert loudest == pytest.approx(0.32 * 32767 * gain, rel=0.05)


def test_a_knob_that_turns_faster_than_it_can_sound_is_heard_once(ear: Ear) -> None:
    for _ in range(5):
        ear.speaker.change_volume(-5)
    heard = ear.hear_periods(30)

    assert ear.speaker.volume_percent == 75
    assert np.flatnonzero(heard).max() < len(render(Earcon.VOLUME))


def test_whoever_sets_the_volume_it_is_reported() -> None:
    changed: list[int] = []
    speaker = Speaker(
        lambda _fact: None, prefill_ms=80, volume_percent=50, earcon_percent=50, volume_changed=changed.append
    )
    speaker.volume_percent = 30
    speaker.change_volume(5)

    assert changed == [30, 35]


def test_an_underflow_is_counted_and_any_other_status_flag_is_not(ear: Ear) -> None:
    for status in (pyaudio.paOutputUnderflow, 0, pyaudio.paOutputOverflow, pyaudio.paOutputUnderflow):
        ear.hear(status=status)

    assert ear.speaker.underflows == 2


def test_the_time_of_the_last_callback_is_known_in_silence_too(ear: Ear) -> None:
    before = time.monotonic()
    ear.hear()

    assert before <= ear.speaker.called_at <= time.monotonic()


# --- ducked ----------------------------------------------------------------------------------------------------------


def test_ducking_lowers_the_answer_by_15_db_within_10_ms_and_drops_no_sample(ear: Ear) -> None:
    ear.speaker.play("i1", 0, speech(1000))
    before = ear.hear_periods(10)[-1]
    ear.speaker.duck()
    ear.hear()
    ducked = ear.hear()
    ear.speaker.restore()
    ear.hear()
    after = ear.hear()

    assert 20 * np.log10(ducked / before) == pytest.approx(-15, abs=0.1)
    assert (after == before).all()
    ear.speaker.cut()
    ear.hear()
    (told,) = ear.told
    assert isinstance(told, PlaybackCut)
    assert told.items[0].heard_ms == 143  # fourteen periods and the fade


def test_the_answer_after_a_cut_is_no_longer_ducked(ear: Ear) -> None:
    ear.speaker.play("i1", 0, speech(1000))
    ear.hear_periods(10)
    ear.speaker.duck()
    ear.hear_periods(2)
    ear.speaker.cut()
    ear.hear_periods(3)

    ear.speaker.play("i2", 0, speech(1000))

    assert (ear.hear_periods(10)[-240:] == 10_000).all()


def test_a_volume_change_while_ducked_applies_to_the_ducked_and_the_full_level(ear: Ear) -> None:
    ear.speaker.play("i1", 0, speech(1000))
    ear.speaker.duck()
    ear.speaker.volume_percent = 50
    quiet = ear.hear_periods(20)[-1]
    ear.speaker.restore()
    restored = ear.hear_periods(2)[-1]

    assert restored == pytest.approx(2500, abs=1)
    assert 20 * np.log10(quiet / restored) == pytest.approx(-15, abs=0.1)


# --- the far-end reference and the clock -----------------------------------------------------------------------------


def test_every_sample_passed_to_the_card_is_reported_including_earcons_and_silence() -> None:
    tape = PlayedAudio()
    speaker = Speaker(lambda _fact: None, prefill_ms=PREFILL_MS, volume_percent=100, earcon_percent=100, reference=tape)
    heard = []
    for number in range(60):
        if number == 5:
            speaker.play("i1", 0, speech(200))
        if number == 10:
            speaker.play_earcon(Earcon.MUTED)
        heard.append(np.frombuffer(speaker.callback(None, PERIOD, {}, 0)[0], "<i2"))

    assert (np.concatenate(tape.pieces) == np.concatenate(heard)).all()
    assert np.concatenate(heard).any()
    assert speaker.position == 60 * PERIOD


def test_the_clock_follows_portaudios_dac_times_and_ignores_the_wall_clock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    speaker = Ear().speaker
    for number in range(300):
        monkeypatch.setattr(time, "monotonic", lambda number=number: 500 + number * 0.01)
        wall = 1e9 if number < 150 else 5.0
        speaker.callback(None, PERIOD, {"current_time": wall, "output_buffer_dac_time": wall + 0.018}, 0)

    assert speaker.clock.line is not None
    assert speaker.clock.line.time_at(0) == pytest.approx(500.018, abs=1e-6)
    assert speaker.clock.jumps == 0


def test_an_xrun_moves_the_clock_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    speaker = Ear().speaker
    for number in range(520):
        lost_s = 0.023 if number >= 500 else 0.0
        monkeypatch.setattr(time, "monotonic", lambda at_s=500 + number * 0.01 + lost_s: at_s)
        status = pyaudio.paOutputUnderflow if number == 500 else 0
        speaker.callback(None, PERIOD, {"current_time": 1.0, "output_buffer_dac_time": 1.02}, status)

    assert (speaker.underflows, speaker.clock.jumps) == (1, 1)
    assert speaker.clock.line is not None
    assert speaker.clock.line.time_at(speaker.position) == pytest.approx(505.243, abs=1e-4)


def test_a_reopened_stream_has_a_new_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    speaker = Ear().speaker
    for number in range(500):
        monkeypatch.setattr(time, "monotonic", lambda number=number: 500 + number * 0.01 + (1 if number > 400 else 0))
        speaker.callback(None, PERIOD, {"current_time": 1.0, "output_buffer_dac_time": 1.02}, 0)

    assert not speaker.clock.is_settled


# --- muted in hardware -----------------------------------------------------------------------------------------------


class Amplified(Ear):
    """A speaker behind an amplifier that can be muted, on a card that holds two periods."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.pin = Pin()
        self.now_s = 900.0
        self.speaker = Speaker(
            self.told.append, prefill_ms=PREFILL_MS, volume_percent=100, earcon_percent=100, amplifier=self.pin
        )
        monkeypatch.setattr(time, "monotonic", lambda: self.now_s)

    def hear(self, frames: int = PERIOD, status: int = 0) -> Samples:
        times = {"current_time": 3.0, "output_buffer_dac_time": 3.02}
        pcm, _ = self.speaker.callback(None, frames, times, status)
        self.now_s += 0.01
        return np.frombuffer(pcm, dtype="<i2")


def test_a_cut_mutes_the_amplifier_and_counts_only_what_had_left_the_card(monkeypatch: pytest.MonkeyPatch) -> None:
    ear = Amplified(monkeypatch)
    ear.hear_periods(300)
    ear.speaker.play("i1", 0, speech(1000))
    ear.hear_periods(50)  # 500 ms have been passed to the card; the next period would be emitted 20 ms from now
    ear.now_s -= 0.004
    ear.speaker.cut()
    assert ear.pin.told == ["mute"]

    assert not ear.hear().any(), "muted, it need not fade"

    (told,) = ear.told
    assert isinstance(told, PlaybackCut)
    assert told.items[0].heard_ms == pytest.approx(500 - 20 - 4, abs=1)


def test_after_a_false_cut_the_answer_resumes_with_the_audio_muted_by_the_amplifier(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ear = Amplified(monkeypatch)
    sound = np.arange(1, 24_001).astype("<i2")
    ear.speaker.play("i1", 0, sound.tobytes())
    ear.hear_periods(20)
    ear.speaker.cut(keeps_rest=True)
    assert not ear.hear_periods(80).any()

    assert ear.speaker.resume() == 2
    heard = ear.hear_periods(3)

    assert ear.pin.told == ["mute", "release"]
    begin = 20 * PERIOD - 2 * PERIOD
    assert (heard[PERIOD // 2 :] == sound[begin + PERIOD // 2 : begin + 3 * PERIOD]).all()
    ear.speaker.cut(keeps_rest=True)
    ear.hear_periods(2)
    ear.speaker.drop()
    assert ear.speaker.is_silent


def test_before_the_clock_is_known_two_periods_are_assumed_unheard(monkeypatch: pytest.MonkeyPatch) -> None:
    ear = Amplified(monkeypatch)
    ear.speaker.play("i1", 0, speech(1000))
    ear.hear_periods(20)
    ear.speaker.cut()
    ear.hear()

    (told,) = ear.told
    assert isinstance(told, PlaybackCut)
    assert told.items[0].heard_ms == 180


@pytest.mark.parametrize("after_periods", [0, 1, 3, 40])
def test_the_amplifier_is_unmuted_after_the_old_audio_ends_and_before_the_next_begins(
    monkeypatch: pytest.MonkeyPatch, after_periods: int
) -> None:
    ear = Amplified(monkeypatch)
    ear.speaker.play("i1", 0, speech(1000))
    ear.hear_periods(30)
    ear.speaker.cut()
    ear.hear_periods(1 + after_periods)
    assert ear.pin.told == ["mute"]

    ear.speaker.play("i2", 0, speech(100))
    ear.speaker.finish()
    silent = 0
    while not ear.hear().any():
        assert ear.pin.told == ["mute"]
        silent += 1

    assert ear.pin.told == ["mute", "release"]
    assert silent == max(0, 3 - after_periods), "the card has emitted what it held"
    assert (ear.hear_periods(9)[:-240] == 10_000).all(), "nothing of the new answer is lost"


def test_an_earcon_unmutes_the_amplifier_and_a_playing_one_is_not_muted(monkeypatch: pytest.MonkeyPatch) -> None:
    ear = Amplified(monkeypatch)
    ear.speaker.play("i1", 0, speech(1000))
    ear.hear_periods(30)
    ear.speaker.cut()
    ear.hear_periods(10)
    ear.speaker.play_earcon(Earcon.ERROR)
    assert ear.hear_periods(10).any()
    assert ear.pin.told == ["mute", "release"]

    ear.speaker.play("i2", 0, speech(1000))
    ear.hear_periods(10)
    ear.speaker.cut()

    assert ear.pin.told == ["mute", "release"], "it would mute the earcon"


def test_a_limit_of_the_volume_holds_whatever_is_set_and_is_no_news() -> None:
    ear = Ear(volume_percent=80)
    ear.speaker.limit_volume(30)
    ear.speaker.change_volume(5)

    assert ear.speaker.volume_percent == 85
    assert ear.speaker._gain.of_answers == pytest.approx(0.09)
    ear.speaker.limit_volume(100)
    assert ear.speaker._gain.of_answers == pytest.approx(0.85**2)


def test_a_soft_answer_is_12_db_below_the_volume_without_a_click_and_then_as_loud_as_before(ear: Ear) -> None:
    ear.speaker.play("item", 0, speech(600))
    before = ear.hear_periods(5)
    ear.speaker.soften(is_soft=True)
    ear.speaker.soften(is_soft=True)
    soft = ear.hear_periods(5)
    ear.speaker.soften(is_soft=False)
    after = ear.hear_periods(5)

    assert soft[-1] == pytest.approx(10_000 * 10 ** (-12 / 20), rel=0.001)
    assert after[-1] == before[-1] == 10_000
    assert np.abs(np.diff(np.concatenate([before, soft, after]).astype(int))).max() < 100


@pytest.mark.parametrize("kind", ["spoken", "tone", "volume"])
def test_an_earcon_that_sounds_stays_as_loud_when_the_cards_control_goes_up_for_a_ring(kind: str) -> None:
    ear = Ear(volume_percent=30, earcon_percent=30)
    earcon = {"spoken": Earcon.BUDGET_SPENT, "tone": Earcon.BUDGET_SPENT, "volume": Earcon.VOLUME}[kind]
    if kind == "spoken":
        ear.speaker.learn(earcon, np.full(FAR_END_HZ, 10_000, np.int16))
    ear.speaker.play_earcon(earcon)
    expected = ear.hear_periods(4).astype(float)
    ear.speaker.stop_earcons()

    ear.speaker.take_card_gain(0.1, None)
    ear.speaker.play_earcon(earcon)
    before = ear.hear_periods(2) * 0.1
    ear.speaker.take_card_gain(1.0, None)
    heard = np.concatenate([before, ear.hear_periods(2)])

    assert np.abs(expected).max() > 100
    assert heard == pytest.approx(expected, abs=1.5)


def test_a_clip_that_is_cut_twice_fades_once(ear: Ear) -> None:
    ear.speaker.learn_clip("a", np.full(FAR_END_HZ, 10_000, np.int16))
    ear.speaker.play_clip("a", has_chime=False)
    ear.hear_periods(4)
    ear.speaker.cut_clip()
    fading = ear.hear(24)
    ear.speaker.cut_clip()
    fading = np.concatenate([fading, ear.hear_periods(2)])

    assert (np.diff(fading.astype(int)) <= 0).all()
    assert len(ear.told) == 1
