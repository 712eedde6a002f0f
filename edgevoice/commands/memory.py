"""`edgevoice memory`: what the box remembers: shown, searched and forgotten."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from edgevoice.commands.commandline import group
from edgevoice.commands.outcome import run_command
from edgevoice.commands.stored import AsJson, SearchWords, files_of, folder_with, looked
from edgevoice.core.printable import printable
from edgevoice.memory.memory import NAME, Memory, RememberedTurn
from edgevoice.store.folders import state_folder

app = group("Show, search and clear what the box remembers. It remembers nothing unless memory.enabled is set.")

_T = TypeVar("_T")

_Folder = Annotated[Path | None, folder_with(NAME)]


@app.command()
def show(*, folder: _Folder = None, as_json: AsJson = False) -> None:
    """Show what is remembered of the household, how much of what was said is kept, and what the service remembers."""
    run_command(lambda: _show(folder or state_folder(os.environ), as_json=as_json))


@app.command()
def search(
    words: SearchWords,
    *,
    folder: _Folder = None,
    as_json: AsJson = False,
) -> None:
    """Search what was said in earlier conversations; what holds all of the words is shown, the newest last."""
    run_command(lambda: _search(folder or state_folder(os.environ), words, as_json=as_json))


@app.command()
def clear(
    *,
    folder: _Folder = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Forget everything: the household's record, what was said, the service's state, and copies of damaged files."""
    run_command(lambda: _clear(folder or state_folder(os.environ), is_sure=yes))


def _show(folder: Path, *, as_json: bool) -> int:
    async def look(memory: Memory) -> tuple[dict[str, object], int, dict[str, object] | None]:
        return await memory.household(), await memory.count(), await memory.service_state()

    found = opened(folder, look)
    household, turns, state = found if found is not None else ({}, 0, None)
    if as_json:
        print(json.dumps({"household": household, "turns": turns, "service_state": state}))
    elif found is None:
        _say_that_nothing_is_there(folder)
    else:
        print("\n".join(_lines(household)) if household else "The household's record is empty.")
        print(f"{turns} turn{'s' if turns != 1 else ''} of earlier conversations kept.")
        if state is not None:
            print("\n".join(["What the service wants back with its next session:", *_lines(state, 1)]))
    return 0


def _search(folder: Path, words: str, *, as_json: bool) -> int:
    async def look(memory: Memory) -> list[RememberedTurn]:
        return await memory.search(words, most=50)

    turns = opened(folder, look)
    if as_json:
        found = [{"at": turn.at.isoformat(), "who": turn.role, "said": turn.text} for turn in turns or []]
        print(json.dumps({"found": found}))
    elif turns is None:
        _say_that_nothing_is_there(folder)
    elif not turns:
        print("Nothing with these words is kept.")
    else:
        for turn in reversed(turns):
            print(f"{turn.at:%Y-%m-%d %H:%M}  {turn.role}: {printable(turn.text)}")
    return 0


def _clear(folder: Path, *, is_sure: bool) -> int:
    if not files_of(folder, NAME):
        _say_that_nothing_is_there(folder)
        return 0
    if not is_sure:
        typer.confirm("Forget everything that was said and remembered?", abort=True)

    async def forget() -> bool:
        async with Memory(folder) as memory:
            await memory.forget_everything()
            return bool(memory.remark)

    was_damaged = asyncio.run(forget())
    print("Everything is forgotten.")
    if was_damaged:
        # A box that runs has the old file open, which has no name any more.
        print("The file was damaged; a new one was begun. Restart the box: sudo systemctl restart edgevoice")
    return 0


def opened(folder: Path, look: Callable[[Memory], Awaitable[_T]]) -> _T | None:
    """Return what ``look`` finds in the memory of a folder; ``None`` where there is none. Nothing changes there."""
    return looked(folder, NAME, lambda: Memory(folder, is_read_only=True), look, None)


def _say_that_nothing_is_there(folder: Path) -> None:
    print(f"Nothing is remembered: {folder / NAME} is not there.")


def _lines(value: object, depth: int = 0) -> list[str]:
    """Return a record as indented lines for a person: names with their values, and lists with dashes."""
    indent = "  " * depth
    match value:
        case dict():
            return [line for name, each in value.items() for line in _named(f"{indent}{printable(name)}:", each, depth)]
        case list():
            return [line for each in value for line in _named(f"{indent}-", each, depth)]
        case _:
            return [f"{indent}{_text(value)}"]


def _named(name: str, value: object, depth: int) -> list[str]:
    if isinstance(value, dict | list) and value:
        return [name, *_lines(value, depth + 1)]
    return [f"{name} {_text(value)}"]


def _text(value: object) -> str:
    return printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
