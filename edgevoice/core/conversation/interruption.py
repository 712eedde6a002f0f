"""Interruption: an answer cut because something sounded like speech, until it is known who that was. Pure."""

from dataclasses import dataclass, field, replace

from edgevoice.core.conversation.corrections import corrections
from edgevoice.core.conversation.cut_answer import CutAnswer
from edgevoice.core.conversation.tool_round import ToolRoundState
from edgevoice.core.facts import ItemHeard
from edgevoice.core.orders import Action, DeleteTurn

_UNHEARD_S = 1.2
"""How long the service has after the cut to report speech as well: audio kept by the box reaches it in one batch, and
its own voice activity detection takes some 200 ms.
"""

_QUIET_S = 0.9
"""The same if the box no longer hears anybody: a cough, rather than a person at the far end of a slow network."""

_WORDLESS_S = 1.2
"""How long after the cut a service that transcribes speech as it is spoken has to send the first words."""

_UNCOMMITTED_S = 1.0
"""How long after the end of speech a service has to commit it as a turn."""

_LATEST_S = 5.0
"""How long after the cut an answer is worth resuming: later, its context is forgotten."""


@dataclass(slots=True)
class ServiceTurn:
    """What the service makes of the sound that cut the answer.

    ``is_heard``: it hears speech as well. ``stopped_at``: when it heard that speech end, in monotonic seconds.
    ``is_committed``: it committed the speech as a turn; ``item_id``: the item of that turn, once it is known to hold no
    words. ``has_refused``: its answer to that turn was cancelled.
    """

    is_heard: bool
    stopped_at: float | None = None
    is_committed: bool = False
    item_id: str = ""
    has_refused: bool = False

    def deletion(self) -> list[Action]:
        """Return the order that removes the turn without words from the conversation, if its item is known."""
        return [DeleteTurn(self.item_id)] if self.is_committed and self.item_id else []


@dataclass(slots=True)
class Account:
    """What the service knows about how much was heard.

    ``is_told``: the service has been informed, or will be as soon as that is known. ``heard``: how much of each item
    was heard, once known. ``shortened``: the items of which the service now knows only what was heard before the cut.
    """

    is_told: bool
    heard: tuple[ItemHeard, ...] | None = None
    shortened: list[str] = field(default_factory=list)

    def tell(self) -> list[Action]:
        """Report to the service what was heard, unless that is done; anything not known yet is reported once it is."""
        if self.is_told:
            return []
        self.is_told = True
        return [] if self.heard is None else self._correct(self.heard)

    def learn(self, heard: tuple[ItemHeard, ...]) -> list[Action]:
        """Record what was heard until the cut; report it to the service if it should know."""
        self.heard = heard
        return self._correct(heard) if self.is_told else []

    def _correct(self, heard: tuple[ItemHeard, ...]) -> list[Action]:
        orders = corrections(heard)
        self.shortened = [order.item_id for order in orders]
        return [*orders]


@dataclass(slots=True)
class Interruption:
    """One interruption by speech; ``is_quiet``: the box no longer hears anybody."""

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
        """Whether the service hears speech as well."""
        return self.turn.is_heard

    def hear(self) -> None:
        """Record that the service hears speech begin: it may be the next sound, after one that has ended."""
        self.is_quiet = self.is_quiet and not self.account.is_told
        self.turn.is_heard = True
        self.turn.stopped_at = None
        self.turn.is_committed = False

    def take_calls(self) -> None:
        """Record that the cut answer, which was still arriving, has called tools: an answer to them is due."""
        self.cut = replace(self.cut, tools=ToolRoundState.RUNNING)

    def false_at(self, *, words_come_early: bool) -> float | None:
        """Return when to treat it as false unless something more arrives, in monotonic seconds; ``None`` for never.

        ``words_come_early``: the service transcribes speech as it is spoken, so the absence of words is evidence.
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
    """The answers of a session that were cut because something sounded like speech.

    ``undecided``: the interruption whose cause is not known yet. ``resumed``: the one after which the answer goes on.
    ``unreported``: one that was resumed before it was known how much was heard until its cut. ``shortened``: items that
    were heard further than the service knows. ``words_come_early``: the service transcribes speech as it is spoken.
    """

    undecided: Interruption | None = None
    resumed: Interruption | None = None
    unreported: Interruption | None = None
    shortened: list[str] = field(default_factory=list)
    words_come_early: bool = False

    def begin_session(self) -> None:
        """Forget what belonged to the session before."""
        self.resumed = None
        self.shortened = []
        self.words_come_early = False

    def resume(self, interruption: Interruption) -> None:
        """Treat the undecided interruption as false: the answer goes on."""
        self.undecided = None
        self.resumed = interruption
        self.unreported = interruption if interruption.account.heard is None else None
        self.shortened = interruption.account.shortened

    def take_shortened(self) -> list[str]:
        """Return the items that were heard further than the service knows, and clear the list."""
        shortened, self.shortened = self.shortened, []
        return shortened

    def keeps(self, response_id: str) -> bool:
        """Return whether the rest of this answer is kept."""
        return self.undecided is not None and self.undecided.response_id == response_id

    def keeps_rest_beside(self, response_id: str) -> bool:
        """Return whether the rest of an answer other than this one is kept."""
        return self.undecided is not None and self.undecided.response_id != response_id
