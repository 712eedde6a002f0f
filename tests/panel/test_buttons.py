import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import gpiozero
import pytest

from edgevoice.core.facts import Event, MutePressed, TalkHeld, TalkPressed
from edgevoice.core.gestures import BOUNCE_S, REPEATS_AFTER_S, REPEATS_EACH_S, Button, Gesture, Gestures
from edgevoice.core.panel_facts import ForgetHeld, MuteSwitched, ShutDownHeld, VolumeTurned
from edgevoice.panel.buttons import ButtonPins, Buttons, PushButtons, SlideSwitch, open_buttons, start_thread_timer
from edgevoice.panel.mock import MockPins

TALK, MUTE = 23, 24


class Timers:
    """Timers that fire when the test says so, and the clock by which they were set."""

    def __init__(self) -> None:
        self.started: list[tuple[float, Callable[[], None]]] = []
        self.cancelled = 0
        self.is_stopped = True
        self.now_s = 100.0

    def start(self, seconds: float, act: Callable[[], None]) -> Callable[[], None]:
        self.started.append((seconds, act))
        self.is_stopped = False
        return self._cancel

    def clock(self) -> float:
        return self.now_s

    def ring(self) -> float:
        """Let the time of the newest timer pass; return how long it was."""
        seconds, act = self.started[-1]
        self.now_s += seconds
        act()
        return seconds

    def _cancel(self) -> None:
        self.cancelled += 1
        self.is_stopped = True


@pytest.fixture
def pins() -> MockPins:
    return MockPins()


@pytest.fixture
def timers() -> Timers:
    return Timers()


@pytest.fixture
def posted() -> list[Event]:
    return []


@pytest.fixture
def buttons(pins: MockPins, timers: Timers, posted: list[Event]) -> Iterator[Buttons]:
    opened = open_both(pins, timers, posted)
    yield opened
    opened.close()


def open_both(
    pins: MockPins, timers: Timers, posted: list[Event], *, is_pulled_up: bool = True, can_shut_down: bool = False
) -> Buttons:
    return open_buttons(
        ButtonPins(talk=TALK, mute=MUTE),
        factory=pins,
        is_pulled_up=is_pulled_up,
        hold_s=0.7,
        position=lambda: 48_000,
        post=posted.append,
        can_shut_down=can_shut_down,
        start_timer=timers.start,
        clock=timers.clock,
    )


def test_a_press_of_the_talk_button_is_reported_while_it_is_still_down(
    pins: MockPins, posted: list[Event], buttons: Buttons
) -> None:
    pins.press(TALK)

    assert posted == [TalkPressed(at_sample=48_000)]


def test_the_mute_button_is_reported_on_the_press_only(pins: MockPins, posted: list[Event], buttons: Buttons) -> None:
    pins.press(MUTE)
    assert posted == [MutePressed()]

    pins.release(MUTE)
    assert posted == [MutePressed()]


def test_a_hold_is_reported_after_the_press_once_its_time_is_up(
    pins: MockPins, timers: Timers, posted: list[Event], buttons: Buttons
) -> None:
    pins.press(TALK)

    assert timers.ring() == pytest.approx(0.7)
    assert posted == [TalkPressed(48_000), TalkHeld(cancels_waiting=True)]
    assert timers.is_stopped, "nothing more can follow"


def test_holding_the_mute_button_for_ten_seconds_forgets_and_takes_the_press_back(
    pins: MockPins, timers: Timers, posted: list[Event], buttons: Buttons
) -> None:
    pins.press(MUTE)
    timers.ring()

    assert timers.started[-1][0] == pytest.approx(10.0)
    assert posted == [MutePressed(), MutePressed(), ForgetHeld()]


def test_holding_both_shuts_down_only_where_that_is_allowed(
    pins: MockPins, timers: Timers, posted: list[Event], buttons: Buttons
) -> None:
    pins.press(TALK)
    pins.press(MUTE)
    assert timers.is_stopped
    buttons.close()
    other = MockPins()
    allowed = open_both(other, timers, posted, can_shut_down=True)
    posted.clear()
    other.press(TALK)
    other.press(MUTE)
    timers.ring()

    assert posted == [TalkPressed(48_000), MutePressed(), MutePressed(), ShutDownHeld()]
    allowed.close()


