"""The panel, the buttons and the amplifier's pin are opened as the settings say, and released."""

import io
import logging
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

import gpiozero
import pytest
from msgspec import convert

from edgevoice.core.orders import Light
from edgevoice.core.ports import Panel
from edgevoice.errors import PanelUnavailable
from edgevoice.panel import opening
from edgevoice.panel.audible import HeardPanel
from edgevoice.panel.lights import Brightness, Lights
from edgevoice.panel.mock import MockPins
from edgevoice.panel.none import NoPanel
from edgevoice.panel.opening import (
    brightness_of,
    check_pins,
    darken,
    open_mute_pin,
    open_panel,
    open_panel_buttons,
    shows_on_terminal,
)
from edgevoice.panel.terminal import TerminalPanel
from edgevoice.settings.panel import PanelSettings
from edgevoice.settings.sound import AmplifierSettings

TALK, AMPLIFIER = 23, 16
GPIO = PanelSettings(kind="gpio", hold_s=0.3, without_lights="refuse")
MUTED = AmplifierSettings(mute_gpio=AMPLIFIER)


def kind_of(panel: PanelSettings, environment: dict[str, str], factory: MockPins | None = None) -> type[Panel]:
    with ExitStack() as opened:
        shown, pins = open_panel(panel, opened, environment=environment, factory=factory)
        assert (pins is not None) == isinstance(shown, Lights)
        return type(shown)


