"""The settings as the page shows them, checks them and has them written."""

import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import inspect

from edgevoice.page.changeable import may_change
from edgevoice.page.settings_text import ChangeRefused, Changes, changed
from edgevoice.settings.catalogue import ENTRIES, HIDDEN, Entry, sections
from edgevoice.settings.file import SYSTEM_FILE, SettingsRefused, load
from edgevoice.settings.text import NotText, decoded
from edgevoice.store.files import rewrite

WRITER: Final = Path("/run/edgevoice-page/settings.sock")
"""Where systemd starts `settings_writer` with the rights that the page does not have."""

_WRITER_S: Final = 15.0

Fields = dict[str, Any]


class SettingsFile:
    """The file at ``path``, or none; ``writer`` is the socket of the program that may write it if we may not."""

    def __init__(self, path: Path | None, writer: Path = WRITER) -> None:
        self._path = path
        self._writer = writer

    def shown(self) -> Fields:
        """Return every setting with its value, and the error lines of a file that is refused. Never a key."""
        faults: tuple[str, ...] = ()
        values: Mapping[str, Any] = {}
        origins: Mapping[str, str] = {}
        if self._path is not None:
            try:
                loaded = load(self._path, {})
            except SettingsRefused as refused:
                faults = refused.faults
            else:
                origins = loaded.origins
                values = {dotted: _value(loaded.settings, entry) for dotted, entry in ENTRIES.items()}
        rows: dict[str, list[Fields]] = {section: [] for section in sections()}
        for dotted, entry in ENTRIES.items():
            rows[entry.section].append(_row(entry, values.get(dotted, entry.default), is_set=dotted in origins))
        return {
            "file": str(self._path or SYSTEM_FILE),
            "may_write": self.may_write,
            "faults": faults,
            "sections": [
                {"name": name, "about": _about(struct), "settings": rows[name]} for name, struct in sections().items()
            ],
        }

    @property
    def may_write(self) -> bool:
        """Whether a change can be written."""
        return self._path is not None and (_is_writable(self._path) or self._writer.exists())

    def check(self, changes: Changes) -> tuple[str, ...]:
        """Return the error lines that the file would give with these changes."""
        try:
            self._changed(changes)
        except ChangeRefused as refused:
            return refused.faults
        return ()

    async def write(self, changes: Changes) -> None:
        """Write the changes. Raises ``ChangeRefused``."""
        text = self._changed(changes)
        if self._path is None or not self.may_write:
            raise ChangeRefused((f"the page may not write {self._path or SYSTEM_FILE}; change it there",))
        if not _is_writable(self._path):
            await self._have_written(changes)
            return
        try:
            rewrite(self._path, text.encode())
        except OSError as error:
            raise ChangeRefused((unwritten(self._path, error),)) from None

    def _changed(self, changes: Changes) -> str:
        if self._path is None:
            raise ChangeRefused((f"there is no settings file; `edgevoice config init` writes {SYSTEM_FILE}",))
        return changed(read_text(self._path), changes, self._path.name)

    async def _have_written(self, changes: Changes) -> None:
        try:
            async with asyncio.timeout(_WRITER_S):
                reader, writer = await asyncio.open_unix_connection(self._writer)
                try:
                    writer.write(json.dumps(changes).encode() + b"\n")
                    reply = json.loads(await reader.readline())
                finally:
                    writer.close()
            faults = tuple(map(str, reply["faults"]))
        except (OSError, TimeoutError, ValueError, LookupError, TypeError):
            raise ChangeRefused(("the program that writes the settings does not answer",)) from None
        if faults:
            raise ChangeRefused(faults)


def read_text(path: Path) -> str:
    """Return the text of a settings file. Raises ``ChangeRefused``."""
    try:
        return decoded(path.read_bytes())
    except (OSError, NotText) as error:
        problem = error.strerror if isinstance(error, OSError) else str(error)
        raise ChangeRefused((f"{path.name}: {problem}",)) from None


def unwritten(path: Path, error: OSError) -> str:
    """Return the line that says why a settings file was not written."""
    return f"{path.name} cannot be written: {error.strerror}"


def _is_writable(path: Path) -> bool:
    """Return whether we may replace the file: both it and its folder must be ours to write."""
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)


def _value(settings: Any, entry: Entry) -> Any:
    return getattr(getattr(settings, entry.section), entry.name)


def _about(struct: type) -> str:
    return " ".join((struct.__doc__ or "").partition("\n\n")[0].split())


def _row(entry: Entry, value: Any, *, is_set: bool) -> Fields:
    kind, bounds = _kind(entry)
    # A table may hold headers and arguments with secrets in them, so it is not shown at all.
    is_key_possible = entry.is_private and isinstance(entry.kind, inspect.StrType)
    is_hidden = (is_key_possible and value not in {"", "local"}) or isinstance(entry.kind, inspect.DictType)
    return {
        "name": entry.dotted,
        "about": entry.description,
        "value": HIDDEN if is_hidden else value,
        "default": HIDDEN if is_hidden else entry.default,
        "is_set": is_set,
        "may_change": may_change(entry.dotted),
        "unit": entry.unit,
        "kind": kind,
        **bounds,
    }


def _kind(entry: Entry) -> tuple[str, Fields]:
    """Return how a browser edits a setting, with its bounds."""
    kind = entry.kind
    if isinstance(kind, inspect.UnionType):
        kind = next((each for each in kind.types if not isinstance(each, inspect.NoneType)), kind)
        kind = kind.type if isinstance(kind, inspect.Metadata) else kind
    match kind:
        case inspect.BoolType():
            return "switch", {}
        case inspect.LiteralType(values=values):
            return "choice", {"choices": values}
        case inspect.IntType(ge=low, le=high):
            return "number", {"low": low, "high": high, "step": 1}
        case inspect.FloatType(ge=low, le=high):
            return "number", {"low": low, "high": high, "step": "any"}
        case inspect.StrType() if entry.name.startswith(("begin", "end", "night_")):
            return "time", {}
        case inspect.StrType() if len(str(entry.default)) > 80:
            return "long", {}
        case inspect.StrType():
            return "text", {}
        case _:
            return "other", {}
