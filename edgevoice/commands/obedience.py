"""Running a command for a person: refusals in one line, and the exit status."""

import sys
from collections.abc import Callable

import typer

from edgevoice.errors import EdgevoiceError


def obey(command: Callable[[], int]) -> None:
    """Run a command; what a person can mend is told in one line, without a traceback."""
    try:
        status = command()
    except EdgevoiceError as error:
        print(error.line(), file=sys.stderr)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    raise typer.Exit(status)
