"""A file of scenarios is held against a service, scored, and judged by its gates and thresholds."""

import asyncio
from typing import Any

import pytest

from edgevoice.errors import KeyRefused
from edgevoice.grading.report import GradingReport
from edgevoice.grading.scenario_file import SHIPPED, ScenariosInvalid, parse, read
from edgevoice.grading.scenarios import SCORERS, Suite
from edgevoice.grading.scorers import Score
from edgevoice.grading.verdict import Grade
from edgevoice.host.credentials import Key
from edgevoice.local.behaviour import Behaviour
from edgevoice.local.server import LocalService
from edgevoice.settings.service import ServiceSettings
from edgevoice.testbed.grading import hold
from edgevoice.testbed.grading.hold import GradedService, Via, grade
from tests import virtual_time
from tests.local.talking import Hears, Tone

CLOCK = {
    "name": "clock",
    "steps": [{"ask": "What time is it?"}],
    "scorers": [
        {"scorer": "called_tool", "tool": "get_current_time"},
        {"scorer": "matches", "pattern": "it is"},
        {"scorer": "cost"},
    ],
}
JOKE = {"name": "joke", "steps": [{"ask": "Tell me a joke."}], "scorers": [{"scorer": "did_not_call"}]}


def suite_of(*scenarios: dict[str, Any], **more: Any) -> Suite:
    return parse({"scenario": list(scenarios), **more}, "mine.toml")


def graded(suite: Suite, *, behaviour: Behaviour | None = None, **options: Any) -> GradingReport:
    async def scene() -> GradingReport:
        async with LocalService(voice=Tone(), recogniser=Hears(), behaviour=behaviour, pace=1000.0) as service:
            settings = ServiceSettings(url=service.url, dialect="inworld")
            return await grade(suite, GradedService(settings=settings, key=Key("key", source="here")), **options)

    return virtual_time.run(scene())


def test_everything_that_is_right_passes() -> None:
    suite = suite_of(CLOCK, JOKE, gates=["called_tool", "did_not_call"], thresholds={"matches": 1.0})

    report = graded(suite)

    assert (report.verdict, report.missed_gates, report.not_held) == (Grade.PASSED, (), 0)
    assert report.service.startswith("localhost:") or report.service.startswith("127.0.0.1:")
    assert {average.scorer: average.value for average in report.averages} == {
        "called_tool": 1.0, "matches": 1.0, "cost": None, "did_not_call": 1.0,
    }  # fmt: skip
    assert [*report.measured] == ["library"]


def test_a_scenario_is_held_as_often_as_asked_and_said_before_each_time() -> None:
    lines: list[str] = []

    report = graded(suite_of(JOKE), repeats=2, tell=lines.append)

    assert lines == ["joke, 1 of 2", "joke, 2 of 2"]
    assert len(report.scenarios[0].conversations) == 2
    assert report.verdict is None


def test_a_missed_threshold_is_scored_and_a_missed_gate_fails() -> None:
    wrong = {**JOKE, "scorers": [{"scorer": "called_tool", "tool": "set_timer"}]}

    assert graded(suite_of(wrong, thresholds={"called_tool": 0.5})).verdict is Grade.SCORED
    assert graded(suite_of(wrong, gates=["called_tool"])).verdict is Grade.FAILED


def test_a_conversation_that_fails_fails_the_run_even_without_gates() -> None:
    report = graded(suite_of({**JOKE, "steps": [{"ask": "Thank you."}, {"interrupt_after_s": 60}]}))

    assert (report.verdict, report.not_held) == (Grade.FAILED, 1)
    assert report.scenarios[0].conversations[0].scores[0].value == 0


def test_a_service_that_refuses_the_key_ends_the_run() -> None:
    with pytest.raises(KeyRefused):
        graded(suite_of(JOKE), behaviour=Behaviour(refuse=401))


def test_a_service_that_is_busy_costs_only_the_conversation() -> None:
    report = graded(suite_of(JOKE), behaviour=Behaviour(refuse=503))

    assert report.not_held == 1


def test_a_file_may_change_the_settings_of_the_service() -> None:
    assert graded(suite_of(JOKE, service={"voice": "Jason"})).voice == "Jason"


@pytest.mark.parametrize(
    ("suite", "options", "expected"),
    [
        (suite_of(JOKE, service={"vioce": "Jason"}), {}, "service: Object contains unknown field `vioce`"),
        (suite_of({**JOKE, "tools": ["fly"]}), {}, "joke: there is no tool fly; there are get_current_time"),
        (suite_of(JOKE), {"via": "card"}, "joke: what is written, and a [[tool]], exist only through the library"),
    ],
)
def test_what_cannot_be_held_is_refused_before_anything_is_said(
    suite: Suite, options: dict[str, Any], expected: str
) -> None:
    with pytest.raises(ScenariosInvalid) as refused:
        asyncio.run(grade(suite, GradedService(settings=ServiceSettings(url="local")), **options))

    assert expected in str(refused.value)


def test_all_scenarios_can_be_held_in_one_way(monkeypatch: pytest.MonkeyPatch) -> None:
    spoken = suite_of({**JOKE, "steps": [{"say": "Tell me a joke."}]})
    vias: list[Via | None] = ["library", "card", None]

    assert [hold._via(spoken, via).scenarios[0].via for via in vias] == ["library", "card", "library"]


def test_a_judge_is_asked_about_what_was_held(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str, str]] = []

    async def judge(settings: Any, key: str, criterion: str, held: Any) -> Score:
        asked.append((settings.model, key, held.exchanges[0].said))
        return Score(scorer="judge", value=0.5, reason=criterion)

    monkeypatch.setattr(hold, "judge", judge)
    funny = {**JOKE, "scorers": [{"scorer": "judge", "criterion": "It is funny."}]}

    report = graded(
        suite_of(funny, judge={"url": "https://models.example", "model": "small"}, thresholds={"judge": 0.9}),
        judge_key="secret",
    )

    assert asked == [("small", "secret", "Tell me a joke.")]
    assert report.verdict is Grade.SCORED


def test_eight_scenarios_ship_and_use_every_scorer_that_needs_no_judge_and_no_text_of_yours() -> None:
    suite = read(SHIPPED)

    assert len(suite.scenarios) == 8
    assert [scenario.via for scenario in suite.scenarios].count("card") == 2
    used = {name for name in SCORERS if suite.uses(name)}
    assert used == {*SCORERS} - {"judge", "includes", "similarity"}
    for scenario in suite.scenarios:
        hold._tools_of(scenario, suite)
