import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgevoice.core.time_of_day import is_within, seconds_to_edge, span_of


def minute_at(time_of_day: str) -> int:
    hours, minutes = map(int, time_of_day.split(":"))
    return 60 * hours + minutes


@pytest.mark.parametrize(
    ("time_of_day", "night", "expected"),
    [
        ("23:00", ("22:00", "06:30"), True),
        ("06:29", ("22:00", "06:30"), True),
        ("06:30", ("22:00", "06:30"), False),
        ("22:00", ("22:00", "06:30"), True),
        ("12:00", ("22:00", "06:30"), False),
        ("13:30", ("13:00", "14:00"), True),
        ("00:00", ("13:00", "14:00"), False),
        ("13:30", ("13:00", "13:00"), False),
    ],
)
def test_night_may_span_midnight(time_of_day: str, night: tuple[str, str], expected: bool) -> None:  # noqa: FBT001 - a row of a table
    assert is_within(minute_at(time_of_day), span_of(*night)) is expected


def test_without_a_night_it_never_is_and_never_begins() -> None:
    assert not is_within(0, None)
    assert seconds_to_edge(0.0, None) is None
    assert seconds_to_edge(0.0, (60, 60)) is None


@given(st.floats(0, 86_399), st.integers(0, 1439), st.integers(0, 1439))
def test_night_begins_and_ends_when_it_was_announced(second: float, begins: int, ends: int) -> None:
    night = (begins, ends)
    wait_s = seconds_to_edge(second, night)
    if wait_s is None:
        assert begins == ends
        return
    assert 0 < wait_s <= 86_400
    then = (second + wait_s + 1.0) % 86_400
    is_still, was = is_within(int(then // 60), night), is_within(int(second // 60), night)
    assert is_still is not was or abs(begins - ends) in {1, 1439}


def test_a_span_needs_both_ends() -> None:
    assert span_of("22:00", "") is span_of("", "06:30") is span_of("", "") is None
    assert span_of("22:00", "06:30") == (22 * 60, 6 * 60 + 30)
