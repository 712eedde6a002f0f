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


@pytest.mark.parametrize("judge", [None, Judge(-1.0)])
def test_without_the_model_and_between_sounds_nothing_is_doubted(judge: Judge | None) -> None:
    afresh = Afresh(Sure(), None, judge)

    assert afresh.takes_for_speech()
    afresh.begin([], np.zeros(BLOCK, np.int16), 1.0)
    assert afresh.takes_for_speech() is (judge is None)
    afresh.end()
    assert afresh.takes_for_speech()
