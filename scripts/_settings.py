"""Put values into a settings file as a person would: each in its place, and everything else as it stands.

    python3 -I -B scripts/_settings.py PLACE VALUES [OLD]

VALUES is a file of sections with texts, whole numbers and truth values. With OLD, a text, a value is put only where
this text stands, or nothing. Needs nothing but Python 3.11, because scripts/setup runs it on the system's.
"""

import importlib.util
import json
import os
import re
import shutil
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any


def _reader() -> ModuleType:
    """Return the module by which the daemon reads the file, so that it is read alike; it needs no package."""
    place = Path(__file__).resolve().parents[1] / "edgevoice" / "settings" / "text.py"
    found = importlib.util.spec_from_file_location("settings_text", place)
    if found is None or found.loader is None:
        sys.exit(f"{place} is not there: this folder is not whole")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


reader = _reader()


class Refused(Exception):
    """The file is not one that can be edited; the text says why, in one line."""


@dataclass(slots=True)
class Statement:
    """One entry of a TOML document, of as many lines as it has: a header, a key with its value, or a comment."""

    text: str
    section: tuple[str, ...] = ()
    """The header that it stands below."""
    path: tuple[str, ...] = ()
    """What it sets, below its section; of a header the section itself; nothing for a comment."""
    is_header: bool = False

    @property
    def sets(self) -> tuple[str, ...]:
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


def put(text: str, values: dict[str, dict[str, Any]], old: str | None = None) -> str:
    """Return the document with these values in their sections; raise Refused if that is beyond this."""
    try:
        wanted = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Refused(f"it is no TOML: {error}") from error
    parts = list(statements(text if text.endswith("\n") or not text else f"{text}\n"))
    for section, entries in values.items():
        standing = wanted.setdefault(section, {})
        if not isinstance(standing, dict):
            raise Refused(f"{section} is no section")
        for key, value in entries.items():
            now = standing.get(key, old)
            if (old is None or now == old) and (key not in standing or now != value):
                standing[key] = value
                _put_one(parts, section, key, json.dumps(value, ensure_ascii=False))
    after = "".join(each.text for each in parts)
    try:
        if tomllib.loads(after) == wanted:
            return after
    except tomllib.TOMLDecodeError:
        pass
    raise Refused(f"only a person can edit how this is written: {', '.join(f'[{each}]' for each in values)}")


def _put_one(parts: list[Statement], section: str, key: str, value: str) -> None:
    last = None
    for index, each in enumerate(parts):
        if each.sets[:2] == (section, key):
            each.text = _with_value(each.text, value)
            return
        if (each.is_header and each.path == (section,)) or (each.sets[:1] == (section,) and len(each.section) < 2):
            last = index
    if last is None:
        blank = "\n" if parts and parts[-1].text.strip() else ""
        parts.append(Statement(f"{blank}[{section}]\n", (section,), (section,), is_header=True))
        last = len(parts) - 1
    for index, each in enumerate(parts):
        # Below the default of that name, which is a comment in a file that `edgevoice config init` has written.
        if each.section == (section,) and re.match(rf"# {re.escape(key)} = .*[^\[\\]\n", each.text):
            last = index
    # In a section that is written without a header, as `panel.kind = "gpio"`, the whole name.
    name = key if parts[last].section else f"{section}.{key}"
    parts.insert(last + 1, Statement(f"{name} = {value}\n", parts[last].section, tuple(name.split("."))))


def _with_value(text: str, value: str) -> str:
    """Return a line with another value and the comment behind it; a value of several lines becomes one."""
    name, _, rest = text.partition("=")
    comment = re.fullmatch(r"""\s*(?:"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[^#"'\n]*?)(\s*#[^\n]*)\n""", rest)
    return f"{name}={' ' * rest.startswith(' ')}{value}{comment[1] if comment else ''}\n"


def main(place: str, values: str, old: str | None = None) -> None:
    """Edit the file; as a new one that takes its place, so that an interruption leaves one of both, whole."""
    file = Path(place).resolve()
    content = file.read_bytes()
    try:
        text = reader.decoded(content)
    except reader.NotText as error:
        raise Refused(str(error)) from error
    after = put(text, tomllib.loads(Path(values).read_text(encoding="utf-8")), old)
    if after == text:
        return
    new, before = file.with_name(f"{file.name}.new"), file.stat()
    new.touch(mode=0o600)
    os.chown(new, before.st_uid, before.st_gid)
    shutil.copymode(file, new)
    # Lines end as they did.
    with new.open("w", encoding="utf-8", newline="\r\n" if b"\r\n" in content else "\n") as opened:
        opened.write(after)
        opened.flush()
        os.fsync(opened.fileno())
    new.replace(file)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Refused as refused:
        sys.exit(f"{sys.argv[1]}: {refused}")
