"""`edgevoice wakeword tune --apply` writes the proposal to the settings file and changes nothing else there."""

import json
import os
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from edgevoice.commands.root import app
from edgevoice.settings import file as settings_file
from edgevoice.settings.file import load
from edgevoice.wakeword.words import wake_words
from tests.wakeword.tuning.box_log import write_log

SETTINGS = "# My box.\n[wakeword]\n# 0.6 was too much.\nthreshold = 0.5  # for now\ngate = 'off'\n"


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("EDGEVOICE_CONFIG", raising=False)
    monkeypatch.setattr(settings_file, "SYSTEM_FILE", tmp_path / "edgevoice.toml")
    monkeypatch.setenv("COLUMNS", "160")
    return tmp_path


def tune(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["wakeword", "tune", *arguments])


def settings(home: Path, text: str) -> Path:
    file = home / "edgevoice.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_without_apply_it_says_what_it_would_set_and_changes_nothing(home: Path) -> None:
    file = settings(home, SETTINGS)
    write_log(home / "state", days=20, calls=60, again=12)

    result = tune()

    assert result.stdout.endswith(
        "To set wakeword.threshold = 0.3: run this again with --apply. Nothing has been changed.\n"
    )
    assert file.read_text(encoding="utf-8") == SETTINGS


def test_with_apply_the_threshold_is_set_and_every_comment_stays(home: Path) -> None:
    file = settings(home, SETTINGS)
    file.chmod(0o640)
    write_log(home / "state", days=20, calls=60, again=12)

    result = tune("--apply")

    assert result.exit_code == 0, result.stderr
    assert f"Set wakeword.threshold = 0.3 in {file}; wakeword.threshold was 0.5.\n" in result.stdout
    assert "sudo systemctl restart edgevoice" in result.stdout
    assert file.read_text(encoding="utf-8") == SETTINGS.replace("threshold = 0.5", "threshold = 0.3")
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_a_word_with_its_own_section_is_changed_there(home: Path) -> None:
    file = settings(home, "[wakeword]\nmodel = 'alexa'\n\n[wakeword.words.hey_jarvis]\nvoice = 'Mark'\r\n")
    write_log(home / "state", days=20, calls=60, again=12)

    told = json.loads(tune("--apply", "--json").stdout)

    assert told["hey_jarvis"]["applied"] == {"wakeword.words.hey_jarvis.threshold": 0.3}
    assert "applied" not in told["alexa"]
    assert file.read_bytes().endswith(b"[wakeword.words.hey_jarvis]\r\nvoice = 'Mark'\r\nthreshold = 0.3\r\n")
    assert wake_words(load(None, os.environ).settings.wakeword)[1].thresholds.threshold == 0.3


def test_a_threshold_above_the_sure_threshold_raises_both(home: Path) -> None:
    settings(home, "[wakeword]\nthreshold = 0.5\nsure_threshold = 0.6\n")
    write_log(home / "state", days=20, calls=60, false=20, false_peak=0.88)

    result = tune("--apply")

    assert "Set wakeword.threshold = 0.95 and wakeword.sure_threshold = 0.95 in " in result.stdout
    found = load(None, os.environ).settings.wakeword
    assert (found.threshold, found.sure_threshold) == (0.95, 0.95)


@pytest.mark.parametrize(
    ("days", "calls", "false"),
    [(1, 3, 0), (20, 60, 0), (20, 60, 60)],
    ids=["too little evidence", "as good as it gets", "no threshold keeps to the limit"],
)
def test_without_a_good_proposal_nothing_is_set(home: Path, days: int, calls: int, false: int) -> None:
    file = settings(home, SETTINGS)
    write_log(home / "state", days=days, calls=calls, false=false, false_peak=1.0)

    result = tune("--apply")

    assert result.stdout.endswith("Nothing to apply: the settings stay as they are.\n")
    assert file.read_text(encoding="utf-8") == SETTINGS


def test_without_a_settings_file_the_command_that_writes_one_is_named(home: Path) -> None:
    write_log(home / "state", days=20, calls=60, again=12)

    result = tune("--apply")

    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("there is no settings file to write the thresholds into. Write one with `edgevoice config")


def test_a_variable_that_overrides_the_file_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = settings(home, SETTINGS)
    monkeypatch.setenv("EDGEVOICE_WAKEWORD_THRESHOLD", "0.55")
    write_log(home / "state", days=20, calls=60, again=12)

    result = tune("--apply")

    assert result.exit_code == 1
    assert "wakeword.threshold is set by the variable EDGEVOICE_WAKEWORD_THRESHOLD" in result.stderr
    assert file.read_text(encoding="utf-8") == SETTINGS


def test_an_inline_table_is_left_unedited_and_the_proposal_is_shown(home: Path) -> None:
    text = "[wakeword]\nmodel = 'alexa'\nwords = {hey_jarvis = {threshold = 0.5}}\n"
    file = settings(home, text)
    write_log(home / "state", days=20, calls=60, again=12)

    result = tune("--apply")

    assert result.exit_code == 1
    assert "Proposal: wakeword.words.hey_jarvis.threshold = 0.3." in result.stdout
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"{file}: only a person can edit how this is written: [wakeword.words.hey_jarvis]. Put the")
    assert file.read_text(encoding="utf-8") == text


def test_an_unwritable_file_is_one_line(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = settings(home, SETTINGS)
    write_log(home / "state", days=20, calls=60, again=12)

    def refuse(path: Path, _content: bytes) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("edgevoice.commands.wakeword_apply.rewrite", refuse)

    result = tune("--apply")

    (line,) = result.stderr.splitlines()
    assert line.startswith(f"{file} cannot be written: Permission denied. Put the proposed values")
