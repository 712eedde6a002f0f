"""Lights on pins: plays the patterns of ``core.lights`` and ``core.light_frames`` on the panel's lamps.

``show`` writes the first frame in the caller's thread, so that a light never waits for another thread. A separate
thread plays what moves; while nothing moves it sleeps without a timeout, so that an idle box does not wake up.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from edgevoice.core.light_frames import (
    SHOWN_BY_NIGHT_S,
    Frame,
    brightness_of,
)
from edgevoice.core.lights import Led, leds_by_pin
from edgevoice.core.orders import Light
from edgevoice.core.time_of_day import CLOCK_MAY_BE_SET_S, Span, is_within, seconds_to_edge
from edgevoice.errors import PanelUnavailable
from edgevoice.journal import tell
from edgevoice.panel.lamps import Lamp, open_led
from edgevoice.panel.pins import PinFactory, pin_errors
from edgevoice.wall_clock import local_now

_log = logging.getLogger(__name__)

_REMEDY = "Check the wiring of the lights; `edgevoice doctor` shows which pins are free."


@dataclass(frozen=True, slots=True)
class Brightness:
    """How bright the lights are, 0 to 1; ``night`` is when it is night, if ever."""

    by_day: float = 1.0
    by_night: float = 1.0
    night: Span | None = None


@dataclass(frozen=True, slots=True)
class ShownLamp:
    """What a lamp shows: which of the panel's LEDs it stands for, none for coloured pixels, and its frame."""

    leds: tuple[Led, ...]
    frame: Frame


def open_leds(
    pins: Mapping[Led, int], *, factory: PinFactory, is_active_high: bool, is_dimmed: bool = False
) -> list[Lamp]:
    """Open the LEDs, dark; ``pins`` are Broadcom numbers, and LEDs may share one.

    An LED that cannot be opened is replaced by another, and the log says so. Raises ``PanelUnavailable`` that names
    the pin if there is none at all; nothing stays open then.
    """
    left, refusal = dict(pins), None
    while left:
        try:
            lamps = _open_all(left, factory=factory, is_active_high=is_active_high, is_dimmed=is_dimmed)
        except _LedMissing as missing:
            refusal = refusal or missing.error
            left = {led: pin for led, pin in left.items() if pin != missing.pin}
            tell(_log, logging.WARNING, "light-missing", code=missing.error.code, problem=missing.error.line())
        else:
            return lamps
    if refusal is not None:
        raise refusal
    return []


class _LedMissing(Exception):
    def __init__(self, pin: int, error: PanelUnavailable) -> None:
        super().__init__(pin)
        self.pin = pin
        self.error = error


def _open_all(pins: Mapping[Led, int], *, factory: PinFactory, is_active_high: bool, is_dimmed: bool) -> list[Lamp]:
    with ExitStack() as opened:
        lamps: list[Lamp] = []
        for pin, leds in leds_by_pin(pins).items():
            purpose = " and ".join(led for led in leds if pins.get(led) == pin)
            try:
                lamp = open_led(purpose, pin, leds, factory=factory, is_active_high=is_active_high, is_dimmed=is_dimmed)
            except PanelUnavailable as error:
                raise _LedMissing(pin, error) from error
            opened.callback(lamp.close)
            lamps.append(lamp)
        opened.pop_all()
    return lamps


