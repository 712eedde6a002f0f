"""Buttons on pins: a press is reported at once, a hold once it has lasted long enough.

Two things are not left to gpiozero. Its debouncing means something else with each pin library: a filter that delays,
or one that drops edges. And its ``Button`` keeps a thread for each button that wakes up ten times a second, day and
night; here only a pressed button costs a thread, until it counts as held.
"""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import gpiozero

from edgevoice.core.facts import Event, MutePressed, TalkHeld, TalkPressed
from edgevoice.core.panel_facts import MuteSwitched, VolumeTurned
from edgevoice.panel.pins import PinFactory, claiming

BOUNCE_S = 0.05
"""How long after an edge, in seconds, a contact counts as bouncing; a finger's presses are further apart."""

STEP_PERCENT = 5
"""How much a press of a volume button, or a step of the knob, changes the volume, in percent."""

REPEATS_AFTER_S = 0.5
REPEATS_EACH_S = 0.25
"""When a volume button that is held repeats, and how often: from silence to full in five seconds."""

StartTimer = Callable[[float, Callable[[], None]], Callable[[], None]]
"""Starts a timer of that many seconds, in any thread; returns a function that cancels it."""


class Contact:
    """The debouncing of one contact: edges in, presses out. No pins, no threads, no clock.

    The first edge of a press counts, so debouncing adds no delay. A spike that is over when we look does not count.
    """

    def __init__(self) -> None:
        self._is_pressed = False
        self._calm_at_s = float("-inf")

    @property
    def is_pressed(self) -> bool:
        """Whether the button has been pressed and not yet released."""
        return self._is_pressed

    def closes(self, now_s: float, *, is_still_closed: bool) -> bool:
        """Take the edge of a closing contact; return whether it is a press."""
        if now_s < self._calm_at_s:
            self._calm_at_s = now_s + BOUNCE_S
            return False
        if not is_still_closed:
            return False
        self._is_pressed = True
        self._calm_at_s = now_s + BOUNCE_S
        return True

    def opens(self, now_s: float) -> None:
        """Take the edge of an opening contact."""
        is_bouncing = now_s < self._calm_at_s
        if is_bouncing or self._is_pressed:
            self._calm_at_s = now_s + BOUNCE_S
        if not is_bouncing:
            self._is_pressed = False


def start_thread_timer(seconds: float, act: Callable[[], None]) -> Callable[[], None]:
    """Call ``act`` in a thread of its own after ``seconds``; return a function that cancels it."""
    timer = threading.Timer(seconds, act)
    timer.daemon = True
    timer.start()
    return timer.cancel


class PushButton:
    """One button; reports a press, and a hold if ``on_held`` is given: once, or every ``repeat_s`` seconds.

    Owns ``device``. The callbacks run in threads of gpiozero and of the timer.
    """

    def __init__(
        self,
        device: Any,
        *,
        on_pressed: Callable[[], None],
        on_held: Callable[[], None] | None = None,
        hold_s: float = 1.0,
        repeat_s: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        start_timer: StartTimer = start_thread_timer,
    ) -> None:
        self._device = device
        self._on_pressed = on_pressed
        self._on_held = on_held
        self._hold_s = hold_s
        self._repeat_s = repeat_s
        self._clock = clock
        self._start_timer = start_timer
        self._contact = Contact()
        self._lock = threading.Lock()
        self._cancel_hold: Callable[[], None] | None = None
        self._presses = 0
        device.when_activated = self._closes
        device.when_deactivated = self._opens

    def close(self) -> None:
        """Release the pin; nothing is reported after that. A second call does nothing."""
        self._device.close()
        with self._lock:
            self._presses += 1
            self._stop_hold()

    def _closes(self) -> None:
        with self._lock:
            if not self._contact.closes(self._clock(), is_still_closed=self._device.is_active):
                return
            self._presses += 1
            press = self._presses
            self._stop_hold()
            if self._on_held is not None:
                self._cancel_hold = self._start_timer(self._hold_s, lambda: self._held(press))
        self._on_pressed()

    def _opens(self) -> None:
        with self._lock:
            self._contact.opens(self._clock())
            if not self._contact.is_pressed:
                self._stop_hold()

    def _held(self, press: int) -> None:
        with self._lock:
            # To the debouncer, a tap shorter than the bounce time is still pressed: ask the pin itself.
            is_held = press == self._presses and self._contact.is_pressed and self._device.is_active
            if is_held and self._repeat_s is not None:
                self._cancel_hold = self._start_timer(self._repeat_s, lambda: self._held(press))
        if is_held and self._on_held is not None:
            self._on_held()

    def _stop_hold(self) -> None:
        if self._cancel_hold is not None:
            self._cancel_hold()
            self._cancel_hold = None


