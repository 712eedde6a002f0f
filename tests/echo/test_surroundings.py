"""How loud the room itself is, and how much louder a person must be."""

import pytest

from edgevoice.echo.surroundings import Levels, Surroundings

PER_S = 50
LEARNED = -20.0

QUIET, TELEVISION = 25.0, 40.0
ECHO, LEFT = 60.0, 38.0
COVERED = Levels(ECHO, LEFT, ECHO)
"""A block that the box's own voice covers, as heard and as the canceller left it."""


def box_speaks(room: Surroundings, seconds: float) -> None:
    for _ in range(round(seconds * PER_S)):
        room.take(COVERED, LEARNED)


def goes_on(room: Surroundings, seconds: float, level: float, *, is_over: bool = False) -> None:
    """The box pauses every fifth block, and a sound of this level is heard there."""
    for number in range(round(seconds * PER_S)):
        if number % 5:
            room.take(COVERED, LEARNED, is_over=is_over)
        else:
            room.take(Levels(level, level, 0.0), LEARNED, is_over=is_over)


def test_before_anything_is_known_any_voice_may_be_a_person() -> None:
    assert Surroundings().needed_db <= 0


def test_until_the_room_is_known_only_a_voice_near_the_echos_own_level_counts() -> None:
    room = Surroundings()

    box_speaks(room, 2.9)

    assert room.needed_db == pytest.approx(ECHO - 12)


def test_three_seconds_of_an_answer_over_which_nothing_is_heard_make_the_room_a_quiet_one() -> None:
    room = Surroundings()

    box_speaks(room, 3.1)
    assert room.needed_db <= 0

    goes_on(room, 3, TELEVISION, is_over=True)
    assert room.needed_db == pytest.approx(TELEVISION + 9), "until something is heard"


def test_the_answer_says_nothing_about_the_room_until_the_canceller_has_learned_it() -> None:
    room = Surroundings()

    for _ in range(5 * PER_S):
        room.take(COVERED, 0.0)

    assert room.needed_db == pytest.approx(ECHO - 12)


def test_in_a_quiet_room_a_faint_voice_is_enough() -> None:
    room = Surroundings()

    goes_on(room, 3, QUIET)

    assert room.needed_db == pytest.approx(QUIET + 9)


@pytest.mark.parametrize(("over_the_noise", "needed"), [(1, 3), (5, 5), (15, 9)])
def test_the_steadier_the_room_the_fainter_a_voice_may_be(over_the_noise: float, needed: float) -> None:
    room = Surroundings()

    goes_on(room, 3, QUIET)
    room.take_noise(QUIET - over_the_noise)

    assert room.needed_db == pytest.approx(QUIET + needed)


def test_a_voice_must_be_louder_than_a_television_that_has_been_going_on() -> None:
    room = Surroundings()
    goes_on(room, 10, QUIET)

    goes_on(room, 12, TELEVISION, is_over=True)

    assert room.needed_db == pytest.approx(TELEVISION + 9)


def test_one_remark_that_was_not_understood_does_not_raise_it_for_the_next() -> None:
    room = Surroundings()
    goes_on(room, 16, QUIET)

    for _ in range(2 * PER_S):
        room.take(Levels(45, 45, 0.0), LEARNED, is_over=True)

    assert room.needed_db == pytest.approx(QUIET + 9)


def test_a_person_who_speaks_over_it_again_and_again_does_not_become_the_room() -> None:
    room = Surroundings()
    goes_on(room, 16, QUIET)

    for _ in range(4):
        goes_on(room, 2, 45, is_over=True)
        goes_on(room, 3, QUIET)

    assert room.needed_db == pytest.approx(QUIET + 9)


def test_the_room_is_quiet_again_20_s_after_a_television_is_off() -> None:
    room = Surroundings()
    goes_on(room, 20, TELEVISION)

    goes_on(room, 20, QUIET)

    assert room.needed_db == pytest.approx(QUIET + 9)


def test_a_television_that_was_on_before_the_answer_may_pause_under_it() -> None:
    room = Surroundings()
    for _ in range(24):
        room.take_silence(TELEVISION)

    goes_on(room, 11, QUIET)

    assert room.needed_db == pytest.approx(TELEVISION + 9)


def test_the_residue_of_an_untrained_canceller_does_not_count_as_the_room() -> None:
    room = Surroundings()
    goes_on(room, 3, QUIET)

    for _ in range(10 * PER_S):
        room.take(Levels(ECHO, ECHO, 0.0), 0.0)

    assert room.needed_db == pytest.approx(QUIET + 9)


def test_the_decay_of_the_echo_does_not_count_as_the_room() -> None:
    room = Surroundings()
    goes_on(room, 16, QUIET)

    for number in range(16 * PER_S):
        room.take(Levels(37, 34, 35) if number % 5 else Levels(QUIET, QUIET, 0.0), LEARNED)

    assert room.needed_db == pytest.approx(QUIET + 9)


def test_the_echos_level_is_that_of_its_louder_blocks_and_unknown_where_nothing_is_cancelled() -> None:
    room = Surroundings()
    for _ in range(20 * PER_S):
        room.take(Levels(50, 50, 0.0), LEARNED)
    assert room.echo_db is None

    for number in range(20 * PER_S):
        room.take(Levels(60 if number % 4 else 40, 25, ECHO), LEARNED)

    assert room.echo_db is not None
    assert 57 < room.echo_db < 60
