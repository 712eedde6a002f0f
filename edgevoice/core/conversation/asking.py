"""Asking: when to request an answer to the outputs of tools, and whether one that begins is the one that is due.

A service may answer the output of a tool unprompted. If that is not known yet, it is given a moment to do so before it
is asked, once; after that it is known. It refuses to begin an answer while another is being generated, so our request
waits for the end of that one. No I/O, no clock.
"""

from edgevoice.core.conversation.deadlines import Deadline
from edgevoice.core.conversation.state import ConversationState
from edgevoice.core.orders import Action, CreateResponse, Earcon, PlayEarcon

_UNSURE_S = 0.3
"""How long a service that may answer a tool's output unprompted has to begin: a slow round trip, rarely waited for."""

_SELF_ANSWERING_S = 2.0
"""How long a service that is known to answer unprompted has to begin."""

_IN_THE_WAY_S = 2.0
"""How long to wait for the end of an answer that we have cancelled before asking for another."""


class Asking:
    """Requests an answer, now or later; ``_hold_s``: the time for an unprompted answer, 0 if none is expected."""

    def __init__(self, state: ConversationState) -> None:
        self._state = state
        self._answer = state.answer
        self._request = state.answer.request
        self._generation = state.answer.generation
        self._deadlines = state.deadlines
        self._hold_s = _UNSURE_S if state.policy.may_answer_tools else 0.0
        self._repeats_names = False

    @property
    def is_expecting(self) -> bool:
        """Whether the service may begin an answer that is due, as opposed to one that we have not asked for yet."""
        return self._request.is_due and not (self._request.is_held and not self._hold_s)

    def answers_by_itself(self) -> bool:
        """Return whether a response that begins now is an unprompted answer to tools' outputs, and remember it."""
        may_be = self._request.is_held or not self._request.is_due
        if not self._hold_s or not self._answer.tools.has_called or not may_be:
            return False
        self._hold_s = _SELF_ANSWERING_S
        return True

    def is_anothers(self, request: str) -> bool:
        """Return whether a response that begins now, for ``request``, is not the answer that was requested by name.

        It may have begun before the service read the request. Only a service that has repeated a name is judged by it.
        """
        self._repeats_names = self._repeats_names or request != ""
        return self._repeats_names and self._request.is_due and self._request.name not in {"", request}

    def forget_names(self) -> None:
        """Expect no names any more: no answer has come, perhaps because it was there under none."""
        self._repeats_names = False

    def refused(self) -> None:
        """Record that our request was refused because of another response, which may be the one we asked for."""
        if self._answer.be_refused():
            self._hold_s = _SELF_ANSWERING_S

    def ask_when_free(self, now: float) -> list[Action]:
        """Ask as soon as nothing is in the way, unless the service answers unprompted."""
        if not self._hold_s and not self._generation.is_in_the_way:
            return self.ask(now)
        self._request.hold()
        self._state.await_answer(now)
        until = now + max(self._hold_s, _IN_THE_WAY_S if self._generation.is_in_the_way else 0)
        self._deadlines.set(Deadline.ASK, until)
        return []

    def ask_if_free(self, now: float) -> list[Action]:
        """Ask now if the request was only waiting for a response that has ended, not for an unprompted answer."""
        if not self._request.is_held or self._generation.is_in_the_way:
            return []
        # Nobody but we can ask for the user's approval.
        if not self._hold_s or self._answer.tools.asking:
            return self.ask(now)
        self._deadlines.set(Deadline.ASK, now + self._hold_s)
        return []

    def held_long_enough(self, now: float) -> list[Action]:
        """Ask although something may be in the way, or the service may answer unprompted: it has had its time."""
        if not self._request.is_held:
            return []
        if not self._generation.is_in_the_way:
            self._hold_s = 0.0  # it does not answer unprompted
        return self.ask(now)

    def ask(self, now: float) -> list[Action]:
        """Request an answer, and wait for it."""
        self._request.ask()
        self._state.await_answer_at_once(now)
        if asking := self._answer.tools.take_asking():
            # The question itself is the model's: the sound is the box's own sign that it asks for the user's approval.
            return [PlayEarcon(Earcon.APPROVAL), CreateResponse(may_call_tools=False, asking=asking)]
        return [CreateResponse(may_call_tools=not self._answer.ending.is_goodbye)]
