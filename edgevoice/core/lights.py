"""Light patterns: what each LED does for each light, and what it means. No pins, no clock.

There are at most three LEDs, plain on/off ones. One is enough: an LED that is not installed is replaced by another.

Promises, each with a test
1. While audio may leave the box (connecting, listening, thinking, speaking), no darkness lasts longer than 0.5 s.
2. Any two lights look different, even on a single LED. Only idle and off are then both dark, because a shared LED
   that is lit must always mean more than "ready".
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate
from typing import assert_never

from edgevoice import errors
from edgevoice.core.facts import Device
from edgevoice.core.orders import Earcon, Light

LONGEST_DARK_S = 0.5
"""The longest darkness while audio may leave the box, in seconds."""

LIVE_LIGHTS = frozenset(
    {
        Light.CONNECTING,
        Light.LISTENING,
        Light.HEARING,
        Light.THINKING,
        Light.WORKING,
        Light.SPEAKING,
        Light.DUCKED,
    }
)
"""The lights during which audio may leave the box."""

FINER_LIGHTS = frozenset(
    {
        Light.STARTING,
        Light.HEARING,
        Light.WORKING,
        Light.DUCKED,
        Light.ANNOUNCING,
        Light.VOLUME,
        Light.STOPPING,
    }
)
"""The lights that nobody needs to know to use the box: the full specification has them, the README has not."""

PROVISIONAL_LIGHTS = frozenset({Light.VOLUME})
"""The lights that stand for a moment over another. Audio may leave the box if it may under that other light."""


class Led(StrEnum):
    """What an LED is for; the value is the word shown to people."""

    LISTENING = "listening"
    SPEAKING = "speaking"
    STATUS = "status"


class Fault(StrEnum):
    """A kind of fault that a person can fix without reading a log."""

    NETWORK = "network"
    KEY = "key"
    CREDIT = "credit"
    MICROPHONE = "microphone"
    SPEAKER = "speaker"
    OTHER = "other"
    PROXY = "proxy"
    CLOCK = "clock"
    BUDGET = "budget"


@dataclass(frozen=True, slots=True)
class Step:
    """A brightness, 0 to 1, held for ``duration_s`` seconds."""

    level: float
    duration_s: float


@dataclass(frozen=True, slots=True)
class Pattern:
    """Steps that repeat; a single step is a steady light."""

    steps: tuple[Step, ...]

    @property
    def is_steady(self) -> bool:
        """Whether the light never changes."""
        return len(self.steps) == 1

    @property
    def duration_s(self) -> float:
        """The length of one cycle, in seconds."""
        return self.ends[-1]

    @property
    def ends(self) -> tuple[float, ...]:
        """When each step ends, in seconds from the beginning of a cycle."""
        return tuple(accumulate(step.duration_s for step in self.steps))


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table of lights: what the LEDs do, and what it means; ``fault`` is empty except for fault lights."""

    light: Light
    fault: str
    seen: str
    meaning: str


DARK = Pattern((Step(0, 1),))
LIT = Pattern((Step(1, 1),))


def _blinks(*durations_s: float) -> Pattern:
    """Return a pattern that alternates between lit and dark, beginning lit."""
    return Pattern(tuple(Step(1 - index % 2, duration_s) for index, duration_s in enumerate(durations_s)))


def _counted(blinks: int) -> Pattern:
    """Return blinks slow enough to be counted, then a pause long enough to end the count."""
    return _blinks(*[0.25] * (2 * blinks - 1), 1.5)


_PATTERNS: Mapping[Light, Mapping[Led, Pattern]] = {
    Light.OFF: {},
    # Longer and longer; while it stops, shorter and shorter.
    Light.STARTING: dict.fromkeys(Led, _blinks(0.1, 0.3, 0.4, 0.3, 1.0, 0.5)),
    Light.IDLE: {Led.STATUS: LIT},
    Light.CONNECTING: {Led.LISTENING: _blinks(0.1, 0.1)},
    Light.LISTENING: {Led.LISTENING: LIT},
    # Lit but for two winks: it goes on listening, and hears somebody.
    Light.HEARING: {Led.LISTENING: _blinks(0.8, 0.1, 0.1, 0.1)},
    Light.THINKING: {Led.LISTENING: _blinks(0.1, 0.1, 0.1, 0.4)},
    # One flash more than while it thinks: a tool is at work.
    Light.WORKING: {Led.LISTENING: _blinks(0.1, 0.1, 0.1, 0.1, 0.1, 0.4)},
    # Not steady: on a box with one LED, steady means that it listens.
    Light.SPEAKING: {Led.SPEAKING: _blinks(0.4, 0.1)},
    # The reverse of it, as the answer is held back.
    Light.DUCKED: {Led.SPEAKING: _blinks(0.1, 0.4)},
    Light.ANNOUNCING: {Led.SPEAKING: _blinks(0.3, 0.1, 0.3, 0.4)},
    # A flash, not a steady light, for the same reason; so rare that it does not disturb on a box muted for a week.
    Light.MUTED: {Led.STATUS: _blinks(0.1, 1.9)},
    Light.RINGING: dict.fromkeys(Led, _blinks(0.5, 0.5)),
    Light.VOLUME: {Led.SPEAKING: _blinks(0.2, 0.2)},
    Light.STOPPING: dict.fromkeys(Led, _blinks(1.0, 0.3, 0.4, 0.3, 0.1, 0.5)),
}

