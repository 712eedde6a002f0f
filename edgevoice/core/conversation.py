"""The conversation: receives facts, returns orders, and is the one place that decides.

No I/O, no clock, no audio bytes.
"""

from collections.abc import Callable
from typing import assert_never

from edgevoice.core.answer import Answer, corrections
from edgevoice.core.backoff import Backoff
from edgevoice.core.box import Box
from edgevoice.core.deadlines import Deadline, Deadlines
from edgevoice.core.manners import Manners
from edgevoice.core.messages import (
    Action,
    CancelResponse,
    CloseLink,
    CloseUplink,
    CreateResponse,
    CutPlayback,
    DeadlinePassed,
    Device,
    DeviceLost,
    DeviceRestored,
    DuckPlayback,
    Earcon,
    Event,
    GoodbyeRequested,
    KeepUplink,
    Light,
    LinkLost,
    LinkOpened,
    MarkTurn,
    MuteMicrophone,
    MutePressed,
    NearSpeechBegan,
    NearSpeechConfirmed,
    NearSpeechFaded,
    OpenLink,
    OpenUplink,
    PlaybackCut,
    PlaybackDrained,
    PlaybackStarted,
    PlayEarcon,
    ResponseEnded,
    ResponseStarted,
    ResponseStatus,
    RestorePlayback,
    RewindUplink,
    RunTool,
    SendToolOutput,
    ServiceComplained,
    ShowLight,
    SilenceUplink,
    TalkHeld,
    TalkPressed,
    TimerRang,
    ToolFinished,
    TurnEnded,
    UnmuteMicrophone,
    UserStartedSpeaking,
    UserStoppedSpeaking,
    WakeWordHeard,
)
from edgevoice.core.phases import Cause, Phase, after

_REDIAL = Backoff(first_s=0.25, factor=3, limit_s=2)
_MOST_REDIALS = 4
"""Tries to resume a session that was lost: with their waits some four seconds, in which nobody gives up."""

_ACTIVE_RESPONSE = "conversation_already_has_active_response"


