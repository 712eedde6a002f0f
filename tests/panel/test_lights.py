import threading
from collections.abc import Iterator, Mapping

import gpiozero
import pytest

from edgevoice.core.light_frames import Colour, Frame, frame_at, seconds_to_next_frame
from edgevoice.core.lights import Led
from edgevoice.core.orders import Light
from edgevoice.errors import PanelUnavailable
from edgevoice.panel.lights import Brightness, Lights, open_leds
from edgevoice.panel.mock import MockPins, PinChange

LISTENING, SPEAKING, STATUS = 17, 27, 22
PINS = {Led.LISTENING: LISTENING, Led.SPEAKING: SPEAKING, Led.STATUS: STATUS}
DARK = (Colour(0, 0, 0),)


def open_lights(pins: Mapping[Led, int], *, factory: MockPins, is_active_high: bool = True) -> Lights:
    return Lights(open_leds(pins, factory=factory, is_active_high=is_active_high))


@pytest.fixture
def pins() -> MockPins:
    return MockPins()


@pytest.fixture
def lights(pins: MockPins) -> Iterator[Lights]:
    opened = open_lights(PINS, factory=pins)
    yield opened
    opened.close()


def lit(pins: MockPins) -> set[int]:
    return {pin for pin in PINS.values() if pins.is_high(pin)}


def wakeups(thread_name: str) -> int:
    """Return how often a thread of this process has gone to sleep so far, by the kernel's count."""
    ident = next(thread.native_id for thread in threading.enumerate() if thread.name == thread_name)
    with open(f"/proc/self/task/{ident}/status", encoding="ascii") as status:  # noqa: PTH123
        return sum(int(line.split()[1]) for line in status if "ctxt_switches" in line)


def test_a_panel_that_was_just_opened_is_dark(pins: MockPins, lights: Lights) -> None:
    assert lit(pins) == set()
    assert all(pins.is_output(pin) for pin in PINS.values())


@pytest.mark.parametrize(
    ("light", "expected"),
    [
        (Light.IDLE, {STATUS}),
        (Light.CONNECTING, {LISTENING}),
        (Light.LISTENING, {LISTENING}),
        (Light.THINKING, {LISTENING}),
        (Light.SPEAKING, {SPEAKING}),
        (Light.MUTED, {STATUS}),
        (Light.RINGING, {LISTENING, SPEAKING, STATUS}),
        (Light.FAULT, {STATUS}),
        (Light.OFF, set()),
    ],
)
def test_the_first_step_is_on_the_pins_when_show_returns(
    light: Light, expected: set[int], pins: MockPins, lights: Lights
) -> None:
    lights.show(Light.IDLE if light is not Light.IDLE else Light.LISTENING)

    lights.show(light)

    assert lit(pins) == expected


def test_a_blinking_light_keeps_its_rhythm(pins: MockPins, lights: Lights) -> None:
    def has_blinked(changes: tuple[PinChange, ...]) -> bool:
        return len([change for change in changes if change.gpio == LISTENING]) >= 9

    lights.show(Light.CONNECTING)

    assert pins.wait_for(has_blinked, timeout_s=10)
    changes = pins.changes(LISTENING)
    assert [change.is_high for change in changes[:9]] == [True, False] * 4 + [True]
    # Never early; a busy machine may be late.
    assert 0.795 <= changes[8].at_s - changes[0].at_s < 1.6


def test_showing_the_same_light_again_does_not_disturb_its_rhythm(pins: MockPins, lights: Lights) -> None:
    lights.show(Light.FAULT, "key-refused")
    pins.wait_for(lambda changes: len(changes) >= 2, timeout_s=10)
    seen = pins.changes()

    lights.show(Light.FAULT, "key-refused")

    assert not pins.is_high(STATUS)
    assert pins.changes()[: len(seen)] == seen


def test_a_new_fault_code_restarts_its_count(pins: MockPins, lights: Lights) -> None:
    lights.show(Light.FAULT, "key-refused")
    pins.wait_for(lambda changes: len(changes) >= 2, timeout_s=10)

    lights.show(Light.FAULT, "no-credit")

    assert pins.is_high(STATUS)


