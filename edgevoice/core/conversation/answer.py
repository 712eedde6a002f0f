"""What is known of the answer in progress: on the wire, in the speaker, and among the tools. No I/O, no clock."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from edgevoice.core.facts import ItemHeard, ToolCall
from edgevoice.core.orders import DeleteItem, ExtendItem, TruncateItem

_MOST_CALLS = 64
"""Calls of one response that are remembered before its end has come."""

_MOST_LEFTOVERS = 16
"""Responses without an end that are waited for; a service that ends none of them must not fill the memory."""


@dataclass(slots=True)
class ToolRound:
    """The calls of one response, until the last of them has been answered.

    ``has_spoken`` says that the response held speech beside its calls; ``is_stale`` that the user has begun a new turn
    since, so that the outputs are sent for the record and no answer is asked for.
    """

    waiting: set[str]
    has_spoken: bool
    is_stale: bool = False


@dataclass(slots=True)
class Answer:
    """The answer in progress.

    ``response_id``: the response that is being generated. ``fence``: the one response whose audio may be heard.
    ``burst``: the stretch of playback that sounds. ``is_due``: the turn has ended or we have asked, and the answer has
    not begun. ``is_unwanted``: it was interrupted before it had begun, by hand. ``has_asked``: the answer that is being
    generated may be one that we asked for. ``ask_again``: it was not, and the service refused ours. ``is_goodbye``:
    hang up once it has been spoken. ``has_called``: tools have been run in this turn.
    ``is_answering_tools``: their outputs are being answered. ``is_ducked``: it is lowered, because somebody may be
    speaking over it. ``near_speech_at``: a near-end sample from before they began.
    ``is_crossing``: the user began to speak while it was due, so that one which begins now is of no use any more.
    ``is_cancelled``: the service has been told to stop generating it. ``leftovers``: responses given up before, whose
    end the service has not reported yet.

    What goes wrong with it. ``has_failed``: the service could not finish it, and the user does not know that yet.
    ``broken_by``: the code of what ended the session in the middle of it; ``is_beyond_resuming``: that is final.

    What the service may leave out. ``has_ended_item``: all of an item has come; ``is_at_item_end``: and nothing since.
    ``calls``: those that have come in full. ``is_presumed_over``: its end is missing, and the box listens on.
    ``was_run``: the ids of calls that were run without that end. ``is_held``: our asking waits until nothing stands in
    its way.
    """

    response_id: str | None = None
    fence: str | None = None
    burst: int | None = None
    tools: ToolRound | None = None
    is_due: bool = False
    is_unwanted: bool = False
    has_asked: bool = False
    ask_again: bool = False
    is_goodbye: bool = False
    has_called: bool = False
    is_answering_tools: bool = False
    has_sounded: bool = False
    is_ducked: bool = False
    near_speech_at: int | None = None
    is_crossing: bool = False
    is_cancelled: bool = False
    has_failed: bool = False
    broken_by: str = ""
    is_beyond_resuming: bool = False
    has_ended_item: bool = False
    is_at_item_end: bool = False
    is_presumed_over: bool = False
    is_held: bool = False
    calls: dict[str, ToolCall] = field(default_factory=dict)
    was_run: set[str] = field(default_factory=set)
    leftovers: list[str] = field(default_factory=list)

    @property
    def is_sounding(self) -> bool:
        """Say whether playback is active: this, not an open response, is what makes speech a barge-in."""
        return self.burst is not None

    @property
    def is_in_the_way(self) -> bool:
        """Say whether the service is at work on a response: it would refuse to begin another."""
        return self.response_id is not None or bool(self.leftovers)

    @property
    def has_open_round(self) -> bool:
        """Say whether tools run whose outputs are to be answered."""
        return self.tools is not None and not self.tools.is_stale

    @property
    def is_with_tools(self) -> bool:
        """Say whether it is the tools' turn, and the service is waited for only after them."""
        return self.response_id is None and self.has_open_round

    @property
    def is_received(self) -> bool:
        """Say whether nothing more will come over the wire; a round that nobody waits for any more is no matter."""
        return self.response_id is None and not self.is_due and not self.is_with_tools

    @property
    def is_over(self) -> bool:
        """Say whether nothing more will come: generated, played, no tool round open and none asked for."""
        return self.is_received and self.burst is None

    @property
    def is_being_generated(self) -> bool:
        """Say whether the service is at work on an answer that is still wanted."""
        return self.response_id is not None and self.response_id == self.fence

    def begin_tools(self, calls: tuple[ToolCall, ...], *, has_spoken: bool, is_stale: bool) -> None:
        """Open a round; calls of an interrupted one that still run are waited for with it.

        A stale one, which comes late, leaves the round that is open as wanted as it is.
        """
        waiting = {call.call_id for call in calls}
        if self.tools is not None:
            waiting |= self.tools.waiting
            if is_stale and not self.tools.is_stale:
                is_stale, has_spoken = False, self.tools.has_spoken
        self.tools = ToolRound(waiting, has_spoken=has_spoken, is_stale=is_stale)
        self.has_called = self.has_called or not is_stale
        self.is_answering_tools = self.is_answering_tools and is_stale
        self.is_held = self.is_held and is_stale

    def begin(self, response_id: str) -> None:
        """Take a response as the one to be heard."""
        self._give_up()
        self.response_id = response_id
        self.fence = response_id
        self.is_due = False
        self.is_held = False
        self.has_failed = False
        self.is_answering_tools = self.has_called and not self.has_open_round
        self._forget_items()

    def begin_unwanted(self, response_id: str) -> None:
        """Take note of a response that nobody will hear: it is being cancelled."""
        self._give_up()
        self.response_id = response_id
        self.is_cancelled = True
        self.is_unwanted = False

    def refuse(self, response_id: str) -> None:
        """Take note of a response that nobody will hear, beside the one that is heard: it is being cancelled."""
        self.leftovers = [*self.leftovers, response_id][-_MOST_LEFTOVERS:]

    def end(self) -> None:
        """Take the response as complete on the wire."""
        self.response_id = None
        self.is_cancelled = False
        self.has_asked = False
        self._forget_items()

    def end_item(self, call: ToolCall | None = None) -> None:
        """Take note that all of an item has come."""
        self.has_ended_item = True
        self.is_at_item_end = True
        if call is not None and len(self.calls) < _MOST_CALLS:
            self.calls[call.call_id] = call

    def presume_called(self) -> tuple[ToolCall, ...]:
        """Take the response as complete with the calls that have come, and return those: its own end is missing."""
        calls = tuple(self.calls.values())
        self.was_run |= set(self.calls)
        self._give_up()
        self.end()
        return calls

    def break_off(self, code: str, *, is_final: bool) -> None:
        """Take what is here as all that will come: the session has ended in the middle of it."""
        self.broken_by = code
        self.is_beyond_resuming = is_final
        self.response_id = None
        self.is_due = self.is_held = False
        self.tools = None

    def be_refused(self) -> bool:
        """Take our asking as refused because another answer was running; say whether that one is the answer.

        It is, where nothing else stood in our way: the service has answered by itself. Where it ends without a sound,
        or another one stood in our way, our asking is repeated after that.
        """
        self.ask_again = self.has_asked and (self.is_being_generated or bool(self.leftovers))
        return self.ask_again and not self.leftovers

    def sound(self, burst: int) -> None:
        """Take playback as active."""
        self.burst = burst
        self.has_sounded = True

    def take_up(self, response_id: str) -> None:
        """Take an answer that was cut as the one to be heard again, whatever has begun since."""
        if self.response_id != response_id:
            self._give_up()
            self._forget_items()  # those that have come are another answer's
            self.response_id = None
        if response_id in self.leftovers:
            self.leftovers.remove(response_id)
            self.response_id = response_id
        self.fence = response_id
        self.has_sounded = True
        self.is_due = self.is_held = self.ask_again = False
        self.is_unwanted = self.is_crossing = False
        if self.tools is not None:
            self.tools.is_stale = False

    def _give_up(self) -> None:
        if self.response_id is not None and self.response_id not in self.leftovers:
            self.leftovers = [*self.leftovers, self.response_id][-_MOST_LEFTOVERS:]
        self.is_cancelled = False

    def _forget_items(self) -> None:
        self.has_ended_item = False
        self.is_at_item_end = False
        self.is_presumed_over = False
        self.calls = {}

    def fall_silent(self) -> None:
        """Shut the fence: what still comes of this answer is late."""
        self.fence = None
        self.burst = None
        self.has_sounded = False
        self.is_ducked = False
        self.is_due = False
        self.has_asked = False
        self.ask_again = False
        self.is_held = False
        self.has_failed = False
        self._forget_items()
        if self.tools is not None:
            self.tools.is_stale = True


