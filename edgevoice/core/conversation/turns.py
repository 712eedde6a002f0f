"""Turns: the user's and the answer's, from the first word to the last sound. No I/O, no clock."""

from edgevoice.core.conversation.answer import Answer
from edgevoice.core.conversation.deadlines import Deadline
from edgevoice.core.conversation.device import Box
from edgevoice.core.conversation.interruptions import Interruptions
from edgevoice.core.conversation.phases import Cause, Phase
from edgevoice.core.conversation.sessions import Calls
from edgevoice.core.conversation.state import Talk
from edgevoice.core.facts import FAILURES, ResponseEnded, ResponseStatus, ToolFinished
from edgevoice.core.orders import (
    Action,
    CancelResponse,
    CreateResponse,
    Earcon,
    KeepUplink,
    OpenUplink,
    PlayEarcon,
    ResumePlayback,
    RunTool,
    SendToolOutput,
    SilenceUplink,
)

_UNSURE_S = 0.3
"""How long a service that may answer a tool's output by itself has to begin: a slow round trip, seldom waited for."""

_SELF_ANSWERING_S = 2.0
"""How long a service that is known to answer by itself has to begin."""

_IN_THE_WAY_S = 2.0
"""How long the end of an answer that we have called off is waited for before we ask for another."""


class Turns:
    """Whose go it is while a session is open, and what becomes of the answer.

    A service may answer the output of a tool by itself. Where that is not known, it is given a moment to do so before
    it is asked, once: then it is known.
    """

    def __init__(self, talk: Talk, box: Box, calls: Calls) -> None:
        self._talk = talk
        self._box = box
        self._calls = calls
        self.interruptions = Interruptions(talk, self._ask_for_answer)
        self._hold_s = _UNSURE_S if talk.manners.may_answer_tools else 0.0

    # --- the user's turn ----------------------------------------------------------------------------------------------

    def user_started_speaking(self, now: float) -> list[Action]:
        """Take the turn as the user's, and interrupt the answer."""
        if not self._talk.is_linked:
            return []  # late news: of a session that is no more
        self._talk.is_user_speaking = True
        # One that begins now was made before their first word; any other is the service's answer to what they say.
        self._talk.answer.is_crossing = self._talk.answer.is_due or self._talk.answer.is_unwanted
        self._talk.answer.is_unwanted = False
        # A service that hears speech and then nothing more, not even its end, must not hold the box for ever.
        self._talk.deadlines.set(Deadline.LISTEN, now + self._talk.manners.turn_s)
        if self._talk.phase is Phase.LISTENING:
            self._settle_presumed()
            self._talk.resumed = None
            return self.interruptions.heard()
        actions = self.interruptions.cut(now, is_heard=True)
        if self._talk.is_half_duplex:
            actions.append(OpenUplink())
        self._talk.interrupted()
        return actions

    def user_stopped_speaking(self, now: float) -> list[Action]:
        """Wait for the service to decide whether the turn is over."""
        self._talk.is_user_speaking = False
        self.interruptions.stopped(now)
        if self._talk.phase is Phase.LISTENING:
            # The service decides whether the turn is over; it must not take for ever.
            self._talk.extend_listening(self._talk.manners.answer_s, now)
        return []

    def turn_ended(self, now: float) -> list[Action]:
        """Wait for the answer."""
        self._talk.is_user_speaking = False
        if (actions := self.interruptions.wordless_turn_ended()) is not None:
            return actions
        if self._talk.phase is Phase.LISTENING:
            actions = self.interruptions.turn_ended()
            self._settle_presumed()
            self._talk.enter(Cause.TURN_ENDED)
            self._talk.answer.is_due = True
            self._talk.answer.is_unwanted = False
            self._talk.resumed = None
            self._talk.await_answer(now)
            return actions
        return []

    def _settle_presumed(self) -> None:
        """Take an answer whose end is missing as over: the user goes on."""
        if self._talk.answer.is_presumed_over:
            self._talk.answer.fall_silent()

    # --- the answer ---------------------------------------------------------------------------------------------------

    def response_started(self, response_id: str, now: float) -> list[Action]:
        """Take an answer as begun, or call it off when nobody wants it any more."""
        if not self._talk.is_linked:
            return []  # late news: of a session that is no more
        answer = self._talk.answer
        if (self._talk.is_user_speaking and answer.is_crossing) or answer.is_unwanted:
            # It crossed with the user's first word, or with their hand: nobody will hear this answer.
            answer.is_crossing = False
            answer.begin_unwanted(response_id)
            return [CancelResponse(response_id)]
        if refused := self.interruptions.refuses(response_id):
            return refused
        actions = self.interruptions.answer_begun()
        if self._answers_by_itself():
            earlier = answer.response_id if answer.is_answering_tools and not answer.is_sounding else None
            if answer.has_open_round or (answer.is_answering_tools and earlier is None):
                # It knows only some of the outputs, or is a second answer to them.
                answer.refuse(response_id)
                return [CancelResponse(response_id)]
            if earlier is not None:
                actions = [CancelResponse(earlier)]  # it knows fewer of the outputs than this one
        # A service may answer before it has reported that the user has stopped, or without ever reporting it.
        self._talk.is_user_speaking = False
        if self._talk.phase is Phase.LISTENING:
            self._talk.enter(Cause.ANSWERED)
        answer.begin(response_id)
        self._talk.deadlines.clear(Deadline.ASK)
        self._talk.await_answer(now)
        return actions

    def _answers_by_itself(self) -> bool:
        """Say whether a response that begins now is the service's own answer to outputs of tools; learn it, too."""
        answer = self._talk.answer
        if not self._hold_s or not answer.has_called or not (answer.is_held or not answer.is_due):
            return False
        self._hold_s = _SELF_ANSWERING_S
        return True

    def response_ended(self, ended: ResponseEnded, now: float) -> list[Action]:
        """Take an answer as complete on the wire: run its tools, or listen on once it has been played."""
        if ended.response_id in self._talk.answer.leftovers:
            return self._leftover_ended(ended, now)
        if ended.response_id != self._talk.answer.response_id:
            return []  # late news: of another session
        answer = self._talk.answer
        was_interrupted = answer.fence != ended.response_id
        was_presumed_over = answer.is_presumed_over
        answer.end()
        actions = self.interruptions.response_ended(ended, now)
        if ended.status is ResponseStatus.COMPLETED and ended.calls:
            if was_presumed_over:
                self._talk.enter(Cause.ANSWERED)  # nobody has spoken since: the box goes on with it
                self._talk.deadlines.clear(Deadline.LISTEN)
            # Even an interrupted round is answered: the model waits for its outputs, though not for a word about them.
            answer.begin_tools(ended.calls, has_spoken=ended.has_audio, is_stale=was_interrupted)
            if not was_interrupted:
                self._talk.deadlines.clear(Deadline.ANSWER)
            return [*actions, *(RunTool(call) for call in ended.calls)]
        if ResumePlayback() in actions:
            return actions
        if was_interrupted:
            return self._ask_if_nothing_is_in_the_way(now)
        if was_presumed_over:
            answer.fall_silent()
            return []  # late news: the box listens already
        if answer.ask_again and not ended.has_audio:
            return self._ask(now)  # what the service answered by itself was no answer
        answer.ask_again = False
        if ended.status in FAILURES or not ended.has_audio:
            # An answer that fails in silence looks like a deaf box; what is here of it is heard first.
            answer.has_failed = True
            self._talk.trouble = ended.fault
        else:
            self._talk.trouble = ""
        return actions + (self._ask_if_nothing_is_in_the_way(now) or self._answer_over_if_quiet(now))

    def _leftover_ended(self, ended: ResponseEnded, now: float) -> list[Action]:
        """Take the end of an answer given up before: late, but its calls are owed, and it may have stood in our way."""
        answer = self._talk.answer
        answer.leftovers.remove(ended.response_id)
        actions: list[Action] = []
        calls = tuple(call for call in ended.calls if call.call_id not in answer.was_run)
        if ended.status is ResponseStatus.COMPLETED and calls:
            answer.begin_tools(calls, has_spoken=False, is_stale=True)
            actions = [RunTool(call) for call in calls]
        if answer.ask_again and not answer.leftovers and not answer.is_being_generated:
            return actions + self._ask(now)
        return actions + self._ask_if_nothing_is_in_the_way(now)

    def answer_late(self, now: float) -> list[Action]:
        """Go on without what is missing, if only the end of the answer is; else give it up."""
        answer = self._talk.answer
        if answer.is_due or not answer.is_being_generated or not answer.has_ended_item:
            return self._calls.fail(self._talk.trouble or "no-answer", now)
        if answer.calls:
            answer.begin_tools(calls := answer.presume_called(), has_spoken=answer.has_sounded, is_stale=False)
            return [RunTool(call) for call in calls]
        answer.is_presumed_over = True
        answer.ask_again = False
        answer.has_failed = not answer.has_sounded
        answer.has_sounded = False
        return self._answer_over(now)

    def playback_started(self, burst: int) -> list[Action]:
        """Take the answer as sounding."""
        if self._talk.answer.is_presumed_over:
            self._talk.enter(Cause.ANSWERED)  # it was not over
            self._talk.answer.is_presumed_over = False
            self._talk.deadlines.clear(Deadline.LISTEN)
        if self._talk.phase not in {Phase.THINKING, Phase.SPEAKING}:
            return []  # late news: cut or hung up in the same breath
        if self._talk.phase is Phase.THINKING:
            self._talk.enter(Cause.SOUNDED)
        self._talk.answer.sound(burst)
        self._talk.has_answered = True
        self._talk.deadlines.clear(Deadline.ANSWER, Deadline.ECHO_TAIL)
        return [SilenceUplink()] if self._talk.is_half_duplex else []

    def playback_drained(self, burst: int, now: float) -> list[Action]:
        """Take the answer as played so far; the room sounds on for a moment."""
        if burst != self._talk.answer.burst:
            return []  # late news: cut before, or already sounding again
        self._talk.answer.burst = None
        # The next burst begins at full volume, whoever spoke over the end of this one.
        actions = self._talk.restore()
        if self._talk.answer.is_over:
            actions += self._failure_tone()
            self._talk.answer.fall_silent()
        if self._talk.is_half_duplex:
            # The room still sounds: the light must not say that we listen before we do.
            self._talk.deadlines.set(Deadline.ECHO_TAIL, now + self._talk.manners.echo_tail_s)
            return actions
        return actions + self._after_playback(now)

    def room_quiet(self, now: float) -> list[Action]:
        """Listen again, now that the answer's echo is over."""
        spoken_at, self._talk.answer.near_speech_at = self._talk.answer.near_speech_at, None
        actions = self._after_playback(now)
        if self._talk.phase is Phase.IDLE:
            return actions  # not even for a moment when we hang up: the light is off by then
        # Who has begun to speak meanwhile does not lose a word to the echo.
        kept = [] if spoken_at is None else [KeepUplink(spoken_at, has_preroll=False)]
        if self._talk.phase is Phase.CONNECTING:
            return [*actions, *kept]
        return [*kept, OpenUplink(), *actions]

    def _after_playback(self, now: float) -> list[Action]:
        if self._talk.answer.is_over or not self._talk.is_linked:
            return self._answer_over(now)
        self._talk.enter(Cause.STALLED)
        self._talk.await_answer(now)
        return []

    def _answer_over_if_quiet(self, now: float) -> list[Action]:
        is_quiet = self._talk.answer.is_over and not self._talk.is_echoing
        return self._answer_over(now) if is_quiet else []

    def _answer_over(self, now: float) -> list[Action]:
        """Listen on or hang up, now that it is generated, played, and no tool round is open."""
        answer = self._talk.answer
        extended = self.interruptions.extend()
        return extended + self._listen_on(answer, now)

    def _listen_on(self, answer: Answer, now: float) -> list[Action]:
        if self._calls.is_spent:
            return self._calls.end_by_limit(now)
        if answer.is_beyond_resuming:
            return self._calls.fail(answer.broken_by, now)
        if answer.broken_by:
            return self._calls.resume(answer.broken_by, now)
        actions = self._failure_tone()
        if not answer.is_presumed_over:
            answer.fall_silent()
        if answer.is_goodbye or self._box.is_deaf or not self._talk.is_linked or self._talk.manners.follow_up_s == 0:
            return actions + self._calls.leave(now)
        self._talk.enter(Cause.FINISHED)
        self._talk.deadlines.clear(Deadline.ANSWER)
        self._talk.extend_listening(self._talk.manners.follow_up_s, now)
        return actions + self._calls.renew_if_due(now)

    def _failure_tone(self) -> list[Action]:
        """Sound the trouble tone of an answer that has failed, once, now that the last of it has been heard."""
        has_failed, self._talk.answer.has_failed = self._talk.answer.has_failed, False
        return [PlayEarcon(Earcon.TROUBLE)] if has_failed and not self._talk.answer.is_goodbye else []

    # --- interrupting by hand -----------------------------------------------------------------------------------------

    def interrupt_by_hand(self, at_sample: int, now: float, word: str = "") -> list[Action]:
        """Interrupt the answer by wake word or button."""
        if self._box.is_deaf:
            return self._calls.hang_up()
        if not self._talk.is_linked:
            return self._calls.call_again(at_sample, now, word)
        actions = self.interrupt(now)
        if self._talk.is_half_duplex:
            # What was said since the wake word began went out as zeros: now it is sent as it was.
            actions += [KeepUplink(at_sample), OpenUplink()]
        return actions

    def interrupt(self, now: float, *, is_by_speech: bool = False) -> list[Action]:
        """Interrupt without the service: it may have heard nothing of it, so it must be told to stop.

        By speech it is told so once it hears that, too, and what it does not hear may have been nobody.
        """
        # An answer that has not begun has no name to cancel it by: that is done when it begins.
        is_unwanted = self._talk.answer.is_due and not (self._talk.answer.is_held and not self._hold_s)
        actions = self.interruptions.cut(now, is_heard=False) if is_by_speech else self._talk.cut()
        self._talk.answer.is_unwanted = is_unwanted
        if self._talk.interruption is not None:
            pass  # the service goes on until it is decided
        elif self._talk.answer.response_id is not None and not self._talk.answer.is_cancelled:
            self._talk.answer.is_cancelled = True
            actions.append(CancelResponse(self._talk.answer.response_id))
        self._talk.interrupted()
        self._talk.extend_listening(self._talk.manners.no_speech_s, now)
        return actions

    # --- tools --------------------------------------------------------------------------------------------------------

    def tool_finished(self, finished: ToolFinished, now: float) -> list[Action]:
        """Send a tool's output, and ask for an answer after the last one of its round."""
        tools = self._talk.answer.tools
        if tools is None or finished.call_id not in tools.waiting or not self._talk.is_linked:
            return []  # late news: the conversation that wanted it is over
        actions: list[Action] = [SendToolOutput(finished.call_id, finished.output)]
        tools.waiting.remove(finished.call_id)
        if tools.waiting:
            return actions
        self._talk.answer.tools = None
        if tools.is_stale:
            return actions
        if self._talk.answer.is_goodbye and tools.has_spoken:
            return actions + self._answer_over_if_quiet(now)
        return actions + self._ask_for_answer(now)

    def service_is_answering(self) -> None:
        """Take our asking as refused because another answer was running, which may be the one we asked for."""
        if self._talk.answer.be_refused():
            self._hold_s = _SELF_ANSWERING_S

    def _ask_for_answer(self, now: float) -> list[Action]:
        """Ask for an answer as soon as nothing stands in its way, and the service does not answer by itself."""
        answer = self._talk.answer
        if not self._hold_s and not answer.is_in_the_way:
            return self._ask(now)
        answer.is_due = True
        answer.is_held = True
        self._talk.await_answer(now)
        self._talk.deadlines.set(Deadline.ASK, now + max(self._hold_s, _IN_THE_WAY_S if answer.is_in_the_way else 0))
        return []

    def _ask_if_nothing_is_in_the_way(self, now: float) -> list[Action]:
        """Ask now where an answer held that up which has ended; the service's own is still waited for."""
        answer = self._talk.answer
        if not answer.is_held or answer.is_in_the_way:
            return []
        if not self._hold_s:
            return self._ask(now)
        self._talk.deadlines.set(Deadline.ASK, now + self._hold_s)
        return []

    def asking_held(self, now: float) -> list[Action]:
        """Ask though something may stand in the way, or the service may answer by itself: it has had its time."""
        if not self._talk.answer.is_held:
            return []
        if not self._talk.answer.is_in_the_way:
            self._hold_s = 0.0  # it wants to be asked
        return self._ask(now)

    def _ask(self, now: float) -> list[Action]:
        answer = self._talk.answer
        answer.ask_again = False
        answer.is_held = False
        answer.is_due = True
        answer.has_asked = True
        self._talk.await_answer(now)
        self._talk.deadlines.clear(Deadline.ASK)
        return [CreateResponse(may_call_tools=not answer.is_goodbye)]
