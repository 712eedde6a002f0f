"""What a program asks: one question at a time, and again if it was not answered.

That is: if the session is lost before any of the answer is heard, or if the service refused to answer because it had
just begun another answer.
"""

import asyncio
import itertools
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from edgevoice.agent import events
from edgevoice.agent.emitter import EventStream
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import ACTIVE_RESPONSE, Event, PlaybackCut, ResponseStarted, ResponseStatus
from edgevoice.core.notices import AudioReceived, Notice, PhaseEntered, Role
from edgevoice.core.orders import CancelResponse, CutPlayback, RunTool
from edgevoice.core.recent import Recent
from edgevoice.errors import AnswerFailed, ConversationOver

_IN_THE_WAY_S = 2.0
"""How long to wait for the end of an answer that was interrupted: a service refuses to begin another before."""

_MOST_UNWANTED: Final = 64

MOST_TIMES: Final = 5
"""How often one question is asked in a session that goes on with other answers."""


class Questions:
    """The question that is being answered, and whether another can be asked.

    ``one`` is held while a question is asked: of two that are asked at once, the second interrupts the first.
    ``session`` counts the sessions.
    """

    def __init__(self) -> None:
        self.one = asyncio.Lock()
        self.session = 0
        self._news = asyncio.Event()
        self._phase = Phase.IDLE
        self._is_cutting = False
        self._unanswered: Callable[[], None] | None = None
        self._names = itertools.count(1)
        self._begun = ""
        self._unwanted = Recent[str, bool](_MOST_UNWANTED)

    def next_name(self) -> str:
        """Return a name for a request, by which its answer is known from others."""
        return f"question-{next(self._names)}"

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

    async def answer(self, stream: EventStream) -> str | None:
        """Return the words of the answer that these events bring; ``None`` if the question has to be asked again.

        Raises ``AnswerFailed`` and ``ConversationOver``.
        """
        words: dict[str, str] = {}
        is_ours = False
        async for event in stream:
            match event:
                case events.Error(code=code) if code == ACTIVE_RESPONSE and not is_ours:
                    # The answer that goes on is another's. A second question that is asked already interrupts this one.
                    return "" if self.one.locked() else None
                case events.ToolCallStart():
                    # We were not refused: after this it is the outputs of the tools that may be.
                    is_ours = True
                case events.Writing(role=Role.ASSISTANT, response_id=response_id) if response_id in self._unwanted:
                    pass  # of an answer to something else
                case events.Writing(role=Role.ASSISTANT, item_id=item_id, text=said):
                    words[item_id] = said
                case events.TurnDone(status=ResponseStatus.FAILED):
                    raise AnswerFailed("the service began an answer and could not finish it")
                case events.TurnDone() if words or self._phase is not Phase.IDLE:
                    return " ".join(filter(None, words.values()))
                case _:
                    pass
        raise ConversationOver("the conversation ended before the answer")

    def take(self, notice: Notice) -> None:
        """Take a notice of the conversation, after its events."""
        if isinstance(notice, Event):
            self._begun = notice.response_id if isinstance(notice, ResponseStarted) else ""
        match notice:
            case CancelResponse(response_id=response_id) if response_id == self._begun:
                self._unwanted[response_id] = True
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
                self.session += 1
                self._unwanted.clear()  # a service may number its answers anew
                if self._unanswered is not None:
                    self._unanswered()
            case Phase.LISTENING | Phase.IDLE:
                self._unanswered = None
            case _:
                pass
