"""`edgevoice why`, for people and for programs."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from edgevoice.commands import why
from edgevoice.commands.root import app
from edgevoice.observers.failures import Failure

OLD = Failure("2026-02-27T09:30:00+00:00", "key-refused", "the service refused the key", "Copy the key again.")
NEW = Failure(
    "2026-03-01T14:02:00+00:00",
    "no-answer",
    "no answer within 15 s",
    "Ask again.",
    ("the network was up",),
    ((18.0, "the session was open"),),
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CACHE_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setattr(why, "SERVICE_FILE", tmp_path / "service" / "failures.json")
    monkeypatch.setattr(why, "local_now", lambda: datetime(2026, 3, 1, 15, tzinfo=UTC))
    return tmp_path


def shown(*arguments: str) -> Result:
    result = CliRunner().invoke(app, ["why", *arguments])
    assert result.exit_code == 0
    return result


def test_the_last_failures_are_shown_newest_first_with_their_remedies(folder: Path) -> None:
    (folder / "failures.json").write_text(json.dumps([asdict(OLD), asdict(NEW)]))

    assert shown("--trail").stdout.splitlines() == [
        "14:02: no answer within 15 s; the network was up",
        "      18.0 s before: the session was open",
        "    → Ask again.",
        "2026-02-27 09:30: the service refused the key",
        "    → Copy the key again.",
    ]
    assert [each["code"] for each in json.loads(shown("--json", "--most", "1").stdout)["failures"]] == ["no-answer"]


def test_without_failures_it_says_so(folder: Path) -> None:
    assert shown().stdout == "Nothing has failed lately.\n"
    assert folder.exists()


def test_the_services_record_wins_over_the_users_own(folder: Path) -> None:
    (folder / "failures.json").write_text(json.dumps([asdict(OLD)]))
    (folder / "service").mkdir()
    (folder / "service" / "failures.json").write_text(json.dumps([asdict(NEW)]))

    assert "no answer" in shown().stdout


def test_a_time_that_cannot_be_read_is_called_unknown() -> None:
    assert why.time_of(Failure("soon", "x", "y", "z")) == "at an unknown time"
