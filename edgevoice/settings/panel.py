"""The settings of ``[panel]``: lights and buttons."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from edgevoice.settings.fields import Gpio, Percent, TimeOfDay


class PanelSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Lights and buttons. Pins are BCM numbers, "none" for what is not connected; lights may share a pin.

    kind: What shows the lights: pins, or lines on the terminal; auto is gpio if /dev/gpiochip0 exists, else none.
    led: What is on the pins. "plain": up to three LEDs that are on or off. "dimmed": the same, with their brightness
        set by PWM. "rgb": one LED of three colours. "strip": a row of APA102 (DotStar) LEDs, as on many sound boards.
    without_lights: What the box does if its lights are configured but none can be used: "sound" plays a tone when audio
        may leave, and another when it no longer may; "refuse" does not start, because nothing would show that audio
        leaves the box; "listen" starts without either; "auto" is sound, or refuse if speaker.earcon_percent is 0.
    wake_sounds: Whether a tone also sounds when the box wakes, and another when the conversation is over.
    listening_led_gpio: The light for "I hear you".
    speaking_led_gpio: The light for "I am speaking".
    status_led_gpio: The light for everything else, faults first.
    talk_button_gpio: The button that replaces the wake word; holding it ends the conversation.
    mute_button_gpio: The button that mutes the microphone.
    mute_is_switch: Whether that is a slide switch: muted while it is closed, instead of changing with each press.
    volume_up_gpio: The button that makes answers louder, by 5 percent with each press; it repeats while it is held.
    volume_down_gpio: The button that makes answers softer.
    volume_knob_a_gpio: The first pin of a rotary encoder for the volume, 5 percent a step.
    volume_knob_b_gpio: The second pin of a rotary encoder for the volume.
    led_active_high: Whether a light is on when its pin is high.
    red_gpio: The red pin of an rgb LED.
    green_gpio: The green pin of an rgb LED.
    blue_gpio: The blue pin of an rgb LED.
    strip_pixels: How many LEDs the strip has.
    strip_data_gpio: The pin of the strip's data; 10 with clock 11 is the Pi's own SPI, which must be switched on.
    strip_clock_gpio: The pin of the strip's clock.
    brightness_percent: How bright the lights are; plain LEDs know only 0 and the rest.
    night_from: When the night begins, such as "22:00", by the box's own clock; empty for no night.
    night_to: When the night ends, such as "06:30".
    night_brightness_percent: How bright the lights are at night; 0 turns them off. While audio may leave the box they
        stay visible, and after each change of the lights, such as a press of a button, they shine for 10 s as by day.
    button_pull_up: Whether the buttons connect to ground, so that the pins need a pull-up.
    hold_s: How long the talk button must be held to end the conversation and cancel whatever sounds or waits.
    shuts_down: Whether holding the talk button and the mute button together for 5 s shuts the machine down.
    """

    kind: Literal["auto", "gpio", "terminal", "none"] = "auto"
    led: Literal["plain", "dimmed", "rgb", "strip"] = "plain"
    without_lights: Literal["auto", "refuse", "sound", "listen"] = "auto"
    wake_sounds: bool = False
    listening_led_gpio: Gpio | Literal["none"] = 17
    speaking_led_gpio: Gpio | Literal["none"] = 27
    status_led_gpio: Gpio | Literal["none"] = 22
    talk_button_gpio: Gpio | Literal["none"] = 23
    mute_button_gpio: Gpio | Literal["none"] = 24
    mute_is_switch: bool = False
    volume_up_gpio: Gpio | Literal["none"] = "none"
    volume_down_gpio: Gpio | Literal["none"] = "none"
    volume_knob_a_gpio: Gpio | Literal["none"] = "none"
    volume_knob_b_gpio: Gpio | Literal["none"] = "none"
    led_active_high: bool = True
    red_gpio: Gpio | Literal["none"] = 17
    green_gpio: Gpio | Literal["none"] = 27
    blue_gpio: Gpio | Literal["none"] = 22
    strip_pixels: Annotated[int, Meta(ge=1, le=60)] = 3
    strip_data_gpio: Gpio = 10
    strip_clock_gpio: Gpio = 11
    brightness_percent: Percent = 100
    night_from: TimeOfDay = ""
    night_to: TimeOfDay = ""
    night_brightness_percent: Percent = 0
    button_pull_up: bool = True
    hold_s: Annotated[float, Meta(ge=0.3, le=10)] = 3.0
    shuts_down: bool = False

    def pins(self) -> dict[str, int]:
        """Return the pins that are opened, by the names of their settings; none without GPIO."""
        if self.kind not in {"auto", "gpio"}:
            return {}
        lights = {
            "plain": ("listening_led_gpio", "speaking_led_gpio", "status_led_gpio"),
            "dimmed": ("listening_led_gpio", "speaking_led_gpio", "status_led_gpio"),
            "rgb": ("red_gpio", "green_gpio", "blue_gpio"),
            "strip": ("strip_data_gpio", "strip_clock_gpio"),
        }[self.led]
        volume = ("volume_up_gpio", "volume_down_gpio", "volume_knob_a_gpio", "volume_knob_b_gpio")
        names = (*lights, "talk_button_gpio", "mute_button_gpio", *volume)
        return {name: pin for name in names if (pin := getattr(self, name)) != "none"}
