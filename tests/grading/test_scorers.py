"""Each scorer says 1 to a conversation that is right, and less, with the reason, to one that is not."""

from typing import Any

import pytest

from edgevoice.grading.held import AnswerCut, Exchange, HeldConversation, RecordedCall
from edgevoice.grading.scenarios import (
    AskJudge,
    CalledTool,
    Cost,
    CutToSilence,
    DidNotCall,
    HeardExact,
    Includes,
    Matches,
    Prices,
    Scorer,
    Similarity,
    TimeToSound,
    ToolOrder,
    WordErrorRate,
)
from edgevoice.grading.scorers import Score, score


def held(*exchanges: Exchange, **more: Any) -> HeldConversation:
    return HeldConversation(exchanges=exchanges, **more)


def exchange(said: str = "What time is it?", **more: Any) -> Exchange:
    return Exchange(said=said, **more)


def cut(*, reported_ms: int = 1600, sounded_ms: float | None = 1600.0, silent_after_s: float = 0.02) -> AnswerCut:
    return AnswerCut(decided_s=5.0, silent_s=5.0 + silent_after_s, reported_ms=reported_ms, sounded_ms=sounded_ms)


def calls(*names: str) -> HeldConversation:
    return held(exchange(calls=tuple(RecordedCall(name, "{}") for name in names)))


# --- times -----------------------------------------------------------------------------------------------------------


def test_time_to_sound_is_the_longest_wait_for_an_answer() -> None:
    talk = held(exchange(spoken_s=1.0, sounded_s=1.5), exchange(spoken_s=4.0, sounded_s=5.0))

    assert score(TimeToSound(within_s=1.0), talk) == Score(scorer="time_to_sound", value=1.0, figure=1.0, unit="s")
    assert score(TimeToSound(), talk) == Score(scorer="time_to_sound", figure=1.0, unit="s")


def test_an_answer_that_is_twice_as_late_as_it_may_be_scores_half() -> None:
    found = score(TimeToSound(within_s=0.5), held(exchange(spoken_s=4.0, sounded_s=5.0)))

    assert (found.value, found.reason) == (0.5, "above 0.5 s")


def test_no_answer_scores_zero_however_fast_the_others_were() -> None:
    found = score(TimeToSound(within_s=1.0), held(exchange(spoken_s=1.0, sounded_s=1.1), exchange(spoken_s=4.0)))

    assert (found.value, found.reason) == (0.0, "1 without an answer")


def test_cut_to_silence_is_the_longest_of_all_cuts() -> None:
    talk = held(exchange(cuts=(cut(),)), exchange(cuts=(cut(silent_after_s=0.08),)), exchange())

    assert score(CutToSilence(within_ms=100), talk) == Score(scorer="cut_to_silence", value=1.0, figure=80.0, unit="ms")
    assert score(CutToSilence(within_ms=40), talk).value == 0.5


def test_an_answer_that_was_not_cut_at_all_scores_zero() -> None:
    assert score(CutToSilence(), held(exchange())).value == 0.0
    assert score(HeardExact(), held(exchange())).reason == "no answer was cut"


@pytest.mark.parametrize("reported_ms", [1600, 1601, 1599])
def test_heard_exact_allows_the_millisecond_in_which_a_service_counts(reported_ms: int) -> None:
    assert score(HeardExact(), held(exchange(cuts=(cut(reported_ms=reported_ms),)))).value == 1.0


@pytest.mark.parametrize(
    ("reported_ms", "reason"), [(1900, "reported 300 ms too much"), (1500, "reported 100 ms too little")]
)
def test_heard_exact_says_how_wrong_a_report_is(reported_ms: int, reason: str) -> None:
    talk = held(exchange(cuts=(cut(),)), exchange(cuts=(cut(reported_ms=reported_ms),)))

    assert (score(HeardExact(), talk).value, score(HeardExact(), talk).reason) == (0.0, reason)


