"""The verdict follows from gates and thresholds, in this order: failed, scored, passed."""

import pytest

from edgevoice.grading.scorers import Score
from edgevoice.grading.verdict import Grade, averages, judged


def scores(name: str, *values: float | None) -> list[Score]:
    return [Score(scorer=name, value=value) for value in values]


@pytest.mark.parametrize(
    ("gate", "threshold", "expected"),
    [
        ((1.0, 1.0), (0.8, 1.0), Grade.PASSED),
        ((1.0, 1.0), (0.7, 0.8), Grade.SCORED),
        ((1.0, 0.99), (0.8, 1.0), Grade.FAILED),
        ((1.0, 0.0), (0.1, 0.1), Grade.FAILED),
        ((1.0, None), (1.0, 1.0), Grade.FAILED),
        ((1.0, 1.0), (1.0, None), Grade.SCORED),
        ((1 / 3 + 1 / 3 + 1 / 3,), (0.9,), Grade.PASSED),
    ],
)
def test_a_missed_gate_fails_and_a_missed_threshold_only_scores(
    gate: tuple[float | None, ...], threshold: tuple[float | None, ...], expected: Grade
) -> None:
    found = averages([*scores("called_tool", *gate), *scores("similarity", *threshold)])

    judgement = judged(found, ["called_tool"], {"similarity": 0.9})

    assert judgement.verdict is expected
    assert judgement.missed_gates == (("called_tool",) if expected is Grade.FAILED else ())


def test_a_threshold_is_reached_by_an_average_that_equals_it() -> None:
    assert judged(averages(scores("similarity", 0.5, 1.0)), [], {"similarity": 0.75}).verdict is Grade.PASSED


def test_both_kinds_of_misses_are_named() -> None:
    found = averages([*scores("a", 0.0), *scores("b", 0.0)])

    judgement = judged(found, ["a"], {"b": 0.1})

    assert (judgement.verdict, judgement.missed_gates, judgement.missed_thresholds) == (Grade.FAILED, ("a",), ("b",))


def test_without_gates_and_thresholds_there_is_no_verdict() -> None:
    assert judged(averages(scores("a", 0.0)), [], {}).verdict is None


def test_a_gate_that_nothing_was_scored_by_is_missed() -> None:
    assert judged({}, ["a"], {}).verdict is Grade.FAILED


def test_the_exit_status_is_0_1_or_2() -> None:
    assert [grade.exit_status for grade in (Grade.PASSED, Grade.SCORED, Grade.FAILED)] == [0, 1, 2]


def test_an_average_is_over_all_scores_of_a_name_and_counts_those_that_are_missing() -> None:
    found = averages(
        [
            Score(scorer="time_to_sound", value=1.0, figure=0.5, unit="s"),
            Score(scorer="judge", value=None),
            Score(scorer="time_to_sound", value=0.5, figure=1.0, unit="s"),
            Score(scorer="judge", value=0.4),
        ]
    )

    assert list(found) == ["time_to_sound", "judge"]
    average = found["time_to_sound"]
    assert (average.value, average.figure, average.unit, average.count, average.missing) == (0.75, 0.75, "s", 2, 0)
    assert (found["judge"].value, found["judge"].missing) == (0.4, 1)


def test_what_only_measures_is_not_missing() -> None:
    found = averages([Score(scorer="cost", figure=7.0, unit="tokens")], only_measure=["cost"])

    assert (found["cost"].value, found["cost"].figure, found["cost"].missing) == (None, 7.0, 0)
