"""The conversation: receives facts, returns orders, and is the one place that decides.

It routes each fact to the part that handles it: `sessions` for the link, `turns` for whose turn it is,
`speech_over_answer` for what the box itself hears, `box_state` for the rest. No I/O, no clock, no audio bytes.
"""

from collections.abc import Callable
from typing import assert_never

from edgevoice.core.announcements import AnnouncementFact, RingOutcome, StopWordHeard
from edgevoice.core.conversation.announcer import Announcer
from edgevoice.core.conversation.box_state import BoxState
from edgevoice.core.conversation.deadlines import Deadline, Deadlines
from edgevoice.core.conversation.finer_light import finer
from edgevoice.core.conversation.noisy_room import Noise
from edgevoice.core.conversation.panel_controls import PanelControls
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.conversation.policy import Policy
from edgevoice.core.conversation.sessions import Sessions
from edgevoice.core.conversation.speaking_first import SpeakingFirst
from edgevoice.core.conversation.speech_over_answer import SpeechOverAnswer
from edgevoice.core.conversation.state import ConversationState
from edgevoice.core.conversation.turns import Turns
from edgevoice.core.facts import (
    ACTIVE_RESPONSE,
    AnswerArrived,
    AnswerProgressed,
    ApprovalSettled,
    BackchannelStarted,
    BoxFact,
    BudgetTold,
    CallMade,
    DeadlinePassed,
    Device,
    DeviceLost,
    DeviceRestored,
    Event,
    GoodbyeRequested,
    HearingImpaired,
    HearingRestored,
    ItemEnded,
    LinkLost,
    LinkOpened,
    LoopStalled,
    NearSpeechBegan,
    NearSpeechConfirmed,
    NearSpeechEnded,
    NearSpeechFaded,
    PlaybackCut,
    PlaybackDrained,
    PlaybackStarted,
    ResponseEnded,
    ResponseStarted,
    RoomMeasured,
    ServiceComplained,
    ServiceFact,
    SessionExpires,
    ToolFinished,
    TurnEnded,
    TurnTranscribed,
    UserFact,
    UserStartedSpeaking,
    UserStoppedSpeaking,
    WakeRequested,
    WakeWordHeard,
)
from edgevoice.core.guest_facts import GuestFailed, GuestRestored
from edgevoice.core.orders import (
    AbandonTools,
    Action,
    CutClip,
    CutPlayback,
    Light,
    MarkTurn,
    ShowLight,
    StopBackchannel,
)
from edgevoice.core.sound.rates import NEAR_END_HZ

_SILENCING = (CutPlayback, CutClip, StopBackchannel)
"""What is obeyed before anything else, in this order."""

_WORD_ENDED = NEAR_END_HZ // 2
"""Near-end samples: a wake word ends up to 0.2 s before the frame that decides (measured on five voices, without
noise), and a filter or a witness may decide a few frames later."""


