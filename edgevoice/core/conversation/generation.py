"""Generation: the response that the service is generating, and earlier ones that have not ended yet. Pure."""

from enum import StrEnum

from edgevoice.core.conversation.tables import after
from edgevoice.core.facts import ToolCall

_MOST_CALLS = 64
"""Calls of one response that are remembered before the response has ended."""

_MOST_LEFTOVERS = 16
"""Most responses whose end is awaited; a service that ends none of them must not fill the memory."""


class GenerationState(StrEnum):
    """What the service is doing about the answer."""

    NONE = "nothing"
    WANTED = "generating"
    ITEM_COMPLETE = "item complete"
    GOING_ON = "going on"
    GIVEN_UP = "given up"
    CALLED_OFF = "called off"
    FAILED = "failed"


class GenerationCause(StrEnum):
    """Why the state changes; the diagram in the documentation shows these words."""

    BEGUN = "response begun"
    BEGUN_UNWANTED = "begun, but unwanted"
    ITEM_ENDED = "item ended"
    PROGRESSED = "more came"
    SILENCED = "cut"
    CALLED_OFF = "cancelled"
    TAKEN_UP = "resumed"
    SET_ASIDE = "another resumed"
    ENDED = "response ended"
    FAILED = "ended in failure"
    REPORTED = "trouble tone"
    BROKEN_OFF = "session lost"


_WANTED = (GenerationState.WANTED, GenerationState.ITEM_COMPLETE, GenerationState.GOING_ON)
_OPEN = (*_WANTED, GenerationState.GIVEN_UP, GenerationState.CALLED_OFF)

TRANSITIONS: dict[tuple[GenerationState, GenerationCause], GenerationState] = {
    **{(state, GenerationCause.BEGUN): GenerationState.WANTED for state in GenerationState},
    **{(state, GenerationCause.BEGUN_UNWANTED): GenerationState.CALLED_OFF for state in GenerationState},
    **{(state, GenerationCause.ITEM_ENDED): GenerationState.ITEM_COMPLETE for state in _WANTED},
    (GenerationState.ITEM_COMPLETE, GenerationCause.PROGRESSED): GenerationState.GOING_ON,
    **{(state, GenerationCause.SILENCED): GenerationState.GIVEN_UP for state in _WANTED},
    (GenerationState.GIVEN_UP, GenerationCause.CALLED_OFF): GenerationState.CALLED_OFF,
    (GenerationState.GIVEN_UP, GenerationCause.TAKEN_UP): GenerationState.WANTED,
    (GenerationState.NONE, GenerationCause.TAKEN_UP): GenerationState.WANTED,
    **{(state, GenerationCause.SET_ASIDE): GenerationState.NONE for state in _OPEN},
    **{(state, GenerationCause.ENDED): GenerationState.NONE for state in _OPEN},
    (GenerationState.NONE, GenerationCause.FAILED): GenerationState.FAILED,
    (GenerationState.FAILED, GenerationCause.REPORTED): GenerationState.NONE,
    (GenerationState.FAILED, GenerationCause.SILENCED): GenerationState.NONE,
    **{(state, GenerationCause.BROKEN_OFF): GenerationState.NONE for state in _OPEN},
}


