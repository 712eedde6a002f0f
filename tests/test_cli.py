"""The command `edgevoice`, in a process of its own: what is set before the daemon is loaded."""

import subprocess
import sys

_PROGRAM = """
import gc, os, sys, types
daemon = types.ModuleType("edgevoice.box.daemon")
daemon.main = lambda arguments: print(arguments, gc.isenabled(), os.environ.get("OPENBLAS_NUM_THREADS"))
sys.modules[daemon.__name__] = daemon
sys.argv = ["edgevoice", "run", "--config", "file"]
from edgevoice.cli import main
main()
"""


def test_the_daemon_is_loaded_without_collecting_garbage_and_without_threads_for_matrices() -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True, timeout=60)

    assert done.stdout.startswith("['--config', 'file'] False 1\n")
