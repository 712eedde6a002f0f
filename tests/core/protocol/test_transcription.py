"""The user's words, from services that transcribe them in either way, expected or not."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from edgevoice.core.protocol.transcript import LONGEST
from edgevoice.core.protocol.transcription import Transcription
from tests.steps import steps_of

INCREMENTS = {
    "OpenAI's tokens": ["What", " time", " is", " it", " in", " Os", "lo", "?"],
    "spaces behind": ["What ", "time ", "is ", "it ", "in ", "Oslo?"],
    "phrases": ["Set a timer", " for ten minutes", " please"],
    "a word said again": ["It", " is", " very", " very", " very", " late"],
    "a word that begins another": ["I", " see", " some", " something"],
    "a word that begins another, spaces behind": ["I ", "see ", "some ", "something"],
    "no spaces": ["今日", "の", "天気", "は", "どう", "ですか"],
    "one alone": ["Stop."],
    "a space first": [" What", " time", " is", " it"],
    "an empty one": ["What", "", " time"],
}
REWRITES = {
    "growing": ["set", "set a", "set a timer", "set a timer for ten minutes"],
    "another case": ["light on", "Lights on", "Lights on, and what time is it?"],
    "shorter in the end": ["set a timer for ten", "set a timer", "Set a timer."],
    "other words first": ["hay Jarvis", "Hey Jarvis, what", "Hey Jarvis, what time is it?"],
    "something else altogether": ["uh", "what", "what time", "What time is it?"],
    "letter by letter": ["W", "Wh", "What", "What t", "What time"],
    "no spaces": ["今日", "今日の天気", "今日の天気はどうですか"],
    "one alone": ["Stop."],
    "the same again": ["what time", "what time", "what time is it", "What time is it?"],
    "a space first": [" what", " what time", " what time is it"],
}


def written(deltas: list[str], *, rewrites: bool) -> list[str]:
    transcription = Transcription(rewrites=rewrites)
    return [transcription.add("u1", delta) for delta in deltas]


@pytest.mark.parametrize("name", INCREMENTS)
def test_expected_increments_are_joined(name: str) -> None:
    deltas = INCREMENTS[name]

    assert written(deltas, rewrites=False) == ["".join(deltas[: end + 1]).strip() for end in range(len(deltas))]


@pytest.mark.parametrize("name", REWRITES)
def test_an_expected_rewrite_replaces_the_previous_one(name: str) -> None:
    deltas = REWRITES[name]

    assert written(deltas, rewrites=True) == [delta.strip() for delta in deltas]


@pytest.mark.parametrize("name", sorted(set(INCREMENTS) - {"a space first"}))
def test_unexpected_increments_are_joined_by_the_end_of_the_turn(name: str) -> None:
    deltas = INCREMENTS[name]

    assert written(deltas, rewrites=True)[-1] == "".join(deltas).strip()


@pytest.mark.parametrize("name", sorted(set(REWRITES) - {"something else altogether"}))
def test_unexpected_rewrites_replace_by_the_end_of_the_turn(name: str) -> None:
    assert written(REWRITES[name], rewrites=False)[-1] == REWRITES[name][-1].strip()


@pytest.mark.parametrize("rewrites", [False, True])
@pytest.mark.parametrize("name", sorted(set(INCREMENTS) - {"one alone"}))
def test_after_the_first_turn_increments_are_joined_from_the_first_delta_on(name: str, *, rewrites: bool) -> None:
    transcription = Transcription(rewrites=rewrites)
    for delta in INCREMENTS[name]:
        transcription.add("u1", delta)
    transcription.complete("u1", "".join(INCREMENTS[name]).strip())

    assert [transcription.add("u2", delta) for delta in ("Never", "theless", " go")] == [
        "Never",
        "Nevertheless",
        "Nevertheless go",
    ]


@pytest.mark.parametrize("rewrites", [False, True])
@pytest.mark.parametrize("name", sorted(set(REWRITES) - {"one alone"}))
def test_after_the_first_turn_rewrites_replace_from_the_first_delta_on(name: str, *, rewrites: bool) -> None:
    transcription = Transcription(rewrites=rewrites)
    for delta in REWRITES[name]:
        transcription.add("u1", delta)
    transcription.complete("u1", f"{REWRITES[name][-1]} ")

    assert [transcription.add("u2", delta) for delta in ("an", "On", "On with it")] == ["an", "On", "On with it"]


@pytest.mark.parametrize(
    ("deltas", "words"),
    [
        (["time", "timely"], "timely"),
        (["tim", "timely"], "timtimely"),
        (["ti", "timely"], "titimely"),
        (["今日", "今日の"], "今日の"),
        (["今", "今日"], "今今日"),
        (["今a", "今ab"], "今a今ab"),
        (["um", "what tim", "what time is"], "what time is"),
        (["set a timer", "set an alarm"], "set an alarm"),
        (["set a timers", "set an alarm"], "set a timersset an alarm"),
        (["I ", "see", "seen"], "I seeseen"),
        (["so", "some", "something"], "sosomesomething"),
        (["so", "some", "some thing"], "some thing"),
        (["this one", "this", "thistle"], "thistle"),
    ],
)
def test_a_delta_replaces_the_one_before_if_more_than_chance_makes_them_alike(deltas: list[str], words: str) -> None:
    assert written(deltas, rewrites=False)[-1] == words


def test_three_deltas_in_a_row_that_begin_unlike_the_one_before_are_increments() -> None:
    assert written(["ab", "cd", "ef", "gh", "ij"], rewrites=True) == ["ab", "cd", "ef", "abcdefgh", "abcdefghij"]
    assert written(["ab", "cd", "ef", "eg", "hi", "jk"], rewrites=True)[-1] == "jk"
    assert written(["ab", "cd", "ef", "eg", "hi", "jk", "lm"], rewrites=True)[-1] == "abcdefeghijklm"


@pytest.mark.parametrize(
    ("deltas", "complete", "rewrites", "then"),
    [
        (["ab", "cd"], "cd", False, "f"),
        (["uh", "what time"], "What time is it?", False, "f"),
        (["ab", "cd"], "Abcd.", True, "ef"),
        (["ab", "cd"], "xyz", True, "f"),
        (["ab", "cd"], "xyz", False, "ef"),
        (["ab"], "abcd", False, "ef"),
        (["…", "ab"], "ab", True, "f"),
        ([], "abcd", False, "ef"),
    ],
)
def test_the_complete_transcript_shows_whether_deltas_were_increments(
    deltas: list[str], complete: str, then: str, *, rewrites: bool
) -> None:
    transcription = Transcription(rewrites=rewrites)
    for delta in deltas:
        transcription.add("u1", delta)
    transcription.complete("u1", complete)
    transcription.add("u2", "e")

    assert transcription.add("u2", "f") == then


def test_a_delta_after_the_complete_transcript_may_repeat_all_of_it() -> None:
    transcription = Transcription(rewrites=False)
    transcription.complete("u1", "time")

    assert transcription.add("u1", "timely") == "timely"


def test_of_several_that_are_complete_the_last_one_counts_and_what_comes_then_goes_on_from_it() -> None:
    transcription = Transcription(rewrites=False)
    transcription.add("u1", "set")

    assert transcription.complete("u1", " Set a timer ") == "Set a timer"
    assert transcription.complete("u1", "Set a timer for ten") == "Set a timer for ten"
    assert transcription.add("u1", " minutes") == "Set a timer for ten minutes"


def test_turns_are_not_mixed_up_and_the_oldest_are_forgotten() -> None:
    transcription = Transcription(rewrites=False)
    for number in range(9):
        transcription.add(f"u{number}", f"{number}")

    assert transcription.add("u8", " and") == "8 and"
    assert transcription.add("u1", " and") == "1 and"
    assert transcription.add("u0", " and") == "and"


@pytest.mark.parametrize("rewrites", [False, True])
@given(deltas=st.lists(st.text(max_size=5) | st.sampled_from(["a", " a", "ab", "what time", "what time is", " it"])))
def test_whatever_comes_is_bounded_and_all_or_the_last_of_it(deltas: list[str], *, rewrites: bool) -> None:
    joined = "".join(deltas)

    for words in written(deltas, rewrites=rewrites):
        assert words in joined


@pytest.mark.parametrize("rewrites", [False, True])
def test_endless_words_are_limited(*, rewrites: bool) -> None:
    transcription = Transcription(rewrites=rewrites)
    lengths = [len(transcription.add("u1", "word " * 1000)) for _ in range(30)]

    assert max(lengths) == (4999 if rewrites else LONGEST - 1)
    assert len(Transcription(rewrites=rewrites).add("u2", "x" * 2 * LONGEST)) == LONGEST
    assert len(transcription.complete("u1", "x" * 2 * LONGEST)) == LONGEST


@pytest.mark.parametrize("rewrites", [False, True])
def test_a_delta_costs_no_more_behind_many_words_than_behind_few(*, rewrites: bool) -> None:
    def steps(words: str) -> int:
        transcription = Transcription(rewrites=rewrites)
        transcription.add("u1", words)
        return steps_of(lambda: transcription.add("u1", f"{words} more" if rewrites else " more"))

    assert steps("x" * (LONGEST - 5)) == steps("x" * 300)


def test_increments_behind_a_rewrite_go_on_from_it() -> None:
    assert written(["what time", "what time is", " it"], rewrites=True)[-1] == "what time is it"
