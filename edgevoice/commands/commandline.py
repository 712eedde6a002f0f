"""How every group of commands reads its options and shows its help, as plain text for any terminal."""

from typing import Any

import typer
from typer.core import TyperGroup

_LONGEST_SUMMARY = 500
"""Characters of a command's first sentence in the list of commands; the list wraps lines, so none is cut."""


class _Group(TyperGroup):
    """A group that shows whole sentences in its list of commands."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list of commands."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [
            (name, each.get_short_help_str(_LONGEST_SUMMARY)) for name, each in commands if each and not each.hidden
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


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
