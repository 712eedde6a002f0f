"""A voice model that rests while nobody is over the bar."""

import numpy as np

from edgevoice.echo.canceller import BLOCK, Samples
from edgevoice.echo.voice import RestingVoice


class Memory:
    """A model that remembers which blocks it was given; a block is known by its first sample."""

    def __init__(self) -> None:
        self.heard: list[int] = []

    def take(self, block: Samples) -> float:
        self.heard.append(int(block[0]))
        return len(self.heard) / 100


def block(number: int) -> Samples:
    return np.full(BLOCK, number, np.int16)


def test_while_it_rests_nothing_is_computed() -> None:
    model = Memory()
    voice = RestingVoice(model)

    for number in range(40):
        voice.rest(block(number))

    assert model.heard == []


def test_when_it_is_asked_it_hears_the_last_800_ms_first_and_then_only_what_is_new() -> None:
    model = Memory()
    voice = RestingVoice(model)
    for number in range(100):
        voice.rest(block(number))

    for number in range(100, 110):
        voice.take(block(number))

    assert model.heard == list(range(60, 110))


def test_what_was_missed_is_made_good_in_pieces_before_speech_can_be_confirmed() -> None:
    model = Memory()
    voice = RestingVoice(model)
    for number in range(100):
        voice.rest(block(number))

    lengths, told = [], []
    for number in range(7):
        before = len(model.heard)
        told.append(voice.take(block(100 + number)))
        lengths.append(len(model.heard) - before)

    assert lengths == [8, 8, 8, 8, 8, 6, 1]
    # What the model thinks of what came before is nobody's voice now.
    assert told == [0, 0, 0, 0, 0, 0.46, 0.47]


def test_what_it_is_asked_about_while_it_is_behind_counts_later() -> None:
    class Once(Memory):
        def take(self, block: Samples) -> float:
            super().take(block)
            return 0.9 if block[0] == 100 else 0.1

    voice = RestingVoice(Once())
    for number in range(100):
        voice.rest(block(number))

    assert [voice.take(block(100 + number)) for number in range(7)] == [0, 0, 0, 0, 0, 0.9, 0.1]


def test_after_another_rest_it_hears_what_it_missed() -> None:
    model = Memory()
    voice = RestingVoice(model)
    voice.take(block(1))
    voice.rest(block(2))

    voice.take(block(3))

    assert model.heard == [1, 2, 3]


def test_what_it_was_asked_about_before_a_rest_is_not_answered_after_it() -> None:
    model = Memory()
    voice = RestingVoice(model)
    for number in range(20):
        voice.rest(block(number))
    voice.take(block(20))
    voice.rest(block(21))

    for number in range(22, 26):
        voice.take(block(number))

    assert 20 not in model.heard
    assert model.heard[-1] == 25


def test_it_forgets_what_was_before_a_silence() -> None:
    model = Memory()
    voice = RestingVoice(model)
    voice.take(block(1))
    voice.rest(block(2))
    voice.reset()

    voice.take(block(3))

    assert model.heard == [1, 3]
