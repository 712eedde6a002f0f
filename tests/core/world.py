"""A world for one box: a service that keeps the protocol's order, a real playout buffer, tools, devices, a user.

It carries out every order, and checks the invariants after each.
"""

from collections import deque
from dataclasses import dataclass, field

from edgevoice.core.announcements import AnnouncementDue, ClipCut, ClipPlayed
from edgevoice.core.conversation.conversation import Conversation
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.conversation.policy import Policy
from edgevoice.core.facts import (
    AnswerArrived,
    ApprovalSettled,
    BackchannelStarted,
    DeadlinePassed,
    Device,
    DeviceLost,
    DeviceRestored,
    Event,
    GoodbyeRequested,
    LinkLost,
    LinkOpened,
    PlaybackStarted,
    ResponseEnded,
    ResponseStarted,
    ResponseStatus,
    ServiceComplained,
    ToolCall,
    ToolFinished,
    TurnEnded,
    TurnTranscribed,
    UserStartedSpeaking,
    UserStoppedSpeaking,
)
from edgevoice.core.orders import (
    Action,
    CancelResponse,
    CloseLink,
    CloseUplink,
    CreateResponse,
    CutClip,
    CutPlayback,
    DeleteItem,
    DropPlayback,
    DuckPlayback,
    ExtendItem,
    KeepUplink,
    Light,
    MuteMicrophone,
    OpenLink,
    OpenUplink,
    PlayClip,
    PlayRing,
    ReportAnnouncement,
    RestorePlayback,
    ResumePlayback,
    RunTool,
    SendToolOutput,
    ShowLight,
    SilenceUplink,
    StopBackchannel,
    TruncateItem,
    UnmuteMicrophone,
)
from edgevoice.core.protocol.downlink import Arrival, AudioPiece, ItemComplete
from edgevoice.core.sound.playout import Playout

LIVE_LIGHTS = {
    Phase.CONNECTING: Light.CONNECTING,
    Phase.LISTENING: Light.LISTENING,
    Phase.THINKING: Light.THINKING,
    Phase.SPEAKING: Light.SPEAKING,
}


@dataclass
class Service:
    """The service's state; ``wire`` is on its way to the box."""

    link: str = "down"
    wire: deque[Arrival] = field(default_factory=deque)
    active: str | None = None
    has_audio: bool = False
    user: str = "silent"
    sent_ms: dict[str, float] = field(default_factory=dict)
    corrected: set[str] = field(default_factory=set)
    extended: set[str] = field(default_factory=set)
    turns: int = 0
    count: int = 0

    def reset(self, link: str) -> None:
        """Begin another session or none; nothing of the last one is delivered any more."""
        self.link, self.active, self.user = link, None, "silent"
        self.wire.clear()

    def begin(self) -> None:
        """Begin a response."""
        self.count += 1
        self.active, self.has_audio = f"r{self.count}", False
        self.wire.append(ResponseStarted(self.active))

    def sound(self, sound_ms: int) -> None:
        """Send a piece of the response; each response has one item."""
        if self.active is not None:
            self.has_audio = True
            item_id = f"item-of-{self.active}"
            self.sent_ms[item_id] = self.sent_ms.get(item_id, 0) + sound_ms
            self.wire.append(AudioPiece(self.active, item_id, 0, bytes(48 * sound_ms)))

    def end(self, status: ResponseStatus, calls: int = 0) -> None:
        """End the response."""
        if self.active is None:
            return
        response_id, self.active = self.active, None
        if status is not ResponseStatus.CANCELLED:
            self.wire.append(ItemComplete(response_id, f"item-of-{response_id}"))
        made = tuple(ToolCall(f"{response_id}-c{number}", "tool", "") for number in range(calls))
        self.wire.append(ResponseEnded(response_id, status, made, has_audio=self.has_audio))


