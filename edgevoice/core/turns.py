"""Turns: the user's and the answer's, from the first word to the last sound. No I/O, no clock."""

from edgevoice.core.box import Box
from edgevoice.core.calls import Calls
from edgevoice.core.deadlines import Deadline
from edgevoice.core.facts import ResponseEnded, ResponseStatus, ToolFinished
from edgevoice.core.orders import (
    Action,
    CancelResponse,
    CreateResponse,
    DuckPlayback,
    Earcon,
    KeepUplink,
    OpenUplink,
    PlayEarcon,
    RunTool,
    SendToolOutput,
    SilenceUplink,
)
from edgevoice.core.phases import Cause, Phase
from edgevoice.core.talk import Talk


class Turns:
    """Whose go it is while a session is open, and what becomes of the answer."""

    def __init__(self, talk: Talk, box: Box, calls: Calls) -> None:
        self._talk = talk
        self._box = box
        self._calls = calls

    # --- speech over the answer, as the box hears it ------------------------------------------------------------------

    def near_speech_began(self, at_sample: int) -> list[Action]:
        """Lower the answer: somebody may be speaking over it."""
        if self._box.is_deaf or not (self._talk.answer.is_sounding or self._talk.is_echoing):
            return []  # late news: heard just before the door was shut, or before the cut
        self._talk.answer.near_speech_at = at_sample
        if self._talk.answer.is_ducked or not self._talk.answer.is_sounding:
            return []
        self._talk.answer.is_ducked = True
        return [DuckPlayback()]

    def near_speech_confirmed(self, at_sample: int, now: float) -> list[Action]:
        """Interrupt the answer: somebody is speaking over it."""
        if self._box.is_deaf:
            return []
        if self._talk.is_echoing:
            # The answer is over and the user goes on at once: they need not wait for its echo.
            self._talk.deadlines.clear(Deadline.ECHO_TAIL)
            self._talk.answer.near_speech_at = at_sample
            return self.room_quiet(now)
        if not self._talk.answer.is_sounding:
            return []  # where nothing sounds, the service hears for itself
        if not self._talk.is_linked:
            return self._calls.call_again(at_sample, now)
        actions = self._interrupt(now)
        if self._talk.manners.hears_itself:
            actions += [KeepUplink(at_sample, has_preroll=False), OpenUplink()]
        return actions

    def near_speech_faded(self) -> list[Action]:
        """Bring the answer back: it was nobody."""
        self._talk.answer.near_speech_at = None
        return self._talk.restore()

    # --- the user's turn ----------------------------------------------------------------------------------------------

    def user_started_speaking(self, now: float) -> list[Action]:
        """Take the turn as the user's, and interrupt the answer."""
        if not self._talk.is_linked:
            return []  # late news: of a session that is no more
        self._talk.is_user_speaking = True
        self._talk.answer.is_unwanted = False
        # A service that hears speech and then nothing more, not even its end, must not hold the box for ever.
        self._talk.deadlines.set(Deadline.LISTEN, now + self._talk.manners.turn_s)
        if self._talk.phase is Phase.LISTENING:
            return []
        actions = self._talk.cut()
        if self._talk.manners.hears_itself:
            actions.append(OpenUplink())
        self._talk.interrupted()
        return actions

    def user_stopped_speaking(self, now: float) -> list[Action]:
        """Wait for the service to decide whether the turn is over."""
        self._talk.is_user_speaking = False
        if self._talk.phase is Phase.LISTENING:
            # The service decides whether the turn is over; it must not take for ever.
            self._talk.extend_listening(self._talk.manners.answer_s, now)
        return []

    def turn_ended(self, now: float) -> list[Action]:
        """Wait for the answer."""
        self._talk.is_user_speaking = False
        if self._talk.phase is Phase.LISTENING:
            self._talk.enter(Cause.TURN_ENDED)
            self._talk.answer.is_due = True
            self._talk.answer.is_unwanted = False
            self._talk.await_answer(now)
        return []

    # --- the answer ---------------------------------------------------------------------------------------------------

    def response_started(self, response_id: str, now: float) -> list[Action]:
        """Take an answer as begun, or call it off when nobody wants it any more."""
        if not self._talk.is_linked:
            return []  # late news: of a session that is no more
        if self._talk.is_user_speaking or self._talk.answer.is_unwanted:
            # It crossed with the user's first word, or with their hand: nobody will hear this answer.
            self._talk.answer.begin_unwanted(response_id)
            return [CancelResponse(response_id)]
        if self._talk.phase is Phase.LISTENING:
            self._talk.enter(Cause.ANSWERED)
        self._talk.answer.begin(response_id)
        self._talk.await_answer(now)
        return []

    def response_ended(self, ended: ResponseEnded, now: float) -> list[Action]:
        """Take an answer as complete on the wire: run its tools, or listen on once it has been played."""
        if ended.response_id in self._talk.answer.leftovers:
            return self._leftover_ended(ended, now)
        if ended.response_id != self._talk.answer.response_id:
            return []  # late news: of another session
        self._talk.answer.end()
        was_interrupted = self._talk.answer.fence != ended.response_id
        if ended.status is ResponseStatus.COMPLETED and ended.calls:
            # Even an interrupted round is answered: the model waits for its outputs, though not for a word about them.
            self._talk.answer.begin_tools(ended.calls, has_spoken=ended.has_audio, is_stale=was_interrupted)
            if not was_interrupted:
                self._talk.deadlines.clear(Deadline.ANSWER)
            return [RunTool(call) for call in ended.calls]
        if was_interrupted:
            return []
        if self._talk.answer.ask_again:
            return self._ask_for_answer(now)
        actions: list[Action] = []
        if ended.status in {ResponseStatus.FAILED, ResponseStatus.INCOMPLETE} or not ended.has_audio:
            # An answer that fails in silence looks like a deaf box.
            actions = [] if self._talk.answer.is_goodbye else [PlayEarcon(Earcon.TROUBLE)]
        return actions + self._answer_over_if_quiet(now)

    def _leftover_ended(self, ended: ResponseEnded, now: float) -> list[Action]:
        """Take the end of an answer given up before: late, but its calls are owed, and it may have stood in our way."""
        self._talk.answer.leftovers.remove(ended.response_id)
        actions: list[Action] = []
        if ended.status is ResponseStatus.COMPLETED and ended.calls:
            self._talk.answer.begin_tools(ended.calls, has_spoken=False, is_stale=True)
            actions = [RunTool(call) for call in ended.calls]
        if self._talk.answer.ask_again and not self._talk.answer.leftovers and not self._talk.answer.is_being_generated:
            actions += self._ask_for_answer(now)
        return actions

    def playback_started(self, burst: int) -> list[Action]:
        """Take the answer as sounding."""
        if self._talk.phase not in {Phase.THINKING, Phase.SPEAKING}:
            return []  # late news: cut or hung up in the same breath
        if self._talk.phase is Phase.THINKING:
            self._talk.enter(Cause.SOUNDED)
        self._talk.answer.sound(burst)
        self._talk.deadlines.clear(Deadline.ANSWER, Deadline.ECHO_TAIL)
        return [SilenceUplink()] if self._talk.manners.hears_itself else []

    def playback_drained(self, burst: int, now: float) -> list[Action]:
        """Take the answer as played so far; the room sounds on for a moment."""
        if burst != self._talk.answer.burst:
            return []  # late news: cut before, or already sounding again
        self._talk.answer.burst = None
        # The next burst begins at full volume, whoever spoke over the end of this one.
        actions = self._talk.restore()
        if self._talk.answer.is_over:
            self._talk.answer.fall_silent()
        if self._talk.manners.hears_itself:
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
        if self._calls.is_spent:
            return self._calls.end_by_limit(now)
        if self._talk.answer.broken_by:
            return self._calls.resume(self._talk.answer.broken_by, now)
        self._talk.answer.fall_silent()
        if (
            self._talk.answer.is_goodbye
            or self._box.is_deaf
            or not self._talk.is_linked
            or self._talk.manners.follow_up_s == 0
        ):
            return self._calls.hang_up()
        self._talk.enter(Cause.FINISHED)
        self._talk.deadlines.clear(Deadline.ANSWER)
        self._talk.extend_listening(self._talk.manners.follow_up_s, now)
        return []

    # --- interrupting by hand -----------------------------------------------------------------------------------------

    def interrupt_by_hand(self, at_sample: int, now: float, word: str = "") -> list[Action]:
        """Interrupt the answer by wake word or button."""
        if self._box.is_deaf:
            return self._calls.hang_up()
        if not self._talk.is_linked:
            return self._calls.call_again(at_sample, now, word)
        actions = self._interrupt(now)
        if self._talk.manners.hears_itself:
            # What was said since the wake word began went out as zeros: now it is sent as it was.
            actions += [KeepUplink(at_sample), OpenUplink()]
        return actions

    def _interrupt(self, now: float) -> list[Action]:
        """Interrupt without the service: it may have heard nothing of it, so it must be told to stop."""
        # An answer that has not begun has no name to cancel it by: that is done when it begins.
        is_unwanted = self._talk.answer.is_due
        actions = self._talk.cut()
        self._talk.answer.is_unwanted = is_unwanted
        if self._talk.answer.response_id is not None and not self._talk.answer.is_cancelled:
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

    def _ask_for_answer(self, now: float) -> list[Action]:
        self._talk.answer.ask_again = False
        self._talk.answer.is_due = True
        self._talk.answer.has_asked = True
        self._talk.await_answer(now)
        return [CreateResponse(may_call_tools=not self._talk.answer.is_goodbye)]
