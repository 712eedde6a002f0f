"""What is kept of timers and alarms: over restarts, kills, and other processes that change it."""

import asyncio
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from edgevoice.alarms.book import MIGRATIONS, AlarmBook
from edgevoice.alarms.kept import KeptRings
from edgevoice.alarms.rings import RingKind, ScheduledRing

KILLS = 50
RING = ScheduledRing(RingKind.ALARM, "school", 0, 1.5, 2.5, "boot", 60, "2025-12-01T07:00", "FREQ=DAILY", 0.5, 9.5)

WRITER = """
import asyncio, os, random, signal, sys, threading, time
from pathlib import Path
from edgevoice.alarms.book import AlarmBook
from edgevoice.alarms.rings import RingKind, ScheduledRing

async def write(out):
    async with AlarmBook(Path(sys.argv[1])) as book:
        while True:
            ring = await book.keep(ScheduledRing(RingKind.TIMER, "x"))
            os.write(out, b"%d\\n" % ring.ring_id)

for number in range(int(sys.argv[2])):
    child = os.fork()
    if not child:
        asyncio.run(write(1))
    time.sleep(random.Random(number).uniform(0.0, 0.12))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
"""


def test_what_was_kept_is_found_again_whole(tmp_path: Path) -> None:
    async def live() -> None:
        async with AlarmBook(tmp_path) as book:
            kept = await book.keep(RING)
            other = await book.keep(ScheduledRing(RingKind.TIMER))
            await book.keep(replace(kept, label="work"))
            await book.drop([other.ring_id])
            assert await book.known_s() == 0.0
            await book.know(12.5)
        async with AlarmBook(tmp_path) as book:
            assert await book.rings() == [replace(RING, ring_id=1, label="work")]
            assert await book.known_s() == 12.5
            assert (await book.keep(RING)).ring_id == 3, "an id is never given twice"
            assert book.remark == ""

    asyncio.run(live())


@pytest.mark.parametrize(
    "change",
    [
        "kind = 'nap'",
        "label = x'ff00'",
        "due_wall_s = 'soon'",
        "due_wall_s = 9e999",
        "since_s = -1e300",
        "paused_s = 9e999",
        "paused_s = 'later'",
        "due_boot_s = 'soon'",
        "seconds = 'ten'",
        "first = 'tomorrow'",
        "first = 7",
        "rule = 'FREQ=NEVER'",
        "rule = 'rubbish'",
    ],
)
def test_a_row_that_cannot_be_read_costs_only_itself(
    tmp_path: Path, change: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def keep() -> None:
        async with AlarmBook(tmp_path) as book:
            for label in ("school", "work"):
                await book.keep(replace(RING, label=label, due_boot_s=None, boot_id=""))

    async def read() -> list[ScheduledRing]:
        async with AlarmBook(tmp_path) as book:
            assert book.remark == ""
            return await book.rings()

    asyncio.run(keep())
    with sqlite3.connect(tmp_path / "alarms.db") as connection:
        connection.execute(f"UPDATE ring SET {change} WHERE id = 1")  # noqa: S608 - our own
    connection.close()

    assert [ring.label for ring in asyncio.run(read())] == ["work"]
    assert [record.message for record in caplog.records] == ["rows-unreadable file=alarms.db rows=1"]


def test_the_file_of_an_older_box_keeps_its_rings(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "alarms.db") as connection:
        connection.executescript(f"{MIGRATIONS[0]}; PRAGMA user_version = 1")
        connection.execute("INSERT INTO ring VALUES ('timer', 'tea', 1, 1.5, 2.5, 'boot', 60, '', '', 0.0)")
    connection.close()

    async def read() -> list[ScheduledRing]:
        async with AlarmBook(tmp_path) as book:
            assert book.remark == ""
            return await book.rings()

    assert asyncio.run(read()) == [ScheduledRing(RingKind.TIMER, "tea", 1, 1.5, 2.5, "boot", 60)]


def test_another_process_that_changes_something_is_noticed(tmp_path: Path) -> None:
    async def live() -> None:
        async with AlarmBook(tmp_path) as book, AlarmBook(tmp_path) as command:
            kept = KeptRings(book)
            assert not await kept.has_changed()
            await kept.keep(RING)
            assert not await kept.has_changed(), "that was ourselves"
            await command.keep(RING)
            assert await kept.has_changed()
            assert not await kept.has_changed()

    asyncio.run(live())


def test_a_file_that_nobody_has_written_is_asked_once_a_minute(tmp_path: Path) -> None:
    async def live() -> None:
        async with AlarmBook(tmp_path) as book, AlarmBook(tmp_path) as command:
            asked = 0
            version = book.version

            async def counted() -> int:
                nonlocal asked
                asked += 1
                return await version()

            book.version = counted  # type: ignore[method-assign] # only counted
            kept = KeptRings(book)
            for _ in range(121):
                assert not await kept.has_changed()
            assert asked == 3
            await command.keep(RING)
            assert await kept.has_changed()
            (tmp_path / "alarms.db-wal").unlink()
            assert book.stamp() != command.stamp() or book.stamp() is not None

    asyncio.run(live())


def test_fifty_kills_lose_nothing_that_was_confirmed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path), str(KILLS)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    confirmed = {int(line) for line in done.stdout.split()}

    async def found() -> set[int]:
        async with AlarmBook(tmp_path) as book:
            assert book.remark == ""
            return {ring.ring_id for ring in await book.rings()}

    kept = asyncio.run(found())
    assert len(confirmed) > KILLS
    assert confirmed <= kept
    assert len(kept - confirmed) <= KILLS, "each kill leaves at most one that was written and not confirmed"
