"""Edits a settings file as a person would: puts each value in its place, and leaves comments and order as they are.

Standard library only: `scripts/setup` runs this on the system's Python, before anything is installed.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


class EditRefused(ValueError):
    """The document cannot be edited; ``str()`` says why in one line, without the file's name."""


@dataclass(slots=True)
class Statement:
    """One entry of a TOML document, of as many lines as it has: a header, a key with its value, or a comment.

    ``section`` is the header that it stands below. ``path`` is what it sets, below its section; of a header the section
    itself; empty for a comment.
    """

    text: str
    section: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    is_header: bool = False

    @property
    def sets(self) -> tuple[str, ...]:
        """Return the full path of the value that it sets; empty for a header or a comment."""
        return () if self.is_header or not self.path else self.section + self.path


def statements(text: str) -> Iterator[Statement]:
    """Split a TOML document that is right."""
    section: tuple[str, ...] = ()
    lines = ""
    for line in re.findall(r"[^\n]*\n|[^\n]+", text):
        lines += line
        try:
            found = tomllib.loads(lines)
        except tomllib.TOMLDecodeError:
            # A value that goes on in the next line.
            continue
        path: tuple[str, ...] = ()
        value: Any = found
        while isinstance(value, dict) and value:
            path += (next(iter(value)),)
            value = value[path[-1]]
        is_header = lines.lstrip().startswith("[")
        if is_header:
            section = path
        yield Statement(lines, section, path, is_header)
        lines = ""


def put(text: str, values: Mapping[tuple[str, ...], Any], old: str | None = None) -> str:
    """Return the document with these values, by the names of their sections and their own; else ``EditRefused``.

    Values are texts, numbers and truth values. With ``old``, a text, a value is put only where this text stands, or
    nothing. What the result sets is compared with what was wanted, so a document is edited rightly or not at all.
    """
    try:
        wanted = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise EditRefused(f"it is no TOML: {error}") from error
    parts = list(statements(text if text.endswith("\n") or not text else f"{text}\n"))
    for (*sections, key), value in values.items():
        standing = wanted
        for number, name in enumerate(sections, 1):
            standing = standing.setdefault(name, {})
            if not isinstance(standing, dict):
                raise EditRefused(f"{'.'.join(sections[:number])} is not a section")
        now = standing.get(key, old)
        if (old is None or now == old) and (key not in standing or now != value):
            standing[key] = value
            _put_one(parts, tuple(sections), key, json.dumps(value, ensure_ascii=False))
    after = "".join(each.text for each in parts)
    try:
        if tomllib.loads(after) == wanted:
            return after
    except tomllib.TOMLDecodeError:
        pass
    names = dict.fromkeys(".".join(path[:-1]) for path in values)
    raise EditRefused(f"only a person can edit how this is written: {', '.join(f'[{each}]' for each in names)}")


def _put_one(parts: list[Statement], section: tuple[str, ...], key: str, value: str) -> None:
    last, size = None, len(section)
    for index, each in enumerate(parts):
        if each.sets[: size + 1] == (*section, key):
            each.text = _with_value(each.text, value)
            return
        if (each.is_header and each.path == section) or (each.sets[:size] == section and len(each.section) <= size):
            last = index
    name = ".".join(section)
    if last is None:
        blank = "\n" if parts and parts[-1].text.strip() else ""
        parts.append(Statement(f"{blank}[{name}]\n", section, section, is_header=True))
        last = len(parts) - 1
    for index, each in enumerate(parts):
        # Below the default of that name, which is a comment in a file that `edgevoice config init` has written.
        if each.section == section and re.match(rf"# {re.escape(key)} = .*[^\[\\]\n", each.text):
            last = index
    # In a section that is written without a header, as `panel.kind = "gpio"`, the whole name.
    path = (*section, key)[len(parts[last].section) :]
    parts.insert(last + 1, Statement(f"{'.'.join(path)} = {value}\n", parts[last].section, path))


def _with_value(text: str, value: str) -> str:
    """Return a line with another value and the comment behind it; a value of several lines becomes one."""
    name, _, rest = text.partition("=")
    comment = re.fullmatch(r"""\s*(?:"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[^#"'\n]*?)(\s*#[^\n]*)\n""", rest)
    return f"{name}={' ' * rest.startswith(' ')}{value}{comment[1] if comment else ''}\n"
