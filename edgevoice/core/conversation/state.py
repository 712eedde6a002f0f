"""Talk: what is known of the talk that is going on, and the small moves that keep it in order. No I/O, no clock."""

from edgevoice.core.conversation.answer import Answer
from edgevoice.core.conversation.deadlines import Deadline, Deadlines
from edgevoice.core.conversation.interruption import Interruption
from edgevoice.core.conversation.noisy_room import NoisyRoom
from edgevoice.core.conversation.phases import Cause, Phase, after
from edgevoice.core.conversation.timing import Manners
from edgevoice.core.facts import ToolCall
from edgevoice.core.orders import Action, CutPlayback, DropPlayback, RestorePlayback

_AFTER_ITEM_S = 2.0
"""How long the end of an answer may take to follow the end of its last item: they are sent in one go."""


class Talk:
    """The talk that is going on, or the silence between two: where it stands, and what it waits for.

    ``is_linked`` says that a session is open; ``is_user_speaking`` that the service hears the user; ``has_backchannel``
    that the service has said something beside the user in this turn; ``has_answered`` that something of an answer has
    been heard in this session. ``interruption``: the one by speech that is undecided; ``resumed``: the one after which
    the answer goes on. ``shortened``: items that were heard further than the service knows. ``words_come_early``: it
    writes words down while they are spoken. ``trouble`` is the stable code of what the service
    complained of last, until an answer is heard. It waits for everything by the conversation's ``deadlines``.
    """

    def __init__(self, manners: Manners, deadlines: Deadlines) -> None:
        self.manners = manners
        self.deadlines = deadlines
        self.phase = Phase.IDLE
        self.is_linked = False
        self.is_user_speaking = False
        self.has_backchannel = False
        self.has_answered = False
        self.interruption: Interruption | None = None
        self.resumed: Interruption | None = None
        self.shortened: list[str] = []
        self.words_come_early = False
        self.trouble = ""
        self.answer = Answer()
        self.noisy_room = NoisyRoom(may_ignore=manners.ignores_speech_in_noise)

    @property
    def is_half_duplex(self) -> bool:
        """Whether the uplink carries zeros while the answer sounds."""
        return self.manners.hears_itself or self.noisy_room.is_hopeless

    @property
    def is_echoing(self) -> bool:
        """Whether the answer has ended and the room still sounds of it."""
        return self.deadlines.at(Deadline.ECHO_TAIL) is not None

    def enter(self, cause: Cause) -> None:
        """Go on to the phase that follows; one that cannot is a fault of ours: ``LookupError``."""
        self.phase = after(self.phase, cause)
        if self.phase is Phase.LISTENING:
            self.answer.has_called = False

    def cut(self) -> list[Action]:
        """Silence the answer. Silence first: nobody should wait for a network round trip to be heard."""
        # An answer that has stalled is silent already, but the model must learn where.
        actions: list[Action] = [CutPlayback()] if self.answer.has_sounded else []
        self.answer.fall_silent()
        self.answer.near_speech_at = None
        self.resumed = None
        return actions + self.drop_rest()

    def drop_rest(self) -> list[Action]:
        """Forget the rest of an answer that was cut, if it is kept."""
        if self.interruption is None:
            return []
        self.interruption = None
        self.deadlines.clear(Deadline.RESUME)
        return [DropPlayback()]

    def restore(self) -> list[Action]:
        """Bring the answer back to its volume, if it is lowered."""
        if not self.answer.is_ducked:
            return []
        self.answer.is_ducked = False
        return [RestorePlayback()]

    def extend_listening(self, seconds: float, now: float) -> None:
        """Listen for so long from now on, unless the user is speaking: then their turn has its own limit."""
        if not self.is_user_speaking:
            self.deadlines.set(Deadline.LISTEN, now + seconds)

    def await_answer(self, now: float) -> None:
        """Wait for the answer to begin or to go on, unless it sounds or is with the tools."""
        self.deadlines.clear(Deadline.LISTEN)
        if not self.answer.is_sounding and not self.answer.is_with_tools:
            limit_s = self.manners.progress_s if self.answer.is_being_generated else self.manners.answer_s
            if self.answer.is_at_item_end and not self.answer.is_due:
                limit_s = min(limit_s, _AFTER_ITEM_S)
            self.deadlines.set(Deadline.ANSWER, now + limit_s)

    def answer_progressed(self, response_id: str, now: float) -> None:
        """Wait anew for the answer, where that is what is waited for."""
        # What comes of an answer that was given up says nothing of the one that stands still; an id that was never told
        # is that of the one that is open, begun without it.
        if not self.answer.is_being_generated or response_id in self.answer.leftovers:
            return
        self.answer.is_at_item_end = False
        self._await_anew(now)

    def item_ended(self, response_id: str, call: ToolCall | None, now: float) -> None:
        """Take all of an item as received: the end of the answer is due."""
        if not self.answer.is_being_generated or response_id != self.answer.response_id:
            return  # late news: of an answer that was interrupted
        self.answer.end_item(call)
        self._await_anew(now)

    def _await_anew(self, now: float) -> None:
        if self.deadlines.at(Deadline.ANSWER) is not None:
            self.await_answer(now)

    def interrupted(self) -> None:
        """Take the answer as interrupted: it is the user's turn."""
        self.enter(Cause.INTERRUPTED)
        self.answer.is_goodbye = False
        self.deadlines.clear(Deadline.ANSWER, Deadline.ASK, Deadline.ECHO_TAIL)