def test_a_card_that_lost_sound_proves_nothing_about_the_report() -> None:
    wrong = score(HeardExact(), held(exchange(cuts=(cut(reported_ms=1605),)), xruns=2))

    assert wrong.value is None
    assert wrong.reason == "not known: the card lost sound 2 times, because this machine is too busy"
    assert score(HeardExact(), held(exchange(cuts=(cut(sounded_ms=None),)), xruns=2)).value is None
    assert score(HeardExact(), held(exchange(cuts=(cut(),)), xruns=2)).value == 1.0


def test_what_was_not_found_on_the_tape_is_not_taken_for_exact() -> None:
    assert score(HeardExact(), held(exchange(cuts=(cut(sounded_ms=None),)))).value == 0.0


# --- words -----------------------------------------------------------------------------------------------------------


def test_words_are_compared_without_case_and_punctuation() -> None:
    found = score(WordErrorRate(), held(exchange("What's the time?", heard="what\u2019s the time")))

    assert (found.value, found.figure) == (1.0, 0.0)


def test_the_word_error_rate_counts_over_all_that_was_said() -> None:
    talk = held(
        exchange("set a timer", heard="set the timer"),
        exchange("tell me the time", heard="tell me the time now"),
        exchange("typed", is_spoken=False, heard=""),
    )
    found = score(WordErrorRate(), talk)

    assert found.figure == pytest.approx(2 / 7, abs=1e-3)
    assert found.reason == "2 of 7 words"
    assert found.value == pytest.approx(5 / 7)


def test_a_number_may_be_written_in_either_way() -> None:
    scorer = WordErrorRate(spellings=("a timer for seventeen minutes", "a timer for 17 minutes"))

    assert score(scorer, held(exchange(heard="A timer for 17 minutes."))).value == 1.0
    assert score(scorer, held(exchange(heard="A timer for seventy minutes."))).value == pytest.approx(0.8)


def test_nothing_heard_is_every_word_wrong() -> None:
    assert score(WordErrorRate(turn=1), held(exchange(heard=""))).value == 0.0
    assert score(WordErrorRate(), held(exchange("", heard="hm"))).reason == "nothing was said"


def test_more_errors_than_words_is_no_less_than_zero() -> None:
    assert score(WordErrorRate(), held(exchange("stop", heard="the story of a stop sign"))).value == 0.0


def test_includes_is_the_share_of_what_the_answer_should_contain() -> None:
    talk = held(exchange(answer="It's 8:15, in the Morning."))

    assert score(Includes(texts=("morning", "8:15")), talk).value == 1.0
    found = score(Includes(texts=("morning", "Bergen")), talk)
    assert (found.value, found.reason) == (0.5, "missing: Bergen")


def test_an_answer_is_looked_for_in_its_turn_if_one_is_named() -> None:
    talk = held(exchange(answer="Five minutes."), exchange(answer="A story."))

    assert score(Includes(texts=("story",)), talk).value == 1.0
    assert score(Includes(texts=("story",), turn=1), talk).value == 0.0
    assert score(Matches(pattern="^a story", turn=2), talk).value == 1.0
    assert score(Matches(pattern="^a story", turn=1), talk).reason == "^a story is not found"


def test_similarity_is_dices_coefficient_of_letter_pairs() -> None:
    talk = held(exchange(answer="night"))

    assert score(Similarity(text="Night!"), talk).value == 1.0
    assert score(Similarity(text="nacht"), talk).value == 0.25
    assert score(Similarity(text="zebra"), talk).value == 0.0
    assert score(Similarity(text="zebra"), held(exchange())).value == 0.0


# --- tools -----------------------------------------------------------------------------------------------------------

TIMER = held(exchange(calls=(RecordedCall("set_timer", '{"seconds": 300, "label": "Tea"}'),)))


@pytest.mark.parametrize("arguments", [{}, {"seconds": 300}, {"label": "tea"}, {"seconds": 300.0}])
def test_a_call_may_have_more_arguments_than_asked_for(arguments: dict[str, Any]) -> None:
    assert score(CalledTool(tool="set_timer", arguments=arguments), TIMER).value == 1.0


