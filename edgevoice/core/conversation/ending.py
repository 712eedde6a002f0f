"""Ending: what happens to the conversation once the answer has been heard. Pure."""

from enum import StrEnum

from edgevoice.core.conversation.tables import after


class EndingState(StrEnum):
    """What follows the answer."""

    LISTEN = "listen on"
    HANG_UP = "hang up"
    REDIAL = "dial again"
    FAIL = "fail"


class EndingCause(StrEnum):
    """Why the ending changes; the diagram in the documentation shows these words."""

    GOODBYE = "goodbye"
    INTERRUPTED = "barge-in"
    LOST = "session lost"
    LOST_FOR_GOOD = "session lost for good"


TRANSITIONS: dict[tuple[EndingState, EndingCause], EndingState] = {
    (EndingState.LISTEN, EndingCause.GOODBYE): EndingState.HANG_UP,
    (EndingState.HANG_UP, EndingCause.INTERRUPTED): EndingState.LISTEN,
    (EndingState.LISTEN, EndingCause.LOST): EndingState.REDIAL,
    (EndingState.HANG_UP, EndingCause.LOST): EndingState.FAIL,
    (EndingState.LISTEN, EndingCause.LOST_FOR_GOOD): EndingState.FAIL,
    (EndingState.HANG_UP, EndingCause.LOST_FOR_GOOD): EndingState.FAIL,
    (EndingState.REDIAL, EndingCause.LOST_FOR_GOOD): EndingState.FAIL,
}


class Ending:
    """What follows the answer; ``lost_by`` is the code of the error that ended the session in the middle of it."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Return to the initial state."""
        self.state = EndingState.LISTEN
        self.lost_by = ""

    @property
    def is_goodbye(self) -> bool:
        """Whether the user has said goodbye."""
        return self.state is EndingState.HANG_UP

    def say_goodbye(self) -> None:
        """Hang up once the answer has been spoken."""
        self._go(EndingCause.GOODBYE)

    def take_back(self) -> None:
        """Forget a goodbye: the user has spoken since."""
        self._go(EndingCause.INTERRUPTED)

    def lose(self, code: str, *, is_final: bool) -> None:
        """Redial once the audio that has arrived has been heard, or fail if a new session would not help."""
        self.lost_by = code
        self._go(EndingCause.LOST_FOR_GOOD if is_final else EndingCause.LOST)

    def _go(self, cause: EndingCause) -> None:
        self.state = after(TRANSITIONS, self.state, cause)