@pytest.mark.parametrize("has_chip", [True, False])
def test_auto_chooses_pins_where_there_are_any(
    has_chip: bool,  # noqa: FBT001 - a row of a table
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chip = tmp_path / "gpiochip0"
    if has_chip:
        chip.touch()
    monkeypatch.setattr(opening, "GPIO_CHIP", str(chip))
    monkeypatch.setattr(opening, "open_pins", lambda _environment: MockPins())

    assert kind_of(PanelSettings(), {}) is (Lights if has_chip else NoPanel)
    assert kind_of(PanelSettings(), {"GPIOZERO_PIN_FACTORY": "mock"}) is Lights
    assert kind_of(PanelSettings(), {}, MockPins()) is Lights


@pytest.mark.parametrize(
    ("kind", "expected"), [("gpio", Lights), ("terminal", TerminalPanel), ("none", NoPanel)], ids=str
)
def test_the_owner_may_choose_the_panel(kind: str, expected: type[Panel], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())

    assert kind_of(PanelSettings(kind=kind), {"GPIOZERO_PIN_FACTORY": "mock"}) is expected  # type: ignore[arg-type]  # a row of a table


class Unlit:
    """A machine with a GPIO chip and no library that drives its pins."""

    def __init__(self, patch: pytest.MonkeyPatch, folder: Path, *, has_terminal: bool = False) -> None:
        (folder / "gpiochip0").touch()
        patch.setattr(opening, "GPIO_CHIP", str(folder / "gpiochip0"))
        patch.setattr(opening, "open_pins", self._refuse)
        patch.setattr(sys, "stderr", io.StringIO())
        patch.setattr(sys.stderr, "isatty", lambda: has_terminal)

    @staticmethod
    def _refuse(_environment: object) -> MockPins:
        raise PanelUnavailable("the pin library lgpio cannot be loaded")


@pytest.mark.parametrize("kind", ["auto", "gpio"])
def test_a_box_without_its_lights_refuses_to_listen(
    kind: Literal["auto", "gpio"], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    Unlit(monkeypatch, tmp_path)

    with pytest.raises(PanelUnavailable, match="lgpio cannot be loaded"):
        kind_of(PanelSettings(kind=kind, without_lights="refuse"), {})


def test_by_default_a_box_without_lights_is_heard_and_one_that_could_not_be_refuses(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    Unlit(monkeypatch, tmp_path)
    with ExitStack() as opened:
        panel, _ = open_panel(PanelSettings(), opened, environment={})
        assert isinstance(panel, HeardPanel)
        with pytest.raises(PanelUnavailable, match="lgpio cannot be loaded"):
            open_panel(PanelSettings(), opened, environment={}, is_audible=False)


NO_LEDS = {"listening_led_gpio": "none", "speaking_led_gpio": "none", "status_led_gpio": "none"}


@pytest.mark.parametrize(
    ("settings", "has_terminal", "expected", "instead"),
    [
        (PanelSettings(without_lights="sound"), False, HeardPanel, "a sound"),
        (PanelSettings(kind="gpio", without_lights="sound"), True, HeardPanel, "a sound"),
        (PanelSettings(without_lights="listen"), True, NoPanel, "nothing"),
        (PanelSettings(kind="gpio", without_lights="listen"), False, NoPanel, "nothing"),
        (PanelSettings(), True, TerminalPanel, "the terminal"),
        (PanelSettings(without_lights="refuse"), True, TerminalPanel, "the terminal"),
        (convert(NO_LEDS, PanelSettings), False, NoPanel, "nothing"),
        (convert(NO_LEDS | {"without_lights": "sound"}, PanelSettings), False, NoPanel, "nothing"),
    ],
)
def test_the_owner_chooses_what_replaces_failed_lights_and_the_log_says_so(
    settings: PanelSettings,
    has_terminal: bool,  # noqa: FBT001 - a row of a table
    expected: type[Panel],
    instead: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    Unlit(monkeypatch, tmp_path, has_terminal=has_terminal)

    with caplog.at_level(logging.WARNING, "edgevoice"):
        assert kind_of(settings, {}) is expected

    (record,) = caplog.records
    fields = vars(record)["fields"]
    assert (record.msg, fields["code"], fields["instead"]) == ("no-lights", "panel-unavailable", instead)
    assert "lgpio cannot be loaded" in fields["problem"]


def test_a_terminal_that_replaces_the_lights_finally_shows_that_the_box_is_off(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    Unlit(monkeypatch, tmp_path, has_terminal=True)
    with ExitStack() as opened:
        panel, _ = open_panel(PanelSettings(), opened, environment={})
        assert isinstance(panel, TerminalPanel)
        assert panel._shown != (Light.OFF, "", 1.0)

    assert panel._shown == (Light.OFF, "", 1.0)


def test_a_terminal_does_not_replace_explicitly_configured_pins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    Unlit(monkeypatch, tmp_path, has_terminal=True)

    with pytest.raises(PanelUnavailable):
        kind_of(PanelSettings(kind="gpio", without_lights="refuse"), {})


def test_lights_in_use_by_another_program_leave_the_buttons_working() -> None:
    pins = PinsInUse([17, 22, 27])
    with ExitStack() as opened:
        panel, factory = open_panel(PanelSettings(without_lights="sound"), opened, environment={}, factory=pins)

    assert isinstance(panel, HeardPanel)
    assert factory is pins


@pytest.mark.parametrize(
    ("kind", "is_seen", "variables", "expected"),
    [
        ("auto", True, {}, True),
        ("auto", False, {}, False),
        ("none", True, {}, False),
        ("auto", True, {"GPIOZERO_PIN_FACTORY": "mock"}, False),
        ("gpio", True, {}, False),
    ],
)
def test_a_box_without_pins_shows_its_lights_on_the_terminal(
    kind: Literal["auto", "none", "gpio"],
    is_seen: bool,  # noqa: FBT001 - a column of the table
    variables: dict[str, str],
    expected: bool,  # noqa: FBT001 - a column of the table
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(opening, "GPIO_CHIP", "/nowhere")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_seen)

    assert shows_on_terminal(PanelSettings(kind=kind), variables) is expected


def test_no_panel_shows_nothing_and_needs_no_closing() -> None:
    panel: Panel = NoPanel()

    panel.show(Light.FAULT, "key-refused")
    panel.close()


class PinsInUse(MockPins):
    """Pins of which one is used by another program."""

    def __init__(self, taken: Sequence[int]) -> None:
        super().__init__()
        self._taken = [f"GPIO{number}" for number in taken]

    def pin(self, name: object) -> object:
        if str(name) in self._taken or f"GPIO{name}" in self._taken:
            raise OSError(16, "Device or resource busy")
        return super().pin(name)


def open_all(pins: MockPins) -> None:
    with ExitStack() as opened:
        _, factory = open_panel(GPIO, opened, environment={}, factory=pins)
        open_mute_pin(MUTED, opened, factory)


def test_an_amplifier_without_lights_is_still_unmuted_and_muted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    pins = MockPins()
    monkeypatch.setattr(opening, "open_pins", lambda _environment: pins)
    with ExitStack() as opened:
        _, factory = open_panel(PanelSettings(kind="none"), opened, environment={})
        assert factory is None
        open_mute_pin(MUTED, opened, factory)
        assert pins.pin(f"GPIO{AMPLIFIER}").state, "mute is low-active"

    assert not pins.pin(f"GPIO{AMPLIFIER}").state


@pytest.mark.parametrize(
    ("taken", "purpose"),
    [([17, 22, 27], "listening LED: GPIO17"), ([AMPLIFIER], f"amplifier mute: GPIO{AMPLIFIER}")],
)
def test_a_refused_pin_is_named_and_the_others_are_released(taken: list[int], purpose: str) -> None:
    pins = PinsInUse(taken)

    with pytest.raises(PanelUnavailable, match=f"{purpose} cannot be used"):
        open_all(pins)

    for number in {17, 22, 27, AMPLIFIER} - set(taken):
        gpiozero.LED(number, pin_factory=pins).close()  # an error if it still had a user


def test_each_kind_of_led_is_opened_on_its_own_pins() -> None:
    for led, opened_pins in {
        "plain": {17, 27, 22},
        "dimmed": {17, 27, 22},
        "rgb": {5, 6, 13},
        "strip": {10, 11},
    }.items():
        settings = convert({"kind": "gpio", "led": led, "red_gpio": 5, "green_gpio": 6, "blue_gpio": 13}, PanelSettings)
        pins = MockPins()
        with ExitStack() as opened:
            panel, _ = open_panel(settings, opened, environment={}, factory=pins)
            panel.show(Light.LISTENING)
            assert {gpio for gpio in range(28) if pins.is_output(gpio)} == opened_pins, led
        assert not any(pins.is_output(gpio) for gpio in opened_pins), led


def test_an_rgb_led_that_is_not_wired_is_no_light() -> None:
    none = dict.fromkeys(("red_gpio", "green_gpio", "blue_gpio"), "none")
    settings = convert({"kind": "gpio", "led": "rgb", **none}, PanelSettings)
    pins = MockPins()
    with ExitStack() as opened:
        panel, _ = open_panel(settings, opened, environment={}, factory=pins)
        panel.show(Light.LISTENING)

    assert pins.changes() == ()


def test_by_night_the_lights_are_as_the_settings_say() -> None:
    settings = convert({"night_from": "22:00", "night_to": "06:30", "night_brightness_percent": 5}, PanelSettings)

    assert brightness_of(settings) == Brightness(1.0, 0.05, (22 * 60, 6 * 60 + 30))
    assert brightness_of(PanelSettings()).night is None


def test_a_refused_button_pin_is_named_and_the_box_runs_on(caplog: pytest.LogCaptureFixture) -> None:
    pins = PinsInUse([TALK])

    with ExitStack() as opened:
        open_panel_buttons(GPIO, opened, pins, position=lambda: 0, post=lambda _event: None)

    assert f"talk button: GPIO{TALK} cannot be used" in vars(caplog.records[-1])["fields"]["problem"]


@pytest.mark.parametrize("kind", ["auto", "terminal"])
def test_a_terminal_panel_stays_below_the_log_whether_chosen_or_a_fallback(
    kind: Literal["auto", "terminal"], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    below: list[object] = []
    Unlit(monkeypatch, tmp_path, has_terminal=True)
    monkeypatch.setattr(opening, "keep_below", below.append)

    with ExitStack() as opened:
        panel, _ = open_panel(PanelSettings(kind=kind), opened, environment={})
        assert isinstance(panel, TerminalPanel)
        assert below == [panel.redraw]

    assert below[1:] == [None]


def test_a_trial_of_the_pins_does_not_open_a_panel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    Unlit(monkeypatch, tmp_path, has_terminal=True)
    monkeypatch.setattr(opening, "keep_below", lambda _redraw: pytest.fail("a line was drawn"))

    check_pins(PanelSettings(), AmplifierSettings(), {})


def test_the_strip_of_a_box_that_was_killed_is_turned_off() -> None:
    pins = MockPins()
    strip = PanelSettings(kind="gpio", led="strip", strip_data_gpio=5, strip_clock_gpio=6)
    darken(strip, factory=pins)

    # A frame of three pixels is 20 bytes and more: without a pixel's header and its colours the strip would stay lit.
    assert len([change for change in pins.changes(6) if change.is_high]) >= 8 * 20
    assert not pins.is_output(5)
    assert not pins.is_output(6)


@pytest.mark.parametrize(
    "panel", [PanelSettings(kind="none"), PanelSettings(kind="terminal")], ids=lambda each: each.kind
)
def test_a_box_without_pins_has_nothing_to_turn_off(panel: PanelSettings) -> None:
    darken(panel, environment={"GPIOZERO_PIN_FACTORY": "none-such"})


def test_lights_that_cannot_be_turned_off_are_one_line() -> None:
    with pytest.raises(PanelUnavailable, match="none-such"):
        darken(GPIO, environment={"GPIOZERO_PIN_FACTORY": "none-such"})
