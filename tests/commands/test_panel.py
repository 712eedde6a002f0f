"""`edgevoice panel`: the picture, and the lights of a running box."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from edgevoice.commands.root import app
from edgevoice.panel.picture import panel_svg


def test_the_picture_is_written(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["panel", "--svg", str(tmp_path / "panel.svg")])

    assert result.exit_code == 0, result.output
    assert (tmp_path / "panel.svg").read_text() == panel_svg()


def test_a_picture_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["panel", "--svg", str(tmp_path / "none" / "panel.svg")])

    assert result.exit_code == 1
    assert result.stderr.startswith(f"{tmp_path}/none/panel.svg cannot be written: No such file or directory")
    assert "Make the folder, or name another one." in result.stderr


def test_without_a_box_one_line_says_so(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["panel", "--socket", str(tmp_path / "none.sock")])

    assert result.exit_code == 1
    assert result.stderr.startswith("no box runs at ")


@pytest.mark.parametrize("command", ["test", "dark"])
def test_without_pins_there_is_one_line(command: str, tmp_path: Path) -> None:
    config = tmp_path / "edgevoice.toml"
    config.write_text('[panel]\nkind = "gpio"\n')
    result = CliRunner().invoke(
        app, ["panel", command, "--config", str(config)], env={"GPIOZERO_PIN_FACTORY": "none-such"}
    )

    assert result.exit_code == 1
    assert result.stderr.startswith("there is no pin library 'none-such'")


def test_the_lights_are_turned_off_on_the_pins_of_the_settings(tmp_path: Path) -> None:
    config = tmp_path / "edgevoice.toml"
    config.write_text('[panel]\nkind = "gpio"\n')
    result = CliRunner().invoke(app, ["panel", "dark", "--config", str(config)], env={"GPIOZERO_PIN_FACTORY": "mock"})

    assert (result.exit_code, result.output) == (0, "")
