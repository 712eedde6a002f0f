"""Invariants of every conversation, for any events in any order."""

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from msgspec.structs import replace

from edgevoice.core.announcements import (
    Announcement,
    AnnouncementDue,
    AnnouncementWithdrawn,
    Priority,
    RingDue,
    RingWithdrawn,
    StopWordHeard,
)
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import (
    ApprovalSettled,
    BudgetTold,
    DeadlinePassed,
    Device,
    DeviceLost,
    DeviceRestored,
    Event,
    GoodbyeRequested,
    LinkLost,
    LinkOpened,
    LoopStalled,
    MutePressed,
    NearSpeechBegan,
    NearSpeechConfirmed,
    NearSpeechEnded,
    NearSpeechFaded,
    PlaybackCut,
    PlaybackDrained,
    PlaybackStarted,
    ResponseEnded,
    ResponseStarted,
    ResponseStatus,
    RoomMeasured,
    ServiceComplained,
    TalkHeld,
    TalkPressed,
    ToolCall,
    ToolFinished,
    TurnEnded,
    UserStartedSpeaking,
    UserStoppedSpeaking,
    WakeWordHeard,
)
from edgevoice.core.panel_facts import MuteSwitched, VolumeTurned
from tests.core.drive import OPEN_MICROPHONE
from tests.core.world import World

WITH_SERVICE_S = 60.0
"""From the last word to idle: dialling, an answer that is begun late, what is still to be played, the follow-up."""

LINK_CODES = ["service-unreachable", "session-ended", "key-refused"]

MISHAPS = [
    TalkHeld(),
    MutePressed(),
    MuteSwitched(is_muted=True),
    MuteSwitched(is_muted=False),
    VolumeTurned(5),
    RingDue(1, "pasta"),
    RingDue(2),
    RingWithdrawn(1),
    StopWordHeard(),
    *(AnnouncementDue(Announcement(f"a{rank}", "clip", rank, listens=rank > 0)) for rank in Priority),
    AnnouncementWithdrawn("a0"),
    AnnouncementWithdrawn("a1"),
    NearSpeechBegan(0),
    NearSpeechBegan(0),
    NearSpeechConfirmed(0),
    NearSpeechConfirmed(0),
    NearSpeechFaded(),
    NearSpeechEnded(),
    *map(BudgetTold, (None, None, 600, 20, 0.5, 0)),
    LoopStalled(3),
    *map(DeviceLost, Device),
    *map(DeviceRestored, Device),
]


