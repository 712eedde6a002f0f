"""Where timers, alarms and reminders are kept: a file of its own in the state folder, which survives a power cut."""

import os
import sqlite3
from collections.abc import Iterable
from dataclasses import astuple, replace
from datetime import UTC
from pathlib import Path
from typing import Any, Final, Self

import msgspec

from edgevoice.alarms.rings import ScheduledRing
from edgevoice.alarms.schedule import in_zone
from edgevoice.store.database import Database
from edgevoice.store.rows import readable

NAME: Final = "alarms.db"

MIGRATIONS: Final = (
    """
    CREATE TABLE ring (
        kind TEXT NOT NULL,
        label TEXT NOT NULL,
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        due_wall_s REAL NOT NULL,
        due_boot_s REAL,
        boot_id TEXT NOT NULL,
        seconds INTEGER NOT NULL,
        first TEXT NOT NULL,
        rule TEXT NOT NULL,
        since_s REAL NOT NULL
    );
    CREATE TABLE known_time (one INTEGER PRIMARY KEY CHECK (one = 1), wall_s REAL NOT NULL)
    """,
    "ALTER TABLE ring ADD COLUMN paused_s REAL",
)

_MOST_BYTES: Final = 4 * 2**20
_COLUMNS: Final = "kind, label, id, due_wall_s, due_boot_s, boot_id, seconds, first, rule, since_s, paused_s"
_FIELDS: Final = tuple(ScheduledRing.__dataclass_fields__)

_LATEST_S: Final = 1e11
"""A wall time in some 3,000 years: later ones are no dates."""


class AlarmBook:
    """Keeps rings in ``folder``; an async context manager, which opens the file: ``StorageUnavailable``.

    ``remark`` is a line for the log if the file was damaged. With ``is_read_only`` nothing in the folder changes: a
    file that is damaged or missing is refused.
    """

    def __init__(self, folder: Path, *, is_read_only: bool = False) -> None:
        self._database = Database(folder / NAME, MIGRATIONS, most_bytes=_MOST_BYTES, is_read_only=is_read_only)
        # A commit goes to the journal, and from there to the file.
        self._files = (folder / NAME, folder / f"{NAME}-wal")

    @property
    def remark(self) -> str:
        """What is to be logged of the file, empty if nothing is."""
        return self._database.remark

    async def __aenter__(self) -> Self:
        """Open the file."""
        await self._database.__aenter__()
        return self

    async def __aexit__(self, *details: object) -> None:
        """Close it."""
        await self._database.__aexit__(*details)

    async def rings(self) -> list[ScheduledRing]:
        """Return everything that is kept and can be read, in the order in which it was set."""

        def work(connection: sqlite3.Connection) -> list[ScheduledRing]:
            rows = connection.execute(f"SELECT {_COLUMNS} FROM ring ORDER BY id").fetchall()  # noqa: S608 - our own
            return readable(rows, _ring, file=NAME)

        return await self._database.read(work)

    async def known_s(self) -> float:
        """Return the last wall time that was known, in seconds since the epoch; 0 if none was."""

        def work(connection: sqlite3.Connection) -> float:
            row = connection.execute("SELECT wall_s FROM known_time").fetchone()
            return 0.0 if row is None else float(row[0])

        return await self._database.read(work)

    async def know(self, wall_s: float) -> None:
        """Keep the wall time."""
        await self._database.write(
            lambda connection: connection.execute("INSERT OR REPLACE INTO known_time VALUES (1, ?)", (wall_s,))
        )

    async def keep(self, ring: ScheduledRing) -> ScheduledRing:
        """Keep one, in the place of that with its id, and return it with its id."""
        values = (*astuple(ring)[:2], ring.ring_id or None, *astuple(ring)[3:])

        def work(connection: sqlite3.Connection) -> int:
            places = ", ".join("?" * len(values))
            cursor = connection.execute(
                f"INSERT OR REPLACE INTO ring ({_COLUMNS}) VALUES ({places})",  # noqa: S608 - our own
                values,
            )
            return int(cursor.lastrowid or 0)

        return replace(ring, ring_id=await self._database.write(work))

    async def drop(self, ring_ids: Iterable[int]) -> None:
        """Keep these no longer."""
        ids = [(ring_id,) for ring_id in ring_ids]
        await self._database.write(lambda connection: connection.executemany("DELETE FROM ring WHERE id = ?", ids))

    async def version(self) -> int:
        """Return a number that changes whenever another process changes what is kept."""

        def work(connection: sqlite3.Connection) -> int:
            return int(connection.execute("PRAGMA data_version").fetchone()[0])

        return await self._database.read(work)

    def stamp(self) -> object:
        """Return what differs after each commit, by whomever: the kernel knows it without the disk."""
        return [_stamp_of(file) for file in self._files]


def _ring(row: tuple[Any, ...]) -> ScheduledRing:
    """Return what a row holds; raises ``ValueError`` or ``OverflowError`` for what could not ring."""
    ring = msgspec.convert(dict(zip(_FIELDS, row, strict=True)), ScheduledRing)
    if not max(abs(ring.due_wall_s), abs(ring.since_s), abs(ring.paused_s or 0)) < _LATEST_S:  # nor is nan
        raise ValueError("a time is none")
    in_zone(ring, UTC)
    return ring


def _stamp_of(file: Path) -> tuple[int, int, int] | None:
    try:
        found = os.stat(file)  # noqa: PTH116 - half the cost of Path's
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
