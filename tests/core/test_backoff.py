import hypothesis.strategies as st
import pytest
from hypothesis import given

from edgevoice.core.backoff import Backoff

BACKOFF = Backoff(first_s=0.25, factor=2, limit_s=2, jitter=0.2)


def test_waits_grow_up_to_the_limit() -> None:
    assert [BACKOFF.delay_s(attempt, lambda: 0) for attempt in range(6)] == [0.25, 0.5, 1, 2, 2, 2]


def test_jitter_shortens_a_wait_by_a_fifth_by_default() -> None:
    assert Backoff(first_s=1, factor=2, limit_s=2).delay_s(0, lambda: 1) == pytest.approx(0.8)


def test_jitter_shortens_a_wait_by_at_most_its_share() -> None:
    assert BACKOFF.delay_s(2, lambda: 1) == pytest.approx(0.8)


@given(st.integers(0, 10**12), st.floats(0, 1))
def test_any_number_of_tries_is_accepted(attempt: int, chance: float) -> None:
    assert 0.2 <= BACKOFF.delay_s(attempt, lambda: chance) <= 2
