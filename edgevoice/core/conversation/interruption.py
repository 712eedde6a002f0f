"""Interruption: an answer that was cut for what was taken for speech, until it is known who that was. Pure."""

from dataclasses import dataclass, field, replace

from edgevoice.core.conversation.corrections import corrections
from edgevoice.core.conversation.cut_answer import CutAnswer
from edgevoice.core.conversation.tool_round import ToolRoundState
from edgevoice.core.facts import ItemHeard
from edgevoice.core.orders import Action, DeleteTurn

_UNHEARD_S = 1.2
"""How long after the cut the service has to hear speech, too: what the box had kept reaches it in one go, and its own
voice activity detection takes some 200 ms.
"""

_QUIET_S = 0.9
"""The same where the box hears nobody any more: a cough, not somebody at the other end of a slow network."""

_WORDLESS_S = 1.2
"""How long after the cut a service that writes words down while they are spoken has for the first of them."""

_UNCOMMITTED_S = 1.0
"""How long after the end of speech a service has to take it for a turn."""

_LATEST_S = 5.0
"""How long after the cut an answer is worth resuming: later nobody knows any more what it was about."""


@dataclass(slots=True)
class ServiceTurn:
    """What the service makes of it.

    ``is_heard``: it hears speech, too. ``stopped_at``: when it heard that end, in monotonic seconds. ``is_committed``:
    it took it for a turn; ``item_id``: the item of that turn, once it is known to hold no words. ``has_refused``: its
    answer to that turn was called off.
    """

    is_heard: bool
    stopped_at: float | None = None
    is_committed: bool = False
    item_id: str = ""
    has_refused: bool = False

    def deletion(self) -> list[Action]:
        """Take the turn without words out of the conversation, if it is there and known."""
        return [DeleteTurn(self.item_id)] if self.is_committed and self.item_id else []


@dataclass(slots=True)
class Account:
    """What the service is told of what was heard.

    ``is_told``: that it was, or will be as soon as that is known. ``heard``: what was heard of each item, once known.
    ``shortened``: the items of which the service knows since then only what was heard before the cut.
    """

    is_told: bool
    heard: tuple[ItemHeard, ...] | None = None
    shortened: list[str] = field(default_factory=list)

    def tell(self) -> list[Action]:
        """Tell the service what was heard, unless it has been told; what is not known yet is told as soon as it is."""
        if self.is_told:
            return []
        self.is_told = True
        return [] if self.heard is None else self._correct(self.heard)

    def learn(self, heard: tuple[ItemHeard, ...]) -> list[Action]:
        """Take what was heard until the cut; tell the service, if it is to know."""
        self.heard = heard
        return self._correct(heard) if self.is_told else []

    def _correct(self, heard: tuple[ItemHeard, ...]) -> list[Action]:
        orders = corrections(heard)
        self.shortened = [order.item_id for order in orders]
        return [*orders]


@dataclass(slots=True)
class Interruption:
    """One interruption by speech; ``is_quiet``: the box hears nobody any more."""

    cut: CutAnswer
    turn: ServiceTurn
    account: Account
    is_quiet: bool = False

    @property
    def response_id(self) -> str:
        """The answer that was cut."""
        return self.cut.response_id

    @property
    def is_heard(self) -> bool:
        """Whether the service hears speech, too."""
        return self.turn.is_heard

    def hear(self) -> None:
        """Take note that the service hears speech begin: it may be the next sound, after one that has ended."""
        self.is_quiet = self.is_quiet and not self.account.is_told
        self.turn.is_heard = True
        self.turn.stopped_at = None
        self.turn.is_committed = False

    def take_calls(self) -> None:
        """Take note that the answer, which still came in, has called tools: an answer to them is owed."""
        self.cut = replace(self.cut, tools=ToolRoundState.RUNNING)

    def false_at(self, *, words_come_early: bool) -> float | None:
        """Return when it is taken as false unless something more comes, in monotonic seconds; ``None`` for never.

        ``words_come_early`` says that the service writes words down while they are spoken: then their absence tells.
        """
        cut_at, turn = self.cut.at, self.turn
        if not turn.is_heard:
            return cut_at + (_QUIET_S if self.is_quiet else _UNHEARD_S)
        has_ended = self.is_quiet or turn.stopped_at is not None
        if words_come_early and has_ended:
            return cut_at + _WORDLESS_S
        if turn.stopped_at is not None and not turn.is_committed:
            return max(cut_at + _WORDLESS_S, turn.stopped_at + _UNCOMMITTED_S)
        return None

    @property
    def latest(self) -> float:
        """When it is too late to resume, in monotonic seconds."""
        return self.cut.at + _LATEST_S


@dataclass(slots=True)
class Cuts:
    """The answers of a session that were cut for what was taken for speech.

    ``undecided``: the one of which it is not known yet who that was. ``resumed``: the one after which the answer goes
    on. ``unreported``: one that was resumed before what was heard until its cut was known. ``shortened``: items that
    were heard further than the service knows. ``words_come_early``: the service writes words down while they are
    spoken.
    """

    undecided: Interruption | None = None
    resumed: Interruption | None = None
    unreported: Interruption | None = None
    shortened: list[str] = field(default_factory=list)
    words_come_early: bool = False

    def begin_session(self) -> None:
        """Forget what was true of the session before."""
        self.resumed = None
        self.shortened = []
        self.words_come_early = False

    def resume(self, interruption: Interruption) -> None:
        """Take the undecided one as false: the answer goes on."""
        self.undecided = None
        self.resumed = interruption
        self.unreported = interruption if interruption.account.heard is None else None
        self.shortened = interruption.account.shortened

    def take_shortened(self) -> list[str]:
        """Return the items that were heard further than the service knows, and forget them."""
        shortened, self.shortened = self.shortened, []
        return shortened

    def keeps(self, response_id: str) -> bool:
        """Say whether the rest of this answer is kept."""
        return self.undecided is not None and self.undecided.response_id == response_id

    def keeps_rest_beside(self, response_id: str) -> bool:
        """Say whether the rest of another answer than this is kept."""
        return self.undecided is not None and self.undecided.response_id != response_id
