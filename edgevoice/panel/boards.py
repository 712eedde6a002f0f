"""Pin presets: what is wired to which pin on boards that people can buy. Broadcom numbers; ``None`` is not wired."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A board's face, named as in the settings."""

    name: str
    listening_led_gpio: int | None = None
    speaking_led_gpio: int | None = None
    status_led_gpio: int | None = None
    talk_button_gpio: int | None = None
    mute_button_gpio: int | None = None
    amplifier_mute_gpio: int | None = None


GPIO = Board(
    name="gpio",
    listening_led_gpio=17,
    speaking_led_gpio=27,
    status_led_gpio=22,
    talk_button_gpio=23,
    mute_button_gpio=24,
)
"""Three LEDs and two buttons on plain pins that neither I2S, I2C nor SPI uses, next to each other on the header."""

BOARDS: Mapping[str, Board] = MappingProxyType({board.name: board for board in (GPIO,)})
