"""Interruptions by speech: cut at once, decide within a second who it was, and go on where it was nobody.

A box cannot tell every cough from a person in 200 ms, and must not wait longer. So the answer is cut for either, and
what is left of it kept, until one of these is known:

- a person: words come, or the answer to them, or a wake word, a button. The rest is dropped.
- nobody: the service hears no speech, or hears some and finds no words in it. The answer goes on, to the sample.

As long as the box alone has heard something, the service is told nothing: it goes on generating, and nothing has to be
taken back. From its own ``speech_started`` on it may answer at any moment, so it must know by then what was heard; what
is resumed after that is added as an item of its own once it has been heard. An answer is resumed once.

No I/O, no clock.
"""

from collections.abc import Callable

from edgevoice.core.conversation.answer import corrections
from edgevoice.core.conversation.deadlines import Deadline
from edgevoice.core.conversation.interruption import Interruption
from edgevoice.core.conversation.phases import Cause, Phase
from edgevoice.core.conversation.state import Talk
from edgevoice.core.facts import ItemHeard, ResponseEnded, ResponseStatus, TurnTranscribed
from edgevoice.core.orders import (
    Action,
    CancelResponse,
    CutPlayback,
    DeleteTurn,
    ExtendItem,
    OpenUplink,
    ResumePlayback,
)


