"""What a box or an agent remembers while it runs: the record in its instructions, earlier turns, and the tools."""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any

from edgevoice.core.notices import Role
from edgevoice.errors import StorageUnavailable
from edgevoice.journal import tell
from edgevoice.memory import household
from edgevoice.memory.memory import Memory
from edgevoice.memory.recorder import Recorder
from edgevoice.memory.tools import MemoryTools

_log = logging.getLogger(__name__)


class Remembering:
    """A memory as conversations use it; with ``None`` nothing is remembered or written."""

    def __init__(self, memory: Memory | None = None, history_tokens: int = 0) -> None:
        self._memory = memory
        self._history_tokens = history_tokens
        self._record: household.Record = {}
        self._recorder = Recorder(memory) if memory is not None else None

    @property
    def recorder(self) -> Recorder | None:
        """The observer that writes down what is said; ``None`` if nothing is remembered."""
        return self._recorder

    async def open(self, opened: AsyncExitStack) -> None:
        """Open the memory for the lifetime of ``opened``. Raises ``StorageUnavailable``."""
        if self._memory is not None and self._recorder is not None:
            await opened.enter_async_context(self._memory)
            if self._memory.remark:
                tell(_log, logging.ERROR, "memory-damaged", problem=self._memory.remark)
            opened.push_async_callback(self._recorder.finish)
            self._record = await self._memory.household()

    def functions(self) -> tuple[Callable[..., Any], ...]:
        """Return the tools by which the model remembers and forgets."""
        if self._memory is None or self._recorder is None:
            return ()
        return MemoryTools(self._memory, time.monotonic, self._changed, self._recorder.leave_out).functions()

    def instructions(self, own: str) -> str:
        """Return the instructions of a session: its own, and what is remembered."""
        return "\n\n".join(filter(None, (own, household.told(self._record))))

    async def earlier(self) -> Sequence[tuple[Role, str]]:
        """Return the last turns of earlier conversations, and reread the record; no turns if the disk cannot be read.

        Await it before asking for a session's instructions: a command may have changed both.
        """
        if self._memory is None:
            return ()
        try:
            self._record = await self._memory.household()
            return [(turn.role, turn.text) for turn in await self._memory.history(self._history_tokens)]
        except StorageUnavailable:
            return ()  # the recorder reports it with the first turn that it cannot write

    def _changed(self, record: household.Record) -> None:
        self._record = record
