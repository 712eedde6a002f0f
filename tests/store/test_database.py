import asyncio
import gc
import os
import random
import sqlite3
import stat
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from edgevoice.errors import StorageUnavailable
from edgevoice.host.strays import strays_caught
from edgevoice.store import database as database_module
from edgevoice.store.database import Database
from tests.killing import killed

FIRST = "CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL)"
SECOND = "ALTER TABLE note ADD COLUMN about TEXT NOT NULL DEFAULT ''"
THIRD = "CREATE INDEX about ON note (about)"
EVERY = (FIRST, SECOND, THIRD)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "box.db"


def used(path: Path, program: Callable[[Database], Awaitable[None]], *migrations: str, most_bytes: int = 2**20) -> None:
    async def scene() -> None:
        async with Database(path, migrations or EVERY, most_bytes=most_bytes) as database:
            await program(database)

    asyncio.run(scene())


def put(text: str) -> Callable[[sqlite3.Connection], object]:
    return lambda connection: connection.execute("INSERT INTO note (text) VALUES (?)", (text,))


def texts(connection: sqlite3.Connection) -> list[str]:
    return [text for (text,) in connection.execute("SELECT text FROM note ORDER BY id")]


async def holds_nothing(database: Database) -> None:
    assert await database.read(texts) == []


def test_written_data_survives_a_restart(path: Path) -> None:
    async def write(database: Database) -> None:
        await database.write(put("eggs"))

    async def read(database: Database) -> None:
        assert await database.read(texts) == ["eggs"]

    used(path, write)
    used(path, read)


def test_only_the_owner_can_read_the_file(path: Path) -> None:
    async def write(database: Database) -> None:
        await database.write(put("eggs"))
        for each in path.parent.iterdir():
            assert stat.S_IMODE(each.stat().st_mode) == 0o600, each.name

    used(path, write)

    assert [each.name for each in path.parent.iterdir()] == ["box.db"]
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("version", range(len(EVERY)))
def test_a_file_of_any_older_version_is_migrated(path: Path, version: int) -> None:
    async def write(database: Database) -> None:
        if version:
            await database.write(put("eggs"))

    async def read(database: Database) -> None:
        found = await database.read(lambda connection: connection.execute("SELECT text, about FROM note").fetchall())
        assert found == ([("eggs", "")] if version else [])
        assert await database.read(lambda connection: connection.execute("PRAGMA user_version").fetchone()) == (3,)

    if version:
        used(path, write, *EVERY[:version])
    used(path, read)


def test_a_failed_migration_changes_nothing(path: Path) -> None:
    async def write(database: Database) -> None:
        await database.write(put("eggs"))

    async def read(database: Database) -> None:
        assert await database.read(texts) == ["eggs"]

    used(path, write, FIRST)
    with pytest.raises(sqlite3.OperationalError):
        used(path, read, FIRST, f"{SECOND}; CREATE NONSENSE")
    used(path, read, FIRST)


def test_a_file_of_a_newer_edgevoice_is_left_alone(path: Path) -> None:
    used(path, holds_nothing)

    with pytest.raises(StorageUnavailable, match=r"box\.db was written by a newer edgevoice"):
        used(path, holds_nothing, FIRST)
    used(path, holds_nothing)


def _garbage(path: Path) -> None:
    path.write_bytes(b"no database at all" * 500)


def _cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2 + 100])


def _overwritten(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096:] = random.Random(1).randbytes(len(content) - 4096)
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [_garbage, _cut_short, _overwritten])
def test_a_damaged_file_is_set_aside_and_a_new_one_started(path: Path, damage: Callable[[Path], None]) -> None:
    async def fill(database: Database) -> None:
        assert database.remark == ""
        for number in range(50):
            await database.write(put(f"note {number} " * 100))

    async def look(database: Database) -> None:
        await holds_nothing(database)
        assert "box.db is damaged; it is kept as box.db.damaged-2" in database.remark

    used(path, fill)
    damage(path)
    content = path.read_bytes()

    used(path, look)

    [aside] = path.parent.glob("box.db.damaged-*")
    assert aside.read_bytes() == content
    assert stat.S_IMODE(aside.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "change",
    ["DROP TABLE note", "DROP INDEX about", "PRAGMA user_version = 0", "PRAGMA user_version = -1"],
)
def test_a_file_with_other_tables_is_set_aside_as_a_damaged_one_is(path: Path, change: str) -> None:
    async def fill(database: Database) -> None:
        await database.write(put("eggs"))

    async def look(database: Database) -> None:
        await holds_nothing(database)
        assert "box.db is damaged" in database.remark

    async def look_only() -> None:
        async with Database(path, EVERY, is_read_only=True) as database:
            await holds_nothing(database)

    used(path, fill)
    with sqlite3.connect(path) as connection:
        connection.execute(change)
    connection.close()

    with pytest.raises(StorageUnavailable, match=r"box\.db (is damaged|was written by an older edgevoice)"):
        asyncio.run(look_only())
    used(path, look)


def test_no_more_than_two_damaged_files_are_kept(path: Path) -> None:
    for _ in range(4):
        used(path, holds_nothing)
        _garbage(path)
    used(path, holds_nothing)

    assert len(list(path.parent.glob("box.db.damaged-*"))) == 2


