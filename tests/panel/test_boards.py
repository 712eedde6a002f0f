import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from edgevoice.core.lights import Led
from edgevoice.panel import boards
from edgevoice.panel.boards import BOARDS, HEADER, Board, BoardPins, header_pin, settings_of
from edgevoice.panel.lights import Lights, open_leds
from edgevoice.panel.mock import MockPins
from edgevoice.settings.file import load
from edgevoice.settings.panel import PanelSettings
from edgevoice.settings.sound import AmplifierSettings

every_board = pytest.mark.parametrize("board", BOARDS.values(), ids=lambda board: board.name)


@every_board
def test_no_preset_uses_a_pin_twice_or_a_pin_of_the_board(board: Board) -> None:
    used = board.pins.used()
    lights = {gpio for name, gpio in used.items() if name.endswith("_led_gpio")}
    others = [gpio for name, gpio in used.items() if not name.endswith("_led_gpio")]

    assert len(set(others)) == len(others)
    assert not lights & set(others)
    assert not set(used.values()) & set(board.taken)
    # I2C 2 and 3, the console's serial port 14 and 15, I2S 18 to 21.
    assert not set(used.values()) & {2, 3, 14, 15, 18, 19, 20, 21}


@every_board
def test_every_preset_is_a_valid_settings_file(board: Board, tmp_path: Path) -> None:
    place = tmp_path / "edgevoice.toml"
    place.write_text(settings_of(board), encoding="utf-8")

    settings = load(place, {}).settings

    assert settings.panel.talk_button_gpio == board.pins.talk_button_gpio
    assert settings.amplifier.mute_gpio == (board.pins.amplifier_mute_gpio or "none")
    assert settings.microphone.device == ("edgevoice_mic" if "edgevoice_mic" in settings_of(board) else "default")


@every_board
def test_every_fact_has_a_source_and_every_boot_configuration_line_is_valid(board: Board) -> None:
    assert board.sources
    assert all(line.startswith(("dtoverlay=", "dtparam=")) and "\n" not in line for line in board.card.overlay)
    assert len(board.card.card) <= 15  # ALSA's limit for the id of a card
    assert set(board.on_board) <= set(board.pins.used())


def test_plain_gpio_equals_the_default_settings() -> None:
    panel, amplifier = PanelSettings(), AmplifierSettings()

    for name, gpio in BoardPins().used().items():
        assert getattr(panel, name.removeprefix("panel.")) == gpio
    assert panel.led_active_high == BoardPins().led_active_high
    assert panel.button_pull_up == BoardPins().button_pull_up
    assert amplifier.mute_active_high == BoardPins().amplifier_mute_active_high


def test_the_plain_preset_opens_on_a_pi() -> None:
    pins = BOARDS["gpio"].pins
    assert pins.listening_led_gpio
    assert pins.status_led_gpio

    wired = {Led.LISTENING: pins.listening_led_gpio, Led.STATUS: pins.status_led_gpio}
    Lights(open_leds(wired, factory=MockPins(), is_active_high=True)).close()


def test_the_header_matches_that_of_a_pi() -> None:
    assert len(HEADER) == 40
    assert sorted(what for what in HEADER if isinstance(what, int)) == list(range(28))
    assert [number for number, what in enumerate(HEADER, 1) if what == "ground"] == [6, 9, 14, 20, 25, 30, 34, 39]
    assert [number for number, what in enumerate(HEADER, 1) if what == "3.3 V"] == [1, 17]
    assert [number for number, what in enumerate(HEADER, 1) if what == "5 V"] == [2, 4]
    # gpiozero knows the header too.
    known = {"GPIO2": 3, "GPIO4": 7, "GPIO16": 36, "GPIO17": 11, "GPIO18": 12, "GPIO19": 35, "GPIO21": 40, "GPIO25": 22}
    assert {name: header_pin(int(name.removeprefix("GPIO"))) for name in known} == known


def test_an_installer_can_query_the_presets_without_any_package() -> None:
    def ask(*words: str) -> subprocess.CompletedProcess[str]:
        # -I -S: no site-packages, no environment, as the system's own Python.
        return subprocess.run(
            [sys.executable, "-I", "-S", boards.__file__, *words], capture_output=True, text=True, check=False
        )

    assert ask().stdout.split() == list(BOARDS)
    assert ask("i2s", "overlay").stdout == "dtoverlay=googlevoicehat-soundcard\n"
    assert ask("usb-speakerphone", "overlay").stdout == ""
    assert ask("hifiberry-dac", "card").stdout == "sndrpihifiberry\n"
    assert ask("hifiberry-dac", "usb").stdout == "microphone\n"
    assert ask("usb-speakerphone", "usb").stdout == "microphone\nspeaker\n"
    assert ask("i2s", "usb").stdout == ""
    assert tomllib.loads(ask("max98357a", "settings").stdout)["amplifier"]["mute_gpio"] == 4
    assert ask("nobody", "overlay").returncode == 2
    assert "respeaker-2mic-v2" in ask("nobody", "overlay").stderr
    assert ask("i2s", "price").returncode == 2