class Conversation:
    """All conversations of one box, for as long as it runs.

    ``handle`` takes every fact in the order in which it happened; carry out every order in the order given.
    ``deadline`` is the monotonic time at which ``DeadlinePassed`` is due. ``chance`` returns numbers from 0 to 1 for
    jitter.
    """

    def __init__(self, policy: Policy, chance: Callable[[], float]) -> None:
        deadlines = Deadlines()
        self._state = ConversationState(policy, deadlines)
        self._answer = self._state.answer
        self._announcer = Announcer()
        self._box = BoxState(deadlines, self._announcer)
        self._sessions = Sessions(self._state, self._box, chance)
        self._turns = Turns(self._state, self._box, self._sessions)
        self._speech_over = SpeechOverAnswer(self._state, self._box, self._sessions, self._turns)
        self._first = SpeakingFirst(self._state, self._box, self._sessions, self._announcer)
        self._controls = PanelControls(self._state, self._box, self._sessions, self._turns, self._first)
        self._light = ShowLight(Light.OFF)

    @property
    def phase(self) -> Phase:
        """The phase that the conversation is in."""
        return self._state.phase

    @property
    def is_muted(self) -> bool:
        """Whether the microphone is muted."""
        return self._box.is_muted

    @property
    def is_ringing(self) -> bool:
        """Whether a timer, an alarm or a reminder rings."""
        return self._announcer.is_ringing

    @property
    def noise(self) -> Noise | None:
        """Why speech does not interrupt the answer in progress; ``None`` while it does."""
        return self._state.noisy_room.noise

    @property
    def is_free(self) -> bool:
        """Whether the service would begin an answer at once: it is making none, and owes none that is unwanted."""
        return not (self._answer.generation.is_in_the_way or self._answer.request.is_overdue)

    @property
    def light(self) -> ShowLight:
        """What the panel shows: the light of the last orders, or a finer one."""
        return finer(self._light, self._state, self._box)

    @property
    def deadline(self) -> float | None:
        """When ``DeadlinePassed`` is due, in monotonic seconds; ``None`` when nothing is pending."""
        return self._state.deadlines.next()

    def admits(self, response_id: str) -> bool:
        """Return whether audio of this response may be heard: the playout fence. Late deltas are dropped here."""
        return self._state.cuts.keeps(response_id) or self._answer.playback.admits(response_id)

    def keeps_rest_beside(self, response_id: str) -> bool:
        """Return whether the rest of another answer is kept, so that this one's first sound must be reported."""
        return self._state.cuts.keeps_rest_beside(response_id)

    @property
    def admits_backchannels(self) -> bool:
        """Whether a backchannel may be heard: in the user's turn, while no answer is sounding.

        A backchannel changes nothing else. The uplink stays open even if the box hears itself: a short, quiet sound in
        the user's turn costs less than a gap in what they say.
        """
        return self._state.phase is Phase.LISTENING

    def start(self) -> list[Action]:
        """Return the orders of a box that has just started."""
        return self._with_light([])

    def handle(self, event: Event, now: float) -> list[Action]:
        """Take one fact and the monotonic time; return the orders that follow, in order."""
        before, was_hopeless = self._state.phase, self._state.noisy_room.is_hopeless
        actions = self._decide(event, now)
        actions += self._first.go_on()
        actions += self._speech_over.settle_room(actions, now, was_hopeless=was_hopeless)
        if self._state.phase is Phase.LISTENING and before in {Phase.THINKING, Phase.SPEAKING}:
            actions = [MarkTurn(), *actions]
        if self._state.has_backchannel and not self.admits_backchannels:
            self._state.has_backchannel = False
            actions = [StopBackchannel(), *actions]
        if not self._turns.interruptions.is_undecided and (calls := self._answer.tools.take_abandoned()):
            actions = [*actions, AbandonTools(calls)]
        return self._with_light(actions)

    def _decide(self, event: Event, now: float) -> list[Action]:
        if isinstance(event, UserFact):
            return self._user_did(event, now)
        if isinstance(event, ServiceFact):
            return self._service_did(event, now)
        return self._happened(event, now)

    def _user_did(self, fact: UserFact, now: float) -> list[Action]:
        match fact:
            case WakeWordHeard() | WakeRequested():
                return self._woken(fact, now)
            case StopWordHeard(is_snooze=is_snooze):
                return self._first.stop_ringing(RingOutcome.SNOOZED if is_snooze else RingOutcome.STOPPED)
            case NearSpeechBegan() | NearSpeechConfirmed() | NearSpeechFaded() | NearSpeechEnded():
                if self._first.takes_speech:
                    return self._first.take_speech(fact, now)
                return self._speech_over.take(fact, now)
            case _:
                return self._controls.take(fact, now)

    def _service_did(self, fact: ServiceFact, now: float) -> list[Action]:
        match fact:
            case LinkOpened():
                return self._sessions.link_opened(now)
            case SessionExpires(in_s=in_s):
                return self._sessions.take_expiry(in_s, now)
            case LinkLost():
                return self._sessions.link_lost(fact, now)
            case UserStartedSpeaking():
                return self._turns.user_started_speaking(now)
            case UserStoppedSpeaking():
                return self._turns.user_stopped_speaking(now)
            case TurnEnded(request=request):
                return self._turns.turn_ended(request, now)
            case TurnTranscribed():
                return self._turns.interruptions.transcribed(fact, now)
            case AnswerArrived(response_id=response_id):
                return self._turns.interruptions.answer_arrived(response_id)
            case ResponseStarted(response_id=response_id, request=request):
                self._sessions.answer_begun()
                return self._turns.response_started(response_id, request, now)
            case AnswerProgressed(response_id=response_id):
                self._state.answer_progressed(response_id, now)
            case ItemEnded(response_id=response_id):
                self._state.item_ended(response_id, None, now)
            case CallMade(response_id=response_id, call=call):
                self._state.item_ended(response_id, call, now)
            case ResponseEnded():
                return self._sessions.answer_ended(fact, now) or self._turns.response_ended(fact, now)
            case ServiceComplained(code=code, fault=fault, has_broken=has_broken):
                if code == ACTIVE_RESPONSE:
                    self._turns.asking.refused()
                self._state.trouble = fault or self._state.trouble
                return self._sessions.broken_down(fault, now) if has_broken else []
            case BackchannelStarted():
                self._state.has_backchannel = True
            case _:
                assert_never(fact)
        return []

    def _happened(self, fact: BoxFact, now: float) -> list[Action]:
        match fact:
            case PlaybackStarted(burst=burst):
                return self._turns.playback_started(burst)
            case PlaybackDrained(burst=burst):
                return self._turns.playback_drained(burst, now)
            case PlaybackCut(items=items):
                return self._turns.interruptions.playback_cut(items)
            case ToolFinished():
                return self._turns.tool_finished(fact, now)
            case ApprovalSettled():
                return self._turns.approval_settled(fact, now)
            case GoodbyeRequested():
                self._answer.take_goodbye()
            case _ if isinstance(fact, AnnouncementFact):
                return self._first.take(fact, now)
            case DeviceLost(device=device):
                return self._device_lost(device)
            case DeviceRestored(device=device):
                self._box.regain(device)
            case HearingImpaired(code=code):
                self._box.impairment = code
            case HearingRestored():
                self._box.impairment = ""
            case RoomMeasured(is_loud=is_loud):
                self._state.noisy_room.is_loud = is_loud
            case BudgetTold(left_s=left_s):
                return self._sessions.take_budget(left_s, now)
            case DeadlinePassed():
                return self._deadline_passed(now)
            case LoopStalled():
                self._sessions.spare(now)
            case GuestFailed() | GuestRestored():
                pass  # a conversation needs no guest
            case _:
                assert_never(fact)
        return []

    # --- being called -------------------------------------------------------------------------------------------------

    def _woken(self, woken: WakeWordHeard | WakeRequested, now: float) -> list[Action]:
        if self._box.is_muted:
            return []  # late news: heard just before the microphone was muted
        actions = [*self._first.stop_ringing(), *self._first.cut()]
        match self._state.phase:
            case Phase.IDLE:
                return actions + self._sessions.begin(woken.at_sample, now, woken.word)
            case Phase.THINKING | Phase.SPEAKING:
                ended = _WORD_ENDED if isinstance(woken, WakeWordHeard) else 0
                return actions + self._turns.interrupt_by_hand(woken.at_sample, now, woken.word, word_ended=ended)
            case Phase.CONNECTING:
                return actions
            case Phase.LISTENING:
                self._state.extend_listening(self._state.policy.no_speech_s, now)
                return actions + self._turns.interruptions.settle(cancels=True)
            case _:
                assert_never(self._state.phase)

    # --- devices ------------------------------------------------------------------------------------------------------

    def _device_lost(self, device: Device) -> list[Action]:
        self._box.lose(device)
        needs_it = {
            # Without a microphone an answer can still be heard to its end; without a speaker there is nothing to wait
            # for.
            Device.MICROPHONE: {Phase.CONNECTING, Phase.LISTENING},
            Device.SPEAKER: {Phase.CONNECTING, Phase.LISTENING, Phase.THINKING, Phase.SPEAKING},
        }
        actions = [*self._state.restore(), *self._first.deafen()] if self._box.is_deaf else []
        if device is Device.SPEAKER:
            actions += self._first.speaker_lost()
        return actions + self._sessions.hang_up() if self._state.phase in needs_it[device] else actions

    # --- deadlines ----------------------------------------------------------------------------------------------------

    def _deadline_passed(self, now: float) -> list[Action]:
        # One at a time, so that each has its own light; the next is due at once, and is reported at once.
        name = self._state.deadlines.take_due(now)
        return [] if name is None else self._due(name, now)

    def _due(self, name: Deadline, now: float) -> list[Action]:
        match name:
            case Deadline.CONNECT:
                return self._sessions.give_up_dialling(now)
            case Deadline.REDIAL:
                return [self._sessions.redial()]
            case Deadline.LISTEN:
                return self._sessions.end_by_limit(now) if self._sessions.is_spent else self._sessions.leave(now)
            case Deadline.SESSION:
                return self._sessions.end_by_limit(now)
            case Deadline.BUDGET:
                return self._sessions.budget_over(now)
            case Deadline.RENEW:
                return self._sessions.renew(now)
            case Deadline.ANSWER:
                return self._turns.answer_late(now)
            case Deadline.ASK:
                return self._turns.asking.held_long_enough(now)
            case Deadline.FAULT:
                self._box.forget_trouble()
                return []
            case Deadline.VOLUME:
                self._box.forget_volume()
                return []
            case Deadline.RING:
                return self._first.ring(now)
            case Deadline.QUESTION:
                return self._first.question_over(now)
            case Deadline.ECHO_TAIL:
                return self._turns.room_quiet(now)
            case Deadline.RESUME:
                return self._turns.interruptions.due(now)
            case Deadline.ROOM_QUIET:
                self._state.noisy_room.forgive()
                return []
            case _:
                assert_never(name)

    # --- the light ----------------------------------------------------------------------------------------------------

    def _with_light(self, actions: list[Action]) -> list[Action]:
        """Put silence first, then the light if it changed, then everything slower."""
        light = ShowLight(*self._box.light(self._state.phase))
        first = [action for kind in _SILENCING for action in actions if isinstance(action, kind)]
        rest = [action for action in actions if not isinstance(action, _SILENCING)]
        if light == self._light:
            return [*first, *rest]
        self._light = light
        return [*first, light, *rest]
