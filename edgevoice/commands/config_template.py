"""The text that `edgevoice config init` writes: every setting with its default, unit and range. Touches no file."""

import json
import textwrap
from collections.abc import Iterator
from inspect import cleandoc
from typing import Any, Final

from msgspec import inspect

from edgevoice.settings.catalogue import ENTRIES, Entry, sections

WIDTH: Final = 80
"""Columns, the width of a terminal on a first boot."""

_OPENING: Final = """\
The settings of edgevoice. Every setting is listed with its default, after
a "#": remove the "#" and write your own value. Lines that keep it follow
the defaults, even if a later version has better ones. After a change,

    edgevoice config check    checks this file
    edgevoice config show     shows what is in force, and where it came from

An environment variable overrides this file: volume_percent in [speaker] is
overridden by EDGEVOICE_SPEAKER_VOLUME_PERCENT=30."""


def template() -> str:
    """Return a TOML document of at most 80 columns that loads as the defaults."""
    lines = list(_comment(_OPENING))
    for section, struct in sections().items():
        lines += ["", "", f"[{section}]", *_comment(cleandoc(struct.__doc__ or "").partition("\n\n")[0])]
        for entry in ENTRIES.values():
            if entry.section == section:
                lines += ["", *_comment(_explanation(entry)), *_assignment(entry)]
    return "\n".join([*lines, ""])


def _comment(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        indent = line[: len(line) - len(line.lstrip())]
        for part in textwrap.wrap(line, WIDTH - 2, subsequent_indent=indent, break_on_hyphens=False) or [""]:
            yield f"# {part}".rstrip()


def _explanation(entry: Entry) -> str:
    """Describe a setting, then its unit and range, as in "Percent, between 0 and 100"."""
    bounds = _bounds(entry)
    if not bounds:
        return entry.description
    unit = f"{entry.unit}, " if entry.unit and entry.unit not in bounds else ""
    unset = " If left out, the service decides." if entry.is_optional else ""
    return f"{entry.description} {_sentence(unit + bounds)}{unset}"


def _bounds(entry: Entry) -> str:
    """Describe what a setting takes, unless its name and default say so already."""
    match entry.kind:
        case inspect.BoolType() | inspect.DictType() | inspect.StrType():
            return str(entry.extra.get("must_be", ""))
        case inspect.LiteralType(values=values):
            return f"{'either' if len(values) == 2 else 'one of'} {entry.must_be()}"
        case inspect.VarTupleType():
            return entry.must_be()
        case _:
            return entry.must_be(0)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _assignment(entry: Entry) -> Iterator[str]:
    """Write a default as a comment: a value written out would outlast a better default."""
    return (f"# {line}" for line in _lines_of(entry))


def _lines_of(entry: Entry) -> Iterator[str]:
    width = WIDTH - len("# ")
    value = entry.extra["example"] if entry.is_optional else entry.default
    line = f"{entry.name} = {_toml(value)}"
    if len(line) <= width:
        yield line
    elif isinstance(value, tuple):
        yield f"{entry.name} = ["
        yield from (f"  {_toml(each)}," for each in value)
        yield "]"
    else:
        # A backslash at the end of a line joins it with the next and drops the white space between (TOML 1.0).
        yield f'{entry.name} = """\\'
        words = textwrap.wrap(_toml(value)[1:-1], width - 2, break_on_hyphens=False, break_long_words=False)
        yield from (f"{part} \\" for part in words[:-1])
        yield f'{words[-1]}"""'


def _toml(value: Any) -> str:
    """Return a value as TOML; JSON writes strings, numbers and Booleans as TOML does."""
    match value:
        case tuple():
            return f"[{', '.join(_toml(each) for each in value)}]"
        case dict() if not value:
            return "{}"
        case str() | bool() | int() | float():
            return json.dumps(value, ensure_ascii=False)
        case _:
            raise TypeError(f"there is no TOML for a default such as {value!r}")