def test_a_failed_write_changes_nothing(path: Path) -> None:
    def fail(connection: sqlite3.Connection) -> None:
        put("eggs")(connection)
        raise ZeroDivisionError

    async def write(database: Database) -> None:
        with pytest.raises(ZeroDivisionError):
            await database.write(fail)
        await holds_nothing(database)
        await database.write(put("milk"))

    used(path, write)


async def fill_up(database: Database) -> None:
    for number in range(100):
        await database.write(put(f"{number}" * 4000))


def test_a_write_to_a_full_file_is_refused_in_one_line_until_there_is_space_again(path: Path) -> None:
    async def fill(database: Database) -> None:
        with pytest.raises(StorageUnavailable, match=r"box\.db: database or disk is full"):
            await fill_up(database)
        await database.write(lambda connection: connection.execute("DELETE FROM note"))
        await database.write(put("eggs"))

    used(path, fill, most_bytes=64 * 1024)

    assert path.stat().st_size <= 64 * 1024


def test_an_unwritable_folder_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")

    with pytest.raises(StorageUnavailable, match=r"box\.db cannot be opened: "):
        used(tmp_path / "state" / "box.db", holds_nothing)


def test_a_file_locked_by_another_program_is_retried_and_not_reported_as_full(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "_LOCKED_S", 0.01)

    async def write(database: Database) -> None:
        with sqlite3.connect(path, isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StorageUnavailable, match="is locked") as refused:
                await database.write(put("eggs"))
            other.execute("ROLLBACK")
        assert refused.value.remedy == "Another program writes to it: try again."

    used(path, write)


def test_a_file_created_by_root_belongs_to_the_owner_of_its_folder(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "fchown", lambda _file, user, group: given.append((user, group)))

    used(path, holds_nothing)
    used(path, holds_nothing)

    assert given == [(os.getuid(), os.getgid())]


def test_opening_read_only_changes_nothing(path: Path) -> None:
    async def look() -> None:
        async with Database(path, EVERY, is_read_only=True) as database:
            assert await database.read(texts) == ["eggs"]
            with pytest.raises(StorageUnavailable, match="readonly"):
                await database.write(put("milk"))

    async def write(database: Database) -> None:
        await database.write(put("eggs"))
        await look()  # while the box has it open

    used(path, write)
    asyncio.run(look())


def test_opening_read_only_neither_migrates_nor_creates_a_file(path: Path) -> None:
    async def look() -> None:
        async with Database(path, EVERY, is_read_only=True):
            pass

    with pytest.raises(StorageUnavailable, match=r"box\.db cannot be opened: No such file"):
        asyncio.run(look())
    assert not path.parent.exists()

    used(path, holds_nothing, FIRST)
    with pytest.raises(StorageUnavailable, match="was written by an older edgevoice"):
        asyncio.run(look())


@pytest.mark.parametrize("damage", [_garbage, _cut_short, _overwritten])
def test_opening_read_only_leaves_a_damaged_file_in_place(path: Path, damage: Callable[[Path], None]) -> None:
    async def fill(database: Database) -> None:
        for number in range(50):
            await database.write(put(f"note {number} " * 100))

    async def look() -> None:
        async with Database(path, EVERY, is_read_only=True):
            pass

    used(path, fill)
    damage(path)
    content = path.read_bytes()

    with pytest.raises(StorageUnavailable, match=r"box\.db is damaged"):
        asyncio.run(look())

    assert path.read_bytes() == content
    assert not list(path.parent.glob("*.damaged-*"))


def test_a_write_whose_caller_was_cancelled_is_still_done(path: Path) -> None:
    async def write(database: Database) -> None:
        waiting = asyncio.create_task(database.write(put("eggs")))
        await asyncio.sleep(0)
        waiting.cancel()

    async def read(database: Database) -> None:
        assert await database.read(texts) == ["eggs"]

    used(path, write)
    used(path, read)


def test_a_write_that_fails_after_its_caller_was_cancelled_does_not_end_the_box(path: Path) -> None:
    cancelled = threading.Event()

    def fail(_connection: sqlite3.Connection) -> None:
        cancelled.wait(10)
        raise sqlite3.OperationalError("disk I/O error")

    async def write(database: Database) -> None:
        with strays_caught() as stray:
            waiting = asyncio.create_task(database.write(fail))
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            cancelled.set()
            assert await database.read(texts) == []  # after it: the thread takes one at a time
            del waiting
            gc.collect()
            await asyncio.sleep(0)
            assert not stray.done()

    used(path, write)


def test_a_command_can_write_while_the_box_has_the_file_open(path: Path) -> None:
    async def write(database: Database) -> None:
        async with Database(path, EVERY) as other:
            await other.write(put("from the command"))
        assert await database.read(texts) == ["from the command"]

    used(path, write)


WRITER = """
import asyncio, itertools
from pathlib import Path
from edgevoice.store.database import Database

async def forever(first, path, *migrations):
    async with Database(Path(path), migrations) as database:
        for number in itertools.count(first):
            insert = "INSERT INTO note VALUES (?, '', '')"
            await database.write(lambda connection: connection.execute(insert, (number,)))
            print(number, flush=True)

def write(first, *arguments):
    asyncio.run(forever(first, *arguments))
"""


def test_fifty_kills_lose_nothing_that_was_written(path: Path) -> None:
    for printed in killed(WRITER, str(path), *EVERY):
        with sqlite3.connect(path) as connection:
            (last,) = connection.execute("SELECT max(id) FROM note").fetchone()
        assert printed <= last <= printed + 1
