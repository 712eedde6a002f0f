"""The minutes of a day: counted while a session is open, and remembered."""

import asyncio
import errno
import json
import logging
import math
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import BudgetTold, LinkLost, LinkOpened
from edgevoice.core.notices import Notice, PhaseEntered
from edgevoice.core.orders import CloseLink
from edgevoice.observers import minutes
from edgevoice.observers.minutes import FILE_NAME, Ledger, Minutes
from edgevoice.store.files import locked, write_whole
from tests import waiting
from tests.waiting import eventually

TODAY = date(2026, 11, 22)
LISTENING = PhaseEntered(Phase.LISTENING)
LOST = LinkLost("session-ended", is_retriable=True)


class Day:
    """A box's clocks, and the minutes that it counts by them."""

    def __init__(self, folder: Path, daily_minutes: float = 10) -> None:
        self.folder = folder
        self.daily_minutes = daily_minutes
        self.now = 100.0
        self.date = TODAY
        self.told: list[float | None] = []
        self.minutes = self.restarted()

    def restarted(self) -> Minutes:
        self.minutes = Minutes(self.folder, self.daily_minutes, today=lambda: self.date, clock=lambda: self.now)
        return self.minutes

    def happen(self, *notices: Notice, after_s: float = 0) -> None:
        self.now += after_s
        for notice in notices:
            self.minutes.observe(notice, self.now)

    def talk(self, seconds: float) -> None:
        self.happen(LISTENING)
        self.happen(CloseLink(), PhaseEntered(Phase.IDLE), after_s=seconds)

    def tell(self, fact: BudgetTold) -> None:
        self.told.append(fact.left_s)

    def live(self, *meanwhile: Callable[[], None], until: Callable[[], bool] = lambda: True) -> None:
        """Run until what happens meanwhile is through, and stop as the daemon does."""

        async def run() -> None:
            task = asyncio.ensure_future(self.minutes.run(self.tell))
            await asyncio.sleep(0)
            for happens in meanwhile:
                happens()
            await eventually(until, limit_s=3)
            task.cancel()
            (end,) = await asyncio.gather(task, return_exceptions=True)
            assert isinstance(end, asyncio.CancelledError), end

        asyncio.run(run())

    def file(self) -> Path:
        return self.folder / FILE_NAME


@pytest.fixture
def day(tmp_path: Path) -> Day:
    return Day(tmp_path / "state")


def test_only_the_time_with_an_open_session_counts(day: Day) -> None:
    day.happen(PhaseEntered(Phase.CONNECTING), LinkOpened())
    day.happen(LISTENING, after_s=5)
    day.happen(PhaseEntered(Phase.THINKING), PhaseEntered(Phase.SPEAKING), LISTENING, after_s=20)
    day.happen(CloseLink(), after_s=10)
    day.now += 500

    assert day.minutes.today_s == 30


def test_what_is_used_beside_the_conversation_is_counted_reported_and_written(day: Day) -> None:
    day.live(lambda: day.minutes.add(20), until=day.file().exists)

    assert day.told == [600, 580]
    assert day.minutes.left_s == 580
    assert day.restarted().today_s == 20
    assert Day(day.folder, daily_minutes=0).minutes.left_s == math.inf


def test_the_session_open_now_is_included(day: Day) -> None:
    day.happen(LISTENING)
    day.now += 7

    assert day.minutes.today_s == 7


def test_the_time_between_a_lost_session_and_the_next_does_not_count(day: Day) -> None:
    day.happen(LISTENING)
    day.happen(LOST, after_s=10)
    day.happen(LISTENING, after_s=3)
    day.happen(CloseLink(), after_s=10)

    assert day.minutes.today_s == 20


def test_minutes_survive_a_restart(day: Day) -> None:
    day.live(lambda: day.talk(90))

    assert day.restarted().today_s == 90


def test_a_conversation_ended_by_a_stop_is_counted(day: Day) -> None:
    def stopped() -> None:
        day.happen(LISTENING)
        day.now += 40

    day.live(stopped)

    assert day.restarted().today_s == 40


def test_minutes_are_written_when_a_conversation_ends_and_not_only_at_the_stop(day: Day) -> None:
    day.live(lambda: day.talk(60), until=lambda: day.file().exists() and json.loads(day.file().read_bytes()) != {})

    assert json.loads(day.file().read_bytes()) == {"2026-11-22": 60}


def test_minutes_are_written_with_each_tick_of_a_long_conversation(day: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minutes, "TICK_S", 0.01)

    def begin() -> None:
        day.happen(LISTENING)
        day.now += 30

    def is_written() -> bool:
        return day.file().exists() and json.loads(day.file().read_bytes()) == {"2026-11-22": 30}

    day.live(begin, until=is_written)


