"""Intervals, held to published tables: Garwood's for counts, Clopper and Pearson's for shares."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgevoice.wakeword.tuning.intervals import rate, share


@pytest.mark.parametrize(
    ("count", "low", "high"),
    [(0, 0.0, 3.689), (1, 0.0253, 5.572), (3, 0.619, 8.767), (10, 4.795, 18.390), (100, 81.36, 121.63)],
)
def test_count_intervals_match_the_published_tables(count: int, low: float, high: float) -> None:
    found = rate(count, 1.0)

    assert [found.value, found.low, found.high] == pytest.approx([count, low, high], abs=0.01)


def test_a_rate_is_per_unit_of_exposure() -> None:
    assert rate(10, 4.0).value == 2.5
    assert rate(10, 4.0).high == pytest.approx(18.390 / 4, abs=0.001)


@pytest.mark.parametrize(
    ("count", "among", "low", "high"),
    [(0, 20, 0.0, 0.1684), (3, 20, 0.0321, 0.3789), (20, 20, 0.8316, 1.0), (50, 1000, 0.0373, 0.0654)],
)
def test_proportion_intervals_match_the_published_tables(count: int, among: int, low: float, high: float) -> None:
    found = share(count, among)

    assert found.value == count / among
    assert [found.low, found.high] == pytest.approx([low, high], abs=2e-4)


@given(st.integers(0, 3000), st.floats(0.001, 1000))
def test_an_interval_contains_the_observed_value(count: int, exposure: float) -> None:
    found = rate(count, exposure)

    assert 0 <= found.low <= found.value < found.high


@given(st.integers(0, 500), st.integers(1, 500))
def test_a_proportion_stays_between_zero_and_one(count: int, among: int) -> None:
    found = share(min(count, among), among)

    assert 0 <= found.low <= found.value <= found.high <= 1
