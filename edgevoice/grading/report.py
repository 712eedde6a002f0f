"""The report of a graded run: for a person as lines, for a program as JSON. Pure."""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from edgevoice.grading.held import HeldConversation
from edgevoice.grading.scorers import Score
from edgevoice.grading.verdict import Average, Grade

MEASURED: Mapping[str, str] = {
    "card": "on the virtual card, by its tape: from the last sample of the words to the first of the answer; from the "
    "decision to cut to the last sample of the answer",
    "library": "through the library, in real time: from the last sample of the words that was sent to the first of the "
    "answer that was taken; a program plays in periods of 10 ms, without a sound card",
}
"""Where times come from, by how a scenario was held."""


class GradedConversation(Struct, frozen=True, kw_only=True):
    """One conversation that was held, and what each scorer of its scenario found."""

    held: HeldConversation
    scores: tuple[Score, ...]


class GradedScenario(Struct, frozen=True, kw_only=True):
    """A scenario and the conversations that were held of it, one for each repeat."""

    name: str
    via: str
    conversations: tuple[GradedConversation, ...]


class GradingReport(Struct, frozen=True, kw_only=True):
    """A whole run against one service.

    ``service``: its host. ``measured``: where times come from, by how scenarios were held.
    """

    label: str
    service: str
    model: str
    voice: str
    verdict: Grade | None = None
    missed_gates: tuple[str, ...] = ()
    missed_thresholds: tuple[str, ...] = ()
    not_held: int = 0
    averages: tuple[Average, ...] = ()
    scenarios: tuple[GradedScenario, ...] = ()
    measured: dict[str, str] = {}

    @property
    def exit_status(self) -> int:
        """0 if it passed or there was nothing to pass, 1 if a threshold was missed, 2 if a gate was."""
        return 0 if self.verdict is None else self.verdict.exit_status


def figure(value: float | None, unit: str) -> str:
    """Return a figure with its unit for a person; empty without one."""
    if value is None:
        return ""
    digits = 2 if unit == "s" else 1 if unit == "ms" else 0 if unit == "tokens" else 4
    return f"{value:.{digits}f} {unit}".strip()


def share(value: float | None) -> str:
    """Return a score for a person: two digits, rounded down, so that only 1 is shown as 1."""
    return "-" if value is None else f"{int(value * 100 + 1e-6) / 100:.2f}"


def rows(report: GradingReport) -> list[tuple[str, str, str, str, str]]:
    """Return a row for each scorer of each scenario: scenario, scorer, score, figure, reason; averaged over repeats."""
    return [(scenario.name, *_row(scores)) for scenario in report.scenarios for scores in _by_scorer(scenario)]


def _by_scorer(scenario: GradedScenario) -> Iterator[Sequence[Score]]:
    yield from zip(*(conversation.scores for conversation in scenario.conversations), strict=True)


def _row(scores: Sequence[Score]) -> tuple[str, str, str, str]:
    values = [score.value for score in scores if score.value is not None]
    figures = [score.figure for score in scores if score.figure is not None]
    unit = next((score.unit for score in scores if score.unit), "")
    reasons = [score.reason for score in scores if score.reason]
    more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
    return (
        scores[0].scorer,
        share(sum(values) / len(values) if values else None),
        figure(sum(figures) / len(figures) if figures else None, unit),
        f"{reasons[0]}{more}" if reasons else "",
    )


def side_by_side(a: GradingReport, b: GradingReport) -> list[tuple[str, str, str, str, str]]:
    """Return a row for each scorer of either run: its name, then score and figure of A, then of B."""
    of_a, of_b = ({average.scorer: average for average in report.averages} for report in (a, b))
    return [(name, *_cells(of_a.get(name)), *_cells(of_b.get(name))) for name in dict.fromkeys((*of_a, *of_b))]


def _cells(average: Average | None) -> tuple[str, str]:
    return ("", "") if average is None else (share(average.value), figure(average.figure, average.unit))


def summary(report: GradingReport) -> str:
    """Return the verdict in one line."""
    missed = [*report.missed_gates, *report.missed_thresholds]
    parts = [f"{report.verdict}" if report.verdict is not None else "no verdict: the file has no gates or thresholds"]
    if report.missed_gates:
        parts.append(f"gates missed: {', '.join(report.missed_gates)}")
    if report.missed_thresholds:
        parts.append(f"thresholds missed: {', '.join(report.missed_thresholds)}")
    if report.not_held:
        parts.append(f"conversations that failed: {report.not_held}")
    return "; ".join(parts) if missed or report.not_held else parts[0]
