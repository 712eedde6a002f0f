"""The pace of scoring: two frames at once while scores are low, without delaying a detection."""

import pytest

from edgevoice.wakeword.batching import CALM, Pace
from edgevoice.wakeword.decision import Decision, Thresholds
from edgevoice.wakeword.models.present import words_present
from edgevoice.wakeword.scorer import StreamingScorer
from tests.wakeword.sounds import POSITIVES, frames_of, parts, quiet, recording


def test_scoring_starts_with_single_frames_and_pairs_them_once_all_scores_are_low() -> None:
    pace = Pace()
    assert pace.frames == 1

    pace.take([(0.0, CALM / 2)], is_speaking=False)
    assert pace.frames == 2

    pace.take([(0.0, CALM), (0.0, 0.0)], is_speaking=False)
    assert pace.frames == 1


def test_while_the_box_speaks_frames_are_scored_singly() -> None:
    pace = Pace()

    pace.take([(0.0,)], is_speaking=True)

    assert pace.frames == 1


@pytest.mark.parametrize("name", POSITIVES)
@pytest.mark.parametrize("lead", [2.0, 2.02, 2.04, 2.06, 2.08, 2.1, 2.12, 2.14])
def test_batching_delays_no_detection(name: str, lead: float) -> None:
    scorer = StreamingScorer([words_present()["hey_jarvis"]], parts())
    decision, pace = Decision([Thresholds()]), Pace()
    frames = frames_of(quiet(lead), recording(name), quiet(1.0))

    at = 0
    waited: int | None = None
    while at < len(frames):
        rows = scorer.score(frames[at : at + pace.frames].reshape(-1))
        at += len(rows)
        pace.take(rows, is_speaking=False)
        for number, scores in enumerate(rows):
            if decision.take(scores, (at - len(rows) + number + 1) * 0.08) is not None:
                waited = len(rows) - 1 - number

    assert waited == 0
