from itertools import pairwise

import hypothesis.strategies as st
import pytest
from hypothesis import given

from edgevoice.core.transcript import has_words, visible

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
        ("plain", "plain"),
        ("", ""),
    ],
)
def test_steering_tags_are_taken_out(raw: str, seen: str) -> None:
    assert visible(raw) == seen


def test_what_stands_in_brackets_for_too_long_is_no_tag() -> None:
    aside = "[" + "x" * 121 + "]"

    assert visible(f"a {aside} b") == f"a {aside} b"


@given(SPEECH)
def test_a_growing_text_never_shows_a_bracket(raw: str) -> None:
    for end in range(len(raw) + 1):
        seen = visible(raw[:end])
        assert "[" not in seen
        assert "]" not in seen


@given(SPEECH)
def test_a_growing_text_never_takes_a_word_back(raw: str) -> None:
    seen = [visible(raw[:end]) for end in range(len(raw) + 1)]

    assert all(later.startswith(earlier) for earlier, later in pairwise(seen))


@given(st.lists(st.tuples(WORDS, TAGS), max_size=6))
def test_no_word_is_lost_or_glued_to_the_next(spoken: list[tuple[str, str]]) -> None:
    raw = " ".join(f"{word}{tag}" for word, tag in spoken)

    assert visible(raw) == " ".join(word for word, _ in spoken)


@pytest.mark.parametrize(("text", "has"), [("a", True), ("ä", True), ("7", True), ("?!", False), (" . ", False)])
def test_only_letters_and_digits_are_words(text: str, *, has: bool) -> None:
    assert has_words(text) is has
