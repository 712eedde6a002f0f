import gpiozero
import pytest

from edgevoice.errors import PanelUnavailable
from edgevoice.panel.amplifier import open_amplifier
from edgevoice.panel.mock import MockPins


@pytest.mark.parametrize("is_active_high", [False, True])
def test_the_amplifier_is_muted_from_the_start_until_it_is_released(*, is_active_high: bool) -> None:
    pins = MockPins()
    amplifier = open_amplifier(4, factory=pins, is_active_high=is_active_high)
    assert pins.is_high(4) is is_active_high
    assert amplifier.is_muted

    amplifier.release()
    assert pins.is_high(4) is not is_active_high
    assert not amplifier.is_muted

    amplifier.mute()
    assert amplifier.is_muted
    amplifier.close()


def test_closing_mutes_before_it_releases_the_pin() -> None:
    pins = MockPins()
    amplifier = open_amplifier(4, factory=pins, is_active_high=False)
    amplifier.release()
    pins.forget()

    amplifier.close()
    amplifier.close()

    assert not pins.changes(4)[0].is_high
    assert not pins.is_output(4)
    assert amplifier.is_muted


def test_a_pin_that_is_in_use_is_named() -> None:
    pins = MockPins()
    with gpiozero.LED(16, pin_factory=pins), pytest.raises(PanelUnavailable, match="amplifier mute: GPIO16"):
        open_amplifier(16, factory=pins, is_active_high=False)
