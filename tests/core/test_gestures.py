"""Presses and holds of the panel's buttons, at any times, on contacts that bounce."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgevoice.core.gestures import (
    BOTH_HOLD_S,
    BOUNCE_S,
    MUTE_HOLD_S,
    REPEATS_AFTER_S,
    REPEATS_EACH_S,
    Button,
    Contact,
    Gesture,
    Gestures,
)

HOLD_S = 3.0
BOUNCES = st.lists(st.floats(min_value=0.0001, max_value=0.004), max_size=5)
HELD = st.floats(min_value=BOUNCE_S + 0.05, max_value=30).filter(lambda held_s: abs(held_s - round(held_s)) > 1e-6)


class Hand:
    """Presses buttons in virtual time; ``found`` are the gestures so far."""

    def __init__(self, *, can_shut_down: bool = True) -> None:
        self.machine = Gestures(HOLD_S, can_shut_down=can_shut_down)
        self.now_s = 0.0
        self.down: set[Button] = set()
        self.found: list[Gesture] = []

    def press(self, button: Button, bounces: list[float] | None = None) -> None:
        self._close(button)
        for pause_s in bounces or []:
            self._open(button, pause_s)
            self.now_s += pause_s / 2
            self._close(button)

    def release(self, button: Button, bounces: list[float] | None = None) -> None:
        self._open(button, 0.0)
        for pause_s in bounces or []:
            self.now_s += pause_s
            self._close(button)
            self._open(button, pause_s / 2)

    def wait(self, seconds: float) -> None:
        end = self.now_s + seconds
        while (due := self.machine.deadline) is not None and due <= end:
            self.now_s = max(self.now_s, due)
            self.found += self.machine.tick(self.now_s, lambda button: button in self.down)
        self.now_s = end

    def _close(self, button: Button) -> None:
        self.down.add(button)
        self.found += self.machine.closes(button, self.now_s, is_still_closed=True)

    def _open(self, button: Button, after_s: float) -> None:
        self.now_s += after_s
        self.down.discard(button)
        self.machine.opens(button, self.now_s)


@given(HELD, BOUNCES, BOUNCES)
def test_however_long_talk_is_held_it_is_one_press_and_one_hold_at_most(
    held_s: float, first: list[float], last: list[float]
) -> None:
    hand = Hand()
    began_s = hand.now_s
    hand.press(Button.TALK, first)
    hand.wait(held_s)
    is_held = hand.now_s - began_s >= HOLD_S
    hand.release(Button.TALK, last)
    hand.wait(60)

    assert hand.found == [Gesture.TALK_PRESSED, *([Gesture.TALK_HELD] if is_held else [])]
    assert hand.machine.deadline is None


@given(HELD, BOUNCES, BOUNCES)
def test_mute_toggles_at_once_and_a_long_hold_takes_that_back(
    held_s: float, first: list[float], last: list[float]
) -> None:
    hand = Hand()
    hand.press(Button.MUTE, first)
    assert hand.found == [Gesture.MUTE_PRESSED]
    began_s = 0.0
    hand.wait(held_s)
    is_held = hand.now_s - began_s >= MUTE_HOLD_S
    hand.release(Button.MUTE, last)
    hand.wait(60)

    assert hand.found[1:] == ([Gesture.MUTE_PRESSED, Gesture.MUTE_HELD] if is_held else [])


@given(st.sampled_from([(Button.VOLUME_UP, Gesture.LOUDER), (Button.VOLUME_DOWN, Gesture.SOFTER)]), HELD)
def test_a_volume_button_repeats_as_long_as_it_is_held(which: tuple[Button, Gesture], held_s: float) -> None:
    button, gesture = which
    hand = Hand()
    hand.press(button)
    hand.wait(held_s)
    hand.release(button)
    hand.wait(60)

    repeats = max(0.0, held_s - REPEATS_AFTER_S) / REPEATS_EACH_S + (held_s >= REPEATS_AFTER_S)
    assert set(hand.found) == {gesture}
    assert abs(len(hand.found) - 1 - repeats) <= 1


@given(
    st.permutations([Button.TALK, Button.MUTE]),
    st.floats(min_value=BOUNCE_S, max_value=1),
    HELD,
    st.booleans(),
)
def test_both_buttons_held_together_shut_down_and_nothing_else(
    order: list[Button],
    gap_s: float,
    held_s: float,
    can_shut_down: bool,  # noqa: FBT001 - Hypothesis gives arguments by position
) -> None:
    hand = Hand(can_shut_down=can_shut_down)
    hand.press(order[0])
    hand.wait(gap_s)
    hand.press(order[1])
    hand.wait(held_s)
    hand.release(order[0])
    hand.wait(60)
    hand.release(order[1])
    hand.wait(60)

    pressed, rest = hand.found[:2], hand.found[2:]
    assert set(pressed) == {Gesture.TALK_PRESSED, Gesture.MUTE_PRESSED}
    is_held = can_shut_down and held_s >= BOTH_HOLD_S - 1e-9
    assert rest == ([Gesture.MUTE_PRESSED, Gesture.BOTH_HELD] if is_held else []), "mute is as it was before"


@given(st.lists(st.tuples(st.sampled_from(list(Button)), st.booleans(), st.floats(0, 6)), max_size=40))
def test_whatever_hands_do_every_hold_follows_a_press_and_nothing_is_due_when_all_are_released(
    moves: list[tuple[Button, bool, float]],
) -> None:
    hand = Hand()
    for button, is_press, wait_s in moves:
        if is_press and button not in hand.down:
            hand.press(button)
        elif not is_press and button in hand.down:
            hand.release(button)
        hand.wait(wait_s)
    for button in list(hand.down):
        hand.release(button)
    hand.wait(60)

    count = {gesture: hand.found.count(gesture) for gesture in Gesture}
    assert hand.machine.deadline is None
    assert count[Gesture.TALK_HELD] <= count[Gesture.TALK_PRESSED]
    assert count[Gesture.MUTE_HELD] + count[Gesture.BOTH_HELD] <= count[Gesture.MUTE_PRESSED] / 2


def test_a_tap_shorter_than_the_bounce_time_is_not_a_hold() -> None:
    hand = Hand()
    hand.press(Button.TALK)
    hand.wait(BOUNCE_S / 2)
    hand.release(Button.TALK)
    hand.wait(60)

    assert hand.found == [Gesture.TALK_PRESSED]


def test_the_hold_of_an_earlier_press_does_not_count_for_a_later_one() -> None:
    hand = Hand()
    hand.press(Button.TALK)
    hand.wait(2)
    hand.release(Button.TALK)
    hand.wait(0.5)
    hand.press(Button.TALK)
    hand.wait(2)
    assert hand.found == [Gesture.TALK_PRESSED] * 2

    hand.wait(1)
    assert hand.found[-1] is Gesture.TALK_HELD


def test_a_spike_shorter_than_the_look_is_not_a_press() -> None:
    contact = Contact()

    assert not contact.closes(10.0, is_still_closed=False)
    contact.opens(10.0001)
    assert contact.closes(10.01, is_still_closed=True)
    assert contact.is_pressed


@pytest.mark.parametrize("button", list(Button))
def test_a_spike_on_any_button_means_nothing(button: Button) -> None:
    machine = Gestures(HOLD_S)

    assert machine.closes(button, 1.0, is_still_closed=False) == []
    assert machine.deadline is None


@given(st.lists(st.floats(min_value=0.15, max_value=2), min_size=1, max_size=8), st.data())
def test_however_a_contact_bounces_every_press_counts_once(gaps_s: list[float], data: st.DataObject) -> None:
    hand = Hand()
    for gap_s in gaps_s:
        hand.wait(gap_s)
        hand.press(Button.TALK, data.draw(BOUNCES))
        hand.wait(gap_s)
        hand.release(Button.TALK, data.draw(BOUNCES))

    assert hand.found == [Gesture.TALK_PRESSED] * len(gaps_s)


def test_a_button_that_stays_down_after_both_were_held_joins_no_second_hold() -> None:
    hand = Hand()
    hand.press(Button.TALK)
    hand.press(Button.MUTE)
    hand.wait(BOTH_HOLD_S + 1)
    hand.release(Button.TALK)
    hand.wait(1)
    hand.press(Button.TALK)
    hand.wait(BOTH_HOLD_S + 1)

    assert hand.found.count(Gesture.BOTH_HELD) == 1
