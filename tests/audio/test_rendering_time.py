import pytest

from edgevoice.audio.rendering_time import COLD_S, WARM_S, RenderingTime


def test_a_first_sound_is_given_the_time_of_cold_caches() -> None:
    rendering = RenderingTime()

    assert rendering.expected_s(10.0) == COLD_S


def test_while_something_sounds_it_is_given_no_more_than_it_takes() -> None:
    rendering = RenderingTime()
    rendering.ended(10.0, 10.0003, is_change=False)

    assert rendering.expected_s(10.1) == WARM_S
    assert rendering.expected_s(10.3) == COLD_S, "it has rested"


def test_a_slow_change_is_expected_again_and_forgotten_little_by_little() -> None:
    rendering = RenderingTime()
    rendering.ended(10.0, 10.0, is_change=False)
    rendering.ended(10.1, 10.104, is_change=True)
    assert rendering.expected_s(10.2) == pytest.approx(0.004)
    assert rendering.expected_s(20.0) == pytest.approx(0.004), "cold caches are no quicker"

    for step in range(200):
        rendering.ended(10.2 + step / 100, 10.2001 + step / 100, is_change=True)

    assert rendering.expected_s(12.25) == WARM_S


def test_neither_more_of_the_same_nor_a_change_from_cold_caches_counts() -> None:
    rendering = RenderingTime()
    rendering.ended(10.0, 10.9, is_change=True)
    rendering.ended(11.0, 11.05, is_change=False)

    assert rendering.expected_s(11.1) == WARM_S
