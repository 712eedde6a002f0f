"""The tool round: the calls of one response, until they have been run and their outputs answered. Pure."""

from enum import StrEnum

from edgevoice.core.conversation.tables import after
from edgevoice.core.facts import ToolCall


class ToolRoundState(StrEnum):
    """The state of the tools within the answer."""

    NONE = "none"
    RUNNING = "running"
    CALLED = "called"
    ANSWERED = "being answered"


class ToolRoundCause(StrEnum):
    """Why that changes; the diagram in the documentation shows these words."""

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
    """The calls that are waiting for their tools, and whether the answer waits for them.

    ``has_spoken``: the response held speech beside its calls. Calls that are pending while no round is running are
    stale: the user has begun a new turn, so their outputs are only sent for the record and no answer is requested.

    ``asking``: a tool waits for the user's approval, so the next answer asks them, with these instructions;
    ``has_asked``: it has been asked for, so the user's reply is awaited. ``owes_report``: the user has replied, and has
    not yet heard what the tool returned.
    """

    def __init__(self) -> None:
        self._waiting: set[str] = set()
        self._lost: set[str] = set()
        self._abandoned: set[str] = set()
        self.reset()

    def reset(self) -> None:
        """Return to the initial state."""
        self.state = ToolRoundState.NONE
        self.has_spoken = False
        self.asking = ""
        self.has_asked = False
        self.owes_report = False
        self._lose_calls()

    @property
    def is_running(self) -> bool:
        """Whether tools are running whose outputs will be answered."""
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
        """Return whether this call is waiting for its tool."""
        return call_id in self._waiting

    def begin(self, calls: tuple[ToolCall, ...], *, has_spoken: bool) -> None:
        """Begin a round; it also waits for calls of an interrupted round that are still running."""
        self.has_spoken = has_spoken
        # The answer to these calls is made from everything that is known by then.
        self.asking, self.has_asked, self.owes_report = "", False, False
        self._waiting |= {call.call_id for call in calls}
        self._go(ToolRoundCause.CALLS_CAME)

    def begin_stale(self, calls: tuple[ToolCall, ...]) -> None:
        """Add calls that arrived late; a round that is running stays wanted."""
        self._waiting |= {call.call_id for call in calls}

    def finish(self, call_id: str, asking: str = "") -> bool:
        """Record that a tool has finished; return whether it was the last of a round whose outputs will be answered.

        ``asking``: it has not run, and the user is to be asked with these instructions.
        """
        self._waiting.remove(call_id)
        was_running = self.is_running
        if was_running:
            self.asking = self.asking or asking
        if not self._waiting:
            self._go(ToolRoundCause.FINISHED)
        return was_running and not self.is_running

    def answer(self) -> None:
        """Record that an answer has begun: to the outputs, if all of them are known."""
        self._go(ToolRoundCause.BEGUN)

    def take_asking(self) -> str:
        """Return the instructions for an answer that asks the user for their approval, once; empty if none is due."""
        asking, self.asking = self.asking, ""
        self.has_asked = self.has_asked or asking != ""
        return asking

    def end_turn(self) -> None:
        """Record that the user has said something: the answer to it knows whatever has been reported."""
        self.has_asked, self.owes_report = False, False

    def take_abandoned(self) -> tuple[str, ...]:
        """Return the calls of whose results nobody waits any more, each of them once."""
        stale = set() if self.is_running else self._waiting
        abandoned = (self._lost | stale) - self._abandoned
        self._abandoned = (self._abandoned | abandoned) & self._waiting
        self._lost = set()
        return tuple(sorted(abandoned))

    def go_stale(self) -> None:
        """Mark the round as stale: outputs of tools that are still running are only sent for the record."""
        self.asking = ""
        self._go(ToolRoundCause.SILENCED)

    def break_off(self) -> None:
        """Forget the tools that are still running: the session that called them is lost."""
        self.asking = ""
        self._lose_calls()
        self._go(ToolRoundCause.BROKEN_OFF)

    def listen(self) -> None:
        """Record that it is the user's turn: no tool has been run in it."""
        self.asking = ""
        self._go(ToolRoundCause.LISTENED)

    def take_up(self, before: ToolRoundState) -> None:
        """Restore the round as it was ``before`` the answer was cut: it may have ended meanwhile."""
        if self._waiting or before is ToolRoundState.RUNNING:
            self._go(ToolRoundCause.TAKEN_UP)
            if not self._waiting:
                self._go(ToolRoundCause.FINISHED)
        else:
            self.state = before

    def _lose_calls(self) -> None:
        self._lost |= self._waiting
        self._waiting = set()

    def _go(self, cause: ToolRoundCause) -> None:
        self.state = after(TRANSITIONS, self.state, cause)
