"""The command `edgevoice`: hands `run` to the daemon and everything else to the commands, importing neither before."""

import gc
import os
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


def _prepare_for_the_daemon() -> None:
    """Save a quarter of the time that loading takes; to be called before anything is loaded."""
    # What is loaded is no garbage, and would be searched for some 40 times; `spare_what_is_there` enables it again.
    gc.disable()
    _compute_in_one_thread()


def _compute_in_one_thread() -> None:
    # One more thread for each core would spin for a while, in wait for matrices that are too small for it.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def _run() -> None:
    if sys.argv[1:2] == ["run"]:
        _prepare_for_the_daemon()
        from edgevoice.box.daemon import main as run

        sys.exit(run(sys.argv[2:]))
    if sys.argv[1:2] == ["local"]:
        _compute_in_one_thread()
        from edgevoice.local.__main__ import main as local

        terminal.listen_to_interrupts()
        sys.exit(local(sys.argv[2:]))
    if sys.argv[1:2] == ["page"]:
        from edgevoice.page.command import main as page

        sys.exit(page(sys.argv[2:]))
    from edgevoice.commands.root import app

    app(prog_name="edgevoice")
