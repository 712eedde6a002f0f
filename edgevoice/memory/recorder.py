"""Recorder: writes down what was said in a conversation, as far as it was heard. An observer; it decides nothing."""

import asyncio
import logging

from edgevoice.core.conversation.phases import Phase
from edgevoice.core.notices import AudioReceived, Notice, PhaseEntered, Role, TranscriptChanged
from edgevoice.core.orders import DeleteItem, ExtendItem, TruncateItem
from edgevoice.core.ports import Observer, Report
from edgevoice.core.protocol.downlink import AudioPiece
from edgevoice.core.protocol.history import History
from edgevoice.errors import StorageUnavailable
from edgevoice.journal import tell
from edgevoice.memory.memory import Memory

_log = logging.getLogger(__name__)


class Recorder(Observer):
    """Adds each turn to a memory once it is answered: of an answer that was cut, what was heard of it."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._history = History()
        self._turns: asyncio.Queue[list[tuple[Role, str]]] = asyncio.Queue()

    def observe(self, notice: Notice, now: float) -> None:  # noqa: ARG002 - a turn gets its time when it is written
        """Take what was said, and how much of it was heard."""
        match notice:
            case TranscriptChanged():
                self._history.take(notice)
            case AudioReceived(response_id=response_id, item_id=item_id, pcm=pcm):
                self._history.take(AudioPiece(response_id, item_id, 0, pcm))
            case TruncateItem(item_id=item_id, heard_ms=heard_ms):
                self._history.truncate(item_id, heard_ms)
            case ExtendItem(item_id=item_id, heard_ms=heard_ms):
                self._history.extend(item_id, heard_ms)
            case DeleteItem(item_id=item_id):
                self._history.delete(item_id)
            case PhaseEntered(phase=Phase.THINKING | Phase.IDLE):
                # How much was heard of the answer before is known by now.
                self._keep()
            case _:
                pass

    def _keep(self) -> None:
        if said := self._history.answered():
            self._turns.put_nowait(said)
            self._history.clear()

    async def run(self, report: Report) -> None:  # noqa: ARG002 - it reports nothing
        """Write what there is, for ever; what waits at the end is written by ``finish``."""
        while True:
            await self._write(await self._turns.get())

    async def finish(self) -> None:
        """Write what is still to be written."""
        self._keep()
        while not self._turns.empty():
            await self._write(self._turns.get_nowait())

    async def _write(self, said: list[tuple[Role, str]]) -> None:
        try:
            for role, text in said:
                await self._memory.add(role, text)
        except StorageUnavailable as error:
            tell(_log, logging.ERROR, "memory-unavailable", code=error.code, problem=error.line())
