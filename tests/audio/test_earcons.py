"""Status sounds: they begin and end without a click, and never wrap."""

from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgevoice.audio.earcons import EarconMixer, render
from edgevoice.core.lights import FAULT_EARCONS
from edgevoice.core.orders import Earcon
from edgevoice.core.sound.rates import FAR_END_HZ
from edgevoice.settings.sound import SpeakerSettings

Samples = npt.NDArray[np.int16]


def mixed(mixer: EarconMixer, pieces: list[int], level: int = 0) -> Samples:
    """Return the mixer's output for blocks of these lengths, all of one level."""
    out = []
    for length in pieces:
        samples = np.full(length, level, np.int16)
        mixer.mix_into(samples)
        out.append(samples)
    return np.concatenate(out)


@pytest.mark.parametrize("earcon", list(Earcon))
def test_an_earcon_fades_in_from_silence_and_out_to_silence(earcon: Earcon) -> None:
    sound = render(earcon).astype(int)

    assert sound[0] == sound[-1] == 0
    # In the first and last millisecond of its 8 ms fades it has at most an eighth of its amplitude.
    millisecond = FAR_END_HZ // 1000
    assert np.abs(sound[:millisecond]).max() <= 0.8 * 32768 / 8
    assert np.abs(sound[-millisecond:]).max() <= 0.8 * 32768 / 8


@pytest.mark.parametrize("earcon", list(Earcon))
def test_an_earcon_is_short_and_only_a_ring_is_as_loud_as_can_be(earcon: Earcon) -> None:
    sound = render(earcon).astype(int)

    loudest = 0.8 if earcon is Earcon.TIMER else 0.32
    assert 0.9 * loudest * 32768 < np.abs(sound).max() <= loudest * 32768
    assert 0.1 < len(sound) / FAR_END_HZ < 2


def notes_of(earcon: Earcon) -> list[float]:
    """Return the pitch of each note that is heard, in semitones above middle C."""
    sound = render(earcon).astype(float)
    # 2.4 ms hold half a wave of the lowest note, and the fades between two notes last longer.
    is_loud = np.lib.stride_tricks.sliding_window_view(np.abs(sound), 58).max(axis=1) > 0.25 * np.abs(sound).max()
    edges = np.flatnonzero(np.diff(is_loud.astype(int), prepend=0, append=0))
    pieces = [sound[begin:end] for begin, end in edges.reshape(-1, 2)]
    return [12 * np.log2(np.argmax(np.abs(np.fft.rfft(piece, 48_000))) / 2 / 261.63) for piece in pieces]


def test_any_two_earcons_differ_in_their_number_of_notes_or_by_a_minor_third() -> None:
    heard = {earcon: notes_of(earcon) for earcon in set(Earcon) - FAULT_EARCONS}

    assert [len(heard[each]) for each in (Earcon.VOLUME, Earcon.MUTED, Earcon.APPROVAL, Earcon.TIMER)] == [1, 2, 3, 6]
    for first, second in combinations(heard.values(), 2):
        differences = [abs(one - other) for one, other in zip(first, second, strict=False)]
        assert len(first) != len(second) or max(differences) > 2.8, heard


def test_a_fault_without_words_sounds_as_an_error() -> None:
    assert {render(earcon).tobytes() for earcon in FAULT_EARCONS} == {render(Earcon.ERROR).tobytes()}


@pytest.mark.parametrize("earcon", list(Earcon))
def test_every_earcon_is_in_one_key(earcon: Earcon) -> None:
    sound = render(earcon).astype(float)
    pitches = set()
    for at in range(0, len(sound) - 1200, 240):
        piece = sound[at : at + 1200] * np.hanning(1200)
        if np.abs(piece).max() > 3000:
            pitches.add(round(12 * np.log2(np.argmax(np.abs(np.fft.rfft(piece, 48_000))) / 2 / 261.63)) % 12)

    assert pitches <= {0, 2, 4, 7, 9}, "C, D, E, G and A"


