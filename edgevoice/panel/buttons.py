"""Buttons on pins: their edges go to the machine of `core.gestures`, and what that finds becomes facts.

Two things are not left to gpiozero. Its debouncing means something else with each pin library: a filter that delays,
or one that drops edges. And its ``Button`` keeps a thread for each button that wakes up ten times a second, day and
night; here only a pressed button costs a thread, until nothing more can follow from it.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, assert_never

from edgevoice.core.facts import Event, MutePressed, TalkHeld, TalkPressed
from edgevoice.core.gestures import BOUNCE_S, Button, Gesture, Gestures
from edgevoice.core.panel_facts import ForgetHeld, MuteSwitched, ShutDownHeld, VolumeTurned
from edgevoice.errors import PanelUnavailable
from edgevoice.journal import tell
from edgevoice.panel.gpio import gpiozero
from edgevoice.panel.pins import PinFactory, claiming

_log = logging.getLogger(__name__)

STEP_PERCENT = 5
"""How much a press of a volume button, or a step of the knob, changes the volume, in percent."""

StartTimer = Callable[[float, Callable[[], None]], Callable[[], None]]
"""Starts a timer of that many seconds, in any thread; returns a function that cancels it."""


def start_thread_timer(seconds: float, act: Callable[[], None]) -> Callable[[], None]:
    """Call ``act`` in a thread of its own after ``seconds``; return a function that cancels it."""
    timer = threading.Timer(seconds, act)
    timer.daemon = True
    timer.start()
    return timer.cancel


class PushButtons:
    """The push buttons of a panel; ``report`` gets each gesture, in threads of gpiozero and of the timer.

    Owns the ``devices``. A single timer runs, and only while a button is down.
    """

    def __init__(
        self,
        devices: Mapping[Button, Any],
        gestures: Gestures,
        report: Callable[[Gesture], None],
        *,
        clock: Callable[[], float] = time.monotonic,
        start_timer: StartTimer = start_thread_timer,
    ) -> None:
        self._devices = devices
        self._gestures = gestures
        self._report = report
        self._clock = clock
        self._start_timer = start_timer
        self._lock = threading.Lock()
        self._cancel: Callable[[], None] | None = None
        self._is_closed = False
        for button, device in devices.items():
            device.when_activated = partial(self._closes, button)
            device.when_deactivated = partial(self._opens, button)

    def close(self) -> None:
        """Release the pins; nothing is reported after that. A second call does nothing."""
        for device in self._devices.values():
            device.close()
        with self._lock:
            self._is_closed = True
            self._stop_timer()

    def _closes(self, button: Button) -> None:
        with self._lock:
            is_still_closed = bool(self._devices[button].is_active)
            found = self._gestures.closes(button, self._clock(), is_still_closed=is_still_closed)
            self._set_timer()
        self._tell(found)

    def _opens(self, button: Button) -> None:
        with self._lock:
            self._gestures.opens(button, self._clock())
            self._set_timer()

    def _due(self) -> None:
        with self._lock:
            if self._is_closed:
                return
            found = self._gestures.tick(self._clock(), lambda button: bool(self._devices[button].is_active))
            self._set_timer()
        self._tell(found)

    def _tell(self, found: list[Gesture]) -> None:
        for gesture in found:
            self._report(gesture)

    def _set_timer(self) -> None:
        self._stop_timer()
        if (due := self._gestures.deadline) is not None:
            self._cancel = self._start_timer(max(0.0, due - self._clock()), self._due)

    def _stop_timer(self) -> None:
        if self._cancel is not None:
            self._cancel()
            self._cancel = None


class SlideSwitch:
    """A switch that stays where it is: ``switched`` gets where that is, at once and after each change; it never blocks.

    Owns ``device``. What counts is the level once the contact is calm, so that a bounce never leaves the wrong state.
    """

    def __init__(
        self, device: Any, switched: Callable[[bool], None], *, start_timer: StartTimer = start_thread_timer
    ) -> None:
        self._device = device
        self._switched = switched
        self._start_timer = start_timer
        self._lock = threading.Lock()
        self._cancel: Callable[[], None] | None = None
        self._told: bool | None = None
        device.when_activated = device.when_deactivated = self._moved
        self._look()

    def close(self) -> None:
        """Release the pin; a second call does nothing."""
        with self._lock:
            self._stop()
        self._device.close()

    def _moved(self) -> None:
        # Muting must not wait: it is reported at the first contact, unmuting once the contact is calm.
        with self._lock:
            if self._device.is_active:
                self._tell(is_on=True)
            self._stop()
            self._cancel = self._start_timer(BOUNCE_S, self._look)

    def _look(self) -> None:
        with self._lock:
            if not self._device.closed:
                self._tell(is_on=bool(self._device.is_active))

    def _tell(self, *, is_on: bool) -> None:
        # With the lock held: of two threads that see the contact move, the later must also be the later to report.
        if is_on is not self._told:
            self._told = is_on
            self._switched(is_on)

    def _stop(self) -> None:
        if self._cancel is not None:
            self._cancel()
            self._cancel = None


class Buttons:
    """The open buttons and knobs of a panel."""

    def __init__(self, opened: ExitStack) -> None:
        self._opened = opened

    def close(self) -> None:
        """Release the pins; a second call does nothing."""
        self._opened.close()


@dataclass(frozen=True, slots=True)
class ButtonPins:
    """Where buttons are wired, by Broadcom number; ``None`` is not wired.

    ``knob`` has the two pins of a rotary encoder for the volume. ``mute_is_switch``: the microphone is muted while the
    contact is closed, instead of changing with each press.
    """

    talk: int | None = None
    mute: int | None = None
    volume_up: int | None = None
    volume_down: int | None = None
    knob: tuple[int, int] | None = None
    mute_is_switch: bool = False


def open_buttons(
    pins: ButtonPins,
    *,
    factory: PinFactory,
    is_pulled_up: bool,
    hold_s: float,
    position: Callable[[], int],
    post: Callable[[Event], None],
    can_shut_down: bool = False,
    start_timer: StartTimer = start_thread_timer,
    clock: Callable[[], float] = time.monotonic,
) -> Buttons:
    """Open the buttons that are wired.

    ``is_pulled_up`` says that a press connects the pin to ground. ``position`` returns the newest near-end sample, and
    ``post`` passes a fact to the loop: both are called from other threads. A button that is down when it is opened
    reports nothing until it is pressed again; a switch reports at once. The box runs on without a button whose pin
    cannot be had, and the log says so.
    """

    def act(gesture: Gesture) -> None:
        for fact in _facts_of(gesture, position):
            post(fact)

    open_pin = partial(_open, factory=factory, is_pulled_up=is_pulled_up)
    with ExitStack() as opened:
        devices = {}
        for button, pin in _push_buttons(pins).items():
            if (device := _opened_or_not(lambda: open_pin(pin, f"{button} button"))) is not None:  # noqa: B023 - at once
                devices[button] = device
        gestures = Gestures(hold_s, can_shut_down=can_shut_down)
        opened.callback(PushButtons(devices, gestures, act, clock=clock, start_timer=start_timer).close)
        if pins.mute is not None and pins.mute_is_switch:
            switch_pin = pins.mute
            if (device := _opened_or_not(lambda: open_pin(switch_pin, "mute switch"))) is not None:
                switched = lambda is_on: post(MuteSwitched(is_on))  # noqa: E731 - beside its switch
                opened.callback(SlideSwitch(device, switched, start_timer=start_timer).close)
        if pins.knob is not None:
            knob_pins = pins.knob
            if (knob := _opened_or_not(lambda: _open_knob(knob_pins, factory, post))) is not None:
                opened.callback(knob.close)
        return Buttons(opened.pop_all())


def _push_buttons(pins: ButtonPins) -> dict[Button, int]:
    wired = {
        Button.TALK: pins.talk,
        Button.MUTE: None if pins.mute_is_switch else pins.mute,
        Button.VOLUME_UP: pins.volume_up,
        Button.VOLUME_DOWN: pins.volume_down,
    }
    return {button: pin for button, pin in wired.items() if pin is not None}


def _facts_of(gesture: Gesture, position: Callable[[], int]) -> tuple[Event, ...]:
    match gesture:
        case Gesture.TALK_PRESSED:
            return (TalkPressed(position()),)
        case Gesture.TALK_HELD:
            return (TalkHeld(cancels_waiting=True),)
        case Gesture.MUTE_PRESSED:
            return (MutePressed(),)
        case Gesture.MUTE_HELD:
            return (ForgetHeld(),)
        case Gesture.BOTH_HELD:
            return (ShutDownHeld(),)
        case Gesture.LOUDER:
            return (VolumeTurned(STEP_PERCENT),)
        case Gesture.SOFTER:
            return (VolumeTurned(-STEP_PERCENT),)
        case _:
            assert_never(gesture)


def _opened_or_not(open_it: Callable[[], Any]) -> Any:
    """Return what is opened, ``None`` if its pin cannot be had, which the log says."""
    try:
        return open_it()
    except PanelUnavailable as error:
        tell(_log, logging.WARNING, "button-missing", code=error.code, problem=error.line())
        return None


def _open(gpio: int, purpose: str, *, factory: PinFactory, is_pulled_up: bool) -> Any:
    with claiming(purpose, gpio):
        return gpiozero.DigitalInputDevice(gpio, pull_up=is_pulled_up, pin_factory=factory)


def _open_knob(pins: tuple[int, int], factory: PinFactory, post: Callable[[Event], None]) -> Any:
    # gpiozero names no pin in what it raises: try each alone first.
    for name, pin in zip("ab", pins, strict=True):
        _open(pin, f"volume knob {name}", factory=factory, is_pulled_up=True).close()
    with claiming("volume knob", pins[0]):
        knob = gpiozero.RotaryEncoder(*pins, max_steps=0, pin_factory=factory)
    knob.when_rotated_clockwise = lambda: post(VolumeTurned(STEP_PERCENT))
    knob.when_rotated_counter_clockwise = lambda: post(VolumeTurned(-STEP_PERCENT))
    return knob
