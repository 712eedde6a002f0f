"""A light on a wrong pin: whoever writes the settings is told; a box that starts runs on without that light."""

from pathlib import Path

import pytest

from edgevoice.settings.file import Loaded, SettingsRefused, load


def loaded(tmp_path: Path, panel: str, *, spares_lights: bool = True) -> Loaded:
    file = tmp_path / "edgevoice.toml"
    file.write_text(f"[panel]\n{panel}\n")
    return load(file, {}, spares_lights=spares_lights)


@pytest.mark.parametrize("pin", ["40", "-1", '"blue"', "true"])
def test_a_light_on_a_pin_that_no_board_has_is_left_out_and_named(tmp_path: Path, pin: str) -> None:
    found = loaded(tmp_path, f"status_led_gpio = {pin}")

    assert found.settings.panel.status_led_gpio == "none"
    assert found.settings.panel.listening_led_gpio == 17
    (fault,) = found.dark
    assert fault.startswith("edgevoice.toml: panel.status_led_gpio")
    assert "(line 2)" in fault


@pytest.mark.parametrize("led", ["plain", "rgb"])
def test_a_light_on_a_buttons_pin_leaves_it_to_the_button(tmp_path: Path, led: str) -> None:
    light = "speaking_led_gpio" if led == "plain" else "green_gpio"

    found = loaded(tmp_path, f'led = "{led}"\n{light} = 23')

    assert getattr(found.settings.panel, light) == "none"
    assert found.settings.panel.talk_button_gpio == 23
    assert len(found.dark) == 1


def test_without_any_light_left_the_settings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsRefused) as refused:
        loaded(tmp_path, "listening_led_gpio = 40\nspeaking_led_gpio = 41\nstatus_led_gpio = 42")

    assert len(refused.value.faults) == 3


def test_two_buttons_on_one_pin_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsRefused, match=r"talk_button_gpio and panel\.mute_button_gpio are both 24"):
        loaded(tmp_path, "talk_button_gpio = 24")


def test_whoever_checks_the_settings_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsRefused, match=r"panel\.status_led_gpio"):
        loaded(tmp_path, "status_led_gpio = 40", spares_lights=False)
