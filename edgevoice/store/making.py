"""Files that a child process makes once: what makes them takes memory or packages that a daemon is not to hold."""

import os
import re
import subprocess
from typing import Final

from edgevoice import children

EXIT_NOT_NOW: Final = os.EX_TEMPFAIL
"""The exit status of a child that lacked disk or memory."""

_LIMIT_S: Final = 120.0
"""What takes the longest takes 3 s on a laptop; a busy old Pi gets enough time."""

_NOTHING_SAID: Final = "no reason given"
_EXCEPTION = re.compile(r"^(?:\w+\.)*\w*(?:Error|Exception): (?:\[Errno \d+\] )?")


class NotMade(OSError):
    """A child has made nothing; the text says why, in the child's own last line.

    ``can_pass``: it was killed, or the machine lacked something, so the same may succeed later.
    """

    def __init__(self, message: str, *, can_pass: bool) -> None:
        super().__init__(message)
        self.can_pass = can_pass


def make_in_child(what: str, module: str, *arguments: str) -> bytes:
    """Run a module of ours in a child, which makes ``what``, and return its standard output. Raises ``NotMade``."""
    command = children.python(module, *arguments)
    try:
        # In a group of its own: Ctrl-C is for the parent.
        return subprocess.run(
            command,
            check=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_LIMIT_S,
            env=children.environment(),
            process_group=0,
        ).stdout
    except subprocess.CalledProcessError as error:
        lines = (error.stderr or b"").decode(errors="replace").strip().splitlines()
        last = _EXCEPTION.sub("", lines[-1]) if lines else _NOTHING_SAID
        can_pass = error.returncode < 0 or error.returncode == EXIT_NOT_NOW
        raise NotMade(f"{what} cannot be made: {last}", can_pass=can_pass) from error
    except subprocess.TimeoutExpired as error:
        raise NotMade(f"{what} cannot be made: it took longer than {_LIMIT_S:.0f} s", can_pass=True) from error
    except OSError as error:
        why = f"the process that makes it cannot be started: {error.strerror}"
        raise NotMade(f"{what} cannot be made: {why}", can_pass=True) from error
