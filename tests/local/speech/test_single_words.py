"""How well a sound fits one word: by a network whose frames the test writes, and by the real one."""

from typing import Any

import numpy as np
import pytest

from edgevoice.local.speech.phonemes import BLANK, Frames, columns_of
from edgevoice.local.speech.recogniser import SAMPLE_RATE_HZ
from edgevoice.local.speech.single_words import SingleWords
from edgevoice.testbed.stage.talker import words

SILENCE = np.zeros(SAMPLE_RATE_HZ // 3, np.int16)


def loaded() -> SingleWords:
    pytest.importorskip("hama")
    return SingleWords.load()


def alone(text: str) -> np.ndarray[Any, np.dtype[np.int16]]:
    return np.concatenate([SILENCE, words(text), SILENCE])


def test_a_word_fits_itself_and_nothing_else() -> None:
    single = loaded()

    for word, other in (("stop", "snooze"), ("snooze", "stop")):
        own = single.fit(alone(f"{word.capitalize()}."), word)
        assert own > -4
        for text in (f"{other.capitalize()}.", "Shop.", "What time is it?", "We stopped at the shop."):
            assert single.fit(alone(text), word) < own - 4


def test_a_sound_too_short_for_a_word_does_not_fit() -> None:
    assert loaded().fit(np.zeros(100, np.int16), "stop") < -1e6


class Network:
    """A network that hears what the test says: one phoneme a frame."""

    def __init__(self, names: list[str], heard: list[int]) -> None:
        self.names = names
        self._frames = np.full((len(heard), len(names)), -20.0, np.float32)
        self._frames[range(len(heard)), heard] = 0.0

    def frames(self, _samples: Frames) -> Frames:
        return self._frames


@pytest.mark.parametrize(
    ("heard", "fits"),
    [
        (["S", "T", "AA", "P"], True),
        (["S", "S", BLANK, "T", "AA", "AA", "P", BLANK], True),
        ([BLANK, BLANK], False),
        (["S", "T", "P"], False),
        (["T", "S", "T", "AA", "P"], False),
    ],
)
def test_every_alignment_of_the_phonemes_fits_and_another_phoneme_does_not(heard: list[str], *, fits: bool) -> None:
    tokens = list(loaded()._network.names)
    columns = columns_of(Network(tokens, [0]))
    single = SingleWords(Network(tokens, [columns[phoneme] for phoneme in heard]), {"stop": ("S T AA P",)})

    assert (single.fit(np.zeros(SAMPLE_RATE_HZ, np.int16), "stop") > -1) is fits


@pytest.mark.parametrize(
    ("heard", "fits"), [("S N UW Z", True), ("S UW Z", True), ("SH UW Z", False), ("N UW Z", False)]
)
def test_a_snooze_fits_without_its_n_and_shoes_and_news_do_not(heard: str, *, fits: bool) -> None:
    tokens = list(loaded()._network.names)
    columns = columns_of(Network(tokens, [0]))
    single = SingleWords(Network(tokens, [columns[phoneme] for phoneme in heard.split()]))

    assert (single.fit(np.zeros(SAMPLE_RATE_HZ, np.int16), "snooze") > -1) is fits
