"""Times of day in words."""

import pytest

from edgevoice.local.mind.spoken_clock import spoken_time


@pytest.mark.parametrize(
    ("hour", "minute", "words"),
    [
        (0, 0, "twelve o'clock at night"),
        (9, 4, "nine oh four in the morning"),
        (12, 15, "twelve fifteen in the afternoon"),
        (17, 59, "five fifty nine in the afternoon"),
        (23, 30, "eleven thirty at night"),
    ],
)
def test_a_time_is_spoken_in_words(hour: int, minute: int, words: str) -> None:
    assert spoken_time(hour, minute) == words
