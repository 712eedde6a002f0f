"""The streaming engine compared with openWakeWord's own: the same audio, every frame from the first."""

import subprocess
import sys

import numpy as np
import pytest

from edgevoice.wakeword.models.present import words_present
from edgevoice.wakeword.models.shapes import FRAME, RATE_HZ
from edgevoice.wakeword.scorer import LibraryScorer, Scorer, StreamingScorer
from tests.wakeword.library_scores import NAMES, library_scores
from tests.wakeword.sounds import POSITIVES, Scores, frames_of, heard, parts, recording

pytestmark = pytest.mark.long

THRESHOLD = 0.5
AFTER_RESET = 16
"""Frames in which a score still sees what a reset left behind."""


@pytest.fixture(scope="module")
def theirs() -> list[Scores]:
    return library_scores()


@pytest.mark.parametrize("at_once", [1, 2])
def test_over_four_minutes_scores_agree_within_0_001_with_equal_decisions_and_no_word_from_a_reset(
    at_once: int, theirs: list[Scores]
) -> None:
    ours = heard(StreamingScorer([words_present()[name] for name in NAMES], parts()), at_once)

    one, other = np.concatenate(ours), np.concatenate(theirs)
    assert len(one) * FRAME / RATE_HZ >= 240
    assert np.abs(one - other).max() <= 1e-3
    assert np.array_equal(one >= THRESHOLD, other >= THRESHOLD)
    # Otherwise the comparison would prove little.
    assert (other[:, 0] >= THRESHOLD).sum() > 50
    for number, scores in enumerate(ours[:6]):
        assert scores[:AFTER_RESET].max() < 0.2, f"stretch {number} begins with a false score"


def test_the_librarys_scores_that_are_kept_are_those_that_it_gives(theirs: list[Scores]) -> None:
    """For the first of the stretches; the others are its scores as long as the digest is the same."""
    now = heard(LibraryScorer([words_present()[name] for name in NAMES]), most=1)

    assert np.abs(now[0] - theirs[0]).max() <= 1e-6


def test_neither_the_library_nor_its_dependencies_are_imported() -> None:
    script = """if True:
        import os, sys
        import numpy as np
        from edgevoice.store.folders import cache_folder
        from edgevoice.wakeword.engine import open_scorer
        from edgevoice.wakeword.models.present import find_model
        models = [find_model("hey_jarvis")]
        scorer = open_scorer(models, engine="streaming", gate="energy", cache=cache_folder(os.environ))
        scorer.score(np.zeros(1280, np.int16))
        strays = {"openwakeword", "onnx", "scipy", "sklearn"} & set(sys.modules)
        print(type(scorer).__name__, *strays)
    """
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=120)

    assert done.stdout.split() == ["StreamingScorer"], done.stderr


@pytest.mark.parametrize("engine", [StreamingScorer, LibraryScorer])
def test_the_first_five_frames_score_zero_as_in_the_library(engine: type[Scorer]) -> None:
    models = [words_present()["hey_jarvis"]]
    scorer: Scorer = StreamingScorer(models, parts()) if engine is StreamingScorer else LibraryScorer(models)

    for _ in range(2):
        scores = [list(scorer.score(frame)[0]) for frame in frames_of(recording(POSITIVES[0]))]
        assert scores[:5] == [[0.0]] * 5
        assert scores[6] != [0.0]
        scorer.reset()
