"""Buttons on pins: a press is reported at once, a hold once it has lasted long enough.

Two things are not left to gpiozero. Its debouncing means something else with each pin library: a filter that delays,
or one that drops edges. And its ``Button`` keeps a thread for each button that wakes up ten times a second, day and
night; here only a pressed button costs a thread, until it counts as held.
"""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import gpiozero

from edgevoice.core.facts import Event, MutePressed, TalkHeld, TalkPressed
from edgevoice.panel.pins import PinFactory, claiming

BOUNCE_S = 0.05
"""How long after an edge, in seconds, a contact counts as bouncing; a finger's presses are further apart."""

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
    """One button; reports a press, and a hold if ``on_held`` is given.

    Owns ``device``. The callbacks run in threads of gpiozero and of the timer.
    """

    def __init__(
        self,
        device: Any,
        *,
        on_pressed: Callable[[], None],
        on_held: Callable[[], None] | None = None,
        hold_s: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        start_timer: StartTimer = start_thread_timer,
    ) -> None:
        self._device = device
        self._on_pressed = on_pressed
        self._on_held = on_held
        self._hold_s = hold_s
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
        if is_held and self._on_held is not None:
            self._on_held()

    def _stop_hold(self) -> None:
        if self._cancel_hold is not None:
            self._cancel_hold()
            self._cancel_hold = None


class Buttons:
    """The open buttons of a panel."""

    def __init__(self, buttons: list[PushButton]) -> None:
        self._buttons = buttons

    def close(self) -> None:
        """Release the pins; a second call does nothing."""
        for button in self._buttons:
            button.close()


def open_buttons(
    *,
    talk_gpio: int | None,
    mute_gpio: int | None,
    factory: PinFactory,
    is_pulled_up: bool,
    hold_s: float,
    position: Callable[[], int],
    post: Callable[[Event], None],
    start_timer: StartTimer = start_thread_timer,
) -> Buttons:
    """Open the buttons that are wired; pins are Broadcom numbers.

    ``is_pulled_up`` says that a press connects the pin to ground. ``position`` returns the newest near-end sample, and
    ``post`` passes a fact to the loop: both are called from other threads. A button that is down when it is opened
    reports nothing until it is pressed again. Raises ``PanelUnavailable`` that names the pin; nothing stays open then.
    """
    with ExitStack() as opened:
        buttons = []
        if talk_gpio is not None:
            talk = PushButton(
                _open(talk_gpio, "talk button", factory=factory, is_pulled_up=is_pulled_up),
                on_pressed=lambda: post(TalkPressed(position())),
                on_held=lambda: post(TalkHeld()),
                hold_s=hold_s,
                start_timer=start_timer,
            )
            opened.callback(talk.close)
            buttons.append(talk)
        if mute_gpio is not None:
            mute = PushButton(
                _open(mute_gpio, "mute button", factory=factory, is_pulled_up=is_pulled_up),
                on_pressed=lambda: post(MutePressed()),
            )
            buttons.append(mute)
        opened.pop_all()
    return Buttons(buttons)


def _open(gpio: int, purpose: str, *, factory: PinFactory, is_pulled_up: bool) -> Any:
    with claiming(purpose, gpio):
        return gpiozero.DigitalInputDevice(gpio, pull_up=is_pulled_up, pin_factory=factory)
