import hypothesis.strategies as st
from hypothesis import given

from edgevoice.core.answer import Answer, ToolRound, corrections
from edgevoice.core.facts import ItemHeard, ToolCall
from edgevoice.core.orders import DeleteItem, TruncateItem

CALL = ToolCall("c1", "stop", "")


def heard(heard_ms: int, received_ms: int, *, is_complete: bool) -> ItemHeard:
    return ItemHeard("a", 1, heard_ms, received_ms, is_complete)


# --- what the service is told ----------------------------------------------------------------------------------------


def test_an_item_is_truncated_at_what_was_heard() -> None:
    assert corrections((heard(740, 2000, is_complete=True),)) == [TruncateItem("a", 1, 740)]


def test_an_item_of_which_everything_so_far_was_heard_is_truncated_there_because_more_would_have_come() -> None:
    assert corrections((heard(2000, 2000, is_complete=False),)) == [TruncateItem("a", 1, 2000)]


def test_an_item_heard_to_its_end_is_left_alone() -> None:
    assert corrections((heard(2000, 2000, is_complete=True),)) == []


def test_an_item_that_nobody_heard_is_deleted() -> None:
    assert corrections((heard(0, 2000, is_complete=True),)) == [DeleteItem("a")]


def test_several_items_are_corrected_oldest_first() -> None:
    items = (ItemHeard("a", 0, 5, 9, is_complete=True), ItemHeard("b", 0, 0, 9, is_complete=False))

    assert corrections(items) == [TruncateItem("a", 0, 5), DeleteItem("b")]


@given(st.builds(ItemHeard, st.just("a"), st.integers(0, 3), st.integers(0, 99), st.integers(0, 99), st.booleans()))
def test_no_truncation_asks_for_nothing_or_for_more_than_was_received(item: ItemHeard) -> None:
    for order in corrections((item,)):
        if isinstance(order, TruncateItem):
            assert 0 <= order.heard_ms <= item.received_ms
            assert order.content_index == item.content_index


# --- when it is over -------------------------------------------------------------------------------------------------


def test_an_answer_that_was_never_asked_for_is_over() -> None:
    assert Answer().is_over


def test_an_answer_is_not_over_while_anything_of_it_is_to_come() -> None:
    assert not Answer(response_id="r").is_over
    assert not Answer(burst=1).is_over
    assert not Answer(is_due=True).is_over
    assert not Answer(tools=ToolRound({"c"}, has_spoken=False)).is_over


def test_a_round_of_tools_that_nobody_waits_for_keeps_no_answer_open() -> None:
    assert Answer(tools=ToolRound({"c"}, has_spoken=False, is_stale=True)).is_over


def test_sound_keeps_an_answer_open_but_not_the_wire() -> None:
    sounding = Answer()
    sounding.sound(3)

    assert sounding.is_sounding
    assert sounding.is_received
    assert not sounding.is_over


def test_an_answer_that_falls_silent_lets_nothing_through_and_makes_its_tools_stale() -> None:
    answer = Answer()
    answer.begin("r1")
    answer.begin_tools((CALL,), has_spoken=False, is_stale=False)
    answer.sound(1)
    answer.fall_silent()

    assert answer.fence is None
    assert not answer.is_sounding
    assert answer.tools == ToolRound({"c1"}, has_spoken=False, is_stale=True)


def test_an_answer_that_falls_silent_is_neither_due_nor_asked_for() -> None:
    answer = Answer(is_due=True, has_asked=True, ask_again=True)
    answer.fall_silent()

    assert answer == Answer()


def test_an_answer_that_is_being_generated_is_not_with_its_tools() -> None:
    answer = Answer()
    answer.begin_tools((CALL,), has_spoken=False, is_stale=False)
    assert answer.is_with_tools

    answer.begin("r2")
    assert not answer.is_with_tools


def test_a_refusal_that_comes_after_the_answer_that_was_asked_for_is_late() -> None:
    answer = Answer(has_asked=True)
    answer.begin("r1")
    answer.end()
    answer.begin("r2")
    answer.be_refused()

    assert not answer.ask_again


def test_a_refusal_counts_only_when_we_have_asked_and_another_answer_runs() -> None:
    unasked, idle, refused = Answer(), Answer(has_asked=True), Answer(has_asked=True)
    unwanted = Answer(response_id="r1", has_asked=True)
    unasked.begin("r1")
    refused.begin("r1")
    for answer in (unasked, idle, refused, unwanted):
        answer.be_refused()

    assert [unasked.ask_again, idle.ask_again, unwanted.ask_again, refused.ask_again] == [False, False, False, True]
