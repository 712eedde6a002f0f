"""The streaming engine compared with openWakeWord's own: the same audio, every frame from the first."""

import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest

from edgevoice.wakeword.models.present import words_present
from edgevoice.wakeword.models.shapes import FRAME, RATE_HZ
from edgevoice.wakeword.scorer import LibraryScorer, Scorer, StreamingScorer
from tests.wakeword.sounds import NEGATIVES, POSITIVES, Samples, frames_of, noise, parts, quiet, recording

NAMES = ("hey_jarvis", "alexa", "hey_mycroft")
THRESHOLD = 0.5
AFTER_RESET = 16
"""Frames in which a score still sees what a reset left behind."""

Scores = npt.NDArray[np.float64]


def rooms() -> Iterator[Samples]:
    """Yield stretches of sound, each to be scored after a reset; four and a half minutes in all."""
    for number, level in enumerate((0.0, 3.0, 60.0, 900.0, 6000.0)):
        pieces = [noise(3.0, max(level, 1e-9), is_pink=bool(number % 2), seed=number)]
        for name in (*POSITIVES, *NEGATIVES):
            spoken = recording(name)
            hall = noise(len(spoken) / RATE_HZ + 1.5, max(level, 1e-9), is_pink=bool(number % 2), seed=len(spoken))
            hall[: len(spoken)] += spoken * (1.0, 0.3, 1.0, 0.6, 1.0)[number]
            pieces.append(hall)
        yield frames_of(np.clip(np.concatenate(pieces), -32768, 32767).astype(np.int16))
    tone = 12_000 * np.sin(2 * np.pi * 440 / RATE_HZ * np.arange(RATE_HZ * 4))
    steps = np.repeat(np.array([0, 32767, -32768, 1, 0], np.int16), RATE_HZ)
    yield frames_of(tone.astype(np.int16), np.zeros(RATE_HZ * 3, np.int16), steps, quiet(75.0))
    for name in POSITIVES:
        # A word right after a reset, and one aligned differently to the frames.
        yield frames_of(recording(name), np.zeros(333, np.int16), recording(name), quiet(2.0))


def heard(scorer: Scorer, at_once: int = 1) -> list[Scores]:
    scores = []
    for stretch in rooms():
        scorer.reset()
        rows = [scorer.score(stretch[at : at + at_once].reshape(-1)) for at in range(0, len(stretch), at_once)]
        scores.append(np.concatenate(rows))
    return scores


@pytest.fixture(scope="module")
def theirs() -> list[Scores]:
    return heard(LibraryScorer([words_present()[name] for name in NAMES]))


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
