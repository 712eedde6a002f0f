import pytest

from edgevoice.core.conversation.generation import _MOST_CALLS, _MOST_LEFTOVERS, Generation, GenerationState
from edgevoice.core.facts import ToolCall

CALL = ToolCall("c1", "stop", "")


def begun(response_id: str = "r1") -> Generation:
    generation = Generation()
    generation.begin(response_id)
    return generation


def test_nothing_is_generated_before_a_response_begins_nor_after_it_has_ended() -> None:
    generation = Generation()
    assert not generation.is_in_the_way

    generation.begin("r1")
    assert generation.is_wanted
    assert generation.is_in_the_way

    generation.end()
    assert generation.state is GenerationState.NONE
    assert not generation.is_in_the_way


def test_the_end_of_a_replaced_response_is_owed_once() -> None:
    generation = begun("r1")
    for response_id in ("r2", "r2", "r3"):
        generation.begin(response_id)

    assert generation.leftovers == ["r1", "r2"]
    assert generation.response_id == "r3"


def test_a_limited_number_of_ends_is_awaited_and_the_oldest_is_forgotten() -> None:
    begun_ones, refused = Generation(), Generation()
    for number in range(_MOST_LEFTOVERS + 3):
        begun_ones.begin(f"r{number}")
        refused.refuse(f"r{number}")

    assert begun_ones.leftovers == [f"r{number}" for number in range(2, _MOST_LEFTOVERS + 2)]
    assert refused.leftovers == [f"r{number}" for number in range(3, _MOST_LEFTOVERS + 3)]


def test_the_end_of_an_item_is_known_until_more_comes() -> None:
    generation = begun()
    assert (generation.has_complete_item, generation.is_at_item_end) == (False, False)

    assert generation.end_item("r1")
    assert (generation.has_complete_item, generation.is_at_item_end) == (True, True)

    assert generation.progress("r1")
    assert (generation.has_complete_item, generation.is_at_item_end) == (True, False)

    assert generation.end_item("r1")
    assert generation.is_at_item_end


def test_events_of_other_or_abandoned_responses_do_not_affect_the_wanted_one() -> None:
    generation = begun("r1")
    generation.begin("r2")

    assert not generation.end_item("r1", CALL)
    assert not generation.progress("r1")
    assert generation.progress("never heard of"), "begun without its id"
    assert not generation.calls

    generation.give_up()
    assert not generation.end_item("r2")
    assert not generation.progress("r2")
    assert generation.state is GenerationState.GIVEN_UP


def test_a_limited_number_of_calls_without_an_end_is_kept() -> None:
    generation = begun()
    for number in range(_MOST_CALLS + 5):
        generation.end_item("r1", ToolCall(f"c{number}", "stop", ""))

    assert list(generation.calls) == [f"c{number}" for number in range(_MOST_CALLS)]


def test_calls_run_before_their_responses_end_are_not_run_again() -> None:
    generation = begun()
    generation.end_item("r1", CALL)

    assert generation.presume_called() == (CALL,)
    assert generation.state is GenerationState.NONE
    assert generation.leftovers == ["r1"]

    other = ToolCall("c2", "stop", "")
    assert generation.end_leftover("r1", (CALL, other)) == (other,)
    assert not generation.is_in_the_way


def test_without_calls_no_end_is_assumed() -> None:
    generation = begun()
    generation.end_item("r1")

    assert generation.presume_called() == ()
    assert generation.is_wanted


def test_a_response_is_cancelled_once_and_only_after_it_was_abandoned() -> None:
    generation = begun()
    assert generation.call_off() is None

    generation.give_up()
    assert not generation.is_wanted
    assert generation.call_off() == "r1"
    assert generation.is_called_off
    assert generation.call_off() is None

    generation.end()
    assert not generation.is_called_off


def test_a_response_that_begins_unwanted_is_not_cancelled_again() -> None:
    generation = begun("r1")
    generation.begin_unwanted("r2")

    assert generation.is_called_off
    assert generation.leftovers == ["r1"]
    assert not generation.lets_us_ask


def test_a_failure_is_reported_once_and_never_after_a_cut_or_a_new_answer() -> None:
    told, cut, another = Generation(), Generation(), Generation()
    for generation in (told, cut, another):
        generation.fail()
    cut.give_up()
    another.begin("r2")

    assert [told.take_failure(), told.take_failure()] == [True, False]
    assert not cut.take_failure()
    assert not another.take_failure()
    assert another.is_wanted


def test_a_failure_outlives_its_session() -> None:
    generation = Generation()
    generation.fail()
    generation.break_off()

    assert generation.take_failure()


@pytest.mark.parametrize("is_called_off", [False, True])
def test_a_lost_session_ends_its_generation(*, is_called_off: bool) -> None:
    generation = begun()
    generation.give_up()
    if is_called_off:
        generation.call_off()
    generation.break_off()

    assert generation.state is GenerationState.NONE
    assert generation.response_id is None


def test_a_response_still_being_generated_is_resumed_as_it_is() -> None:
    generation = begun()
    generation.give_up()
    generation.take_up("r1")

    assert generation.is_wanted
    assert generation.leftovers == []


def test_a_replaced_response_is_resumed_and_the_other_ones_end_is_owed() -> None:
    generation = begun("r1")
    generation.begin("r2")
    generation.take_up("r1")

    assert generation.is_wanted
    assert (generation.response_id, generation.leftovers) == ("r1", ["r2"])


def test_a_finished_response_generates_nothing_when_it_is_resumed() -> None:
    generation = begun("r1")
    generation.end()
    generation.begin_unwanted("r2")
    generation.take_up("r1")

    assert generation.state is GenerationState.NONE
    assert (generation.response_id, generation.leftovers) == (None, ["r2"])
