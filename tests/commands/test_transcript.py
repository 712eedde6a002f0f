"""What was said is listed, searched, exported and cleared."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from edgevoice.commands.root import app
from edgevoice.core.notices import Role
from edgevoice.memory.household import with_note
from edgevoice.memory.memory import Memory
from edgevoice.steady_clock import ClockReading
from edgevoice.wall_clock import local_now

Command = Callable[..., Result]
SAID = [
    (Role.USER, "We painted the kitchen", timedelta(days=3)),
    (Role.USER, "Good\x1b[2J morning", timedelta(minutes=61)),
    (Role.ASSISTANT, "Good morning", timedelta(minutes=61)),
    (Role.USER, "Paint the hall", timedelta(minutes=5)),
]


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return lambda *words, **more: CliRunner().invoke(app, ["transcript", *words, "--folder", str(tmp_path)], **more)


@pytest.fixture
def kept(tmp_path: Path) -> datetime:
    now = local_now()

    async def fill() -> None:
        at = now - SAID[0][2]
        async with Memory(tmp_path, read=lambda: ClockReading(at.timestamp(), at.timestamp(), "boot")) as memory:
            await memory.change(lambda record: with_note(record, "Bins on Monday"))
            for role, text, before in SAID:
                at = now - before
                await memory.add((role, text))

    asyncio.run(fill())
    return now


def test_conversations_are_listed_apart_and_by_days(command: Command, kept: datetime) -> None:
    lines = command("list").stdout.splitlines()

    assert [line[18:] for line in lines] == [
        "you: We painted the kitchen",
        "",
        "you: Good morning",
        "box: Good morning",
        "",
        "you: Paint the hall",
    ]
    assert lines[0].startswith(f"{kept - timedelta(days=3):%Y-%m-%d %H:%M}  ")
    assert "kitchen" not in command("list", "--days", "2").stdout


@pytest.mark.usefixtures("kept")
def test_words_are_found_in_any_form_oldest_first(command: Command) -> None:
    lines = command("search", "paint").stdout.splitlines()

    assert [line[18:] for line in lines if line] == ["you: We painted the kitchen", "you: Paint the hall"]
    assert command("search", "garden").stdout == "Nothing with these words is kept.\n"


@pytest.mark.usefixtures("kept")
def test_an_export_is_one_json_object_on_each_line(command: Command) -> None:
    turns = [json.loads(line) for line in command("export").stdout.splitlines()]

    assert [(turn["who"], turn["said"]) for turn in turns] == [(role, text) for role, text, _ in SAID]
    assert datetime.fromisoformat(turns[0]["at"]) < datetime.now(UTC)
    assert len(command("export", "--days", "1").stdout.splitlines()) == 3


@pytest.mark.usefixtures("kept")
def test_clearing_asks_once_and_leaves_the_memorys_record(command: Command, tmp_path: Path) -> None:
    assert command("clear", input="n\n").exit_code == 1
    assert command("clear", input="y\n").stdout.endswith("4 turns deleted.\n")
    assert command("list").stdout == "Nothing that was said is kept.\n"
    assert command("clear", "--yes").stdout == "0 turns deleted.\n"
    shown = CliRunner().invoke(app, ["memory", "show", "--folder", str(tmp_path)])
    assert "Bins on Monday" in shown.stdout
    assert all(b"kitchen" not in each.read_bytes() for each in tmp_path.iterdir())


def test_where_nothing_is_kept_it_says_so(command: Command, tmp_path: Path) -> None:
    assert command("list").stdout == "Nothing that was said is kept.\n"
    assert command("export").stdout == ""
    assert command("clear").stdout == "Nothing that was said is kept.\n"
    assert list(tmp_path.iterdir()) == []
