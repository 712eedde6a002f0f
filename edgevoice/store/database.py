"""Database: SQLite in the state folder. One thread owns the connection; what was committed survives a power cut."""

import contextlib
import os
import re
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import datetime
from pathlib import Path
from queue import SimpleQueue
from typing import Final, Self, TypeVar

from edgevoice import threads
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

_REMEDIES: Final = {
    sqlite3.SQLITE_BUSY: "Another program writes to it: try again.",
    **dict.fromkeys(_DAMAGED, "At its next start the box keeps it under another name and begins a new one."),
}
"""What helps against an error of SQLite's that more space on the disk does not help against."""

_CREATED: Final = re.compile(r"\bCREATE (?:VIRTUAL )?(?:TABLE|INDEX|TRIGGER) (\w+)")
"""What a migration adds, by name. A migration that renames or drops something must be read by this, too."""

_T = TypeVar("_T")
Work = Callable[[sqlite3.Connection], _T]


class Database:
    """A file of tables. ``migrations`` are SQL scripts: the first makes the tables, each other one changes them.

    The file holds how many have been applied (``user_version``). Only its owner may read it (0600), and it never grows
    beyond ``most_bytes``. One that is damaged, or whose tables are others, is set aside under another name and a new
    one begun; ``remark`` is then a line about it for the log. With ``is_read_only`` the file is left as it is, and a
    damaged one is refused.
    """

    def __init__(
        self, path: Path, migrations: Sequence[str], *, most_bytes: int = 64 * 2**20, is_read_only: bool = False
    ) -> None:
        self._path = path
        self._is_read_only = is_read_only
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

    async def remove_damaged(self) -> None:
        """Remove the damaged files that were set aside. Raises ``StorageUnavailable``."""
        await self._in_thread(self._remove_damaged)

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
        # What has been asked for is done, whether or not somebody still waits for it.
        return await threads.in_loop(done)

    @property
    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StorageUnavailable(f"{self._path} is not open")
        return self._connection

    def _open(self) -> None:
        try:
            self._connection = self._connect()
        except sqlite3.DatabaseError as error:
            if self._is_read_only or error.sqlite_errorcode & 0xFF not in _DAMAGED:
                raise
            self._set_aside()
            self._connection = self._connect()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> sqlite3.Connection:
        self._make_file()
        mode = "ro" if self._is_read_only else "rw"
        place = f"{self._path.absolute().as_uri()}?mode={mode}"
        connection = sqlite3.connect(place, timeout=_LOCKED_S, isolation_level=None, uri=True)
        try:
            for pragma in () if self._is_read_only else (*_PRAGMAS, f"max_page_count = {self._most_pages}"):
                connection.execute(f"PRAGMA {pragma}")
            _require_whole(connection)
            self._migrate(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _make_file(self) -> None:
        """Make the file unless it is there; one that may not be opened is refused here, where the reason is known."""
        kind = os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            if self._is_read_only:
                os.close(os.open(self._path, os.O_RDONLY | kind))
                return
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                # Its journals take the mode of the file.
                made = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL | kind, 0o600)
            except FileExistsError:
                os.close(os.open(self._path, os.O_RDWR | kind))
            else:
                _give_to_owner(made, self._path.parent)
        except OSError as error:
            raise StorageUnavailable.of(f"{self._path} cannot be opened", error) from error

    def _migrate(self, connection: sqlite3.Connection) -> None:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version < 0 or (version == 0 and _names_in(connection)):
            raise _damage("it holds tables, and no version of ours")
        if version > len(self._migrations):
            raise StorageUnavailable(
                f"{self._path} was written by a newer edgevoice", remedy="Update edgevoice, or move the file away."
            )
        if self._is_read_only and version < len(self._migrations):
            raise StorageUnavailable(
                f"{self._path} was written by an older edgevoice",
                remedy="Start the box once: it brings the file up to date.",
            )
        for number, script in enumerate(self._migrations[version:], version + 1):
            connection.executescript(f"BEGIN IMMEDIATE; {script}; PRAGMA user_version = {number}; COMMIT;")
        if not _names_in(connection).issuperset(_CREATED.findall(" ".join(self._migrations))):
            raise _damage("a table of it is missing")

    def _set_aside(self) -> None:
        stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S-%f")
        aside = self._path.with_name(f"{self._path.name}.damaged-{stamp}")
        self._path.replace(aside)
        for journal in ("-wal", "-shm"):
            self._path.with_name(self._path.name + journal).unlink(missing_ok=True)
        self.remark = f"{self._path} is damaged; it is kept as {aside.name}, and a new one was begun"
        for old in self._damaged()[:-_MOST_DAMAGED]:
            old.unlink(missing_ok=True)

    def _damaged(self) -> list[Path]:
        return sorted(self._path.parent.glob(f"{self._path.name}.damaged-*"))

    def _remove_damaged(self) -> None:
        for each in self._damaged():
            try:
                each.unlink(missing_ok=True)
            except OSError as error:
                raise StorageUnavailable.of(f"{each} cannot be removed", error) from error

    def _trouble(self, error: sqlite3.Error) -> Exception:
        """Return what SQLite's error is to a person; a fault of ours stays what it is."""
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code in {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISUSE, sqlite3.SQLITE_MISMATCH}:
            return error
        problem = f"{self._path} is damaged" if code in _DAMAGED else f"{self._path}: {error}"
        return StorageUnavailable(problem, remedy=_REMEDIES.get(code))


def _give_to_owner(file: int, folder: Path) -> None:
    """Give a new file to the owner of its folder: a command of root's must not shut the box out of its own file."""
    try:
        owner = folder.stat()
        if os.geteuid() == 0:
            os.fchown(file, owner.st_uid, owner.st_gid)
    finally:
        os.close(file)


def _require_whole(connection: sqlite3.Connection) -> None:
    if (found := connection.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
        raise _damage(found)


def _damage(found: str) -> sqlite3.DatabaseError:
    """Return the error with which SQLite itself reports a damaged file."""
    error = sqlite3.DatabaseError(found)
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


def _names_in(connection: sqlite3.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
