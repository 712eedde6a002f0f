"""`config check` refuses exactly what `run` refuses, because both ask the same functions."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from edgevoice.box import daemon, preflight, running
from edgevoice.box.preflight import find_what_is_named
from edgevoice.commands.config import app
from edgevoice.errors import WakeWordUnavailable
from edgevoice.panel import opening
from edgevoice.settings import file as settings_file
from edgevoice.settings.schema import Settings
from edgevoice.wakeword.models.present import find_model

pytestmark = pytest.mark.usefixtures("frees_what_is_frozen")

REFUSED = {
    "a second wake word that is not there": "[wakeword.words.computer]",
    "a second wake word whose file is not there": '[wakeword.words.computer]\nmodel = "/nowhere/computer.onnx"',
    "a second wake word that is no model": '[wakeword.words.other]\nmodel = "{folder}/garbage.onnx"',
    "a first wake word that is no model": '[wakeword]\nmodel = "{folder}/garbage.onnx"',
    "a model with another shape": '[wakeword]\nmodel = "{folder}/part.onnx"',
    "the same model twice": '[wakeword.words.other]\nmodel = "{folder}/hey_jarvis.onnx"',
    "a key that others may read": '[service]\nkey_file = "{folder}/key"',
    "a key file that is not there": '[service]\nkey_file = "{folder}/nothing"',
    "an engine whose packages are not there": '[wakeword]\nengine = "openwakeword"',
    "an engine whose package is not there": '[wakeword]\nengine = "microwakeword"',
    "a tool that does not exist": '[tools]\nenabled = ["set_timr"]',
    "lights without a library for pins": '[panel]\nkind = "gpio"\nwithout_lights = "refuse"',
    "lights by themselves without a library for pins": '[panel]\nkind = "auto"\nwithout_lights = "refuse"',
    "an amplifier without a library for pins": '[panel]\nkind = "none"\n[amplifier]\nmute_gpio = 5',
    "two functions on one pin": '[panel]\nkind = "gpio"\n[amplifier]\nmute_gpio = 17',
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [each for each in os.environ if each.startswith(("EDGEVOICE_", "XDG_", "CREDENTIALS_", "NOTIFY_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("GPIOZERO_PIN_FACTORY", raising=False)
    monkeypatch.setattr(opening, "GPIO_CHIP", "/nowhere")
    monkeypatch.setitem(sys.modules, "openwakeword.model", None)
    monkeypatch.setitem(sys.modules, "pymicro_wakeword", None)
    monkeypatch.setattr(settings_file, "SYSTEM_FILE", tmp_path / "etc.toml")
    monkeypatch.setattr(running, "_FAULT_SHOWN_S", 0.0)
    (tmp_path / "garbage.onnx").write_bytes(b"not a model")
    (tmp_path / "hey_jarvis.onnx").symlink_to(find_model("hey_jarvis"))
    shutil.copyfile(find_model("hey_jarvis").with_name("embedding_model.onnx"), tmp_path / "part.onnx")
    (tmp_path / "key").write_text("a-key", encoding="ascii")
    (tmp_path / "key").chmod(0o644)
    return tmp_path


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_check_refuses_with_78_what_run_refuses_with_78(
    folder: Path,
    text: str,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = folder / "edgevoice.toml"
    if "library" in request.node.callspec.id:
        monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "nothing-of-this-name")
    # An unreachable address: the service inside the box need not be started for this.
    address = "" if "[service]" in text else '[service]\nurl = "wss://127.0.0.1:9/"\n'
    place.write_text(f"{address}{text.replace('{folder}', str(folder))}\n", encoding="utf-8")

    checked = CliRunner().invoke(app, ["check", "--config", str(place)])
    ran = daemon.main(["--config", str(place)])

    assert (checked.exit_code, ran) == (78, 78)
    assert checked.stdout == ""
    # The same message; the log puts event and code in front.
    complaint = checked.stderr.splitlines()[0]
    assert complaint.split(". ")[0] in capsys.readouterr().err


def test_check_accepts_what_run_accepts(folder: Path) -> None:
    place = folder / "edgevoice.toml"
    place.write_text('[panel]\nkind = "auto"\n[wakeword.words.alexa]\n', encoding="utf-8")

    checked = CliRunner().invoke(app, ["check", "--config", str(place)])

    assert (checked.exit_code, checked.output) == (0, f"{place} is valid\n")


@pytest.mark.parametrize("text", ['without_lights = "listen"', 'without_lights = "sound"', "", 'kind = "none"'])
def test_check_accepts_a_box_that_may_listen_without_its_lights(
    folder: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "nothing-of-this-name")
    place = folder / "edgevoice.toml"
    place.write_text(f"[panel]\n{text}\n", encoding="utf-8")

    assert CliRunner().invoke(app, ["check", "--config", str(place)]).exit_code == 0


def test_the_key_is_looked_up_after_every_wake_word_is_found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {"HOME": str(folder), "EDGEVOICE_API_KEY": "secret"}

    key = find_what_is_named(Settings(), environment)
    assert key is not None
    assert key.reveal() == "secret"
    assert find_what_is_named(Settings(), {"HOME": str(folder)}) is None

    def refuse(_wanted: object) -> None:
        raise WakeWordUnavailable("no such word")

    monkeypatch.setattr(preflight, "wake_words", refuse)
    with pytest.raises(WakeWordUnavailable):
        find_what_is_named(Settings(), environment)
