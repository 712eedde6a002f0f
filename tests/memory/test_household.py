import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgevoice.errors import ToolRefused
from edgevoice.memory.household import MOST_BYTES, checked, merged, told, with_note, without

ANNA = {"people": {"Anna": {"age": 7, "allergy": "nuts", "likes": ["dogs", "rain"]}}, "notes": ["Bins on Monday"]}


def test_a_patch_merges_objects_replaces_lists_and_deletes_with_null() -> None:
    patch = {"people": {"Anna": {"age": 8, "allergy": None, "likes": ["cats"]}, "Ben": {}}, "home": {"floor": 2}}

    assert merged(ANNA, patch) == {
        "people": {"Anna": {"age": 8, "likes": ["cats"]}, "Ben": {}},
        "home": {"floor": 2},
        "notes": ["Bins on Monday"],
    }


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["people", "home", "preferences", "notes", "other"]), _JSON))
def test_any_input_of_the_model_gives_a_valid_record_or_is_refused(patch: dict[str, object]) -> None:
    try:
        record = merged(ANNA, patch)
    except ToolRefused:
        return
    assert checked(record) == record


@pytest.mark.parametrize("patch", [{"secrets": {}}, {"people": "Anna"}, {"notes": [1]}, {"home": ["x"]}])
def test_an_invalid_record_is_refused_and_the_error_tells_the_model_what_is_valid(patch: dict[str, object]) -> None:
    with pytest.raises(ToolRefused, match="the memory has people, home, preferences, notes: "):
        merged(ANNA, patch)


def test_a_change_that_makes_the_record_too_large_is_refused() -> None:
    with pytest.raises(ToolRefused, match=rf"full: \d+ bytes of {MOST_BYTES}\. Forget something first"):
        with_note(ANNA, "x" * MOST_BYTES)


def test_a_note_is_kept_once() -> None:
    once = with_note(ANNA, "  Milk is \n in the cellar ")

    assert once["notes"] == ["Bins on Monday", "Milk is in the cellar"]
    assert with_note(once, "Milk is in the cellar") == once
    with pytest.raises(ToolRefused, match="nothing to remember"):
        with_note(ANNA, " ")


@pytest.mark.parametrize(
    ("words", "taken"),
    [
        ("BINS", ["Bins on Monday"]),
        ("anna allergy", ["Anna allergy: nuts"]),
        ("anna", ['Anna: {"age":7,"allergy":"nuts","likes":["dogs","rain"]}']),
        ("rain", ["Anna likes: rain"]),
        ("7", ["Anna age: 7"]),
        ("cats", []),
        (" ", []),
    ],
)
def test_notes_that_contain_all_of_the_words_are_forgotten(words: str, taken: list[str]) -> None:
    left, out = without(ANNA, words)

    assert out == taken
    assert (left == ANNA) == (not taken)
    assert not any(text in told(left) for text in (word for word in words.split() if taken))


def test_an_empty_record_is_not_mentioned() -> None:
    assert told({}) == told({"people": {}}) == ""
    assert "Bins on Monday" in told(ANNA)
