"""What counts as a near miss: tables of scores, and the rises that are reported for them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgevoice.wakeword.decision import Decision, Thresholds
from edgevoice.wakeword.tuning.near_misses import Rise, Rises

FRAME_S = 0.08
QUIET = [0.0] * 30


def rises_in(
    *scores: list[float],
    thresholds: tuple[Thresholds, ...] = (Thresholds(),),
    speaking: bool = False,
    share: float = 0.5,
) -> list[Rise]:
    """Return the rises in the scores, one list per word."""
    decision, rises = Decision(thresholds), Rises(len(thresholds), share)
    told: list[Rise] = []
    for number, row in enumerate(zip(*scores, strict=True)):
        word = decision.take(row, (number + 1) * FRAME_S, is_speaking=speaking)
        told += rises.take(decision, word, is_speaking=speaking)
    return told


@pytest.mark.parametrize(
    ("scores", "peak", "held", "is_heard"),
    [
        ([0.3, 0.4, 0.3], 0.4, 0.3, False),
        ([0.0, 0.7, 0.0], 0.7, 0.0, False),
        ([0.25], 0.25, 0.0, False),
        ([0.3, 0.6, 0.7, 0.99, 0.98, 0.2], 0.99, 0.98, True),
        ([0.85], 0.85, 0.0, True),
        ([0.4, 0.0, 0.1, 0.45, 0.44], 0.45, 0.44, False),
    ],
    ids=["close", "a door", "the floor itself", "a word", "a sure frame", "one breath"],
)
def test_a_rise_is_reported_once_with_its_peak_and_the_best_two_frames(
    scores: list[float], peak: float, held: float, *, is_heard: bool
) -> None:
    (rise,) = rises_in([0.0, *scores, *QUIET])

    assert (rise.peak, rise.held, rise.is_heard) == (peak, held, is_heard)
    assert (rise.threshold, rise.floor) == (0.5, 0.25)


def test_scores_below_the_fraction_of_the_threshold_are_ignored() -> None:
    assert rises_in([0.24, 0.2, 0.24, *QUIET]) == []
    assert len(rises_in([0.24, 0.2, 0.24, *QUIET], share=0.4)) == 1


def test_nan_scores_are_ignored() -> None:
    assert rises_in([float("nan"), float("nan"), *QUIET]) == []


def test_the_peak_can_be_located_by_its_age() -> None:
    (rise,) = rises_in([0.3, 0.45, 0.3, *QUIET])

    # The rise ends with the sixth frame below the floor; the peak is seven frames before that one.
    assert rise.peak_age == 7


def test_the_tail_of_a_detection_is_not_a_near_miss() -> None:
    word = [0.0, 0.9, 0.9, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.4, 0.4, *QUIET]
    other = [0.3, 0.4, 0.4, 0.4, 0.0, 0.0, 0.0, 0.0, 0.0, 0.4, 0.4, 0.0, *QUIET]

    (rise,) = rises_in(word, other, thresholds=(Thresholds(), Thresholds()))

    assert (rise.word, rise.is_heard) == (0, True)


def test_two_words_can_be_near_misses_at_the_same_time() -> None:
    scores = [0.3, 0.4, *QUIET]

    assert [rise.word for rise in rises_in(scores, scores, thresholds=(Thresholds(), Thresholds()))] == [0, 1]


def test_a_continuous_sound_is_reported_every_two_seconds() -> None:
    assert len(rises_in([0.4] * 75)) == 3


def test_while_the_box_speaks_its_separate_threshold_is_in_force() -> None:
    careful = (Thresholds(speaking=0.9),)

    (rise,) = rises_in([0.6, 0.7, *QUIET], thresholds=careful, speaking=True)
    ((quiet),) = rises_in([0.3, 0.3, *QUIET], thresholds=careful)

    assert (rise.threshold, rise.is_speaking, rise.is_heard) == (0.9, True, False)
    assert (quiet.threshold, quiet.is_speaking) == (0.5, False)


@given(st.lists(st.sampled_from([0.0, 0.1, 0.3, 0.45, 0.55, 0.7, 0.9]), max_size=150))
def test_every_detection_is_reported_with_whether_the_two_frame_rule_would_have_detected_it(
    scores: list[float],
) -> None:
    decision, rises = Decision([Thresholds()]), Rises(1, 0.5)
    heard: list[int] = []
    told: list[Rise] = []
    for number, score in enumerate([*scores, *QUIET]):
        word = decision.take([score], (number + 1) * FRAME_S)
        heard += [number] if word is not None else []
        told += rises.take(decision, word, is_speaking=False)

    assert sum(rise.is_heard for rise in told) == len(heard)
    for rise in told:
        would_be = rise.held >= 0.5 or rise.peak >= 0.8
        assert would_be or not rise.is_heard
        assert 0.25 <= rise.peak <= 0.9
        assert rise.held <= rise.peak
        if not rise.is_heard:
            assert not would_be
