import pytest

from edgevoice.audio.rendering_time import LEAST_S, RenderingTime


def test_a_change_is_given_some_time_before_one_was_measured() -> None:
    assert RenderingTime().expected_s == LEAST_S


def test_a_slow_change_is_expected_again_and_forgotten_little_by_little() -> None:
    rendering = RenderingTime()
    rendering.took(0.004)
    assert rendering.expected_s == pytest.approx(0.004)

    for _ in range(200):
        rendering.took(0.0001)

    assert rendering.expected_s == LEAST_S
