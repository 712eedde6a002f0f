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


def test_the_end_of_a_response_that_was_given_up_for_another_is_owed_once() -> None:
    generation = begun("r1")
    for response_id in ("r2", "r2", "r3"):
        generation.begin(response_id)

    assert generation.leftovers == ["r1", "r2"]
    assert generation.response_id == "r3"


def test_only_so_many_ends_are_waited_for_and_the_oldest_is_forgotten() -> None:
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


def test_what_comes_of_another_response_or_of_one_that_was_given_up_says_nothing_of_the_wanted_one() -> None:
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


def test_only_so_many_calls_without_an_end_are_kept() -> None:
    generation = begun()
    for number in range(_MOST_CALLS + 5):
        generation.end_item("r1", ToolCall(f"c{number}", "stop", ""))

    assert list(generation.calls) == [f"c{number}" for number in range(_MOST_CALLS)]


def test_calls_that_were_run_without_the_end_of_their_response_are_not_run_again() -> None:
    generation = begun()
    generation.end_item("r1", CALL)

    assert generation.presume_called() == (CALL,)
    assert generation.state is GenerationState.NONE
    assert generation.leftovers == ["r1"]

    other = ToolCall("c2", "stop", "")
    assert generation.end_leftover("r1", (CALL, other)) == (other,)
    assert not generation.is_in_the_way


def test_where_no_calls_have_come_nothing_is_presumed() -> None:
    generation = begun()
    generation.end_item("r1")

    assert generation.presume_called() == ()
    assert generation.is_wanted


def test_a_response_is_called_off_once_and_only_after_it_was_given_up() -> None:
    generation = begun()
    assert generation.call_off() is None

    generation.give_up()
    assert not generation.is_wanted
    assert generation.call_off() == "r1"
    assert generation.is_called_off
    assert generation.call_off() is None

    generation.end()
    assert not generation.is_called_off


def test_one_that_begins_unwanted_need_not_be_called_off_again() -> None:
    generation = begun("r1")
    generation.begin_unwanted("r2")

    assert generation.is_called_off
    assert generation.leftovers == ["r1"]
    assert not generation.lets_us_ask


def test_a_failure_is_told_once_and_never_after_a_cut_or_a_new_answer() -> None:
    told, cut, another = Generation(), Generation(), Generation()
    for generation in (told, cut, another):
        generation.fail()
    cut.give_up()
    another.begin("r2")

    assert [told.take_failure(), told.take_failure()] == [True, False]
    assert not cut.take_failure()
    assert not another.take_failure()
    assert another.is_wanted


def test_a_failure_outlives_the_session_in_which_it_came() -> None:
    generation = Generation()
    generation.fail()
    generation.break_off()

    assert generation.take_failure()


@pytest.mark.parametrize("is_called_off", [False, True])
def test_a_lost_session_takes_what_was_generated_along(*, is_called_off: bool) -> None:
    generation = begun()
    generation.give_up()
    if is_called_off:
        generation.call_off()
    generation.break_off()

    assert generation.state is GenerationState.NONE
    assert generation.response_id is None


def test_one_that_is_still_generated_is_taken_up_where_it_is() -> None:
    generation = begun()
    generation.give_up()
    generation.take_up("r1")

    assert generation.is_wanted
    assert generation.leftovers == []


def test_one_that_was_given_up_for_another_is_taken_up_and_the_other_is_owed() -> None:
    generation = begun("r1")
    generation.begin("r2")
    generation.take_up("r1")

    assert generation.is_wanted
    assert (generation.response_id, generation.leftovers) == ("r1", ["r2"])


def test_of_one_that_has_ended_nothing_is_generated_when_it_is_taken_up() -> None:
    generation = begun("r1")
    generation.end()
    generation.begin_unwanted("r2")
    generation.take_up("r1")

    assert generation.state is GenerationState.NONE
    assert (generation.response_id, generation.leftovers) == (None, ["r2"])
