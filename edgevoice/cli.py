"""The command `edgevoice`: hands `run` to the daemon and everything else to the commands, importing neither before."""

import sys


def main() -> None:
    """Run the command line and exit with its status.

    The daemon must stay small, so `run` does not even load the library that reads the other commands' options.
    """
    if sys.argv[1:2] == ["run"]:
        from edgevoice.daemon import main as run

        sys.exit(run(sys.argv[2:]))
    if sys.argv[1:2] == ["local"]:
        from edgevoice.local.__main__ import main as local

        sys.exit(local(sys.argv[2:]))
    from edgevoice.commands.root import app

    app(prog_name="edgevoice")
