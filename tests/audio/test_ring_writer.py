"""What a card emits that is quicker than the rendering, as a card before cold caches or on a busy machine is."""

import numpy as np
import pytest

from edgevoice.core.facts import PlaybackCut
from edgevoice.core.orders import Earcon
from tests.audio.fake_ring import DEPTH, MARGIN, MS, Ear, Pin, Samples, level, numbers

LATE = [MARGIN + 60, 50, 70]
"""How far the card moves on before each of three writes: further than its margin."""


def is_emitted(ear: Ear) -> bool:
    """Return whether the echo canceller was given exactly what the card emitted."""
    given = np.concatenate(ear.reference.pieces)
    emitted = np.array(ear.card.tape, np.int16)
    return bool((given[: len(emitted)] == emitted[: len(given)]).all()) and not emitted[len(given) :].any()


def ear_at_rest() -> Ear:
    ear = Ear()
    ear.hear(100)
    return ear


def answering(sound: bytes = level(1000)) -> Ear:
    ear = ear_at_rest()
    ear.speaker.play("item", 0, sound)
    ear.hear(200)
    return ear


def cut_of(ear: Ear) -> PlaybackCut:
    (cut,) = ear.told
    assert isinstance(cut, PlaybackCut)
    return cut


@pytest.mark.parametrize("rests", [True, False])
def test_no_sample_of_a_first_sound_is_lost_however_long_it_takes_to_render(*, rests: bool) -> None:
    ear = Ear(rests=rests, prefill_ms=80)
    ear.hear(100)
    ear.card.delays = [*LATE, 9]
    for piece in range(4):
        ear.speaker.play("item", 0, numbers(1 + piece * 30 * MS, 30))
        ear.hear(3)

    ear.hear(80)

    sound = np.array(ear.card.tape)
    first = int(np.flatnonzero(sound)[0])
    assert sound[first:].tolist() == list(range(1, 1 + len(sound) - first))
    assert ear.speaker.underflows == 0
    assert is_emitted(ear)


def test_an_earcon_after_silence_is_heard_from_its_first_sample_on() -> None:
    ear = Ear()
    ear.speaker.play_earcon(Earcon.MUTED)
    expected = ear.hear(300)
    other = ear_at_rest()
    other.card.delays = list(LATE)

    other.speaker.play_earcon(Earcon.MUTED)
    heard = other.hear(300)

    assert heard[np.flatnonzero(heard)[0] :][: 100 * MS].tolist() == (
        expected[np.flatnonzero(expected)[0] :][: 100 * MS].tolist()
    )
    assert is_emitted(other)


def test_an_answer_that_ran_dry_in_the_card_goes_on_with_the_sample_that_comes_next() -> None:
    ear = answering(numbers(1, 1000))
    for _ in range(ear.card.end - len(ear.card.tape) + 300):
        ear.card.emit()
    lost_at = len(ear.card.tape)
    rendered = int(ear.card.memory[(ear.card.end - 1) % len(ear.card.memory)])
    ear.card.delays = list(LATE)

    ear.needed = ear.speaker.feed(ear.card)
    ear.hear(60)

    after = np.array(ear.card.tape[lost_at + sum(LATE) :])
    begin = int(np.flatnonzero(after == rendered + 1)[0])
    assert (np.diff(after[begin:]) == 1).all()
    assert ear.speaker.underflows == 1


def click(samples: Samples) -> int:
    return int(np.abs(np.diff(samples.astype(int))).max())


@pytest.mark.parametrize("delays", [[], [MARGIN], [MARGIN + 1], LATE, [100] * 6])
def test_a_cut_fades_from_where_the_card_is_by_then_and_reports_exactly_that(delays: list[int]) -> None:
    ear = answering()
    begin = len(ear.card.tape)
    ear.card.delays = list(delays)

    ear.speaker.cut()
    ear.hear(100)

    heard = np.array(ear.card.tape[begin:], np.int16)
    assert click(heard) < 1.6 * 10_000 / (2 * MS), "no click"
    emitted = np.count_nonzero(np.array(ear.card.tape))
    assert cut_of(ear).items[0].heard_ms * MS == emitted
    assert is_emitted(ear)


def test_a_card_that_is_quicker_again_and_again_is_silent_all_the_same() -> None:
    ear = answering()
    ear.card.delays = [400] * 8

    ear.speaker.cut()
    ear.hear(100)

    assert not ear.hear(300).any()
    assert cut_of(ear).items[0].item_id == "item"


