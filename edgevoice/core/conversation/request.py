"""Request: whether an answer is to begin, and whether we have asked for it. Pure."""

from enum import StrEnum

from edgevoice.core.conversation.tables import after


class RequestState(StrEnum):
    """Whether an answer is to begin."""

    NONE = "none"
    DUE = "due"
    HELD = "held"
    ASKED = "asked for"
    BEGUN = "begun"
    REFUSED = "refused"
    OVERTAKEN = "overtaken"
    UNWANTED = "unwanted"


class RequestCause(StrEnum):
    """Why that changes; the diagram of the documentation shows these words."""

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
    """Whether an answer is to begin: because the turn has ended, or because we have asked for one.

    ``is_crossing``: the user began to speak while one was due, so that one which begins while they speak is of no use.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin anew."""
        self.state = RequestState.NONE
        self.is_crossing = False

    @property
    def is_due(self) -> bool:
        """Whether an answer is to begin, and has not."""
        return self.state in _DUE

    @property
    def is_held(self) -> bool:
        """Whether our asking waits until nothing stands in its way."""
        return self.state is RequestState.HELD

    @property
    def is_to_be_repeated(self) -> bool:
        """Whether the service has refused our asking, because it was generating another answer."""
        return self.state in {RequestState.REFUSED, RequestState.OVERTAKEN}

    @property
    def is_unwanted(self) -> bool:
        """Whether the answer that is to begin was interrupted by hand before it had begun."""
        return self.state is RequestState.UNWANTED

    @property
    def is_overdue(self) -> bool:
        """Whether one may still begin that was due before the user spoke."""
        return self.is_unwanted or self.is_crossing

    def crosses(self, *, is_user_speaking: bool) -> bool:
        """Say whether nobody will hear an answer that begins now: it crossed with the user's hand, or first word."""
        return self.is_unwanted or (is_user_speaking and self.is_crossing)

    def end_turn(self) -> None:
        """Take an answer as due: the turn has ended."""
        self._go(RequestCause.TURN_ENDED)

    def hold(self) -> None:
        """Take an answer as due that will be asked for later."""
        self._go(RequestCause.HELD)

    def ask(self) -> None:
        """Take an answer as asked for."""
        self._go(RequestCause.ASKED)

    def begin(self) -> None:
        """Take an answer as begun, which may be the one that was asked for."""
        self._go(RequestCause.BEGUN)

    def refuse(self, *, is_in_the_way: bool) -> None:
        """Take our asking as refused, if another answer stood in its way; else the refusal is of an earlier one."""
        self._go(RequestCause.REFUSED if is_in_the_way else RequestCause.NOT_REFUSED)

    def end(self) -> None:
        """Take the answer as complete on the wire."""
        self._go(RequestCause.ENDED)

    def settle(self) -> None:
        """Ask no more: the answer that overtook our asking was one."""
        self._go(RequestCause.HEARD)

    def take_calls(self) -> None:
        """Ask no more before the tools that were called have finished."""
        self._go(RequestCause.CALLS_CAME)

    def silence(self) -> None:
        """Forget what was due."""
        self._go(RequestCause.SILENCED)

    def interrupt(self) -> None:
        """Take the answer that is to begin as unwanted."""
        self._go(RequestCause.INTERRUPTED)

    def cross(self) -> None:
        """Take note that the user begins to speak: what was due before that crosses with it."""
        self.is_crossing = self.is_due or self.is_unwanted
        self._go(RequestCause.USER_SPOKE)

    def call_off(self) -> None:
        """Take the unwanted answer as begun, and called off."""
        self.is_crossing = False
        self._go(RequestCause.CALLED_OFF)

    def take_up(self, *, is_due: bool) -> None:
        """Take an answer that was cut as wanted again; ``is_due`` says that another is still to begin after it."""
        self.is_crossing = False
        self._go(RequestCause.TAKEN_UP)
        if is_due:
            self._go(RequestCause.TURN_ENDED)

    def break_off(self) -> None:
        """Wait for nothing: the session is lost."""
        self._go(RequestCause.BROKEN_OFF)

    def _go(self, cause: RequestCause) -> None:
        self.state = after(TRANSITIONS, self.state, cause)
