"""Opens the panel, the buttons and the amplifier's mute pin from their sections of the settings.

The ``ExitStack`` that each function is given closes what it opened.
"""

import logging
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import assert_never

from edgevoice.core.facts import Event
from edgevoice.core.lights import Led
from edgevoice.core.ports import Panel
from edgevoice.core.time_of_day import span_of
from edgevoice.errors import PanelUnavailable
from edgevoice.journal import keep_below, tell
from edgevoice.panel.amplifier import Amplifier, open_amplifier
from edgevoice.panel.audible import HeardPanel
from edgevoice.panel.buttons import ButtonPins, open_buttons
from edgevoice.panel.lamps import Lamp, open_rgb, open_strip
from edgevoice.panel.lights import Brightness, Lights, open_leds
from edgevoice.panel.none import NoPanel
from edgevoice.panel.pins import PinFactory, open_pins
from edgevoice.panel.terminal import TerminalPanel
from edgevoice.settings.panel import PanelSettings
from edgevoice.settings.sound import AmplifierSettings

_log = logging.getLogger(__name__)

GPIO_CHIP = "/dev/gpiochip0"

_COLOURS = ("red_gpio", "green_gpio", "blue_gpio")

_INSTEAD = {"none": "nothing", "sound": "a sound", "terminal": "the terminal"}
"""How the log calls what stands in for lights."""


def open_panel(
    settings: PanelSettings,
    opened: ExitStack,
    *,
    environment: Mapping[str, str] = os.environ,
    factory: PinFactory | None = None,
    is_audible: bool = True,
) -> tuple[Panel, PinFactory | None]:
    """Open the lights; at the end they are turned off.

    Returns the panel and, where there are pins, the factory that opened them. Lights that are wanted and cannot be had
    are ``PanelUnavailable``, or what ``panel.without_lights`` puts in their place; a terminal always is such a place.
    ``is_audible`` says that earcons are not turned down to silence.
    """
    kind = _kind(settings, environment, has_factory=factory is not None)
    if kind == "gpio":
        try:
            if factory is None:
                factory = open_pins(environment)
                opened.callback(factory.close)
            lights = Lights(open_lamps(settings, factory), brightness=brightness_of(settings))
        except PanelUnavailable as error:
            kind = _stand_in(settings, error, is_lit=_is_lit(settings), is_audible=is_audible)
        else:
            opened.callback(lights.close)
            return (HeardPanel(lights) if settings.wake_sounds else lights), factory
    panel = _open_without_lights(kind, opened)
    if settings.wake_sounds and not isinstance(panel, HeardPanel):
        panel = HeardPanel(panel)
    return panel, factory


def darken(
    settings: PanelSettings, *, environment: Mapping[str, str] = os.environ, factory: PinFactory | None = None
) -> None:
    """Turn off the lights that a box left on when it was killed; where there are no pins, do nothing.

    Raises ``PanelUnavailable``, such as while a box has the pins.
    """
    if _kind(settings, environment, has_factory=factory is not None) != "gpio":
        return
    with ExitStack() as opened:
        if factory is None:
            factory = open_pins(environment)
            opened.callback(factory.close)
        for lamp in open_lamps(settings, factory):
            opened.callback(lamp.close)


def check_pins(
    panel: PanelSettings, amplifier: AmplifierSettings, environment: Mapping[str, str], *, is_audible: bool = True
) -> None:
    """Load, as a trial, the library for the pins where the box would; ``PanelUnavailable`` where it would not start."""
    if _kind(panel, environment, has_factory=False) == "gpio":
        try:
            open_pins(environment).close()
        except PanelUnavailable as error:
            _stand_in(panel, error, is_lit=_is_lit(panel), is_audible=is_audible)
    if amplifier.mute_gpio != "none":
        open_pins(environment).close()


def shows_on_terminal(settings: PanelSettings, environment: Mapping[str, str]) -> bool:
    """Return whether somebody sits at a terminal, where a box without pins would show nothing."""
    return _kind(settings, environment, has_factory=False) == "none" != settings.kind and sys.stderr.isatty()


def open_mute_pin(
    settings: AmplifierSettings,
    opened: ExitStack,
    factory: PinFactory | None,
    *,
    environment: Mapping[str, str] = os.environ,
) -> Amplifier | None:
    """Open the amplifier's mute pin, if it has one, and let it be heard; at the end it is muted again.

    A box without lights may have one as well: without ``factory`` the pins are opened for it. Raises
    ``PanelUnavailable``.
    """
    if settings.mute_gpio == "none":
        return None
    if factory is None:
        factory = open_pins(environment)
        opened.callback(factory.close)
    amplifier = open_amplifier(settings.mute_gpio, factory=factory, is_active_high=settings.mute_active_high)
    opened.callback(amplifier.close)
    amplifier.release()
    return amplifier


