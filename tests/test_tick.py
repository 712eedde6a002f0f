import pytest

from edgevoice.tick import until_tick_s


@pytest.mark.parametrize(
    ("now_s", "every_s", "left_s"),
    [(10.0, 0.5, 0.5), (10.2, 0.5, 0.3), (10.2, 1.0, 0.8), (0.0, 60.0, 60.0), (10.499_999, 0.5, 0.500_001)],
)
def test_a_tick_is_the_next_multiple_of_its_period_and_not_one_that_is_as_good_as_now(
    now_s: float, every_s: float, left_s: float
) -> None:
    assert until_tick_s(now_s, every_s) == pytest.approx(left_s)


@pytest.mark.parametrize("now_s", [0.03, 77.123, 4e6 + 0.4])
def test_ticks_of_different_periods_fall_together(now_s: float) -> None:
    ends = {round(now_s + until_tick_s(now_s, every_s), 6) for every_s in (0.25, 0.5, 1.0)}
    later = now_s + until_tick_s(now_s, 1.0)

    assert max(ends) == round(later, 6)
    assert all((later - end) % 0.25 == pytest.approx(0, abs=1e-5) for end in ends)
