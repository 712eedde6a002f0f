"""Power: shuts the machine down when a person holds both buttons, through logind. An observer."""

import asyncio
import logging
from asyncio.subprocess import PIPE
from collections.abc import Sequence

from edgevoice import children
from edgevoice.core.notices import Notice
from edgevoice.core.orders import ShutDown
from edgevoice.core.ports import Observer, Report
from edgevoice.journal import tell

_log = logging.getLogger(__name__)

_MANAGER = ("org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager")
_CALL = ("busctl", "--system", "--timeout=10", "call", *_MANAGER)
"""logind asks polkit whether this user may: no privilege is needed in between.

Not `systemctl poweroff`: where logind refuses, that tries other ways, which the service must not have.
"""

_COMMAND = (*_CALL, "PowerOff", "b", "false")
"""Not interactive: nobody would see the question for a password."""

_QUESTION = (*_CALL, "CanPowerOff")
_YES = 's "yes"'

_REMEDY = "Run sudo scripts/setup again, which allows it while panel.shuts_down is true; it needs Debian's polkitd."


class PowerOff(Observer):
    """Shuts the machine down when the box orders it; ``command`` does it, and a refusal is logged with its remedy.

    ``question`` prints whether it would be refused, so that the log says so when the box starts.
    """

    def __init__(self, command: Sequence[str] = _COMMAND, question: Sequence[str] = _QUESTION) -> None:
        self._command = command
        self._question = question
        self._wanted = asyncio.Event()

    def observe(self, notice: Notice, now: float) -> None:  # noqa: ARG002 - when does not matter
        """Take the order to shut down."""
        if isinstance(notice, ShutDown):
            self._wanted.set()

    async def run(self, report: Report) -> None:  # noqa: ARG002 - the box is stopped by the service manager
        """Shut down, each time it is wanted, forever: a refusal does not end the box."""
        answer, problem = await _ask(self._question)
        if answer != _YES:
            problem = f"the buttons cannot shut down: {problem or f'logind answers {answer}'}. {_REMEDY}"
            tell(_log, logging.WARNING, "cannot-shut-down", problem=problem)
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            _, problem = await _ask(self._command)
            if problem:
                problem = f"the machine is not shut down: {problem}. {_REMEDY}"
                tell(_log, logging.ERROR, "not-shut-down", problem=problem)


async def _ask(command: Sequence[str]) -> tuple[str, str]:
    """Return what a command prints, and why it failed, empty if it has not."""
    try:
        child = await asyncio.create_subprocess_exec(
            *command, stdout=PIPE, stderr=PIPE, env=children.environment(), process_group=0
        )
    except OSError as error:
        return "", f"{command[0]} cannot be started: {error.strerror}"
    try:
        answer, complaint = await child.communicate()
    finally:
        await children.end(child)
    if child.returncode == 0:
        return answer.decode("utf-8", "replace").strip(), ""
    lines = complaint.decode("utf-8", "replace").strip().splitlines() or ["no reason given"]
    return "", lines[0].rstrip(".")
