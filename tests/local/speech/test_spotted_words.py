"""How well a wake word fits some part of a sound: by a network whose frames the test writes, and by the real one."""

import numpy as np
import pytest

from edgevoice.local.speech.phonemes import BLANK, Frames, columns_of
from edgevoice.local.speech.recogniser import SAMPLE_RATE_HZ
from edgevoice.local.speech.spotted_words import WAKE_WORDS, SpottedWords
from edgevoice.testbed.stage.talker import words
from edgevoice.wakeword.phoneme_witness import EVEN
from tests.wakeword.sounds import NEGATIVES, POSITIVES, recording

SECOND = np.zeros(SAMPLE_RATE_HZ, np.int16)


def loaded() -> SpottedWords:
    pytest.importorskip("hama")
    return SpottedWords.load()


class Network:
    """A network that hears what the test says: one phoneme a frame, and others 20 less likely."""

    def __init__(self, names: list[str], heard: list[int]) -> None:
        self.names = names
        self.loudest = 0.0
        self._frames = np.full((len(heard), len(names)), -20.0, np.float32)
        self._frames[range(len(heard)), heard] = 0.0

    def frames(self, samples: Frames) -> Frames:
        self.loudest = float(np.abs(samples).max())
        return self._frames


def fit_of(heard: str, phonemes: str) -> float:
    tokens = list(loaded()._network.names)
    columns = columns_of(Network(tokens, [0]))
    network = Network(tokens, [columns[each] for each in heard.replace("-", BLANK).split()])
    return SpottedWords(network, {"word": phonemes}).fit(SECOND, "word")


@pytest.mark.parametrize(
    ("heard", "fit"),
    [
        ("AX L EH K S AX", 0),
        ("- - AX AX - L EH - K S - AX -", 0),
        # Other speech before and after it says nothing about it.
        ("T AA M AX L EH K S AX P L IY Z", 0),
        ("AX L IH K Z AA", 0),
        ("AX L EH K T AX", -20),
        ("AX L EH K K AX", -20),
        ("B L EH K T AX", -40),
        ("L EH AX K AX S", -100),
    ],
)
def test_only_the_words_own_phonemes_count_wherever_they_lie(heard: str, fit: float) -> None:
    assert fit_of(heard, WAKE_WORDS["alexa"]) == pytest.approx(fit)


def test_a_sound_of_fewer_frames_than_phonemes_fits_as_badly_as_can_be() -> None:
    assert fit_of("AX L", WAKE_WORDS["alexa"]) < -1e6
    assert loaded().fit(np.zeros(100, np.int16), "alexa") < -1e6


def test_a_soft_voice_is_raised_and_silence_is_not() -> None:
    tokens = list(loaded()._network.names)
    network = Network(tokens, [0])
    spotted = SpottedWords(network)

    noise = np.random.default_rng(1).integers(-100, 100, SAMPLE_RATE_HZ)
    heard = []
    for gain in (1, 100):
        spotted.fit((gain * noise).astype(np.int16), "alexa")
        heard.append(network.loudest)
    assert heard[0] == pytest.approx(heard[1], rel=1e-3)
    spotted.fit(np.array([1, -1] * 8_000, np.int16), "alexa")
    assert network.loudest < 0.01


def test_a_wake_word_fits_and_other_words_do_not() -> None:
    spotted = loaded()

    for name in POSITIVES:
        assert spotted.fit(recording(name), "hey_jarvis") > EVEN["hey_jarvis"], name
    for name in NEGATIVES:
        assert spotted.fit(recording(name), "hey_jarvis") < EVEN["hey_jarvis"], name
    assert spotted.fit(words("Alexa."), "alexa") > EVEN["alexa"]
    for other in ("A letter.", "What time is it?", "Hey Charles.", "Hey Jarvis."):
        assert spotted.fit(words(other), "alexa") < EVEN["alexa"], other


def test_every_word_that_the_witness_judges_has_phonemes() -> None:
    assert EVEN.keys() == WAKE_WORDS.keys()