class HonestWorld(RuleBasedStateMachine):
    """Facts come in a possible order."""

    is_honest = True

    def __init__(self) -> None:
        super().__init__()
        self.world = World(OPEN_MICROPHONE)
        self.is_service_alive = True

    @initialize(
        hears_itself=st.booleans(), follow_up_s=st.sampled_from([0, 6]), resumes=st.booleans(), ignores=st.booleans()
    )
    def begin(self, *, hears_itself: bool, follow_up_s: float, resumes: bool, ignores: bool) -> None:
        policy = replace(
            OPEN_MICROPHONE,
            hears_itself=hears_itself,
            follow_up_s=follow_up_s,
            resumes=resumes,
            ignores_speech_in_noise=ignores,
        )
        self.world = World(policy, is_honest=self.is_honest)

    def is_open(self) -> bool:
        return self.world.service.link == "open"

    # --- the user ---

    @rule(word=st.booleans())
    def wake(self, *, word: bool) -> None:
        self.world.tell(WakeWordHeard("word", 1.0, 0) if word else TalkPressed(0))

    @precondition(lambda self: self.is_open() and self.world.service.user != "speaking" and self.world.gate == "live")
    @rule()
    def speak(self) -> None:
        self.world.speak()

    @precondition(lambda self: self.is_open() and self.world.service.user == "speaking")
    @rule()
    def stop_speaking(self) -> None:
        self.world.stop_speaking()

    @precondition(lambda self: self.is_open() and self.world.service.user == "stopped")
    @rule(is_answered=st.booleans())
    def end_turn(self, *, is_answered: bool) -> None:
        self.world.end_turn(is_answered=is_answered)

    @precondition(lambda self: self.is_open() and self.world.service.turns)
    @rule(has_words=st.booleans(), is_final=st.booleans())
    def write_down(self, *, has_words: bool, is_final: bool) -> None:
        self.world.write_down(has_words=has_words, is_final=is_final)

    # --- the service ---

    @precondition(lambda self: self.world.service.link == "dialling")
    @rule()
    def open_link(self) -> None:
        self.world.open_link()

    @precondition(lambda self: self.world.service.link != "down")
    @rule(code=st.sampled_from(LINK_CODES), is_retriable=st.booleans())
    def lose_link(self, *, code: str, is_retriable: bool) -> None:
        self.world.service.link = "down"
        self.world.service.active = None
        self.world.service.wire.append(LinkLost(code, is_retriable))

    @precondition(lambda self: self.is_open())
    @rule()
    def say_backchannel(self) -> None:
        self.world.say_backchannel()

    @precondition(lambda self: self.is_open() and self.world.service.active is not None)
    @rule(sound_ms=st.integers(1, 3000))
    def send_sound(self, sound_ms: int) -> None:
        self.world.service.sound(sound_ms)

    @precondition(lambda self: self.is_open() and self.world.service.active is not None)
    @rule(status=st.sampled_from([ResponseStatus.FAILED, ResponseStatus.INCOMPLETE]))
    def fail_to_answer(self, status: ResponseStatus) -> None:
        self.world.service.end(status)

    @precondition(lambda self: self.is_open() and self.world.service.active is not None)
    @rule(calls=st.integers(0, 3))
    def complete_answer(self, calls: int) -> None:
        self.world.service.end(ResponseStatus.COMPLETED, calls)

    @precondition(lambda self: self.world.service.wire)
    @rule(most=st.integers(1, 8))
    def deliver(self, most: int) -> None:
        self.world.deliver(most)

    # --- whole sequences, so that short examples reach far ---

    @precondition(lambda self: self.world.conversation.phase is Phase.IDLE and not self.world.is_door_shut)
    @rule()
    def call(self) -> None:
        self.world.tell(WakeWordHeard("word", 1.0, 0))
        if self.world.service.link == "dialling":
            self.world.open_link()
            self.world.deliver()

    @precondition(lambda self: self.is_open() and self.world.service.active is None and self.world.gate == "live")
    @rule(sound_ms=st.integers(0, 2000), calls=st.integers(0, 2))
    def ask_and_be_answered(self, sound_ms: int, calls: int) -> None:
        self.world.speak()
        self.world.deliver()
        self.world.end_cut()  # no question is shorter than that
        self.world.stop_speaking()
        self.world.end_turn(is_answered=True)
        self.world.deliver()
        self.world.service.sound(sound_ms)
        self.world.service.end(ResponseStatus.COMPLETED, calls)
        self.world.deliver()

    @precondition(lambda self: self.world.conversation.phase is Phase.SPEAKING)
    @rule(has_words=st.booleans(), is_heard=st.booleans())
    def cough(self, *, has_words: bool, is_heard: bool) -> None:
        self.world.tell(NearSpeechBegan(0))
        self.world.tell(NearSpeechConfirmed(0))
        self.world.pass_time(0.3)
        if is_heard and self.is_open() and self.world.gate == "live" and self.world.service.user != "speaking":
            self.world.speak()
            self.world.write_down(has_words=has_words, is_final=True)
            self.world.deliver()
        self.world.pass_time(1)

    @precondition(lambda self: self.world.conversation.phase is Phase.SPEAKING)
    @rule(times=st.integers(1, 12), is_loud=st.booleans())
    def be_noisy(self, *, times: int, is_loud: bool) -> None:
        self.world.tell(RoomMeasured(is_loud))
        for _ in range(times):
            self.world.tell(NearSpeechBegan(0))
            self.world.tell(NearSpeechFaded())
        if self.world.conversation.noise is not None:
            assert self.world.gate != "live" or self.world.sound or not self.is_open(), "the service hears the noise"

    # --- the box ---

    @precondition(lambda self: self.world.sound)
    @rule()
    def deliver_sound(self) -> None:
        self.world.deliver_sound()

    @precondition(lambda self: self.world.tools)
    @rule(number=st.integers(0, 5), is_goodbye=st.booleans())
    def finish_tool(self, *, number: int, is_goodbye: bool) -> None:
        self.world.finish_tool(number, is_goodbye=is_goodbye)

    @rule(fact=st.sampled_from(MISHAPS))
    def happen(self, fact: Event) -> None:
        self.world.tell(fact)
        if isinstance(fact, DeviceLost):
            self.world.pass_time(2)
            self.world.tell(DeviceRestored(fact.device))

    # --- time ---

    @rule(seconds=st.sampled_from([0.05, 0.05, 0.3, 1, 3, 7, 16]))
    def pass_time(self, seconds: float) -> None:
        self.world.pass_time(seconds)

    @rule(seconds=st.sampled_from([0.25, 0.5, 20, 700]))
    def oversleep(self, seconds: float) -> None:
        self.world.oversleep(seconds)

    def within_s(self, seconds: float) -> float:
        """Return how long the box may take to be idle, given what it still has to play."""
        unplayed_ms = sum(self.world.service.sent_ms.values())
        return seconds + unplayed_ms / 1000

    @initialize(is_service_alive=st.booleans())
    def know_the_end(self, *, is_service_alive: bool) -> None:
        self.is_service_alive = is_service_alive

    def teardown(self) -> None:
        # Whatever a dead service never sends, the hard cap ends the conversation.
        within_s = self.within_s(WITH_SERVICE_S if self.is_service_alive else OPEN_MICROPHONE.session_s)
        self.world.settle(is_service_alive=self.is_service_alive, within_s=within_s)


