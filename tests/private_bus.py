"""A D-Bus of its own for a test, and programs on it."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path={path}</listen>
{policy}</busconfig>
"""

OPEN = """<policy context="default"><allow send_destination="*"/><allow own="*"/><allow receive_sender="*"/>
<allow user="*"/></policy>"""

AS_ON_THE_SYSTEM_BUS = """<policy context="default"><allow user="*"/><allow own="*"/><deny send_type="method_call"/>
<allow send_type="signal"/><allow send_requested_reply="true" send_type="method_return"/>
<allow send_requested_reply="true" send_type="error"/><allow receive_type="method_call"/>
<allow receive_type="method_return"/><allow receive_type="error"/><allow receive_type="signal"/>
<allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus"/></policy>"""
"""What /usr/share/dbus-1/system.conf says, except that whoever likes may own a name."""


@contextmanager
def private_bus(
    daemon: str, folder: Path, variable: str, policy: str = OPEN
) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Run the program ``daemon`` on ``folder``/bus; yield what starts a program on it and waits for its first line.

    The programs find its address in the environment's ``variable``. ``policy`` is what the bus allows. At the end all
    of them are killed.
    """
    config = folder / "bus.conf"
    config.write_text(CONFIG.format(path=folder / "bus", policy=policy))
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