# Counts begin at 2: a single flash is the mute light.
_FAULTS: Mapping[Fault, tuple[int, str]] = {
    Fault.NETWORK: (2, "No connection, or service busy: check network or wait"),
    Fault.KEY: (3, "The service refused the key: copy it again"),
    Fault.CREDIT: (4, "The account has no credit: add some"),
    Fault.MICROPHONE: (5, "The microphone is missing or silent: check its plug and its mute switch"),
    Fault.SPEAKER: (6, "The speaker is missing: check its plug"),
    Fault.OTHER: (7, "Another fault: the log says which"),
    Fault.PROXY: (8, "The proxy refused to connect: check its address and whom it admits"),
    Fault.CLOCK: (9, "The clock is wrong: connect the network so that it can be set"),
    Fault.BUDGET: (
        10,
        "The time limit in the settings is reached: wake it again, or tomorrow if the day's minutes are used up",
    ),
}

_REASONS: Mapping[str, Fault] = {
    errors.LinkError.code: Fault.NETWORK,
    errors.ServiceUnreachable.code: Fault.NETWORK,
    errors.ServiceBusy.code: Fault.NETWORK,
    errors.SessionEnded.code: Fault.NETWORK,
    errors.ProxyRefused.code: Fault.PROXY,
    # A Pi has no clock battery: its clock is wrong if it has not had a network since it was switched on.
    errors.ClockWrong.code: Fault.CLOCK,
    errors.KeyRefused.code: Fault.KEY,
    errors.NoCredit.code: Fault.CREDIT,
    Device.MICROPHONE.value: Fault.MICROPHONE,
    errors.MICROPHONE_DEAD: Fault.MICROPHONE,
    Device.SPEAKER.value: Fault.SPEAKER,
    Earcon.SESSION_SPENT.value: Fault.BUDGET,
    Earcon.BUDGET_SPENT.value: Fault.BUDGET,
}


_SAID: Mapping[Fault, Earcon] = {
    Fault.NETWORK: Earcon.NO_NETWORK,
    Fault.KEY: Earcon.BAD_KEY,
    Fault.CREDIT: Earcon.NO_CREDIT,
    Fault.MICROPHONE: Earcon.NO_MICROPHONE,
    Fault.PROXY: Earcon.NO_PROXY,
    Fault.CLOCK: Earcon.WRONG_CLOCK,
}
_BUSY = frozenset({errors.ServiceBusy.code, errors.SessionEnded.code})
FAULT_EARCONS = frozenset({*_SAID.values(), Earcon.NO_SERVICE})
"""The earcons that name a fault; where there are no words for it, each sounds as `Earcon.ERROR`."""


def said_of(reason: str) -> Earcon:
    """Return the earcon that names a fault, by an error's stable code or a device's name."""
    if reason in _BUSY:
        return Earcon.NO_SERVICE
    return _SAID.get(fault_of(reason), Earcon.ERROR)


def fault_of(reason: str) -> Fault:
    """Return the kind of fault behind an error's stable code or a device's name; unknown codes are ``OTHER``."""
    return _REASONS.get(reason, Fault.OTHER)