def test_a_first_sound_on_a_card_that_is_always_quicker_is_written_where_it_can_be() -> None:
    ear = ear_at_rest()
    ear.card.delays = [500] * 8

    ear.speaker.play("item", 0, level(500))

    assert ear.hear(100).any()


def test_a_cut_of_a_lowered_voice_fades_from_where_that_is() -> None:
    ear = answering()
    ear.speaker.duck()
    ear.hear(6)
    begin = len(ear.card.tape)
    ear.card.delays = [MARGIN + 30]

    ear.speaker.cut()
    ear.hear(100)

    heard = np.array(ear.card.tape[begin:], np.int16)
    assert (np.diff(heard.astype(int)) <= 0).all()
    assert click(heard) < 1.6 * 10_000 / (2 * MS)
    assert is_emitted(ear)


def test_a_cut_between_two_items_counts_each() -> None:
    ear = ear_at_rest()
    ear.speaker.play("first", 0, level(198))
    ear.speaker.finish_item("first")
    ear.speaker.play("second", 0, level(500))
    ear.hear(200)

    ear.speaker.cut()
    ear.hear(100)

    emitted = int(np.count_nonzero(np.array(ear.card.tape)))
    (second,) = cut_of(ear).items
    assert (second.item_id, 198 + second.heard_ms) == ("second", emitted // MS)


@pytest.mark.parametrize("other", ["earcon", "clip"])
def test_what_sounds_beside_a_cut_answer_goes_on(other: str) -> None:
    ear = answering(level(1000, 1000))
    if other == "earcon":
        ear.speaker.play_earcon(Earcon.MUTED)
    else:
        ear.speaker.learn_clip("a", np.full(400 * MS, 5000, np.int16))
        ear.speaker.play_clip("a", has_chime=False)
    ear.hear(60)

    ear.speaker.cut()
    ear.hear(20)

    assert ear.hear(100).any()
    assert is_emitted(ear)


def test_a_backchannel_over_the_answer_is_cut_with_it() -> None:
    ear = answering(level(1000, 1000))
    ear.speaker.play_backchannel("b", level(300, 3000))
    ear.hear(60)

    ear.speaker.cut()
    ear.hear(20)

    assert not ear.hear(100).any()
    assert is_emitted(ear)


def test_a_cut_in_the_last_milliseconds_of_an_answer_is_reported() -> None:
    ear = ear_at_rest()
    ear.speaker.play("item", 0, level(200))
    ear.hear(197)

    ear.speaker.cut()
    ear.hear(100)

    emitted = np.count_nonzero(np.array(ear.card.tape))
    assert cut_of(ear).items[0].heard_ms == emitted // MS


def test_what_was_rendered_again_for_a_first_sound_releases_the_amplifier_once() -> None:
    pin = Pin()
    ear = Ear(amplifier=pin)
    ear.speaker.play("item", 0, level(500))
    ear.hear(100)
    ear.speaker.cut()
    ear.hear(200)
    ear.card.delays = list(LATE)

    ear.speaker.play("next", 0, numbers(1, 300))
    heard = ear.hear(150)

    assert pin.told == ["mute", "release"]
    first = int(np.flatnonzero(heard)[0])
    assert heard[first : first + 100 * MS].tolist() == list(range(1, 1 + 100 * MS))


def test_a_thread_that_is_late_by_more_than_half_of_what_the_card_takes_leaves_no_hole() -> None:
    ear = answering(numbers(1, 1000))
    while ear.needed is not None and ear.needed > len(ear.card.tape) + MARGIN:
        ear.card.emit()
    for _ in range(DEPTH * 3 // 5):
        ear.card.emit()

    ear.needed = ear.speaker.feed(ear.card)
    ear.hear(100)

    sound = np.array(ear.card.tape)
    assert (np.diff(sound[sound > 0]) == 1).all()
    assert ear.speaker.underflows == 0


def test_a_card_that_was_lost_just_before_a_change_is_not_written() -> None:
    ear = answering()
    ear.speaker.detach(len(ear.card.tape) + MARGIN)
    writes = ear.card.writes

    with ear.speaker._writer.changing(is_cut=True) as faded:
        assert faded is None

    assert ear.card.writes == writes
