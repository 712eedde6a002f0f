"""The walk through a panel names what is wired wrong, and what to change."""

from collections.abc import Iterator, Sequence

import pytest

from edgevoice.core.gestures import Button
from edgevoice.core.light_frames import Frame
from edgevoice.panel.lamps import Lamp, PixelLamp
from edgevoice.panel.mock import MockPins
from edgevoice.panel.opening import open_lamps
from edgevoice.panel.walk import walk_buttons, walk_knob, walk_lights, walk_switch
from edgevoice.settings.panel import PanelSettings


class Says:
    """An owner whose answers are known beforehand."""

    def __init__(self, *answers: str | int | Button | None) -> None:
        self._answers = iter(answers)
        self.asked: list[str] = []

    def choose(self, question: str, answers: Sequence[str]) -> str:
        self.asked.append(question)
        answer = next(self._answers)
        assert answer in answers
        return str(answer)

    def count(self, question: str) -> int:
        self.asked.append(question)
        answer = next(self._answers)
        assert isinstance(answer, int)
        return answer

    def press(self, request: str) -> Button | None:
        self.asked.append(request)
        answer = next(self._answers)
        assert answer is None or isinstance(answer, Button)
        return answer

    def turn(self, request: str) -> int | None:
        self.asked.append(request)
        answer = next(self._answers)
        assert answer is None or isinstance(answer, int)
        return answer

    def slide(self, request: str) -> bool | None:
        answer = self.turn(request)
        return None if answer is None else bool(answer)


@pytest.fixture
def lamps() -> Iterator[list[Lamp]]:
    opened = open_lamps(PanelSettings(kind="gpio"), MockPins())
    yield opened
    for lamp in opened:
        lamp.close()


def test_a_panel_that_is_wired_as_the_settings_say_has_no_findings(lamps: list[Lamp]) -> None:
    owner = Says("listening", "speaking", "status")

    assert walk_lights(lamps, PanelSettings(kind="gpio"), owner) == []
    assert "It should be speaking" in owner.asked[1]


@pytest.mark.parametrize(
    ("seen", "finding"),
    [
        ("speaking", "is wired as speaking: swap panel.listening_led_gpio and panel.speaking_led_gpio"),
        ("none", "stays dark: check panel.listening_led_gpio, its resistor and which way round it is"),
    ],
)
def test_a_light_that_is_wired_wrong_is_named_with_its_setting(lamps: list[Lamp], seen: str, finding: str) -> None:
    assert walk_lights(lamps, PanelSettings(kind="gpio"), Says(seen, "speaking", "status")) == [
        f"the light for listening {finding}"
    ]


def test_lights_that_are_on_when_they_should_be_off_are_the_other_way_round(lamps: list[Lamp]) -> None:
    (finding,) = walk_lights(lamps, PanelSettings(kind="gpio"), Says("all", "speaking", "status"))

    assert finding == "every light but one is on: set panel.led_active_high to the other value"


def strip(shown: list[Frame], pixels: int) -> list[Lamp]:
    return [PixelLamp(pixels, shown.append, lambda: None)]


@pytest.mark.parametrize(
    ("answers", "findings"),
    [
        ((3, "no", "red", "green", "blue"), []),
        (
            (2, "red", "green", "blue"),
            ["2 of 3 LEDs are lit: set panel.strip_pixels = 2, or check the strip after LED 2"],
        ),
        ((3, "yes", 12, "red", "green", "blue"), ["the strip has 12 LEDs: set panel.strip_pixels = 12"]),
        ((0,), ["the strip stays dark: check its supply, panel.strip_data_gpio and panel.strip_clock_gpio"]),
        (
            (3, "no", "blue", "green", "red"),
            [
                "red shows as blue: check the strip: it is not an APA102 (DotStar)",
                "blue shows as red: check the strip: it is not an APA102 (DotStar)",
            ],
        ),
    ],
)
def test_a_strip_of_the_wrong_length_or_kind_is_found(answers: tuple[str | int, ...], findings: list[str]) -> None:
    shown: list[Frame] = []
    settings = PanelSettings(kind="gpio", led="strip", strip_pixels=3)

    assert walk_lights(strip(shown, 3), settings, Says(*answers)) == findings
    assert not any(any(colour) for colour in shown[-1]), "dark at the end"


def test_the_colours_of_an_rgb_led_are_asked_for() -> None:
    shown: list[Frame] = []
    settings = PanelSettings(kind="gpio", led="rgb")

    assert walk_lights(strip(shown, 1), settings, Says("green", "red", "blue")) == [
        "red shows as green: check panel.red_gpio, green_gpio and blue_gpio",
        "green shows as red: check panel.red_gpio, green_gpio and blue_gpio",
    ]


def test_buttons_that_are_swapped_or_dead_are_named() -> None:
    wired = [Button.TALK, Button.MUTE, Button.VOLUME_UP]
    owner = Says(Button.MUTE, Button.MUTE, None)

    assert walk_buttons(wired, owner) == [
        "the talk button is wired as mute: swap panel.talk_button_gpio and panel.mute_button_gpio",
        "no press of the volume up button arrives: check panel.volume_up_gpio, the wire and its ground",
    ]


def test_a_colour_that_is_not_wired_is_not_asked_for() -> None:
    owner = Says("red", "green")
    settings = PanelSettings(kind="gpio", led="rgb", blue_gpio="none")

    assert walk_lights(strip([], 1), settings, owner) == []
    assert len(owner.asked) == 2


@pytest.mark.parametrize(
    ("turned", "findings"),
    [
        (5, []),
        (-5, ["the volume knob is the wrong way round: swap panel.volume_knob_a_gpio and panel.volume_knob_b_gpio"]),
        (
            None,
            ["no turn of the volume knob arrives: check panel.volume_knob_a_gpio, volume_knob_b_gpio and its ground"],
        ),
    ],
)
def test_a_knob_that_is_dead_or_the_wrong_way_round_is_named(turned: int | None, findings: list[str]) -> None:
    assert walk_knob(Says(turned)) == findings


@pytest.mark.parametrize(
    ("answers", "findings"),
    [
        ((True, "yes"), []),
        ((False, "no"), []),
        ((True, "no"), ["the mute switch is the wrong way round: turn it round, or wire its other contact"]),
        ((None,), ["no move of the mute switch arrives: check panel.mute_button_gpio, the wire and its ground"]),
    ],
)
def test_a_mute_switch_that_is_dead_or_the_wrong_way_round_is_named(
    answers: tuple[bool | str | None, ...], findings: list[str]
) -> None:
    assert walk_switch(Says(*answers)) == findings
