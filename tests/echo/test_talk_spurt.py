"""When the counts of a sound amount to speech."""

import pytest

from edgevoice.echo.talk_spurt import Spurt


@pytest.mark.parametrize(("likeliest", "is_speech"), [(0.75, False), (0.8, True)])
def test_what_the_suppressor_hears_nothing_of_is_speech_once_the_model_was_sure(
    likeliest: float, *, is_speech: bool
) -> None:
    spurt = Spurt(length=11, sounding=6, voiced=6, likely=6.3, likeliest=likeliest, explained=1.0)

    assert spurt.score >= 7
    assert spurt.is_speech is is_speech