class Conversation:
    """One box's conversation, for ever.

    ``handle`` takes every fact in the order in which it happened; obey every order in the order given. ``deadline`` is
    the monotonic time at which ``DeadlinePassed`` is due. ``chance`` gives numbers from 0 to 1 for jitter.
    """

    def __init__(self, manners: Manners, chance: Callable[[], float]) -> None:
        self._manners = manners
        self._chance = chance
        self._phase = Phase.IDLE
        self._is_linked = False
        self._is_user_speaking = False
        self._dials = 0
        self._word = ""
        self._is_resuming = False
        self._answer = Answer()
        self._deadlines = Deadlines()
        self._box = Box(self._deadlines)
        self._light = (Light.OFF, "")

    @property
    def phase(self) -> Phase:
        """Where the conversation stands."""
        return self._phase

    @property
    def is_muted(self) -> bool:
        """Whether the microphone's door is shut."""
        return self._box.is_muted

    @property
    def deadline(self) -> float | None:
        """When ``DeadlinePassed`` is due, in monotonic seconds; ``None`` when nothing is waited for."""
        return self._deadlines.next()

    def admits(self, response_id: str) -> bool:
        """Say whether audio of this response may be heard: the playout fence. Late deltas fall here."""
        return self._answer.fence == response_id

    def start(self) -> list[Action]:
        """Return the orders of a box that has just come to life."""
        return self._with_light([])

    def handle(self, event: Event, now: float) -> list[Action]:
        """Take one fact and the monotonic time; return the orders that follow, in the order to be obeyed."""
        before = self._phase
        actions = self._decide(event, now)
        if self._phase is Phase.LISTENING and before in {Phase.THINKING, Phase.SPEAKING}:
            actions = [MarkTurn(), *actions]
        return self._with_light(actions)

    def _decide(self, event: Event, now: float) -> list[Action]:
        match event:
            case WakeWordHeard():
                return self._woken(event, now)
            case TalkPressed(at_sample=at_sample):
                return self._talk_pressed(at_sample, now)
            case TalkHeld():
                return [*self._box.stop_ringing(), *self._hang_up()]
            case MutePressed():
                return self._mute_pressed()
            case LinkOpened():
                return self._link_opened(now)
            case LinkLost():
                return self._link_lost(event, now)
            case UserStartedSpeaking():
                return self._user_started_speaking(now)
            case UserStoppedSpeaking():
                return self._user_stopped_speaking(now)
            case NearSpeechBegan(at_sample=at_sample):
                return self._near_speech_began(at_sample)
            case NearSpeechConfirmed(at_sample=at_sample):
                return self._near_speech_confirmed(at_sample, now)
            case NearSpeechFaded():
                return self._near_speech_faded()
            case TurnEnded():
                return self._turn_ended(now)
            case ResponseStarted(response_id=response_id):
                return self._response_started(response_id, now)
            case ResponseEnded():
                return self._response_ended(event, now)
            case ServiceComplained(code=code):
                if code == _ACTIVE_RESPONSE:
                    self._answer.be_refused()
                return []
            case PlaybackStarted(burst=burst):
                return self._playback_started(burst)
            case PlaybackDrained(burst=burst):
                return self._playback_drained(burst, now)
            case PlaybackCut(items=items):
                return [*corrections(items)] if self._is_linked else []
            case ToolFinished():
                return self._tool_finished(event, now)
            case GoodbyeRequested():
                # Late news when the user has spoken since: then they have not left.
                if self._answer.tools is not None and not self._answer.tools.is_stale:
                    self._answer.is_goodbye = True
                return []
            case TimerRang():
                return self._box.start_ringing(now)
            case DeviceLost(device=device):
                return self._device_lost(device)
            case DeviceRestored(device=device):
                self._box.regain(device)
                return []
            case DeadlinePassed():
                return self._deadline_passed(now)
            case _:
                assert_never(event)

    # --- being called ------------------------------------------------------------------------------------------------

    def _woken(self, woken: WakeWordHeard, now: float) -> list[Action]:
        if self._box.is_muted:
            return []  # late news: heard just before the door was shut
        actions = self._box.stop_ringing()
        match self._phase:
            case Phase.IDLE:
                return actions + self._begin(woken.at_sample, now, woken.word)
            case Phase.THINKING | Phase.SPEAKING:
                return actions + self._interrupt_by_hand(woken.at_sample, now, woken.word)
            case Phase.CONNECTING:
                return actions
            case Phase.LISTENING:
                self._extend_listening(self._manners.no_speech_s, now)
                return actions
            case _:
                assert_never(self._phase)

    def _talk_pressed(self, at_sample: int, now: float) -> list[Action]:
        if self._box.is_ringing:
            return self._box.stop_ringing()
        match self._phase:
            case Phase.IDLE if self._box.is_muted:
                return [PlayEarcon(Earcon.MUTED)]
            case Phase.IDLE:
                return self._begin(at_sample, now)
            case Phase.CONNECTING | Phase.LISTENING:
                return self._hang_up()
            case Phase.THINKING | Phase.SPEAKING:
                return self._interrupt_by_hand(at_sample, now)
            case _:
                assert_never(self._phase)

    def _begin(self, at_sample: int, now: float, word: str = "") -> list[Action]:
        if not self._box.is_whole:
            return [PlayEarcon(Earcon.TROUBLE)]  # a session with a deaf or a mute box would only cost money
        self._enter(Cause.WOKEN)
        self._dials = 0
        self._word = word
        self._is_resuming = False
        self._box.forget_trouble()
        self._deadlines.set(Deadline.CONNECT, now + self._manners.connect_s)
        self._deadlines.set(Deadline.SESSION, now + self._manners.session_s)
        return [KeepUplink(at_sample), OpenLink(word)]

    def _interrupt_by_hand(self, at_sample: int, now: float, word: str = "") -> list[Action]:
        if self._box.is_deaf:
            return self._hang_up()
        if not self._is_linked:
            return self._call_again(at_sample, now, word)
        actions = self._interrupt(now)
        if self._manners.hears_itself:
            # What was said since the wake word began went out as zeros: now it is sent as it was.
            actions += [KeepUplink(at_sample), OpenUplink()]
        return actions

    def _call_again(self, at_sample: int, now: float, word: str = "") -> list[Action]:
        """Begin another session: the last one ended while its answer was still sounding."""
        return self._hang_up() + self._begin(at_sample, now, word)

    def _interrupt(self, now: float) -> list[Action]:
        """Interrupt without the service: it may have heard nothing of it, so it must be told to stop."""
        # An answer that has not begun has no name to cancel it by: that is done when it begins.
        is_unwanted = self._answer.is_due
        actions = self._cut()
        self._answer.is_unwanted = is_unwanted
        if self._answer.response_id is not None and not self._answer.is_cancelled:
            self._answer.is_cancelled = True
            actions.append(CancelResponse(self._answer.response_id))
        self._interrupted()
        self._extend_listening(self._manners.no_speech_s, now)
        return actions

    # --- the link ----------------------------------------------------------------------------------------------------

    def _link_opened(self, now: float) -> list[Action]:
        if self._phase is not Phase.CONNECTING:
            return []  # late news: hung up while dialling
        self._enter(Cause.LINKED)
        self._is_linked = True
        self._deadlines.clear(Deadline.CONNECT, Deadline.REDIAL)
        self._extend_listening(self._manners.no_speech_s, now)
        return [OpenUplink()]

    def _link_lost(self, lost: LinkLost, now: float) -> list[Action]:
        if self._phase is Phase.IDLE:
            return []  # late news: already hung up
        self._is_linked = False
        self._is_user_speaking = False
        match self._phase:
            case Phase.CONNECTING if lost.is_retriable and self._redials(now):
                return []
            case Phase.SPEAKING if self._answer.is_received or lost.is_retriable:
                if not self._answer.is_received:
                    self._answer.break_off(lost.code)
                # What is here is heard to its end.
                return [CloseUplink()]
            case Phase.LISTENING | Phase.THINKING if lost.is_retriable:
                return self._resume(lost.code, now)
            case _:
                return self._fail(lost.code, now)

    def _redials(self, now: float) -> bool:
        """Say whether there will be another try, and when."""
        at = now + _REDIAL.delay_s(self._dials, self._chance)
        if self._is_resuming and self._dials >= _MOST_REDIALS:
            return False
        if at >= (self._deadlines.at(Deadline.CONNECT) or now):
            return False
        self._dials += 1
        self._deadlines.set(Deadline.REDIAL, at)
        return True

    def _resume(self, code: str, now: float) -> list[Action]:
        """Dial anew in the middle of the conversation; what the user says, or has said in vain, is kept meanwhile."""
        answer, self._answer = self._answer, Answer()
        if self._box.is_deaf or answer.is_goodbye:
            return self._fail(code, now)
        if answer.tools is not None and not answer.tools.is_stale:
            # Said again, the turn would set its timer again.
            return self._fail(code, now)
        self._enter(Cause.LOST)
        self._is_resuming = True
        self._dials = 0
        self._deadlines.clear(Deadline.LISTEN, Deadline.ANSWER)
        self._deadlines.set(Deadline.CONNECT, now + self._manners.connect_s)
        self._redials(now)
        # What has been answered, if only in part, is not asked again.
        was_answered = answer.has_sounded or bool(answer.broken_by)
        return [MarkTurn(), RewindUplink()] if was_answered else [RewindUplink()]

    def _hang_up(self) -> list[Action]:
        if self._phase is Phase.IDLE:
            return []
        actions = self._cut()
        self._enter(Cause.HUNG_UP)
        self._is_linked = False
        self._is_user_speaking = False
        self._answer = Answer()
        self._deadlines.clear(
            Deadline.CONNECT, Deadline.REDIAL, Deadline.LISTEN, Deadline.ANSWER, Deadline.SESSION, Deadline.ECHO_TAIL
        )
        return [*actions, CloseUplink(), CloseLink()]

    def _fail(self, code: str, now: float) -> list[Action]:
        """End the conversation audibly, and show why for a while."""
        self._box.show_trouble(code, now + self._manners.fault_s)
        return [*self._hang_up(), PlayEarcon(Earcon.TROUBLE)]

    # --- speech over the answer, as the box hears it -----------------------------------------------------------------

    def _near_speech_began(self, at_sample: int) -> list[Action]:
        if self._box.is_deaf or not (self._answer.is_sounding or self._is_echoing):
            return []  # late news: heard just before the door was shut, or before the cut
        self._answer.near_speech_at = at_sample
        if self._answer.is_ducked or not self._answer.is_sounding:
            return []
        self._answer.is_ducked = True
        return [DuckPlayback()]

    def _near_speech_confirmed(self, at_sample: int, now: float) -> list[Action]:
        if self._box.is_deaf:
            return []
        if self._is_echoing:
            # The answer is over and the user goes on at once: they need not wait for its echo.
            self._deadlines.clear(Deadline.ECHO_TAIL)
            self._answer.near_speech_at = at_sample
            return self._room_quiet(now)
        if not self._answer.is_sounding:
            return []  # where nothing sounds, the service hears for itself
        if not self._is_linked:
            return self._call_again(at_sample, now)
        actions = self._interrupt(now)
        if self._manners.hears_itself:
            actions += [KeepUplink(at_sample, has_preroll=False), OpenUplink()]
        return actions

    def _near_speech_faded(self) -> list[Action]:
        self._answer.near_speech_at = None
        return self._restore()

    def _restore(self) -> list[Action]:
        if not self._answer.is_ducked:
            return []
        self._answer.is_ducked = False
        return [RestorePlayback()]

    @property
    def _is_echoing(self) -> bool:
        """Whether the answer has ended and the room still sounds of it."""
        return self._deadlines.at(Deadline.ECHO_TAIL) is not None

    # --- the user's turn ---------------------------------------------------------------------------------------------

    def _user_started_speaking(self, now: float) -> list[Action]:
        if not self._is_linked:
            return []  # late news: of a session that is no more
        self._is_user_speaking = True
        self._answer.is_unwanted = False
        # A service that hears speech and then nothing more, not even its end, must not hold the box for ever.
        self._deadlines.set(Deadline.LISTEN, now + self._manners.turn_s)
        if self._phase is Phase.LISTENING:
            return []
        actions = self._cut()
        if self._manners.hears_itself:
            actions.append(OpenUplink())
        self._interrupted()
        return actions

    def _user_stopped_speaking(self, now: float) -> list[Action]:
        self._is_user_speaking = False
        if self._phase is Phase.LISTENING:
            # The service decides whether the turn is over; it must not take for ever.
            self._extend_listening(self._manners.answer_s, now)
        return []

    def _turn_ended(self, now: float) -> list[Action]:
        self._is_user_speaking = False
        if self._phase is Phase.LISTENING:
            self._enter(Cause.TURN_ENDED)
            self._answer.is_due = True
            self._answer.is_unwanted = False
            self._await_answer(now)
        return []

    # --- the answer --------------------------------------------------------------------------------------------------

    def _response_started(self, response_id: str, now: float) -> list[Action]:
        if not self._is_linked:
            return []  # late news: of a session that is no more
        if self._is_user_speaking or self._answer.is_unwanted:
            # It crossed with the user's first word, or with their hand: nobody will hear this answer.
            self._answer.begin_unwanted(response_id)
            return [CancelResponse(response_id)]
        if self._phase is Phase.LISTENING:
            self._enter(Cause.ANSWERED)
        self._answer.begin(response_id)
        self._await_answer(now)
        return []

    def _response_ended(self, ended: ResponseEnded, now: float) -> list[Action]:
        if ended.response_id in self._answer.leftovers:
            return self._leftover_ended(ended, now)
        if ended.response_id != self._answer.response_id:
            return []  # late news: of another session
        self._answer.end()
        was_interrupted = self._answer.fence != ended.response_id
        if ended.status is ResponseStatus.COMPLETED and ended.calls:
            # Even an interrupted round is answered: the model waits for its outputs, though not for a word about them.
            self._answer.begin_tools(ended.calls, has_spoken=ended.has_audio, is_stale=was_interrupted)
            if not was_interrupted:
                self._deadlines.clear(Deadline.ANSWER)
            return [RunTool(call) for call in ended.calls]
        if was_interrupted:
            return []
        if self._answer.ask_again:
            return self._ask_for_answer(now)
        actions: list[Action] = []
        if ended.status in {ResponseStatus.FAILED, ResponseStatus.INCOMPLETE} or not ended.has_audio:
            # An answer that fails in silence looks like a deaf box.
            actions = [] if self._answer.is_goodbye else [PlayEarcon(Earcon.TROUBLE)]
        return actions + self._answer_over_if_quiet(now)

    def _leftover_ended(self, ended: ResponseEnded, now: float) -> list[Action]:
        """Take the end of an answer given up before: late, but its calls are owed, and it may have stood in our way."""
        self._answer.leftovers.remove(ended.response_id)
        actions: list[Action] = []
        if ended.status is ResponseStatus.COMPLETED and ended.calls:
            self._answer.begin_tools(ended.calls, has_spoken=False, is_stale=True)
            actions = [RunTool(call) for call in ended.calls]
        if self._answer.ask_again and not self._answer.leftovers and not self._answer.is_being_generated:
            actions += self._ask_for_answer(now)
        return actions

    def _playback_started(self, burst: int) -> list[Action]:
        if self._phase not in {Phase.THINKING, Phase.SPEAKING}:
            return []  # late news: cut or hung up in the same breath
        if self._phase is Phase.THINKING:
            self._enter(Cause.SOUNDED)
        self._answer.sound(burst)
        self._deadlines.clear(Deadline.ANSWER, Deadline.ECHO_TAIL)
        return [SilenceUplink()] if self._manners.hears_itself else []

    def _playback_drained(self, burst: int, now: float) -> list[Action]:
        if burst != self._answer.burst:
            return []  # late news: cut before, or already sounding again
        self._answer.burst = None
        # The next burst begins at full volume, whoever spoke over the end of this one.
        actions = self._restore()
        if self._answer.is_over:
            self._answer.fall_silent()
        if self._manners.hears_itself:
            # The room still sounds: the light must not say that we listen before we do.
            self._deadlines.set(Deadline.ECHO_TAIL, now + self._manners.echo_tail_s)
            return actions
        return actions + self._after_playback(now)

    def _room_quiet(self, now: float) -> list[Action]:
        spoken_at, self._answer.near_speech_at = self._answer.near_speech_at, None
        actions = self._after_playback(now)
        if self._phase is Phase.IDLE:
            return actions  # not even for a moment when we hang up: the light is off by then
        # Who has begun to speak meanwhile does not lose a word to the echo.
        kept = [] if spoken_at is None else [KeepUplink(spoken_at, has_preroll=False)]
        if self._phase is Phase.CONNECTING:
            return [*actions, *kept]
        return [*kept, OpenUplink(), *actions]

    def _after_playback(self, now: float) -> list[Action]:
        if self._answer.is_over or not self._is_linked:
            return self._answer_over(now)
        self._enter(Cause.STALLED)
        self._await_answer(now)
        return []

    def _answer_over_if_quiet(self, now: float) -> list[Action]:
        is_quiet = self._answer.is_over and not self._is_echoing
        return self._answer_over(now) if is_quiet else []

    def _answer_over(self, now: float) -> list[Action]:
        """Listen on or hang up, now that it is generated, played, and no tool round is open."""
        if self._answer.broken_by:
            return self._resume(self._answer.broken_by, now)
        self._answer.fall_silent()
        if self._answer.is_goodbye or self._box.is_deaf or not self._is_linked or self._manners.follow_up_s == 0:
            return self._hang_up()
        self._enter(Cause.FINISHED)
        self._deadlines.clear(Deadline.ANSWER)
        self._extend_listening(self._manners.follow_up_s, now)
        return []

    def _cut(self) -> list[Action]:
        """Silence the answer. Silence first: nobody should wait for a network round trip to be heard."""
        # An answer that has stalled is silent already, but the model must learn where.
        actions: list[Action] = [CutPlayback()] if self._answer.has_sounded else []
        self._answer.fall_silent()
        self._answer.near_speech_at = None
        return actions

    def _interrupted(self) -> None:
        self._enter(Cause.INTERRUPTED)
        self._answer.is_goodbye = False
        self._deadlines.clear(Deadline.ANSWER, Deadline.ECHO_TAIL)

    # --- tools -------------------------------------------------------------------------------------------------------

    def _tool_finished(self, finished: ToolFinished, now: float) -> list[Action]:
        tools = self._answer.tools
        if tools is None or finished.call_id not in tools.waiting or not self._is_linked:
            return []  # late news: the conversation that wanted it is over
        actions: list[Action] = [SendToolOutput(finished.call_id, finished.output)]
        tools.waiting.remove(finished.call_id)
        if tools.waiting:
            return actions
        self._answer.tools = None
        if tools.is_stale:
            return actions
        if self._answer.is_goodbye and tools.has_spoken:
            return actions + self._answer_over_if_quiet(now)
        return actions + self._ask_for_answer(now)

    def _ask_for_answer(self, now: float) -> list[Action]:
        self._answer.ask_again = False
        self._answer.is_due = True
        self._answer.has_asked = True
        self._await_answer(now)
        return [CreateResponse(may_call_tools=not self._answer.is_goodbye)]

    # --- mute, timers, devices ---------------------------------------------------------------------------------------

    def _mute_pressed(self) -> list[Action]:
        self._box.is_muted = not self._box.is_muted
        if not self._box.is_muted:
            return [UnmuteMicrophone(), PlayEarcon(Earcon.UNMUTED)]
        # Who was speaking over the answer is not heard any more, nor when they stop.
        actions: list[Action] = [*self._restore(), MuteMicrophone(), PlayEarcon(Earcon.MUTED)]
        if self._phase in {Phase.CONNECTING, Phase.LISTENING}:
            actions += self._hang_up()
        return actions

    def _device_lost(self, device: Device) -> list[Action]:
        self._box.lose(device)
        needs_it = {
            # Without a microphone an answer can still be heard to its end; without a speaker there is nothing to wait
            # for.
            Device.MICROPHONE: {Phase.CONNECTING, Phase.LISTENING},
            Device.SPEAKER: {Phase.CONNECTING, Phase.LISTENING, Phase.THINKING, Phase.SPEAKING},
        }
        actions = self._restore() if self._box.is_deaf else []
        return actions + self._hang_up() if self._phase in needs_it[device] else actions

    # --- deadlines ---------------------------------------------------------------------------------------------------

    def _deadline_passed(self, now: float) -> list[Action]:
        # One at a time, so that each has its own light; the next is due at once, and is told of at once.
        name = self._deadlines.take_due(now)
        return [] if name is None else self._due(name, now)

    def _due(self, name: Deadline, now: float) -> list[Action]:
        match name:
            case Deadline.CONNECT:
                return self._fail("service-unreachable", now)
            case Deadline.REDIAL:
                return [OpenLink(self._word, resumes=self._is_resuming)]
            case Deadline.LISTEN | Deadline.SESSION:
                return self._hang_up()
            case Deadline.ANSWER:
                return self._fail("no-answer", now)
            case Deadline.FAULT:
                self._box.forget_trouble()
                return []
            case Deadline.RING:
                return self._box.ring(now)
            case Deadline.ECHO_TAIL:
                return self._room_quiet(now)
            case _:
                assert_never(name)

    def _extend_listening(self, seconds: float, now: float) -> None:
        if not self._is_user_speaking:
            self._deadlines.set(Deadline.LISTEN, now + seconds)

    def _await_answer(self, now: float) -> None:
        self._deadlines.clear(Deadline.LISTEN)
        if not self._answer.is_sounding and not self._answer.is_with_tools:
            self._deadlines.set(Deadline.ANSWER, now + self._manners.answer_s)

    # --- phase and light ---------------------------------------------------------------------------------------------

    def _enter(self, cause: Cause) -> None:
        self._phase = after(self._phase, cause)

    def _with_light(self, actions: list[Action]) -> list[Action]:
        """Put silence first, then the light that follows from the state, when it changed; then everything slower."""
        light = self._box.light(self._phase)
        first = [action for action in actions if isinstance(action, CutPlayback)]
        rest = [action for action in actions if not isinstance(action, CutPlayback)]
        if light == self._light:
            return [*first, *rest]
        self._light = light
        return [*first, ShowLight(*light), *rest]
