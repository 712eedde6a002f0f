"""The service's "mm-hm": quiet, bounded, faded out when stopped, and never mixed from two."""

import numpy as np
import pytest

from edgevoice.audio.backchannel import BackchannelMixer
from edgevoice.audio.far_end_mixer import SpeakerFact
from edgevoice.audio.speaker import PERIOD, Speaker
from edgevoice.core.facts import ItemHeard, PlaybackCut
from edgevoice.core.sound.rates import FAR_END_HZ
from edgevoice.doctor.streams import PlayedAudio

MS = FAR_END_HZ // 1000
LOUD = 10_000
QUIET = 3548
"""9 dB below."""


def sound(milliseconds: float, level: int = LOUD) -> bytes:
    return np.full(round(milliseconds * MS), level, "<i2").tobytes()


class Ear:
    """A speaker at full volume, what the room hears of it, and what the echo canceller gets."""

    def __init__(self, volume_percent: int = 100) -> None:
        self.told: list[SpeakerFact] = []
        self.tape = PlayedAudio()
        self.speaker = Speaker(
            self.told.append, prefill_ms=0, volume_percent=volume_percent, earcon_percent=0, reference=self.tape
        )

    @property
    def reference(self) -> list[int]:
        return [int(sample) for sample in np.concatenate(self.tape.pieces)]

    def hear(self, periods: int) -> list[int]:
        pieces = [self.speaker.callback(None, PERIOD, None, 0)[0] for _ in range(periods)]
        return [int(sample) for sample in np.frombuffer(b"".join(pieces), "<i2")]


def test_a_backchannel_plays_9_db_below_an_answer_and_reports_no_events() -> None:
    ear = Ear()
    assert ear.speaker.play_backchannel("b1", sound(100))
    assert not ear.speaker.play_backchannel("b1", sound(100)), "it has begun before"

    assert set(ear.hear(20)) == {QUIET}
    assert ear.speaker.is_silent
    assert set(ear.hear(5)) == {0}
    assert ear.told == [], "no burst, no end of playback"


def test_a_backchannel_follows_the_volume() -> None:
    ear = Ear(volume_percent=50)
    ear.speaker.play_backchannel("b1", sound(100))

    assert set(ear.hear(10)) == {QUIET // 4}


def test_a_backchannel_is_part_of_the_echo_cancellers_reference() -> None:
    ear = Ear()
    ear.speaker.play_backchannel("b1", sound(100))
    heard = ear.hear(12)

    assert ear.reference == heard


def test_a_backchannel_does_not_count_as_heard_audio_of_an_answer_before_or_after_it() -> None:
    ear = Ear()
    ear.speaker.play_backchannel("b1", sound(100))
    ear.hear(5)
    assert ear.speaker.play("item", 0, sound(100)) == 1
    ear.hear(3)
    ear.speaker.cut()
    ear.hear(1)

    assert ear.told == [PlaybackCut((ItemHeard("item", 0, heard_ms=33, received_ms=100, is_complete=False),))]


def test_a_backchannel_starts_after_60_ms_of_audio_or_at_its_end() -> None:
    ear = Ear()
    ear.speaker.play_backchannel("b1", sound(59))
    assert ear.speaker.is_silent
    ear.speaker.finish_backchannel("another")
    assert ear.speaker.is_silent
    ear.speaker.finish_backchannel("b1")

    assert ear.hear(6) == [QUIET] * 59 * MS + [0] * MS


def test_a_stopped_backchannel_fades_within_3_ms_and_its_rest_is_dropped() -> None:
    ear = Ear()
    ear.speaker.play_backchannel("b1", sound(500))
    ear.hear(10)
    ear.speaker.stop_backchannel()
    fade = ear.hear(1)

    assert fade[0] == QUIET
    assert max(abs(step) for step in np.diff([*fade, 0])) <= 1.6 * QUIET / 72
    assert not ear.speaker.play_backchannel("b1", sound(500)), "the rest of it comes late"
    assert set(ear.hear(5)) == {0}
    assert ear.speaker.play_backchannel("b2", sound(100))
    assert set(ear.hear(10)) == {QUIET}


def test_a_backchannel_whose_beginning_was_dropped_does_not_start_in_the_middle() -> None:
    ear = Ear()
    ear.speaker.skip_backchannel("b1")

    assert not ear.speaker.play_backchannel("b1", sound(500))
    assert set(ear.hear(5)) == {0}
    assert ear.speaker.play_backchannel("b2", sound(100))
    assert set(ear.hear(10)) == {QUIET}


def test_a_cut_silences_a_backchannel_too() -> None:
    ear = Ear()
    ear.speaker.play_backchannel("b1", sound(500))
    ear.hear(10)
    ear.speaker.cut()
    ear.hear(1)

    assert set(ear.hear(5)) == {0}


def test_stopping_without_a_backchannel_does_nothing() -> None:
    ear = Ear()
    ear.speaker.stop_backchannel()
    ear.speaker.play_backchannel("b1", sound(10))
    ear.speaker.stop_backchannel()

    assert set(ear.hear(3)) == {0}


def test_backchannels_without_an_id_still_play_after_one_was_stopped() -> None:
    mixer = BackchannelMixer()
    assert mixer.push("", sound(100))
    mixer.stop()

    assert mixer.push("", sound(100))


def test_at_most_3_s_of_backchannels_are_queued() -> None:
    ear = Ear()
    for number in range(100):
        ear.speaker.play_backchannel(f"b{number}", sound(100))

    assert set(ear.hear(300)) == {QUIET}
    assert set(ear.hear(10)) == {0}


def test_a_sample_split_across_two_pieces_is_joined_but_never_across_backchannels() -> None:
    mixer = BackchannelMixer()
    whole = sound(100, level=0x0102)
    mixer.push("b1", whole[:2401])
    mixer.push("b1", whole[2401:] + b"\x7f")
    mixer.push("b2", sound(50, level=0x0102))
    out = np.zeros(150 * MS, np.int16)
    mixer.mix_into(out, 1.0)

    assert set(out.tolist()) == {0x0102}
    assert mixer.is_idle


@pytest.mark.parametrize("level", [32_767, -32_768])
def test_a_backchannel_over_full_scale_audio_clips_and_does_not_wrap(level: int) -> None:
    mixer = BackchannelMixer()
    mixer.push("b1", sound(100, level))
    out = np.full(PERIOD, level, np.int16)
    mixer.mix_into(out, 1.0)

    assert set(out.tolist()) == {level}


class Amplifier:
    """A mute pin."""

    is_muted = False

    def mute(self) -> None:
        self.is_muted = True

    def release(self) -> None:
        self.is_muted = False


def test_after_a_cut_the_amplifier_is_unmuted_in_time_for_a_whole_backchannel() -> None:
    amplifier = Amplifier()
    speaker = Speaker(lambda _fact: None, prefill_ms=0, volume_percent=100, earcon_percent=0, amplifier=amplifier)
    speaker.play("item", 0, sound(500))
    speaker.callback(None, PERIOD, None, 0)
    speaker.cut()
    assert amplifier.is_muted
    speaker.callback(None, PERIOD, None, 0)
    speaker.play_backchannel("b1", sound(100))

    heard = 0
    for _ in range(30):
        samples = np.frombuffer(speaker.callback(None, PERIOD, None, 0)[0], "<i2")
        assert not (samples.any() and amplifier.is_muted)
        heard += int(np.count_nonzero(samples))
    assert heard == 100 * MS
