"""Mock pins: gpiozero's mock pins, with methods to press the buttons and watch the LEDs.

For the demo, the benchmarks and the tests; chosen by GPIOZERO_PIN_FACTORY=mock. The rules of real pins apply: a pin has
one user, an input cannot be driven, a pin that does not exist cannot be opened.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from edgevoice.panel.gpio import without_entry_points

with without_entry_points():
    from gpiozero.pins.mock import MockFactory, MockPWMPin

CHANGES_KEPT = 500
"""How many pin changes are remembered; older ones are forgotten."""


@dataclass(frozen=True, slots=True)
class PinChange:
    """A pin changed its level at ``at_s``, in monotonic seconds; a dimmed LED is high at any level but 0."""

    gpio: int
    is_high: bool
    at_s: float


class _WatchedPin(MockPWMPin):  # type: ignore[misc]  # gpiozero has no types
    """A mock pin that reports every change to its factory."""

    def _change_state(self, value: float) -> bool:
        has_changed = bool(super()._change_state(value))
        if has_changed:
            # gpiozero remembers every change for ever: a megabyte per hour of talk.
            del self.states[:-1]
            self.factory.note(PinChange(int(self.info.name.removeprefix("GPIO")), bool(value), time.monotonic()))
        return has_changed


class MockPins(MockFactory):  # type: ignore[misc]  # gpiozero has no types
    """A pin factory whose buttons can be pressed and whose LEDs can be watched, from any thread.

    Pins are named by their Broadcom number and appear when a device opens them.
    """

    def __init__(self) -> None:
        super().__init__(pin_class=_WatchedPin)
        self._changed = threading.Condition()
        self._changes: deque[PinChange] = deque(maxlen=CHANGES_KEPT)

    def note(self, change: PinChange) -> None:
        """Remember a change; called by the pins."""
        with self._changed:
            self._changes.append(change)
            self._changed.notify_all()

    def press(self, gpio: int) -> None:
        """Press the button on a pin: pull it against its pull resistor."""
        pin = self.pin(f"GPIO{gpio}")
        if pin.pull == "up":
            pin.drive_low()
        else:
            pin.drive_high()

    def release(self, gpio: int) -> None:
        """Release the button on a pin."""
        pin = self.pin(f"GPIO{gpio}")
        if pin.pull == "up":
            pin.drive_high()
        else:
            pin.drive_low()

    def is_high(self, gpio: int) -> bool:
        """Return a pin's level now."""
        return bool(self.pin(f"GPIO{gpio}").state)

    def is_output(self, gpio: int) -> bool:
        """Return whether a pin is driven by us."""
        return bool(self.pin(f"GPIO{gpio}").function == "output")

    def changes(self, gpio: int | None = None) -> tuple[PinChange, ...]:
        """Return the changes of one pin, or of all, oldest first."""
        with self._changed:
            return tuple(change for change in self._changes if gpio is None or change.gpio == gpio)

    def forget(self) -> None:
        """Forget every change so far."""
        with self._changed:
            self._changes.clear()

    def wait_for(self, wanted: Callable[[tuple[PinChange, ...]], bool], *, timeout_s: float) -> bool:
        """Wait until all changes so far satisfy ``wanted``; return whether they did within ``timeout_s`` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: wanted(tuple(self._changes)), timeout_s)
