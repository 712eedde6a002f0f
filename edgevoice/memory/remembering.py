"""What a box or an agent remembers while it runs: the record in its instructions, earlier turns, and the tools."""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any

from msgspec import structs

from edgevoice.core.notices import Role
from edgevoice.core.ports import Observer
from edgevoice.errors import StorageUnavailable
from edgevoice.journal import tell
from edgevoice.memory import household
from edgevoice.memory.forgetting import Forgetting
from edgevoice.memory.memory import Memory
from edgevoice.memory.recorder import Recorder
from edgevoice.memory.service_state import ServiceState
from edgevoice.memory.tools import MemoryTools
from edgevoice.settings.service import ServiceSettings

_log = logging.getLogger(__name__)


class Remembering:
    """A memory as conversations use it; with ``None`` nothing is remembered or written."""

    def __init__(self, memory: Memory | None = None, history_tokens: int = 0) -> None:
        self._memory = memory
        self._history_tokens = history_tokens
        self._record: household.Record = {}
        self._recorder = Recorder(memory) if memory is not None else None
        self._state = ServiceState(memory) if memory is not None else None
        self._forgetting = Forgetting(self.forget_everything) if memory is not None else None

    @property
    def observers(self) -> Sequence[Observer]:
        """What writes down what is said and what the service wants back, and forgets; none if nothing is remembered."""
        return [each for each in (self._recorder, self._state, self._forgetting) if each is not None]

    async def open(self, opened: AsyncExitStack) -> None:
        """Open the memory for the lifetime of ``opened``. Raises ``StorageUnavailable``."""
        if self._memory is not None and self._recorder is not None and self._state is not None:
            await opened.enter_async_context(self._memory)
            if self._memory.remark:
                tell(_log, logging.ERROR, "memory-damaged", problem=self._memory.remark)
            opened.push_async_callback(self._recorder.finish)
            opened.push_async_callback(self._state.finish)
            self._record = await self._memory.household()

    def functions(self) -> tuple[Callable[..., Any], ...]:
        """Return the tools by which the model remembers and forgets."""
        if self._memory is None or (recorder := self._recorder) is None:
            return ()
        tools = MemoryTools(self._memory, time.monotonic, self._changed, self._leave_out, lambda: recorder.user_turns)
        return tools.functions()

    def service(self, service: ServiceSettings) -> ServiceSettings:
        """Return the settings of a session with what is remembered added to its instructions and provider data."""
        if self._state is None:
            return service
        told = "\n\n".join(filter(None, (service.instructions, household.told(self._record))))
        return structs.replace(service, instructions=told, provider_data=self._state.added_to(service))

    async def earlier(self) -> Sequence[tuple[Role, str]]:
        """Return the last turns of earlier conversations, and reread the rest; no turns if the disk cannot be read.

        Await it before asking for a session's settings: a command may have changed what is remembered.
        """
        if self._memory is None or self._state is None:
            return ()
        try:
            self._record = await self._memory.household()
            await self._state.reread()
            return [(turn.role, turn.text) for turn in await self._memory.history(self._history_tokens)]
        except StorageUnavailable:
            return ()  # the recorder reports it with the first turn that it cannot write

    async def forget_everything(self) -> None:
        """Forget what is remembered, and what is just being said. Raises ``StorageUnavailable``."""
        if self._memory is not None:
            await self._leave_out()
            await self._memory.forget_everything()
            self._record = {}

    async def _leave_out(self) -> None:
        for each in (self._recorder, self._state):
            if each is not None:
                await each.leave_out()

    def _changed(self, record: household.Record) -> None:
        self._record = record
