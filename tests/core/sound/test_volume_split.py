"""How the volume is split between the card's control and the samples."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgevoice.core.sound.volume_split import HEADROOM_DB, LOWEST_DB, factor_of, next_level_db, rest_of

GAINS = st.floats(0, 1)
LEVELS = st.floats(-60, 0)


@pytest.mark.parametrize(
    ("card_db", "needed_db", "is_silent", "moved_db"),
    [
        # In silence it follows, 6 dB above what is needed.
        (0.0, -20.0, True, -14.0),
        (-14.0, -10.0, True, -4.0),
        (0.0, -3.0, True, None),
        # Not for less than 2 dB, where that suffices.
        (-14.0, -21.0, True, None),
        (-14.0, -22.5, True, -16.5),
        # While something sounds it never goes down, and up only if the samples cannot, no further than needed.
        (0.0, -40.0, False, None),
        (-14.0, -14.0, False, None),
        (-14.0, -10.0, False, -10.0),
        (-14.0, 0.0, False, 0.0),
    ],
)
def test_the_control_moves_as(card_db: float, needed_db: float, *, is_silent: bool, moved_db: float | None) -> None:
    moved = next_level_db(card_db, factor_of(needed_db), is_silent=is_silent)

    assert moved == (None if moved_db is None else pytest.approx(moved_db))


def test_silence_is_left_to_the_samples() -> None:
    assert next_level_db(0.0, 0.0, is_silent=True) == LOWEST_DB + HEADROOM_DB
    assert next_level_db(-20.0, 0.0, is_silent=False) is None
    assert rest_of(0.0, factor_of(LOWEST_DB)) == 0.0


def test_it_goes_no_further_than_the_control() -> None:
    assert next_level_db(0.0, factor_of(-40), lowest_db=-12.0, is_silent=True) == -12.0
    assert next_level_db(-12.0, factor_of(-40), lowest_db=-12.0, is_silent=True) is None


@given(card_db=LEVELS, needed=GAINS, is_silent=st.booleans())
def test_after_a_move_nothing_is_too_loud_for_the_samples_and_no_level_is_above_the_owners(
    card_db: float, needed: float, *, is_silent: bool
) -> None:
    moved = next_level_db(card_db, needed, is_silent=is_silent)
    card = factor_of(card_db if moved is None else moved)

    assert card <= 1
    assert needed <= card * 1.003
    assert rest_of(needed, card) * card == pytest.approx(needed, rel=0.003)


@given(card_db=LEVELS, needed=GAINS)
def test_in_silence_it_comes_to_rest_after_one_move(card_db: float, needed: float) -> None:
    moved = next_level_db(card_db, needed, is_silent=True)

    assert moved is None or next_level_db(moved, needed, is_silent=True) is None
