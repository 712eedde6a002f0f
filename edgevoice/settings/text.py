"""The text of a settings file: which bytes are accepted, and where each setting is. Standard library only.

The daemon and the editor in `scripts` both read through this module, so neither accepts a file that the other refuses.
"""

import codecs
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Final

_WIDE_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)

_LONGEST_STATEMENT_LINES: Final = 300
"""The most lines of one value; the search for its end tries each line, so a longer value is not searched."""


class NotText(ValueError):
    """The bytes are not UTF-8 text; ``str()`` says why and what to do, without the file's name."""


def decoded(content: bytes) -> str:
    r"""Return the text of a UTF-8 file with all line ends as \n; raises ``NotText``.

    A byte order mark, which editors on Windows write, is not part of the text.
    """
    wide = next((name for mark, name in _WIDE_MARKS if content.startswith(mark)), "")
    if not wide and b"\0" in content[:64]:
        wide = "UTF-16"
    if wide:
        raise NotText(f"line 1: a byte that is not UTF-8, as in {wide}; save the file as UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as failure:
        line = len(re.findall(rb"\r\n|\r|\n", content[: failure.start])) + 1
        raise NotText(f"line {line}: a byte that is not UTF-8; save the file as UTF-8") from None
    return re.sub(r"\r\n?", "\n", text)


def lines_of(text: str) -> Mapping[tuple[str, ...], int]:
    """Return the first line, counted from 1, of every section and setting of a valid TOML document."""
    found: dict[tuple[str, ...], int] = {}
    section: tuple[str, ...] = ()
    for number, statement in _statements(text):
        path = _path_of(tomllib.loads(statement))
        if statement.lstrip().startswith("["):
            section, path = path, ()
        for end in range(1, len(section + path) + 1):
            found.setdefault((section + path)[:end], number)
    return found


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Yield every entry of a TOML document with the number of its first line; a value may take several."""
    lines = text.split("\n")
    number = 0
    while number < len(lines):
        for size in range(1, min(_LONGEST_STATEMENT_LINES, len(lines) - number) + 1):
            statement = "\n".join(lines[number : number + size])
            if _is_whole(statement):
                yield number + 1, statement
                number += size
                break
        else:
            return


def _is_whole(statement: str) -> bool:
    try:
        tomllib.loads(statement)
    except ValueError:
        return False
    return True


def _path_of(document: dict[str, Any]) -> tuple[str, ...]:
    """Return the names down to the first value; a table with several entries is a value."""
    path: tuple[str, ...] = ()
    value: Any = document
    while isinstance(value, dict) and len(value) == 1:
        (name,) = value
        path, value = (*path, name), value[name]
    return path
