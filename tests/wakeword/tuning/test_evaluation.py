"""Evaluation: how recordings are classified, and what counts as a miss and as a false wake."""

import unicodedata
from pathlib import Path

import numpy as np
import pytest

from edgevoice.wakeword.decision import Thresholds
from edgevoice.wakeword.listening import Listened, WordHeard
from edgevoice.wakeword.tuning.evaluation import Judged, Kind, kind_of, result_of, word_said

ROOT = Path("/home/me/negatives of the kitchen")
WORDS = ("hey_jarvis", "alexa", "jarvis")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/data/set/pos_alexa.wav", "positive"),
        ("/data/set/NEG-1.flac", "negative"),
        ("/data/set/positives/a.wav", "positive"),
        ("/data/set/negatives/tv/a.wav", "negative"),
        ("/data/set/positives/neg_1.wav", "negative"),
        ("/data/set/a.wav", None),
        ("/data/set/opposite/a.wav", None),
    ],
)
def test_the_nearest_folder_name_classifies_a_recording(path: str, kind: Kind | None) -> None:
    assert kind_of(Path(path), Path("/data/set")) == kind


def test_the_named_folder_classifies_and_its_parents_do_not() -> None:
    assert kind_of(ROOT / "a.wav", ROOT) == "negative"
    assert kind_of(Path("/data/positives/set/a.wav"), Path("/data/positives/set")) is None


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("/d/pos_hey_jarvis__slt.wav", "hey_jarvis"),
        ("/d/Hey Jarvis, near/1.wav", "hey_jarvis"),
        ("/d/jarvis/1.wav", "jarvis"),
        ("/d/pos_alexa.wav", "alexa"),
        ("/d/pos_1.wav", None),
    ],
)
def test_the_name_identifies_the_word_too(path: str, word: str | None) -> None:
    assert word_said(Path(path), Path("/d"), WORDS) == word


@pytest.mark.parametrize("word", ["привет_дом", "žofka", "おはよう", "ελπίδα"])
def test_a_word_in_any_script_is_found_in_a_name_and_in_no_other(word: str) -> None:
    known = ("alexa", word)

    assert word_said(Path(f"/d/pos_{unicodedata.normalize('NFD', word).upper()}-1.wav"), Path("/d"), known) == word
    assert word_said(Path("/d/pos_alexa.wav"), Path("/d"), known) == "alexa"
    assert word_said(Path("/d/pos_1.wav"), Path("/d"), (*known, "__")) is None


def judged(kind: Kind, scores: list[float], *heard: int, word: int = 0) -> Judged:
    table = np.array([scores, [0.0] * len(scores)]).T
    return Judged(
        Path("x"), kind, word, Listened(3600.0, table, tuple(WordHeard(each, 0.9, 1.0) for each in heard), ())
    )


def test_misses_and_false_wakes_are_counted_with_confidence_intervals() -> None:
    everything = [
        judged("positive", [0.0, 0.9, 0.9, 0.0], 0),
        judged("positive", [0.0, 0.4, 0.4, 0.0]),
        judged("positive", [0.0, 0.9, 0.9, 0.0], 1, word=1),
        *[judged("negative", [0.0, 0.3, 0.3, 0.0])] * 11,
        judged("negative", [0.0, 0.6, 0.6, *[0.0] * 30, 0.6, 0.6], 0, 0),
    ]

    result = result_of(everything, 0, Thresholds())

    assert (result.positives, result.negative_s) == (2, 12 * 3600)
    assert (result.real.missed, result.real.false) == (1, 2)
    assert result.real.misses is not None
    assert result.real.misses.value == 0.5
    assert result.real.false_wakes is not None
    assert result.real.false_wakes.value == 4.0
    assert result.real.false_wakes.high == pytest.approx(7.225 * 2, abs=0.01)
    curve = {point.threshold: (point.missed, point.false) for point in result.curve}
    assert curve[0.3] == (0, 13)
    assert curve[0.4] == (0, 2)
    assert curve[0.5] == (1, 2)
    assert curve[0.65] == (1, 0)
    assert curve[0.95] == (2, 0)


def test_both_error_curves_are_monotonic_in_the_threshold() -> None:
    chance = np.random.default_rng(5)
    everything = [judged("positive", chance.uniform(0, 1, 40).tolist()) for _ in range(30)]
    everything += [judged("negative", (chance.uniform(0, 1, 400) ** 3).tolist()) for _ in range(5)]

    curve = result_of(everything, 0, Thresholds(refractory_s=0.0)).curve

    assert [point.missed for point in curve] == sorted(point.missed for point in curve)
    assert [point.false for point in curve] == sorted((point.false for point in curve), reverse=True)


def test_detecting_another_word_counts_as_a_miss() -> None:
    assert judged("positive", [0.0], 1, word=0).is_missed
    assert not judged("positive", [0.0], 1, 0, word=0).is_missed
    assert not judged("negative", [0.0]).is_missed


def test_without_positives_or_negatives_no_figure_is_invented() -> None:
    result = result_of([judged("negative", [0.0])], 0, Thresholds())
    other = result_of([judged("positive", [0.0])], 0, Thresholds())

    assert result.real.misses is None
    assert other.real.false_wakes is None
