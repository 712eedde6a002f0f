"""The amplifier's mute pin: mutes from the moment we own the pin until the daemon is up, and again when it stops.

For SD_MODE of a MAX98357A, XSMT of a PCM5102 and the mute inputs of other amplifiers. This module does not silence
answers: the playout buffer cuts them without a click.
"""

from typing import Any

from edgevoice.panel.gpio import gpiozero
from edgevoice.panel.pins import PinFactory, claiming


def open_amplifier(mute_gpio: int, *, factory: PinFactory, is_active_high: bool) -> "Amplifier":
    """Take the pin, a Broadcom number, and mute; ``is_active_high`` says that a high level mutes.

    Raises ``PanelUnavailable`` that names the pin, for example if the kernel's sound driver already owns it.
    """
    with claiming("amplifier mute", mute_gpio):
        device = gpiozero.DigitalOutputDevice(
            mute_gpio, active_high=is_active_high, initial_value=True, pin_factory=factory
        )
    return Amplifier(device)


class Amplifier:
    """An amplifier that can be muted."""

    def __init__(self, device: Any) -> None:
        self._device = device

    @property
    def is_muted(self) -> bool:
        """Whether the pin mutes the amplifier; true when closed."""
        return bool(self._device.closed or self._device.value)

    def mute(self) -> None:
        """Silence the amplifier."""
        self._device.on()

    def release(self) -> None:
        """Unmute the amplifier; a MAX98357A needs 7 ms to turn on, according to quotations of its data sheet."""
        self._device.off()

    def close(self) -> None:
        """Mute and release the pin; from then on the board's own resistor holds it. A second call does nothing."""
        if not self._device.closed:
            self._device.on()
            self._device.close()
