"""Asking: when the service is asked for an answer to the outputs of tools, and when it answers by itself.

A service may answer the output of a tool by itself. Where that is not known, it is given a moment to do so before it is
asked, once: then it is known. It refuses to begin an answer while another is generated, so our asking waits for the end
of that one. No I/O, no clock.
"""

from edgevoice.core.conversation.deadlines import Deadline
from edgevoice.core.conversation.state import ConversationState
from edgevoice.core.orders import Action, CreateResponse

_UNSURE_S = 0.3
"""How long a service that may answer a tool's output by itself has to begin: a slow round trip, seldom waited for."""

_SELF_ANSWERING_S = 2.0
"""How long a service that is known to answer by itself has to begin."""

_IN_THE_WAY_S = 2.0
"""How long the end of an answer that we have called off is waited for before we ask for another."""


class Asking:
    """Asks for an answer, now or later; ``_hold_s``: how long the service has to answer by itself, 0 if it does not."""

    def __init__(self, state: ConversationState) -> None:
        self._state = state
        self._answer = state.answer
        self._request = state.answer.request
        self._generation = state.answer.generation
        self._deadlines = state.deadlines
        self._hold_s = _UNSURE_S if state.policy.may_answer_tools else 0.0

    @property
    def is_expecting(self) -> bool:
        """Whether the service may begin an answer that is due: not one that we have only put off asking for."""
        return self._request.is_due and not (self._request.is_held and not self._hold_s)

    def answers_by_itself(self) -> bool:
        """Say whether a response that begins now is the service's own answer to outputs of tools; learn it, too."""
        may_be = self._request.is_held or not self._request.is_due
        if not self._hold_s or not self._answer.tools.has_called or not may_be:
            return False
        self._hold_s = _SELF_ANSWERING_S
        return True

    def refused(self) -> None:
        """Take our asking as refused because another answer was running, which may be the one we asked for."""
        if self._answer.be_refused():
            self._hold_s = _SELF_ANSWERING_S

    def ask_when_free(self, now: float) -> list[Action]:
        """Ask as soon as nothing stands in the way, and the service does not answer by itself."""
        if not self._hold_s and not self._generation.is_in_the_way:
            return self.ask(now)
        self._request.hold()
        self._state.await_answer(now)
        until = now + max(self._hold_s, _IN_THE_WAY_S if self._generation.is_in_the_way else 0)
        self._deadlines.set(Deadline.ASK, until)
        return []

    def ask_if_free(self, now: float) -> list[Action]:
        """Ask now where an answer held that up which has ended; the service's own is still waited for."""
        if not self._request.is_held or self._generation.is_in_the_way:
            return []
        if not self._hold_s:
            return self.ask(now)
        self._deadlines.set(Deadline.ASK, now + self._hold_s)
        return []

    def held_long_enough(self, now: float) -> list[Action]:
        """Ask though something may stand in the way, or the service may answer by itself: it has had its time."""
        if not self._request.is_held:
            return []
        if not self._generation.is_in_the_way:
            self._hold_s = 0.0  # it wants to be asked
        return self.ask(now)

    def ask(self, now: float) -> list[Action]:
        """Ask for an answer, and wait for it."""
        self._request.ask()
        self._state.await_answer_at_once(now)
        return [CreateResponse(may_call_tools=not self._answer.ending.is_goodbye)]
