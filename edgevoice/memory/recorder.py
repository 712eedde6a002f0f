"""Recorder: writes down what was said in a conversation, as far as it was heard. An observer; it decides nothing."""

import asyncio
import logging
from typing import Final

from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import TurnEnded
from edgevoice.core.notices import AudioReceived, Notice, PhaseEntered, Role, TranscriptChanged
from edgevoice.core.orders import DeleteItem, ExtendItem, TruncateItem
from edgevoice.core.ports import Observer, Report
from edgevoice.core.protocol.downlink import AudioPiece
from edgevoice.core.protocol.history import History
from edgevoice.errors import StorageUnavailable
from edgevoice.journal import tell
from edgevoice.memory.memory import Memory

_log = logging.getLogger(__name__)

_MOST_WAITING: Final = 100
"""Exchanges that may wait for the disk; beyond that the oldest are dropped, and the log counts their turns."""

_FORGETS_EACH_S: Final = 3600.0
"""How long nothing may be said before old turns are deleted anyway."""


class Recorder(Observer):
    """Adds each turn to a memory once it is answered; of an answer that was cut, only the part that was heard.

    ``user_turns`` is how often the user has spoken.
    """

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._history = History()
        self._turns: asyncio.Queue[list[tuple[Role, str]]] = asyncio.Queue(_MOST_WAITING)
        self._dropped = 0
        self._writing = asyncio.Lock()
        self._is_left_out = False
        self._is_over = False
        self.user_turns = 0

    def observe(self, notice: Notice, now: float) -> None:  # noqa: ARG002 - a turn gets its time when it is written
        """Record what was said, and how much of it was heard."""
        match notice:
            case TurnEnded():
                self.user_turns += 1
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
                # By now it is known how much of the previous answer was heard.
                self._keep()
                if self._is_over or notice.phase is Phase.IDLE:
                    self._is_left_out = False
            case PhaseEntered(phase=Phase.LISTENING):
                # An exchange continues through its tools until it is the user's turn again.
                self._is_over = True
                if self._is_left_out:
                    self._history.clear()
            case _:
                pass

    def _keep(self) -> None:
        if not (said := self._history.take_answered()) or self._is_left_out:
            return
        if self._turns.full():
            self._dropped += len(self._turns.get_nowait())
            tell(_log, logging.WARNING, "memory-turns-dropped", turns=self._dropped)
        self._turns.put_nowait(said)

    async def leave_out(self) -> None:
        """Leave out the current exchange; all earlier ones are written once this returns."""
        self._is_left_out, self._is_over = True, False
        await self._write_waiting()

    async def run(self, report: Report) -> None:  # noqa: ARG002 - it reports nothing
        """Write what is queued, forever, and delete what is too old; ``finish`` writes the rest at the end."""
        while True:
            try:
                async with asyncio.timeout(_FORGETS_EACH_S):
                    said = await self._turns.get()
            except TimeoutError:
                await self._forget_old()
            else:
                await self._write(said)

    async def finish(self) -> None:
        """Write what is left."""
        self._keep()
        await self._write_waiting()

    async def _write_waiting(self) -> None:
        while not self._turns.empty():
            await self._write(self._turns.get_nowait())
        async with self._writing:
            pass  # wait for what ``run`` has begun to write

    async def _write(self, said: list[tuple[Role, str]]) -> None:
        async with self._writing:
            try:
                await self._memory.add(*said)
            except StorageUnavailable as error:
                tell(_log, logging.ERROR, "memory-unavailable", code=error.code, problem=error.line())

    async def _forget_old(self) -> None:
        try:
            await self._memory.forget_old()
        except StorageUnavailable as error:
            tell(_log, logging.ERROR, "memory-unavailable", code=error.code, problem=error.line())