def test_an_idle_box_writes_nothing(day: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minutes, "TICK_S", 0.001)
    day.live(until=lambda: len(day.told) > 5)

    assert not day.file().exists()


def test_the_remaining_minutes_are_reported_at_the_start_and_after_each_session(day: Day) -> None:
    day.live(lambda: day.talk(90), lambda: day.talk(600))

    assert day.told[:5] == [600, 600, 510, 510, -90]


def test_a_new_day_is_reported_without_a_restart(day: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minutes, "TICK_S", 0.005)

    def sleep() -> None:
        day.talk(700)
        day.date += timedelta(days=1)

    day.live(sleep, until=lambda: day.told[-1] == 600)


def test_without_a_limit_nothing_is_reported_and_everything_is_counted(tmp_path: Path) -> None:
    day = Day(tmp_path, daily_minutes=0)
    day.live(lambda: day.talk(90))

    assert day.told == []
    assert day.restarted().today_s == 90


def test_a_clock_set_back_finds_the_day_unchanged(day: Day) -> None:
    day.talk(500)
    day.date -= timedelta(days=1)
    day.talk(20)
    assert day.minutes.today_s == 20
    day.date = TODAY

    assert day.minutes.today_s == 500


def test_a_box_that_starts_in_1970_gets_no_new_minutes_once_its_clock_is_set(day: Day) -> None:
    day.live(lambda: day.talk(600))
    for _ in range(5):
        day.date = date(1970, 1, 1)
        day.restarted()
        day.live(lambda: day.talk(1))
    day.date = TODAY

    assert day.restarted().today_s == 600


def test_a_clock_that_was_far_ahead_takes_no_minutes_from_later_days(day: Day) -> None:
    day.date = date(2099, 1, 1)
    day.live(lambda: day.talk(9000))
    day.date = TODAY

    assert day.restarted().today_s == 0