@pytest.mark.parametrize("arguments", [{"seconds": 30}, {"minutes": 5}, {"seconds": True}, {"seconds": {"of": 1}}])
def test_a_call_with_other_arguments_is_wrong(arguments: dict[str, Any]) -> None:
    found = score(CalledTool(tool="set_timer", arguments=arguments), TIMER)

    assert (found.value, found.reason) == (0.0, "set_timer was called with other arguments")


def test_a_call_of_another_tool_is_wrong() -> None:
    found = score(CalledTool(tool="set_volume"), TIMER)

    assert (found.value, found.reason) == (0.0, "set_volume was not called, but set_timer")


def test_arguments_that_are_not_json_are_other_arguments() -> None:
    talk = held(exchange(calls=(RecordedCall("set_timer", "{seconds"),)))

    assert score(CalledTool(tool="set_timer", arguments={"seconds": 1}), talk).value == 0.0


def test_a_tool_can_be_called_too_often() -> None:
    scorer = CalledTool(tool="set_timer", times=1)

    assert score(scorer, calls("set_timer")).value == 1.0
    assert score(scorer, calls("set_timer", "set_timer")).reason == "set_timer was called 2 times"


def test_no_call_is_right_if_none_is_due() -> None:
    assert score(DidNotCall(), calls()).value == 1.0
    assert score(DidNotCall(tool="set_volume"), calls("set_timer")).value == 1.0
    assert score(DidNotCall(), calls("set_timer")).reason == "it called set_timer"
    assert score(DidNotCall(tool="set_timer"), calls("set_timer")).value == 0.0


def test_tools_are_called_in_order_with_others_between_them() -> None:
    order = ToolOrder(tools=("clock", "timer"))

    assert score(order, calls("clock", "volume", "timer")).value == 1.0
    assert score(order, calls("timer", "clock")).reason == "it called timer, clock"
    assert score(order, calls("clock")).value == 0.0
    assert score(order, calls()).reason == "it called nothing"


# --- cost ------------------------------------------------------------------------------------------------------------

TOKENS = {"total_tokens": 1500, "input_tokens": 1000, "output_tokens": 500}
PRICES = Prices(currency="USD", per_million={"input_tokens": 2.0, "output_tokens": 8.0})


def test_the_cost_is_in_tokens_without_prices_and_in_money_with_them() -> None:
    talk = held(exchange(), tokens=TOKENS)

    assert score(Cost(), talk) == Score(scorer="cost", figure=1500, unit="tokens")
    assert score(Cost(at_most=0.003), talk, PRICES) == Score(
        scorer="cost", value=0.5, figure=0.006, unit="USD", reason="above 0.003 USD"
    )
    assert score(Cost(at_most=2000), held(tokens={"input_tokens": 4, "output_tokens": 3})).figure == 7


def test_a_service_that_reports_no_usage_is_not_taken_for_free() -> None:
    assert score(Cost(at_most=100), held(exchange())).value == 0.0
    assert score(Cost(), held(exchange())).reason == "the service reported no usage"


def test_prices_of_kinds_that_the_service_does_not_count_are_a_mistake() -> None:
    found = score(Cost(at_most=1), held(tokens={"total_tokens": 5}), PRICES)

    assert (found.value, found.reason) == (0.0, "none of the kinds in [prices] was reported, only total_tokens")


# --- all -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scorer", [TimeToSound(), WordErrorRate(), DidNotCall(), Cost(), AskJudge(criterion="kind")])
def test_a_conversation_that_was_broken_off_scores_zero_in_everything(scorer: Scorer) -> None:
    found = score(scorer, held(exchange(spoken_s=1.0, sounded_s=1.1), tokens=TOKENS, problem="the answer did not come"))

    assert (found.value, found.reason) == (0.0, "the conversation failed: the answer did not come")


def test_what_a_judge_would_say_is_unknown_here() -> None:
    assert score(AskJudge(criterion="kind"), held(exchange())).value is None
