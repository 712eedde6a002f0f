"""Thresholds: what moves them, and what does not."""

import pytest

from edgevoice.echo.noise_floor import Bar

_ECHO_DB = 60.0


def _learned() -> Bar:
    """Return a threshold after 10 s of an echo that is attenuated by 30 dB."""
    bar = Bar(leak=0.0, leak_margin=9.0, floor_margin=9.0, floor=20.0)
    for _ in range(500):
        bar.learn(_ECHO_DB - 30, _ECHO_DB)
    return bar


def test_a_canceller_that_gets_worse_raises_the_bar_within_a_tenth_of_a_second() -> None:
    bar = _learned()

    for _ in range(5):
        bar.learn(_ECHO_DB - 22, _ECHO_DB)

    assert bar.over(_ECHO_DB - 22, _ECHO_DB) < -6


def test_a_person_who_has_just_begun_does_not_raise_the_bar_above_themselves() -> None:
    bar = _learned()
    before = bar.over(_ECHO_DB - 22, _ECHO_DB)

    for _ in range(25):
        bar.learn(_ECHO_DB - 22, _ECHO_DB, is_new_voice=True)

    assert bar.over(_ECHO_DB - 22, _ECHO_DB) > before - 4


def test_a_bar_that_was_too_high_comes_down_by_12_db_in_a_second() -> None:
    bar = Bar(leak=0.0, leak_margin=9.0, floor_margin=9.0, floor=20.0)

    for _ in range(50):
        bar.learn(_ECHO_DB - 40, _ECHO_DB)

    assert bar.leak == pytest.approx(-12.5)