def test_old_days_are_forgotten_and_the_file_stays_small(day: Day) -> None:
    for number in range(400):
        day.date = TODAY + timedelta(days=number)
        day.talk(5)
    day.live()

    assert len(json.loads(day.file().read_bytes())) == 8
    assert day.minutes.today_s == 5


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"2026-11-22": -5}',
        b'{"2026-11-22": 1e99}',
        b'{"x": 1}',
        b"\xff\xfe",
        b"{" * 9999,
        b"null",
    ],
)
def test_a_broken_file_is_reported_counts_as_empty_and_is_replaced(
    day: Day, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    day.folder.mkdir()
    day.file().write_bytes(content)
    with caplog.at_level(logging.WARNING, "edgevoice"):
        day.restarted()
    assert [record.msg for record in caplog.records] == ["minutes"]
    day.live(lambda: day.talk(3))

    assert day.restarted().today_s == 3


def test_a_full_disk_is_reported_once_and_counting_continues(
    day: Day, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(minutes, "TICK_S", 0.001)
    tries = 0

    def full(_descriptor: int) -> None:
        nonlocal tries
        tries += 1
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with caplog.at_level(logging.WARNING, "edgevoice"):
        day.live(lambda: day.talk(60), lambda: day.talk(60), until=lambda: tries > 3)

    assert [record.msg for record in caplog.records] == ["minutes"]
    assert day.minutes.today_s == 120
    # A write that began before the end is abandoned by its own thread, a moment later.
    waiting.until(lambda: list(day.folder.iterdir()) == [])


def test_a_disk_with_free_space_again_is_written(day: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minutes, "TICK_S", 0.001)
    day.folder.parent.mkdir(exist_ok=True)
    day.folder.write_text("in the way")

    def mend() -> None:
        day.talk(60)
        day.folder.unlink()

    day.live(mend, until=lambda: day.file().exists())

    assert day.restarted().today_s == 60


@pytest.mark.parametrize("content", [b"{", None])
def test_a_file_damaged_or_removed_at_run_time_loses_nothing_and_is_reported_once(
    day: Day, content: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    ledger = Ledger(day.file())
    ledger.add("2026-11-22", 60)
    ledger.write()
    for _ in range(2):
        if content is None:
            day.file().unlink(missing_ok=True)
        else:
            day.file().write_bytes(content)
        ledger.write()
    ledger.add("2026-11-22", 40)
    ledger.write()

    assert [record.msg for record in caplog.records] == (["minutes"] if content else [])
    assert json.loads(day.file().read_bytes()) == {"2026-11-22": 100}


@pytest.mark.parametrize("back_s", [1, 500, 1e9])
def test_a_clock_that_runs_backwards_takes_nothing_from_the_day(day: Day, back_s: float) -> None:
    day.talk(600)
    day.happen(LISTENING)
    day.now -= back_s
    assert day.minutes.today_s == 600
    day.happen(CloseLink())
    assert day.minutes.today_s == 600

    day.live(lambda: day.talk(30))
    assert day.restarted().today_s == 630


def test_a_session_continues_counting_from_the_time_its_clock_was_set_to(day: Day) -> None:
    def put_back() -> None:
        day.happen(LISTENING)
        day.happen(CloseLink(), after_s=-50)
        day.happen(LISTENING)
        day.happen(CloseLink(), after_s=20)

    day.live(put_back)

    assert day.restarted().today_s == 20


def test_a_day_is_limited_to_what_its_file_may_contain(day: Day) -> None:
    day.live(lambda: day.talk(5e9))

    assert day.restarted().today_s == 1_000_000


def test_only_its_owner_can_read_the_file(day: Day) -> None:
    day.live(lambda: day.talk(60))

    assert day.file().stat().st_mode & 0o777 == 0o600


def test_two_programs_that_count_lose_no_second(day: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minutes, "TICK_S", 0.005)
    other = Day(day.folder)
    day.live(lambda: day.talk(1200))

    # The remaining program sees what the other has used, both before and after its own first write.
    other.live(until=lambda: other.told[-1] == 600 - 1200)
    third = Day(day.folder)
    third.live(lambda: third.talk(600))
    assert third.minutes.today_s == 1800
    assert day.restarted().today_s == 1800


def test_seconds_counted_during_a_write_wait_for_the_next_write(day: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger(day.file())
    ledger.add("2026-11-22", 60)

    def meanwhile(file: Path, content: bytes, *, is_durable: bool) -> None:
        ledger.add("2026-11-22", 5)
        assert ledger.seconds_of("2026-11-22") == 65
        write_whole(file, content, is_durable=is_durable)

    monkeypatch.setattr(minutes, "write_whole", meanwhile)
    ledger.write()
    assert json.loads(day.file().read_bytes()) == {"2026-11-22": 60}
    assert ledger.seconds_of("2026-11-22") == 65
    monkeypatch.undo()
    ledger.write()

    assert json.loads(day.file().read_bytes()) == {"2026-11-22": 65}


ADDER = """
import sys
from pathlib import Path
from edgevoice.observers.minutes import Ledger
ledger = Ledger(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
for _ in range(40):
    ledger.add("2026-11-22", 3)
    ledger.write()
"""


def test_two_processes_that_write_at_once_lose_nothing_and_leave_nothing(day: Day) -> None:
    command = [sys.executable, "-c", ADDER, str(day.file())]
    writers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
    # Both have read an empty folder: a writer that only adds to what it read then would lose the other's time.
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write(b"\n")
        writer.stdin.flush()
    for writer in writers:
        _, errors = writer.communicate(timeout=30)
        assert errors == b""

    assert json.loads(day.file().read_bytes()) == {"2026-11-22": 240}
    assert list(day.folder.iterdir()) == [day.file()]


def test_zero_time_writes_nothing_and_the_shortest_time_is_kept(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / FILE_NAME)
    ledger.add("2026-11-22", 0.0)
    ledger.add("2026-11-22", -5.0)
    ledger.write()
    assert not (tmp_path / FILE_NAME).exists()

    ledger.add("2026-11-22", 0.25)
    assert ledger.seconds_of("2026-11-22") == 0.25


def test_time_added_during_a_write_is_kept_exactly_and_written_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes: list[bytes] = []

    def write(_place: Path, content: bytes, *, is_durable: bool) -> None:
        assert is_durable
        writes.append(content)
        if len(writes) == 1:
            ledger.add("2026-11-22", 0.5)
            ledger.add("2026-11-23", 0.5)

    monkeypatch.setattr(minutes, "write_whole", write)
    ledger = Ledger(tmp_path / FILE_NAME)
    ledger.add("2026-11-22", 10.0)
    ledger.write()
    assert [ledger.seconds_of(day) for day in ("2026-11-22", "2026-11-23")] == [10.5, 0.5]

    ledger.write()
    ledger.write()
    assert len(writes) == 2


def test_a_writer_waits_for_another_program_that_holds_the_lock(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / FILE_NAME)
    ledger.add("2026-11-22", 10.0)
    with locked(tmp_path):
        writing = threading.Thread(target=ledger.write)
        writing.start()
        writing.join(0.05)
        assert not (tmp_path / FILE_NAME).exists()
    writing.join(10)
    assert (tmp_path / FILE_NAME).exists()


@pytest.mark.parametrize(
    "content", [b'{"\xff": 1}', b"{" + b" " * 5000 + b'"2026-11-22": 1}'], ids=["no UTF-8", "longer than ours"]
)
def test_a_foreign_file_is_reported_with_its_path(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / FILE_NAME
    for name in ("first", "second"):
        file.write_bytes(content)
        ledger = Ledger(file)
        ledger.write()
        assert ledger.seconds_of("2026-11-22") == 0, name

    (first, _) = [vars(record)["fields"]["problem"] for record in caplog.records]
    assert first.startswith(f"{file} cannot be read, so its count is lost: ")


def test_a_folder_in_place_of_the_file_or_the_reverse_does_no_harm(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    assert Ledger(tmp_path / "file" / FILE_NAME).seconds_of("2026-11-22") == 0
    assert not caplog.records

    (tmp_path / FILE_NAME).mkdir()
    assert Ledger(tmp_path / FILE_NAME).seconds_of("2026-11-22") == 0
    assert len(caplog.records) == 1


def test_a_recurring_problem_is_reported_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / FILE_NAME
    ledger = Ledger(file)

    def full(_place: Path, _content: bytes, *, is_durable: bool) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(is_durable))

    for _ in range(2):
        ledger.add("2026-11-22", 1.0)
        with monkeypatch.context() as patch:
            patch.setattr(minutes, "write_whole", full)
            ledger.write()
            ledger.write()
        ledger.write()
        content = file.read_bytes()
        file.write_bytes(b"broken")
        ledger.write()
        ledger.write()
        file.write_bytes(content)
        ledger.write()

    told = [vars(record)["fields"]["problem"] for record in caplog.records]
    assert [problem.split(": ")[0] for problem in told] == 2 * [
        f"{file} cannot be written",
        f"{file} cannot be read, so its count is lost",
    ]
    assert told[0].endswith(": No space left on device; a restart will lose today's minutes")


def test_a_session_that_was_never_open_ends_silently(day: Day) -> None:
    day.live(lambda: day.happen(CloseLink(), LOST))

    assert day.told == [600]


def test_the_end_of_a_session_is_reported_and_written_once(day: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    writes: list[None] = []
    monkeypatch.setattr(Ledger, "write", lambda _ledger: writes.append(None))
    looks = iter(range(200))

    day.live(lambda: day.talk(10), until=lambda: next(looks) > 100)

    assert len(writes) == 2
    assert day.told == [600, 600, 590, 590]


def test_after_the_end_nothing_is_reported(day: Day) -> None:
    day.live()
    before = list(day.told)

    day.talk(10)

    assert day.told == before


@pytest.mark.parametrize(("size", "seconds"), [(4096, 5.0), (4097, 0.0)])
def test_at_most_4_kib_of_a_file_are_read(
    tmp_path: Path, size: int, seconds: float, caplog: pytest.LogCaptureFixture
) -> None:
    content = json.dumps({TODAY.isoformat(): 5.0})
    (tmp_path / FILE_NAME).write_text(content.rjust(size))

    assert Ledger(tmp_path / FILE_NAME).seconds_of(TODAY.isoformat()) == seconds
    assert [record.name for record in caplog.records] == ["edgevoice.observers.minutes"] * (seconds == 0)


@pytest.mark.parametrize(
    ("day", "seconds", "is_taken"),
    [
        ("2026-11-22", 0, True),
        ("2026-11-22", 1_000_000, True),
        ("2026-11-22", -0.5, False),
        ("2026-11-22", 1_000_001, False),
        ("2026-11-22 ", 5, False),
        ("yesterday", 5, False),
    ],
)
def test_only_valid_days_and_possible_seconds_are_read(
    tmp_path: Path, day: str, seconds: float, caplog: pytest.LogCaptureFixture, *, is_taken: bool
) -> None:
    (tmp_path / FILE_NAME).write_text(json.dumps({day: seconds}))

    assert Ledger(tmp_path / FILE_NAME).seconds_of(day) == (seconds if is_taken else 0.0)
    assert (caplog.records == []) is is_taken


def test_a_failure_without_an_explanation_is_logged_with_its_own_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise OSError("no words of the system")

    monkeypatch.setattr(minutes, "write_whole", fail)
    ledger = Ledger(tmp_path / FILE_NAME)
    ledger.add(TODAY.isoformat(), 5.0)

    ledger.write()

    (record,) = caplog.records
    assert "cannot be written: no words of the system; " in vars(record)["fields"]["problem"]


def test_a_power_cut_loses_at_most_half_a_minute(day: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    waits_s: list[float] = []

    class Ticking:
        def __init__(self, limit_s: float) -> None:
            waits_s.append(limit_s)

        async def __aenter__(self) -> None:
            raise asyncio.CancelledError

        async def __aexit__(self, *_error: object) -> None:
            """End nothing."""

    monkeypatch.setattr("asyncio.timeout", Ticking)

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(day.minutes.run(lambda _fact: None))
    assert waits_s == [30.0]
