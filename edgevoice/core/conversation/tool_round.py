"""The round of tools: the calls of one response, until they have been run and the outputs answered. Pure."""

from enum import StrEnum

from edgevoice.core.conversation.tables import after
from edgevoice.core.facts import ToolCall


class ToolRoundState(StrEnum):
    """What the tools have to do with the answer."""

    NONE = "none"
    RUNNING = "running"
    CALLED = "called"
    ANSWERED = "being answered"


class ToolRoundCause(StrEnum):
    """Why that changes; the diagram of the documentation shows these words."""

    CALLS_CAME = "calls came"
    FINISHED = "last tool finished"
    BEGUN = "response begun"
    SILENCED = "answer cut"
    BROKEN_OFF = "session lost"
    LISTENED = "the user's turn"
    TAKEN_UP = "resumed"


TRANSITIONS: dict[tuple[ToolRoundState, ToolRoundCause], ToolRoundState] = {
    (ToolRoundState.NONE, ToolRoundCause.CALLS_CAME): ToolRoundState.RUNNING,
    (ToolRoundState.CALLED, ToolRoundCause.CALLS_CAME): ToolRoundState.RUNNING,
    (ToolRoundState.ANSWERED, ToolRoundCause.CALLS_CAME): ToolRoundState.RUNNING,
    (ToolRoundState.RUNNING, ToolRoundCause.FINISHED): ToolRoundState.CALLED,
    (ToolRoundState.RUNNING, ToolRoundCause.SILENCED): ToolRoundState.CALLED,
    (ToolRoundState.RUNNING, ToolRoundCause.BROKEN_OFF): ToolRoundState.CALLED,
    (ToolRoundState.CALLED, ToolRoundCause.BEGUN): ToolRoundState.ANSWERED,
    **{(state, ToolRoundCause.LISTENED): ToolRoundState.NONE for state in ToolRoundState},
    **{(state, ToolRoundCause.TAKEN_UP): ToolRoundState.RUNNING for state in ToolRoundState},
}


class ToolRound:
    """The calls that wait for their tools, and whether the answer waits for them.

    ``has_spoken`` says that the response held speech beside its calls. Calls that wait while no round is running are
    stale: the user has begun a new turn since, so that the outputs are sent for the record and no answer is asked for.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin anew."""
        self.state = ToolRoundState.NONE
        self.has_spoken = False
        self._waiting: set[str] = set()

    @property
    def is_running(self) -> bool:
        """Whether tools run whose outputs are to be answered."""
        return self.state is ToolRoundState.RUNNING

    @property
    def has_called(self) -> bool:
        """Whether tools have been run in this turn."""
        return self.state is not ToolRoundState.NONE

    @property
    def is_being_answered(self) -> bool:
        """Whether the outputs of the round are being answered."""
        return self.state is ToolRoundState.ANSWERED

    def waits_for(self, call_id: str) -> bool:
        """Say whether this call waits for its tool."""
        return call_id in self._waiting

    def begin(self, calls: tuple[ToolCall, ...], *, has_spoken: bool) -> None:
        """Begin a round; calls of an interrupted one that still run are waited for with it."""
        self.has_spoken = has_spoken
        self._waiting |= {call.call_id for call in calls}
        self._go(ToolRoundCause.CALLS_CAME)

    def begin_stale(self, calls: tuple[ToolCall, ...]) -> None:
        """Take calls that come late; they leave a round that is running as wanted as it is."""
        self._waiting |= {call.call_id for call in calls}

    def finish(self, call_id: str) -> bool:
        """Take a tool as finished; say whether it was the last of a round whose outputs are to be answered."""
        self._waiting.remove(call_id)
        was_running = self.is_running
        if not self._waiting:
            self._go(ToolRoundCause.FINISHED)
        return was_running and not self.is_running

    def answer(self) -> None:
        """Take an answer as begun: to the outputs, where all of them are known."""
        self._go(ToolRoundCause.BEGUN)

    def go_stale(self) -> None:
        """Let the tools that still run answer for the record alone."""
        self._go(ToolRoundCause.SILENCED)

    def break_off(self) -> None:
        """Forget the tools that still run: the session that called them is lost."""
        self._waiting = set()
        self._go(ToolRoundCause.BROKEN_OFF)

    def listen(self) -> None:
        """Take the turn as the user's: no tool has been run in it."""
        self._go(ToolRoundCause.LISTENED)

    def take_up(self, before: ToolRoundState) -> None:
        """Go on with the round as it was ``before`` the answer was cut: it may have ended meanwhile."""
        if self._waiting or before is ToolRoundState.RUNNING:
            self._go(ToolRoundCause.TAKEN_UP)
            if not self._waiting:
                self._go(ToolRoundCause.FINISHED)
        else:
            self.state = before

    def _go(self, cause: ToolRoundCause) -> None:
        self.state = after(TRANSITIONS, self.state, cause)