def test_a_steady_light_causes_no_wakeups(pins: MockPins, lights: Lights) -> None:
    lights.show(Light.CONNECTING)
    pins.wait_for(lambda changes: len(changes) >= 3, timeout_s=10)
    lights.show(Light.LISTENING)
    # The blinks of a second panel measure the time, which is enough for the first one to go to sleep.
    next(thread for thread in threading.enumerate() if thread.name == "lights").name = "first"
    others = MockPins()
    witness = open_lights({Led.STATUS: 5}, factory=others)
    witness.show(Light.FAULT)
    others.wait_for(lambda changes: len(changes) >= 3, timeout_s=10)
    slept = wakeups("first")

    others.wait_for(lambda changes: len(changes) >= 6, timeout_s=10)

    assert wakeups("first") == slept
    witness.close()


def test_leds_that_light_on_low_are_dark_when_high(pins: MockPins) -> None:
    panel = open_lights({Led.LISTENING: 5}, factory=pins, is_active_high=False)
    assert pins.is_high(5)

    panel.show(Light.LISTENING)

    assert not pins.is_high(5)
    panel.close()


def test_one_led_shows_everything(pins: MockPins) -> None:
    panel = open_lights({Led.SPEAKING: 5}, factory=pins)
    panel.show(Light.IDLE)
    assert not pins.is_high(5)

    panel.show(Light.LISTENING)

    assert pins.is_high(5)
    panel.close()


def test_a_panel_without_leds_does_nothing_and_says_nothing(pins: MockPins) -> None:
    panel = open_lights({}, factory=pins)
    panel.show(Light.CONNECTING)
    panel.close()

    assert pins.changes() == ()


def test_closing_turns_everything_off_and_releases_the_pins(pins: MockPins, lights: Lights) -> None:
    lights.show(Light.RINGING)

    lights.close()

    assert lit(pins) == set()
    assert not any(pins.is_output(pin) for pin in PINS.values())
    open_lights(PINS, factory=pins).close()


def test_closing_ends_the_thread(pins: MockPins, lights: Lights) -> None:
    lights.show(Light.MUTED)

    lights.close()

    assert not [thread for thread in threading.enumerate() if thread.name == "lights"]


def test_a_closed_panel_ignores_late_calls(pins: MockPins, lights: Lights) -> None:
    lights.close()
    pins.forget()

    lights.show(Light.LISTENING)
    lights.close()

    assert pins.changes() == ()


def test_a_led_whose_pin_is_in_use_is_replaced_by_another(pins: MockPins, caplog: pytest.LogCaptureFixture) -> None:
    with gpiozero.LED(STATUS, pin_factory=pins):
        panel = open_lights(PINS, factory=pins)
        panel.show(Light.MUTED)
        assert lit(pins) == {LISTENING}
        panel.close()

    (record,) = caplog.records
    assert record.msg == "light-missing"
    assert f"status LED: GPIO{STATUS} cannot be used" in vars(record)["fields"]["problem"]


def test_without_any_led_the_first_refusal_is_raised_and_nothing_stays_open(pins: MockPins) -> None:
    with gpiozero.LED(LISTENING, pin_factory=pins):
        with pytest.raises(PanelUnavailable, match=f"listening LED: GPIO{LISTENING} cannot be used"):
            open_lights({Led.LISTENING: LISTENING, Led.STATUS: 77}, factory=pins)

        open_lights({Led.STATUS: STATUS}, factory=pins).close()


def test_a_failing_shared_led_is_named_with_all_its_purposes(pins: MockPins) -> None:
    with pytest.raises(PanelUnavailable, match=r"^listening and status LED: there is no GPIO77"):
        open_lights({Led.LISTENING: 77, Led.STATUS: 77}, factory=pins)


