"""Power: shuts the machine down when a person holds both buttons, through logind. An observer."""

import asyncio
import logging
from collections.abc import Sequence

from edgevoice.core.notices import Notice
from edgevoice.core.orders import ShutDown
from edgevoice.core.ports import Observer, Report
from edgevoice.journal import tell

_log = logging.getLogger(__name__)

_COMMAND = ("systemctl", "--no-ask-password", "poweroff")
"""As another user than root it asks logind over D-Bus, which asks polkit: no privilege is needed in between."""

_REMEDY = (
    "Allow it: sudo install -m 644 systemd/49-edgevoice-poweroff.rules /etc/polkit-1/rules.d/ (and install polkitd)."
)


class PowerOff(Observer):
    """Shuts the machine down when the box orders it; ``command`` does it, and a refusal is logged with its remedy."""

    def __init__(self, command: Sequence[str] = _COMMAND) -> None:
        self._command = command
        self._wanted = asyncio.Event()

    def observe(self, notice: Notice, now: float) -> None:  # noqa: ARG002 - when does not matter
        """Take the order to shut down."""
        if isinstance(notice, ShutDown):
            self._wanted.set()

    async def run(self, report: Report) -> None:  # noqa: ARG002 - the box is stopped by the service manager
        """Shut down, each time it is wanted, forever: a refusal does not end the box."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            problem = await self._ask()
            if problem:
                tell(_log, logging.ERROR, "not-shut-down", problem=f"{problem}. {_REMEDY}")

    async def _ask(self) -> str:
        """Return why the machine is not shut down, empty if it is about to be."""
        try:
            child = await asyncio.create_subprocess_exec(
                *self._command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
            )
        except OSError as error:
            return f"{self._command[0]} cannot be started: {error.strerror}"
        _, complaint = await child.communicate()
        if child.returncode == 0:
            return ""
        lines = complaint.decode("utf-8", "replace").strip().splitlines() or ["no reason given"]
        return f"the machine is not shut down: {lines[0].rstrip('.')}"
