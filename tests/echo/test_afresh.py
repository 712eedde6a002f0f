"""The event model's last word: what it hears of a sound, and how long its doubt lasts."""

import numpy as np
import pytest

from edgevoice.echo.afresh import Afresh
from edgevoice.echo.canceller import BLOCK, Samples


class Sure:
    """A voice model that is always sure."""

    def take(self, block: Samples) -> float:
        return 1.0

    def anew(self) -> "Sure":
        return self


class Judge:
    """An event model with a given judgement; ``asked`` holds the blocks that it heard, and where the sound began."""

    def __init__(self, odds: float) -> None:
        self.odds = odds
        self.asked: list[tuple[list[int], int]] = []

    def speech_odds(self, sound: Samples, begin: int) -> float:
        assert begin % BLOCK == 0
        self.asked.append((sound[::BLOCK].tolist(), begin // BLOCK))
        return self.odds


def numbered(first: int, last: int) -> list[Samples]:
    return [np.full(BLOCK, number, np.int16) for number in range(first, last + 1)]


def test_it_hears_640_ms_in_which_the_sound_begins_where_it_began() -> None:
    judge = Judge(1.0)
    afresh = Afresh(Sure(), None, judge)
    afresh.begin(numbered(1, 32), np.full(BLOCK, 33, np.int16), 1.0)
    for block in numbered(34, 38):
        afresh.judge(block, 1.0)

    assert afresh.takes_for_speech()
    assert judge.asked == [([*range(6, 39)], 27)]


def test_of_a_longer_sound_it_hears_the_last_640_ms_alone() -> None:
    judge = Judge(1.0)
    afresh = Afresh(Sure(), None, judge)
    afresh.begin([], np.full(BLOCK, 1, np.int16), 1.0)
    for block in numbered(2, 50):
        afresh.judge(block, 1.0)

    afresh.takes_for_speech()

    assert judge.asked == [([*range(18, 51)], 0)]


def test_a_doubt_lasts_for_40_ms_and_then_it_is_asked_again() -> None:
    judge = Judge(-1.0)
    afresh = Afresh(Sure(), None, judge)
    afresh.begin([], np.zeros(BLOCK, np.int16), 1.0)

    answers = []
    for number in range(7):
        judge.odds = 1.0 if number == 5 else -1.0
        answers.append(afresh.takes_for_speech())
        afresh.judge(np.zeros(BLOCK, np.int16), 1.0)

    assert answers == [False] * 7, "the fifth was within a doubt"
    assert len(judge.asked) == 4

    judge.odds = 1.0
    assert not afresh.takes_for_speech()
    afresh.judge(np.zeros(BLOCK, np.int16), 1.0)
    assert afresh.takes_for_speech()


def test_the_next_sound_is_judged_at_once_and_knows_nothing_of_the_last() -> None:
    judge = Judge(-1.0)
    afresh = Afresh(Sure(), None, judge)
    afresh.begin([], np.full(BLOCK, 1, np.int16), 1.0)
    assert not afresh.takes_for_speech()
    afresh.end()

    judge.odds = 1.0
    afresh.begin(numbered(2, 3), np.full(BLOCK, 4, np.int16), 1.0)

    assert afresh.takes_for_speech()
    assert judge.asked[-1] == ([2, 3, 4], 2)


def doubted(looks: int) -> tuple[Judge, Afresh]:
    """Return what has just doubted a sound at so many looks, and a second sound that began with the next block."""
    judge = Judge(-2.0)
    afresh = Afresh(Sure(), None, judge)
    silence = np.zeros(BLOCK, np.int16)
    afresh.begin(numbered(1, 32), silence, 1.0)
    for _ in range(2 * looks):
        assert not afresh.takes_for_speech()
        afresh.judge(silence, 1.0)
    afresh.end()
    afresh.begin(numbered(1, 32), silence, 1.0)
    assert len(judge.asked) == looks
    return judge, afresh


def test_after_a_noise_that_was_doubted_for_long_it_takes_more_to_be_speech() -> None:
    judge, afresh = doubted(looks=10)

    judge.odds = 0.7
    assert not afresh.takes_for_speech()


def test_a_clear_word_right_after_a_noise_is_speech() -> None:
    judge, afresh = doubted(looks=40)

    judge.odds = 1.3
    assert afresh.takes_for_speech()


def test_a_noise_is_forgotten_within_seconds() -> None:
    judge, afresh = doubted(looks=10)
    afresh.end()

    for block in numbered(1, 200):
        afresh.judge(block, 1.0)
    afresh.begin(numbered(1, 32), np.zeros(BLOCK, np.int16), 1.0)

    judge.odds = 0.4
    assert afresh.takes_for_speech()


def test_a_noise_over_the_last_answer_counts_no_more() -> None:
    judge, afresh = doubted(looks=10)
    afresh.end()
    afresh.begin(numbered(1, 10), np.zeros(BLOCK, np.int16), 1.0)

    judge.odds = 0.4
    assert afresh.takes_for_speech()


def test_a_short_doubt_about_a_word_hardly_counts() -> None:
    judge = Judge(-0.5)
    afresh = Afresh(Sure(), None, judge)
    afresh.begin(numbered(1, 32), np.zeros(BLOCK, np.int16), 1.0)
    assert not afresh.takes_for_speech()
    for block in numbered(1, 2):
        afresh.judge(block, 1.0)

    judge.odds = 0.3
    assert afresh.takes_for_speech()


@pytest.mark.parametrize("judge", [None, Judge(-1.0)])
def test_without_the_model_and_between_sounds_nothing_is_doubted(judge: Judge | None) -> None:
    afresh = Afresh(Sure(), None, judge)

    assert afresh.takes_for_speech()
    afresh.begin([], np.zeros(BLOCK, np.int16), 1.0)
    assert afresh.takes_for_speech() is (judge is None)
    afresh.end()
    assert afresh.takes_for_speech()