RESPONSE_IDS = st.sampled_from(["r1", "r2", "r3", "r99"])
CALL_IDS = st.sampled_from(["r1-c0", "r1-c1", "r2-c0", "c99"])
STATUSES = st.sampled_from(ResponseStatus)
NOISE = st.one_of(
    st.sampled_from(
        [
            LinkOpened(),
            UserStartedSpeaking(),
            UserStoppedSpeaking(),
            TurnEnded(),
            GoodbyeRequested(),
            DeadlinePassed(),
            PlaybackCut(()),
            ServiceComplained(""),
            ServiceComplained("conversation_already_has_active_response"),
            ServiceComplained("server_error", "service-busy", has_broken=True),
        ]
    ),
    st.builds(LinkLost, st.sampled_from(LINK_CODES), st.booleans()),
    st.builds(
        ResponseEnded,
        RESPONSE_IDS,
        STATUSES,
        st.lists(st.builds(ToolCall, CALL_IDS, st.just("tool"), st.just("")), max_size=2).map(tuple),
        has_audio=st.booleans(),
    ),
    st.builds(PlaybackStarted, st.integers(1, 9)),
    st.builds(PlaybackDrained, st.integers(1, 9)),
    st.builds(ToolFinished, CALL_IDS, st.just("{}"), st.sampled_from(["", "Ask."])),
    st.builds(ApprovalSettled, CALL_IDS, st.just("a"), st.just("{}"), st.just("note"), st.booleans()),
)


class NoisyWorld(HonestWorld):
    """Facts come late, twice, or without a cause; the promises to the user hold all the same."""

    is_honest = False

    @rule(fact=NOISE)
    def hear_noise(self, fact: Event) -> None:
        self.world.tell(fact)

    @rule()
    def hear_of_a_strange_response(self) -> None:
        self.world.tell(ResponseStarted(f"strange-{len(self.world.started)}"))

    def within_s(self, seconds: float) -> float:
        return super().within_s(seconds) + OPEN_MICROPHONE.session_s


TestHonestWorld = HonestWorld.TestCase
TestNoisyWorld = NoisyWorld.TestCase
TestHonestWorld.settings = settings(max_examples=120, stateful_step_count=40)
TestNoisyWorld.settings = settings(max_examples=80, stateful_step_count=40)