class Generation:
    """The response that is open, by its id, and what has arrived of it.

    ``leftovers``: responses abandoned earlier, whose end the service has not reported yet. ``calls``: calls of the open
    response that have arrived in full.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Return to the initial state."""
        self.state = GenerationState.NONE
        self.response_id: str | None = None
        self.leftovers: list[str] = []
        self.calls: dict[str, ToolCall] = {}
        self._was_run: set[str] = set()

    @property
    def is_wanted(self) -> bool:
        """Whether the service is generating an answer that is still wanted."""
        return self.state in _WANTED

    @property
    def is_open(self) -> bool:
        """Whether the service is generating the response that began last, wanted or not."""
        return self.response_id is not None

    @property
    def is_at_item_end(self) -> bool:
        """Whether an item is complete and nothing has arrived since: usually the response ends at once."""
        return self.state is GenerationState.ITEM_COMPLETE

    @property
    def has_complete_item(self) -> bool:
        """Whether an item is complete, whatever has arrived since."""
        return self.state in {GenerationState.ITEM_COMPLETE, GenerationState.GOING_ON}

    @property
    def is_in_the_way(self) -> bool:
        """Whether the service is generating any response: it would refuse to begin another."""
        return self.is_open or bool(self.leftovers)

    @property
    def is_called_off(self) -> bool:
        """Whether we have asked the service to stop generating the open response."""
        return self.state is GenerationState.CALLED_OFF

    @property
    def lets_us_ask(self) -> bool:
        """Whether the service is generating neither a wanted response nor one abandoned earlier."""
        return not self.is_wanted and not self.leftovers

    def begin(self, response_id: str) -> None:
        """Record a response as the one that is wanted."""
        self._open(response_id)
        self._go(GenerationCause.BEGUN)

    def begin_unwanted(self, response_id: str) -> None:
        """Record a response that will not be played: it is being cancelled."""
        self._open(response_id)
        self._go(GenerationCause.BEGUN_UNWANTED)

    def refuse(self, response_id: str) -> None:
        """Record a second response that will not be played, beside the one that is heard: it is being cancelled."""
        self.leftovers = [*self.leftovers, response_id][-_MOST_LEFTOVERS:]

    def end_item(self, response_id: str, call: ToolCall | None = None) -> bool:
        """Record that an item, which may be a call, is complete; return whether its response is the wanted one."""
        if not self.is_wanted or response_id != self.response_id:
            return False  # late news: of an answer that was interrupted
        self._go(GenerationCause.ITEM_ENDED)
        if call is not None and len(self.calls) < _MOST_CALLS:
            self.calls[call.call_id] = call
        return True

    def progress(self, response_id: str) -> bool:
        """Record that more has arrived; return whether it belongs to the wanted response."""
        # Progress of an abandoned answer says nothing about the one that has stalled. An id that was never announced
        # belongs to the open response if that began without one.
        if not self.is_wanted or response_id in self.leftovers:
            return False
        self._go(GenerationCause.PROGRESSED)
        return True

    def end(self) -> None:
        """Record that the response is complete on the wire."""
        self._close(GenerationCause.ENDED)

    def end_leftover(self, response_id: str, calls: tuple[ToolCall, ...]) -> tuple[ToolCall, ...]:
        """Record that an abandoned response is complete; return its calls that have not been run yet."""
        self.leftovers.remove(response_id)
        return tuple(call for call in calls if call.call_id not in self._was_run)

    def presume_called(self) -> tuple[ToolCall, ...]:
        """Treat the response as complete although its end is missing; return the calls that have arrived, if any."""
        calls = tuple(self.calls.values())
        if not calls:
            return ()
        self._was_run |= set(self.calls)
        self._owe_end()
        self._close(GenerationCause.ENDED)
        return calls

    def fail(self) -> None:
        """Record that the service could not finish the response; the user has not been alerted yet."""
        self._go(GenerationCause.FAILED)

    def take_failure(self) -> bool:
        """Return whether the response has failed, but only once: afterwards the user knows."""
        has_failed = self.state is GenerationState.FAILED
        self._go(GenerationCause.REPORTED)
        return has_failed

    def give_up(self) -> None:
        """Mark the response as unwanted, or as over if it has failed: the answer was cut, or has been heard."""
        self._go(GenerationCause.SILENCED)
        self.calls = {}

    def call_off(self) -> str | None:
        """Mark the response as being cancelled; return its id if the service has not been asked to stop yet."""
        if self.state is not GenerationState.GIVEN_UP:
            return None
        self._go(GenerationCause.CALLED_OFF)
        return self.response_id

    def take_up(self, response_id: str) -> None:
        """Want an abandoned response again, if it is still open; it replaces the one that is open now."""
        if self.response_id != response_id:
            self._owe_end()
            self._close(GenerationCause.SET_ASIDE)
        if response_id in self.leftovers:
            self.leftovers.remove(response_id)
            self.response_id = response_id
        if self.response_id is not None:
            self._go(GenerationCause.TAKEN_UP)

    def break_off(self) -> None:
        """Expect no more than has already arrived: the session is lost."""
        self._close(GenerationCause.BROKEN_OFF)

    def _open(self, response_id: str) -> None:
        self._owe_end()
        self.response_id = response_id
        self.calls = {}

    def _close(self, cause: GenerationCause) -> None:
        self.response_id = None
        self.calls = {}
        self._go(cause)

    def _owe_end(self) -> None:
        if self.response_id is not None and self.response_id not in self.leftovers:
            self.leftovers = [*self.leftovers, self.response_id][-_MOST_LEFTOVERS:]

    def _go(self, cause: GenerationCause) -> None:
        self.state = after(TRANSITIONS, self.state, cause)
