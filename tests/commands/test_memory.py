import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from edgevoice.commands.root import app
from edgevoice.core.notices import Role
from edgevoice.memory.household import with_note
from edgevoice.memory.memory import NAME, Memory

Command = Callable[..., Result]


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return lambda *words, **more: CliRunner().invoke(app, ["memory", *words, "--folder", str(tmp_path)], **more)


@pytest.fixture
def kept(tmp_path: Path) -> None:
    async def fill() -> None:
        async with Memory(tmp_path) as memory:
            await memory.change(lambda record: with_note(record, "Bins on Monday"))
            await memory.add(Role.USER, "We painted the kitchen yellow")
            await memory.add(Role.ASSISTANT, "How lovely")

    asyncio.run(fill())


@pytest.mark.usefixtures("kept")
def test_what_is_remembered_is_shown(command: Command) -> None:
    shown = command("show")

    assert shown.exit_code == 0
    assert "Bins on Monday" in shown.stdout
    assert "2 turns of earlier conversations are kept." in shown.stdout
    assert json.loads(command("show", "--json").stdout) == {"household": {"notes": ["Bins on Monday"]}, "turns": 2}


@pytest.mark.usefixtures("kept")
def test_what_was_said_is_found(command: Command) -> None:
    assert "user: We painted the kitchen yellow" in command("search", "painting").stdout
    [found] = json.loads(command("search", "kitchens", "--json").stdout)["found"]
    assert (found["who"], found["said"]) == ("user", "We painted the kitchen yellow")
    assert command("search", "garden").stdout == "Nothing with these words is kept.\n"


@pytest.mark.usefixtures("kept")
def test_everything_is_forgotten_once_that_was_confirmed(command: Command) -> None:
    assert command("clear", input="n\n").exit_code == 1
    assert json.loads(command("show", "--json").stdout)["turns"] == 2

    assert command("clear", input="y\n").exit_code == 0
    assert json.loads(command("show", "--json").stdout) == {"household": {}, "turns": 0}
    assert command("clear", "--yes").stdout == "Everything is forgotten.\n"


def test_without_a_memory_none_is_made(command: Command, tmp_path: Path) -> None:
    assert command("show").stdout == f"Nothing is remembered: {tmp_path / NAME} is not there.\n"
    assert json.loads(command("show", "--json").stdout) == {"household": {}, "turns": 0}
    assert command("search", "kitchen").exit_code == command("clear", "--yes").exit_code == 0
    assert list(tmp_path.iterdir()) == []
