"""How loud the room and the user are before an answer begins: measured apart, without storing speech."""

import numpy as np
import pytest

from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import RoomMeasured, TurnEnded
from edgevoice.core.notices import PhaseEntered
from edgevoice.echo.canceller import BLOCK
from edgevoice.echo.noise_floor import decibels
from edgevoice.echo.room_listener import RoomListener
from edgevoice.echo.surroundings import Surroundings

PER_S = 50
LOUDER_DB = 9.0
"""By how much a voice must be louder than the room."""

QUIET, TELEVISION, USER = 10, 300, 1000


def db(amplitude: int) -> float:
    """Return the level of a block that is this loud throughout."""
    return decibels(BLOCK * amplitude**2)


def block(amplitude: int) -> bytes:
    return np.full(BLOCK, amplitude, "<i2").tobytes()


class Room:
    """A listener in a room; ``measured`` holds its reports."""

    def __init__(self) -> None:
        self.surroundings = Surroundings()
        self.listener = RoomListener(self.surroundings)
        self.measured: list[RoomMeasured] = []

    def sound(self, amplitude: int, seconds: float) -> None:
        for _ in range(round(seconds * PER_S)):
            if (measured := self.listener.take(block(amplitude))) is not None:
                self.measured.append(measured)

    def enter(self, *phases: Phase) -> None:
        for phase in phases:
            self.listener.observe(PhaseEntered(phase), 0.0)

    def ask(self, amplitude: int, seconds: float = 3) -> None:
        """Say something this loud to the box, and let it think for a moment."""
        self.enter(Phase.CONNECTING)
        self.sound(amplitude, seconds / 2)
        self.enter(Phase.LISTENING)
        self.sound(amplitude, seconds / 2)
        self.enter(Phase.THINKING)
        self.sound(QUIET, 0.02)

    @property
    def level_db(self) -> float:
        return self.surroundings.needed_db - LOUDER_DB


@pytest.fixture
def room() -> Room:
    return Room()


def test_the_room_is_known_before_the_boxs_first_answer(room: Room) -> None:
    room.sound(TELEVISION, 2)

    assert room.level_db == pytest.approx(db(TELEVISION), abs=0.1)


def test_the_users_speech_does_not_count_as_the_room(room: Room) -> None:
    room.sound(QUIET, 16)

    for _ in range(5):
        room.ask(USER, 20)

    assert room.level_db == pytest.approx(db(QUIET), abs=0.1)


def test_the_wake_word_does_not_count_as_the_room(room: Room) -> None:
    room.sound(QUIET, 3)
    room.sound(USER, 1)

    assert room.level_db == pytest.approx(db(QUIET), abs=0.1)


def test_a_television_that_is_switched_on_between_two_answers_is_known_before_the_second(room: Room) -> None:
    room.sound(QUIET, 60)

    room.sound(TELEVISION, 16)

    assert room.level_db == pytest.approx(db(TELEVISION), abs=0.1)


def test_one_click_in_each_half_second_does_not_make_a_loud_room(room: Room) -> None:
    for _ in range(20):
        room.sound(QUIET, 0.48)
        room.sound(USER, 0.02)

    assert room.level_db == pytest.approx(db(QUIET), abs=0.1)


def test_a_half_second_with_a_gap_does_not_count(room: Room) -> None:
    for _ in range(10):
        room.sound(TELEVISION, 0.3)
        room.listener.drop()
        room.sound(TELEVISION, 0.3)
        room.listener.pass_answer()

    assert room.surroundings.needed_db == 0, "nothing is known"


# --- a room that is too loud to speak over ----------------------------------------------------------------------------


def test_a_room_as_loud_as_the_user_and_its_end_are_each_reported_once(room: Room) -> None:
    room.sound(TELEVISION, 16)
    room.ask(TELEVISION)
    room.sound(TELEVISION, 1)
    assert room.measured == [RoomMeasured(is_loud=True)]

    room.enter(Phase.IDLE)
    room.sound(QUIET, 20)
    assert room.measured == [RoomMeasured(is_loud=True), RoomMeasured(is_loud=False)]


def test_a_user_who_is_louder_than_the_room_is_not_drowned_by_it(room: Room) -> None:
    room.sound(TELEVISION, 16)
    room.ask(USER)
    room.sound(TELEVISION, 5)

    assert not room.measured


def test_it_is_reported_while_an_answer_sounds_as_well(room: Room) -> None:
    room.sound(TELEVISION, 16)
    room.ask(TELEVISION)

    reported = [room.listener.pass_answer() for _ in range(PER_S)]

    assert [each for each in reported if each is not None] == [RoomMeasured(is_loud=True)]


def test_a_brief_change_does_not_switch_between_loud_and_quiet(room: Room) -> None:
    room.sound(TELEVISION, 16)
    room.ask(round(TELEVISION * 10 ** (7 / 20)))  # 2 dB short of the required 9 dB: a raised voice reaches it
    room.sound(TELEVISION, 1)
    assert not room.measured

    room.ask(TELEVISION)
    room.sound(TELEVISION, 1)
    room.ask(round(TELEVISION * 10 ** (5 / 20)))
    room.sound(TELEVISION, 1)
    assert room.measured == [RoomMeasured(is_loud=True)]


def test_a_turn_without_speech_does_not_measure_the_user(room: Room) -> None:
    room.sound(TELEVISION, 16)
    room.ask(USER)

    room.enter(Phase.LISTENING)
    room.sound(TELEVISION, 8)
    room.enter(Phase.IDLE)
    room.sound(TELEVISION, 2)

    assert not room.measured


def test_a_turn_too_short_to_be_measured_and_other_news_change_nothing(room: Room) -> None:
    room.sound(TELEVISION, 16)

    room.ask(TELEVISION, 0.8)
    room.listener.observe(TurnEnded(), 0.0)
    room.sound(TELEVISION, 2)

    assert not room.measured


def test_only_the_first_half_minute_of_an_endless_turn_counts(room: Room) -> None:
    room.sound(QUIET, 16)
    room.enter(Phase.LISTENING)
    room.sound(USER, 31)
    room.sound(QUIET, 60)
    room.enter(Phase.THINKING)
    room.sound(TELEVISION, 10)

    assert not room.measured
