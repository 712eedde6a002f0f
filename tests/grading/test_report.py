import msgspec

from edgevoice.grading.held import HeldConversation
from edgevoice.grading.report import (
    GradedConversation,
    GradedScenario,
    GradingReport,
    figure,
    rows,
    share,
    side_by_side,
    summary,
)
from edgevoice.grading.scorers import Score
from edgevoice.grading.verdict import Average, Grade


def report(*averages: Average, **more: object) -> GradingReport:
    given = {"label": "", "service": "models.example", "model": "small", "voice": "Sarah", "averages": averages, **more}
    return GradingReport(**given)  # type: ignore[arg-type]


def held(*scores: Score) -> GradedConversation:
    return GradedConversation(held=HeldConversation(), scores=scores)


def test_repeats_of_a_scenario_are_one_row_for_each_scorer() -> None:
    first = held(
        Score(scorer="time_to_sound", value=1.0, figure=1.0, unit="s"), Score(scorer="matches", value=0.0, reason="a")
    )
    second = held(
        Score(scorer="time_to_sound", value=0.5, figure=2.0, unit="s"), Score(scorer="matches", value=0.0, reason="b")
    )
    scenario = GradedScenario(name="clock", via="library", conversations=(first, second))

    assert rows(report(scenarios=(scenario,))) == [
        ("clock", "time_to_sound", "0.75", "1.50 s", ""),
        ("clock", "matches", "0.00", "", "a (and 1 more)"),
    ]


def test_only_what_is_whole_is_shown_as_1() -> None:
    assert [share(value) for value in (1.0, 0.999, 0.0, None)] == ["1.00", "0.99", "0.00", "-"]


def test_a_figure_has_as_many_digits_as_its_unit_deserves() -> None:
    assert [figure(1.23456, unit) for unit in ("s", "ms", "tokens", "USD", "")] == [
        "1.23 s", "1.2 ms", "1 tokens", "1.2346 USD", "1.2346",
    ]  # fmt: skip
    assert figure(None, "s") == ""


def test_two_runs_are_shown_side_by_side_even_if_they_were_scored_by_different_scorers() -> None:
    a = report(
        Average(scorer="cost", count=1, figure=20.0, unit="tokens"), Average(scorer="matches", count=1, value=1.0)
    )
    b = report(Average(scorer="matches", count=1, value=0.5), Average(scorer="judge", count=1, value=0.8))

    assert side_by_side(a, b) == [
        ("cost", "-", "20 tokens", "", ""),
        ("matches", "1.00", "", "0.50", ""),
        ("judge", "", "", "0.80", ""),
    ]


def test_the_summary_names_what_was_missed() -> None:
    assert summary(report(verdict=Grade.PASSED)) == "passed"
    assert summary(report()) == "no verdict: the file has no gates or thresholds"
    missed = report(verdict=Grade.FAILED, missed_gates=("called_tool",), missed_thresholds=("matches",), not_held=2)
    assert summary(missed) == (
        "failed; gates missed: called_tool; thresholds missed: matches; conversations that failed: 2"
    )


def test_a_report_is_the_same_after_json() -> None:
    written = report(
        Average(scorer="matches", count=1, value=1.0),
        verdict=Grade.SCORED,
        scenarios=(GradedScenario(name="a", via="card", conversations=(held(Score(scorer="matches", value=1.0)),)),),
        measured={"card": "by its tape"},
    )

    assert msgspec.json.decode(msgspec.json.encode(written), type=GradingReport) == written


def test_the_exit_status_is_the_verdicts_and_0_without_one() -> None:
    assert [report(verdict=grade).exit_status for grade in (None, *Grade)] == [0, 0, 1, 2]
