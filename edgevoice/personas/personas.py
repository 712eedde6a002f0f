"""Personas: their versions, drafts and the choice among them, kept in a database."""

import os
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Self, TypeVar

import msgspec

from edgevoice.errors import PersonaInvalid, StorageUnavailable
from edgevoice.personas import state as states
from edgevoice.personas.persona import DEFAULT, Persona
from edgevoice.personas.presets import PRESETS
from edgevoice.personas.state import EVERYWHERE, PersonaState
from edgevoice.store.database import Database
from edgevoice.store.files import DAMAGED
from edgevoice.store.rows import readable
from edgevoice.wall_clock import local_now

NAME: Final = "personas.db"

_MOST_PERSONAS: Final = 100
_MOST_VERSIONS: Final = 50
"""Versions of one persona that are kept; the oldest are deleted, and never the one in force."""

_MOST_BYTES: Final = 64 * 2**20

_T = TypeVar("_T")

_MIGRATIONS: Final = (
    """
    CREATE TABLE version (
        name TEXT NOT NULL, number INTEGER NOT NULL, at TEXT NOT NULL, record TEXT NOT NULL, PRIMARY KEY (name, number)
    );
    CREATE TABLE draft (name TEXT PRIMARY KEY, at TEXT NOT NULL, record TEXT NOT NULL);
    CREATE TABLE state (id INTEGER PRIMARY KEY CHECK (id = 1), state TEXT NOT NULL)
    """,
)


@dataclass(frozen=True, slots=True)
class Shelf:
    """What there is at one moment: the state, and each persona in the version that is in force."""

    state: PersonaState
    personas: Mapping[str, Persona]
    drafts: frozenset[str] = frozenset()

    def find(self, name: str) -> Persona:
        """Return a persona by its name, which may be written as it is spoken: "Night owl"."""
        written = "-".join(name.casefold().replace("_", " ").split())
        if written == DEFAULT:
            return Persona(name=DEFAULT)
        if written not in self.personas:
            raise PersonaInvalid(f"there is no persona {name[:32]!r}; there are {', '.join(self.names)}")
        return self.personas[written]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all personas."""
        return (DEFAULT, *self.personas)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a persona; ``at`` is when it was put in force for the first time, local time."""

    number: int
    at: datetime | None
    persona: Persona


