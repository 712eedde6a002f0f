"""`edgevoice doctor`: the table, the data, the exit status, and the real probes on the virtual card."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from edgevoice.commands import doctor
from edgevoice.commands.root import app
from edgevoice.doctor import mcp
from edgevoice.doctor.findings import Finding, doubtful, fine, skipped, wrong
from edgevoice.settings import file as settings_file
from edgevoice.testbed.virtual import AcousticPath, VirtualCard, synthetic_response
from edgevoice.testbed.virtual.loopback import LOOPBACK, Loopback

pytestmark = pytest.mark.long

LINES = ("settings", "key", "wake word", "echo", "volume", "pins", "network", "TLS", "session")
BODY = ("disk", "memory", "clock", "power", "Wi-Fi", "failures", "guests", "service")


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in ("https_proxy", "http_proxy", "all_proxy", "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    monkeypatch.setattr(settings_file, "SYSTEM_FILE", tmp_path / "etc.toml")
    return tmp_path


def examine(home: Path, *options: str, settings: str = "") -> Result:
    place = home / "edgevoice.toml"
    place.write_text(settings, encoding="utf-8")
    return CliRunner().invoke(app, ["doctor", "--config", str(place), *options])


def findings_of(result: Result) -> dict[str, dict[str, Any]]:
    (line,) = result.stdout.splitlines()
    return {finding["name"]: finding for finding in json.loads(line)["findings"]}


def test_every_line_is_printed_in_order_and_a_quick_run_plays_nothing(home: Path) -> None:
    result = examine(home, "--quick", "--json", settings='[service]\nurl = "local"\n')

    told = findings_of(result)
    assert tuple(told) == (*LINES, *BODY, "microphone", "speaker")
    assert told["microphone"]["mark"] == told["speaker"]["mark"] == "skipped"
    assert told["session"]["mark"] == "fine"
    assert told["pins"]["text"].startswith("GPIOZERO_PIN_FACTORY is mock")
    assert all(finding["remedy"] for finding in told.values() if finding["mark"] != "fine")
    assert result.exit_code == 0


def test_invalid_settings_are_listed_and_the_machine_is_still_examined(home: Path) -> None:
    result = examine(home, "--json", settings="[speaker]\nvolume_percent = 300\nprefill = 1\n")

    (line,) = result.stdout.splitlines()
    told = json.loads(line)["findings"]
    assert [finding["code"] for finding in told[:2]] == ["settings-invalid"] * 2
    assert {finding["name"]: finding["mark"] for finding in told}["session"] == "skipped"
    assert {finding["name"]: finding["mark"] for finding in told}["disk"] == "fine"
    assert result.exit_code == 1


def test_a_malformed_key_is_not_tried(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEVOICE_API_KEY", "two words")
    result = examine(home, "--quick", "--json")

    told = findings_of(result)
    assert told["key"]["mark"] == "wrong"
    assert told["session"]["mark"] == "skipped"
    assert "two words" not in result.stdout


def test_a_service_stopped_for_the_examination_is_judged_by_its_earlier_state(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (
        "LoadState=loaded\tActiveState=active\tSubState=running\tNRestarts=2\tUnitFileState=enabled\tStatusText=idle"
    )
    monkeypatch.setenv("SERVICE_BEFORE", before)

    # With the service inside the box the examination would start a child, which takes seconds to load.
    told = findings_of(examine(home, "--quick", "--json", settings='[service]\nurl = "ws://127.0.0.1:9/"\n'))

    assert (told["service"]["mark"], told["service"]["text"]) == ("fine", "runs, idle; restarted 2 times")
    assert list(told).count("service") == 1


def test_the_archive_is_written_to_the_requested_path(home: Path) -> None:
    result = examine(home, "--quick", "--bundle", str(home / "out.tar.gz"), settings='[service]\nurl = "local"\n')

    assert result.exit_code == 0
    assert (home / "out.tar.gz").stat().st_size > 1000
    assert f"Wrote {home / 'out.tar.gz'}".replace("\n", "") in result.stdout.replace("\n", "")


FINDINGS = [
    fine("settings", "no file; the defaults"),
    wrong("session", "api.example.org refused the key (401)", "Copy the key again from the portal, unchanged."),
    doubtful("echo", "tier none: never measured", "Run it once in the room: edgevoice doctor --echo"),
    skipped("power", "this is not a Raspberry Pi", "Nothing to do: only a Pi reports its power supply."),
]


def printed(findings: list[Finding]) -> list[str]:
    console = Console(width=80, highlight=False, force_terminal=False)
    with console.capture() as captured:
        doctor.show_part(findings, (), console)
    return [line.rstrip() for line in captured.get().splitlines()]


def test_the_table_has_a_mark_for_each_line_and_remedies_below() -> None:
    assert printed(FINDINGS) == [
        "✓ settings no file; the defaults",
        "✗ session  api.example.org refused the key (401)",
        "           → Copy the key again from the portal, unchanged.",
        "! echo     tier none: never measured",
        "           → Run it once in the room: edgevoice doctor --echo",
        "– power    this is not a Raspberry Pi",  # noqa: RUF001 - a dash on purpose
        "           → Nothing to do: only a Pi reports its power supply.",
    ]


def test_the_last_line_counts_what_is_broken() -> None:
    assert doctor.summary(FINDINGS) == "1 broken, 1 worth a look, 1 not checked."
    assert doctor.summary([fine("settings", "no file; the defaults")]) == "Nothing is broken."


def test_the_table_is_printed_before_the_servers_are_asked_and_their_lines_after_it(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = home / "edgevoice.toml"
    # Without a key file there is no session to wait for.
    place.write_text('[service]\nkey_file = "/nowhere"\n[mcp.servers.notes]\ncommand = "notes"\n')
    before: list[str] = []

    def examine_servers(*_: object, is_quick: bool) -> list[Finding]:
        assert is_quick
        before.append(capsys.readouterr().out)
        return [fine("MCP notes", "2 tools")]

    monkeypatch.setattr(mcp, "examine_servers", examine_servers)

    doctor.examine(place, quick=True)

    assert "settings" in before[0]
    assert "MCP notes: starting" in before[0].splitlines()[-1]
    assert capsys.readouterr().out.splitlines()[0] == "✓ MCP notes 2 tools"


def test_no_line_of_the_table_is_longer_than_80_columns() -> None:
    long = wrong("microphone", "x" * 100, "Look at everything twice, " * 8)

    assert max(len(line) for line in printed([*FINDINGS, long])) <= 80


# --- on the virtual card, in real time -------------------------------------------------------------------------------


SETTINGS = '[service]\nurl = "local"\n[microphone]\ndevice = "edgevoice_mic"\n[speaker]\ndevice = "edgevoice_dac"\n'


@pytest.mark.sound
def test_on_a_card_the_noise_is_measured_and_the_tone_is_detected(home: Path) -> None:
    room = AcousticPath(synthetic_response(3, gain_db=-6), delay_ms=60)
    mixed = f'{SETTINGS}[echo]\ntier = "suppressor"\nreference = "{LOOPBACK}"\n'
    with VirtualCard(home / "card", room=room) as card, Loopback(card.folder):
        card.install()
        card.speak((np.random.default_rng(0).standard_normal(16_000 * 30) * 33).astype(np.int16))
        told = findings_of(examine(home, "--json", settings=mixed))

    assert told["microphone"]["mark"] == "fine"
    assert told["microphone"]["figures"]["noise_dbfs"] == pytest.approx(-60, abs=1)
    # A busy machine may cause a gap; the tone is found even so.
    assert told["speaker"]["text"].startswith("edgevoice_dac: the microphone hears it")
    assert told["echo reference"]["mark"] == "fine"
    assert told["echo reference"]["text"].startswith(f"{LOOPBACK} carries what the box plays")


@pytest.mark.sound
def test_on_a_card_with_the_capture_switch_off_the_switch_is_named(home: Path) -> None:
    with VirtualCard(home / "card") as card:
        card.install()
        told = findings_of(examine(home, "--json", settings=SETTINGS))

    assert told["microphone"]["code"] == "microphone-dead"
    assert "mute switch" in told["microphone"]["remedy"]
    assert told["speaker"]["mark"] == "skipped"
