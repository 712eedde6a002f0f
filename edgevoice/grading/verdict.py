"""Verdicts: averages of scores against gates and thresholds. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from msgspec import Struct

from edgevoice.grading.scorers import Score

_WHOLE = 1 - 1e-9
"""An average of ones may be a rounding error below 1."""


class Grade(StrEnum):
    """What a run has shown: everything held, a threshold was missed, or a gate was."""

    PASSED = "passed"
    SCORED = "scored"
    FAILED = "failed"

    @property
    def exit_status(self) -> int:
        """The exit status of a command: 0, 1 or 2."""
        return (Grade.PASSED, Grade.SCORED, Grade.FAILED).index(self)


class Average(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The average of one scorer over ``count`` scores.

    ``value`` is ``None`` if it only measures. ``missing`` counts the scores that could not be determined, by a judge
    that did not answer: what is not known cannot have passed.
    """

    scorer: str
    count: int
    value: float | None = None
    figure: float | None = None
    unit: str = ""
    missing: int = 0


class Judgement(Struct, frozen=True, kw_only=True):
    """The verdict, ``None`` without gates and thresholds, and what was missed."""

    verdict: Grade | None = None
    missed_gates: tuple[str, ...] = ()
    missed_thresholds: tuple[str, ...] = ()


def averages(scores: Iterable[Score], *, only_measure: Iterable[str] = ()) -> dict[str, Average]:
    """Return the average of each scorer, by its name, in the order in which they first appear.

    Scores without a value count as missing, except those of scorers that ``only_measure``.
    """
    by_name: defaultdict[str, list[Score]] = defaultdict(list)
    for each in scores:
        by_name[each.scorer].append(each)
    measures = set(only_measure)
    return {name: _average(name, each, is_measure=name in measures) for name, each in by_name.items()}


def _average(name: str, scores: Sequence[Score], *, is_measure: bool) -> Average:
    values = [score.value for score in scores if score.value is not None]
    figures = [score.figure for score in scores if score.figure is not None]
    return Average(
        scorer=name,
        count=len(scores),
        value=sum(values) / len(values) if values else None,
        figure=sum(figures) / len(figures) if figures else None,
        unit=next((score.unit for score in scores if score.unit), ""),
        missing=0 if is_measure else len(scores) - len(values),
    )


def judged(found: Mapping[str, Average], gates: Sequence[str], thresholds: Mapping[str, float]) -> Judgement:
    """Return the verdict: failed if a gate does not average 1, else scored if a threshold is not reached, else passed.

    A gate or a threshold of which a score is missing counts as missed. Without either there is no verdict.
    """
    missed_gates = tuple(name for name in gates if not _reaches(found.get(name), _WHOLE))
    missed_thresholds = tuple(name for name, least in thresholds.items() if not _reaches(found.get(name), least))
    verdict: Grade | None = Grade.PASSED
    if missed_gates:
        verdict = Grade.FAILED
    elif missed_thresholds:
        verdict = Grade.SCORED
    elif not gates and not thresholds:
        verdict = None
    return Judgement(verdict=verdict, missed_gates=missed_gates, missed_thresholds=missed_thresholds)


def _reaches(average: Average | None, least: float) -> bool:
    return average is not None and not average.missing and average.value is not None and average.value >= least