def test_a_button_wired_to_the_supply_is_pressed_when_high(timers: Timers, posted: list[Event]) -> None:
    pins = MockPins()
    opened = open_both(pins, timers, posted, is_pulled_up=False)
    assert not pins.is_high(TALK)

    pins.press(TALK)

    assert posted == [TalkPressed(48_000)]
    opened.close()


def test_a_button_down_from_the_start_reports_nothing_until_pressed_again(timers: Timers) -> None:
    pins, told = MockPins(), list[Gesture]()
    pin = pins.pin("GPIO24")
    pin.pull = "up"
    pin.drive_low()
    stuck = gpiozero.DigitalInputDevice(24, pull_up=None, active_state=False, pin_factory=pins)
    buttons = PushButtons({Button.MUTE: stuck}, Gestures(1.0), told.append)
    assert told == []

    pins.release(24)
    pins.press(24)

    assert told == [Gesture.MUTE_PRESSED]
    buttons.close()


def test_closed_buttons_report_nothing_and_free_their_pins(
    pins: MockPins, timers: Timers, posted: list[Event], buttons: Buttons
) -> None:
    pins.press(TALK)
    _, hold_is_over = timers.started[0]

    buttons.close()
    buttons.close()
    hold_is_over()
    pins.release(TALK)
    pins.press(MUTE)

    assert posted == [TalkPressed(48_000)]
    assert timers.cancelled == 1
    gpiozero.LED(TALK, pin_factory=pins).close()


def test_a_button_whose_pin_is_in_use_is_named_and_the_others_work(
    pins: MockPins, timers: Timers, posted: list[Event], caplog: pytest.LogCaptureFixture
) -> None:
    with gpiozero.LED(MUTE, pin_factory=pins):
        opened = open_both(pins, timers, posted)
    pins.press(TALK)

    (record,) = caplog.records
    assert f"mute button: GPIO{MUTE} cannot be used" in vars(record)["fields"]["problem"]
    assert "gpioinfo" in vars(record)["fields"]["problem"]
    assert posted == [TalkPressed(48_000)]
    opened.close()


def test_unwired_buttons_take_no_pin(pins: MockPins, posted: list[Event]) -> None:
    opened = open_buttons(
        ButtonPins(),
        factory=pins,
        is_pulled_up=True,
        hold_s=1,
        position=lambda: 0,
        post=posted.append,
    )
    opened.close()

    assert pins.changes() == ()


def test_the_daemons_timer_fires_and_can_be_cancelled() -> None:
    rang, never = threading.Event(), threading.Event()

    start_thread_timer(3600, never.set)()
    start_thread_timer(0.001, rang.set)

    assert rang.wait(10)
    assert not never.is_set()
    assert all(thread.daemon for thread in threading.enumerate() if isinstance(thread, threading.Timer))


def test_waiting_for_a_press_keeps_no_thread(pins: MockPins, timers: Timers, posted: list[Event]) -> None:
    before = threading.active_count()

    opened = open_both(pins, timers, posted)

    assert threading.active_count() <= before
    opened.close()


# --- volume and the mute switch --------------------------------------------------------------------------------------

UP, DOWN, KNOB_A, KNOB_B = 5, 6, 16, 26


def opened_with(pins: MockPins, timers: Timers, posted: list[Event], wired: ButtonPins) -> Buttons:
    return open_buttons(
        wired,
        factory=pins,
        is_pulled_up=True,
        hold_s=0.7,
        position=lambda: 0,
        post=posted.append,
        start_timer=timers.start,
        clock=timers.clock,
    )


def test_a_volume_button_changes_it_at_once_and_repeats_while_it_is_held(
    pins: MockPins, timers: Timers, posted: list[Event]
) -> None:
    opened = opened_with(pins, timers, posted, ButtonPins(volume_up=UP, volume_down=DOWN))
    pins.press(UP)
    assert posted == [VolumeTurned(5)]

    assert [timers.ring() for _ in range(3)] == pytest.approx([REPEATS_AFTER_S, REPEATS_EACH_S, REPEATS_EACH_S])
    assert posted == [VolumeTurned(5)] * 4

    pins.release(UP)
    assert timers.is_stopped
    timers.started[-1][1]()
    assert posted == [VolumeTurned(5)] * 4, "nobody holds it"
    timers.now_s += 1
    pins.press(DOWN)
    assert posted[-1] == VolumeTurned(-5)
    opened.close()


