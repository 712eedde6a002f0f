"""`edgevoice transcript`: what was said, as far as it is kept: listed, searched, exported and cleared."""

import asyncio
import json
import os
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final

import typer

from edgevoice.commands.commandline import group
from edgevoice.commands.memory import opened
from edgevoice.commands.outcome import run_command
from edgevoice.commands.stored import SearchWords, files_of, folder_with
from edgevoice.core.printable import printable
from edgevoice.memory.memory import NAME, Memory, RememberedTurn
from edgevoice.store.folders import state_folder

app = group("List, search, export and clear what was said. Nothing is kept unless transcript.keep_days is set.")

_NAMES: Final = {"user": "you", "assistant": "box"}
_PAUSE: Final = timedelta(minutes=1)
"""A pause after which an empty line follows: another conversation."""

_MOST: Final = 1000

_Folder = Annotated[Path | None, folder_with(NAME)]
_Days = Annotated[int | None, typer.Option("--days", min=1, max=3650, metavar="COUNT", help="Only the last days.")]


@app.command("list")
def list_turns(*, days: _Days = None, folder: _Folder = None) -> None:
    """Show what was said, oldest first, with an empty line between conversations."""
    run_command(lambda: _list(folder or state_folder(os.environ), days))


@app.command()
def search(
    words: SearchWords,
    *,
    folder: _Folder = None,
) -> None:
    """Search what was said; what holds all of the words is shown, oldest first."""
    run_command(lambda: _search(folder or state_folder(os.environ), words))


@app.command()
def export(*, days: _Days = None, folder: _Folder = None) -> None:
    """Print what was said as JSON, one turn on each line: at, who, said."""
    run_command(lambda: _export(folder or state_folder(os.environ), days))


@app.command()
def clear(*, folder: _Folder = None, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Delete everything that was said; the household's record of the memory stays."""
    run_command(lambda: _clear(folder or state_folder(os.environ), is_sure=yes))


def _list(folder: Path, days: int | None) -> int:
    turns = opened(folder, lambda memory: memory.turns(days=days))
    print("\n".join(lines_of(turns or [])) or "Nothing that was said is kept.")
    return 0


def _search(folder: Path, words: str) -> int:
    turns = opened(folder, lambda memory: memory.search(words, most=_MOST))
    print("\n".join(lines_of((turns or [])[::-1])) or "Nothing with these words is kept.")
    return 0


def _export(folder: Path, days: int | None) -> int:
    for turn in opened(folder, lambda memory: memory.turns(days=days)) or []:
        print(json.dumps({"at": turn.at.isoformat(), "who": turn.role, "said": turn.text}, ensure_ascii=False))
    return 0


def _clear(folder: Path, *, is_sure: bool) -> int:
    if not files_of(folder, NAME):
        print("Nothing that was said is kept.")
        return 0
    if not is_sure:
        typer.confirm("Delete everything that was said?", abort=True)

    async def forget() -> int:
        async with Memory(folder) as memory:
            return await memory.forget_all_turns()

    count = asyncio.run(forget())
    print(f"{count} turn{'s' if count != 1 else ''} deleted.")
    return 0


def lines_of(turns: Sequence[RememberedTurn]) -> list[str]:
    """Return turns as lines for a person."""
    lines: list[str] = []
    for before, turn in zip([None, *turns], turns, strict=False):
        if before is not None and turn.at - before.at > _PAUSE:
            lines.append("")
        lines.append(f"{turn.at:%Y-%m-%d %H:%M}  {_NAMES[turn.role]}: {printable(turn.text)}")
    return lines
