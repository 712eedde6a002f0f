"""Turns: the user's and the answer's, from the first word to the last sound. No I/O, no clock."""

from edgevoice.core.conversation.asking import Asking
from edgevoice.core.conversation.box_state import BoxState
from edgevoice.core.conversation.ending import EndingState
from edgevoice.core.conversation.interruptions import Interruptions
from edgevoice.core.conversation.phases import Phase, PhaseCause
from edgevoice.core.conversation.sessions import Sessions
from edgevoice.core.conversation.state import ConversationState
from edgevoice.core.facts import FAILURES, ApprovalSettled, ResponseEnded, ResponseStatus, ToolCall, ToolFinished
from edgevoice.core.orders import (
    Action,
    AddNote,
    CancelResponse,
    Earcon,
    KeepUplink,
    OpenUplink,
    PlayEarcon,
    ResumePlayback,
    RunTool,
    SendToolOutput,
    SilenceUplink,
)

REPLY_S = 15.0
"""How long the box listens for the reply to its question whether a tool may run."""


class Turns:
    """Whose turn it is while a session is open, and what happens to the answer."""

    def __init__(self, state: ConversationState, box: BoxState, sessions: Sessions) -> None:
        self._state = state
        self._policy = state.policy
        self._answer = state.answer
        self._generation = state.answer.generation
        self._playback = state.answer.playback
        self._tools = state.answer.tools
        self._request = state.answer.request
        self._ending = state.answer.ending
        self._box = box
        self._sessions = sessions
        self.asking = Asking(state)
        self.interruptions = Interruptions(state, self.asking)

    # --- the user's turn ----------------------------------------------------------------------------------------------

    def user_started_speaking(self, now: float) -> list[Action]:
        """Give the turn to the user, and interrupt the answer."""
        if not self._state.is_linked:
            return []  # late news: of a session that is over
        self._state.is_user_speaking = True
        # An answer that begins now was made before their first word; any later one replies to what they say.
        self._request.cross()
        self._state.await_end_of_turn(now)
        if self._state.phase is Phase.LISTENING:
            self._settle_presumed()
            return self.interruptions.next_turn_began()
        actions = self.interruptions.cut(now, is_heard=True)
        if self._state.is_half_duplex:
            actions.append(OpenUplink())
        self._state.interrupted()
        return actions

    def user_stopped_speaking(self, now: float) -> list[Action]:
        """Wait for the service to decide whether the turn is over."""
        self._state.is_user_speaking = False
        self.interruptions.stopped(now)
        if self._state.phase is Phase.LISTENING:
            # The service decides whether the turn is over, but it must not take forever.
            self._state.extend_listening(self._policy.answer_s, now)
        return []

    def turn_ended(self, request: str, now: float) -> list[Action]:
        """Wait for the answer, which was requested by the name ``request``, empty if the service gives it unasked."""
        self._state.is_user_speaking = False
        if (actions := self.interruptions.wordless_turn_ended()) is not None:
            return actions
        if self._state.phase is not Phase.LISTENING:
            return []
        actions = self.interruptions.turn_ended()
        self._settle_presumed()
        self._state.enter(PhaseCause.TURN_ENDED)
        self._request.end_turn(request)
        self._tools.end_turn()
        self._state.await_answer(now)
        return actions

    def _settle_presumed(self) -> None:
        """Treat an answer whose end is missing as over: the user has gone on."""
        if self._state.is_presumed_over:
            self._answer.fall_silent()

    # --- the answer ---------------------------------------------------------------------------------------------------

    def response_started(self, response_id: str, request: str, now: float) -> list[Action]:
        """Record that an answer has begun, or cancel it if it is not wanted; ``request`` is what it says it answers."""
        if not self._state.is_linked:
            return []  # late news: of a session that is over
        if self._request.crosses(is_user_speaking=self._state.is_user_speaking):
            # It crossed with the user's first word, wake word or button press: this answer will not be heard.
            self._answer.begin_unwanted(response_id)
            return [CancelResponse(response_id)]
        if refused := self.interruptions.refuses(response_id):
            return refused
        if self.asking.is_anothers(request):
            self._generation.refuse(response_id)
            return [CancelResponse(response_id)]
        actions = self.interruptions.answer_begun()
        if self.asking.answers_by_itself():
            if self._answer.needs_no_other:
                self._generation.refuse(response_id)
                return [CancelResponse(response_id)]
            if (earlier := self._answer.early_answer) is not None:
                actions.append(CancelResponse(earlier))  # it knows fewer of the outputs than this one
        # A service may answer before it has reported that the user has stopped, or without reporting it at all.
        self._state.is_user_speaking = False
        if self._state.phase is Phase.LISTENING:
            self._state.go_on_answering()
        self._answer.begin(response_id)
        self._state.await_answer_at_once(now)
        return actions

    def response_ended(self, ended: ResponseEnded, now: float) -> list[Action]:
        """Record that an answer is complete on the wire: run its tools, or listen again once it has been played."""
        if ended.response_id in self._generation.leftovers:
            return self._leftover_ended(ended, now)
        if ended.response_id != self._generation.response_id:
            return []  # late news: of another session
        was_wanted, was_presumed_over = self._generation.is_wanted, self._state.is_presumed_over
        self._answer.end()
        actions = self.interruptions.response_ended(ended, now)
        if ended.status is ResponseStatus.COMPLETED and ended.calls:
            if was_presumed_over:
                self._state.go_on_answering()  # nobody has spoken since: the box resumes the answer
            return actions + self._run(ended.calls, has_spoken=ended.has_audio, is_stale=not was_wanted)
        if ResumePlayback() in actions:
            return actions
        if not was_wanted:
            return self.asking.ask_if_free(now)
        if was_presumed_over:
            self._answer.fall_silent()
            return []  # late news: the box is listening already
        if self._request.is_to_be_repeated and not ended.has_audio:
            return actions + self.asking.ask(now)  # what the service answered unprompted was no answer
        return actions + self._answer_received(ended, now)

    def _answer_received(self, ended: ResponseEnded, now: float) -> list[Action]:
        self._request.settle()
        if ended.status in FAILURES or not ended.has_audio:
            # An answer that fails silently makes the box seem deaf; what has arrived of it is played first.
            self._generation.fail()
            self._state.trouble = ended.fault
        else:
            self._state.trouble = ""
        return self.asking.ask_if_free(now) or self._answer_over_if_quiet(now)

    def _leftover_ended(self, ended: ResponseEnded, now: float) -> list[Action]:
        """Handle the end of an answer abandoned earlier: its calls still count, and it may have blocked our request."""
        calls = self._generation.end_leftover(ended.response_id, ended.calls)
        actions: list[Action] = []
        if ended.status is ResponseStatus.COMPLETED and calls:
            actions += self._run(calls, has_spoken=False, is_stale=True)
        if self._request.is_to_be_repeated and self._generation.lets_us_ask:
            return actions + self.asking.ask(now)
        return actions + self.asking.ask_if_free(now)

    def _run(self, calls: tuple[ToolCall, ...], *, has_spoken: bool, is_stale: bool) -> list[Action]:
        """Run tools, even of an interrupted round: the model waits for their outputs, though not for a reply."""
        if is_stale:
            self._tools.begin_stale(calls)
        else:
            self._answer.begin_tools(calls, has_spoken=has_spoken)
            self._state.await_no_answer()
        return [RunTool(call) for call in calls]

    def answer_late(self, now: float) -> list[Action]:
        """Go on without the end of the answer if only that is missing; else abandon the answer."""
        if self._request.is_due or not self._generation.has_complete_item:
            self.asking.forget_names()
            return self._sessions.fail(self._state.trouble or "no-answer", now)
        has_sounded = self._playback.has_sounded
        if calls := self._generation.presume_called():
            return self._run(calls, has_spoken=has_sounded, is_stale=False)
        self._playback.finish()
        return self._answer_over(now, has_failed=not has_sounded)

    def playback_started(self, burst: int) -> list[Action]:
        """Record that the answer is sounding."""
        if self._state.is_presumed_over:
            self._state.go_on_answering()  # it was not over
        if self._state.phase not in {Phase.THINKING, Phase.SPEAKING}:
            return []  # late news: cut or hung up in the same breath
        if self._state.phase is Phase.THINKING:
            self._state.enter(PhaseCause.SOUNDED)
        self._playback.start(burst)
        self._state.has_answered = True
        self._state.await_end_of_playback()
        return [SilenceUplink()] if self._state.is_half_duplex else []

    def playback_drained(self, burst: int, now: float) -> list[Action]:
        """Record that everything so far has been played; the echo lasts for a moment longer."""
        if not self._playback.sounds(burst):
            return []  # late news: cut before, or already sounding again
        # The next burst begins at full volume, even if somebody spoke over the end of this one.
        actions = self._state.restore()
        self._playback.drain()
        if self._answer.is_over:
            actions += self._failure_tone(has_failed=self._generation.take_failure())
            self._answer.fall_silent()
        if self._state.is_half_duplex:
            # The echo is still sounding: the light must not say that we listen before we do.
            self._state.await_quiet(now)
            return actions
        return actions + self._after_playback(now)

    def room_quiet(self, now: float) -> list[Action]:
        """Listen again, now that the answer's echo is over."""
        self._playback.end_echo()
        spoken_at = self._playback.take_near_speech()
        actions = self._after_playback(now)
        if self._state.phase is Phase.IDLE:
            return actions  # not even for a moment when we hang up: the light is off by then
        # A user who has begun to speak meanwhile must not lose a word to the echo.
        kept = [] if spoken_at is None else [KeepUplink(spoken_at, has_preroll=False)]
        if self._state.phase is Phase.CONNECTING:
            return [*actions, *kept]
        return [*kept, OpenUplink(), *actions]

    def _after_playback(self, now: float) -> list[Action]:
        if self._answer.is_over:
            return self._answer_over(now)
        self._state.enter(PhaseCause.STALLED)
        self._state.await_answer(now)
        return []

    def _answer_over_if_quiet(self, now: float) -> list[Action]:
        is_quiet = self._answer.is_over and not self._playback.is_echoing
        return self._answer_over(now) if is_quiet else []

    def _answer_over(self, now: float, *, has_failed: bool = False) -> list[Action]:
        """Listen again or hang up, now that the answer is generated and played, and no round of tools is running.

        ``has_failed``: the answer is only presumed to be over, and was not heard.
        """
        return self.interruptions.extend() + self._go_on(now, has_failed=has_failed)

    def _go_on(self, now: float, *, has_failed: bool) -> list[Action]:
        if self._sessions.is_spent:
            return self._sessions.end_by_limit(now)
        if self._ending.state is EndingState.FAIL:
            self._answer.fall_silent()  # there is nothing left to cut
            return self._sessions.fail(self._ending.lost_by, now)
        if self._ending.state is EndingState.REDIAL:
            return self._sessions.resume(self._ending.lost_by, now)
        actions = self._failure_tone(has_failed=self._generation.take_failure() or has_failed)
        if not self._generation.is_wanted:
            self._answer.fall_silent()
        if self._reports:
            return actions + self._report(now)
        listen_s = max(self._policy.follow_up_s, REPLY_S if self._tools.has_asked else 0)
        is_last = self._ending.is_goodbye or listen_s == 0
        if is_last or self._box.is_deaf or not self._state.is_linked:
            return actions + self._sessions.leave(now)
        self._state.enter(PhaseCause.FINISHED)
        self._state.await_no_answer()
        self._state.extend_listening(listen_s, now)
        return actions + self._sessions.renew_if_due(now)

    def _failure_tone(self, *, has_failed: bool) -> list[Action]:
        """Sound the trouble tone for an answer that has failed, now that the last of it has been heard.

        There is no tone if nothing follows the answer, or if the session is lost too: that has its own tone.
        """
        is_told = has_failed and self._ending.state is EndingState.LISTEN
        return [PlayEarcon(Earcon.ERROR)] if is_told else []

    # --- interrupting by hand -----------------------------------------------------------------------------------------

    def interrupt_by_hand(self, at_sample: int, now: float, word: str = "", *, word_ended: int = 0) -> list[Action]:
        """Interrupt the answer by wake word or button; ``word_ended`` samples ago the wake word may have ended."""
        if self._box.is_deaf:
            return self._sessions.hang_up()
        # On a box that hears itself, the pre-roll would be its own voice, which the model would take for the user's.
        has_preroll = not self._policy.hears_itself
        heard_from = at_sample if has_preroll else at_sample - word_ended
        if not self._state.is_linked:
            return self._sessions.call_again(heard_from, now, word, has_preroll=has_preroll)
        actions = self.interrupt(now)
        if self._state.is_half_duplex:
            # What was said meanwhile was sent as zeros: now it is sent as it was heard.
            actions += [KeepUplink(heard_from, has_preroll=has_preroll), OpenUplink()]
        return actions

    def interrupt(self, now: float, *, is_by_speech: bool = False) -> list[Action]:
        """Interrupt on our own: the service may have heard nothing, so it must be asked to stop.

        After an interruption by speech that happens once the service hears it too; if it does not, it may have been
        nobody.
        """
        # An answer that has not begun has no id to cancel it by: it is cancelled when it begins.
        is_unwanted = self.asking.is_expecting
        actions = self.interruptions.cut(now, is_heard=False) if is_by_speech else self._state.cut()
        if is_unwanted:
            self._request.interrupt()
        # While the interruption is undecided, the service goes on generating.
        if not self.interruptions.is_undecided and (response_id := self._generation.call_off()) is not None:
            actions.append(CancelResponse(response_id))
        self._state.interrupted()
        self._state.extend_listening(self._policy.no_speech_s, now)
        return actions

    # --- tools --------------------------------------------------------------------------------------------------------

    def tool_finished(self, finished: ToolFinished, now: float) -> list[Action]:
        """Send a tool's output, and ask for an answer after the last one of its round."""
        if not self._tools.waits_for(finished.call_id) or not self._state.is_linked:
            return []  # late news: the conversation that wanted it is over
        actions: list[Action] = [SendToolOutput(finished.call_id, finished.output)]
        if not self._tools.finish(finished.call_id, finished.asking):
            return actions
        if self._ending.is_goodbye and self._tools.has_spoken:
            return actions + self._answer_over_if_quiet(now)
        return actions + self.asking.ask_when_free(now)

    def approval_settled(self, settled: ApprovalSettled, now: float) -> list[Action]:
        """Report to the model what has become of a tool that had to wait for the user's approval.

        The user hears of it when it is nobody's turn; if they speak first, the answer to that has the report.
        """
        if not self._state.is_linked:
            return []  # late news: the conversation that wanted it is over
        self._tools.owes_report = self._tools.owes_report or settled.is_spoken
        is_free = self._state.phase is Phase.LISTENING and not self._state.is_user_speaking
        is_free = is_free and not (self._state.is_presumed_over or self.interruptions.is_undecided)
        notes: list[Action] = [AddNote(settled.note)] if settled.note else []
        return notes + (self._report(now) if is_free and self._reports else [])

    @property
    def _reports(self) -> bool:
        """Whether the next answer is a report of what a tool has done."""
        return self._tools.owes_report and self._state.is_linked and not self._box.is_deaf

    def _report(self, now: float) -> list[Action]:
        self._tools.owes_report = False
        if self._state.phase is Phase.LISTENING:
            self._state.enter(PhaseCause.REPORTED)
        elif self._state.phase is Phase.SPEAKING:
            self._state.enter(PhaseCause.STALLED)
        return self.asking.ask_when_free(now)
