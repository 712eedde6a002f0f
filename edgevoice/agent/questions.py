"""What a program asks: one question at a time, and again if the session is lost before the answer is heard."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import PlaybackCut
from edgevoice.core.notices import AudioReceived, Notice, PhaseEntered
from edgevoice.core.orders import CutPlayback, RunTool

_IN_THE_WAY_S = 2.0
"""How long to wait for the end of an answer that was interrupted: a service refuses to begin another before."""


class Questions:
    """The question that is being answered, and whether another can be asked.

    ``one`` is held while a question is asked: of two that are asked at once, the second interrupts the first.
    """

    def __init__(self) -> None:
        self.one = asyncio.Lock()
        self._news = asyncio.Event()
        self._phase = Phase.IDLE
        self._is_cutting = False
        self._unanswered: Callable[[], None] | None = None

    async def news(self) -> None:
        """Wait until something happens in the conversation."""
        self._news.clear()
        await self._news.wait()

    async def until_free(self, is_free: Callable[[], bool]) -> None:
        """Wait until an earlier answer is over, for the service and for the ear, but not for ever."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_IN_THE_WAY_S):
                while self._is_cutting or not is_free():
                    await self.news()

    def put(self, request: Callable[[], None]) -> None:
        """Ask by ``request``, which is called again in the next session if nothing is heard of an answer in this."""
        self._unanswered = request
        request()

    def take(self, notice: Notice) -> None:
        """Take a notice of the conversation, after its events."""
        match notice:
            case CutPlayback():
                self._is_cutting = True
            case AudioReceived() | RunTool():
                self._unanswered = None
            case PhaseEntered(phase=phase):
                before, self._phase = self._phase, phase
                self._enter(before)
            case PlaybackCut():
                self._is_cutting = False
            case _:
                pass
        self._news.set()

    def _enter(self, before: Phase) -> None:
        match self._phase:
            case Phase.LISTENING if before is Phase.CONNECTING:
                if self._unanswered is not None:
                    self._unanswered()
            case Phase.LISTENING | Phase.IDLE:
                self._unanswered = None
            case _:
                pass
