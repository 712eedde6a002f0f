"""`edgevoice devices`: its output for people, and for programs."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgevoice.audio import cards, devices
from edgevoice.commands.devices import show
from tests.audio.fake_library import FakeLibrary, info

Install = Callable[..., FakeLibrary]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Install:
    monkeypatch.setenv("COLUMNS", "120")

    def put(*cards: dict[str, Any]) -> FakeLibrary:
        library = FakeLibrary(*cards)
        monkeypatch.setattr(devices, "open_library", lambda: library)
        return library

    return put


def test_every_card_is_a_line_with_what_it_can_do(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    library = install(
        info(0, "USB PnP Sound Device", inputs=1, rate_hz=44_100.0), info(1, "Headphones", outputs=8), info(2, "null")
    )

    assert show(as_json=False) == 0

    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["name", "microphone", "speaker", "own", "rate", "card"]
    assert lines[1] == ["USB", "PnP", "Sound", "Device", "✓", "44100", "Hz"]
    assert lines[2] == ["Headphones", "✓", "48000", "Hz"]
    assert lines[3] == ["null", "48000", "Hz"]
    assert library.is_terminated


def test_how_one_device_of_a_sound_server_is_named_is_said_where_there_is_one(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    install(info(0, "USB PnP Sound Device", inputs=1, outputs=1))
    show(as_json=False)
    assert "pactl" not in capsys.readouterr().out

    install(info(0, "pulse", inputs=32, outputs=32))
    show(as_json=False)
    assert "pulse:NAME.monitor" in capsys.readouterr().out


def test_a_name_in_brackets_is_not_treated_as_markup(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    install(info(0, "Loopback [red]: PCM (hw:2,0)", inputs=2, outputs=2))

    show(as_json=False)

    assert "Loopback [red]: PCM (hw:2,0)" in capsys.readouterr().out


def test_a_card_is_named_by_its_stable_id_and_not_by_its_number(
    install: Install, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "card2").mkdir()
    (tmp_path / "card2" / "id").write_text("Device\n")
    monkeypatch.setattr(cards, "PLACE", tmp_path)
    install(info(0, "USB PnP Sound Device: Audio (hw:2,0)", inputs=1, outputs=2), info(1, "Gone: PCM (hw:7,0)"))

    show(as_json=False)
    printed = capsys.readouterr().out
    show(as_json=True)

    assert "plughw:CARD=Device,DEV=0  ✓" in printed
    assert "USB PnP Sound Device" in printed
    assert "(hw:2,0)" not in printed
    assert "Gone: PCM (hw:7,0)" in printed, "no better name is known"
    (one,) = json.loads(capsys.readouterr().out)["microphone"]
    assert (one["name"], one["listed_as"]) == ("plughw:CARD=Device,DEV=0", "USB PnP Sound Device: Audio (hw:2,0)")


def test_a_missing_microphone_or_speaker_is_reported_and_sets_the_exit_status(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    install(info(0, "Headphones", outputs=2))

    assert show(as_json=False) == 1
    assert "No microphone is present: plug one in" in capsys.readouterr().out


def test_a_machine_without_sound_gets_two_messages_and_no_empty_table(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    install()

    assert show(as_json=False) == 1

    printed = capsys.readouterr().out
    assert "No microphone is present" in printed
    assert "No speaker is present" in printed
    assert "own rate" not in printed


def test_programs_read_json(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    install(info(0, "both", inputs=1, outputs=2, rate_hz=16_000.0), info(1, "dac", outputs=2))

    assert show(as_json=True) == 0

    both = {"name": "both", "listed_as": "both", "inputs": 1, "outputs": 2, "rate_hz": 16_000}
    dac = {"name": "dac", "listed_as": "dac", "inputs": 0, "outputs": 2, "rate_hz": 48_000}
    assert json.loads(capsys.readouterr().out) == {"microphone": [both], "speaker": [both, dac]}


def test_in_json_a_missing_side_is_an_empty_list(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    install()

    assert show(as_json=True) == 1
    assert json.loads(capsys.readouterr().out) == {"microphone": [], "speaker": []}
