"""Rings and announcements at the speaker: what is heard of them, how loud, and what is reported."""

import numpy as np
import numpy.typing as npt
import pytest

from edgevoice.audio.clips import LONGEST_S
from edgevoice.audio.earcons import render
from edgevoice.audio.far_end_mixer import SpeakerFact, ring_percent_beside
from edgevoice.audio.speaker import PERIOD, Speaker
from edgevoice.core.announcements import ClipCut, ClipPlayed
from edgevoice.core.orders import Earcon
from edgevoice.core.sound.rates import FAR_END_HZ

Samples = npt.NDArray[np.int16]
CHIME, ALARM = len(render(Earcon.CHIME)), len(render(Earcon.TIMER))


class Ear:
    """A speaker that knows a clip of half a second, and what is heard of it."""

    def __init__(self, *, volume_percent: int = 100, ring_percent: int = 100) -> None:
        self.told: list[SpeakerFact] = []
        self.speaker = Speaker(
            self.told.append,
            prefill_ms=80,
            volume_percent=volume_percent,
            earcon_percent=100,
            ring_percent=ring_percent,
        )
        self.speaker.learn_clip("pasta", np.full(FAR_END_HZ // 2, 10_000, np.int16))

    def hear(self, periods: int) -> Samples:
        heard = [self.speaker.callback(None, PERIOD, {}, 0)[0] for _ in range(periods)]
        return np.frombuffer(b"".join(heard), "<i2")


def test_a_clip_is_played_once_and_its_end_is_reported() -> None:
    ear = Ear()
    ear.speaker.play_clip("pasta", has_chime=False)
    assert not ear.speaker.is_silent

    assert (ear.hear(50) == 10_000).all()
    assert ear.told == [ClipPlayed("pasta")]
    assert ear.speaker.is_silent


def test_a_chime_precedes_the_clip() -> None:
    ear = Ear()
    ear.speaker.play_clip("pasta", has_chime=True)

    heard = ear.hear(150)
    assert np.array_equal(heard[:CHIME], render(Earcon.CHIME))
    assert (heard[CHIME : CHIME + FAR_END_HZ // 2] == 10_000).all()


@pytest.mark.parametrize(("gain_db", "level"), [(0.0, 10_000), (-6.0, 5011), (-15.0, 1778)])
def test_a_ring_is_the_alarm_and_then_the_name_at_its_own_volume(gain_db: float, level: int) -> None:
    ear = Ear(volume_percent=0)
    ear.speaker.play_ring("pasta", gain_db)

    heard = ear.hear(300)
    factor = 10 ** (gain_db / 20)
    assert np.allclose(heard[:ALARM], render(Earcon.TIMER) * factor, atol=1)
    assert (heard[ALARM : ALARM + FAR_END_HZ // 2] == level).all()


def test_the_volume_of_rings_is_a_setting() -> None:
    ear = Ear(ring_percent=50)
    ear.speaker.play_ring("", 0.0)

    assert np.allclose(ear.hear(300)[:ALARM], render(Earcon.TIMER) * 0.25, atol=1)


def test_a_clip_that_the_speaker_does_not_know_makes_no_sound_but_ends() -> None:
    ear = Ear()
    ear.speaker.forget_clip("pasta")
    ear.speaker.forget_clip("pasta")
    ear.speaker.play_clip("pasta", has_chime=False)

    assert not ear.hear(2).any()
    assert ear.told == [ClipPlayed("pasta")]


def test_a_cut_fades_within_3_ms_and_reports_what_was_heard_of_the_clip() -> None:
    ear = Ear()
    ear.speaker.play_clip("pasta", has_chime=False)
    ear.hear(10)
    ear.speaker.cut_clip()

    fading = ear.hear(2)
    assert (np.diff(fading[:72].astype(int)) <= 0).all()
    assert not fading[72:].any()
    assert ear.told == [ClipCut("pasta", heard_ms=103)]


def test_of_a_clip_that_is_cut_in_its_chime_nothing_was_heard() -> None:
    ear = Ear()
    ear.speaker.play_clip("pasta", has_chime=True)
    ear.hear(3)
    ear.speaker.cut_clip()
    ear.hear(2)

    assert ear.told == [ClipCut("pasta", heard_ms=0)]


def test_a_ring_begins_once_the_clip_before_it_is_silent() -> None:
    ear = Ear()
    ear.speaker.play_clip("pasta", has_chime=False)
    ear.hear(10)
    ear.speaker.cut_clip()
    ear.speaker.play_ring("", -15.0)

    heard = ear.hear(300)
    assert np.allclose(heard[PERIOD : PERIOD + ALARM], render(Earcon.TIMER) * 10 ** (-15 / 20), atol=1)
    assert ear.told == [ClipCut("pasta", heard_ms=103), ClipPlayed("")]


def test_whatever_waits_behind_a_cut_is_cut_and_reported_too() -> None:
    ear = Ear()
    ear.speaker.play_ring("", 0.0)
    ear.hear(3)
    ear.speaker.play_clip("pasta", has_chime=False)
    ear.speaker.cut_clip()
    ear.speaker.cut_clip()

    assert not ear.hear(4)[72:].any()
    assert ear.told == [ClipCut("", heard_ms=0), ClipCut("pasta", heard_ms=0)]


def test_an_announcement_is_lowered_and_restored_without_a_click() -> None:
    ear = Ear()
    ear.speaker.play_clip("pasta", has_chime=False)
    ear.hear(5)
    ear.speaker.duck()
    lowered = ear.hear(5)
    ear.speaker.restore()
    restored = ear.hear(5)

    assert lowered[-1] == 1778
    assert restored[-1] == 10_000
    assert np.abs(np.diff(lowered.astype(int))).max() <= 42
    assert np.abs(np.diff(restored.astype(int))).max() <= 42


def test_an_announcement_waits_for_the_end_of_an_earcon() -> None:
    ear = Ear()
    ear.speaker.play_earcon(Earcon.MUTED)
    ear.speaker.play_clip("pasta", has_chime=False)
    periods = -(-len(render(Earcon.MUTED)) // PERIOD)

    ear.hear(periods)
    assert (ear.hear(50) == 10_000).all()


def test_a_ring_is_mixed_with_an_answer() -> None:
    ear = Ear()
    ear.speaker.play("item", 0, np.full(FAR_END_HZ, 1000, "<i2").tobytes())
    ear.speaker.play_ring("", 0.0)

    assert np.allclose(ear.hear(50)[:2400], render(Earcon.TIMER)[:2400].astype(int) + 1000, atol=1)


def test_a_clip_of_any_length_is_kept_within_bounds() -> None:
    ear = Ear()
    ear.speaker.learn_clip("long", np.zeros((LONGEST_S + 1) * FAR_END_HZ, np.int16))
    ear.speaker.play_clip("long", has_chime=False)
    ear.hear(1)

    assert len(ear.speaker._clips._playing[0].samples) == LONGEST_S * FAR_END_HZ


@pytest.mark.parametrize(
    ("earcons", "rings", "now", "expected"),
    [
        (40, 70, 40, 70),
        (40, 70, 20, 35),
        (40, 70, 50, 88),
        (40, 70, 100, 100),
        # What somebody has set rings, however soft the earcons are.
        (40, 70, 0, 20),
        (40, 10, 0, 10),
        (0, 70, 30, 70),
    ],
)
def test_rings_go_up_and_down_with_the_earcons(earcons: int, rings: int, now: int, expected: int) -> None:
    assert ring_percent_beside(now, (earcons, rings)) == expected


def test_a_ring_has_the_volume_that_was_set_by_hand() -> None:
    ear = Ear(ring_percent=80)
    ear.speaker.earcon_percent = 50
    ear.speaker.play_ring("pasta", 0.0)

    heard = ear.hear(200)
    assert heard[ALARM + 1000] == pytest.approx(10_000 * 0.4**2, abs=1)