class SlideSwitch:
    """A switch that stays where it is: ``switched`` gets where that is, at once and after each change.

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
        if self._device.is_active:
            self._tell(is_on=True)
        with self._lock:
            self._stop()
            self._cancel = self._start_timer(BOUNCE_S, self._look)

    def _look(self) -> None:
        if not self._device.closed:
            self._tell(is_on=bool(self._device.is_active))

    def _tell(self, *, is_on: bool) -> None:
        with self._lock:
            has_changed = is_on is not self._told
            self._told = is_on
        if has_changed:
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
    start_timer: StartTimer = start_thread_timer,
) -> Buttons:
    """Open the buttons that are wired.

    ``is_pulled_up`` says that a press connects the pin to ground. ``position`` returns the newest near-end sample, and
    ``post`` passes a fact to the loop: both are called from other threads. A button that is down when it is opened
    reports nothing until it is pressed again; a switch reports at once. Raises ``PanelUnavailable`` that names the pin;
    nothing stays open then.
    """
    with ExitStack() as opened:

        def button(pin: int | None, purpose: str, pressed: Callable[[], None], **options: Any) -> None:
            if pin is not None:
                device = _open(pin, purpose, factory=factory, is_pulled_up=is_pulled_up)
                opened.callback(PushButton(device, on_pressed=pressed, start_timer=start_timer, **options).close)

        def turn(percent: int) -> Callable[[], None]:
            return lambda: post(VolumeTurned(percent))

        held = lambda: post(TalkHeld())  # noqa: E731 - it is read beside what a press does
        button(pins.talk, "talk button", lambda: post(TalkPressed(position())), on_held=held, hold_s=hold_s)
        if pins.mute is not None and pins.mute_is_switch:
            device = _open(pins.mute, "mute switch", factory=factory, is_pulled_up=is_pulled_up)
            opened.callback(SlideSwitch(device, lambda is_on: post(MuteSwitched(is_on)), start_timer=start_timer).close)
        else:
            button(pins.mute, "mute button", lambda: post(MutePressed()))
        for pin, purpose, percent in ((pins.volume_up, "up", STEP_PERCENT), (pins.volume_down, "down", -STEP_PERCENT)):
            repeats = {"on_held": turn(percent), "hold_s": REPEATS_AFTER_S, "repeat_s": REPEATS_EACH_S}
            button(pin, f"volume {purpose} button", turn(percent), **repeats)
        if pins.knob is not None:
            opened.callback(_open_knob(pins.knob, factory, turn).close)
        return Buttons(opened.pop_all())


def _open(gpio: int, purpose: str, *, factory: PinFactory, is_pulled_up: bool) -> Any:
    with claiming(purpose, gpio):
        return gpiozero.DigitalInputDevice(gpio, pull_up=is_pulled_up, pin_factory=factory)


def _open_knob(pins: tuple[int, int], factory: PinFactory, turn: Callable[[int], Callable[[], None]]) -> Any:
    # gpiozero names no pin in what it raises: try each alone first.
    for name, pin in zip("ab", pins, strict=True):
        _open(pin, f"volume knob {name}", factory=factory, is_pulled_up=True).close()
    with claiming("volume knob", pins[0]):
        knob = gpiozero.RotaryEncoder(*pins, max_steps=0, pin_factory=factory)
    knob.when_rotated_clockwise = turn(STEP_PERCENT)
    knob.when_rotated_counter_clockwise = turn(-STEP_PERCENT)
    return knob