class Interruptions:
    """The interruption that is undecided, and the one that was resumed; ``ask`` asks for an answer to tools."""

    def __init__(self, talk: Talk, ask: Callable[[float], list[Action]]) -> None:
        self._talk = talk
        self._ask = ask
        self._unreported: Interruption | None = None

    # --- the cut ------------------------------------------------------------------------------------------------------

    def cut(self, now: float, *, is_heard: bool) -> list[Action]:
        """Silence the answer for what is taken for speech, and keep the rest where it may be resumed.

        ``is_heard`` says that the service heard it.
        """
        talk, answer = self._talk, self._talk.answer
        if talk.interruption is not None:
            answer.fall_silent()  # an answer to what was said before this, which has not sounded
            return self.heard()
        may_resume = talk.manners.resumes and talk.resumed is None and talk.is_linked and answer.is_sounding
        if not may_resume or answer.fence is None:
            return talk.cut()
        talk.interruption = Interruption(
            answer.fence,
            now,
            owes_answer=answer.is_due or answer.has_open_round,
            is_goodbye=answer.is_goodbye,
            has_called=answer.has_called,
            is_heard=is_heard,
            is_told=is_heard,
        )
        self._unreported = None
        answer.fall_silent()
        answer.near_speech_at = None
        self._schedule(talk.interruption)
        return [CutPlayback(keeps_rest=True)]

    def playback_cut(self, items: tuple[ItemHeard, ...]) -> list[Action]:
        """Take note of what was heard, and tell the service unless it may be a false interruption."""
        interruption = self._talk.interruption
        if self._unreported is not None:
            # It was resumed before what was heard until the cut was known.
            unreported, self._unreported = self._unreported, None
            unreported.heard = items
            orders = self._corrected(unreported) if unreported.is_told and self._talk.is_linked else []
            self._talk.shortened = unreported.shortened
            return orders
        if interruption is None:
            shortened, self._talk.shortened = self._talk.shortened, []
            return [*corrections(items, shortened)] if self._talk.is_linked else []
        # One that had been reported already was late, and of a cut before this one.
        earlier, interruption.heard = interruption.heard, items
        return self._corrected(interruption) if interruption.is_told else [*corrections(earlier or ())]

    @staticmethod
    def _corrected(interruption: Interruption) -> list[Action]:
        orders = corrections(interruption.heard or ())
        interruption.shortened = [order.item_id for order in orders]
        return [*orders]

    # --- what comes of it ---------------------------------------------------------------------------------------------

    def heard(self) -> list[Action]:
        """Take note that the service hears speech, too: now it must know how much of the answer was heard."""
        interruption = self._talk.interruption
        if interruption is None:
            return []
        interruption.is_heard = True
        # This may be the next sound, after one that has ended.
        interruption.is_quiet = interruption.is_quiet and not interruption.is_told
        interruption.stopped_at = None
        interruption.is_committed = False
        self._schedule(interruption)
        return self._tell(interruption)

    def near_speech_ended(self) -> list[Action]:
        """Take note that the box hears nobody any more."""
        if (interruption := self._talk.interruption) is not None:
            interruption.is_quiet = True
            self._schedule(interruption)
        return []

    def stopped(self, now: float) -> None:
        """Take note that the service heard speech end."""
        if (interruption := self._talk.interruption) is not None:
            interruption.stopped_at = now
            self._schedule(interruption)

    def turn_ended(self) -> list[Action]:
        """Take note that the service took what it heard for a turn."""
        interruption = self._talk.interruption
        if interruption is None:
            return []
        actions = [] if interruption.is_heard else self.heard()
        interruption.is_committed = True
        self._schedule(interruption)
        return actions

    def transcribed(self, turn: TurnTranscribed, now: float) -> list[Action]:
        """Take what the service found in the turn: words are a person, none at all are nobody."""
        talk, interruption, resumed = self._talk, self._talk.interruption, self._talk.resumed
        if turn.has_words and talk.is_user_speaking:
            talk.words_come_early = True
        if interruption is not None and interruption.is_heard:
            if turn.has_words:
                return self.settle()
            if turn.is_final:
                interruption.turn_item = turn.item_id
                return self.resume(now)
        elif interruption is None and resumed is not None and resumed.is_heard and turn.has_words:
            return self._belie(now)
        return []

    def answer_begun(self) -> list[Action]:
        """Take note that the service answers what it may have heard without having said so."""
        interruption = self._talk.interruption
        return [] if interruption is None or interruption.is_heard else self.heard()

    def response_ended(self, ended: ResponseEnded, now: float) -> list[Action]:
        """Take note of the end of an answer while an interruption is undecided; call it once that has ended.

        Another answer that runs tools is one to a person; one without a sound is one to nobody.
        """
        interruption = self._talk.interruption
        if interruption is None:
            return []
        if interruption.response_id == ended.response_id:
            interruption.owes_answer = interruption.owes_answer or bool(ended.calls)
            return []
        if ended.response_id != self._talk.answer.fence or ended.has_audio:
            return []
        if ended.calls or ended.status is not ResponseStatus.COMPLETED:
            return self.settle()
        return self.resume(now)

    def answer_arrived(self, response_id: str) -> list[Action]:
        """Take another answer's first sound as the answer to a person."""
        return self.settle() if self.keeps_rest_beside(response_id) else []

    def keeps_rest_beside(self, response_id: str) -> bool:
        """Say whether the rest of another answer than this is kept."""
        return self._talk.interruption is not None and self._talk.interruption.response_id != response_id

    def due(self, now: float) -> list[Action]:
        """Decide, now that nothing more has come."""
        interruption = self._talk.interruption
        is_late = interruption is not None and now >= interruption.latest
        return self.settle() if is_late else self.resume(now)

    def _schedule(self, interruption: Interruption) -> None:
        at = interruption.false_at(words_come_early=self._talk.words_come_early)
        self._talk.deadlines.set(Deadline.RESUME, interruption.latest if at is None else at)

    # --- a person -----------------------------------------------------------------------------------------------------

    def settle(self, *, cancels: bool = False) -> list[Action]:
        """Take the interruption as a person's: drop the rest, and tell the service what was heard.

        ``cancels`` calls the answer off, too, which a service that hears speech does by itself.
        """
        interruption = self._talk.interruption
        if interruption is None:
            return []
        actions = self._talk.drop_rest()
        answer = self._talk.answer
        if cancels and answer.response_id == interruption.response_id and not answer.is_cancelled:
            answer.is_cancelled = True
            actions.append(CancelResponse(interruption.response_id))
        return actions + self._tell(interruption)

    def _tell(self, interruption: Interruption) -> list[Action]:
        if interruption.is_told:
            return []
        interruption.is_told = True
        # What is not known yet is told of as soon as it is.
        return self._corrected(interruption) if interruption.heard is not None else []

    def _belie(self, now: float) -> list[Action]:
        """Interrupt the answer again: words have come after it was resumed."""
        talk = self._talk
        if talk.phase is Phase.LISTENING:
            talk.resumed = None
            return []
        actions = talk.cut()
        if talk.is_half_duplex:
            actions.append(OpenUplink())
        talk.interrupted()
        talk.extend_listening(talk.manners.answer_s, now)
        return actions

    # --- nobody -------------------------------------------------------------------------------------------------------

    def resume(self, now: float) -> list[Action]:
        """Go on with the answer, if one waits: nobody spoke."""
        talk, answer, interruption = self._talk, self._talk.answer, self._talk.interruption
        if interruption is None:
            return []
        talk.interruption, talk.resumed, talk.shortened = None, interruption, interruption.shortened
        self._unreported = interruption if interruption.heard is None else None
        actions: list[Action] = [ResumePlayback()]
        if answer.response_id is not None and answer.response_id != interruption.response_id:
            actions += [] if answer.is_cancelled else [CancelResponse(answer.response_id)]
            interruption.has_refused = True
        if interruption.is_committed and interruption.turn_item:
            actions.append(DeleteTurn(interruption.turn_item))
        # The answer that was asked for has not begun yet: it is as welcome as before.
        is_due = interruption.owes_answer and (answer.is_unwanted or answer.is_crossing)
        answer.take_up(interruption.response_id)
        answer.is_due = is_due
        answer.is_goodbye, answer.has_called = interruption.is_goodbye, interruption.has_called
        talk.is_user_speaking = False
        talk.enter(Cause.RESUMED)
        talk.deadlines.clear(Deadline.RESUME, Deadline.LISTEN, Deadline.ANSWER, Deadline.ASK)
        if interruption.owes_answer and not is_due and not answer.has_open_round:
            actions += self._ask(now)
        return actions

    def refuses(self, response_id: str) -> list[Action]:
        """Call off an answer to the turn that held no words; nothing where it is another answer."""
        resumed = self._talk.resumed
        if resumed is None or not resumed.is_heard or resumed.has_refused or self._talk.answer.is_due:
            return []
        resumed.has_refused = True
        self._talk.answer.refuse(response_id)
        return [CancelResponse(response_id)]

    def wordless_turn_ended(self) -> list[Action] | None:
        """Take the turn that held no words out of the conversation, where its item is known; wait for no answer to it.

        ``None`` where the turn that ends is another one.
        """
        resumed = self._talk.resumed
        if resumed is None or not resumed.is_heard or resumed.is_committed:
            return None
        resumed.is_committed = True
        return [DeleteTurn(resumed.turn_item)] if resumed.turn_item else []

    def extend(self) -> list[Action]:
        """Tell the service that what it takes for unheard was heard after all, now that it is over."""
        shortened, self._talk.shortened = self._talk.shortened, []
        return [ExtendItem(item_id) for item_id in shortened]