class Personas:
    """Keeps personas in a file in ``folder``; ``now`` returns the local time. Open it with ``async with``.

    With ``is_read_only`` nothing in the folder changes: a file that is damaged or missing is refused. Every method
    raises ``StorageUnavailable`` if the file cannot be read or written, and changes nothing if it raises. A record
    that cannot be read costs only itself, and is logged.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        now: Callable[[], datetime] = local_now,
        is_read_only: bool = False,
    ) -> None:
        self._database = Database(Path(folder) / NAME, _MIGRATIONS, most_bytes=_MOST_BYTES, is_read_only=is_read_only)
        self._now = now

    async def __aenter__(self) -> Self:
        await self._database.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._database.__aexit__(*error)

    @property
    def remark(self) -> str:
        """A line about the file, for the log, if it was damaged and set aside when it was opened; else empty."""
        return self._database.remark

    # --- what there is ------------------------------------------------------------------------------------------------

    async def shelf(self) -> Shelf:
        """Return what there is."""
        return await self._database.read(_shelf)

    async def versions(self, name: str) -> list[Version]:
        """Return the versions of a persona, oldest first; the one that ships is version 0."""

        def work(connection: sqlite3.Connection) -> list[Version]:
            rows = connection.execute("SELECT number, at, record FROM version WHERE name = ? ORDER BY number", (name,))
            own = [Version(number, datetime.fromisoformat(at), _persona(record)) for number, at, record in rows]
            return [Version(0, None, PRESETS[name]), *own] if name in PRESETS else own

        return await self._database.read(work)

    async def draft(self, name: str) -> Persona | None:
        """Return the draft of a persona; ``None`` if there is none."""
        return await self._database.read(lambda connection: _draft(connection, name))

    # --- changes ------------------------------------------------------------------------------------------------------

    async def change(self, change: Callable[[Shelf], PersonaState]) -> Shelf:
        """Replace the state by the result of ``change``, and return what there is then."""

        def work(connection: sqlite3.Connection) -> Shelf:
            before = _shelf(connection)
            state = change(before)
            if state is not before.state:
                _keep(connection, state)
            return _shelf(connection)

        return await self._database.write(work)

    async def save_draft(self, persona: Persona) -> None:
        """Keep a draft, which nothing uses until it is activated; it replaces an older one of that name."""

        def work(connection: sqlite3.Connection) -> None:
            names = {name for (name,) in connection.execute("SELECT name FROM version UNION SELECT name FROM draft")}
            if len(names | {persona.name}) > _MOST_PERSONAS:
                raise PersonaInvalid(
                    f"there are {_MOST_PERSONAS} personas already",
                    remedy="`edgevoice persona remove NAME` removes one.",
                )
            row = (persona.name, self._now().isoformat(), _text(persona))
            connection.execute("INSERT OR REPLACE INTO draft VALUES (?, ?, ?)", row)

        await self._database.write(work)

    async def drop_draft(self, name: str) -> bool:
        """Remove the draft of a persona; return whether there was one."""
        return await self._database.write(
            lambda connection: connection.execute("DELETE FROM draft WHERE name = ?", (name,)).rowcount > 0
        )

    async def activate(self, name: str, *, place: str = EVERYWHERE, number: int | None = None) -> int:
        """Let a persona speak in a place, in a version or else in its draft, which then becomes a version.

        Without a draft and without ``number`` it speaks in the version in force. Returns the version. Raises
        ``PersonaInvalid`` if there is no such persona or version.
        """

        def work(connection: sqlite3.Connection) -> int:
            shelf = _shelf(connection)
            draft = _draft(connection, name) if number is None else None
            if draft is not None:
                version = self._add(connection, draft)
            else:
                version = shelf.state.versions.get(name, 0) if number is None else number
                draft = _version(connection, name, version)
            state = states.activate(shelf.state, place, draft, version)
            if state is not shelf.state:
                _keep(connection, state)
            _drop_old(connection, name, state)
            return version

        return await self._database.write(work)

    def _add(self, connection: sqlite3.Connection, draft: Persona) -> int:
        connection.execute("DELETE FROM draft WHERE name = ?", (draft.name,))
        newest = connection.execute("SELECT coalesce(max(number), 0) FROM version WHERE name = ?", (draft.name,))
        number = int(newest.fetchone()[0]) + 1
        row = (draft.name, number, self._now().isoformat(), _text(draft))
        connection.execute("INSERT INTO version VALUES (?, ?, ?, ?)", row)
        return number

    async def remove(self, name: str) -> bool:
        """Remove every version and the draft of a persona; return whether there were any. One that ships stays."""

        def work(connection: sqlite3.Connection) -> bool:
            shelf = _shelf(connection)
            removed = sum(
                connection.execute(f"DELETE FROM {table} WHERE name = ?", (name,)).rowcount  # noqa: S608 - our own
                for table in ("version", "draft")
            )
            if removed:
                _keep(connection, states.forget(shelf.state, name))
            return removed > 0

        return await self._database.write(work)


def _shelf(connection: sqlite3.Connection) -> Shelf:
    """Return what can be read: a record that cannot be must not keep the box from answering."""
    rows = connection.execute("SELECT state FROM state")
    state = next(iter(readable(rows, lambda row: _decoded(row[0], PersonaState), file=NAME)), PersonaState())
    own = dict(readable(state.versions.items(), lambda each: (each[0], _version(connection, *each)), file=NAME))
    state = msgspec.structs.replace(state, versions={name: state.versions[name] for name in own})
    drafts = connection.execute("SELECT name FROM draft")
    return Shelf(state, {**PRESETS, **dict(sorted(own.items()))}, frozenset(name for (name,) in drafts))


def _version(connection: sqlite3.Connection, name: str, number: int) -> Persona:
    if number == 0:
        if name == DEFAULT:
            return Persona(name=DEFAULT)
        if name in PRESETS:
            return PRESETS[name]
    row = connection.execute("SELECT record FROM version WHERE name = ? AND number = ?", (name, number)).fetchone()
    if row is not None:
        return _persona(row[0])
    if number:
        raise PersonaInvalid(f"there is no version {number} of the persona {name}")
    raise PersonaInvalid(f"there is no persona {name}")


def _draft(connection: sqlite3.Connection, name: str) -> Persona | None:
    row = connection.execute("SELECT record FROM draft WHERE name = ?", (name,)).fetchone()
    return None if row is None else _persona(row[0])


def _drop_old(connection: sqlite3.Connection, name: str, state: PersonaState) -> None:
    needed = {change.version for change in state.past if change.name == name} | {state.versions.get(name)}
    rows = connection.execute("SELECT number FROM version WHERE name = ? ORDER BY number DESC", (name,)).fetchall()
    for (number,) in rows[_MOST_VERSIONS:]:
        if number not in needed:
            connection.execute("DELETE FROM version WHERE name = ? AND number = ?", (name, number))


def _keep(connection: sqlite3.Connection, state: PersonaState) -> None:
    connection.execute("INSERT OR REPLACE INTO state VALUES (1, ?)", (msgspec.json.encode(state).decode(),))


def _persona(record: str) -> Persona:
    return _decoded(record, Persona)


def _decoded(text: str, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(text, type=kind)
    except DAMAGED as error:
        # The file's structure is whole, else it would have been set aside.
        raise StorageUnavailable(
            f"{NAME} holds a record that cannot be read",
            remedy=f"Move {NAME} in the state folder away, or restore it from a backup.",
        ) from error


def _text(persona: Persona) -> str:
    return msgspec.json.encode(persona).decode()
