"""Memory: the household's record and earlier conversations, kept in a database.

Turns are dated, and grow old, by a `SteadyClock`: a machine without a battery for its clock and without a network wakes
up years ago. What was said then is dated anew once the clock is set. A clock that has jumped ahead makes nothing old
before the network has confirmed it, or for a day.
"""

import os
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self

import msgspec

from edgevoice.core.notices import Role
from edgevoice.core.printable import printable
from edgevoice.memory import household
from edgevoice.memory.household import Record
from edgevoice.steady_clock import BACK_S, ClockReading, SteadyClock, read_clocks
from edgevoice.store.database import Database
from edgevoice.store.rows import readable
from edgevoice.wall_clock import local_time

NAME: Final = "memory.db"

_LETTERS_PER_TOKEN: Final = 4
"""Close enough for a budget: English has some four letters per token in every family of models."""

_KEPT_SHARE: Final = 0.75
"""Share of the budget that is left after the oldest turns were dropped: in one go, so that the beginning of what the
model is given stays the same for many conversations, which is cheaper if the service caches it.
"""

_MOST_TURNS: Final = 20_000
_LONGEST: Final = 2000
"""Letters of a turn that are kept."""

_MIGRATIONS: Final = (
    """
    CREATE TABLE household (id INTEGER PRIMARY KEY CHECK (id = 1), record TEXT NOT NULL);
    CREATE TABLE service_state (id INTEGER PRIMARY KEY CHECK (id = 1), state TEXT NOT NULL);
    CREATE TABLE turn (id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, role TEXT NOT NULL, text TEXT NOT NULL);
    CREATE INDEX turn_at ON turn (at);
    CREATE TABLE boundary (id INTEGER PRIMARY KEY CHECK (id = 1), first_turn INTEGER NOT NULL);
    CREATE VIRTUAL TABLE turn_words USING fts5 (text, content = 'turn', content_rowid = 'id', tokenize = 'porter');
    CREATE TRIGGER turn_added AFTER INSERT ON turn BEGIN
        INSERT INTO turn_words (rowid, text) VALUES (new.id, new.text);
    END;
    CREATE TRIGGER turn_removed AFTER DELETE ON turn BEGIN
        INSERT INTO turn_words (turn_words, rowid, text) VALUES ('delete', old.id, old.text);
    END
    """,
)


@dataclass(frozen=True, slots=True)
class RememberedTurn:
    """What one side said, and when, in local time."""

    at: datetime
    role: Role
    text: str


