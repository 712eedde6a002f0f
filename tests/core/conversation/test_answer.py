import hypothesis.strategies as st
from hypothesis import given

from edgevoice.core.conversation.answer import _MOST_CALLS, Answer, ToolRound, corrections
from edgevoice.core.facts import ItemHeard, ToolCall
from edgevoice.core.orders import DeleteItem, ExtendItem, TruncateItem

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


def test_an_item_in_parts_is_truncated_where_it_was_cut_and_not_deleted_for_what_was_queued_behind() -> None:
    parts = (ItemHeard("i1", 0, 55, 2000, is_complete=True), ItemHeard("i1", 1, 0, 900, is_complete=False))

    assert corrections(parts) == [TruncateItem("i1", 0, 55)]


def test_an_item_whose_first_part_alone_was_heard_is_truncated_at_the_end_of_that_part() -> None:
    parts = (ItemHeard("i1", 0, 2000, 2000, is_complete=True), ItemHeard("i1", 1, 0, 900, is_complete=True))

    assert corrections(parts) == [TruncateItem("i1", 0, 2000)]


def test_an_item_that_was_cut_in_its_second_part_is_truncated_there() -> None:
    parts = (ItemHeard("i1", 0, 2000, 2000, is_complete=True), ItemHeard("i1", 1, 30, 900, is_complete=True))

    assert corrections(parts) == [TruncateItem("i1", 1, 30)]


def test_an_item_of_whose_parts_nobody_heard_anything_is_deleted_once() -> None:
    parts = (ItemHeard("i1", 0, 0, 2000, is_complete=True), ItemHeard("i1", 1, 0, 900, is_complete=True))

    assert corrections(parts) == [DeleteItem("i1")]


def test_several_items_are_corrected_oldest_first() -> None:
    items = (ItemHeard("a", 0, 5, 9, is_complete=True), ItemHeard("b", 0, 0, 9, is_complete=False))

    assert corrections(items) == [TruncateItem("a", 0, 5), DeleteItem("b")]


@given(st.builds(ItemHeard, st.just("a"), st.integers(0, 3), st.integers(0, 99), st.integers(0, 99), st.booleans()))
def test_no_truncation_asks_for_nothing_or_for_more_than_was_received(item: ItemHeard) -> None:
    for order in corrections((item,)):
        if isinstance(order, TruncateItem):
            assert 0 <= order.heard_ms <= item.received_ms
            assert order.content_index == item.content_index


@st.composite
def cut_items(draw: st.DrawFn, item_id: str) -> tuple[ItemHeard, ...]:
    """Make an item of one to three parts, played one after the other up to some millisecond."""
    lengths = draw(st.lists(st.integers(1, 40), min_size=1, max_size=3))
    left_ms = draw(st.integers(0, sum(lengths)))
    # Only the last part may still be growing; when it is whole, so are those before it.
    is_finished = draw(st.booleans())
    parts = []
    for index, received_ms in enumerate(lengths):
        heard_ms = min(left_ms, received_ms)
        left_ms -= heard_ms
        is_complete = is_finished or index < len(lengths) - 1
        parts.append(ItemHeard(item_id, index, heard_ms, received_ms, is_complete))
    return tuple(parts)


@given(cut_items("a"))
def test_the_one_correction_of_an_item_leaves_the_service_with_what_was_heard(parts: tuple[ItemHeard, ...]) -> None:
    heard_ms = sum(part.heard_ms for part in parts)
    orders = corrections(parts)

    if all(part.is_complete and part.heard_ms == part.received_ms for part in parts):
        assert orders == []
    elif heard_ms == 0:
        assert orders == [DeleteItem("a")]
    else:
        (order,) = orders
        assert isinstance(order, TruncateItem)
        assert 0 < order.heard_ms <= parts[order.content_index].received_ms
        # What the service keeps: the parts before the one that is truncated, and this much of it.
        before_ms = sum(part.received_ms for part in parts[: order.content_index])
        assert before_ms + order.heard_ms == heard_ms


@given(st.tuples(cut_items("a"), cut_items("b"), cut_items("c")))
def test_items_are_corrected_each_as_if_it_were_alone(items: tuple[tuple[ItemHeard, ...], ...]) -> None:
    together = corrections(tuple(part for parts in items for part in parts))

    assert together == [order for parts in items for order in corrections(parts)]
    assert len({order.item_id for order in together}) == len(together)


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


def test_of_two_rounds_that_are_both_wanted_the_second_tells_whether_the_model_has_spoken() -> None:
    answer = Answer()
    answer.begin_tools((CALL,), has_spoken=False, is_stale=False)
    answer.begin_tools((ToolCall("c2", "stop", ""),), has_spoken=True, is_stale=False)

    assert answer.tools == ToolRound({"c1", "c2"}, has_spoken=True, is_stale=False)


def test_a_stale_round_leaves_a_wanted_one_as_it_is_and_a_stale_one_is_replaced() -> None:
    wanted, stale = Answer(), Answer()
    wanted.begin_tools((CALL,), has_spoken=True, is_stale=False)
    stale.begin_tools((CALL,), has_spoken=True, is_stale=True)
    for answer in (wanted, stale):
        answer.begin_tools((ToolCall("c2", "stop", ""),), has_spoken=False, is_stale=True)

    assert wanted.tools == ToolRound({"c1", "c2"}, has_spoken=True, is_stale=False)
    assert stale.tools == ToolRound({"c1", "c2"}, has_spoken=False, is_stale=True)


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


