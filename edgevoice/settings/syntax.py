"""Explains why a settings file is not TOML to people who do not know TOML: the line, and what to write there."""

import re
import tomllib
from typing import Any, Final

from edgevoice.settings.catalogue import ENTRIES, Entry, sections

_TWICE: Final = "the same setting is there twice; delete one of the lines"

_PLAINER: Final = {
    "Invalid value": "this is not a value; a text needs quotes, a number, true and false do not",
    "Expected newline": "there is something after the end of the setting; a text needs quotes",
    "Cannot overwrite a value": _TWICE,
    "Cannot declare": "the same section is there twice; put its settings under one heading",
    "Illegal character '\\n'": "the quote that closes the text is missing",
    "Unterminated string": "the quote that closes the text is missing",
    "Unescaped '\\' in a string": "write a backslash in a text twice: \\\\",
    """Expected "'""": "the quote that closes the text is missing",
    "Expected '\"": "the quotes that close the text are missing",
    "Found invalid character": "the name of a section or setting has a character that it cannot have",
    "Expected '='": "a setting has the form name = value",
    "Expected ']'": "the bracket ] after the name of the section is missing",
    "Expected ']]'": "a section is written [name]",
    "Cannot redefine namespace": "the same section is there twice; put its settings under one heading",
    "Cannot mutate immutable namespace": "the same table is there twice; put all of it in one place",
    "Duplicate inline table key": "the same name is there twice in the table; delete one of them",
    "Escaped character": "write a backslash in a text twice: \\\\",
    "Invalid hex value": "write a backslash in a text twice: \\\\",
    "Invalid date or datetime": "there is no such date or time; a text needs quotes",
    "Invalid initial character": "a name cannot begin like this; a setting has the form name = value",
    "Invalid statement": "this is neither a section, [name], nor a setting, name = value",
    "Illegal character": "there is a character here that cannot be written; delete it",
    "Unclosed array": "the bracket ] that closes the list is missing",
    "Unclosed inline table": "the brace } that closes the table is missing",
}
"""tomllib's messages for the commonest mistakes, by how they begin, in plain words."""

_ASSIGNMENT: Final = re.compile(r"\s*(?P<name>[\w.-]+)\s*(?P<sign>[=:])\s*(?P<value>.*?)\s*(?:\s#.*)?")
_OPEN_HEADER: Final = re.compile(r"\s*\[\s*(?P<name>[\w.-]+)\s*")
_HEADER: Final = re.compile(r"\s*\[\s*(?P<name>[\w.-]+)\s*\]?\s*(?:#.*)?")
_CURLED: Final = re.compile("[\u201c\u201d\u201e\u201f\u2018\u2019\u201a\u00ab\u00bb]")
_STRANGE_SPACE: Final = re.compile("[\u00a0\u2000-\u200b\u202f\u3000\ufeff]")


class NotToml(ValueError):
    """A text is not TOML; ``str()`` is the place and what to do, without the file's name."""


def parse(text: str) -> dict[str, Any]:
    """Return the document, or raise ``NotToml``."""
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise NotToml("the file is nested too deeply") from None
    except tomllib.TOMLDecodeError as failure:
        raise NotToml(_place_first(str(failure), text)) from None
    except ValueError:  # int() and datetime refuse some values that TOML's grammar allows
        raise NotToml("it contains a number or a date that is out of range") from None


def _place_first(complaint: str, text: str) -> str:
    """Turn "Expected X (at line 3, column 5)" around, so that every error line begins with the place."""
    what, _, place = complaint.removesuffix(")").rpartition(" (at ")
    lines = text.split("\n")
    number = int(found[1]) if (found := re.match(r"line (\d+)", place)) else 0
    if place == "end of document":
        number = max(1, len(text.splitlines()))
        place = f"line {number}, the end"
    plainer = next(
        (words for start, words in _PLAINER.items() if what.startswith(start)), f"{what[:1].lower()}{what[1:]}"
    )
    return f"{place}: {_with_advice(plainer, lines, number) if 0 < number <= len(lines) else plainer}"


def _with_advice(complaint: str, lines: list[str], number: int) -> str:
    """Return the complaint with what to write in this line, as far as that is known."""
    line = lines[number - 1]
    if header := _OPEN_HEADER.fullmatch(line):
        return f"{complaint}: write [{header['name']}]" if header["name"] in sections() else complaint
    if strange := _STRANGE_SPACE.search(line):
        return f"a character that only looks like a space (U+{ord(strange[0]):04X}); delete it and type a space"
    assignment = _ASSIGNMENT.fullmatch(line)
    if assignment is None or complaint == _TWICE:  # what is written there may be right
        return complaint
    name, entry = assignment["name"], _entry(lines[: number - 1], assignment["name"])
    meant = _meant(entry, assignment["value"]) if entry is not None else ""
    if _CURLED.search(line):
        complaint = "a text needs straight quotes"
    elif assignment["sign"] == ":":
        complaint = "a setting has the form name = value"
    elif meant and meant[0] not in '"[':
        complaint = "this is not how a number is written" if meant[0] not in "tf" else "this is neither true nor false"
    if meant:
        return f"{complaint}: write {name} = {meant}"
    is_of_value = complaint.startswith(("this is not a value", "there is something", "a text needs"))
    return f"{complaint}; {name} must be {entry.must_be()}" if entry is not None and is_of_value else complaint


def _entry(above: list[str], name: str) -> Entry | None:
    headers = [found["name"] for line in above if (found := _HEADER.fullmatch(line))]
    return ENTRIES.get(f"{headers[-1]}.{name}" if headers else name)


def _meant(entry: Entry, value: str) -> str:
    try:
        # The value is valid, and the mistake is another one: a second setting of this name, a colon.
        right = tomllib.loads(f"value = {value}")["value"]
    except ValueError:
        return entry.hint(value)
    return value if entry.takes(right) and not isinstance(right, str) else entry.hint(str(right))