class Recorded:
    """A lamp of one pixel that records its frames; ``refuses`` makes it fail as a driver does."""

    leds: tuple[Led, ...] = ()
    least_s = 0.0

    def __init__(self) -> None:
        self.levels: list[float] = []
        self.written = threading.Event()
        self.refuses = False

    def frame(self, light: Light, reason: str, seconds: float, level: float = 1.0) -> Frame:
        return frame_at(1, light, reason, seconds, level)

    def seconds_to_next(self, light: Light, reason: str, seconds: float) -> float | None:
        return seconds_to_next_frame(1, light, reason, seconds)

    def write(self, frame: Frame) -> None:
        if self.refuses:
            raise OSError(5, "Input/output error")
        self.levels.append(round(frame[0].level, 3))
        self.written.set()

    def close(self) -> None:
        self.levels.append(0.0)


NIGHT = Brightness(by_day=1.0, by_night=0.0, night=(22 * 60, 6 * 60))
MIDNIGHT_S = 23.5 * 3600


def test_by_night_a_change_is_shown_for_ten_seconds_and_then_dark_while_nothing_can_leave() -> None:
    lamp, now = Recorded(), [0.0]
    panel = Lights([lamp], brightness=NIGHT, clock=lambda: now[0], second_of_day=lambda: MIDNIGHT_S)
    panel.show(Light.MUTED)
    assert lamp.levels[-1] == 1.0

    now[0] = 10.05
    panel.show(Light.LISTENING)
    assert lamp.levels[-1] == 1.0
    now[0] += 11
    panel._write(11.0)
    assert lamp.levels[-1] == 0.1, "audio may leave the box: it stays visible"
    panel.show(Light.MUTED)
    assert lamp.levels[-1] == 1.0
    panel._write(10.0)
    assert lamp.levels[-1] == 0.0
    panel.close()


def test_another_brightness_is_seen_at_once_and_never_hides_that_audio_may_leave() -> None:
    lamp = Recorded()
    panel = Lights([lamp], clock=lambda: 0.0)
    panel.show(Light.MUTED)
    lamp.written.clear()

    panel.brightness_percent = 40

    assert lamp.written.wait(10)
    assert (lamp.levels[-1], panel.brightness_percent) == (0.4, 40)
    panel.brightness_percent = 0
    panel.show(Light.LISTENING)
    assert lamp.levels[-1] == 0.1
    panel.close()


def test_at_dawn_the_lights_come_back_by_themselves() -> None:
    lamp, second = Recorded(), [6 * 3600 - 0.05]
    panel = Lights([lamp], brightness=Brightness(1.0, 0.0, (22 * 60, 6 * 60)), second_of_day=lambda: second[0])
    panel._began_s = -100.0
    panel.show(Light.RINGING)
    with panel._changed:
        panel._began_s -= 20  # the ten seconds are over
        lamp.written.clear()
        second[0] = 6 * 3600 + 1.0
        panel._changed.notify()
    assert lamp.written.wait(10)
    panel.close()


def test_a_driver_that_fails_in_show_is_one_clear_line() -> None:
    lamp = Recorded()
    panel = Lights([lamp])
    lamp.refuses = True

    with pytest.raises(PanelUnavailable, match=r"^the lights cannot be written: .*Input/output error"):
        panel.show(Light.LISTENING)
    panel.close()


def test_a_driver_that_fails_while_a_pattern_plays_is_raised_at_the_next_change() -> None:
    lamp = Recorded()
    panel = Lights([lamp])
    panel.show(Light.CONNECTING)
    lamp.refuses = True
    panel._player.join(10)

    with pytest.raises(PanelUnavailable, match="cannot be written"):
        panel.show(Light.LISTENING)
    panel.close()


def test_a_lamp_that_fails_as_it_is_closed_leaves_no_other_lit(caplog: pytest.LogCaptureFixture) -> None:
    broken, sound = Recorded(), Recorded()
    broken.close = lambda: broken.write(DARK)  # type: ignore[method-assign]
    panel = Lights([broken, sound])
    panel.show(Light.LISTENING)
    broken.refuses = True

    panel.close()

    assert sound.levels[-1] == 0
    assert [record.msg for record in caplog.records] == ["light-not-off"]
