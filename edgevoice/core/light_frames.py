"""Light frames: what coloured LEDs, and rows of them, show at a moment. No pins, no clock.

A frame is the colour of each pixel. One pixel has the rhythm that `lights` gives a box with a single LED; a row has
motions of its own. The colour is only an addition: promises 1 and 2 of `lights` hold for the brightness alone, so that
nobody has to tell colours apart.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, assert_never

from edgevoice.core.lights import (
    LIVE_LIGHTS,
    PROVISIONAL_LIGHTS,
    Fault,
    Led,
    fault_of,
    level_at,
    patterns_on,
    seconds_to_change,
)
from edgevoice.core.orders import Light

FRAME_S: Final = 0.04
"""The time between frames of a smooth motion, in seconds: 25 a second look smooth, and cost half of 50."""

LEAST_LIVE_BRIGHTNESS: Final = 0.1
"""The least brightness, 0 to 1, while audio may leave the box: visible in a lit room on an APA102."""

SHOWN_BY_NIGHT_S: Final = 10.0
"""How long a change of the lights is shown at night as by day, in seconds."""

_STEP_S: Final = 0.1
"""How long a running pixel stays at its place, in seconds."""

_BREATH_S: Final = 1.0
"""The length of a breath, in seconds."""

_FILL_STEPS: Final = 12
_FILL_S: Final = 1.2
_FILLED_S: Final = 0.4
"""A row fills, or empties, in at most so many steps and in this time; then it rests."""


class Colour(NamedTuple):
    """Red, green and blue, 0 to 1."""

    red: float
    green: float
    blue: float

    def scaled(self, brightness: float) -> "Colour":
        """Return the colour at a brightness, 0 to 1."""
        return Colour(self.red * brightness, self.green * brightness, self.blue * brightness)

    @property
    def level(self) -> float:
        """The brightness, 0 to 1, of the brightest of its parts."""
        return max(self)


Frame = tuple[Colour, ...]

DARK: Final = Colour(0, 0, 0)

_WHITE: Final = Colour(1, 1, 1)
_BLUE: Final = Colour(0, 0.3, 1)
_CYAN: Final = Colour(0, 1, 1)
_GREEN: Final = Colour(0.1, 1, 0.1)
_PURPLE: Final = Colour(0.7, 0.1, 1)
_AMBER: Final = Colour(1, 0.6, 0)
_ORANGE: Final = Colour(1, 0.3, 0)
_RED: Final = Colour(1, 0, 0)


_NAMES: Final[Mapping[Colour, str]] = {
    _WHITE: "white",
    _BLUE: "blue",
    _CYAN: "cyan",
    _GREEN: "green",
    _PURPLE: "purple",
    _AMBER: "amber",
    _ORANGE: "orange",
    _RED: "red",
}


def colour_name(colour: Colour) -> str:
    """Return what people call the colour of a light."""
    return _NAMES[colour]


def colour_of(light: Light, reason: str = "") -> Colour:
    """Return the colour of a light; ``reason`` is a fault's code and matters only for ``Light.FAULT``."""
    match light:
        case Light.OFF | Light.IDLE | Light.STARTING | Light.STOPPING | Light.VOLUME:
            return _WHITE
        case Light.CONNECTING:
            return _CYAN
        case Light.LISTENING | Light.HEARING:
            return _BLUE
        case Light.THINKING | Light.WORKING:
            return _PURPLE
        case Light.SPEAKING | Light.DUCKED | Light.ANNOUNCING:
            return _GREEN
        case Light.MUTED:
            return _RED
        case Light.RINGING:
            return _AMBER
        case Light.FAULT:
            # What passes by itself is orange, what a person must do is red.
            return _ORANGE if fault_of(reason) in {Fault.NETWORK, Fault.BUDGET} else _RED
        case _:
            assert_never(light)


