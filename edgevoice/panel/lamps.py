"""Lamps: the kinds of LEDs that a panel may have, each opened from its pins, and what a frame means for it."""

import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any, Final, Protocol

from edgevoice.core.light_frames import Colour, Frame, apa102, frame_at, seconds_to_next_frame
from edgevoice.core.lights import Led, level_at, patterns_on, seconds_to_change
from edgevoice.core.orders import Light
from edgevoice.errors import PanelUnavailable
from edgevoice.panel.gpio import gpiozero
from edgevoice.panel.pins import PinFactory, claiming, pin_errors

SPI_DATA: Final = 10
SPI_CLOCK: Final = 11
"""The pins, by Broadcom number, of the Pi's own SPI port 0; a strip on any others is clocked by the program."""

SPI_PORT: Final = "spidev0.0"
SPI_REMEDY: Final = "Switch SPI on, `sudo raspi-config nonint do_spi 0`, and add the user to the group spi."

_SPI_HZ: Final = 1_000_000
"""The clock of the strip: a frame of 60 pixels takes 2 ms, and wires of a metre carry it."""

_BY_HAND_S: Final = 0.1
"""The time between frames that the program clocks itself: some 10 ms of work each on a Zero."""


class Lamp(Protocol):
    """Something that shows frames; used by one thread at a time."""

    leds: tuple[Led, ...]
    """Which of the panel's LEDs it stands for; empty for coloured pixels."""

    least_s: float
    """The shortest time between two frames, in seconds."""

    def frame(self, light: Light, reason: str, seconds: float, level: float = 1.0) -> Frame:
        """Return what to show ``seconds`` after a light was first shown, at full brightness; ``level``: the volume."""
        ...

    def seconds_to_next(self, light: Light, reason: str, seconds: float) -> float | None:
        """Return how long after ``seconds`` that changes, or ``None`` if it never does."""
        ...

    def write(self, frame: Frame) -> None:
        """Show a frame."""
        ...

    def close(self) -> None:
        """Turn dark and release the pins; a second call does nothing."""
        ...


class PinLamp:
    """One LED on a pin, which shows one or more of the panel's three; on or off, or dimmed by PWM."""

    least_s = 0.0

    def __init__(self, device: Any, leds: tuple[Led, ...], *, is_dimmed: bool) -> None:
        self._device = device
        self.leds = leds
        self._is_dimmed = is_dimmed

    def frame(self, light: Light, reason: str, seconds: float, level: float = 1.0) -> Frame:  # noqa: ARG002
        """See `Lamp`."""
        brightness = level_at(patterns_on(self.leds, light, reason), seconds)
        return (Colour(brightness, brightness, brightness),)

    def seconds_to_next(self, light: Light, reason: str, seconds: float) -> float | None:
        """See `Lamp`."""
        return seconds_to_change(patterns_on(self.leds, light, reason), seconds)

    def write(self, frame: Frame) -> None:
        """See `Lamp`; an LED that cannot be dimmed is on for any brightness but 0."""
        level = frame[0].level
        self._device.value = level**2 if self._is_dimmed else level > 0

    def close(self) -> None:
        """See `Lamp`."""
        if not self._device.closed:
            self._device.off()
            self._device.close()


class PixelLamp:
    """A row of coloured pixels, or one; ``show`` passes a frame to the hardware, ``release`` closes it."""

    def __init__(
        self, pixels: int, show: Callable[[Frame], None], release: Callable[[], None], *, least_s: float = 0.0
    ) -> None:
        self.leds: tuple[Led, ...] = ()
        self.least_s = least_s
        self._pixels = pixels
        self._show = show
        self._release = release
        self._is_closed = False

    def frame(self, light: Light, reason: str, seconds: float, level: float = 1.0) -> Frame:
        """See `Lamp`."""
        return frame_at(self._pixels, light, reason, seconds, level)

    def seconds_to_next(self, light: Light, reason: str, seconds: float) -> float | None:
        """See `Lamp`."""
        return seconds_to_next_frame(self._pixels, light, reason, seconds)

    def write(self, frame: Frame) -> None:
        """See `Lamp`."""
        self._show(frame)

    def close(self) -> None:
        """See `Lamp`."""
        if not self._is_closed:
            self._is_closed = True
            try:
                self._show((Colour(0, 0, 0),) * self._pixels)
            finally:
                self._release()


