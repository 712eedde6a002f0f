"""What the voice model hears, and when it is believed although the sound is under the bar."""

import numpy as np

from edgevoice.echo.canceller import BLOCK, Samples
from edgevoice.echo.surroundings import Surroundings
from edgevoice.echo.voice_listener import VoiceListener

PER_S = 50


class Certainty:
    """A voice model with a given confidence."""

    probability = 0.0

    def take(self, block: Samples) -> float:
        assert len(block) == BLOCK
        return self.probability


class Heard:
    """A listener, and the model that it asks."""

    def __init__(self) -> None:
        self.model = Certainty()
        self.listener = VoiceListener(self.model, Surroundings())

    def blocks(self, count: int, probability: float) -> bool:
        """Return whether a voice is clear after that many blocks."""
        self.model.probability = probability
        for _ in range(count):
            self.listener.take(np.zeros(BLOCK, np.int16))
        return self.listener.is_clear


def test_the_surer_the_model_the_sooner_a_voice_is_clear() -> None:
    assert not Heard().blocks(2, 1.0)
    assert Heard().blocks(3, 1.0)
    assert not Heard().blocks(9, 0.5)
    assert Heard().blocks(11, 0.5)


def test_a_voice_is_not_clear_once_the_model_doubts_it() -> None:
    heard = Heard()
    heard.blocks(10, 1.0)

    assert not heard.blocks(1, 0.4)
    assert heard.blocks(1, 0.5)


def test_a_voice_that_has_gone_on_for_a_second_is_a_television() -> None:
    heard = Heard()

    assert heard.blocks(50, 1.0)
    assert not heard.blocks(1, 1.0)


def test_what_was_heard_while_the_box_may_have_heard_itself_is_forgotten() -> None:
    heard = Heard()
    heard.blocks(10, 1.0)

    heard.listener.forget()

    assert not heard.blocks(2, 1.0)
    assert heard.blocks(1, 1.0)


def test_each_time_that_it_was_nobody_twice_as_much_is_needed_until_some_seconds_have_passed() -> None:
    heard = Heard()

    for _ in range(3):
        heard.listener.mistrust()

    assert not heard.blocks(21, 1.0)
    assert heard.blocks(3, 1.0)
    heard.blocks(12 * PER_S, 0.0)
    assert heard.blocks(3, 1.0)


def test_without_a_model_any_sound_may_be_a_voice_and_none_is_clear() -> None:
    listener = VoiceListener(None, Surroundings())
    block = np.zeros(BLOCK, np.int16)

    for _ in range(30):
        listener.take(block)

    assert listener.may_be_voice(block)
    assert not listener.is_clear
    assert not listener.is_new
