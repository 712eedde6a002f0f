"""Print the manual of the command `edgevoice`, or its completion for the shell, as its own help has it.

    /opt/edgevoice/bin/python -I scripts/_manual.py manual|completion|zsh_completion

Made from the installed commands, so that neither can say anything else than they do. The completion is a shell function
with every word in it: on a Pi Zero, starting Python at each press of the key would take seconds.
"""

import sys
from collections.abc import Iterator
from typing import Any

import typer

from edgevoice import __version__
from edgevoice.commands.root import app

NAME = "edgevoice"


def tree() -> dict[str, Any]:
    """Return every command by its whole name, the groups before what is in them."""
    found: dict[str, Any] = {}

    def walk(name: str, command: Any) -> None:
        found[name] = command
        for word, each in getattr(command, "commands", {}).items():
            if not each.hidden:
                walk(f"{name} {word}", each)

    walk(NAME, typer.main.get_command(app))
    return found


def options_of(command: Any) -> list[Any]:
    """Return the options that help shows, `--help` last."""
    context = typer.Context(command, info_name=NAME)
    return [each for each in command.get_params(context) if each.param_type_name == "option" and not each.hidden]


def completion() -> Iterator[str]:
    """Yield the lines of a completion for bash."""
    commands = tree()
    yield f"# Completion of {NAME} {__version__} for bash; made by scripts/setup."
    yield f"_{NAME}() {{"
    yield f'  local word place={NAME} words="" current=${{COMP_WORDS[COMP_CWORD]}}'
    yield '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do'
    yield from _place(commands)
    yield from _cases(commands, 'words="{}"')
    yield '  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")'
    yield "}"
    yield f"complete -o default -F _{NAME} {NAME}"


def zsh_completion() -> Iterator[str]:
    """Yield the lines of a completion for zsh, which reads it as the body of a function."""
    commands = tree()
    yield f"#compdef {NAME}"
    yield f"# Completion of {NAME} {__version__} for zsh; made by scripts/setup."
    yield f"local word place={NAME}"
    yield "local -a offered"
    yield '  for word in "${(@)words[2,CURRENT-1]}"; do'
    yield from _place(commands)
    yield from _cases(commands, "offered=({})")
    yield 'if [[ -n ${(M)offered:#$PREFIX*} ]]; then compadd -- "${offered[@]}"; else _files; fi'


def _place(commands: dict[str, Any]) -> Iterator[str]:
    """Yield the body and the end of a loop over the words so far, which finds the command that they name."""
    yield '    case "$place $word" in'
    yield f'      {" | ".join(_quoted(name) for name in commands if name != NAME)}) place+=" $word" ;;'
    yield "    esac"
    yield "  done"


def _cases(commands: dict[str, Any], assignment: str) -> Iterator[str]:
    """Yield what can follow each command: what is in it, and its options."""
    yield "  case $place in"
    for name, command in commands.items():
        inside = [each for each in getattr(command, "commands", {}) if f"{name} {each}" in commands]
        options = [option for each in options_of(command) for option in (*each.opts, *each.secondary_opts)]
        yield f"    {_quoted(name)}) {assignment.format(' '.join([*inside, *options]))} ;;"
    yield "  esac"


def manual() -> Iterator[str]:
    """Yield the lines of a manual page (man 7 man)."""
    commands = tree()
    yield f'.TH {NAME.upper()} 1 "" "{NAME} {__version__}" "User Commands"'
    yield ".SH NAME"
    yield f"{NAME} \\- a smart speaker on a Raspberry Pi"
    yield ".SH SYNOPSIS"
    yield f".B {NAME}"
    yield "COMMAND [OPTIONS]"
    yield ".SH DESCRIPTION"
    yield _plain(commands[NAME].help)
    for name, command in commands.items():
        if name == NAME:
            continue
        usage = " ".join([name, *command.collect_usage_pieces(typer.Context(command, info_name=name))])
        yield f'.SH "{_plain(usage)}"'
        yield _plain(command.help)
        for each in options_of(command):
            yield ".TP"
            yield f".B {_plain(', '.join((*each.opts, *each.secondary_opts)))}"
            yield _plain(each.help) or "."
    yield ".SH FILES"
    for place, what in (
        ("/etc/edgevoice/edgevoice.toml", "the settings of an installed box"),
        ("~/.config/edgevoice/edgevoice.toml", "those of a person"),
    ):
        yield f".TP\n.I {place}\n{what}"
    yield ".SH SEE ALSO"
    yield "journalctl(1), systemctl(1)"


def _quoted(name: str) -> str:
    return f'"{name}"'


def _plain(text: str | None) -> str:
    """Return text for troff: one paragraph in which nothing is a command of its."""
    words = " ".join((text or "").split()).replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{words}" if words[:1] in {".", "'"} else words


if __name__ == "__main__":
    print("\n".join({"manual": manual, "completion": completion, "zsh_completion": zsh_completion}[sys.argv[1]]()))
