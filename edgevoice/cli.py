"""The command `edgevoice`: hands `run` to the daemon and everything else to the commands, importing neither before."""

import sys

from edgevoice.commands import terminal


def main() -> None:
    """Run the command line and exit with its status.

    The daemon must stay small, so `run` does not even load the library that reads the other commands' options.
    """
    terminal.prepare()
    try:
        _run()
    except (SystemExit, OSError) as end:
        # A closed pipe (`| head`) or a full disk shows at the latest when the rest is written.
        failure = terminal.output_failure(end if isinstance(end, OSError) else None)
        if failure is None:
            raise
        sys.exit(terminal.status_after(failure))


def _run() -> None:
    if sys.argv[1:2] == ["run"]:
        from edgevoice.box.daemon import main as run

        sys.exit(run(sys.argv[2:]))
    if sys.argv[1:2] == ["local"]:
        from edgevoice.local.__main__ import main as local

        terminal.listen_to_interrupts()
        sys.exit(local(sys.argv[2:]))
    if sys.argv[1:2] == ["page"]:
        from edgevoice.page.command import main as page

        sys.exit(page(sys.argv[2:]))
    from edgevoice.commands.root import app

    app(prog_name="edgevoice")
