"""Interruptions by speech: cut at once, decide within a second whether somebody spoke, and resume if nobody did.

A box cannot tell every cough from a person in 200 ms, and must not wait longer. So the answer is cut for either, and
the rest of it is kept, until one of these is known:

- a person: words arrive, or the answer to them, or a wake word, or a button is pressed. The rest is dropped.
- nobody: the service hears no speech, or hears some and finds no words in it. The answer resumes, to the exact sample.

While only the box has heard something, nothing is reported to the service: it goes on generating, and nothing has to be
undone. From its own ``speech_started`` on it may answer at any moment, so by then it must know what was heard; whatever
is resumed after that is added as a new item once it has been heard. An answer is resumed at most once.

No I/O, no clock.
"""

from edgevoice.core.conversation.asking import Asking
from edgevoice.core.conversation.corrections import corrections
from edgevoice.core.conversation.deadlines import Deadline
from edgevoice.core.conversation.interruption import Account, Interruption, ServiceTurn
from edgevoice.core.conversation.phases import Phase, PhaseCause
from edgevoice.core.conversation.state import ConversationState
from edgevoice.core.facts import ItemHeard, ResponseEnded, ResponseStatus, TurnTranscribed
from edgevoice.core.orders import (
    Action,
    CancelResponse,
    CutPlayback,
    ExtendItem,
    OpenUplink,
    ResumePlayback,
)


