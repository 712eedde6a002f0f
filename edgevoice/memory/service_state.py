"""The service's own memory: what it wants back with its next session, kept for it. An observer; it decides nothing."""

import asyncio
import logging
from typing import Any, Final

import msgspec

from edgevoice.core.conversation.phases import Phase
from edgevoice.core.notices import Notice, PhaseEntered, ServiceStateChanged
from edgevoice.core.ports import Observer, Report
from edgevoice.errors import StorageUnavailable
from edgevoice.journal import tell
from edgevoice.memory.memory import Memory
from edgevoice.settings.service import ServiceSettings

_log = logging.getLogger(__name__)

_MOST_BYTES: Final = 65_536
"""The state as JSON text: it is sent again with each session. Inworld's holds a summary and a list of facts."""


class ServiceState(Observer):
    """Keeps the latest state that the service reports, and adds it to the settings of the next session.

    Only Inworld's dialect has such a state (``providerData.memory.state``).
    """

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._given: dict[str, Any] | None = None
        self._latest = ""
        self._waiting = asyncio.Event()
        self._writing = asyncio.Lock()
        self._is_wanted = False
        # Something was forgotten that the service still knows, until this conversation ends.
        self._is_left_out = False

    async def reread(self) -> None:
        """Read what the next session is given. Raises ``StorageUnavailable``."""
        await self.finish()
        # A command may have cleared it: whatever the service reports next is new.
        self._latest = ""
        self._given = await self._memory.service_state()

    def added_to(self, service: ServiceSettings) -> dict[str, Any]:
        """Return the ``provider_data`` of a session, with the service's memory switched on, and the kept state.

        If the settings switch it off, or the dialect is another, they are returned as they are.
        """
        own = service.provider_data.get("memory", {})
        is_on = isinstance(own, dict) and own.get("enabled", True) is True
        self._is_wanted = is_on and service.spoken_dialect == "inworld"
        if not self._is_wanted:
            return service.provider_data
        state = {} if self._given is None else {"state": self._given}
        return {**service.provider_data, "memory": {"enabled": True, **own, **state}}

    def observe(self, notice: Notice, now: float) -> None:  # noqa: ARG002 - a state has no time
        """Note a new state; it is written by ``run``."""
        match notice:
            case ServiceStateChanged(state=state) if self._is_wanted and not self._is_left_out:
                self._take(state)
            case PhaseEntered(phase=Phase.IDLE):
                self._is_left_out = False
            case _:
                pass

    def _take(self, state: str) -> None:
        if state == self._latest:
            return
        if (size := len(state.encode())) > _MOST_BYTES:
            tell(_log, logging.WARNING, "service-memory-too-large", bytes=size, most=_MOST_BYTES)
            return
        self._latest = state
        self._waiting.set()

    async def leave_out(self) -> None:
        """Keep nothing more of this conversation; what was kept of it before is written once this returns."""
        self._is_left_out = True
        await self.finish()

    async def run(self, report: Report) -> None:  # noqa: ARG002 - it reports nothing
        """Write each new state, forever; ``finish`` writes the last one at the end."""
        while True:
            await self._waiting.wait()
            await self.finish()

    async def finish(self) -> None:
        """Write the latest state if it is not written yet."""
        async with self._writing:
            if not self._waiting.is_set():
                return
            self._waiting.clear()
            try:
                await self._memory.keep_service_state(msgspec.json.decode(self._latest))
            except StorageUnavailable as error:
                tell(_log, logging.ERROR, "memory-unavailable", code=error.code, problem=error.line())
