import threading
from collections.abc import Callable, Iterator

import gpiozero
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgevoice.core.facts import Event, MutePressed, TalkHeld, TalkPressed
from edgevoice.core.panel_facts import MuteSwitched, VolumeTurned
from edgevoice.errors import PanelUnavailable
from edgevoice.panel.buttons import (
    BOUNCE_S,
    REPEATS_AFTER_S,
    REPEATS_EACH_S,
    ButtonPins,
    Buttons,
    Contact,
    PushButton,
    open_buttons,
    start_thread_timer,
)
from edgevoice.panel.mock import MockPins

TALK, MUTE = 23, 24


class Timers:
    """Timers that fire when the test says so."""

    def __init__(self) -> None:
        self.started: list[tuple[float, Callable[[], None]]] = []
        self.cancelled = 0

    def start(self, seconds: float, act: Callable[[], None]) -> Callable[[], None]:
        self.started.append((seconds, act))
        return self._cancel

    def _cancel(self) -> None:
        self.cancelled += 1


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


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


def open_both(pins: MockPins, timers: Timers, posted: list[Event], *, is_pulled_up: bool = True) -> Buttons:
    return open_buttons(
        ButtonPins(talk=TALK, mute=MUTE),
        factory=pins,
        is_pulled_up=is_pulled_up,
        hold_s=0.7,
        position=lambda: 48_000,
        post=posted.append,
        start_timer=timers.start,
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
    (seconds, hold_is_over) = timers.started[0]

    hold_is_over()

    assert seconds == 0.7
    assert posted == [TalkPressed(48_000), TalkHeld()]


def test_holding_the_mute_button_means_no_more_than_pressing_it(
    pins: MockPins, timers: Timers, buttons: Buttons
) -> None:
    pins.press(MUTE)

    assert timers.started == []


def test_a_button_wired_to_the_supply_is_pressed_when_high(timers: Timers, posted: list[Event]) -> None:
    pins = MockPins()
    opened = open_both(pins, timers, posted, is_pulled_up=False)
    assert not pins.is_high(TALK)

    pins.press(TALK)

    assert posted == [TalkPressed(48_000)]
    opened.close()


def test_a_button_down_from_the_start_reports_nothing_until_pressed_again(timers: Timers) -> None:
    pins, posted = MockPins(), list[Event]()
    pin = pins.pin("GPIO24")
    pin.pull = "up"
    pin.drive_low()
    stuck = gpiozero.DigitalInputDevice(24, pull_up=None, active_state=False, pin_factory=pins)
    PushButton(stuck, on_pressed=lambda: posted.append(MutePressed()))
    assert posted == []

    pins.release(24)
    pins.press(24)

    assert posted == [MutePressed()]
    stuck.close()


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


def test_a_pin_in_use_is_named_and_the_other_button_does_not_stay_open(
    pins: MockPins, timers: Timers, posted: list[Event]
) -> None:
    with gpiozero.LED(MUTE, pin_factory=pins), pytest.raises(PanelUnavailable, match=f"mute button: GPIO{MUTE}"):
        open_both(pins, timers, posted)

    gpiozero.LED(TALK, pin_factory=pins).close()


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


@pytest.fixture
def bench() -> Iterator[tuple[MockPins, Clock, Timers, list[str]]]:
    """Return a single button on GPIO 5 with a clock and timers in the test's hand."""
    pins, clock, timers, told = MockPins(), Clock(), Timers(), list[str]()
    button = PushButton(
        gpiozero.DigitalInputDevice(5, pull_up=True, pin_factory=pins),
        on_pressed=lambda: told.append("pressed"),
        on_held=lambda: told.append("held"),
        clock=clock,
        start_timer=timers.start,
    )
    yield pins, clock, timers, told
    button.close()


def test_a_bouncing_press_is_one_press_and_can_still_become_a_hold(
    bench: tuple[MockPins, Clock, Timers, list[str]],
) -> None:
    pins, clock, timers, told = bench
    for _ in range(6):
        pins.press(5)
        clock.now_s += 0.002
        pins.release(5)
        clock.now_s += 0.001
    pins.press(5)
    assert told == ["pressed"]

    timers.started[0][1]()

    assert told == ["pressed", "held"]


def test_a_bouncing_release_is_not_a_press(bench: tuple[MockPins, Clock, Timers, list[str]]) -> None:
    pins, clock, _, told = bench
    pins.press(5)
    clock.now_s += 3
    for _ in range(6):
        pins.release(5)
        clock.now_s += 0.001
        pins.press(5)
        clock.now_s += 0.002
    pins.release(5)

    assert told == ["pressed"]


def test_a_release_before_the_time_is_up_is_not_a_hold(bench: tuple[MockPins, Clock, Timers, list[str]]) -> None:
    pins, clock, timers, told = bench
    pins.press(5)
    clock.now_s += 0.3
    pins.release(5)

    timers.started[0][1]()  # as if it had been too late to cancel it

    assert timers.cancelled == 1
    assert told == ["pressed"]


def test_a_tap_shorter_than_the_bounce_time_is_not_a_hold(bench: tuple[MockPins, Clock, Timers, list[str]]) -> None:
    pins, clock, timers, told = bench
    pins.press(5)
    clock.now_s += BOUNCE_S / 2
    pins.release(5)

    timers.started[0][1]()

    assert told == ["pressed"]


def test_the_hold_of_an_earlier_press_does_not_count_for_a_later_one(
    bench: tuple[MockPins, Clock, Timers, list[str]],
) -> None:
    pins, clock, timers, told = bench
    pins.press(5)
    clock.now_s += 0.3
    pins.release(5)
    clock.now_s += 0.3
    pins.press(5)

    timers.started[0][1]()
    assert told == ["pressed", "pressed"]

    timers.started[1][1]()
    assert told == ["pressed", "pressed", "held"]


def test_a_spike_shorter_than_the_check_is_not_a_press() -> None:
    contact = Contact()

    assert not contact.closes(10.0, is_still_closed=False)
    contact.opens(10.0001)

    assert contact.closes(10.01, is_still_closed=True)


def test_a_press_after_a_tap_shorter_than_the_bounce_time_counts() -> None:
    contact = Contact()
    assert contact.closes(10.0, is_still_closed=True)
    contact.opens(10.0 + BOUNCE_S / 2)

    assert contact.closes(10.3, is_still_closed=True)


@given(st.lists(st.floats(min_value=0.15, max_value=5), min_size=1, max_size=8), st.data())
def test_however_a_contact_bounces_every_press_counts_once(gaps_s: list[float], data: st.DataObject) -> None:
    contact, now_s, told = Contact(), 0.0, 0
    bounces = st.lists(st.floats(min_value=0.0001, max_value=0.004), max_size=5)
    for gap_s in gaps_s:
        for is_press in (True, False):
            now_s += gap_s
            if is_press:
                told += contact.closes(now_s, is_still_closed=True)
            else:
                contact.opens(now_s)
            for pause_s in data.draw(bounces):
                now_s += pause_s
                if is_press:
                    contact.opens(now_s)
                    told += contact.closes(now_s + pause_s / 2, is_still_closed=True)
                else:
                    told += contact.closes(now_s, is_still_closed=True)
                    contact.opens(now_s + pause_s / 2)

    assert told == len(gaps_s)


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
    )


def test_a_volume_button_changes_it_at_once_and_repeats_while_it_is_held(
    pins: MockPins, timers: Timers, posted: list[Event]
) -> None:
    opened = opened_with(pins, timers, posted, ButtonPins(volume_up=UP, volume_down=DOWN))
    pins.press(UP)
    assert posted == [VolumeTurned(5)]

    for seconds in (REPEATS_AFTER_S, REPEATS_EACH_S, REPEATS_EACH_S):
        started_s, act = timers.started[-1]
        assert started_s == seconds
        act()
    assert posted == [VolumeTurned(5)] * 4

    pins.release(UP)
    timers.started[-1][1]()
    assert posted == [VolumeTurned(5)] * 4, "nobody holds it"
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
    pins: MockPins, timers: Timers, posted: list[Event]
) -> None:
    taken = gpiozero.LED(KNOB_B, pin_factory=pins)
    with pytest.raises(PanelUnavailable, match=f"volume knob b: GPIO{KNOB_B} cannot be used"):
        opened_with(pins, timers, posted, ButtonPins(talk=TALK, knob=(KNOB_A, KNOB_B)))
    taken.close()

    opened_with(pins, timers, posted, ButtonPins(talk=TALK, knob=(KNOB_A, KNOB_B))).close()


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
