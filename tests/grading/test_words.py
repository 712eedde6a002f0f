import sys

import pytest

from edgevoice.grading.words import WordErrorsUnavailable, dice, plain, require_word_errors, word_errors


def test_words_are_lower_case_without_punctuation_in_any_script() -> None:
    assert plain("  What's  the TIME — now?! ") == "whats the time now"
    assert plain("Straße, 17 Uhr") == "strasse 17 uhr"


def test_the_closest_spelling_counts() -> None:
    assert word_errors(("seventeen", "17"), "17").errors == 0
    assert word_errors((), "17").words == 0


def test_texts_of_one_letter_are_equal_or_not() -> None:
    assert dice("a", "A.") == 1.0
    assert dice("a", "b") == 0.0


def test_a_missing_package_is_one_line_with_the_command_that_adds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jiwer", None)

    with pytest.raises(WordErrorsUnavailable) as refused:
        require_word_errors()

    assert refused.value.line().startswith("the scorer word_error_rate needs the package jiwer. Add it: ")
