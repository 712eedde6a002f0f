"""When scores make a detection: tables of scores, one per 80 ms frame, and where the word was detected."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgevoice.wakeword.decision import Decision, Thresholds

FRAME_S = 0.08
USUAL = Thresholds(0.5, 0.8, refractory_s=2.0)


def heard_at(scores: list[float], thresholds: Thresholds = USUAL) -> list[int]:
    """Return the numbers of the frames at which a word was detected."""
    decision = Decision([thresholds])
    return [number for number, score in enumerate(scores) if decision.take([score], (number + 1) * FRAME_S) is not None]


@pytest.mark.parametrize(
    ("scores", "expected", "why"),
    [
        ([0.0, 0.1, 0.49, 0.49, 0.49], [], "below the threshold, for however long"),
        ([0.0, 0.6, 0.0], [], "a door slams for one frame"),
        ([0.0, 0.6, 0.6, 0.0], [2], "a word lasts for two"),
        ([0.6, 0.0, 0.6, 0.0, 0.6], [], "two that do not touch are none"),
        ([0.5, 0.5], [1], "the threshold itself counts"),
        ([0.0, 0.8, 0.0], [1], "who is sure needs no second frame"),
        ([0.0, 0.79, 0.0], [], "almost sure does"),
        ([0.6, 0.9, 0.9, 0.9, 0.6, 0.6], [1], "one word is heard once"),
        ([0.0, 1.0, *[0.0] * 20, 1.0], [1], "too soon after the last"),
        ([0.0, 1.0, *[0.0] * 24, 1.0], [1, 26], "soon enough after the last"),
        ([float("nan"), float("nan"), 0.6, 0.6], [3], "a score that is no number is none"),
    ],
    ids=lambda value: value.replace(" ", "-") if isinstance(value, str) else "",
)
def test_a_detection_takes_one_frame_over_its_threshold_or_two_over_theirs(
    scores: list[float], expected: list[int], why: str
) -> None:
    assert heard_at(scores) == expected, why


def test_a_word_that_outlasts_the_refractory_period_is_detected_again_when_that_ends() -> None:
    assert heard_at([0.9] * 30) == [0, 25]


def test_without_a_refractory_period_every_frame_can_be_a_detection() -> None:
    assert heard_at([0.9, 0.9, 0.9], Thresholds(0.5, 0.8, refractory_s=0.0)) == [0, 1, 2]


def test_each_word_has_its_own_threshold() -> None:
    decision = Decision([Thresholds(0.5, 0.8), Thresholds(0.3, 0.4)])

    assert decision.take([0.45, 0.45], 1.0) == 1


def test_of_two_overlapping_words_only_the_one_with_the_higher_score_is_detected() -> None:
    decision = Decision([Thresholds(), Thresholds()])

    breath: list[list[float]] = [[0.6, 0.7], [0.9, 0.95], [1.0, 1.0]]
    heard = [decision.take(scores, number * FRAME_S) for number, scores in enumerate(breath)]

    assert heard == [None, 1, None]


def test_the_two_frame_rule_needs_both_frames_from_the_same_word() -> None:
    decision = Decision([Thresholds(), Thresholds()])

    assert [decision.take([0.6, 0.1], 1.0), decision.take([0.1, 0.6], 1.08)] == [None, None]


def test_both_rules_use_higher_thresholds_while_the_box_speaks_and_for_a_second_after() -> None:
    careful = Thresholds(0.5, 0.8, refractory_s=0.0, speaking=0.9)
    decision = Decision([careful])

    assert decision.take([0.85], 1.0, is_speaking=True) is None
    assert decision.take([0.85], 1.1, is_speaking=True) is None
    assert decision.take([0.9], 1.2, is_speaking=True) == 0
    assert decision.take([0.85], 2.1) is None
    assert decision.take([0.85], 2.3) == 0


def test_with_smoothing_the_mean_of_the_latest_scores_is_used_and_reported() -> None:
    decision = Decision([Thresholds(), Thresholds()], smoothing_frames=3)

    told = [decision.take(scores, 1.0) for scores in ([0.9, 0.0], [0.6, 0.3], [0.6, 0.0], [0.6, 0.0])]

    assert told == [None, None, 0, None]
    assert decision.scores == pytest.approx([0.6, 0.1])


@pytest.mark.parametrize(
    ("frames", "expected"), [(1, None), (2, 1)], ids=["as they are", "the mean of two lets it pass"]
)
def test_without_smoothing_the_default_a_single_high_frame_is_not_a_detection(
    frames: int, expected: int | None
) -> None:
    almost_sure = [0.0, 0.79, 0.21, 0.0]
    loud = Decision([Thresholds(threshold=0.39)], smoothing_frames=frames)

    heard = [number for number, score in enumerate(almost_sure) if loud.take([score], number * FRAME_S) is not None]

    assert bool(heard) == (expected is not None)


def test_each_frame_reports_the_thresholds_in_force_and_whether_it_is_in_the_refractory_period() -> None:
    decision = Decision([Thresholds(0.5, 0.8, speaking=0.9), Thresholds(0.6, 0.8)])

    assert (decision.take([0.0, 0.0], 1.0, is_speaking=True), decision.bars) == (None, [0.9, 0.6])
    assert (decision.take([0.0, 0.95], 2.1), decision.bars, decision.is_deaf) == (1, [0.5, 0.6], False)
    assert (decision.take([0.0, 0.95], 2.2), decision.is_deaf) == (None, True)
    assert (decision.take([0.0, 0.0], 4.2), decision.is_deaf) == (None, False)


@given(st.lists(st.floats(0, 1), max_size=200), st.floats(0.05, 0.99), st.floats(0, 0.5), st.floats(0, 3))
def test_no_two_detections_are_closer_than_the_refractory_period(
    scores: list[float], threshold: float, above: float, refractory_s: float
) -> None:
    thresholds = Thresholds(threshold, min(1.0, threshold + above), refractory_s)

    heard = heard_at(scores, thresholds)

    for first, second in pairwise(heard):
        assert (second - first) * FRAME_S >= refractory_s - 1e-6
    for number in heard:
        confirmed = number > 0 and min(scores[number - 1 : number + 1]) >= threshold
        assert confirmed or scores[number] >= thresholds.sure
