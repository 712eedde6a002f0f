"""The search, on made-up frames: each phoneme for one, and a blank after it."""

import numpy as np
import pytest

from edgevoice.local.speech import grammar
from edgevoice.local.speech.grammar import END, START, Arc, Grammar
from edgevoice.local.speech.lattice import Lattice
from edgevoice.local.speech.phonemes import BLANK, WORD_END, Frames
from edgevoice.local.speech.pronunciations import SPELLING, pronunciations

COLUMNS = {phoneme: column for column, phoneme in enumerate([*SPELLING, WORD_END, BLANK])}
DOUBT = -1.0
UNLIKELY = -6.5


def heard(*phonemes: str, doubted: dict[int, str] | None = None, doubt: float = DOUBT) -> Frames:
    """Frames in which these phonemes are all but certain; of those ``doubted`` another is nearly as likely."""
    rows = []
    for number, phoneme in enumerate((BLANK, *phonemes, BLANK)):
        row = np.full(len(COLUMNS), UNLIKELY, np.float32)
        row[COLUMNS[phoneme]] = -0.01
        if doubted and number - 1 in doubted:
            row[COLUMNS[doubted[number - 1]]] = doubt
        blank = np.full(len(COLUMNS), UNLIKELY, np.float32)
        blank[COLUMNS[BLANK]] = -0.01
        rows += [row, blank]
    return np.array(rows, np.float32)


def said(sentence: str) -> list[str]:
    return [phoneme for word in sentence.split() for phoneme in (*pronunciations(word)[0], WORD_END)][:-1]


@pytest.fixture(scope="module")
def lattice() -> Lattice:
    return Lattice(grammar.commands(), COLUMNS)


@pytest.mark.parametrize(
    "sentence",
    [
        "what time is it",
        "set a timer for ten minutes",
        "set the volume to twenty five percent",
        "hey jarvis turn it down please",
        "volume up and cancel the timer",
        "don't set a timer for ten minutes",
        "no twenty minutes",
        "yes please",
    ],
)
def test_phrases_in_the_grammar_are_recognised_word_for_word(lattice: Lattice, sentence: str) -> None:
    assert lattice.search(heard(*said(sentence)))[0].words == tuple(sentence.split())


def test_phrases_outside_the_grammar_are_recognised_as_foreign_sounds(lattice: Lattice) -> None:
    best = lattice.search(heard("P", "IY", "T", "S", "AX", WORD_END, "N", "AW"))[0]

    assert all(each.is_foreign for each in best.said)
    assert best.words == ("p", "ee", "t", "s", "a", "n", "ow")
    assert [each.ends_word for each in best.said[:6]] == [False, False, False, False, True, False]


def test_foreign_sounds_next_to_a_command_are_recognised_too(lattice: Lattice) -> None:
    before = lattice.search(heard("SH", "IY", "K", "AX", WORD_END, *said("turn it down")))[0]
    after = lattice.search(heard(*said("turn it down"), WORD_END, "DH", "EH", "R"))[0]

    assert before.words == ("sh", "ee", "k", "a", "turn", "it", "down")
    assert after.words == ("turn", "it", "down", "th", "e", "r")


def test_a_rival_word_comes_with_its_difference_in_likelihood(lattice: Lattice) -> None:
    # "ten" or "two": the vowel was not clear.
    sounds = said("set a timer for ten minutes")
    vowel = sounds.index("EH", 6)
    doubts = {vowel: "UW", vowel + 1: BLANK}
    best, rival = lattice.search(heard(*sounds, doubted=doubts))[:2]

    assert best.words[4] == "ten"
    assert rival.words == ("set", "a", "timer", "for", "two", "minutes")
    assert best.score - rival.score == pytest.approx(2 * -DOUBT, abs=0.1)


def test_an_entirely_different_command_is_a_rival_too(lattice: Lattice) -> None:
    best, rival = lattice.search(heard("B", "AY", doubted={0: "Y", 1: "EH"}))[:2]

    assert best.words == ("bye",)
    assert rival.words in {("yes",), ("yeah",)}


def test_the_same_phoneme_twice_needs_a_blank_between(lattice: Lattice) -> None:
    assert lattice.search(heard("N", "OW"))[0].words == ("no",)
    doubled = Grammar(2, (Arc(START, END, "nono", (("N", "N"),)),), ())
    row = heard("N")

    assert Lattice(doubled, COLUMNS).search(row)[0].score < -6


def test_audio_shorter_than_every_path_gives_no_result() -> None:
    long = Grammar(2, (Arc(START, END, "long", (("L", "AO", "NG"),)),), ())

    assert Lattice(long, COLUMNS).search(heard("L")[:1]) == []
    assert Lattice(long, COLUMNS).search(heard("L")[:0]) == []
