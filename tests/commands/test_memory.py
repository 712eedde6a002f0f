import asyncio
import errno
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from edgevoice.commands.root import app
from edgevoice.core.notices import Role
from edgevoice.memory.household import checked, with_note
from edgevoice.memory.memory import NAME, Memory

Command = Callable[..., Result]
NOTHING = {"household": {}, "turns": 0, "service_state": None}


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return lambda *words, **more: CliRunner().invoke(app, ["memory", *words, "--folder", str(tmp_path)], **more)


@pytest.fixture
def kept(tmp_path: Path) -> None:
    async def fill() -> None:
        async with Memory(tmp_path) as memory:
            await memory.change(lambda record: with_note(record, "Bins on Monday"))
            await memory.add((Role.USER, "We painted the kitchen yellow"))
            await memory.add((Role.ASSISTANT, "How lovely"))

    asyncio.run(fill())


@pytest.mark.usefixtures("kept")
def test_remembered_facts_are_shown(command: Command) -> None:
    shown = command("show")

    assert shown.exit_code == 0
    assert shown.stdout == "notes:\n  - Bins on Monday\n2 turns of earlier conversations kept.\n"
    assert json.loads(command("show", "--json").stdout) == {
        "household": {"notes": ["Bins on Monday"]},
        "turns": 2,
        "service_state": None,
    }


def test_nothing_that_was_said_or_remembered_steers_the_terminal(command: Command, tmp_path: Path) -> None:
    async def keep() -> None:
        async with Memory(tmp_path) as memory:
            await memory.add((Role.ASSISTANT, "How \x1b[2Jlovely"))
            await memory.keep_service_state({"\x1b]0;owned\x07facts": ["\x1b[31mred\x9b2J"]})

    asyncio.run(keep())

    assert command("search", "how").stdout.endswith("assistant: How lovely\n")
    assert command("show").stdout.endswith("  facts:\n    - red\n")


@pytest.mark.usefixtures("kept")
def test_what_the_service_wants_back_is_shown_and_cleared(command: Command, tmp_path: Path) -> None:
    async def keep() -> None:
        async with Memory(tmp_path) as memory:
            await memory.keep_service_state({"version": 2, "facts": ["The bins go out on Monday"]})

    asyncio.run(keep())

    shown = command("show").stdout
    assert "What the service wants back with its next session:\n  version: 2\n  facts:\n    - The bins go out" in shown
    command("clear", "--yes")
    assert json.loads(command("show", "--json").stdout)["service_state"] is None


@pytest.mark.usefixtures("kept")
def test_spoken_words_are_found(command: Command) -> None:
    assert "user: We painted the kitchen yellow" in command("search", "painting").stdout
    [found] = json.loads(command("search", "kitchens", "--json").stdout)["found"]
    assert (found["who"], found["said"]) == ("user", "We painted the kitchen yellow")
    assert command("search", "garden").stdout == "Nothing with these words is kept.\n"


@pytest.mark.usefixtures("kept")
def test_everything_is_forgotten_after_confirmation(command: Command) -> None:
    assert command("clear", input="n\n").exit_code == 1
    assert json.loads(command("show", "--json").stdout)["turns"] == 2

    assert command("clear", input="y\n").exit_code == 0
    assert json.loads(command("show", "--json").stdout) == NOTHING
    assert command("clear", "--yes").stdout == "Everything is forgotten.\n"


@pytest.mark.parametrize("words", [["show"], ["search", "kitchen"], ["clear"], ["clear", "--yes"]])
def test_without_a_memory_every_command_says_so_and_creates_none(
    command: Command, tmp_path: Path, words: list[str]
) -> None:
    asked = command(*words)

    assert (asked.exit_code, asked.stdout) == (0, f"Nothing is remembered: {tmp_path / NAME} is not there.\n")
    assert list(tmp_path.iterdir()) == []


def test_without_a_memory_json_output_is_empty(command: Command) -> None:
    assert json.loads(command("show", "--json").stdout) == NOTHING
    assert json.loads(command("search", "kitchen", "--json").stdout) == {"found": []}


def test_a_record_is_shown_in_readable_lines(command: Command, tmp_path: Path) -> None:
    record = {"people": {"Anna": {"age": 40, "likes": ["tea", "jazz"]}, "Ben": {}}, "home": {"heating": True}}

    async def fill() -> None:
        async with Memory(tmp_path) as memory:
            await memory.change(lambda _old: checked(record))

    asyncio.run(fill())

    assert command("show").stdout.splitlines()[:-1] == [
        "people:",
        "  Anna:",
        "    age: 40",
        "    likes:",
        "      - tea",
        "      - jazz",
        "  Ben: {}",
        "home:",
        "  heating: true",
    ]


def _content(folder: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in folder.iterdir()}


@pytest.mark.parametrize("words", [["show"], ["show", "--json"], ["search", "kitchen"]])
def test_a_damaged_memory_is_reported_in_one_line_and_left_unchanged(
    command: Command, tmp_path: Path, words: list[str]
) -> None:
    (tmp_path / NAME).write_bytes(b"no database at all" * 500)
    before = _content(tmp_path)

    refused = command(*words)

    assert refused.exit_code == 1
    assert refused.stderr.startswith(f"{tmp_path / NAME} is damaged. At its next start the box ")
    assert refused.stderr.count("\n") == 1
    assert _content(tmp_path) == before


@pytest.mark.usefixtures("kept")
def test_looking_forgets_nothing_however_old_it_is(command: Command, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / NAME) as connection:
        connection.execute("UPDATE turn SET at = '1999-01-01T00:00:00+00:00'")

    assert json.loads(command("show", "--json").stdout)["turns"] == 2
    assert "We painted the kitchen" in command("search", "kitchen").stdout


@pytest.mark.usefixtures("kept")
def test_clearing_also_removes_damaged_files(command: Command, tmp_path: Path) -> None:
    (tmp_path / NAME).rename(tmp_path / f"{NAME}.damaged-20261129-120000-000000")

    assert command("clear", "--yes").stdout == "Everything is forgotten.\n"

    assert b"kitchen" not in b"".join(_content(tmp_path).values())


@pytest.mark.parametrize("command_words", [["show"], ["search"], ["clear"]])
def test_the_help_says_where_the_memory_is_searched(command_words: list[str]) -> None:
    shown = " ".join(CliRunner().invoke(app, ["memory", *command_words, "--help"]).stdout.split())

    assert "by default the state folder, /var/lib/edgevoice on an installed box" in shown


def test_clearing_a_damaged_memory_leaves_a_new_one_that_the_box_can_open(command: Command, tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"kitchen, and no database at all" * 500)

    cleared = command("clear", "--yes")

    assert cleared.stdout == (
        "Everything is forgotten.\n"
        "The file was damaged; a new one was begun. Restart the box: sudo systemctl restart edgevoice\n"
    )
    assert b"kitchen" not in b"".join(_content(tmp_path).values())


def test_a_memory_without_read_permission_is_refused_with_a_remedy(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", refuse)

    assert command("show").stderr == (
        f"{tmp_path} cannot be read: Permission denied. Run this as the owner, or change the owner with chown; "
        f"`sudo ls -ld {tmp_path}` shows who that is.\n"
    )
