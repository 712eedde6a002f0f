"""Request: whether an answer is due, and whether we have asked for it. Pure."""

from enum import StrEnum

from edgevoice.core.conversation.tables import after


class RequestState(StrEnum):
    """Whether an answer is due."""

    NONE = "none"
    DUE = "due"
    HELD = "held"
    ASKED = "asked for"
    BEGUN = "begun"
    REFUSED = "refused"
    OVERTAKEN = "overtaken"
    UNWANTED = "unwanted"


class RequestCause(StrEnum):
    """Why that changes; the diagram in the documentation shows these words."""

    TURN_ENDED = "end of turn"
    HELD = "something in the way"
    ASKED = "we ask"
    BEGUN = "response begun"
    REFUSED = "refused for another"
    NOT_REFUSED = "late refusal"
    ENDED = "response ended"
    HEARD = "its sound came"
    CALLS_CAME = "calls came"
    SILENCED = "cut"
    INTERRUPTED = "barge-in by hand"
    USER_SPOKE = "the user spoke"
    CALLED_OFF = "response called off"
    TAKEN_UP = "resumed"
    BROKEN_OFF = "session lost"


TRANSITIONS: dict[tuple[RequestState, RequestCause], RequestState] = {
    **{(state, RequestCause.TURN_ENDED): RequestState.DUE for state in RequestState},
    **{(state, RequestCause.HELD): RequestState.HELD for state in RequestState},
    **{(state, RequestCause.ASKED): RequestState.ASKED for state in RequestState},
    (RequestState.DUE, RequestCause.BEGUN): RequestState.NONE,
    (RequestState.HELD, RequestCause.BEGUN): RequestState.NONE,
    (RequestState.ASKED, RequestCause.BEGUN): RequestState.BEGUN,
    (RequestState.REFUSED, RequestCause.BEGUN): RequestState.OVERTAKEN,
    (RequestState.ASKED, RequestCause.REFUSED): RequestState.REFUSED,
    (RequestState.BEGUN, RequestCause.REFUSED): RequestState.OVERTAKEN,
    (RequestState.REFUSED, RequestCause.NOT_REFUSED): RequestState.ASKED,
    (RequestState.OVERTAKEN, RequestCause.NOT_REFUSED): RequestState.BEGUN,
    (RequestState.ASKED, RequestCause.ENDED): RequestState.DUE,
    (RequestState.BEGUN, RequestCause.ENDED): RequestState.NONE,
    (RequestState.REFUSED, RequestCause.HEARD): RequestState.DUE,
    (RequestState.OVERTAKEN, RequestCause.HEARD): RequestState.NONE,
    (RequestState.HELD, RequestCause.CALLS_CAME): RequestState.DUE,
    (RequestState.REFUSED, RequestCause.CALLS_CAME): RequestState.DUE,
    (RequestState.OVERTAKEN, RequestCause.CALLS_CAME): RequestState.NONE,
    **{
        (state, RequestCause.SILENCED): RequestState.NONE
        for state in RequestState
        if state is not RequestState.UNWANTED
    },
    **{(state, RequestCause.INTERRUPTED): RequestState.UNWANTED for state in RequestState},
    (RequestState.UNWANTED, RequestCause.USER_SPOKE): RequestState.NONE,
    (RequestState.UNWANTED, RequestCause.CALLED_OFF): RequestState.NONE,
    **{(state, RequestCause.TAKEN_UP): RequestState.NONE for state in RequestState},
    **{(state, RequestCause.BROKEN_OFF): RequestState.NONE for state in RequestState},
}

_DUE = (RequestState.DUE, RequestState.HELD, RequestState.ASKED, RequestState.REFUSED)


class AnswerRequest:
    """Whether an answer is due: because the turn has ended, or because we have asked for one.

    ``is_crossing``: the user began to speak while an answer was due, so one that begins while they speak is useless.
    ``name``: by which the answer that is due was requested, empty if it was not.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Return to the initial state."""
        self.state = RequestState.NONE
        self.is_crossing = False
        self.name = ""

    @property
    def is_due(self) -> bool:
        """Whether an answer is due and has not begun."""
        return self.state in _DUE

    @property
    def is_held(self) -> bool:
        """Whether our request waits until nothing is in its way."""
        return self.state is RequestState.HELD

    @property
    def is_to_be_repeated(self) -> bool:
        """Whether the service refused our request because it was generating another answer."""
        return self.state in {RequestState.REFUSED, RequestState.OVERTAKEN}

    @property
    def is_unwanted(self) -> bool:
        """Whether the answer that is due was interrupted by hand before it began."""
        return self.state is RequestState.UNWANTED

    @property
    def is_overdue(self) -> bool:
        """Whether an answer that was due before the user spoke may still begin."""
        return self.is_unwanted or self.is_crossing

    def crosses(self, *, is_user_speaking: bool) -> bool:
        """Return whether an answer that begins now is unwanted: a button press, wake word or first word overtook it."""
        return self.is_unwanted or (is_user_speaking and self.is_crossing)

    def end_turn(self, name: str = "") -> None:
        """Record that an answer is due: the turn has ended, or the answer was requested by this name."""
        self.name = name
        self._go(RequestCause.TURN_ENDED)

    def hold(self) -> None:
        """Record that an answer is due that will be requested later."""
        self.name = ""
        self._go(RequestCause.HELD)

    def ask(self) -> None:
        """Record that we have asked for an answer."""
        self.name = ""
        self._go(RequestCause.ASKED)

    def begin(self) -> None:
        """Record that an answer has begun, which may be the one that we asked for."""
        self._go(RequestCause.BEGUN)

    def refuse(self, *, is_in_the_way: bool) -> None:
        """Record that our request was refused if another answer was in its way; else an earlier one was refused."""
        self._go(RequestCause.REFUSED if is_in_the_way else RequestCause.NOT_REFUSED)

    def end(self) -> None:
        """Record that the answer is complete on the wire."""
        self._go(RequestCause.ENDED)

    def settle(self) -> None:
        """Withdraw the request: the answer that overtook it was the answer."""
        self._go(RequestCause.HEARD)

    def take_calls(self) -> None:
        """Do not ask again before the tools that were called have finished."""
        self._go(RequestCause.CALLS_CAME)

    def silence(self) -> None:
        """Clear whatever was due."""
        self._go(RequestCause.SILENCED)

    def interrupt(self) -> None:
        """Mark the answer that is due as unwanted."""
        self._go(RequestCause.INTERRUPTED)

    def cross(self) -> None:
        """Record that the user begins to speak: an answer that was due before crosses with their speech."""
        self.is_crossing = self.is_due or self.is_unwanted
        self._go(RequestCause.USER_SPOKE)

    def call_off(self) -> None:
        """Record that the unwanted answer has begun and was cancelled."""
        self.is_crossing = False
        self._go(RequestCause.CALLED_OFF)

    def take_up(self, *, is_due: bool) -> None:
        """Want an answer again after it was cut; ``is_due`` says that another is still to begin after it."""
        self.is_crossing = False
        self._go(RequestCause.TAKEN_UP)
        if is_due:
            self._go(RequestCause.TURN_ENDED)

    def break_off(self) -> None:
        """Expect nothing: the session is lost."""
        self._go(RequestCause.BROKEN_OFF)

    def _go(self, cause: RequestCause) -> None:
        self.state = after(TRANSITIONS, self.state, cause)
