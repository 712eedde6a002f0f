"""Lights on pins: plays the patterns of ``core.lights`` on plain LEDs.

``show`` switches the LEDs in the caller's thread, so that a light never waits for another thread. A separate thread
plays moving patterns; while every light is steady it sleeps without a timeout, so that an idle box does not wake up.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import gpiozero

from edgevoice.core.lights import Led, Pattern, leds_by_pin, level_at, patterns_on, seconds_to_change
from edgevoice.core.orders import Light
from edgevoice.panel.pins import PinFactory, claiming


@dataclass(frozen=True, slots=True)
class Lamp:
    """An open LED and what it shows."""

    device: Any
    leds: tuple[Led, ...]


def open_lights(pins: Mapping[Led, int], *, factory: PinFactory, is_active_high: bool) -> "Lights":
    """Open the LEDs, dark; ``pins`` are Broadcom numbers, and LEDs may share one.

    Raises ``PanelUnavailable`` that names the pin; nothing stays open then.
    """
    with ExitStack() as opened:
        lamps = []
        for pin, leds in leds_by_pin(pins).items():
            purpose = " and ".join(led for led in leds if pins.get(led) == pin)
            with claiming(f"{purpose} LED", pin):
                device = gpiozero.LED(pin, active_high=is_active_high, pin_factory=factory)
            opened.callback(device.close)
            lamps.append(Lamp(device, leds))
        opened.pop_all()
    return Lights(lamps)


class Lights:
    """The LEDs of the panel, a ``Panel`` of ``core.ports``; all methods may be called from any thread.

    Owns the lamps. The patterns are timed by ``clock``, in monotonic seconds.
    """

    def __init__(self, lamps: Sequence[Lamp], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._lamps = tuple(lamps)
        self._clock = clock
        self._changed = threading.Condition()
        self._shown: tuple[Light, str] = (Light.OFF, "")
        self._patterns: tuple[tuple[Pattern, ...], ...] = ()
        self._began_s = 0.0
        self._is_lit = [False] * len(self._lamps)
        self._is_closed = False
        self._player = threading.Thread(target=self._play, name="lights", daemon=True)
        self._player.start()

    def show(self, light: Light, reason: str = "") -> None:
        """Show a light from its first step; showing the same light again does not disturb its rhythm."""
        with self._changed:
            if self._is_closed or (light, reason) == self._shown:
                return
            self._shown = (light, reason)
            self._patterns = tuple(patterns_on(lamp.leds, light, reason) for lamp in self._lamps)
            self._began_s = self._clock()
            self._switch(0.0)
            self._changed.notify()

    def close(self) -> None:
        """Turn every LED off and release the pins; a second call does nothing."""
        with self._changed:
            if self._is_closed:
                return
            self._is_closed = True
            self._changed.notify()
        self._player.join()
        for lamp in self._lamps:
            lamp.device.off()
            lamp.device.close()

    def _play(self) -> None:
        with self._changed:
            while not self._is_closed:
                elapsed_s = self._clock() - self._began_s
                self._switch(elapsed_s)
                every_pattern = [pattern for patterns in self._patterns for pattern in patterns]
                self._changed.wait(seconds_to_change(every_pattern, elapsed_s))

    def _switch(self, elapsed_s: float) -> None:
        """Write the pins whose level has changed ``elapsed_s`` seconds after the patterns began."""
        for index, patterns in enumerate(self._patterns):
            is_lit = level_at(patterns, elapsed_s) >= 0.5
            if is_lit is not self._is_lit[index]:
                self._lamps[index].device.value = is_lit
                self._is_lit[index] = is_lit
