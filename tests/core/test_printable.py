"""Text from outside can neither control a terminal nor break a log line."""

import pytest

from edgevoice.core.printable import one_line, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Grüß Gott", "Grüß Gott"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x9b1mbold", "bold"),
        ("\x1b]0;your title\x07words", "words"),
        ("a\nb\tc\u2028d", "a b c d"),
        ("a\x00b\x7f", "a b "),
        ("left alone\x1b", "left alone "),
    ],
)
def test_terminal_control_characters_are_removed_and_words_stay_apart(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_one_line_has_one_space_between_words() -> None:
    assert one_line("  two\r\n\n  words \x1b[2K ") == "two words"


def test_unprintable_characters_hide_no_secret_in_one_line() -> None:
    assert one_line("sec\x00r\u200bet") == "secret"
