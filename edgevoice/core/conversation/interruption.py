"""Interruption: an answer that was cut for what was taken for speech, until it is known who that was. Pure."""

from dataclasses import dataclass, field

from edgevoice.core.facts import ItemHeard

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
class Interruption:
    """One interruption by speech.

    ``response_id``: the answer that was cut, at ``at`` in monotonic seconds. ``owes_answer``: another was due after it;
    ``is_goodbye`` and ``has_called`` as the answer had them. ``is_heard``: the service hears speech, too; ``is_told``:
    so it was told what was heard. ``heard``: what was heard of each item, once that is known. ``shortened``: the items
    of which the service knows since then only what was heard before the cut. ``is_quiet``: the box hears nobody any
    more. ``stopped_at``: when the service heard speech end. ``is_committed``: it took it for a turn; ``turn_item``: the
    item of that turn, once it is known to hold no words. ``has_refused``: its answer to that turn was called off.
    """

    response_id: str
    at: float
    owes_answer: bool
    is_goodbye: bool
    has_called: bool
    is_heard: bool
    is_told: bool
    heard: tuple[ItemHeard, ...] | None = None
    shortened: list[str] = field(default_factory=list)
    is_quiet: bool = False
    stopped_at: float | None = None
    is_committed: bool = False
    turn_item: str = ""
    has_refused: bool = False

    def false_at(self, *, words_come_early: bool) -> float | None:
        """Return when it is taken as false unless something more comes, in monotonic seconds; ``None`` for never.

        ``words_come_early`` says that the service writes words down while they are spoken: then their absence tells.
        """
        if not self.is_heard:
            return self.at + (_QUIET_S if self.is_quiet else _UNHEARD_S)
        has_ended = self.is_quiet or self.stopped_at is not None
        if words_come_early and has_ended:
            return self.at + _WORDLESS_S
        if self.stopped_at is not None and not self.is_committed:
            return max(self.at + _WORDLESS_S, self.stopped_at + _UNCOMMITTED_S)
        return None

    @property
    def latest(self) -> float:
        """When it is too late to resume, in monotonic seconds."""
        return self.at + _LATEST_S