# --- each transition, whole ------------------------------------------------------------------------------------------


def everything(response_id: str | None = "r1") -> Answer:
    """Return an answer of which everything is true that a transition may have to undo."""
    return Answer(
        response_id=response_id,
        fence=response_id,
        burst=3,
        tools=ToolRound({"c9"}, has_spoken=True),
        is_due=True,
        is_unwanted=True,
        has_asked=True,
        ask_again=True,
        has_called=True,
        has_sounded=True,
        is_ducked=True,
        is_crossing=True,
        is_cancelled=True,
        has_failed=True,
        has_ended_item=True,
        is_at_item_end=True,
        is_presumed_over=True,
        is_held=True,
        calls={"c1": CALL},
    )


def test_an_answer_that_begins_has_nothing_of_the_one_before_but_that_its_end_is_owed() -> None:
    answer = everything()
    answer.begin("r2")

    expected = everything("r2")
    expected.is_due = expected.is_held = expected.has_failed = expected.is_cancelled = False
    expected.has_ended_item = expected.is_at_item_end = expected.is_presumed_over = False
    expected.calls, expected.leftovers = {}, ["r1"]
    assert answer == expected

    answer.begin("r2")
    answer.begin("r3")
    assert answer.leftovers == ["r1", "r2"], "each once"


def test_an_answer_to_tools_is_one_that_begins_after_a_round_that_is_over() -> None:
    over, running, never = Answer(has_called=True), everything(), Answer()
    for answer in (over, running, never):
        answer.begin("r2")

    assert [answer.is_answering_tools for answer in (over, running, never)] == [True, False, False]


def test_an_answer_that_nobody_wants_is_taken_beside_the_one_before_and_cancelled() -> None:
    answer = Answer(response_id="r1", fence="r1", is_unwanted=True)
    answer.begin_unwanted("r2")

    assert answer == Answer(response_id="r2", fence="r1", is_cancelled=True, leftovers=["r1"])


def test_the_end_of_an_answer_ends_what_was_asked_and_cancelled() -> None:
    answer = everything()
    answer.end()

    expected = everything("r1")
    expected.response_id = None
    expected.has_asked = expected.is_cancelled = False
    expected.has_ended_item = expected.is_at_item_end = expected.is_presumed_over = False
    expected.calls = {}
    assert answer == expected


def test_only_so_many_calls_without_an_end_are_kept() -> None:
    answer = Answer(response_id="r1")
    for number in range(_MOST_CALLS + 5):
        answer.end_item(ToolCall(f"c{number}", "stop", ""))

    assert list(answer.calls) == [f"c{number}" for number in range(_MOST_CALLS)]


def test_an_answer_that_is_broken_off_waits_for_nothing() -> None:
    answer = everything()
    answer.break_off("session-ended", is_final=True)

    assert answer.is_received
    assert answer.tools is None
    assert (answer.broken_by, answer.is_beyond_resuming, answer.is_due) == ("session-ended", True, False)


def test_an_asking_that_is_refused_while_something_else_stood_in_the_way_is_repeated_after_it() -> None:
    alone = Answer(response_id="r1", fence="r1", has_asked=True)
    behind = Answer(response_id="r1", fence="r1", has_asked=True, leftovers=["r0"])

    assert [alone.be_refused(), behind.be_refused()] == [True, False]
    assert [alone.ask_again, behind.ask_again] == [True, True]


def test_a_cut_answer_that_is_taken_up_again_takes_the_place_of_what_has_begun_since() -> None:
    answer = everything("r2")
    answer.tools = ToolRound({"c9"}, has_spoken=True, is_stale=True)
    answer.leftovers = ["r1"]
    answer.has_sounded = False
    answer.take_up("r1")

    assert (answer.response_id, answer.fence, answer.leftovers) == ("r1", "r1", ["r2"])
    assert answer.has_sounded
    assert not any((answer.is_due, answer.is_held, answer.ask_again, answer.is_unwanted, answer.is_crossing))
    assert answer.has_open_round


def test_a_cut_answer_that_is_still_being_generated_is_taken_up_where_it_is() -> None:
    answer = Answer(response_id="r1")
    answer.take_up("r1")

    assert answer == Answer(response_id="r1", fence="r1", has_sounded=True)


def test_an_answer_that_falls_silent_waits_for_nothing_that_it_asked_for() -> None:
    answer = everything()
    answer.fall_silent()

    assert answer == Answer(
        response_id="r1",
        tools=ToolRound({"c9"}, has_spoken=True, is_stale=True),
        is_unwanted=True,
        has_called=True,
        is_crossing=True,
        is_cancelled=True,
    )


def test_a_stale_round_neither_undoes_that_tools_were_called_nor_ends_a_wait() -> None:
    called, held, wanted = Answer(has_called=True), Answer(is_held=True), Answer(is_held=True)
    for answer in (called, held):
        answer.begin_tools((CALL,), has_spoken=False, is_stale=True)
    wanted.begin_tools((CALL,), has_spoken=False, is_stale=False)

    assert [called.has_called, held.has_called, wanted.has_called] == [True, False, True]
    assert [called.is_held, held.is_held, wanted.is_held] == [False, True, False]


def test_an_item_that_was_shortened_before_says_nothing_of_those_after_it() -> None:
    first, second = heard(500, 900, is_complete=False), ItemHeard("b", 0, 0, 900, is_complete=False)

    assert corrections((first, second), shortened=["a"]) == [ExtendItem("a", 500), DeleteItem("b")]
