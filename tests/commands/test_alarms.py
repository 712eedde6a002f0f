import asyncio
import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from edgevoice.alarms.book import AlarmBook
from edgevoice.alarms.rings import RingKind, ScheduledRing
from edgevoice.commands.root import app


def ran(folder: Path, *arguments: str, status: int = 0) -> str:
    done = CliRunner().invoke(app, [*arguments, "--folder", str(folder)])
    assert done.exit_code == status, done.output
    return done.output


def test_timers_are_added_listed_and_cancelled(tmp_path: Path) -> None:
    assert ran(tmp_path, "timers", "list") == "Nothing is set.\n"
    assert ran(tmp_path, "timers", "add", "600", "--label", "pasta") == "timer 1 is set, and rings in 0:10:00.\n"
    assert re.fullmatch(r"   1  timer     in 0:(10:00|09:59)  pasta\n", ran(tmp_path, "timers", "list"))
    assert ran(tmp_path, "timers", "cancel", "1", "7", status=1) == "1 is cancelled.\n7 is not set.\n"
    assert json.loads(ran(tmp_path, "timers", "list", "--json")) == {"rings": []}


def test_a_timer_is_paused_and_resumed(tmp_path: Path) -> None:
    ran(tmp_path, "timers", "add", "600")
    ran(tmp_path, "alarms", "add", "07:00")

    assert ran(tmp_path, "timers", "pause", "1", "2", status=1) == (
        "1 is paused.\n2 is an alarm: only timers can be paused.\n"
    )
    assert ran(tmp_path, "timers", "pause", "1") == "1 is paused.\n", "it was already"
    assert re.fullmatch(r"   1  timer     paused, left 0:(10:00|09:59)  \n", ran(tmp_path, "timers", "list"))
    assert json.loads(ran(tmp_path, "timers", "list", "--json"))["rings"][0]["paused"] is True
    assert ran(tmp_path, "timers", "resume", "1") == "1 runs.\n"
    assert json.loads(ran(tmp_path, "timers", "list", "--json"))["rings"][0]["paused"] is False


def test_alarms_and_reminders_are_kept_apart_from_timers(tmp_path: Path) -> None:
    ran(tmp_path, "timers", "add", "600")
    added = ran(tmp_path, "alarms", "add", "07:00", "--days", "weekdays", "--label", "school")
    assert re.fullmatch(r"alarm 2 is set, and rings \w{3} [\d-]{10} 07:00\.\n", added)
    ran(tmp_path, "alarms", "add", "18:00", "--reminder", "call mum")

    listed = ran(tmp_path, "alarms", "list").splitlines()
    assert re.fullmatch(r"   2  alarm     \w{3} [\d-]{10} 07:00  school  \(on weekdays\)", listed[0])
    assert re.fullmatch(r"   3  reminder  \w{3} [\d-]{10} 18:00  call mum", listed[1])
    assert ran(tmp_path, "alarms", "cancel", "1", status=1) == "1 is a timer: edgevoice timers cancel 1\n"
    assert ran(tmp_path, "timers", "cancel", "3", status=1) == "3 is a reminder: edgevoice alarms cancel 3\n"
    assert ran(tmp_path, "alarms", "cancel", "2", "3") == "2 is cancelled.\n3 is cancelled.\n"
    (ring,) = json.loads(ran(tmp_path, "timers", "list", "--json"))["rings"]
    assert (ring["id"], ring["kind"], 590 < ring["left_s"] <= 600) == (1, "timer", True)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("timers", "add", "0"), "0 is less than 1"),
        (("timers", "add", "5", "--label", "x" * 81), "at most 80 characters"),
        (("alarms", "add", "25:00"), "'25:00' is not a time of day; write one such as 07:00 or 18:30"),
        (("alarms", "add", "7"), "'7' is not a time of day"),
        (("alarms", "add", "18:00", "--reminder", " "), "the text of the reminder is empty"),
        (("alarms", "add", "18:00", "--reminder", "mum", "--label", "x"), "a reminder has its text for a name"),
        (("alarms", "add", "07:00", "--days", "someday"), "'someday' is not a day"),
        (("alarms", "add", "07:00", "--days", ""), "'' is not a day"),
    ],
)
def test_what_cannot_be_set_is_refused_with_what_is_wrong(
    tmp_path: Path, arguments: tuple[str, ...], problem: str
) -> None:
    assert problem in ran(tmp_path, *arguments, status=2)


def test_a_name_steers_no_terminal_and_stays_on_its_line(tmp_path: Path) -> None:
    ran(tmp_path, "timers", "add", "600", "--label", "red\x1b[31m\npasta")

    assert ran(tmp_path, "timers", "list").endswith("  red pasta\n")


@pytest.mark.parametrize(
    ("days", "recurs"),
    [
        ("Weekdays", "on weekdays"),
        ("Monday, friday", "every Monday and Friday"),
        ("weekends,monday", "every Monday, Saturday and Sunday"),
    ],
)
def test_days_and_groups_of_days_are_written_as_people_write_them(tmp_path: Path, days: str, recurs: str) -> None:
    ran(tmp_path, "alarms", "add", "07:00", "--days", days)

    assert ran(tmp_path, "alarms", "list").endswith(f"({recurs})\n")


def test_a_timer_that_rings_is_listed_as_up_and_cannot_be_paused(tmp_path: Path) -> None:
    rang = ScheduledRing(RingKind.TIMER, "pasta", ring_id=3, seconds=60, due_wall_s=1e9, since_s=1e9)

    async def keep() -> None:
        async with AlarmBook(tmp_path) as book:
            await book.keep(rang)

    asyncio.run(keep())

    assert ran(tmp_path, "timers", "list") == "   3  timer     is up  pasta\n"
    assert ran(tmp_path, "timers", "pause", "3", status=1) == "3 is up already.\n"
    assert ran(tmp_path, "timers", "cancel", "3") == "3 is cancelled.\n"


@pytest.mark.parametrize("command", ["timers", "alarms"])
def test_listing_changes_nothing_in_the_folder(tmp_path: Path, command: str) -> None:
    assert ran(tmp_path, command, "list") == "Nothing is set.\n"
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "alarms.db").write_bytes(b"no database" * 400)

    done = CliRunner().invoke(app, [command, "list", "--folder", str(tmp_path)])

    assert isinstance(done.exception, SystemExit)
    assert "alarms.db is damaged" in done.output
    assert [each.name for each in tmp_path.iterdir()] == ["alarms.db"]


def test_who_sets_something_in_a_damaged_file_learns_that_what_it_held_is_gone(tmp_path: Path) -> None:
    (tmp_path / "alarms.db").write_bytes(b"no database" * 400)

    added = ran(tmp_path, "timers", "add", "600")

    assert re.search(r"alarms\.db is damaged; it is kept as alarms\.db\.damaged-\S+, and a new one was begun", added)
    assert "timer 1 is set, and rings in 0:10:00." in added.splitlines()


def test_a_folder_that_is_not_there_is_refused_and_not_made(tmp_path: Path) -> None:
    assert "does not exist" in ran(tmp_path / "tpyo", "timers", "add", "600", status=2)
    assert list(tmp_path.iterdir()) == []
