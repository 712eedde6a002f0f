"""The phonemes as a witness: when they are asked, what their answer changes, and what it costs when nothing is said."""

import numpy as np
import pytest

from edgevoice.wakeword.decision import Thresholds
from edgevoice.wakeword.engine import Opinions, open_scorer
from edgevoice.wakeword.listening import listen
from edgevoice.wakeword.models.present import find_model, words_present
from edgevoice.wakeword.models.shapes import FRAME, Samples
from edgevoice.wakeword.phoneme_witness import EVEN, Fit, PhonemeWitness
from edgevoice.wakeword.scorer import StreamingScorer
from tests.wakeword.sounds import NEGATIVES, POSITIVES, frames_of, quiet, recording

WORD = "hey_jarvis"
SILENCE: Samples = np.zeros(FRAME, np.int16)


class Answering:
    """Stands in for the network; ``fit`` is above or below what speaks neither for nor against the word."""

    def __init__(self) -> None:
        self.fit = 0.0
        self.heard: list[tuple[int, str]] = []
        self.loaded = 0

    def load(self) -> Fit:
        self.loaded += 1
        return self.answer

    def answer(self, sound: Samples, word: str) -> float:
        self.heard.append((len(sound), word))
        return EVEN[word] + self.fit


@pytest.fixture
def network() -> Answering:
    return Answering()


def weighed(made: PhonemeWitness, *scores: float) -> list[float]:
    return [made.weighed(SILENCE, [[score]])[0][0] for score in scores]


@pytest.mark.parametrize(
    ("score", "fit", "is_over"),
    [
        (0.02, 4.0, True),
        (0.02, 3.0, False),
        (0.2, 1.5, True),
        (0.5, -0.1, False),
        (0.9, -3.0, False),
        (0.9, -1.0, True),
        # Models that are both sure are believed, whatever the phonemes.
        (0.994, -99.0, True),
        (0.005, 99.0, False),
    ],
)
def test_the_right_phonemes_make_a_call_likelier_and_others_less_likely(
    network: Answering, score: float, fit: float, *, is_over: bool
) -> None:
    network.fit = fit

    assert (weighed(PhonemeWitness([WORD], network.load), score)[0] >= 0.5) is is_over


def test_it_is_asked_only_in_doubt_and_about_every_second_frame(network: Answering) -> None:
    made = PhonemeWitness([WORD], network.load)

    weighed(made, 0.0, 0.001, 0.9999, 0.996)
    assert (network.loaded, network.heard) == (0, [])
    weighed(made, 0.1, 0.2, 0.3, 0.4, 0.5)
    assert network.loaded == 1
    assert [size for size, _ in network.heard] == [5 * FRAME, 7 * FRAME, 9 * FRAME]
    weighed(made, *[0.5] * 20)
    assert network.heard[-1] == (20 * FRAME, WORD)


def test_an_answer_counts_for_its_frame_and_the_next(network: Answering) -> None:
    made = PhonemeWitness([WORD], network.load)
    network.fit = 5.0
    first = weighed(made, 0.1)
    network.fit = -5.0

    assert weighed(made, 0.1) == first
    assert weighed(made, 0.1)[0] < 0.01


def test_words_are_judged_apart_and_one_that_it_does_not_know_is_left_alone(network: Answering) -> None:
    made = PhonemeWitness([WORD, None, "own_word", "alexa"], network.load)
    network.fit = 2.0

    (row,) = made.weighed(SILENCE, [[0.5, 0.5, 0.5, 0.3]])

    assert row[1:3] == [0.5, 0.5]
    assert row[0] > 0.85
    assert row[3] > 0.7
    assert [word for _, word in network.heard] == [WORD, "alexa"]


def test_two_frames_at_once_are_asked_about_once(network: Answering) -> None:
    made = PhonemeWitness([WORD], network.load)

    made.weighed(np.zeros(2 * FRAME, np.int16), [[0.1], [0.2]])

    assert network.heard == [(2 * FRAME, WORD)]


def test_forgetting_asks_again_about_new_sound_only(network: Answering) -> None:
    made = PhonemeWitness([WORD], network.load)
    weighed(made, 0.1)
    made.reset()
    weighed(made, 0.1)

    assert network.heard == [(FRAME, WORD)] * 2
    assert network.loaded == 1


def test_without_the_network_scores_stay_as_they_are() -> None:
    asked = []
    made = PhonemeWitness([WORD], lambda: asked.append(1))

    assert weighed(made, 0.1, 0.5, 0.9) == pytest.approx([0.1, 0.5, 0.9])
    assert asked == [1]


def test_the_engine_hears_calls_and_nothing_else_with_it(tmp_path_factory: pytest.TempPathFactory) -> None:
    pytest.importorskip("hama")
    from edgevoice.local.speech.spotted_words import SpottedWords  # noqa: PLC0415 - not installed everywhere

    fit = SpottedWords.load().fit
    asked = []

    def counting(sound: Samples, word: str) -> float:
        asked.append(word)
        return fit(sound, word)

    opinions = Opinions([words_present("microwakeword")[WORD]], PhonemeWitness([WORD], lambda: counting))
    cache = tmp_path_factory.mktemp("cache")
    scorer = open_scorer([find_model(WORD)], engine="streaming", gate="off", cache=cache, opinions=opinions)
    assert isinstance(scorer, StreamingScorer)

    thresholds = [Thresholds()]
    assert [len(listen(scorer, frames_of(recording(name)), thresholds).heard) for name in POSITIVES] == [1] * len(
        POSITIVES
    )
    assert asked
    for name in NEGATIVES:
        assert not listen(scorer, frames_of(recording(name)), thresholds).heard
    asked.clear()
    listen(scorer, frames_of(quiet(20.0)), thresholds)
    assert asked == []
