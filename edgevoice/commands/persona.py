"""`edgevoice persona`: who answers: shown, edited, put in force and taken back."""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from msgspec import structs

from edgevoice.commands.commandline import group
from edgevoice.commands.outcome import run_command
from edgevoice.commands.persona_edit import Elsewhere, edited
from edgevoice.commands.stored import AsJson, files_of, folder_with, looked
from edgevoice.errors import PersonaInvalid, SettingsInvalid
from edgevoice.personas import state as states
from edgevoice.personas.persona import DEFAULT, LARGEST_TEXT, Persona, checked_name, read, text_of
from edgevoice.personas.personas import NAME, Personas, Shelf
from edgevoice.personas.presets import PRESETS
from edgevoice.personas.state import EVERYWHERE, Choice, NothingToUndo, PersonaState
from edgevoice.settings.file import load
from edgevoice.settings.schema import Settings
from edgevoice.store.folders import state_folder

app = group("Show, edit and choose who answers: a role with a voice, a speed, a model and tools of its own.")

_T = TypeVar("_T")

_Name = Annotated[str, typer.Argument(metavar="NAME", help="The name of a persona: pirate.")]
_Folder = Annotated[Path | None, folder_with(NAME)]
_Word = Annotated[
    str,
    typer.Option(
        "--word",
        metavar="WORD",
        help="Only for this wake word, which has a voice, instructions or a persona of its own.",
    ),
]
_Version = Annotated[
    int | None, typer.Option("--version", min=0, max=1_000_000, metavar="N", help="An earlier version.")
]


@app.command(name="list")
def list_(*, folder: _Folder = None, as_json: AsJson = False) -> None:
    """List the personas, and show which is in force."""
    run_command(lambda: _list(_place(folder), as_json=as_json))


@app.command()
def show(
    name: _Name,
    *,
    draft: Annotated[bool, typer.Option("--draft", help="The draft, if there is one.")] = False,
    version: _Version = None,
    folder: _Folder = None,
) -> None:
    """Show a persona as TOML text, as it is in force."""
    run_command(lambda: _show(_place(folder), name, wants_draft=draft, version=version))


@app.command()
def edit(
    name: _Name,
    *,
    folder: _Folder = None,
    through: Annotated[str, typer.Option("--through", hidden=True)] = "",
) -> None:
    """Edit a persona, or a new one, with $EDITOR. What is saved is a draft, until it is activated."""
    run_command(lambda: edited(name, Elsewhere(through) if through else _Here(_place(folder))))


@app.command()
def draft(
    name: _Name,
    *,
    drop: Annotated[bool, typer.Option("--drop", help="Remove the draft instead.")] = False,
    folder: _Folder = None,
) -> None:
    """Keep a text as a draft: edgevoice persona draft pirate < pirate.toml."""
    run_command(lambda: _draft(_place(folder), name, is_dropped=drop))


@app.command()
def activate(name: _Name, *, version: _Version = None, word: _Word = EVERYWHERE, folder: _Folder = None) -> None:
    """Let a persona answer from the next conversation on; its draft, if there is one, becomes a version."""
    run_command(lambda: _activate(_place(folder), name, version, word))


@app.command()
def undo(*, word: _Word = EVERYWHERE, folder: _Folder = None) -> None:
    """Take back the last change, whether it was made by speaking or by a command."""
    run_command(lambda: _undo(_place(folder), word))


@app.command()
def remove(
    name: _Name, *, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False, folder: _Folder = None
) -> None:
    """Remove a persona with all its versions; of one that ships, what was changed of it."""
    run_command(lambda: _remove(_place(folder), name, is_sure=yes))


def _place(folder: Path | None) -> Path:
    return folder or state_folder(os.environ)