def open_led(purpose: str, pin: int, leds: tuple[Led, ...], **options: Any) -> PinLamp:
    """Open an LED, dark. ``options``: ``factory``, ``is_active_high``, ``is_dimmed``; raises ``PanelUnavailable``."""
    is_dimmed = options["is_dimmed"]
    kind = gpiozero.PWMLED if is_dimmed else gpiozero.LED
    with claiming(f"{purpose} LED", pin):
        device = kind(pin, active_high=options["is_active_high"], pin_factory=options["factory"])
    return PinLamp(device, leds, is_dimmed=is_dimmed)


def open_rgb(pins: Mapping[str, int], *, factory: PinFactory, is_active_high: bool) -> PixelLamp:
    """Open an LED of three colours, dark; ``pins`` by the names red, green, blue. Raises ``PanelUnavailable``."""
    with ExitStack() as opened:
        devices = []
        for name, pin in pins.items():
            with claiming(f"{name} LED", pin):
                device = gpiozero.PWMLED(pin, active_high=is_active_high, pin_factory=factory)
            opened.callback(device.close)
            devices.append((name, device))
        release = opened.pop_all().close

    def show(frame: Frame) -> None:
        for name, device in devices:
            device.value = getattr(frame[0], name) ** 2

    return PixelLamp(1, show, release)


def open_strip(pixels: int, *, data_gpio: int, clock_gpio: int, factory: PinFactory) -> PixelLamp:
    """Open an APA102 strip, dark: on the Pi's own SPI if it has those pins, else clocked by the program.

    A strip says nothing of itself: whether it is there, and how long it is, only eyes can tell. Raises
    ``PanelUnavailable`` for pins that cannot be had, and where SPI is switched off.
    """
    lgpio = sys.modules.get("lgpio")
    if (data_gpio, clock_gpio) == (SPI_DATA, SPI_CLOCK) and lgpio is not None:
        handle = _open_spi(lgpio)
        strip = PixelLamp(pixels, lambda frame: lgpio.spi_write(handle, apa102(frame)), lambda: lgpio.spi_close(handle))
    else:
        strip = _open_by_hand(pixels, data_gpio, clock_gpio, factory)
    strip.write((Colour(0, 0, 0),) * pixels)  # it keeps what it showed before a restart
    return strip


def _open_spi(lgpio: Any) -> Any:
    try:
        return lgpio.spi_open(0, 0, _SPI_HZ, 0)
    except pin_errors() as error:
        raise PanelUnavailable(
            f"LED strip: the SPI port /dev/{SPI_PORT} cannot be used: {error}", remedy=SPI_REMEDY
        ) from error


def _open_by_hand(pixels: int, data_gpio: int, clock_gpio: int, factory: PinFactory) -> PixelLamp:
    with ExitStack() as opened:
        pins = []
        for name, gpio in (("data", data_gpio), ("clock", clock_gpio)):
            with claiming(f"LED strip's {name}", gpio):
                device = gpiozero.OutputDevice(gpio, pin_factory=factory)
            opened.callback(device.close)
            pins.append(device.pin)
        release = opened.pop_all().close
    data, clock = pins

    def show(frame: Frame) -> None:
        for byte in apa102(frame):
            for place in range(7, -1, -1):
                data.state = byte >> place & 1
                clock.state = 1
                clock.state = 0

    return PixelLamp(pixels, show, release, least_s=_BY_HAND_S)