def open_panel_buttons(
    settings: PanelSettings,
    opened: ExitStack,
    factory: PinFactory,
    *,
    position: Callable[[], int],
    post: Callable[[Event], None],
) -> None:
    """Open the buttons: ``post`` gets what is pressed, ``position`` the newest near-end sample, in other threads."""
    pins = ButtonPins(
        _pin(settings.talk_button_gpio),
        _pin(settings.mute_button_gpio),
        _pin(settings.volume_up_gpio),
        _pin(settings.volume_down_gpio),
        knob=(settings.volume_knob_a_gpio, settings.volume_knob_b_gpio)
        if settings.volume_knob_a_gpio != "none" and settings.volume_knob_b_gpio != "none"
        else None,
        mute_is_switch=settings.mute_is_switch,
    )
    buttons = open_buttons(
        pins,
        factory=factory,
        is_pulled_up=settings.button_pull_up,
        hold_s=settings.hold_s,
        position=position,
        post=post,
        can_shut_down=settings.shuts_down,
    )
    opened.callback(buttons.close)


def _open_without_lights(kind: str, opened: ExitStack) -> Panel:
    panel: Panel
    match kind:
        case "terminal":
            terminal = panel = TerminalPanel(sys.stderr)
            # Below the log, where that is written to the same terminal.
            opened.callback(keep_below, None)
            keep_below(terminal.redraw)
        case "sound":
            panel = HeardPanel()
        case _:
            panel = NoPanel()
    opened.callback(panel.close)
    return panel


def _stand_in(settings: PanelSettings, error: PanelUnavailable, *, is_lit: bool, is_audible: bool) -> str:
    """Return the kind of panel for lights that cannot be had; ``is_lit`` says that any are wanted. Else the error."""
    match settings.without_lights:
        case "listen":
            kind = "none"
        case "sound" if is_lit:
            kind = "sound"
        case _ if settings.kind == "auto" and not is_lit:
            kind = "none"
        case "refuse" | "auto" if settings.kind == "auto" and sys.stderr.isatty():
            kind = "terminal"
        case "auto" if is_lit and is_audible:
            kind = "sound"
        case _:
            raise error
    tell(_log, logging.WARNING, "no-lights", code=error.code, instead=_INSTEAD[kind], problem=error.line())
    return kind


def _kind(settings: PanelSettings, environment: Mapping[str, str], *, has_factory: bool) -> str:
    if settings.kind != "auto":
        return settings.kind
    has_pins = has_factory or os.path.exists(GPIO_CHIP) or "GPIOZERO_PIN_FACTORY" in environment  # noqa: PTH110
    return "gpio" if has_pins else "none"


def open_lamps(settings: PanelSettings, factory: PinFactory) -> list[Lamp]:
    """Open the lights that the settings name, dark; the caller closes them. Raises ``PanelUnavailable``."""
    pins = settings.pins()
    match settings.led:
        case "plain" | "dimmed":
            wired = {led: pins[name] for led in Led if (name := f"{led}_led_gpio") in pins}
            return open_leds(
                wired,
                factory=factory,
                is_active_high=settings.led_active_high,
                is_dimmed=settings.led == "dimmed",
            )
        case "rgb":
            parts = {name: pins[f"{name}_gpio"] for name in ("red", "green", "blue") if f"{name}_gpio" in pins}
            return [open_rgb(parts, factory=factory, is_active_high=settings.led_active_high)] if parts else []
        case "strip":
            return [
                open_strip(
                    settings.strip_pixels,
                    data_gpio=settings.strip_data_gpio,
                    clock_gpio=settings.strip_clock_gpio,
                    factory=factory,
                )
            ]
        case _:
            assert_never(settings.led)


def brightness_of(settings: PanelSettings) -> Brightness:
    """Return how bright the lights are by these settings, by day and by night."""
    return Brightness(
        by_day=settings.brightness_percent / 100,
        by_night=settings.night_brightness_percent / 100,
        night=span_of(settings.night_from, settings.night_to),
    )


def _is_lit(settings: PanelSettings) -> bool:
    """Return whether any light is wanted."""
    return any(name.endswith(("_led_gpio", *_COLOURS)) or name.startswith("strip_") for name in settings.pins())


def _pin(gpio: int | str) -> int | None:
    return gpio if isinstance(gpio, int) else None