def test_at_the_same_volume_an_earcon_is_softer_than_a_voice() -> None:
    """A voice of a service has some -20 dB of full scale, RMS, while it speaks; a sine 3 dB less than its peak."""
    for earcon in set(Earcon) - {Earcon.TIMER}:
        sound = render(earcon).astype(float)
        gain = (SpeakerSettings().earcon_percent / SpeakerSettings().volume_percent) ** 2
        rms_db = 20 * np.log10(np.sqrt(np.mean(sound[np.abs(sound) > 0] ** 2)) * gain / 32768)
        assert rms_db < -20, earcon


def test_spoken_notices_are_as_loud_as_an_answer_and_never_inaudible() -> None:
    spoken = np.full(100, 10_000, np.int16)
    mixer = EarconMixer(0.2)
    mixer.learn(Earcon.BUDGET_SPENT, spoken)

    for answer_gain, level in ((0.5, 5000), (0.0, 2000)):
        mixer.play(Earcon.BUDGET_SPENT, answer_gain)
        assert mixed(mixer, [100]).tolist() == [level] * 100
    mixer.play(Earcon.SESSION_SPENT, 0.5)
    assert np.array_equal(mixed(mixer, [2400]), (render(Earcon.SESSION_SPENT) * 0.2).astype(np.int16)[:2400])


@pytest.mark.parametrize("level", [32767, 20000, -20000, -32768])
def test_an_earcon_over_loud_speech_clips_and_never_wraps(level: int) -> None:
    mixer = EarconMixer(1.0)
    mixer.play(Earcon.TIMER)
    sound = render(Earcon.TIMER)

    out = mixed(mixer, [len(sound)], level)

    assert np.array_equal(out, np.clip(sound.astype(int) + level, -32768, 32767))


@given(st.lists(st.integers(1, 4000), min_size=1, max_size=12))
def test_no_sample_is_lost_or_doubled_for_any_split_into_periods(pieces: list[int]) -> None:
    mixer = EarconMixer(0.5)
    mixer.play(Earcon.UNMUTED)
    sound = (render(Earcon.UNMUTED) * 0.5).astype(np.int16)

    out = mixed(mixer, [*pieces, len(sound)])

    assert np.array_equal(out[: len(sound)], sound)
    assert not out[len(sound) :].any()
    assert mixer.is_idle


def test_a_second_earcon_begins_with_the_sample_after_the_first() -> None:
    mixer = EarconMixer(1.0)
    mixer.play(Earcon.MUTED)
    mixer.play(Earcon.ERROR)
    both = np.concatenate([render(Earcon.MUTED), render(Earcon.ERROR)])

    assert np.array_equal(mixed(mixer, [len(both) + 500])[: len(both)], both)


def test_earcons_without_end_are_not_heard_for_minutes_and_the_last_of_them_is_heard() -> None:
    mixer = EarconMixer(1.0)
    mixer.play(Earcon.DONE)
    mixed(mixer, [100])  # it has begun
    for _ in range(50):
        mixer.play(Earcon.MUTED)
        mixer.play(Earcon.UNMUTED)
    heard = mixed(mixer, [20 * FAR_END_HZ])
    muted, unmuted = render(Earcon.MUTED), render(Earcon.UNMUTED)
    expected = np.concatenate([render(Earcon.DONE)[100:], unmuted, muted, unmuted, muted, unmuted])

    assert np.array_equal(heard[: len(expected)], expected)
    assert not heard[len(expected) :].any()


def test_stopping_silences_the_mixer_and_drops_queued_earcons() -> None:
    mixer = EarconMixer(1.0)
    mixer.play(Earcon.TIMER)
    mixer.play(Earcon.TIMER)
    mixed(mixer, [1000])
    assert not mixer.is_idle

    mixer.stop()

    assert mixer.is_idle
    assert not mixed(mixer, [50_000]).any()


def test_earcons_have_their_own_loudness() -> None:
    quiet, silent = EarconMixer(0.25), EarconMixer(0.0)
    for mixer in (quiet, silent):
        mixer.play(Earcon.MUTED)
    length = len(render(Earcon.MUTED))

    assert np.abs(mixed(quiet, [length]).astype(int)).max() == pytest.approx(0.08 * 32767, rel=0.05)
    assert not mixed(silent, [length]).any()