class Memory:
    """Remembers in a file in ``folder``; ``read`` reads the machine's clocks. Open it with ``async with``.

    Turns are kept for ``days``; only those of the last ``recall_days`` are remembered, if they are given. With
    ``is_read_only`` nothing in the folder changes: a file that is damaged or missing is refused. Every method raises
    ``StorageUnavailable`` if the file cannot be read or written. Raises ``ValueError`` for no folder, or no days.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        days: int = 90,
        recall_days: int | None = None,
        read: Callable[[], ClockReading] = read_clocks,
        is_read_only: bool = False,
    ) -> None:
        if not os.fspath(folder):
            raise ValueError("a Memory needs a folder; write '.' for the current one")
        if days < 1:
            raise ValueError(f"days={days}: it must be a whole number, 1 or more")
        self._database = Database(Path(folder) / NAME, _MIGRATIONS, is_read_only=is_read_only)
        self._is_read_only = is_read_only
        self._days = days
        self._recall_days = recall_days
        self._read = read
        self._steady = SteadyClock()
        self._booted_s = self._doubtful_until_s = 0.0
        self._last_before = 0
        self._forgot_on: date | None = None

    async def __aenter__(self) -> Self:
        await self._database.__aenter__()
        self._last_before, known_s = await self._database.read(_last_said)
        self._steady = SteadyClock(known_s)
        reading = self._steady.read(self._read())
        self._booted_s = reading.wall_s - reading.boot_s
        if known_s and reading.wall_s - known_s > BACK_S:
            self._doubtful_until_s = reading.boot_s + BACK_S
        if not self._is_read_only:
            await self.forget_old()
        return self

    @property
    def remark(self) -> str:
        """A line about the file, for the log, if it was damaged and set aside when it was opened; else empty."""
        return self._database.remark

    async def __aexit__(self, *error: object) -> None:
        await self._database.__aexit__(*error)

    # --- the household ------------------------------------------------------------------------------------------------

    async def household(self) -> Record:
        """Return the record; empty if nothing has been remembered."""
        return await self._database.read(_record)

    async def change(self, change: Callable[[Record], Record]) -> Record:
        """Replace the record by the result of ``change``, and return it; if ``change`` raises, nothing changes."""

        def work(connection: sqlite3.Connection) -> Record:
            record = change(_record(connection))
            connection.execute(
                "INSERT OR REPLACE INTO household VALUES (1, ?)", (msgspec.json.encode(record).decode(),)
            )
            return record

        return await self._database.write(work)

    # --- what was said ------------------------------------------------------------------------------------------------

    async def add(self, *said: tuple[Role, str]) -> None:
        """Keep an exchange, whole or not at all; on a new day, turns that are too old by now are deleted."""
        await self._date_anew()
        at = self._now().isoformat()
        rows = [(at, role.value, kept) for role, text in said if (kept := text.strip()[:_LONGEST])]
        if rows:
            await self._database.write(
                lambda connection: connection.executemany("INSERT INTO turn (at, role, text) VALUES (?, ?, ?)", rows)
            )
        await self.forget_old()

    async def history(self, budget_tokens: int) -> list[RememberedTurn]:
        """Return the last turns, oldest first, for a new session: no more than the budget allows.

        If there are more, the oldest are dropped permanently in one chunk, down to three quarters of the budget; they
        can still be searched. On a new day, turns that are too old by now are deleted.
        """
        await self.forget_old()
        since = self._days_ago(self._recall_days)

        def work(connection: sqlite3.Connection) -> list[RememberedTurn]:
            (first,) = connection.execute("SELECT coalesce(max(first_turn), 0) FROM boundary").fetchone()
            rows = connection.execute(
                "SELECT id, at, role, text FROM turn WHERE id >= ? AND at >= ? ORDER BY id DESC LIMIT 500",
                (first, since),
            ).fetchall()
            if _tokens(rows) > budget_tokens:
                while rows and _tokens(rows) > budget_tokens * _KEPT_SHARE:
                    rows.pop()
                while rows and rows[-1][2] != Role.USER:
                    rows.pop()  # an answer without its question says little
                after = rows[-1][0] if rows else _last(connection) + 1
                connection.execute("INSERT OR REPLACE INTO boundary VALUES (1, ?)", (after,))
            return _turns(row[1:] for row in reversed(rows))

        return await self._database.write(work)

    async def count(self) -> int:
        """Return how many turns are kept."""
        return await self._database.read(
            lambda connection: int(connection.execute("SELECT count(*) FROM turn").fetchone()[0])
        )

    async def search(self, words: str, *, most: int = 5) -> list[RememberedTurn]:
        """Return the turns that hold all of ``words`` in any form, newest first."""
        if not (wanted := _phrases(words)):
            return []
        query = (
            "SELECT at, role, turn.text FROM turn_words JOIN turn ON turn.id = turn_words.rowid "
            "WHERE turn_words MATCH ? AND at >= ? ORDER BY turn.id DESC LIMIT ?"
        )
        since = self._days_ago(self._recall_days)
        return await self._database.read(lambda connection: _turns(connection.execute(query, (wanted, since, most))))

    async def turns(self, *, days: int | None = None) -> list[RememberedTurn]:
        """Return everything that is kept of what was said, oldest first; of the last ``days`` if they are given."""
        since = self._days_ago(days)
        query = "SELECT at, role, text FROM turn WHERE at >= ? ORDER BY id"
        return await self._database.read(lambda connection: _turns(connection.execute(query, (since,))))

    def _days_ago(self, days: int | None) -> str:
        return "" if days is None else (self._now() - timedelta(days=days)).isoformat()

    # --- the time -----------------------------------------------------------------------------------------------------

    def _now(self) -> datetime:
        """Return the local time, as it is to be believed."""
        return local_time(self._steady.read(self._read()).wall_s)

    async def _date_anew(self) -> bool:
        """Move the turns of this run to their right time if the clock was set by more than a day meanwhile.

        Returns whether the clock can be believed when it says that something is old.
        """
        reading = self._steady.read(self._read())
        moved_s = reading.wall_s - reading.boot_s - self._booted_s
        self._booted_s += moved_s
        if abs(moved_s) > BACK_S:
            self._doubtful_until_s = reading.boot_s + BACK_S
            await self._move(moved_s)
        return reading.is_set or reading.boot_s >= self._doubtful_until_s

    async def _move(self, moved_s: float) -> None:
        moved = timedelta(seconds=moved_s)

        def work(connection: sqlite3.Connection) -> None:
            rows = connection.execute("SELECT at, id FROM turn WHERE id > ?", (self._last_before,))
            dates = readable(rows, lambda row: (_local(datetime.fromisoformat(row[0]) + moved), row[1]), file=NAME)
            connection.executemany("UPDATE turn SET at = ? WHERE id = ?", dates)

        await self._database.write(work)

    # --- the service's own --------------------------------------------------------------------------------------------

    async def service_state(self) -> dict[str, Any] | None:
        """Return the state that the service gave us to keep; ``None`` if there is none."""

        def work(connection: sqlite3.Connection) -> dict[str, Any] | None:
            rows = connection.execute("SELECT state FROM service_state")
            return next(iter(readable(rows, lambda row: dict(msgspec.json.decode(row[0])), file=NAME)), None)

        return await self._database.read(work)

    async def keep_service_state(self, state: dict[str, Any]) -> None:
        """Keep what the service wants back with its next session, in place of what it gave us before."""
        text = msgspec.json.encode(state).decode()
        await self._database.write(
            lambda connection: connection.execute("INSERT OR REPLACE INTO service_state VALUES (1, ?)", (text,))
        )

    async def forget_service_state(self, words: str) -> bool:
        """Delete the service's state if it holds all of ``words``, ignoring case; return whether it did.

        It goes as a whole: only the service knows how its parts belong together.
        """
        wanted = words.casefold().split()

        def work(connection: sqlite3.Connection) -> bool:
            row = connection.execute("SELECT state FROM service_state").fetchone()
            if not wanted or row is None or not all(word in row[0].casefold() for word in wanted):
                return False
            connection.execute("DELETE FROM service_state")
            return True

        forgotten = await self._database.write(work)
        if forgotten:
            await self._write_back()
        return forgotten

    # --- forgetting ---------------------------------------------------------------------------------------------------

    async def forget_old(self) -> None:
        """Delete turns that are older than the days for which they are kept, and all but the last 20,000.

        It does so once a day, however often it is called.
        """
        is_believed = await self._date_anew()
        now = self._now()
        if not is_believed or now.date() == self._forgot_on:
            return
        before = self._days_ago(self._days)

        def work(connection: sqlite3.Connection) -> None:
            old = connection.execute("DELETE FROM turn WHERE at < ?", (before,)).rowcount
            more = connection.execute("DELETE FROM turn WHERE id <= ?", (_last(connection) - _MOST_TURNS,)).rowcount
            if old or more:
                _rebuild_index(connection)

        await self._database.write(work)
        self._forgot_on = now.date()

    async def forget_turns(self, words: str) -> int:
        """Delete the turns that hold all of ``words`` in any form; return how many there were."""
        if not (wanted := _phrases(words)):
            return 0

        def work(connection: sqlite3.Connection) -> int:
            found = connection.execute("SELECT rowid FROM turn_words WHERE turn_words MATCH ?", (wanted,)).fetchall()
            connection.executemany("DELETE FROM turn WHERE id = ?", found)
            if found:
                _rebuild_index(connection)
            return len(found)

        forgotten = await self._database.write(work)
        if forgotten:
            await self._write_back()
        return forgotten

    async def forget_all_turns(self) -> int:
        """Delete everything that was said, and return how many turns there were; the record stays.

        Files that were set aside because they were damaged are removed, as they hold turns, too.
        """

        def work(connection: sqlite3.Connection) -> int:
            count = connection.execute("DELETE FROM turn").rowcount
            _rebuild_index(connection)
            return count

        forgotten = await self._database.write(work)
        await self._write_back()
        await self._database.remove_damaged()
        return forgotten

    async def forget_everything(self) -> None:
        """Delete the record, all turns, and the service's state; nothing of them stays in the folder.

        Files that were set aside because they were damaged are removed.
        """

        def work(connection: sqlite3.Connection) -> None:
            for table in ("household", "service_state", "boundary", "turn"):
                connection.execute(f"DELETE FROM {table}")  # noqa: S608 - names of our own
            _rebuild_index(connection)

        await self._database.write(work)
        await self._write_back()
        await self._database.remove_damaged()

    async def _write_back(self) -> None:
        # The journal holds the old pages until it is written back.
        await self._database.read(lambda connection: connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall())


def _record(connection: sqlite3.Connection) -> Record:
    rows = connection.execute("SELECT record FROM household")
    return next(iter(readable(rows, lambda row: household.checked(msgspec.json.decode(row[0])), file=NAME)), {})


def _phrases(words: str) -> str:
    """Return a query for all of the words, none of which is treated as an operator; SQLite takes no half letters."""
    return " ".join('"{}"'.format(word.replace('"', '""')) for word in printable(words).split())


def _rebuild_index(connection: sqlite3.Connection) -> None:
    # A deleted word stays in the pages of the index until they are merged.
    connection.execute("INSERT INTO turn_words (turn_words) VALUES ('rebuild')")


def _last_said(connection: sqlite3.Connection) -> tuple[int, float]:
    """Return the number of the last turn, and when it was said in seconds since the epoch: 0 if nobody knows."""
    rows = connection.execute("SELECT at FROM turn ORDER BY id DESC LIMIT 1")
    moments = readable(rows, lambda row: datetime.fromisoformat(row[0]).timestamp(), file=NAME)
    return _last(connection), max(moments, default=0.0)


def _local(moment: datetime) -> str:
    return local_time(moment.timestamp()).isoformat()


def _last(connection: sqlite3.Connection) -> int:
    (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM turn").fetchone()
    return int(last)


def _tokens(rows: list[Any]) -> int:
    return sum(len(str(row[3])) for row in rows) // _LETTERS_PER_TOKEN


def _turns(rows: Iterable[tuple[str, str, str]]) -> list[RememberedTurn]:
    return readable(rows, _turn, file=NAME)


def _turn(row: tuple[str, str, str]) -> RememberedTurn:
    return RememberedTurn(datetime.fromisoformat(row[0]), Role(row[1]), row[2])