def meaning(light: Light, reason: str = "") -> str:
    """Return what a light means, in one clause without a full stop."""
    match light:
        case Light.OFF:
            return "Not running"
        case Light.STARTING:
            return "Starting: it does not hear its wake word yet"
        case Light.IDLE:
            return "Ready: say the wake word. Nothing leaves the box"
        case Light.CONNECTING:
            return "Calling the service; already listening"
        case Light.LISTENING:
            return "Listening to you"
        case Light.HEARING:
            return "Hearing you speak"
        case Light.THINKING:
            return "Waiting for the answer"
        case Light.WORKING:
            return "A tool is at work"
        case Light.SPEAKING:
            return "Answering; the wake word or the talk button interrupts"
        case Light.DUCKED:
            return "Answering more softly: somebody may be speaking"
        case Light.ANNOUNCING:
            return "Saying something without being asked; the talk button ends it"
        case Light.MUTED:
            return "Muted: the microphone is cut off"
        case Light.RINGING:
            return "A timer is up: say the wake word or press the talk button"
        case Light.VOLUME:
            return "The volume has changed"
        case Light.STOPPING:
            return "Stopping"
        case Light.FAULT:
            return _FAULTS[fault_of(reason)][1]
        case _:
            assert_never(light)


def pattern_of(light: Light, led: Led, reason: str = "") -> Pattern:
    """Return what one LED does; ``reason`` is a fault's code and matters only for ``Light.FAULT``."""
    if light is Light.FAULT:
        return _counted(_FAULTS[fault_of(reason)][0]) if led is Led.STATUS else DARK
    return _PATTERNS[light].get(led, DARK)


def patterns_on(leds: Collection[Led], light: Light, reason: str = "") -> tuple[Pattern, ...]:
    """Return the patterns that one pin plays together to show ``leds``."""
    if light is Light.IDLE and len(leds) > 1:
        # On a shared LED, steady means that the box listens; nothing else may ever look like that.
        return (DARK,)
    return tuple(pattern_of(light, led, reason) for led in leds)


def leds_by_pin(pins: Mapping[Led, int]) -> dict[int, tuple[Led, ...]]:
    """Return which LEDs each pin shows; an LED without a pin is shown by the first that has one.

    Without any pin the result is empty.
    """
    shown: dict[int, tuple[Led, ...]] = {}
    if not pins:
        return shown
    stand_in = next(pins[led] for led in (Led.LISTENING, Led.STATUS, Led.SPEAKING) if led in pins)
    for led in Led:
        pin = pins.get(led, stand_in)
        shown[pin] = (*shown.get(pin, ()), led)
    return shown


def level_at(patterns: Sequence[Pattern], seconds: float) -> float:
    """Return the brightness, 0 to 1, of patterns that share an LED ``seconds`` after they began: the brightest."""
    return max(pattern.steps[_index_at(pattern, seconds)].level for pattern in patterns)


def seconds_to_change(patterns: Sequence[Pattern], seconds: float) -> float | None:
    """Return how long after ``seconds`` the next step begins, or ``None`` if the light is steady."""
    moving = [pattern for pattern in patterns if not pattern.is_steady]
    if not moving:
        return None
    return min(pattern.ends[_index_at(pattern, seconds)] - seconds % pattern.duration_s for pattern in moving)


def describe() -> tuple[Row, ...]:
    """Return the table of lights for a box with three LEDs: one row for each light, one for each fault."""
    rows = [Row(light, "", _seen(light, ""), meaning(light)) for light in Light if light is not Light.FAULT]
    faults = {fault: reason for reason, fault in _REASONS.items()} | {Fault.OTHER: ""}
    return (*rows, *(Row(Light.FAULT, fault, _seen(Light.FAULT, faults[fault]), _FAULTS[fault][1]) for fault in Fault))


def _seen(light: Light, reason: str) -> str:
    """Return what the LEDs do, in words derived from the patterns."""
    seen = [f"{led} LED {words(pattern)}" for led in Led if (pattern := pattern_of(light, led, reason)) != DARK]
    if len(seen) == len(Led):
        return f"all LEDs {words(pattern_of(light, Led.STATUS))}"
    if light is Light.IDLE:
        return f"{seen[0]} (dark where LEDs are shared)"
    return "; ".join(seen) or "all dark"


def words(pattern: Pattern) -> str:
    """Return in words what a pattern that begins lit looks like."""
    if pattern.is_steady:
        return "lit"
    lit, dark = [step.duration_s for step in pattern.steps[::2]], [step.duration_s for step in pattern.steps[1::2]]
    if len(lit) > 1 and len({*lit, *dark[:-1]}) == 1:
        return f"blinks {len(lit)} times, then {dark[-1]:g} s off"
    return ", ".join(f"{on:g} s on, {off:g} s off" for on, off in zip(lit, dark, strict=True))


def _index_at(pattern: Pattern, seconds: float) -> int:
    into_round = seconds % pattern.duration_s
    return next(index for index, end in enumerate(pattern.ends) if into_round < end)
