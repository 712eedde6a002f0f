"""`edgevoice config`: write, check and show the settings. Never shows a key."""

import errno
import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn, TextIO

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from edgevoice import journal
from edgevoice.commands.commandline import group
from edgevoice.commands.config_template import template
from edgevoice.commands.outcome import run_command
from edgevoice.errors import PanelUnavailable, PersonaInvalid, SettingsInvalid, StorageUnavailable, WakeWordUnavailable
from edgevoice.host.credentials import find_key
from edgevoice.settings import file as settings_file
from edgevoice.settings.catalogue import (
    ENTRIES,
    Entry,
    address_without_secrets,
    sections,
    without_secrets,
)
from edgevoice.settings.file import Loaded, SettingsRefused, load
from edgevoice.settings.schema import Settings
from edgevoice.store.files import rewrite, sync_folder
from edgevoice.store.folders import state_folder

EXIT_CANNOT_CREATE: Final = 73
EXIT_NO_PERMISSION: Final = 77
EXIT_CONFIGURATION: Final = 78
"""As in sysexits.h: EX_CANTCREAT, EX_NOPERM and EX_CONFIG."""

NAME_COLUMNS: Final = max(len(entry.name) for entry in ENTRIES.values())
LONGEST_VALUE: Final = 130

app = group("Write, check and show the settings.")

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="The settings file; without it, /etc/edgevoice/edgevoice.toml, else ~/.config/edgevoice/edgevoice.toml.",
    ),
]


