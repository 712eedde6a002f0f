"""A D-Bus of its own for a test, and programs on it."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path={path}</listen>
<policy context="default"><allow send_destination="*"/><allow own="*"/><allow receive_sender="*"/>
<allow user="*"/></policy></busconfig>
"""


@contextmanager
def private_bus(daemon: str, folder: Path, variable: str) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Run the program ``daemon`` on ``folder``/bus; yield what starts a program on it and waits for its first line.

    The programs find its address in the environment's ``variable``. At the end all of them are killed.
    """
    config = folder / "bus.conf"
    config.write_text(CONFIG.format(path=folder / "bus"))
    with ExitStack() as running:

        def start(*command: str) -> "subprocess.Popen[str]":
            environment = {**os.environ, variable: f"unix:path={folder}/bus"}
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
            running.callback(process.wait, 10)
            running.callback(process.kill)
            assert process.stdout is not None
            running.callback(process.stdout.close)
            assert process.stdout.readline()
            return process

        start(daemon, f"--config-file={config}", "--nofork", "--print-address=1")
        yield start
