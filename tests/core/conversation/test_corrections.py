import hypothesis.strategies as st
from hypothesis import given

from edgevoice.core.conversation.corrections import corrections
from edgevoice.core.facts import ItemHeard
from edgevoice.core.orders import DeleteItem, ExtendItem, TruncateItem


def heard(heard_ms: int, received_ms: int, *, is_complete: bool) -> ItemHeard:
    return ItemHeard("a", 1, heard_ms, received_ms, is_complete)


def test_an_item_is_truncated_at_what_was_heard() -> None:
    assert corrections((heard(740, 2000, is_complete=True),)) == [TruncateItem("a", 1, 740)]


def test_an_unfinished_item_heard_so_far_is_truncated_there_because_more_would_have_come() -> None:
    assert corrections((heard(2000, 2000, is_complete=False),)) == [TruncateItem("a", 1, 2000)]


def test_an_item_heard_to_its_end_is_left_alone() -> None:
    assert corrections((heard(2000, 2000, is_complete=True),)) == []


def test_an_unheard_item_is_deleted() -> None:
    assert corrections((heard(0, 2000, is_complete=True),)) == [DeleteItem("a")]


def test_an_item_in_parts_is_truncated_at_the_cut_and_not_deleted_for_its_unheard_parts() -> None:
    parts = (ItemHeard("i1", 0, 55, 2000, is_complete=True), ItemHeard("i1", 1, 0, 900, is_complete=False))

    assert corrections(parts) == [TruncateItem("i1", 0, 55)]


def test_an_item_whose_first_part_alone_was_heard_is_truncated_at_the_end_of_that_part() -> None:
    parts = (ItemHeard("i1", 0, 2000, 2000, is_complete=True), ItemHeard("i1", 1, 0, 900, is_complete=True))

    assert corrections(parts) == [TruncateItem("i1", 0, 2000)]


def test_an_item_that_was_cut_in_its_second_part_is_truncated_there() -> None:
    parts = (ItemHeard("i1", 0, 2000, 2000, is_complete=True), ItemHeard("i1", 1, 30, 900, is_complete=True))

    assert corrections(parts) == [TruncateItem("i1", 1, 30)]


def test_an_item_whose_parts_were_all_unheard_is_deleted_once() -> None:
    parts = (ItemHeard("i1", 0, 0, 2000, is_complete=True), ItemHeard("i1", 1, 0, 900, is_complete=True))

    assert corrections(parts) == [DeleteItem("i1")]


def test_several_items_are_corrected_oldest_first() -> None:
    items = (ItemHeard("a", 0, 5, 9, is_complete=True), ItemHeard("b", 0, 0, 9, is_complete=False))

    assert corrections(items) == [TruncateItem("a", 0, 5), DeleteItem("b")]


@given(st.builds(ItemHeard, st.just("a"), st.integers(0, 3), st.integers(0, 99), st.integers(0, 99), st.booleans()))
def test_no_truncation_is_zero_or_exceeds_what_was_received(item: ItemHeard) -> None:
    for order in corrections((item,)):
        if isinstance(order, TruncateItem):
            assert 0 <= order.heard_ms <= item.received_ms
            assert order.content_index == item.content_index


@st.composite
def cut_items(draw: st.DrawFn, item_id: str) -> tuple[ItemHeard, ...]:
    """Make an item of one to three parts, played in sequence up to some millisecond."""
    lengths = draw(st.lists(st.integers(1, 40), min_size=1, max_size=3))
    left_ms = draw(st.integers(0, sum(lengths)))
    # Only the last part may still be growing; when it is complete, so are those before it.
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
        # What the service keeps: the parts before the truncated one, and this much of that one.
        before_ms = sum(part.received_ms for part in parts[: order.content_index])
        assert before_ms + order.heard_ms == heard_ms


@given(st.tuples(cut_items("a"), cut_items("b"), cut_items("c")))
def test_each_item_is_corrected_as_if_it_were_alone(items: tuple[tuple[ItemHeard, ...], ...]) -> None:
    together = corrections(tuple(part for parts in items for part in parts))

    assert together == [order for parts in items for order in corrections(parts)]
    assert len({order.item_id for order in together}) == len(together)


def test_an_item_truncated_earlier_does_not_affect_those_after_it() -> None:
    first, second = heard(500, 900, is_complete=False), ItemHeard("b", 0, 0, 900, is_complete=False)

    assert corrections((first, second), shortened=["a"]) == [ExtendItem("a", 500), DeleteItem("b")]