@app.command()
def init(
    *,
    path: Annotated[
        Path | None,
        typer.Option("--path", metavar="FILE", help="Where to write; - is the terminal.", show_default=False),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
) -> None:
    """Write a settings file that lists every setting with its default, unit and range."""
    run_command(lambda: _init(path, replace=force))


@app.command()
def check(*, config: ConfigOption = None) -> None:
    """Check everything that `run` checks before it listens: settings, variables, key, wake words, pin library."""
    run_command(lambda: _check(config))


@app.command()
def show(
    *,
    config: ConfigOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON for other programs.")] = False,
) -> None:
    """Show the settings in force, and where each came from."""
    run_command(lambda: _show(config, as_json=as_json))


def _init(path: Path | None, *, replace: bool) -> int:
    if path == Path("-"):
        sys.stdout.write(template())
        return 0
    place = path or _own_place()
    try:
        _write(place, template(), replace=replace)
    except FileExistsError:
        _fail(f"{place} already exists; --force replaces it, and your changes in it are lost", EXIT_CANNOT_CREATE)
    except OSError as failure:
        _fail(f"{place} cannot be written: {failure.strerror}", EXIT_CANNOT_CREATE)
    print(f"Wrote {place}")
    return 0


def _check(config: Path | None) -> int:
    # It loads the whole box, which no other command needs to start with.
    from edgevoice.box.preflight import find_what_is_named, load_what_is_named

    loaded = _load(config)
    journal.start("critical")
    try:
        find_what_is_named(loaded.settings, os.environ)
        load_what_is_named(loaded.settings, os.environ)
    except (SettingsInvalid, WakeWordUnavailable, PanelUnavailable) as refusal:
        _fail(refusal.line(), EXIT_CONFIGURATION)
    # Not an error: the box runs without it, and a command may add it meanwhile.
    for line in _unknown_personas(loaded.settings):
        print(line, file=sys.stderr)
    print(f"{loaded.source} is valid" if loaded.source else "There is no settings file; the defaults are in force")
    return 0


def _unknown_personas(settings: Settings) -> list[str]:
    """Return a line for each wake word whose persona neither ships nor is kept; none if this user cannot know."""
    named = {word: name for word, name in settings.wakeword.own_sessions().items() if name is not None}
    if not (named and settings.personas.enabled):
        return []
    from edgevoice.commands import persona

    try:
        shelf = persona.shelf_in(state_folder(os.environ))
    except StorageUnavailable:
        return []
    lines = []
    for word, name in named.items():
        try:
            shelf.find(name)
        except PersonaInvalid as unknown:
            lines.append(f"wakeword.words.{word}.persona: {unknown.line()}")
    return lines


def _show(config: Path | None, *, as_json: bool) -> int:
    loaded = _load(config)
    try:
        key = find_key(loaded.settings.service, os.environ)
    except SettingsInvalid as refusal:
        state, remark = "not set", refusal.line()
    else:
        state, remark = ("set", f"from {key.source}") if key else ("not set", "")
    if as_json:
        print(json.dumps(_as_data(loaded, state), indent=2, ensure_ascii=False))
        return 0
    console = Console(highlight=False)
    console.print(Text(f"File  {loaded.source or 'none'}"))
    console.print(Text(f"Key   {state}{f' ({remark})' if remark else ''}"))
    for section in sections():
        console.print(_table(section, loaded))
    return 0


def _load(config: Path | None) -> Loaded:
    """Return the settings in force, or print every error line and exit with the code for a wrong configuration."""
    try:
        return load(config, os.environ)
    except SettingsRefused as refusal:
        _fail("\n".join([*refusal.faults, refusal.remedy]), EXIT_CONFIGURATION)


def _fail(message: str, code: int) -> NoReturn:
    print(message, file=sys.stderr)
    raise typer.Exit(code)


def _own_place() -> Path:
    """Return where to write settings so that they are read: the named or existing file, else this user's own."""
    if named := os.environ.get("EDGEVOICE_CONFIG"):
        return Path(named)
    if os.geteuid() == 0:
        return settings_file.SYSTEM_FILE
    if _is_there(settings_file.SYSTEM_FILE):
        _fail(
            f"{settings_file.SYSTEM_FILE} is the file in use, and only root may write it. "
            "Type sudo edgevoice config init, or name another file: --path FILE",
            EXIT_NO_PERMISSION,
        )
    return settings_file.file_places(os.environ)[-1]


def _is_there(place: Path) -> bool:
    try:
        return place.exists()
    except PermissionError:
        # In a folder that this user may not look into.
        return True


def _write(place: Path, text: str, *, replace: bool) -> None:
    """Write the file atomically; replace an existing one only on request."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)) from None
    if replace and place.exists():
        rewrite(place, text.encode())
        return
    # A link to nothing: what it points at is written.
    target = place.resolve() if replace else place
    with target.open("x", encoding="utf-8") as file:
        _fill(file, text)
    for folder in (target.parent, target.parent.parent):
        sync_folder(folder)  # its own name may be new, too


def _fill(file: TextIO, text: str) -> None:
    file.write(text)
    file.flush()
    # People unplug a box as soon as they read "Wrote".
    os.fsync(file.fileno())


# --- showing ---------------------------------------------------------------------------------------------------------


def _shown(entry: Entry, loaded: Loaded) -> Any:
    """Return a setting's value as data that anybody may read."""
    value = getattr(getattr(loaded.settings, entry.section), entry.name)
    return address_without_secrets(value) if entry.dotted == "service.url" else without_secrets(value)


def _origin(entry: Entry, loaded: Loaded) -> str:
    origin = loaded.origins.get(entry.dotted, "default")
    return origin if origin in {"default", entry.variable} else "file"


def _as_data(loaded: Loaded, key_state: str) -> dict[str, Any]:
    settings: dict[str, dict[str, Any]] = {section: {} for section in sections()}
    for entry in ENTRIES.values():
        settings[entry.section][entry.name] = {"value": _shown(entry, loaded), "from": _origin(entry, loaded)}
    return {"file": loaded.source and str(loaded.source), "key": key_state, "settings": settings}


def _table(section: str, loaded: Loaded) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0), expand=True)
    table.add_column(width=NAME_COLUMNS, no_wrap=True)
    table.add_column(overflow="fold", ratio=1)
    table.add_column(width=len("variable"), no_wrap=True)
    table.add_row(Text(f"\n[{section}]", style="bold"))
    for entry in ENTRIES.values():
        if entry.section == section:
            origin = _origin(entry, loaded)
            style = "dim" if origin == "default" else ""
            kind = "variable" if origin == entry.variable else origin
            table.add_row(Text(entry.name), Text(_line(_shown(entry, loaded)), style), Text(kind, style))
    return table


def _line(value: Any) -> str:
    """Return a value as a person would write it, on one line; cut it after three lines' worth."""
    if value is None:
        return "not set"
    if isinstance(value, list):
        return ", ".join(value) or "none"
    text = (
        str(value)
        if isinstance(value, int | float) and not isinstance(value, bool)
        else json.dumps(value, ensure_ascii=False)
    )
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
