"""Running a command for a person: refusals in one line, and the exit status."""

import sys
from collections.abc import Callable
from contextvars import ContextVar

import typer

from edgevoice.commands.terminal import leave_interrupted, listen_to_interrupts, output_failure, status_after
from edgevoice.errors import EdgevoiceError, of_machine

_is_parsing: ContextVar[bool] = ContextVar("is_parsing", default=False)


def only_parse(*, is_wanted: bool) -> None:
    """Make the next command end after reading its options, to check beforehand that they are valid."""
    _is_parsing.set(is_wanted)


def run_command(command: Callable[[], int]) -> None:
    """Run a command; report errors that a person can fix in one line, without a traceback."""
    if _is_parsing.get():
        raise typer.Exit
    listen_to_interrupts()
    try:
        status = command()
    except EdgevoiceError as error:
        print(error.line(), file=sys.stderr)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        leave_interrupted()
    except (OSError, MemoryError) as error:
        failure = output_failure(error) if isinstance(error, OSError) else None
        if failure is not None:
            raise typer.Exit(status_after(failure)) from None
        if (trouble := of_machine(error)) is None:
            raise
        print(trouble.line(), file=sys.stderr)
        raise typer.Exit(1) from None
    failure = output_failure()
    raise typer.Exit(status if failure is None else status_after(failure))
