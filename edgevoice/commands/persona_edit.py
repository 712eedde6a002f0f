"""`edgevoice persona edit`: a persona as text in the person's own editor, checked before it is saved."""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final, NoReturn, Protocol

import typer

from edgevoice.errors import EdgevoiceError, PersonaInvalid
from edgevoice.personas.persona import LARGEST_TEXT, Persona, checked_name, read, text_of

_EDITORS: Final = ("sensible-editor", "nano", "vi")
"""What is taken where neither VISUAL nor EDITOR is set; the first that is installed."""


class Kept(Protocol):
    """Where personas are kept."""

    def text(self, name: str) -> str:
        """Return the text to begin with: the draft, else what is in force, else an example."""
        ...

    def save(self, persona: Persona) -> None:
        """Keep a draft."""
        ...


class Elsewhere:
    """Personas of the box, which a command reads and writes as the box's user; the editor runs as the person."""

    def __init__(self, command: str) -> None:
        self._command = command

    def text(self, name: str) -> str:
        """Return the draft, else what is in force, else an example."""
        asked = self._ask(["show", name, "--draft"])
        if asked.returncode:
            asked = self._ask(["show", name])
        if asked.returncode == 0:
            return asked.stdout
        if "there is no persona" not in asked.stderr:
            _end(asked)
        return text_of(Persona(name=name))

    def save(self, persona: Persona) -> None:
        """Keep a draft."""
        asked = self._ask(["draft", persona.name], text_of(persona))
        if asked.returncode:
            _end(asked)

    def _ask(self, words: list[str], text: str = "") -> subprocess.CompletedProcess[str]:
        command = [self._command, "persona", *words]
        return subprocess.run(command, input=text, capture_output=True, text=True, check=False)


def _end(asked: subprocess.CompletedProcess[str]) -> NoReturn:
    print(asked.stderr.strip(), file=sys.stderr)
    raise typer.Exit(1)


def edited(name: str, kept: Kept) -> int:
    """Have a person edit a persona, and keep the result as a draft; return the exit status.

    A text that is refused can be edited again, or stays in a file: nothing that was written is lost.
    """
    checked_name(name)
    editor = _editor()
    before = kept.text(name)
    handle, named = tempfile.mkstemp(prefix=f"persona-{name}-", suffix=".toml")
    path = Path(named)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(before)
    try:
        persona = _until_valid(name, editor, path, before)
        if persona is not None:
            kept.save(persona)
    except BaseException as error:
        if path.read_text(encoding="utf-8", errors="replace") != before:
            print(f"Your text is in {path}", file=sys.stderr)
        else:
            path.unlink()
        if isinstance(error, typer.Abort):
            return 1
        raise
    path.unlink()
    if persona is not None:
        print(f"Saved as a draft. To put it in force: edgevoice persona activate {name}")
    return 0


def _until_valid(name: str, editor: list[str], path: Path, before: str) -> Persona | None:
    """Return what was written, ``None`` if nothing was; raises ``Abort`` if the person gives up."""
    while True:
        try:
            done = subprocess.run([*editor, str(path)], check=False)
        except OSError as error:
            raise PersonaInvalid(
                f"{editor[0]} cannot be started: {error.strerror}", remedy="Name another editor in EDITOR."
            ) from None
        content = _content(path)
        if done.returncode:
            raise PersonaInvalid(f"{editor[0]} ended with the status {done.returncode}", remedy="Nothing is saved.")
        if content == before.encode():
            print("Nothing is changed.")
            return None
        if not content.strip():
            print("Nothing is saved: the text is empty.")
            return None
        try:
            return read(name, content)
        except EdgevoiceError as refusal:
            print(refusal, file=sys.stderr)
        typer.confirm("Edit it again?", default=True, abort=True)


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(LARGEST_TEXT + 1)


def _editor() -> list[str]:
    for variable in ("VISUAL", "EDITOR"):
        if words := shlex.split(os.environ.get(variable, "")):
            return words
    for each in _EDITORS:
        if shutil.which(each):
            return [each]
    raise PersonaInvalid("there is no editor", remedy="Name one in EDITOR: EDITOR=nano edgevoice persona edit NAME.")
