"""The doctor's lines about MCP servers: what each offers, or why it offers nothing, and what to do."""

import sys
from pathlib import Path

import pytest

from edgevoice.doctor import mcp as module
from edgevoice.doctor.findings import Finding, FindingStatus
from edgevoice.doctor.mcp import examine_servers, judge_server
from edgevoice.doctor.plan import Examination
from edgevoice.mcp.source import ServerState
from edgevoice.settings.mcp import McpSettings
from tests.doctor.machines import machine
from tests.mcp.living import SMALL


def test_without_a_server_there_is_nothing_to_say() -> None:
    assert [*examine_servers(McpSettings(), {})] == []


def test_each_server_gets_a_line_with_its_tools_or_the_reason_why_there_are_none(tmp_path: Path) -> None:
    small = {"command": sys.executable, "args": ["-I", str(SMALL)]}
    servers = {
        "notes": small | {"allow": ["echo", "pid"]},
        "wrong": small | {"allow": ["echo", "weather"]},
        "absent": {"command": "/nonexistent/server"},
        "keyless": {"url": "http://127.0.0.1:9/mcp", "headers": {"Authorization": "Bearer ${news}"}},
    }

    notes, wrong, absent, keyless = examine_servers(McpSettings(servers=servers), {"HOME": str(tmp_path)})

    assert notes == Finding("MCP notes", FindingStatus.FINE, "2 tools: notes__echo, notes__pid", figures={"tools": 2})
    assert (wrong.mark, wrong.text) == (
        FindingStatus.DOUBTFUL,
        "1 tools: wrong__echo; allow names weather, which it does not have",
    )
    assert "mcp.servers.wrong.allow" in wrong.remedy
    assert (absent.mark, absent.text) == (FindingStatus.WRONG, "there is no program /nonexistent/server")
    assert (keyless.mark, keyless.name) == (FindingStatus.WRONG, "MCP keyless")
    assert keyless.text.startswith("the secret news is not stored")


def test_without_the_sdk_the_remedy_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "has", lambda _module: False)

    (line,) = examine_servers(McpSettings(servers={"notes": {"command": "notes"}}), {})

    assert line.mark is FindingStatus.WRONG
    assert "mcp" in line.remedy


@pytest.mark.parametrize(
    ("state", "mark", "text"),
    [
        (None, FindingStatus.WRONG, "not ready within 120 s"),
        (ServerState(), FindingStatus.DOUBTFUL, "no tools"),
        (ServerState(tuple("abcdefgh")), FindingStatus.FINE, "8 tools: a, b, c, d, e, f and 2 more"),
    ],
)
def test_a_state_is_judged(state: ServerState | None, mark: FindingStatus, text: str) -> None:
    finding = judge_server("notes", state)

    assert (finding.mark, finding.text) == (mark, text)


def test_a_quick_look_that_is_too_short_for_a_first_start_calls_nothing_broken() -> None:
    finding = judge_server("notes", None, is_quick=True)

    assert (finding.mark, finding.text) == (FindingStatus.DOUBTFUL, "not ready within 40 s")
    assert "without --quick" in finding.remedy


def test_the_lines_of_the_servers_come_last_and_hold_up_no_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = tmp_path / "edgevoice.toml"
    servers = '[mcp.servers.notes]\ncommand = "notes"\n[mcp.servers.news]\ncommand = "news"\n'
    settings.write_text(f'[service]\nkey_file = "/nowhere"\n{servers}')
    asked: list[str] = []

    def has(name: str) -> bool:
        asked.append(name)
        return False

    monkeypatch.setattr(module, "has", has)
    folders = {"STATE_DIRECTORY": str(tmp_path), "CACHE_DIRECTORY": str(tmp_path / "cache")}
    answers = {"systemctl show": "LoadState=not-found\n"}
    examination = Examination(settings, folders, machine(tmp_path / "machine", answers=answers), with_sound=False)

    parts = examination.parts()
    first = next(parts)

    assert asked == []
    assert {"settings", "key", "network", "microphone"} <= {finding.name for finding in first.findings}
    assert first.follow == ("MCP notes", "MCP news")
    assert [finding.name for finding in next(parts).findings] == ["MCP notes", "MCP news"]
    assert next(parts, None) is None
