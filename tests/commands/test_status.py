"""`edgevoice status`: how the box is, from what systemd and the box's own file say, with what to do."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from edgevoice import __version__
from edgevoice.commands import status
from edgevoice.commands.root import app
from edgevoice.commands.status import look
from edgevoice.core.lights import meaning
from edgevoice.core.orders import Light
from edgevoice.errors import NoCredit
from edgevoice.observers.status_file import Status

RUNS = {"LoadState": "loaded", "ActiveState": "active", "SubState": "running", "StatusText": "idle"}
KEPT = Status(version=__version__, pid=1, started="2026-03-01T12:00:00+00:00")


def shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, properties: dict[str, str] | None, kept: Status | None, *words: str
) -> Result:
    monkeypatch.setattr(status, "probe_manager", lambda _machine: properties)
    monkeypatch.setattr(status, "newest_status", lambda _environment: kept)
    return CliRunner().invoke(app, ["status", *words], env={"COLUMNS": "200"})


@pytest.mark.parametrize(
    ("changes", "kept", "state", "phase", "code"),
    [
        ({}, KEPT, "runs", "idle", 0),
        ({"StatusText": "listening"}, KEPT, "runs", "listening", 0),
        ({"StatusText": "speaking; restart needed for speaker"}, KEPT, "runs", "speaking", 0),
        ({"StatusText": "fault: no-credit"}, KEPT, "runs", "idle", 1),
        ({"StatusText": "there is no such card. Plug it in."}, KEPT, "runs", "", 1),
        ({"StatusText": ""}, replace(KEPT, is_talking=True), "runs", "conversation", 0),
        ({"ActiveState": "reloading"}, KEPT, "runs", "idle", 0),
        ({"ActiveState": "activating", "SubState": "start"}, KEPT, "starts", "", 3),
        ({"ActiveState": "activating", "SubState": "auto-restart"}, KEPT, "failed", "", 3),
        ({"ActiveState": "failed"}, KEPT, "failed", "", 3),
        ({"ActiveState": "inactive"}, KEPT, "ended", "", 3),
        ({}, None, "runs", "idle", 0),
        ({"LoadState": "not-found"}, None, "unknown", "", 3),
        ({"LoadState": "not-found"}, replace(KEPT, pid=os.getpid()), "runs", "idle", 0),
        ({"LoadState": "not-found"}, replace(KEPT, pid=0), "ended", "", 3),
    ],
)
def test_the_state_comes_from_systemd_or_else_from_the_process(
    changes: dict[str, str], kept: Status | None, state: str, phase: str, code: int
) -> None:
    view = look({**RUNS, **changes}, kept)

    assert (view.state, view.phase, view.exit_status) == (state, phase, code)


def test_without_systemd_the_status_file_is_shown() -> None:
    assert look(None, None).state == "unknown"
    assert look(None, replace(KEPT, pid=os.getpid(), fault="no-credit")).fault == "no-credit"


def test_a_fault_is_shown_with_its_meaning_and_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    result = shown(monkeypatch, tmp_path, {**RUNS, "StatusText": "fault: no-credit"}, KEPT)

    assert result.exit_code == 1
    assert meaning(Light.FAULT, "no-credit") in result.stdout
    assert NoCredit.remedy in result.stdout


def test_a_past_fault_is_shown_with_its_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kept = replace(KEPT, last_fault={"code": "no-credit", "at": "2026-03-01T12:00:00+00:00"})

    result = shown(monkeypatch, tmp_path, RUNS, kept)

    assert result.exit_code == 0
    assert "Last fault" in result.stdout
    assert NoCredit.remedy in result.stdout


def test_the_reason_why_the_box_ended_is_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kept = replace(KEPT, pid=0, problem="edgevoice.toml: log.level is wrong. Fix it.")

    result = shown(monkeypatch, tmp_path, {**RUNS, "ActiveState": "failed"}, kept)

    assert result.exit_code == 3
    assert "Failed: edgevoice.toml: log.level is wrong" in result.stdout
    assert "→ Fix it." in result.stdout


def test_the_last_conversation_is_shown_in_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kept = replace(KEPT, conversation={"ended": "2026-03-01T12:00:00+00:00", "seconds": 24.6, "turns": 1})

    lines = [line.rstrip() for line in shown(monkeypatch, tmp_path, RUNS, kept).stdout.splitlines()]
    assert [line for line in lines if line.endswith(", 25 s, 1 turn")]
    assert "none yet" in shown(monkeypatch, tmp_path, RUNS, KEPT).stdout


@pytest.mark.parametrize(
    ("until", "said"),
    [("", "speaking does not interrupt the answer"), ("2026-03-01T12:00:09+00:00", "speaking could not interrupt")],
)
def test_a_noisy_room_is_shown_with_what_still_interrupts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, until: str, said: str
) -> None:
    noisy = {"since": "2026-03-01T12:00:00+00:00", "until": until, "ducks": 12, "false_cuts": 1, "is_loud": True}
    kept = replace(KEPT, noisy_room=noisy)

    shown_text = shown(monkeypatch, tmp_path, RUNS, kept).stdout

    assert "Noisy room" in shown_text
    assert said in shown_text
    assert "lowered 12 times and cut once without speech to the box, and the room is as loud as you" in shown_text
    assert "→ say the wake word or press the talk button to interrupt" in shown_text
    assert json.loads(shown(monkeypatch, tmp_path, RUNS, kept, "--json").stdout)["noisy_room"] == noisy
    quieter = replace(kept, noisy_room={**noisy, "is_loud": False})
    assert "as loud as you" not in shown(monkeypatch, tmp_path, RUNS, quieter).stdout


@pytest.mark.parametrize(
    ("kept", "warning", "remedy"),
    [
        (
            replace(KEPT, remark="restart needed for speaker"),
            "restart needed for speaker",
            "systemctl restart edgevoice",
        ),
        (replace(KEPT, remark="new settings refused: x"), "new settings refused: x", "edgevoice config check"),
        (replace(KEPT, is_muted=True, why_muted="x is damaged"), "muted: x is damaged", "Press the mute button"),
        (replace(KEPT, version="0.0.1"), f"version 0.0.1 runs, {__version__} is installed", "systemctl restart"),
    ],
)
def test_a_pending_action_is_a_warning_with_a_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kept: Status, warning: str, remedy: str
) -> None:
    result = shown(monkeypatch, tmp_path, RUNS, kept)

    assert warning in result.stdout
    assert remedy in result.stdout
    assert result.exit_code == 0
    assert look({**RUNS, "ActiveState": "inactive"}, kept).warnings == ()


def test_a_muted_box_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert meaning(Light.MUTED) in shown(monkeypatch, tmp_path, RUNS, replace(KEPT, is_muted=True)).stdout


@pytest.mark.parametrize("properties", [RUNS, None, {**RUNS, "StatusText": "fault: key-refused"}])
def test_json_is_one_object_on_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, properties: dict[str, str] | None
) -> None:
    result = shown(monkeypatch, tmp_path, properties, KEPT, "--json")

    (line,) = result.stdout.splitlines()
    told = json.loads(line)
    assert told["version"] == __version__
    assert {"state", "phase", "muted", "fault", "conversation", "warnings"} <= set(told)
    assert told["fault"] is None or told["fault"]["remedy"]


def test_every_state_has_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    states = [{"ActiveState": state} for state in ("active", "activating", "failed", "inactive")]
    told = [shown(monkeypatch, tmp_path, {**RUNS, **each}, None).stdout for each in states]
    told.append(shown(monkeypatch, tmp_path, None, None).stdout)

    assert len(set(told)) == len(told)


def test_the_services_status_file_wins_over_the_users_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    own, services = tmp_path / "own" / "status.json", tmp_path / "service.json"
    own.parent.mkdir()
    own.write_text('{"version": "own"}')
    monkeypatch.setattr(status, "SERVICE_FILE", services)
    found = status.newest_status({"CACHE_DIRECTORY": str(own.parent)})
    services.write_text('{"version": "service"}')

    assert found is not None
    assert found.version == "own"
    found = status.newest_status({"CACHE_DIRECTORY": str(own.parent)})
    assert found is not None
    assert found.version == "service"


def test_what_the_echo_is_taken_from_is_shown_where_a_mix_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    used = {"device": "hw:Loopback,1", "used": True, "why": ""}
    kept = replace(KEPT, echo_reference=used)
    assert "everything that plays, by hw:Loopback,1" in shown(monkeypatch, tmp_path, RUNS, kept).stdout
    assert json.loads(shown(monkeypatch, tmp_path, RUNS, kept, "--json").stdout)["echo_reference"] == used

    lost = replace(kept, echo_reference={**used, "used": False, "why": "it has stopped"})
    said = shown(monkeypatch, tmp_path, RUNS, lost).stdout
    assert "its own sound only, not over music: hw:Loopback,1: it has stopped" in said

    assert "Echo from" not in shown(monkeypatch, tmp_path, RUNS, KEPT).stdout
    assert "Echo from" not in shown(monkeypatch, tmp_path, {**RUNS, "ActiveState": "inactive"}, lost).stdout