class Interruptions:
    """Decides the undecided interruption, and watches the one that was resumed."""

    def __init__(self, state: ConversationState, asking: Asking) -> None:
        self._state = state
        self._answer = state.answer
        self._generation = state.answer.generation
        self._cuts = state.cuts
        self._asking = asking

    @property
    def is_undecided(self) -> bool:
        """Whether the cause of an interruption is not known yet, so that the rest of the answer is kept."""
        return self._cuts.undecided is not None

    # --- the cut ------------------------------------------------------------------------------------------------------

    def cut(self, now: float, *, is_heard: bool) -> list[Action]:
        """Silence the answer because something sounded like speech, and keep the rest if it may be resumed.

        ``is_heard``: the service heard it.
        """
        if self._cuts.undecided is not None:
            self._answer.fall_silent()  # an answer to an earlier turn, which has not sounded yet
            return self.heard()
        cut = self._answer.as_cut(now)
        if cut is None or not self._state.policy.resumes or self._cuts.resumed is not None:
            return self._state.cut()
        self._cuts.undecided = Interruption(cut, ServiceTurn(is_heard), Account(is_told=is_heard))
        self._cuts.unreported = None
        self._answer.fall_silent()
        self._answer.playback.take_near_speech()
        self._schedule(self._cuts.undecided)
        return [CutPlayback(keeps_rest=True)]

    def playback_cut(self, items: tuple[ItemHeard, ...]) -> list[Action]:
        """Record what was heard, and report it to the service unless the interruption may be false."""
        if self._cuts.unreported is not None:
            # The answer was resumed before it was known how much was heard until the cut.
            account, self._cuts.unreported = self._cuts.unreported.account, None
            orders = account.learn(items) if self._state.is_linked else []
            self._cuts.shortened = account.shortened
            return orders
        if self._cuts.undecided is None:
            shortened = self._cuts.take_shortened()
            return [*corrections(items, shortened)] if self._state.is_linked else []
        account = self._cuts.undecided.account
        # If that was already reported, this report is late and belongs to an earlier cut.
        late = () if account.is_told else account.heard or ()
        return account.learn(items) or [*corrections(late)]

    # --- what comes of it ---------------------------------------------------------------------------------------------

    def next_turn_began(self) -> list[Action]:
        """Record that the service hears speech in the user's turn: the answer that was resumed has been heard."""
        self._cuts.resumed = None
        return self.heard()

    def heard(self) -> list[Action]:
        """Record that the service hears speech as well: now it must know how much of the answer was heard."""
        interruption = self._cuts.undecided
        if interruption is None:
            return []
        interruption.hear()
        self._schedule(interruption)
        return interruption.account.tell()

    def near_speech_ended(self) -> list[Action]:
        """Record that the box no longer hears anybody."""
        if (interruption := self._cuts.undecided) is not None:
            interruption.is_quiet = True
            self._schedule(interruption)
        return []

    def stopped(self, now: float) -> None:
        """Record that the service heard speech end."""
        if (interruption := self._cuts.undecided) is not None:
            interruption.turn.stopped_at = now
            self._schedule(interruption)

    def turn_ended(self) -> list[Action]:
        """Record that the service committed what it heard as a turn."""
        self._cuts.resumed = None
        interruption = self._cuts.undecided
        if interruption is None:
            return []
        actions = [] if interruption.is_heard else self.heard()
        interruption.turn.is_committed = True
        self._schedule(interruption)
        return actions

    def transcribed(self, turn: TurnTranscribed, now: float) -> list[Action]:
        """Record what the service found in the turn: words mean a person, no words at all mean nobody."""
        if not self._state.is_linked:
            return []  # late news: of a session that is over
        interruption, resumed = self._cuts.undecided, self._cuts.resumed
        if turn.has_words and self._state.is_user_speaking:
            self._cuts.words_come_early = True
        if interruption is not None and interruption.is_heard:
            if turn.has_words:
                return self.settle()
            if turn.is_final:
                interruption.turn.item_id = turn.item_id
                return self.resume(now)
        elif resumed is not None and resumed.is_heard and turn.has_words:
            return self._belie(now)
        return []

    def answer_begun(self) -> list[Action]:
        """Record that the service is answering speech that it may have heard without reporting it."""
        interruption = self._cuts.undecided
        return [] if interruption is None or interruption.is_heard else self.heard()

    def response_ended(self, ended: ResponseEnded, now: float) -> list[Action]:
        """Record the end of an answer while an interruption is undecided; call this once the answer has ended.

        Another answer that runs tools must be to a person; one without a sound must be to nobody.
        """
        interruption = self._cuts.undecided
        if interruption is None:
            return []
        if interruption.response_id == ended.response_id:
            if ended.calls:
                interruption.take_calls()
            return []
        if not self._answer.playback.admits(ended.response_id) or ended.has_audio:
            return []
        if ended.calls or ended.status is not ResponseStatus.COMPLETED:
            return self.settle()
        return self.resume(now)

    def answer_arrived(self, response_id: str) -> list[Action]:
        """Treat another answer's first sound as the answer to a person."""
        return self.settle() if self._cuts.keeps_rest_beside(response_id) else []

    def due(self, now: float) -> list[Action]:
        """Decide, now that nothing more has arrived in time."""
        interruption = self._cuts.undecided
        is_late = interruption is not None and now >= interruption.latest
        return self.settle() if is_late else self.resume(now)

    def _schedule(self, interruption: Interruption) -> None:
        at = interruption.false_at(words_come_early=self._cuts.words_come_early)
        self._state.deadlines.set(Deadline.RESUME, interruption.latest if at is None else at)

    # --- a person -----------------------------------------------------------------------------------------------------

    def settle(self, *, cancels: bool = False) -> list[Action]:
        """Attribute the interruption to a person: drop the rest, and report to the service what was heard.

        ``cancels``: also cancel the answer, which a service that hears speech does on its own.
        """
        interruption = self._cuts.undecided
        if interruption is None:
            return []
        actions = self._state.drop_rest()
        if cancels and self._generation.response_id == interruption.response_id:
            response_id = self._generation.call_off()
            actions += [] if response_id is None else [CancelResponse(response_id)]
        return actions + interruption.account.tell()

    def _belie(self, now: float) -> list[Action]:
        """Interrupt the answer again: words have arrived after it was resumed."""
        state = self._state
        if state.phase is Phase.LISTENING:
            self._cuts.resumed = None
            return []
        actions = state.cut()
        if state.is_half_duplex:
            actions.append(OpenUplink())
        state.interrupted()
        state.extend_listening(state.policy.answer_s, now)
        return actions

    # --- nobody -------------------------------------------------------------------------------------------------------

    def resume(self, now: float) -> list[Action]:
        """Resume the answer, if one is waiting: nobody spoke."""
        interruption = self._cuts.undecided
        if interruption is None:
            return []
        self._cuts.resume(interruption)
        actions: list[Action] = [ResumePlayback()]
        open_id = self._generation.response_id
        if open_id is not None and open_id != interruption.response_id:
            actions += [] if self._generation.is_called_off else [CancelResponse(open_id)]
            interruption.turn.has_refused = True
        actions += interruption.turn.deletion()
        owes_answer = interruption.cut.owes_answer
        # The answer that was requested has not begun yet: it is still wanted.
        is_due = owes_answer and self._answer.request.is_overdue
        self._answer.take_up(interruption.cut, is_due=is_due)
        self._state.is_user_speaking = False
        self._state.enter(PhaseCause.RESUMED)
        self._state.deadlines.clear(Deadline.RESUME, Deadline.LISTEN, Deadline.ANSWER, Deadline.ASK)
        if owes_answer and not is_due and not self._answer.tools.is_running:
            actions += self._asking.ask_when_free(now)
        return actions

    def refuses(self, response_id: str) -> list[Action]:
        """Cancel an answer to the turn that held no words; return nothing if it is another answer."""
        resumed = self._cuts.resumed
        if resumed is None or not resumed.is_heard or resumed.turn.has_refused or self._answer.request.is_due:
            return []
        resumed.turn.has_refused = True
        self._generation.refuse(response_id)
        return [CancelResponse(response_id)]

    def wordless_turn_ended(self) -> list[Action] | None:
        """Remove the turn that held no words from the conversation, if its item is known; expect no answer to it.

        Return ``None`` if another turn has ended.
        """
        resumed = self._cuts.resumed
        if resumed is None or not resumed.is_heard or resumed.turn.is_committed:
            return None
        resumed.turn.is_committed = True
        return resumed.turn.deletion()

    def extend(self) -> list[Action]:
        """Report to the service that the item it believes unheard was heard after all, now that it is over."""
        return [ExtendItem(item_id) for item_id in self._cuts.take_shortened()]
