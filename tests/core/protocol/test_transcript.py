import re
from collections.abc import Iterator
from itertools import pairwise

import hypothesis.strategies as st
import pytest
from hypothesis import given

from edgevoice.core.protocol import transcript
from edgevoice.core.protocol.transcript import LONGEST, Transcript, has_words, visible

WORDS = st.text("abcä,.!?'", min_size=1, max_size=8)
TAGS = st.text("abc ,", min_size=1, max_size=120).map(lambda text: f"[{text}]")
SPEECH = st.lists(WORDS | TAGS | st.just(" "), max_size=12).map("".join)


@pytest.mark.parametrize(
    ("raw", "seen"),
    [
        ("[cheerful] Done, it is four past six.", "Done, it is four past six."),
        ("Well [laugh] there you are.", "Well there you are."),
        ("Well. [sigh]", "Well."),
        ("[a] [b] c", "c"),
        ("a [b][c] d", "a d"),
        ("Yes.[sigh] No.", "Yes. No."),
        ("Yes.[sigh][laugh] No.", "Yes. No."),
        ("Hea[cough]ven", "Heaven"),
        ("[cheerful Done, it is four.", "[cheerful Done, it is four."),
        ("Well [laugh] there [you are.", "Well there [you are."),
        ("Well. [sigh] [", "Well. ["),
        ("plain", "plain"),
        ("", ""),
    ],
)
def test_steering_tags_are_taken_out(raw: str, seen: str) -> None:
    assert visible(raw) == seen


def test_a_text_in_brackets_that_is_too_long_is_not_a_tag() -> None:
    aside = "[" + "x" * 121 + "]"

    assert visible(f"a {aside} b") == f"a {aside} b"


@given(SPEECH)
def test_a_growing_text_never_shows_a_bracket(raw: str) -> None:
    for end in range(len(raw) + 1):
        seen = Transcript(raw[:end]).text
        assert "[" not in seen
        assert "]" not in seen


@given(SPEECH)
def test_a_growing_text_never_takes_a_word_back(raw: str) -> None:
    seen = [Transcript(raw[:end]).text for end in range(len(raw) + 1)]

    assert all(later.startswith(earlier) for earlier, later in pairwise(seen))


def test_a_bracket_that_is_never_closed_hides_nothing_once_the_text_is_complete() -> None:
    growing = Transcript("It is [")
    growing.add("four past six")
    assert growing.text == "It is"

    growing.finish()
    assert growing.text == "It is [four past six"


@given(st.lists(st.tuples(WORDS, TAGS), max_size=6))
def test_no_word_is_lost_or_joined_to_the_next(spoken: list[tuple[str, str]]) -> None:
    raw = " ".join(f"{word}{tag}" for word, tag in spoken)

    assert visible(raw) == " ".join(word for word, _ in spoken)


@pytest.mark.parametrize(("text", "has"), [("a", True), ("ä", True), ("7", True), ("?!", False), (" . ", False)])
def test_only_letters_and_digits_are_words(text: str, *, has: bool) -> None:
    assert has_words(text) is has


# --- piece by piece --------------------------------------------------------------------------------------------------

TAG = r"\[[^\[\]]{1,120}\]"


def seen_at_once(raw: str) -> str:
    """Return the visible part of a whole text by the same rule, written as one expression over all of it."""
    return re.sub(rf"(?<!\S)(?:{TAG}\s*)+|{TAG}|\[[^\[\]]{{0,120}}\Z", "", raw).strip()


ANYTHING = st.lists(st.text("[] a\n", max_size=6) | st.text("ab ", min_size=115, max_size=125), max_size=9)


@given(ANYTHING)
def test_words_in_pieces_look_the_same_as_words_at_once(pieces: list[str]) -> None:
    growing = Transcript()
    raw = ""
    for piece in pieces:
        growing.add(piece)
        raw += piece
        assert growing.text == seen_at_once(raw)
    growing.finish()
    assert growing.text == visible(raw)


def test_text_beyond_the_limit_is_dropped() -> None:
    growing = Transcript("word " * (LONGEST // 5 - 1))
    for _ in range(20):
        growing.add("x")

    assert growing.text == "word " * (LONGEST // 5 - 1) + "xxxxx"
    assert len(visible("x" * 3 * LONGEST)) == LONGEST


class Pattern:
    """Notes how many characters are searched for tags each time."""

    def __init__(self) -> None:
        self.searched: list[int] = []
        self._true = transcript._TOKEN

    def finditer(self, raw: str) -> Iterator[re.Match[str]]:
        self.searched.append(len(raw))
        return self._true.finditer(raw)


@pytest.mark.parametrize("filling", ["[", "[a", "x", "[ab] ", " ", "]"])
def test_adding_a_piece_costs_the_same_however_many_came_before(filling: str, monkeypatch: pytest.MonkeyPatch) -> None:
    growing = Transcript((filling * LONGEST)[: LONGEST - 3000])
    pattern = Pattern()
    monkeypatch.setattr(transcript, "_TOKEN", pattern)
    for _ in range(3000):
        growing.add("x")

    assert len(pattern.searched) == 3000
    assert max(pattern.searched) <= len("[") + 120 + len("x"), "an open tag and the piece"
