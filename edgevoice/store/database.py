"""Database: SQLite in the state folder. One thread owns the connection; what was committed survives a power cut."""

import asyncio
import contextlib
import os
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import datetime
from pathlib import Path
from queue import SimpleQueue
from typing import Final, Self, TypeVar

from edgevoice.errors import StorageUnavailable

_MOST_WAITING: Final = 1000
"""Requests that may wait for the disk: a box makes a few a minute."""

_LOCKED_S: Final = 2.0
"""How long a command that writes to the same file may make the box wait, or the box a command."""

_PAGE_BYTES: Final = 4096
_DAMAGED: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_MOST_DAMAGED: Final = 2
"""Damaged files that are kept, newest first, for whoever wants to save something from them."""

_PRAGMAS: Final = (
    # Readers do not wait for a writer; a commit is one append and one fsync.
    "journal_mode = WAL",
    "synchronous = FULL",
    "foreign_keys = ON",
    # What is deleted is overwritten: "forget everything" means it.
    "secure_delete = ON",
)

_T = TypeVar("_T")
Work = Callable[[sqlite3.Connection], _T]


class Database:
    """A file of tables. ``migrations`` are SQL scripts: the first makes the tables, each other one changes them.

    How many have been applied stands in the file (``user_version``). The file is its owner's only (0600) and never
    larger than ``most_bytes``. One that is damaged is set aside under another name and a new one begun; ``remark`` is a
    line about it then, for the log.
    """

    def __init__(self, path: Path, migrations: Sequence[str], *, most_bytes: int = 64 * 2**20) -> None:
        self._path = path
        self._migrations = tuple(migrations)
        self._most_pages = most_bytes // _PAGE_BYTES
        self._waiting: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._connection: sqlite3.Connection | None = None
        self.remark = ""

    async def __aenter__(self) -> Self:
        """Open the file, in the owner's thread. Raises ``StorageUnavailable``."""
        self._thread = threading.Thread(target=self._own, name="database", daemon=True)
        self._thread.start()
        try:
            await self._in_thread(self._open)
        except BaseException:
            self._waiting.put(None)
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Wait for what has been asked for, then close the file."""
        with contextlib.suppress(StorageUnavailable):
            await self._in_thread(self._close)
        self._waiting.put(None)

    async def read(self, work: Work[_T]) -> _T:
        """Return what ``work`` finds; it gets the connection, in the owner's thread. Raises ``StorageUnavailable``."""
        return await self._in_thread(lambda: work(self._opened))

    async def write(self, work: Work[_T]) -> _T:
        """Do ``work`` in one transaction, wholly or not at all; once this returns, a power cut takes nothing of it.

        Raises ``StorageUnavailable``, and what ``work`` raises: nothing has changed then.
        """

        def transaction() -> _T:
            connection = self._opened
            connection.execute("BEGIN IMMEDIATE")
            try:
                result = work(connection)
                connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                raise
            return result

        return await self._in_thread(transaction)

    # --- the owner's thread -------------------------------------------------------------------------------------------

    def _own(self) -> None:
        while (act := self._waiting.get()) is not None:
            act()

    async def _in_thread(self, function: Callable[[], _T]) -> _T:
        if self._waiting.qsize() >= _MOST_WAITING:
            raise StorageUnavailable(f"{self._path}: {_MOST_WAITING} requests wait for the disk")
        done: Future[_T] = Future()
        done.set_running_or_notify_cancel()

        def act() -> None:
            try:
                done.set_result(function())
            except sqlite3.Error as error:
                done.set_exception(self._trouble(error))
            except Exception as error:  # noqa: BLE001 - it is raised where the result is awaited
                done.set_exception(error)

        self._waiting.put(act)
        # Shielded: what has been asked for is done, whether or not somebody still waits for it.
        return await asyncio.shield(asyncio.wrap_future(done))

    @property
    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StorageUnavailable(f"{self._path} is not open")
        return self._connection

    def _open(self) -> None:
        try:
            self._connection = self._connect()
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode & 0xFF not in _DAMAGED:
                raise
            self._set_aside()
            self._connection = self._connect()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> sqlite3.Connection:
        self._make_file()
        connection = sqlite3.connect(self._path, timeout=_LOCKED_S, isolation_level=None)
        try:
            for pragma in (*_PRAGMAS, f"max_page_count = {self._most_pages}"):
                connection.execute(f"PRAGMA {pragma}")
            _require_whole(connection)
            self._migrate(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _make_file(self) -> None:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Its journals take the mode of the file.
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
        except OSError as error:
            raise StorageUnavailable(f"{self._path} cannot be opened: {error.strerror}") from error

    def _migrate(self, connection: sqlite3.Connection) -> None:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > len(self._migrations):
            raise StorageUnavailable(
                f"{self._path} was written by a newer edgevoice", remedy="Update edgevoice, or move the file away."
            )
        for number, script in enumerate(self._migrations[version:], version + 1):
            connection.executescript(f"BEGIN IMMEDIATE; {script}; PRAGMA user_version = {number}; COMMIT;")

    def _set_aside(self) -> None:
        stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S-%f")
        aside = self._path.with_name(f"{self._path.name}.damaged-{stamp}")
        self._path.replace(aside)
        for journal in ("-wal", "-shm"):
            self._path.with_name(self._path.name + journal).unlink(missing_ok=True)
        self.remark = f"{self._path} is damaged; it is kept as {aside.name}, and a new one was begun"
        for old in sorted(self._path.parent.glob(f"{self._path.name}.damaged-*"))[:-_MOST_DAMAGED]:
            old.unlink(missing_ok=True)

    def _trouble(self, error: sqlite3.Error) -> Exception:
        """Return what SQLite's error is to a person; a fault of ours stays what it is."""
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code in {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISUSE, sqlite3.SQLITE_MISMATCH}:
            return error
        return StorageUnavailable(f"{self._path}: {error}")


def _require_whole(connection: sqlite3.Connection) -> None:
    if (found := connection.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
        error = sqlite3.DatabaseError(found)
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error
