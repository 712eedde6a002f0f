"""A walk through a panel with its owner: each light and each button, and what is wired wrong. No terminal, no clock."""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from edgevoice.core.gestures import Button
from edgevoice.core.light_frames import Colour
from edgevoice.panel.lamps import Lamp, PinLamp
from edgevoice.settings.panel import PanelSettings

_COLOURS: Final = {"red": Colour(1, 0, 0), "green": Colour(0, 1, 0), "blue": Colour(0, 0, 1)}
_DARK: Final = Colour(0, 0, 0)

BUTTON_SETTINGS: Final[Mapping[Button, str]] = {
    Button.TALK: "talk_button_gpio",
    Button.MUTE: "mute_button_gpio",
    Button.VOLUME_UP: "volume_up_gpio",
    Button.VOLUME_DOWN: "volume_down_gpio",
}


class Owner(Protocol):
    """The person in front of the panel."""

    def choose(self, question: str, answers: Sequence[str]) -> str:
        """Return one of the answers."""
        ...

    def count(self, question: str) -> int:
        """Return the number that they see."""
        ...

    def press(self, request: str) -> Button | None:
        """Ask for a press; return the button whose pin was pressed, ``None`` if none was in time."""
        ...

    def turn(self, request: str) -> int | None:
        """Ask for a turn of the knob; return the change of volume in percent, ``None`` if none was in time."""
        ...

    def slide(self, request: str) -> bool | None:
        """Ask for a move of the mute switch; return whether it now mutes, ``None`` if it did not move in time."""
        ...


def walk_lights(lamps: Sequence[Lamp], settings: PanelSettings, owner: Owner) -> list[str]:
    """Light each lamp alone; return in one line each what is wired wrong, with what to do."""
    findings: list[str] = []
    for lamp in lamps:
        if isinstance(lamp, PinLamp):
            findings += _walk_led(lamp, lamps, owner)
        elif settings.led == "strip":
            findings += _walk_strip(lamp, settings.strip_pixels, owner)
        else:
            wired = [name for name in _COLOURS if f"{name}_gpio" in settings.pins()]
            findings += _walk_colours(lamp, 1, "panel.red_gpio, green_gpio and blue_gpio", owner, wired)
    return findings


def walk_buttons(wired: Sequence[Button], owner: Owner) -> list[str]:
    """Ask for a press of each button; return in one line each what is wired wrong, with what to do."""
    findings: list[str] = []
    for button in wired:
        setting = BUTTON_SETTINGS[button]
        pressed = owner.press(f"Press the {button} button.")
        if pressed is None:
            findings.append(f"no press of the {button} button arrives: check panel.{setting}, the wire and its ground")
        elif pressed is not button:
            other = BUTTON_SETTINGS[pressed]
            findings.append(f"the {button} button is wired as {pressed}: swap panel.{setting} and panel.{other}")
    return findings


def walk_knob(owner: Owner) -> list[str]:
    """Ask for a turn of the volume knob; return in one line what is wired wrong, with what to do."""
    turned = owner.turn("Turn the volume knob one step clockwise.")
    if turned is None:
        return ["no turn of the volume knob arrives: check panel.volume_knob_a_gpio, volume_knob_b_gpio and its ground"]
    if turned < 0:
        return ["the volume knob is the wrong way round: swap panel.volume_knob_a_gpio and panel.volume_knob_b_gpio"]
    return []


def walk_switch(owner: Owner) -> list[str]:
    """Ask for a move of the mute switch; return in one line what is wired wrong, with what to do."""
    is_muted = owner.slide("Slide the mute switch to its other side.")
    if is_muted is None:
        return ["no move of the mute switch arrives: check panel.mute_button_gpio, the wire and its ground"]
    if owner.choose("Is that the side on which the microphone should be muted?", ["yes", "no"]) != (
        "yes" if is_muted else "no"
    ):
        return ["the mute switch is the wrong way round: turn it round, or wire its other contact"]
    return []


def _walk_led(lamp: PinLamp, lamps: Sequence[Lamp], owner: Owner) -> list[str]:
    every = [" and ".join(each.leds) for each in lamps if isinstance(each, PinLamp)]
    name = " and ".join(lamp.leds)
    setting = f"panel.{lamp.leds[0]}_led_gpio"
    lamp.write((Colour(1, 1, 1),))
    seen = owner.choose(f"Which light is on? It should be {name}.", [*every, "none", "all"])
    lamp.write((_DARK,))
    if seen == name:
        return []
    if seen == "none":
        return [f"the light for {name} stays dark: check {setting}, its resistor and which way round it is"]
    if seen == "all":
        return ["every light but one is on: set panel.led_active_high to the other value"]
    return [f"the light for {name} is wired as {seen}: swap {setting} and panel.{seen.split()[0]}_led_gpio"]


def _walk_strip(lamp: Lamp, pixels: int, owner: Owner) -> list[str]:
    lamp.write((Colour(0.5, 0.5, 0.5),) * pixels)
    lit = owner.count(f"How many LEDs of the strip are lit? It should be {pixels}.")
    lamp.write((_DARK,) * pixels)
    if lit == 0:
        return ["the strip stays dark: check its supply, panel.strip_data_gpio and panel.strip_clock_gpio"]
    findings = []
    if lit < pixels:
        findings.append(
            f"{lit} of {pixels} LEDs are lit: set panel.strip_pixels = {lit}, or check the strip after LED {lit}"
        )
    elif owner.choose("Are there dark LEDs behind the last one?", ["no", "yes"]) == "yes":
        total = owner.count("How many LEDs has the strip in all?")
        findings.append(f"the strip has {total} LEDs: set panel.strip_pixels = {total}")
    return findings + _walk_colours(lamp, pixels, "the strip: it is not an APA102 (DotStar)", owner)


def _walk_colours(
    lamp: Lamp, pixels: int, wiring: str, owner: Owner, wired: Sequence[str] = tuple(_COLOURS)
) -> list[str]:
    findings = []
    for name in wired:
        lamp.write((_COLOURS[name],) * pixels)
        seen = owner.choose(f"Which colour is it? It should be {name}.", [*_COLOURS, "none", "another"])
        if seen != name:
            findings.append(f"{name} shows as {seen}: check {wiring}")
    lamp.write((_DARK,) * pixels)
    return findings