def test_a_knob_changes_the_volume_step_by_step(pins: MockPins, timers: Timers, posted: list[Event]) -> None:
    opened = opened_with(pins, timers, posted, ButtonPins(knob=(KNOB_A, KNOB_B)))

    for first, second in ((KNOB_A, KNOB_B), (KNOB_B, KNOB_A)):
        for act, pin in ((pins.press, first), (pins.press, second), (pins.release, first), (pins.release, second)):
            act(pin)

    assert posted == [VolumeTurned(5), VolumeTurned(-5)]
    opened.close()


def test_a_knob_whose_second_pin_is_in_use_is_named_and_releases_the_first(
    pins: MockPins, timers: Timers, posted: list[Event], caplog: pytest.LogCaptureFixture
) -> None:
    taken = gpiozero.LED(KNOB_B, pin_factory=pins)
    opened_with(pins, timers, posted, ButtonPins(knob=(KNOB_A, KNOB_B))).close()
    taken.close()
    assert f"volume knob b: GPIO{KNOB_B} cannot be used" in vars(caplog.records[0])["fields"]["problem"]

    opened_with(pins, timers, posted, ButtonPins(talk=TALK, knob=(KNOB_A, KNOB_B))).close()
    assert len(caplog.records) == 1


def test_a_mute_switch_whose_pin_is_in_use_is_named(
    pins: MockPins, timers: Timers, posted: list[Event], caplog: pytest.LogCaptureFixture
) -> None:
    with gpiozero.LED(MUTE, pin_factory=pins):
        opened_with(pins, timers, posted, ButtonPins(mute=MUTE, mute_is_switch=True)).close()

    assert "mute switch" in vars(caplog.records[0])["fields"]["problem"]
    assert posted == []


def test_a_mute_switch_says_where_it_is_when_it_is_opened(pins: MockPins, timers: Timers, posted: list[Event]) -> None:
    opened = opened_with(pins, timers, posted, ButtonPins(mute=MUTE, mute_is_switch=True))

    assert posted == [MuteSwitched(is_muted=False)]
    opened.close()
    opened.close()


def test_a_mute_switch_mutes_at_the_first_contact_and_ends_where_it_stands(
    pins: MockPins, timers: Timers, posted: list[Event]
) -> None:
    opened = opened_with(pins, timers, posted, ButtonPins(mute=MUTE, mute_is_switch=True))
    posted.clear()

    pins.press(MUTE)
    assert posted == [MuteSwitched(is_muted=True)], "at once"
    pins.release(MUTE)
    pins.press(MUTE)
    timers.started[-1][1]()
    assert posted == [MuteSwitched(is_muted=True)], "a bounce changes nothing"

    pins.release(MUTE)
    assert posted == [MuteSwitched(is_muted=True)], "it may be a bounce"
    started_s, calm = timers.started[-1]
    assert started_s == BOUNCE_S
    calm()
    assert posted == [MuteSwitched(is_muted=True), MuteSwitched(is_muted=False)]
    opened.close()
    calm()
    assert len(posted) == 2, "it is closed"


def test_a_mute_switch_that_moves_while_it_is_reported_is_reported_last_where_it_stands(timers: Timers) -> None:
    device = SimpleNamespace(is_active=True, closed=False, when_activated=None, close=lambda: None)
    reported: list[bool] = []
    muting: list[threading.Thread] = []

    def report(is_on: bool) -> None:  # noqa: FBT001 - as the switch calls it
        if not is_on:
            device.is_active = True
            muting.append(threading.Thread(target=device.when_activated))
            muting[0].start()
            muting[0].join(0.2)  # the thread of the unmuting is held up meanwhile
        reported.append(is_on)

    switch = SlideSwitch(device, report, start_timer=timers.start)
    device.is_active = False
    device.when_activated()
    timers.started[-1][1]()
    muting[0].join(10)

    assert reported == [True, False, True], "it stands on mute"
    switch.close()