class Lights:
    """The lights of the panel, a ``Panel`` of ``core.ports``; all methods may be called from any thread.

    Owns the lamps. Patterns are timed by ``clock``, in monotonic seconds; ``second_of_day`` tells night from day.
    """

    def __init__(
        self,
        lamps: Sequence[Lamp],
        *,
        brightness: Brightness = Brightness(),
        clock: Callable[[], float] = time.monotonic,
        second_of_day: Callable[[], float] | None = None,
    ) -> None:
        self._lamps = tuple(lamps)
        self._brightness = brightness
        self._clock = clock
        self._second_of_day = second_of_day or _second_of_day
        self._changed = threading.Condition()
        self._shown: tuple[Light, str, float] = (Light.OFF, "", 1.0)
        self._began_s = 0.0
        self._frames: list[Frame | None] = [None] * len(self._lamps)
        self._failure: PanelUnavailable | None = None
        self._is_closed = False
        self._player = threading.Thread(target=self._play, name="lights", daemon=True)
        self._player.start()

    @property
    def frames(self) -> tuple[ShownLamp, ...]:
        """What each lamp shows at this moment."""
        # Without the lock: a strip that the program clocks itself holds it for 10 ms.
        pairs = zip(self._lamps, tuple(self._frames), strict=True)
        return tuple(ShownLamp(lamp.leds, frame) for lamp, frame in pairs if frame is not None)

    def show(self, light: Light, reason: str = "", level: float = 1.0) -> None:
        """Show a light from its first step; showing the same light again does not disturb its rhythm.

        Raises ``PanelUnavailable`` if the lights can no longer be written.
        """
        with self._changed:
            if self._failure is not None:
                raise self._failure
            if self._is_closed or (light, reason, level) == self._shown:
                return
            self._shown = (light, reason, level)
            self._began_s = self._clock()
            self._write(0.0)
            self._changed.notify()

    @property
    def brightness_percent(self) -> int:
        """How bright the lights are by day, in percent."""
        return round(100 * self._brightness.by_day)

    @brightness_percent.setter
    def brightness_percent(self, percent: int) -> None:
        with self._changed:
            self._brightness = replace(self._brightness, by_day=percent / 100)
            self._changed.notify()

    def close(self) -> None:
        """Turn every light off and release the pins; a second call does nothing. The log says which stays lit."""
        with self._changed:
            if self._is_closed:
                return
            self._is_closed = True
            self._changed.notify()
        self._player.join()
        for lamp in self._lamps:
            try:
                lamp.close()
            except pin_errors() as error:
                # The others must go dark, and the error that ends the box must be the one that is reported.
                tell(_log, logging.WARNING, "light-not-off", problem=f"a light cannot be turned off: {error}")

    def _play(self) -> None:
        with self._changed:
            while not self._is_closed and self._failure is None:
                shown_s = self._clock() - self._began_s
                try:
                    self._write(shown_s)
                except PanelUnavailable as error:
                    # The box must not go on without its lights: `show` raises it, and the box is started again.
                    self._failure = error
                    return
                self._changed.wait(self._seconds_to_next(shown_s))

    def _write(self, shown_s: float) -> None:
        """Write the lamps whose frame has changed ``shown_s`` seconds after the light was first shown."""
        light, reason, level = self._shown
        brightness = self._brightness_at(shown_s)
        for index, lamp in enumerate(self._lamps):
            frame = tuple(colour.scaled(brightness) for colour in lamp.frame(light, reason, shown_s, level))
            if frame == self._frames[index]:
                continue
            try:
                lamp.write(frame)
            except pin_errors() as error:
                raise PanelUnavailable(f"the lights cannot be written: {error}", remedy=_REMEDY) from error
            self._frames[index] = frame

    def _brightness_at(self, shown_s: float) -> float:
        light, *_ = self._shown
        day, night = self._brightness.by_day, self._brightness.by_night
        return brightness_of(light, by_day=day, by_night=night, is_night=self._is_night(), shown_s=shown_s)

    def _seconds_to_next(self, shown_s: float) -> float | None:
        """Return when to look again, or ``None`` if nothing changes by itself."""
        light, reason, _ = self._shown
        waits = []
        if self._brightness_at(shown_s) > 0:
            steps = ((lamp, lamp.seconds_to_next(light, reason, shown_s)) for lamp in self._lamps)
            waits = [max(step, lamp.least_s) for lamp, step in steps if step is not None]
        if shown_s < SHOWN_BY_NIGHT_S and self._is_night():
            waits.append(SHOWN_BY_NIGHT_S - shown_s)
        if (dusk_s := self._seconds_to_dusk_or_dawn()) is not None:
            waits.append(min(dusk_s, CLOCK_MAY_BE_SET_S))
        return min(waits, default=None)

    def _is_night(self) -> bool:
        # Without a night the time of day, which costs a look at the time zone's file, is not asked for.
        night = self._brightness.night
        return night is not None and is_within(int(self._second_of_day() // 60), night)

    def _seconds_to_dusk_or_dawn(self) -> float | None:
        night = self._brightness.night
        return None if night is None else seconds_to_edge(self._second_of_day(), night)


def _second_of_day() -> float:
    now = local_now()
    return now.hour * 3600 + now.minute * 60 + now.second + now.microsecond / 1e6
