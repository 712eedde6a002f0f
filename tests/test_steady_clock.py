"""The wall clock that alarms and the memory go by: what it follows, and what it does not."""

import pytest

from edgevoice.steady_clock import BACK_S, ClockReading, SteadyClock

_NOW_S = 1_700_000_000.0
_YEAR_S = 365 * 86_400.0


def reading(wall_s: float, boot_s: float, *, is_set: bool = False) -> ClockReading:
    return ClockReading(wall_s, boot_s, "boot", is_set)


@pytest.mark.parametrize("moved_s", [_YEAR_S, 3600.0, -3600.0, -BACK_S])
def test_a_correction_is_followed(moved_s: float) -> None:
    clock = SteadyClock()
    clock.read(reading(_NOW_S, 10))

    assert clock.read(reading(_NOW_S + moved_s + 5, 15)).wall_s == _NOW_S + moved_s + 5


def test_a_clock_that_has_lost_its_time_goes_on_from_what_was_known() -> None:
    clock = SteadyClock(known_s=_NOW_S)

    assert clock.read(reading(0.0, 10)).wall_s == _NOW_S
    assert clock.read(reading(5.0, 15)).wall_s == _NOW_S + 5


def test_a_clock_that_the_network_has_set_is_right_and_what_was_known_was_wrong() -> None:
    clock = SteadyClock(known_s=_NOW_S + _YEAR_S)

    assert clock.read(reading(_NOW_S, 10)).wall_s == _NOW_S + _YEAR_S
    assert clock.read(reading(_NOW_S + 5, 15, is_set=True)).wall_s == _NOW_S + 5
    assert clock.read(reading(_NOW_S + 6, 16)).wall_s == _NOW_S + 6