class World:
    """Everything outside the conversation; with ``is_honest`` every reported fact really happened."""

    def __init__(self, policy: Policy, *, is_honest: bool = True) -> None:
        self.is_honest = is_honest
        self.conversation = Conversation(policy, chance=lambda: 0.5)
        self.service = Service()
        self.playout = Playout(prefill_ms=60)
        self.now = 0.0
        self.sound: deque[Event] = deque()
        self.tools: list[str] = []
        self.session_tools: set[str] = set()
        self.lost: set[Device] = set()
        self.light = Light.OFF
        self.gate = "closed"
        self.is_door_shut = False
        self.is_ducked = False
        self.clip: str | None = None
        self.announced: list[str] = []
        self.has_backchannel = False
        self.started: set[str] = set()
        self.silenced: set[str] = set()
        self.kept: set[str] = set()
        self.resumed: deque[int] = deque()
        self.being_generated: str | None = None
        self.may_ask = 0
        self._obey_all(self.conversation.start())

    # --- facts ---

    def tell(self, fact: Event) -> list[Action]:
        """Report one fact, carry out the orders, and check the invariants."""
        self._note(fact)
        actions = self.conversation.handle(fact, self.now)
        self._obey_all(actions)
        while self.resumed:
            self.tell(PlaybackStarted(self.resumed.popleft()))
        self._check()
        return actions

    def deliver(self, most: int = 10_000) -> None:
        """Deliver everything on the wire."""
        while self.service.wire and most > 0:
            most -= 1
            arrival = self.service.wire.popleft()
            match arrival:
                case AudioPiece():
                    self._play(arrival)
                case ItemComplete(response_id=response_id, item_id=item_id):
                    if self.conversation.admits(response_id):
                        self.playout.finish_item(item_id)
                case ResponseEnded():
                    if self.conversation.admits(arrival.response_id):
                        self.playout.finish()
                    self.tell(arrival)
                case LinkOpened() | LinkLost() | ResponseStarted() | ServiceComplained() | TurnEnded():
                    self.tell(arrival)
                case UserStartedSpeaking() | UserStoppedSpeaking() | TurnTranscribed():
                    self.tell(arrival)
                case _:
                    raise AssertionError(f"this service never sends {arrival}")

    def deliver_sound(self) -> None:
        """Deliver the output callback's reports."""
        while self.sound:
            self.tell(self.sound.popleft())

    def pass_time(self, seconds: float) -> None:
        """Let time pass; the speaker plays, and every deadline fires when it is due."""
        end = self.now + seconds
        while self.now < end:
            self.deliver_sound()
            step_s = min(end - self.now, 10.0 if self.playout.is_idle else 0.1)
            if (at := self.conversation.deadline) is not None:
                step_s = min(step_s, max(at - self.now, 0.001))
            self._play_for(step_s)
            self._tell_deadlines()

    def oversleep(self, seconds: float) -> None:
        """Let time pass while the loop is busy with something else."""
        self._play_for(seconds)
        self._tell_deadlines()

    def finish_tool(self, number: int, *, is_goodbye: bool) -> None:
        """Let a tool end."""
        call_id = self.tools.pop(number % len(self.tools))
        is_wanted = call_id in self.session_tools
        if is_goodbye:
            self.tell(GoodbyeRequested())
        actions = self.tell(ToolFinished(call_id, "{}"))
        if self.is_honest:
            assert actions.count(SendToolOutput(call_id, "{}")) == int(is_wanted)

    def end_cut(self) -> None:
        """Let the card take its next periods: cut audio is then silent and reported."""
        self._play_for(0.05)
        self.deliver_sound()

    # --- the user and the service ---

    def say_backchannel(self) -> None:
        """Let the service send a backchannel; it is heard where the box allows it."""
        if self.conversation.admits_backchannels:
            self.has_backchannel = True
            assert self.tell(BackchannelStarted("b1")) == [], "nothing follows from it"

    def speak(self) -> None:
        """Let the user begin to speak; the service interrupts its answer, part of which is still on the wire."""
        self.service.user = "speaking"
        self.service.turns += 1
        self.service.wire.append(UserStartedSpeaking())
        self.service.sound(20)
        self.service.end(ResponseStatus.CANCELLED)

    def write_down(self, *, has_words: bool, is_final: bool) -> None:
        """Let the service transcribe what it heard last."""
        self.service.wire.append(TurnTranscribed(f"turn-{self.service.turns}", has_words, is_final))

    def stop_speaking(self) -> None:
        """Let the user stop speaking."""
        self.service.user = "stopped"
        self.service.wire.append(UserStoppedSpeaking())

    def end_turn(self, *, is_answered: bool) -> None:
        """Let the service detect the end of the turn."""
        self.service.user = "silent"
        self.service.wire.append(TurnEnded())
        if is_answered:
            self.service.begin()

    def settle(self, *, is_service_alive: bool, within_s: float) -> None:
        """Let all speech end and everything in progress finish: the box must then soon be idle."""
        begun = self.now
        while self.conversation.phase is not Phase.IDLE:
            if is_service_alive:
                self._settle_service()
            self.deliver()
            while self.tools:
                self.finish_tool(0, is_goodbye=False)
            assert self.now - begun <= within_s, f"still {self.conversation.phase} after {within_s} s"
            self.pass_time(0.5 if is_service_alive or not self.playout.is_idle else 5)

    def _settle_service(self) -> None:
        if self.service.link == "dialling":
            self.open_link()
        if self.service.user == "speaking":
            self.stop_speaking()
        if self.service.user == "stopped":
            self.end_turn(is_answered=True)
        self.service.end(ResponseStatus.COMPLETED)

    def open_link(self) -> None:
        """Let dialling succeed."""
        self.end_cut()  # dialling takes longer than that
        self.service.link = "open"
        self.service.wire.append(LinkOpened())

    # --- inside ---

    def _play(self, piece: AudioPiece) -> None:
        if self.conversation.admits(piece.response_id):
            assert piece.response_id not in self.silenced
            if self.conversation.keeps_rest_beside(piece.response_id):
                self.tell(AnswerArrived(piece.response_id))
                assert not self.kept, "two answers in one buffer"
            burst = self.playout.push(piece.item_id, piece.content_index, piece.pcm)
            if burst is not None:
                self.tell(PlaybackStarted(burst))

    def _play_for(self, seconds: float) -> None:
        self.now += seconds
        if self.clip is not None and seconds >= 0.3:
            self.sound.append(ClipPlayed(self.clip))
            self.clip = None
        while seconds > 0 and not self.playout.is_idle:
            _, fact = self.playout.pull(max(240, round(24_000 * min(seconds, 0.1))))
            seconds -= 0.1
            if fact is not None:
                self.sound.append(fact)

    def _tell_deadlines(self) -> None:
        while (at := self.conversation.deadline) is not None and at <= self.now:
            self.tell(DeadlinePassed())

    def _note(self, fact: Event) -> None:
        match fact:
            case ResponseStarted(response_id=response_id):
                self.started.add(response_id)
                self.being_generated = response_id
            case ResponseEnded(response_id=response_id) if response_id == self.being_generated:
                self.being_generated = None
            case ServiceComplained(code="conversation_already_has_active_response"):
                self.may_ask += 1
            case ApprovalSettled():
                self.may_ask += 1  # to report what has become of the tool
            case LinkLost():
                self.session_tools.clear()  # no session is open to send their outputs to
            case AnnouncementDue(announcement=announcement):
                self.announced.append(announcement.announcement_id)
            case DeviceLost(device=device):
                self.lost.add(device)
            case DeviceRestored(device=device):
                self.lost.discard(device)
            case _:
                pass  # how the box handles the rest is visible from outside

    def _obey_all(self, actions: list[Action]) -> None:
        cuts = [place for place, action in enumerate(actions) if isinstance(action, CutPlayback)]
        assert cuts in ([], [0]), "silence comes first"
        assert sum(isinstance(action, CreateResponse) for action in actions) <= 1
        if any(isinstance(action, RunTool) for action in actions):
            self.may_ask += 1
        if StopBackchannel() in actions:
            assert self.has_backchannel
            self.has_backchannel = False
        for action in actions:
            self._obey(action)

    def _obey(self, action: Action) -> None:
        service = self.service
        match action:
            case CutPlayback() | ResumePlayback() | DropPlayback():
                self._obey_by_playout(action)
            case DuckPlayback() | RestorePlayback():
                assert self.is_ducked is isinstance(action, RestorePlayback)
                self.is_ducked = not self.is_ducked
            case ShowLight(light=light):
                assert light is not self.light or light is Light.FAULT
                self.light = light
            case OpenLink():
                service.reset("dialling")
            case CloseLink():
                service.reset("down")
                self.session_tools.clear()
                self.being_generated = None
                self.may_ask = 0
            case KeepUplink():
                self.gate = "keeping"
            case OpenUplink():
                assert self.light in LIVE_LIGHTS.values(), "listens in the dark"
                self.gate = "live"
            case SilenceUplink():
                self.gate = "silent"
            case CloseUplink():
                self.gate = "closed"
            case MuteMicrophone() | UnmuteMicrophone():
                self.is_door_shut = isinstance(action, MuteMicrophone)
            case PlayRing() | PlayClip() | CutClip() | ReportAnnouncement():
                self._obey_by_clips(action)
            case RunTool(call=call):
                self.tools.append(call.call_id)
                self.session_tools.add(call.call_id)
            case SendToolOutput(call_id=call_id):
                assert call_id in self.session_tools, "answered twice, or to nobody"
                self.session_tools.remove(call_id)
            case CreateResponse():
                self._create_response()
            case CancelResponse(response_id=response_id):
                if service.active == response_id:
                    service.end(ResponseStatus.CANCELLED)
                elif service.link == "open":
                    service.wire.append(ServiceComplained("response_cancel_not_active"))
            case TruncateItem() | DeleteItem() | ExtendItem():
                self._learn_what_was_heard(action)
            case _:
                pass  # earcons

    def _obey_by_clips(self, action: PlayRing | PlayClip | CutClip | ReportAnnouncement) -> None:
        match action:
            case PlayRing(clip_id=clip_id) | PlayClip(clip_id=clip_id):
                assert self.clip is None or isinstance(action, PlayRing), "two things sound at a time"
                self.clip = clip_id
            case CutClip():
                if self.clip is not None:
                    self.sound.append(ClipCut(self.clip, 0))
                self.clip = None
            case ReportAnnouncement(announcement_id=announcement_id):
                assert announcement_id in self.announced, "reported twice, or never asked for"
                self.announced.remove(announcement_id)

    def _obey_by_playout(self, action: CutPlayback | ResumePlayback | DropPlayback) -> None:
        match action:
            case CutPlayback(keeps_rest=keeps_rest):
                self.playout.cut(keeps_rest=keeps_rest)
                self.is_ducked = False
                self.kept = {one for one in self.started if self.conversation.admits(one)} if keeps_rest else set()
                self.silenced |= self.started - self.kept
            case ResumePlayback():
                assert self.kept, "nothing to resume"
                self.kept = set()
                self.may_ask += 1  # for a request that the user's speech cancelled and that is needed after all
                self.resumed.append(self.playout.resume())
            case DropPlayback():
                assert self.kept, "nothing to drop"
                self.silenced |= self.kept
                self.kept = set()
                self.playout.drop()

    def _learn_what_was_heard(self, action: TruncateItem | DeleteItem | ExtendItem) -> None:
        service = self.service
        match action:
            case TruncateItem(item_id=item_id, heard_ms=heard_ms):
                assert 0 < heard_ms <= service.sent_ms[item_id]
                self._correct(item_id)
            case DeleteItem(item_id=item_id):
                self._correct(item_id)
            case ExtendItem(item_id=item_id, heard_ms=extended_ms):
                assert item_id in service.corrected, "the service knows already"
                assert item_id not in service.extended
                assert extended_ms is None or extended_ms <= service.sent_ms[item_id]
                service.extended.add(item_id)

    def _create_response(self) -> None:
        assert self.may_ask > 0, "asked without a round of tools or an approval"
        self.may_ask -= 1
        assert self.being_generated is None or not self.is_honest
        if self.service.active is not None:
            self.service.wire.append(ServiceComplained("conversation_already_has_active_response"))
        elif self.service.link == "open":
            self.service.begin()

    def _correct(self, item_id: str) -> None:
        assert item_id not in self.service.corrected, "told twice what was heard of one item"
        self.service.corrected.add(item_id)

    def _check(self) -> None:
        phase = self.conversation.phase
        assert not any(self.conversation.admits(response_id) for response_id in self.silenced)
        assert self.conversation.is_muted is self.is_door_shut
        assert not self.has_backchannel or (phase is Phase.LISTENING and self.gate != "silent")
        if phase in LIVE_LIGHTS:
            assert self.light is LIVE_LIGHTS[phase]
            assert self.conversation.deadline is not None, f"stuck in {phase}"
            return
        if self.light not in {Light.RINGING, Light.ANNOUNCING}:
            assert not self.is_ducked, "the next answer would begin quietly"
        assert self.light in {Light.IDLE, Light.MUTED, Light.RINGING, Light.FAULT, Light.ANNOUNCING}
        if self.light is Light.ANNOUNCING and not self.sound:
            assert self.clip is not None or self.conversation.deadline is not None, "announces nothing"
        assert self.gate == "closed"
        assert not self.conversation.admits("")
        if self.lost:
            assert self.light in {Light.RINGING, Light.FAULT, Light.ANNOUNCING}
        if self.light in {Light.IDLE, Light.MUTED}:
            assert (self.light is Light.MUTED) is self.is_door_shut
            assert self.conversation.deadline is None, "waits for nothing"
