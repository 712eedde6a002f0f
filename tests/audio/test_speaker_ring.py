"""The speaker on a card that can be rewound: what the converter emits, sample by sample."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgevoice.audio.earcons import render
from edgevoice.core.announcements import ClipCut, ClipPlayed
from edgevoice.core.facts import PlaybackCut, PlaybackDrained
from edgevoice.core.orders import Earcon
from tests.audio.fake_ring import DEPTH, FIRST, MARGIN, MOST_MARGIN, MS, SIZE, Card, Ear, Pin, level, numbers


@pytest.fixture
def ear() -> Ear:
    ear = Ear()
    ear.hear(100)
    return ear


def test_a_silent_card_is_left_to_itself_once_all_of_it_is_zeros(ear: Ear) -> None:
    writes = ear.card.writes

    assert not ear.hear(500).any()

    assert ear.needed is None
    assert ear.card.writes == writes


def test_a_card_that_does_not_run_free_is_fed_zeros() -> None:
    ear = Ear(rests=False)

    ear.hear(500)

    assert ear.needed is not None
    assert ear.card.end - len(ear.card.tape) > DEPTH // 3


def test_a_first_sound_after_silence_begins_within_5_ms(ear: Ear) -> None:
    ear.speaker.play("item", 0, numbers(1, 200))

    heard = ear.hear(100)

    assert not heard[:FIRST].any()
    assert heard[FIRST:].tolist() == list(range(1, 1 + 95 * MS))


def test_a_cut_fades_within_5_ms_and_reports_exactly_what_was_emitted(ear: Ear) -> None:
    ear.speaker.play("item", 0, level(1000))
    ear.hear(333.5)
    ear.speaker.cut()
    assert ear.told == [], "not before the card has emitted it"

    heard = ear.hear(100)

    assert (heard[:MARGIN] == 10_000).all()
    last = int(np.flatnonzero(heard)[-1])
    assert last < 5 * MS
    assert (np.diff(heard[MARGIN : last + 1].astype(int)) < 0).all()
    assert np.abs(np.diff(heard.astype(int))).max() < 1.6 * 10_000 / (2 * MS), "no click"
    (cut,) = ear.told
    assert isinstance(cut, PlaybackCut)
    emitted = np.count_nonzero(np.array(ear.card.tape))
    assert cut.items[0].heard_ms * MS == emitted


@pytest.mark.parametrize("heard_ms", range(60, 100))
def test_nothing_of_a_cut_answer_comes_again_from_the_ring(ear: Ear, heard_ms: int) -> None:
    ear.speaker.play("item", 0, level(1000))
    ear.hear(heard_ms)
    ear.speaker.cut()
    ear.hear(10)

    assert not ear.hear(3 * SIZE / MS).any()


def test_a_lowered_voice_falls_15_db_in_12_ms_and_loses_no_sample(ear: Ear) -> None:
    ear.speaker.play("item", 0, level(1000))
    ear.hear(200)
    ear.speaker.duck()

    heard = ear.hear(100)

    assert (heard[:MARGIN] == 10_000).all()
    assert heard[12 * MS :].tolist() == [1778] * (88 * MS)
    ear.speaker.restore()
    assert ear.hear(100)[12 * MS :].tolist() == [10_000] * (88 * MS)
    ear.speaker.finish()
    ear.hear(1000)
    assert np.count_nonzero(np.array(ear.card.tape)) == 1000 * MS


def test_the_end_is_reported_when_the_card_has_emitted_it_and_not_when_it_was_rendered(ear: Ear) -> None:
    ear.speaker.play("item", 0, numbers(1, 100))
    ear.speaker.finish()

    ear.hear(101)
    assert ear.told == []
    ear.hear(4)

    assert ear.told == [PlaybackDrained(burst=1)]


def test_audio_that_arrives_while_the_last_of_it_is_still_in_the_card_continues_without_a_gap(ear: Ear) -> None:
    ear.speaker.play("item", 0, numbers(1, 100))
    ear.hear(90)

    assert ear.speaker.play("item", 0, numbers(2401, 100)) is None, "no new burst"

    ear.hear(150)
    sound = np.array(ear.card.tape)
    sound = sound[sound > 0]
    assert sound.tolist() == list(range(1, 4801))
    assert ear.told == [PlaybackDrained(burst=1)]


def test_a_cut_in_the_last_milliseconds_comes_before_the_end_that_was_rendered_already(ear: Ear) -> None:
    ear.speaker.play("item", 0, level(100))
    ear.speaker.finish()
    ear.hear(80)
    ear.speaker.cut()

    ear.hear(100)

    (cut,) = ear.told
    assert isinstance(cut, PlaybackCut)
    assert cut.items[0].heard_ms * MS == np.count_nonzero(np.array(ear.card.tape))


def test_after_a_false_cut_the_answer_resumes_with_the_first_sample_that_was_not_heard(ear: Ear) -> None:
    ear.speaker.play("item", 0, numbers(1, 1000))
    ear.hear(150)
    ear.speaker.cut(keeps_rest=True)
    ear.hear(200)
    heard = int(np.array(ear.card.tape).astype(bool).sum())

    ear.speaker.resume()

    resumed = ear.hear(100)
    assert resumed[FIRST + 3 * MS] == heard + 3 * MS + 1, "after the fade of 3 ms"


def test_an_earcon_sounds_at_once_over_an_answer_and_goes_on_when_that_is_cut(ear: Ear) -> None:
    ear.speaker.play("item", 0, level(1000, 1000))
    ear.hear(100)
    ear.speaker.play_earcon(Earcon.MUTED)
    ear.hear(50)
    ear.speaker.cut()
    ear.hear(400)

    sound = render(Earcon.MUTED)
    tape = np.array(ear.card.tape)
    begin = 200 * MS + MARGIN
    assert (tape[begin : begin + 48 * MS] == np.minimum(sound[: 48 * MS].astype(int) + 1000, 32767)).all()
    assert (tape[begin + 60 * MS : begin + len(sound)] == sound[60 * MS :]).all()


def test_the_end_of_a_clip_and_its_cut_are_reported_when_they_are_heard(ear: Ear) -> None:
    ear.speaker.learn_clip("a", np.full(100 * MS, 5000, np.int16))
    ear.speaker.play_clip("a", has_chime=False)
    ear.hear(100)
    assert ear.told == []
    ear.hear(5)
    assert ear.told == [ClipPlayed("a")]

    ear.speaker.play_clip("a", has_chime=False)
    ear.hear(40)
    ear.speaker.play_earcon(Earcon.VOLUME)
    ear.hear(300)
    ear.speaker.play_clip("a", has_chime=False)
    ear.hear(43)
    ear.speaker.cut_clip()
    ear.hear(30)

    assert ear.told[-2] == ClipPlayed("a")
    assert isinstance(ear.told[-1], ClipCut)
    assert ear.told[-1].heard_ms == pytest.approx(43, abs=1)


def lose(ear: Ear) -> int:
    """Lose the card; return the last position at which it could be given other samples."""
    reach = ear.card.reach()
    assert reach is not None
    ear.speaker.feed(ear.card)
    ear.card.is_lost = True
    return reach


def test_what_a_lost_card_did_not_emit_is_played_by_the_next(ear: Ear) -> None:
    ear.speaker.play("item", 0, numbers(1, 500))
    ear.hear(100)
    reach = lose(ear)
    assert ear.speaker.feed(ear.card) is not None, "nothing is known of the card"
    ear.speaker.duck()
    ear.speaker.restore()
    ear.speaker.detach(reach)

    following = Card()
    begin = ear.speaker.attach(following)
    following.tape = [0] * begin
    ear.card = following
    ear.needed = ear.speaker.feed(following)
    heard = ear.hear(60)

    assert begin == reach
    assert heard[MARGIN] == 100 * MS + 1 + MARGIN - FIRST
    assert (np.diff(heard[MARGIN:].astype(int)) == 1).all()


def replace_card(ear: Ear, reach: int) -> None:
    ear.speaker.detach(reach)
    ear.card = Card()
    ear.card.tape = [0] * ear.speaker.attach(ear.card)
    ear.needed = ear.speaker.feed(ear.card)


def test_an_answer_that_is_cut_while_the_card_is_lost_stays_cut(ear: Ear) -> None:
    ear.speaker.play("item", 0, level(500))
    ear.hear(100)
    reach = lose(ear)
    ear.speaker.cut()
    replace_card(ear, reach)
    heard = ear.hear(100)

    assert not heard[10 * MS :].any()
    (cut,) = ear.told
    assert isinstance(cut, PlaybackCut)
    assert cut.items[0].heard_ms == pytest.approx(100, abs=1)


def test_a_ring_that_begins_while_the_card_is_lost_sounds_on_the_next(ear: Ear) -> None:
    ear.speaker.learn_clip("pasta", np.full(100 * MS, 5000, np.int16))
    reach = lose(ear)
    ear.speaker.play_ring("pasta", 0.0)
    replace_card(ear, reach)
    ear.hear(4000)

    assert ear.told == [ClipPlayed("pasta")]


def test_a_ring_that_begins_over_an_answer_while_the_card_is_lost_sounds_on_the_next(ear: Ear) -> None:
    ear.speaker.learn_clip("pasta", np.full(100 * MS, 5000, np.int16))
    ear.speaker.play("item", 0, level(500))
    ear.hear(100)
    reach = lose(ear)
    ear.speaker.play_ring("pasta", 0.0)
    replace_card(ear, reach)
    ear.hear(4000)

    assert ClipPlayed("pasta") in ear.told


def test_a_muted_amplifier_is_released_10_ms_before_the_next_sound() -> None:
    pin = Pin()
    ear = Ear(amplifier=pin)
    ear.hear(1200)
    ear.speaker.play("item", 0, level(1000))
    ear.hear(300)
    ear.speaker.cut()
    assert pin.told == ["mute"]
    assert np.count_nonzero(ear.hear(200)) <= MARGIN, "muted, it need not fade"

    ear.speaker.play("next", 0, level(500))
    assert pin.told == ["mute", "release"]
    heard = ear.hear(100)

    assert not heard[: FIRST + 10 * MS].any()
    assert (heard[FIRST + 10 * MS :] == 10_000).all()


def test_a_card_that_was_fed_too_late_is_an_underflow_and_the_answer_goes_on(ear: Ear) -> None:
    ear.speaker.play("item", 0, numbers(1, 1000))
    ear.hear(100)
    for _ in range(ear.card.end - len(ear.card.tape) + 300):
        ear.card.emit()
    rendered = ear.speaker.position

    ear.needed = ear.speaker.feed(ear.card)
    heard = ear.hear(50)

    assert ear.speaker.underflows == 1
    assert ear.speaker.position > rendered
    assert (np.diff(heard[MARGIN:].astype(int)) == 1).all()


def test_a_card_whose_margin_shrinks_between_two_changes_loses_no_report(ear: Ear) -> None:
    ear.speaker.play("item", 0, level(1000))
    ear.hear(100)
    ear.speaker.cut()
    ear.card.margin -= 5

    ear.speaker.play_earcon(Earcon.ERROR)
    ear.hear(100)

    (cut,) = ear.told
    assert isinstance(cut, PlaybackCut)


Operation = tuple[str, int]
OPERATIONS = st.one_of(
    st.tuples(st.just("hear"), st.integers(1, 1500)),
    st.tuples(st.just("push"), st.integers(1, 1200)),
    st.tuples(st.just("margin"), st.integers(1, MOST_MARGIN)),
    st.tuples(st.just("delay"), st.integers(1, 3 * MOST_MARGIN)),
    st.tuples(st.sampled_from(["cut", "keep", "resume", "drop", "finish", "earcon", "duck", "restore"]), st.just(0)),
)


def act(ear: Ear, name: str, count: int) -> None:
    match name:
        case "hear":
            ear.hear(count / MS)
        case "push":
            ear.speaker.play("item", 0, np.full(count, 30_000, "<i2").tobytes())
        case "margin":
            ear.card.margin = count
        case "delay":
            ear.card.delays = [count]
        case "cut" | "keep":
            ear.speaker.cut(keeps_rest=name == "keep")
        case "resume":
            ear.speaker.resume()
        case "drop":
            ear.speaker.drop()
        case "finish":
            ear.speaker.finish()
        case "earcon":
            ear.speaker.play_earcon(Earcon.VOLUME)
        case "duck":
            ear.speaker.duck()
        case _:
            ear.speaker.restore()


@given(st.lists(OPERATIONS, max_size=25))
@settings(max_examples=40, deadline=None)
def test_whatever_happens_the_echo_canceller_gets_what_the_card_emits(operations: list[Operation]) -> None:
    ear = Ear()
    for name, count in operations:
        act(ear, name, count)
    ear.hear(60)

    given = np.concatenate([np.zeros(0, np.int16), *ear.reference.pieces])
    emitted = np.array(ear.card.tape, np.int16)
    assert len(given) >= len(emitted) - 1 or not emitted[len(given) :].any()
    assert (given[: len(emitted)] == emitted[: len(given)]).all()


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("hear"), st.integers(1, 1500)),
            st.tuples(st.just("push"), st.integers(1, 2400)),
            st.tuples(st.just("margin"), st.integers(1, MOST_MARGIN)),
            st.tuples(st.just("delay"), st.integers(1, 3 * MOST_MARGIN)),
        ),
        max_size=20,
    ),
    st.lists(
        st.one_of(
            st.tuples(st.just("hear"), st.integers(1, 100)),
            st.tuples(st.just("margin"), st.integers(1, MOST_MARGIN)),
            st.tuples(st.sampled_from(["duck", "restore"]), st.just(0)),
        ),
        max_size=5,
    ),
)
@settings(max_examples=60, deadline=None)
def test_whatever_was_played_a_cut_reports_it_exactly(operations: list[Operation], then: list[Operation]) -> None:
    ear = Ear()
    ear.speaker.play("item", 0, np.full(3, 30_000, "<i2").tobytes())
    for name, count in operations:
        act(ear, name, count)
    ear.speaker.cut()
    for name, count in then:
        act(ear, name, count)
    ear.hear(60)

    (cut,) = [fact for fact in ear.told if isinstance(fact, PlaybackCut)]
    emitted = np.count_nonzero(np.array(ear.card.tape))
    assert cut.items[0].heard_ms == emitted // MS


def test_the_end_of_an_item_named_like_one_of_an_earlier_session_is_reported(ear: Ear) -> None:
    ear.speaker.play("item_4", 0, level(200))
    ear.speaker.finish()
    ear.hear(300)
    ear.told.clear()
    ear.speaker.play("item_4", 0, level(20))
    ear.hear(6)

    ear.speaker.finish()  # the link was lost

    heard = ear.hear(100)
    assert np.count_nonzero(np.array(ear.card.tape)) == 220 * MS
    assert heard.any()
    assert ear.told == [PlaybackDrained(2)]
