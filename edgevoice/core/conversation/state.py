"""State: what is known of the current conversation, and the transitions that keep it consistent. No I/O, no clock."""

from edgevoice.core.conversation.answer import Answer
from edgevoice.core.conversation.deadlines import Deadline, Deadlines
from edgevoice.core.conversation.interruption import Cuts
from edgevoice.core.conversation.noisy_room import NoisyRoom
from edgevoice.core.conversation.phases import Phase, PhaseCause, after
from edgevoice.core.conversation.policy import Policy
from edgevoice.core.facts import ToolCall
from edgevoice.core.orders import Action, CutPlayback, DropPlayback, RestorePlayback

_AFTER_ITEM_S = 2.0
"""How long the end of an answer may lag behind the end of its last item: they are sent together."""


class ConversationState:
    """The current conversation, or the silence between two: its phase, and what it waits for.

    ``is_linked``: a session is open; ``is_user_speaking``: the service hears the user; ``has_backchannel``: the service
    has said something beside the user in this turn; ``has_answered``: part of an answer has been heard in this session.
    ``cuts``: the interruptions by speech. ``trouble``: the stable code of the service's last complaint, until an answer
    is heard. All waiting is done through the conversation's ``deadlines``.
    """

    def __init__(self, policy: Policy, deadlines: Deadlines) -> None:
        self.policy = policy
        self.deadlines = deadlines
        self.phase = Phase.IDLE
        self.is_linked = False
        self.is_user_speaking = False
        self.has_backchannel = False
        self.has_answered = False
        self.trouble = ""
        self.answer = Answer()
        self.cuts = Cuts()
        self.noisy_room = NoisyRoom(may_ignore=policy.ignores_speech_in_noise)

    @property
    def is_half_duplex(self) -> bool:
        """Whether the uplink carries zeros while the answer is sounding."""
        return self.policy.hears_itself or self.noisy_room.is_hopeless

    @property
    def is_presumed_over(self) -> bool:
        """Whether the end of the answer is missing and the box is listening anyway."""
        return self.phase is Phase.LISTENING and self.answer.generation.is_wanted

    def enter(self, cause: PhaseCause) -> None:
        """Enter the phase that follows; a transition that is not in the table is a bug: ``LookupError``."""
        self.phase = after(self.phase, cause)
        if self.phase is Phase.LISTENING:
            self.answer.tools.listen()

    def cut(self) -> list[Action]:
        """Silence the answer. Silence first: nobody should wait for a network round trip to be heard."""
        # A stalled answer is already silent, but the model must learn where it stopped.
        actions: list[Action] = [CutPlayback()] if self.answer.playback.has_sounded else []
        self.answer.fall_silent()
        self.answer.playback.take_near_speech()
        self.cuts.resumed = None
        return actions + self.drop_rest()

    def drop_rest(self) -> list[Action]:
        """Drop the rest of an answer that was cut, if it is kept."""
        if self.cuts.undecided is None:
            return []
        self.cuts.undecided = None
        self.deadlines.clear(Deadline.RESUME)
        return [DropPlayback()]

    def restore(self) -> list[Action]:
        """Bring the answer back to its volume, if it is lowered."""
        return [RestorePlayback()] if self.answer.playback.restore() else []

    def extend_listening(self, seconds: float, now: float) -> None:
        """Listen for this long from now on, unless the user is speaking: their turn has its own limit."""
        if not self.is_user_speaking:
            self.deadlines.set(Deadline.LISTEN, now + seconds)

    def await_end_of_turn(self, now: float) -> None:
        """Wait for the end of the user's turn.

        If a service hears speech and then reports nothing more, not even its end, the box must not wait forever.
        """
        self.deadlines.set(Deadline.LISTEN, now + self.policy.turn_s)

    def go_on_answering(self) -> None:
        """Resume an answer that was presumed over, or one that begins before the turn has ended."""
        self.enter(PhaseCause.ANSWERED)
        self.deadlines.clear(Deadline.LISTEN)

    def await_answer(self, now: float) -> None:
        """Wait for the answer to begin or to progress, unless it is sounding or waiting for tools."""
        self.deadlines.clear(Deadline.LISTEN)
        generation = self.answer.generation
        if not self.answer.playback.is_sounding and not self.answer.is_with_tools:
            limit_s = self.policy.progress_s if generation.is_wanted else self.policy.answer_s
            if generation.is_at_item_end and not self.answer.request.is_due:
                limit_s = min(limit_s, _AFTER_ITEM_S)
            self.deadlines.set(Deadline.ANSWER, now + limit_s)

    def await_answer_at_once(self, now: float) -> None:
        """Wait for the answer itself, no longer for a better moment to ask for it."""
        self.deadlines.clear(Deadline.ASK)
        self.await_answer(now)

    def await_no_answer(self) -> None:
        """Stop waiting for the answer: it is over, or waiting for tools."""
        self.deadlines.clear(Deadline.ANSWER)

    def await_end_of_playback(self) -> None:
        """Stop waiting for the answer or for the room to fall quiet: the answer is sounding."""
        self.deadlines.clear(Deadline.ANSWER, Deadline.ECHO_TAIL)

    def answer_progressed(self, response_id: str, now: float) -> None:
        """Restart the wait for the answer, if that is what the box waits for."""
        if self.answer.generation.progress(response_id):
            self._await_anew(now)

    def item_ended(self, response_id: str, call: ToolCall | None, now: float) -> None:
        """Record that an item is complete: the end of the answer is due."""
        if self.answer.generation.end_item(response_id, call):
            self._await_anew(now)

    def _await_anew(self, now: float) -> None:
        if self.deadlines.at(Deadline.ANSWER) is not None:
            self.await_answer(now)

    def await_quiet(self, now: float) -> None:
        """Wait for the room to fall quiet, now that everything queued has been played."""
        self.answer.playback.echo()
        self.deadlines.set(Deadline.ECHO_TAIL, now + self.policy.echo_tail_s)

    def interrupted(self) -> None:
        """Record that the answer was interrupted: it is the user's turn."""
        self.enter(PhaseCause.INTERRUPTED)
        self.answer.ending.take_back()
        self.answer.playback.end_echo()
        self.deadlines.clear(Deadline.ANSWER, Deadline.ASK, Deadline.ECHO_TAIL)
