import threading
import time

import gpiozero
import pytest

from edgevoice.panel.mock import CHANGES_KEPT, MockPins, PinChange


def test_a_change_carries_the_monotonic_time_at_which_the_pin_moved() -> None:
    pins = MockPins()
    with gpiozero.LED(17, pin_factory=pins) as led:
        before_s = time.monotonic()
        led.on()
        after_s = time.monotonic()

    first = pins.changes(17)[0]
    assert first.is_high
    assert before_s <= first.at_s <= after_s


def test_pins_are_independent() -> None:
    pins = MockPins()
    with gpiozero.LED(17, pin_factory=pins) as first, gpiozero.LED(27, pin_factory=pins) as second:
        first.on()
        second.on()

        assert [change.gpio for change in pins.changes()] == [17, 27]
        assert pins.is_high(17)
        assert pins.is_output(27)


def test_waiting_ends_when_another_thread_moves_the_pin() -> None:
    pins = MockPins()
    with gpiozero.LED(17, pin_factory=pins) as led:
        threading.Timer(0.01, led.on).start()

        assert pins.wait_for(lambda changes: any(change.is_high for change in changes), timeout_s=10)


def test_waiting_ends_with_false_when_nothing_moves() -> None:
    assert not MockPins().wait_for(bool, timeout_s=0.01)


def test_forgotten_changes_are_gone() -> None:
    pins = MockPins()
    pins.note(PinChange(1, is_high=True, at_s=0.0))

    pins.forget()

    assert pins.changes() == ()


def test_a_pin_has_one_user_as_on_a_real_board() -> None:
    pins = MockPins()
    with gpiozero.LED(17, pin_factory=pins), pytest.raises(gpiozero.GPIOPinInUse):
        gpiozero.Button(17, pin_factory=pins)


def test_the_record_of_changes_is_bounded_however_long_a_light_blinks() -> None:
    pins = MockPins()
    with gpiozero.LED(17, pin_factory=pins) as led:
        for _ in range(CHANGES_KEPT):
            led.on()
            led.off()

        assert len(pins.changes()) == CHANGES_KEPT
        assert len(pins.pin("GPIO17").states) == 1