def corrections(
    items: tuple[ItemHeard, ...], shortened: Sequence[str] = ()
) -> list[TruncateItem | DeleteItem | ExtendItem]:
    """Return what the service must be told after a cut, so that the model knows what was heard.

    ``items`` holds the parts of an item in the order in which they are played. One order per item, however many parts
    it has: nothing when it had been heard to its end, a deletion when nothing of it was heard (a truncation to 0 ms is
    refused by some services), else a truncation of the last part of which something was heard, never to more than was
    received ("already shorter than" is the answer to that).

    ``shortened``: the items of which that was done at an earlier cut, after which the answer was resumed. A service can
    leave out more of them, and not put any of it back, so it is told how much further they were heard.
    """
    parts_of: dict[str, list[ItemHeard]] = {}
    for part in items:
        parts_of.setdefault(part.item_id, []).append(part)
    orders: list[TruncateItem | DeleteItem | ExtendItem] = []
    orders += [ExtendItem(item_id) for item_id in shortened if item_id not in parts_of]
    for item_id, parts in parts_of.items():
        if item_id in shortened:
            orders.append(ExtendItem(item_id, sum(part.heard_ms for part in parts)))
            continue
        heard = [part for part in parts if part.heard_ms > 0]
        if not heard:
            orders.append(DeleteItem(item_id))
        elif not all(part.is_complete and part.heard_ms >= part.received_ms for part in parts):
            cut = heard[-1]
            orders.append(TruncateItem(item_id, cut.content_index, min(cut.heard_ms, cut.received_ms)))
    return orders
