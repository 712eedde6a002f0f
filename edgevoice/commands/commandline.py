"""How every group of commands reads its options and shows its help, as plain text for any terminal."""

from collections.abc import Mapping
from typing import Any

import typer
from typer.core import TyperGroup

from edgevoice.core.printable import printable

_LONGEST_SUMMARY = 500
"""Characters of a command's first sentence in the list of commands; the list wraps lines, so none is cut."""


class _Group(TyperGroup):
    """A group that shows whole sentences in its list of commands, and refuses wrong values in plain words."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was named; raises ``typer.BadParameter`` for a value that it does not take."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = _in_plain_words(error)
            raise

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list of commands."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [
            (name, each.get_short_help_str(_LONGEST_SUMMARY)) for name, each in commands if each and not each.hidden
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _in_plain_words(error: typer.BadParameter) -> str:
    """Return what is wrong with a value; typer passes on the words of the library that reads values for it."""
    if not isinstance(error.__cause__, ValueError):
        return error.message
    # Not a dependency of ours, and loaded already when it has refused something; an older typer does without it.
    from pydantic import ValidationError

    if not isinstance(error.__cause__, ValidationError):
        return error.message
    (first, *_) = error.__cause__.errors(include_url=False)
    return _refusal(first["type"], printable(str(first["input"])), first.get("ctx", {})) or error.message


def _refusal(kind: str, given: str, limits: Mapping[str, Any]) -> str:
    match kind:
        case "int_parsing" | "int_from_float" | "int_parsing_size":
            return f"{given!r} is not a whole number"
        case "float_parsing" | "finite_number":
            return f"{given!r} is not a number"
        case "greater_than_equal":
            return f"{given} is less than {limits['ge']:g}"
        case "less_than_equal":
            return f"{given} is not at most {limits['le']:g}"
        case "value_error":
            return str(limits["error"])
        case _:
            return ""


def group(summary: str, *, epilog: str | None = None) -> typer.Typer:
    """Return a group of commands, each of which takes -h and --help."""
    return typer.Typer(
        help=summary,
        epilog=epilog,
        cls=_Group,
        no_args_is_help=True,
        add_completion=False,
        # With markup, a name in square brackets would vanish from the help.
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
