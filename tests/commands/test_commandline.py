"""Every command has -h, plain help, and limits for every number."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextvars import copy_context
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from edgevoice.commands.root import app


def commands(command: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    command = command or typer.main.get_command(app)
    yield path, command
    for name, each in getattr(command, "commands", {}).items():
        yield from commands(each, (*path, name))


def is_argument(parameter: Any) -> bool:
    return not parameter.opts[0].startswith("-")


ALL = dict(commands())
TYPED = [path for path in ALL if path not in {("run",), ("local",), ("page",)}]
NUMBERS = [
    (path, parameter.opts[0], [each.name for each in command.params if is_argument(each) and each is not parameter])
    for path, command in ALL.items()
    for parameter in command.params
    if re.search(r"\b(int|float)\b", str(parameter.type_descriptor.annotation))
]


def refused(path: tuple[str, ...], *arguments: str) -> str:
    result = CliRunner().invoke(app, [*path, *arguments])
    assert result.exit_code == 2
    return result.output


@pytest.mark.parametrize("path", TYPED, ids=" ".join)
def test_every_command_shows_its_help_for_both_spellings(path: tuple[str, ...]) -> None:
    short, long = (CliRunner().invoke(app, [*path, each]) for each in ("-h", "--help"))

    assert (short.exit_code, long.exit_code) == (0, 0)
    assert short.output == long.output
    assert "<bool>" not in short.output
    assert all(len(line) <= 80 for line in short.output.splitlines())


def test_the_list_of_commands_truncates_no_sentence() -> None:
    lines = " ".join(CliRunner().invoke(app, ["--help"]).output.split())

    assert "with a remedy for everything that is wrong." in lines


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("timers", "add", "abc"), "Invalid value for 'SECONDS': 'abc' is not a whole number"),
        (("timers", "add", "1.5"), "Invalid value for 'SECONDS': '1.5' is not a whole number"),
        (("timers", "add", "0"), "Invalid value for 'SECONDS': 0 is less than 1"),
        (("timers", "add", "1000000"), "Invalid value for 'SECONDS': 1000000 is not at most 86400"),
        (("alarms", "cancel", "1", "x"), "Invalid value for 'ID...': 'x' is not a whole number"),
        (("bench", "echo", "--minutes", "ten"), "Invalid value for '--minutes': 'ten' is not a number"),
        (("bench", "echo", "--minutes", "nan"), "Invalid value for '--minutes': nan is not at most 600"),
        (
            ("ctl", "say", "a", "--quiet-hours", "b"),
            "Invalid value for '--quiet-hours': 'b' is not one of 'speak', 'wait', 'skip'.",
        ),
        (("timers", "add"), "Missing argument 'SECONDS'."),
    ],
)
def test_a_wrong_value_is_refused_in_plain_words(arguments: tuple[str, ...], said: str) -> None:
    assert refused(arguments).splitlines()[-1] == f"Error: {said}"


def test_square_brackets_are_kept_in_the_help() -> None:
    assert "extra [eval]" in CliRunner().invoke(app, ["wakeword", "test", "-h"]).output


def test_there_are_numeric_options_to_check() -> None:
    assert {option for _, option, _ in NUMBERS} >= {"--drift", "--seconds", "--false-wakes", "--minutes", "--rounds"}


@pytest.mark.parametrize(("path", "option", "before"), NUMBERS, ids=str)
@pytest.mark.parametrize("number", ["999999999999", "-999999999999", "nan", "inf", "-inf"])
def test_every_number_has_limits(path: tuple[str, ...], option: str, before: list[str], number: str) -> None:
    if option.startswith("-"):
        assert option in refused(path, *before, f"{option}={number}")
    else:
        assert "Invalid value for" in refused(path, "--", number)


@pytest.mark.parametrize("command", ["run", "local", "page"])
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_lightweight_commands_show_their_help_too(command: str, option: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "edgevoice", command, option], capture_output=True, text=True, timeout=60, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: edgevoice {command}")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("doctor", 0),
        ("wakeword watch --seconds 5", 0),
        ("talk", 0),
        ("doctor --ech", 2),
        ("doctor --echo --quick", 2),
        ("wakeword watch --seconds five", 2),
        ("talk now", 2),
    ],
)
def test_options_can_be_checked_without_doing_anything(arguments: str, code: int) -> None:
    # In its own context, so that later tests in this process are not affected.
    result = copy_context().run(CliRunner().invoke, app, ["--parse-only", *arguments.split()])

    assert (result.exit_code, result.stdout) == (code, "")
    assert "--parse-only" not in CliRunner().invoke(app, ["--help"]).output