class _Here:
    """The personas in a folder that this user may write; ``Kept`` of `persona_edit`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def text(self, name: str) -> str:
        """Return the text to begin with: the draft, else what is in force, else an example."""

        async def look(personas: Personas) -> Persona | None:
            return await personas.draft(name) or (await personas.shelf()).personas.get(name)

        return text_of(_looked(self._folder, look, None) or PRESETS.get(name) or Persona(name=name))

    def save(self, persona: Persona) -> None:
        """Keep a draft."""
        _changed(self._folder, lambda personas: personas.save_draft(persona))


# --- reading ----------------------------------------------------------------------------------------------------------


def _looked(folder: Path, look: Callable[[Personas], Awaitable[_T]], otherwise: _T) -> _T:
    """Return what ``look`` finds in a folder, ``otherwise`` where there is no file yet. Nothing changes there."""
    return looked(folder, NAME, lambda: Personas(folder, is_read_only=True), look, otherwise)


def shelf_in(folder: Path) -> Shelf:
    """Return what there is in a folder, which is not changed; raises ``StorageUnavailable``."""
    return _looked(folder, lambda personas: personas.shelf(), Shelf(PersonaState(), PRESETS))


def _list(folder: Path, *, as_json: bool) -> int:
    shelf = shelf_in(folder)
    state = shelf.state
    choices = {EVERYWHERE: Choice(), **dict(sorted(state.choices.items()))}
    if as_json:
        rows = {
            name: {"version": state.versions.get(name, 0), "draft": name in shelf.drafts}
            for name in sorted({*shelf.names, *shelf.drafts})
        }
        in_force = {place or "everywhere": structs.asdict(choice) for place, choice in choices.items()}
        print(json.dumps({"in_force": in_force, "personas": rows}))
        return 0
    for name in (*shelf.names, *sorted(shelf.drafts - set(shelf.names))):
        mark = "*" if name == choices[EVERYWHERE].persona else " "
        print(f"{mark} {name:<14} {', '.join(_remarks(name, shelf))}".rstrip())
    for place, choice in choices.items():
        own = [f"with the voice {choice.voice}"] * (choice.voice is not None)
        own += [f"at the speed {choice.speed}"] * (choice.speed is not None)
        if place or own:
            print(f"{f'After {place}' if place else 'In force'}: {', '.join([choice.persona, *own])}")
    return 0


def _remarks(name: str, shelf: Shelf) -> list[str]:
    version = shelf.state.versions.get(name, 0)
    remarks = [f"version {version}"] * (version > 0) + ["a draft waits"] * (name in shelf.drafts)
    return [*remarks, "as [service] says"] if name == DEFAULT else remarks


def _show(folder: Path, name: str, *, wants_draft: bool, version: int | None) -> int:
    async def look(personas: Personas) -> Persona | None:
        if wants_draft:
            return await personas.draft(name)
        if version is None:
            return None
        return next((each.persona for each in await personas.versions(name) if each.number == version), None)

    found = _looked(folder, look, None)
    if found is None:
        if wants_draft:
            raise PersonaInvalid(f"there is no draft of {name}")
        if version:
            raise PersonaInvalid(f"there is no version {version} of the persona {name}")
        found = PRESETS[name] if version == 0 and name in PRESETS else shelf_in(folder).find(name)
    sys.stdout.write(text_of(found))
    return 0


# --- changing ---------------------------------------------------------------------------------------------------------


def _changed(folder: Path, change: Callable[[Personas], Awaitable[_T]]) -> _T:
    async def scene() -> tuple[_T, str]:
        async with Personas(folder) as personas:
            return await change(personas), personas.remark

    result, remark = asyncio.run(scene())
    if remark:
        print(remark, file=sys.stderr)
    return result


def _draft(folder: Path, name: str, *, is_dropped: bool) -> int:
    checked_name(name)
    if is_dropped:
        had_one = bool(files_of(folder, NAME)) and _changed(folder, lambda personas: personas.drop_draft(name))
        print(f"The draft of {name} is removed." if had_one else f"There is no draft of {name}.")
        return 0
    if sys.stdin.isatty():
        raise PersonaInvalid(
            "the text of the draft is missing",
            remedy=f"Give it: edgevoice persona draft {name} < FILE. Or write it: edgevoice persona edit {name}.",
        )
    persona = read(name, sys.stdin.buffer.read(LARGEST_TEXT + 1))
    _changed(folder, lambda personas: personas.save_draft(persona))
    print(f"Saved as a draft. To put it in force: edgevoice persona activate {name}")
    return 0


def _activate(folder: Path, name: str, version: int | None, word: str) -> int:
    place = _place_of(word)
    number = _changed(folder, lambda personas: personas.activate(name, place=place, number=version))
    shown = f"{name}, version {number}," if number else name
    print(f"{shown} answers{f' after {word}' if word else ''} from the next conversation on.")
    return _warned_if_off()


def _undo(folder: Path, word: str) -> int:
    place = _place_of(word)

    async def change(personas: Personas) -> Shelf:
        return await personas.change(lambda shelf: states.undo(shelf.state, place))

    try:
        shelf = _changed(folder, change)
    except NothingToUndo:
        print("There is nothing to undo.", file=sys.stderr)
        return 1
    choice = shelf.state.choices.get(place)
    answers = f"{choice.persona} answers" if choice is not None else "It answers as the settings say"
    print(f"Undone. {answers}{f' after {word}' if word else ''} from the next conversation on.")
    return _warned_if_off()


def _remove(folder: Path, name: str, *, is_sure: bool) -> int:
    checked_name(name)
    nothing = f"There is nothing of {name} to remove."
    if not files_of(folder, NAME):
        print(nothing)
        return 0
    if not is_sure:
        typer.confirm(f"Remove {name} with all its versions?", abort=True)
    was_there = _changed(folder, lambda personas: personas.remove(name))
    print(f"{name} is {'as it ships' if name in PRESETS else 'removed'}." if was_there else nothing)
    return 0


def _place_of(word: str) -> str:
    """Return the place of a wake word; it must have one of its own in the settings, if these can be read."""
    settings = _settings()
    if not word or settings is None:
        return word
    own = sorted(settings.wakeword.own_sessions())
    if word not in own:
        raise PersonaInvalid(
            f"the wake word {word} has no voice, instructions or persona of its own",
            remedy=f'Give it one: [wakeword.words] {word} = {{persona = "pirate"}}. '
            f"Words that have one: {', '.join(own) or 'none'}.",
        )
    return word


def _warned_if_off() -> int:
    settings = _settings()
    if settings is not None and not settings.personas.enabled:
        print("Personas are off: set personas.enabled = true in the settings, then restart the box.", file=sys.stderr)
    return 0


def _settings() -> Settings | None:
    try:
        return load(None, os.environ).settings
    except SettingsInvalid:
        return None  # `config check` says what is wrong with them
