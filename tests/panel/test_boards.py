from dataclasses import asdict

import pytest

from edgevoice.core.panel import Led
from edgevoice.panel.boards import BOARDS, Board
from edgevoice.panel.lights import open_lights
from edgevoice.panel.mock import MockPins


@pytest.mark.parametrize("board", BOARDS.values(), ids=lambda board: board.name)
def test_no_preset_uses_a_pin_twice_or_one_that_the_sound_card_needs(board: Board) -> None:
    used = [pin for key, pin in asdict(board).items() if key.endswith("_gpio") and pin is not None]

    assert len(set(used)) == len(used)
    # I2C 2 and 3, I2S 18 to 21, and what the UART of the console uses.
    assert not set(used) & {2, 3, 14, 15, 18, 19, 20, 21}


def test_the_plain_preset_opens_on_a_pi() -> None:
    board = BOARDS["gpio"]
    assert board.listening_led_gpio
    assert board.status_led_gpio

    open_lights(
        {Led.LISTENING: board.listening_led_gpio, Led.STATUS: board.status_led_gpio},
        factory=MockPins(),
        is_active_high=True,
    ).close()
