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
from edgevoice.memory.memory import NAME, Memory, RememberedTurn
from edgevoice.store.folders import state_folder

app = group("Show, search and clear what the box remembers. It remembers nothing unless memory.enabled is set.")

_T = TypeVar("_T")
_KEEPS_ALL_DAYS = 36_500
"""Looking at a memory forgets nothing of it."""

_Folder = Annotated[
    Path | None,
    typer.Option("--folder", metavar="FOLDER", help="Its state folder; of an installed box /var/lib/edgevoice."),
]
_Json = Annotated[bool, typer.Option("--json", help="One JSON object on one line.")]


@app.command()
def show(*, folder: _Folder = None, as_json: _Json = False) -> None:
    """Show what is remembered of the household, and how much of what was said is kept."""
    run_command(lambda: _show(folder or state_folder(os.environ), as_json=as_json))


@app.command()
def search(
    words: Annotated[str, typer.Argument(help="Words that were said.")],
    *,
    folder: _Folder = None,
    as_json: _Json = False,
) -> None:
    """Search what was said in earlier conversations."""
    run_command(lambda: _search(folder or state_folder(os.environ), words, as_json=as_json))


@app.command()
def clear(
    *,
    folder: _Folder = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Forget everything; nothing of it stays in the file."""
    run_command(lambda: _clear(folder or state_folder(os.environ), is_sure=yes))


def _show(folder: Path, *, as_json: bool) -> int:
    async def look(memory: Memory) -> tuple[dict[str, object], int]:
        return await memory.household(), await memory.count()

    found = _opened(folder, look)
    household, turns = found if found is not None else ({}, 0)
    if as_json:
        print(json.dumps({"household": household, "turns": turns}))
    elif found is None:
        print(f"Nothing is remembered: {folder / NAME} is not there.")
    else:
        print(json.dumps(household, indent=2, ensure_ascii=False) if household else "The household's record is empty.")
        print(f"{turns} turns of earlier conversations are kept.")
    return 0


def _search(folder: Path, words: str, *, as_json: bool) -> int:
    async def look(memory: Memory) -> list[RememberedTurn]:
        return await memory.search(words, most=50)

    turns = _opened(folder, look) or []
    if as_json:
        found = [{"at": turn.at.isoformat(), "who": turn.role, "said": turn.text} for turn in turns]
        print(json.dumps({"found": found}))
    for turn in () if as_json else reversed(turns):
        print(f"{turn.at:%Y-%m-%d %H:%M}  {turn.role}: {turn.text}")
    if not turns and not as_json:
        print("Nothing with these words is kept.")
    return 0


def _clear(folder: Path, *, is_sure: bool) -> int:
    if not is_sure:
        typer.confirm("Forget everything that was said and remembered?", abort=True)
    _opened(folder, lambda memory: memory.forget_everything())
    print("Everything is forgotten.")
    return 0


def _opened(folder: Path, look: Callable[[Memory], Awaitable[_T]]) -> _T | None:
    """Return what ``look`` finds in the memory of a folder; ``None`` where there is none, and none is made."""
    if not (folder / NAME).exists():
        return None

    async def scene() -> _T:
        async with Memory(folder, days=_KEEPS_ALL_DAYS) as memory:
            return await look(memory)

    return asyncio.run(scene())
