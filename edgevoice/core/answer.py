"""What is known of the answer in progress: on the wire, in the speaker, and among the tools. No I/O, no clock."""

from dataclasses import dataclass, field

from edgevoice.core.facts import ItemHeard, ToolCall
from edgevoice.core.orders import DeleteItem, TruncateItem

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
    hang up once it has been spoken. ``has_called``: tools have been run in this turn. ``is_ducked``: it is lowered,
    because somebody may be speaking over it. ``broken_by``: the code of what ended the session in the middle of it.
    ``near_speech_at``: a near-end sample from before they began. ``is_cancelled``: the service has been told to stop
    generating it. ``leftovers``: responses given up before, of which the service has not told the end yet.
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
    has_sounded: bool = False
    is_ducked: bool = False
    near_speech_at: int | None = None
    is_cancelled: bool = False
    broken_by: str = ""
    leftovers: list[str] = field(default_factory=list)

    @property
    def is_sounding(self) -> bool:
        """Say whether playback is active: this, not an open response, is what makes speech a barge-in."""
        return self.burst is not None

    @property
    def is_with_tools(self) -> bool:
        """Say whether it is the tools' turn, and the service is waited for only after them."""
        return self.response_id is None and self.tools is not None and not self.tools.is_stale

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

    def begin(self, response_id: str) -> None:
        """Take a response as the one to be heard."""
        self._give_up()
        self.response_id = response_id
        self.fence = response_id
        self.is_due = False

    def begin_unwanted(self, response_id: str) -> None:
        """Take note of a response that nobody will hear: it is being cancelled."""
        self._give_up()
        self.response_id = response_id
        self.is_cancelled = True
        self.is_unwanted = False

    def end(self) -> None:
        """Take the response as complete on the wire."""
        self.response_id = None
        self.is_cancelled = False
        self.has_asked = False

    def break_off(self, code: str) -> None:
        """Take what is here as all that will come: the session has ended in the middle of it."""
        self.broken_by = code
        self.response_id = None
        self.is_due = False
        self.tools = None

    def be_refused(self) -> None:
        """Take our asking as refused because another answer was running: it is repeated after that one."""
        self.ask_again = self.has_asked and (self.is_being_generated or bool(self.leftovers))

    def sound(self, burst: int) -> None:
        """Take playback as active."""
        self.burst = burst
        self.has_sounded = True

    def _give_up(self) -> None:
        if self.response_id is not None and self.response_id not in self.leftovers:
            self.leftovers = [*self.leftovers, self.response_id][-_MOST_LEFTOVERS:]
        self.is_cancelled = False

    def fall_silent(self) -> None:
        """Shut the fence: what still comes of this answer is late."""
        self.fence = None
        self.burst = None
        self.has_sounded = False
        self.is_ducked = False
        self.is_due = False
        self.has_asked = False
        self.ask_again = False
        if self.tools is not None:
            self.tools.is_stale = True


def corrections(items: tuple[ItemHeard, ...]) -> list[TruncateItem | DeleteItem]:
    """Return what the service must be told after a cut, so that the model knows what was heard.

    ``items`` holds the parts of an item in the order in which they are played. One order per item, however many parts
    it has: nothing when it had been heard to its end, a deletion when nothing of it was heard (a truncation to 0 ms is
    refused by some services), else a truncation of the last part of which something was heard, never to more than was
    received ("already shorter than" is the answer to that).
    """
    parts_of: dict[str, list[ItemHeard]] = {}
    for part in items:
        parts_of.setdefault(part.item_id, []).append(part)
    orders: list[TruncateItem | DeleteItem] = []
    for item_id, parts in parts_of.items():
        heard = [part for part in parts if part.heard_ms > 0]
        if not heard:
            orders.append(DeleteItem(item_id))
        elif not all(part.is_complete and part.heard_ms >= part.received_ms for part in parts):
            cut = heard[-1]
            orders.append(TruncateItem(item_id, cut.content_index, min(cut.heard_ms, cut.received_ms)))
    return orders
