"""Printable: removes terminal control sequences from foreign text, for screens and logs."""

import re
from typing import Final

_STEERING: Final = re.compile(
    r"\x1b[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"  # text for the terminal itself, such as its title
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # colours, the cursor
    r"|\x1b[ -/]*[0-~]"
)
"""Sequences of ECMA-48 that control a terminal."""


def printable(text: str, *, instead: str = " ") -> str:
    """Return the text without control sequences; ``instead`` replaces characters that cannot be printed."""
    return "".join(letter if letter.isprintable() else instead for letter in _STEERING.sub("", text))


def one_line(text: str) -> str:
    """Return text as one line, with single spaces between words and without characters that cannot be printed.

    Nothing takes their place: a secret that was broken by such a character must still be recognised.
    """
    return " ".join(printable(" ".join(text.split()), instead="").split())