def frame_at(pixels: int, light: Light, reason: str, seconds: float, level: float = 1.0) -> Frame:
    """Return the frame of ``pixels`` LEDs ``seconds`` after a light was first shown; ``level``, 0 to 1: the volume."""
    colour = colour_of(light, reason)
    match light:
        case Light.STARTING | Light.STOPPING if pixels > 1:
            lit = _filled(pixels, seconds, empties=light is Light.STOPPING)
            return tuple(colour if place < lit else DARK for place in range(pixels))
        case Light.VOLUME if pixels > 1:
            return _bar(pixels, colour, level, _single(light, reason, seconds))
        case Light.WORKING if pixels > 1:
            # To and fro: one that connects runs in one direction.
            turn = _place(seconds / 2) % (2 * (pixels - 1))
            at = min(turn, 2 * (pixels - 1) - turn)
            return tuple(colour if place == at else DARK for place in range(pixels))
        case Light.CONNECTING if pixels > 1:
            at = _place(seconds) % pixels
            return tuple(colour if place == at else colour.scaled(0.1) for place in range(pixels))
        case Light.THINKING if pixels > 1:
            # Odd and even pixels in turn, so that two and three pixels look different from one that runs.
            turn = _place(seconds / 3) % 2
            return tuple(colour if place % 2 == turn else DARK for place in range(pixels))
        case Light.SPEAKING if pixels > 1:
            return (colour.scaled(0.65 + 0.35 * math.cos(2 * math.pi * seconds / _BREATH_S)),) * pixels
        case Light.MUTED if pixels > 1:
            flash = colour.scaled(_single(light, reason, seconds))
            return (flash, *(DARK,) * (pixels - 2), flash)
        case _:
            return (colour.scaled(_single(light, reason, seconds)),) * pixels


def seconds_to_next_frame(pixels: int, light: Light, reason: str, seconds: float) -> float | None:
    """Return how long after ``seconds`` the frame changes, or ``None`` if it never does."""
    match light:
        case Light.STARTING | Light.STOPPING if pixels > 1:
            return _to_next(seconds, _FILL_S / min(pixels, _FILL_STEPS))
        case Light.WORKING if pixels > 1:
            return _to_next(seconds, 2 * _STEP_S)
        case Light.CONNECTING if pixels > 1:
            return _to_next(seconds, _STEP_S)
        case Light.THINKING if pixels > 1:
            return _to_next(seconds, 3 * _STEP_S)
        case Light.SPEAKING if pixels > 1:
            return FRAME_S
        case _:
            return seconds_to_change(patterns_on(tuple(Led), light, reason), seconds)


def brightness_of(light: Light, *, by_day: float, by_night: float, is_night: bool, shown_s: float) -> float:
    """Return how bright a light is that was first shown ``shown_s`` seconds ago; all of them from 0 to 1.

    While audio may leave the box it is visible, whatever the settings say.
    """
    brightness = by_night if is_night and shown_s >= SHOWN_BY_NIGHT_S else by_day
    return max(brightness, LEAST_LIVE_BRIGHTNESS) if light in LIVE_LIGHTS | PROVISIONAL_LIGHTS else brightness


def apa102(frame: Sequence[Colour]) -> bytes:
    """Return the bytes that an APA102 strip needs to show a frame.

    32 zero bits; for each pixel 0xFF (full current), blue, green, red; then one clock for every two pixels, as zeros:
    ones would light a further pixel white on a strip that is longer (APA102 data sheet; cpldcpu.wordpress.com, 2014).
    """
    pixels = b"".join(bytes((0xFF, _byte(colour.blue), _byte(colour.green), _byte(colour.red))) for colour in frame)
    return bytes(4) + pixels + bytes(4 + len(frame) // 16)


def _byte(level: float) -> int:
    """Return a level of 0 to 1 as an eye sees it: in proportion to its square, and never 0 for a little light."""
    return math.ceil(255 * min(max(level, 0.0), 1.0) ** 2)


def _filled(pixels: int, seconds: float, *, empties: bool) -> int:
    """Return how many pixels of a row are lit that fills, or empties, again and again."""
    steps = min(pixels, _FILL_STEPS)
    step = int(seconds * steps / _FILL_S + 1e-5) % (steps + round(_FILLED_S / _FILL_S * steps))
    if step >= steps:
        return 0 if empties else pixels
    return math.ceil(pixels * (steps - step if empties else step + 1) / steps)


def _bar(pixels: int, colour: Colour, level: float, blink: float) -> Frame:
    """Return a bar as long as the volume; its last pixel blinks, so that it differs from a light that is steady."""
    end = max(round(level * pixels), 1)
    return tuple(
        colour if place < end - 1 else colour.scaled(blink) if place == end - 1 else DARK for place in range(pixels)
    )


def _single(light: Light, reason: str, seconds: float) -> float:
    return level_at(patterns_on(tuple(Led), light, reason), seconds)


def _place(seconds: float) -> int:
    return int(seconds / _STEP_S + 1e-5)


def _to_next(seconds: float, step_s: float) -> float:
    return step_s - (seconds + 1e-6) % step_s + 1e-6
