"""`edgevoice eval`: what is shown, and with which status it ends."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from edgevoice.commands import evaluate
from edgevoice.commands.root import app
from edgevoice.errors import KeyRefused
from edgevoice.grading.grades import GradeEntry, add_grade
from edgevoice.grading.held import HeldConversation
from edgevoice.grading.report import GradedConversation, GradedScenario, GradingReport
from edgevoice.grading.scenario_file import SHIPPED
from edgevoice.grading.scenarios import Suite
from edgevoice.grading.scorers import Score
from edgevoice.grading.verdict import Average, Grade
from edgevoice.testbed.grading.hold import GradedService

FILE = """
[[scenario]]
name = "clock"
steps = [{ ask = "What time is it?" }]
scorers = [{ scorer = "matches", pattern = "it is" }]
"""


def report(verdict: Grade | None = Grade.PASSED, value: float = 1.0, label: str = "") -> GradingReport:
    score = Score(scorer="matches", value=value, reason="" if value == 1 else "it is not found")
    return GradingReport(
        label=label,
        service="models.example",
        model="small",
        voice="Sarah",
        verdict=verdict,
        missed_thresholds=("matches",) if verdict is Grade.SCORED else (),
        averages=(Average(scorer="matches", count=1, value=value),),
        scenarios=(
            GradedScenario(
                name="clock",
                via="library",
                conversations=(GradedConversation(held=HeldConversation(), scores=(score,)),),
            ),
        ),
        measured={"library": "through the library"},
    )


class Held:
    """In place of conversations: a report for each, and what was asked for."""

    def __init__(self) -> None:
        self.reports = [report()]
        self.error: Exception | None = None
        self.suites: list[Suite] = []
        self.services: list[GradedService] = []
        self.options: list[Mapping[str, Any]] = []

    async def __call__(self, suite: Suite, service: GradedService, **options: Any) -> GradingReport:
        self.suites.append(suite)
        self.services.append(service)
        self.options.append(options)
        if self.error is not None:
            raise self.error
        return self.reports[len(self.suites) - 1]


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Held:
    held = Held()
    monkeypatch.setattr(evaluate, "grade", held)
    monkeypatch.setenv("EDGEVOICE_CONFIG", str(tmp_path / "edgevoice.toml"))
    (tmp_path / "edgevoice.toml").write_text('[service]\nmodel = "of-the-box"\n')
    monkeypatch.delenv("EDGEVOICE_API_KEY", raising=False)
    return held


@pytest.fixture
def scenarios(tmp_path: Path) -> str:
    (tmp_path / "mine.toml").write_text(FILE)
    return str(tmp_path / "mine.toml")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["eval", *arguments], env={"COLUMNS": "200"})


@pytest.mark.parametrize(("grade", "status"), [(None, 0), (Grade.PASSED, 0), (Grade.SCORED, 1), (Grade.FAILED, 2)])
def test_the_exit_status_is_the_verdict(held: Held, scenarios: str, grade: Grade | None, status: int) -> None:
    held.reports = [report(grade)]

    assert run(scenarios).exit_code == status


def test_a_person_gets_a_table_the_origin_of_the_times_and_the_verdict(held: Held, scenarios: str) -> None:
    held.reports = [report(Grade.SCORED, 0.5)]

    lines = run(scenarios).stdout.splitlines()

    assert lines[0] == "small, Sarah: models.example"
    assert [line.split() for line in lines if line.startswith("clock")] == [
        ["clock", "matches", "0.50", "it", "is", "not", "found"]
    ]
    assert lines[-2:] == ["Times through the library.", "scored; thresholds missed: matches"]


def test_a_program_gets_json_on_the_last_line(held: Held, scenarios: str) -> None:
    shown = json.loads(run(scenarios, "--json").stdout.splitlines()[-1])

    assert shown["verdict"] == "passed"
    assert shown["scenarios"][0]["conversations"][0]["scores"] == [{"scorer": "matches", "value": 1.0}]


def test_the_service_is_that_of_the_settings_and_the_scenarios_those_that_ship(held: Held) -> None:
    assert run("--repeat", "3", "--via", "library").exit_code == 0

    assert held.services[0].settings.model == "of-the-box"
    assert len(held.suites[0].scenarios) == 8
    assert (held.options[0]["repeats"], held.options[0]["via"]) == (3, "library")


def test_two_models_are_compared_side_by_side_and_the_status_is_that_of_the_second(held: Held, scenarios: str) -> None:
    a, b = "model=large", "model=small,speed=1.2,voice=Jason"
    held.reports = [report(Grade.FAILED, 0.0, a), report(Grade.PASSED, 1.0, b)]

    shown = run(scenarios, "--compare", a, b)

    assert shown.exit_code == 0
    assert [suite.service for suite in held.suites] == [
        {"model": "large"}, {"model": "small", "speed": 1.2, "voice": "Jason"},
    ]  # fmt: skip
    lines = shown.stdout.splitlines()
    assert lines[0].split() == ["A:", a, "B:", b]
    assert [line.split() for line in lines[1:3]] == [["matches", "0.00", "1.00"], ["verdict", "failed", "passed"]]
    assert lines[-2:] == ["A: failed", "B: passed"]


def test_a_run_is_compared_with_an_earlier_one(held: Held, scenarios: str, tmp_path: Path) -> None:
    before = tmp_path / "before.json"
    before.write_text(f"a line before it\n{run(scenarios, '--json').stdout}")
    held.reports = [report(), report(Grade.SCORED, 0.5, "model=small")]

    shown = run(scenarios, "--compare", str(before), "model=small", "--json")

    assert shown.exit_code == 1
    both = json.loads(shown.stdout.splitlines()[-1])
    assert (both["a"]["label"], both["b"]["label"]) == ("before.json", "model=small")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            ("nowhere.toml",),
            "nowhere.toml cannot be read: No such file or directory. Name a file of scenarios",
        ),
        (
            ("--compare", "nowhere.json", "model=a"),
            "--compare nowhere.json: No such file or directory. Name a",
        ),
        (
            ("--compare", "model=a", "model=b,fast"),
            "--compare model=b,fast: 'fast' is not a setting. Write it as",
        ),
        (
            ("--compare", str(SHIPPED), "model=b"),
            "shipped.toml does not end with a report. Write one: edgevoice",
        ),
    ],
)
def test_what_cannot_be_read_is_one_line_and_a_status_that_is_no_verdict(
    held: Held, arguments: tuple[str, ...], expected: str
) -> None:
    result = run(*arguments)

    assert result.exit_code == 65
    assert expected in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_wrong_settings_are_one_line(held: Held, tmp_path: Path) -> None:
    (tmp_path / "edgevoice.toml").write_text("[service]\nspeed = 9\n")

    result = run()

    assert result.exit_code == 65
    assert "service.speed" in result.stderr


def test_a_service_that_cannot_be_reached_is_no_verdict(held: Held, scenarios: str) -> None:
    held.error = KeyRefused("the service refused the key")

    result = run(scenarios)

    assert result.exit_code == 69
    assert result.stderr.startswith("the service refused the key. ")


JUDGED = f"""
judge = {{ url = "https://models.example/v1", model = "small" }}
{FILE.replace('[{ scorer = "matches", pattern = "it is" }]', '[{ scorer = "judge", criterion = "It is brief." }]')}
"""


def test_the_judges_key_comes_from_the_environment(held: Held, scenarios: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Path(scenarios).write_text(JUDGED)
    monkeypatch.setenv("EDGEVOICE_JUDGE_KEY", "secret\n")

    assert run(scenarios).exit_code == 0
    assert held.options[0]["judge_key"] == "secret"


def test_the_judges_key_may_be_a_stored_secret(
    held: Held, scenarios: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(scenarios).write_text(JUDGED)
    (tmp_path / "judge_key").write_text("stored")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))

    assert run(scenarios).exit_code == 0
    assert held.options[0]["judge_key"] == "stored"


def test_without_a_key_only_a_judge_on_this_machine_is_asked(
    held: Held, scenarios: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    monkeypatch.delenv("EDGEVOICE_JUDGE_KEY", raising=False)
    Path(scenarios).write_text(JUDGED)
    assert run(scenarios).exit_code == 65
    assert held.suites == []

    Path(scenarios).write_text(JUDGED.replace("https://models.example", "http://127.0.0.1:8080"))
    assert run(scenarios).exit_code == 0
    assert held.options[0]["judge_key"] == ""


def test_the_scenarios_that_ship_can_be_copied() -> None:
    assert run("--show").stdout == SHIPPED.read_text()


def test_the_scores_of_real_conversations_are_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    nothing = run("--live")
    assert (nothing.exit_code, nothing.stdout) == (
        0, "No conversation has been scored: set grading.rate, such as 0.1, and restart the box.\n",
    )  # fmt: skip

    for number, wait_s in enumerate((1.0, 2.0)):
        wait, judged = Score(scorer="time_to_sound", figure=wait_s, unit="s"), Score(scorer="judge", value=1 / wait_s)
        add_grade(tmp_path, GradeEntry(at=f"2026-11-2{number}", session="s", scores=(wait, judged)))

    lines = [line.split() for line in run("--live").stdout.splitlines()]
    assert lines[1:3] == [["time_to_sound", "-", "1.50", "s", "2"], ["judge", "0.75", "2"]]
    assert lines[-1] == "2 conversations, from 2026-11-20 to 2026-11-21".split()  # noqa: SIM905 - as it is shown
    assert json.loads(run("--live", "--json").stdout)["conversations"] == 2
