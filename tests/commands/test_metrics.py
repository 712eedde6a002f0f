"""`edgevoice metrics` prints what the box has counted."""

import json
from pathlib import Path

import pytest

from edgevoice.commands import metrics
from edgevoice.errors import ControlUnavailable
from edgevoice.integrations.metrics import file

TEXT = '# HELP x y\nedgevoice_turns_total 3.0\nedgevoice_wakes_total{word="hey_jarvis"} 2.0\n'


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a box of one's own, where no service runs."""
    monkeypatch.setattr(metrics, "SERVICE_FILE", tmp_path / "none")
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    folder = tmp_path / "edgevoice"
    folder.mkdir()
    return folder


def test_the_name_is_that_of_the_file_which_the_box_writes() -> None:
    assert metrics.NAME == file.NAME


def test_it_prints_the_file_as_it_is_or_as_one_object(own_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (own_folder / metrics.NAME).write_text(TEXT)

    assert metrics.show(as_json=False) == 0
    assert capsys.readouterr().out == TEXT
    metrics.show(as_json=True)
    assert json.loads(capsys.readouterr().out) == {
        "edgevoice_turns_total": 3.0,
        "edgevoice_wakes_total": {"word=hey_jarvis": 2.0},
    }


def test_without_metrics_the_setting_is_named() -> None:
    with pytest.raises(ControlUnavailable, match="no box writes metrics here") as refused:
        metrics.show(as_json=False)
    assert "metrics.enabled" in refused.value.line()


def test_a_file_that_may_not_be_read_names_the_group(own_folder: Path) -> None:
    (own_folder / metrics.NAME).mkdir()

    with pytest.raises(ControlUnavailable, match="cannot be read") as refused:
        metrics.show(as_json=False)
    assert "usermod" in refused.value.line()
