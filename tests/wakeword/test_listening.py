"""Listening to recordings: scored as the box does, with other thresholds applied by the same rules."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgevoice.wakeword.decision import Decision, Thresholds
from edgevoice.wakeword.energy_gate import EnergyGate
from edgevoice.wakeword.listening import FRAME_S, Listened, detections, listen
from edgevoice.wakeword.models.present import find_model
from edgevoice.wakeword.scorer import Scorer, StreamingScorer
from edgevoice.wakeword.tuning.recordings import frames_of
from tests.wakeword.sounds import DATA, NEGATIVES, POSITIVES, parts


@pytest.fixture(params=["free", "gated"])
def scorer(request: pytest.FixtureRequest) -> Scorer:
    return StreamingScorer([find_model("hey_jarvis")], parts(), EnergyGate() if request.param == "gated" else None)


def listened(scorer: Scorer, name: str, **limits: float) -> Listened:
    return listen(scorer, frames_of(DATA / name), [Thresholds(**limits)])


def test_each_recording_is_detected_at_its_end_whatever_was_heard_before(scorer: Scorer) -> None:
    first = [listened(scorer, name) for name in POSITIVES]
    again = [listened(scorer, name) for name in reversed(POSITIVES)][::-1]

    for one, other in zip(first, again, strict=True):
        (heard,) = one.heard
        assert heard.word == 0
        assert one.seconds - 0.6 < heard.at_s < one.seconds + 4 * FRAME_S
        assert one.heard == other.heard
        assert np.array_equal(one.scores, other.scores)


def test_other_speech_gives_neither_detections_nor_near_misses(scorer: Scorer) -> None:
    for name in NEGATIVES:
        found = listened(scorer, name)
        assert (found.heard, found.near_misses) == ((), ())


def test_too_high_a_threshold_turns_detections_into_near_misses(scorer: Scorer) -> None:
    found = listened(scorer, POSITIVES[0], threshold=1.0, sure=1.0)

    assert found.heard == ()
    assert [round(rise.peak, 1) for rise in found.near_misses] == [1.0]


@given(
    st.lists(st.sampled_from([0.0, 0.2, 0.4, 0.5, 0.6, 0.79, 0.8, 0.95]), max_size=200),
    st.sampled_from([0.3, 0.5, 0.6, 0.9]),
)
def test_counting_from_high_scores_alone_matches_the_decision(scores: list[float], threshold: float) -> None:
    limits = Thresholds(threshold, max(threshold, 0.8), refractory_s=1.0)
    decision = Decision([limits])
    expected = sum(decision.take([score], (number + 1) * FRAME_S) is not None for number, score in enumerate(scores))

    assert detections(np.array(scores), limits) == expected
