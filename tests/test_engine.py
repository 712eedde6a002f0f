import asyncio
import typing
from collections.abc import Callable, Coroutine
from typing import TypeVar

import pytest

from edgevoice.core.announcements import AnnouncementOutcome, RingDue, RingOutcome, StopWordHeard
from edgevoice.core.conversation.conversation import Conversation
from edgevoice.core.conversation.noisy_room import Noise
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.conversation.policy import Policy
from edgevoice.core.facts import (
    AnswerArrived,
    BackchannelStarted,
    DeadlinePassed,
    ItemEnded,
    LinkLost,
    LinkOpened,
    LoopStalled,
    NearSpeechBegan,
    NearSpeechFaded,
    PlaybackStarted,
    ResponseEnded,
    ResponseStarted,
    ResponseStatus,
    RoomMeasured,
    TalkHeld,
    ToolCall,
    TurnEnded,
    TurnTranscribed,
    UserStartedSpeaking,
    UserStoppedSpeaking,
    WakeWordHeard,
)
from edgevoice.core.notices import (
    AudioReceived,
    Notice,
    PhaseEntered,
    RingingBegan,
    RingingEnded,
    Role,
    SpeechHeeded,
    SpeechIgnored,
    TranscriptChanged,
    UsageTold,
)
from edgevoice.core.orders import (
    AbandonTools,
    Action,
    AddNote,
    CancelResponse,
    ChangeVolume,
    CloseLink,
    CloseUplink,
    CreateResponse,
    CutClip,
    CutPlayback,
    DeleteItem,
    DeleteTurn,
    DropPlayback,
    DuckPlayback,
    Earcon,
    ExtendItem,
    ForgetEverything,
    KeepUplink,
    Light,
    MarkTurn,
    MuteMicrophone,
    OpenLink,
    OpenUplink,
    PlayClip,
    PlayEarcon,
    PlayRing,
    ReportAnnouncement,
    ReportRing,
    RestorePlayback,
    ResumePlayback,
    RewindUplink,
    RunTool,
    SendToolOutput,
    ShowLight,
    ShutDown,
    SilenceUplink,
    StopBackchannel,
    StopEarcons,
    TruncateItem,
    UnmuteMicrophone,
)
from edgevoice.core.ports import Observer
from edgevoice.core.protocol.downlink import AudioPiece, BackchannelComplete, BackchannelPiece, ItemComplete
from edgevoice.engine import Engine
from tests.fakes import Fakes, Told
from tests.waiting import eventually

WAKE = WakeWordHeard("word", 0.9, at_sample=700)
COMPLETED = ResponseEnded("r1", ResponseStatus.COMPLETED, has_audio=True)
SOUND = AudioPiece("r1", "i1", 0, b"\x01\x00\x02\x00")
CALL = ToolCall("c1", "stop", "")

_Kind = TypeVar("_Kind", LoopStalled, DeadlinePassed)


class Watching(Observer):
    """Keeps what it observes, with the time."""

    def __init__(self) -> None:
        self.seen: list[tuple[Notice, float]] = []

    def observe(self, notice: Notice, now: float) -> None:
        self.seen.append((notice, now))


class Blind(Observer):
    """Ignores every notice, and has no work."""


class Rig:
    """An engine with fakes; ``seen`` holds what its observer saw, with the time."""

    def __init__(self, policy: Policy | None = None) -> None:
        self.fakes = Fakes()
        watching = Watching()
        self.seen = watching.seen
        self.now = 50.0
        self.conversation = Conversation(policy or Policy(hears_itself=False), chance=lambda: 0.0)
        self.engine = Engine(
            self.conversation,
            self.fakes.adapters(),
            clock=lambda: self.now,
            observers=[watching, Blind()],
        )

    @property
    def told(self) -> list[Told]:
        return self.fakes.diary.told

    @property
    def notices(self) -> list[Notice]:
        return [notice for notice, _ in self.seen]

    def answering(self) -> None:
        """Proceed until an answer has begun."""
        for fact in (WAKE, LinkOpened(), TurnEnded(), ResponseStarted("r1")):
            self.engine.report(fact)
        self.told.clear()
        self.seen.clear()

    def speaking(self) -> None:
        """Proceed until an answer is audible."""
        self.answering()
        self.fakes.far_end.burst = 1
        self.engine.take([SOUND])
        self.told.clear()
        self.seen.clear()


async def first(rig: Rig, kind: type[_Kind]) -> _Kind:
    """Wait until the observer sees a notice of this type; return it."""
    await eventually(lambda: any(isinstance(notice, kind) for notice in rig.notices))
    return next(notice for notice in rig.notices if isinstance(notice, kind))


def in_loop(test: Callable[[], Coroutine[None, None, None]]) -> Callable[[], None]:
    """Run a test in its own event loop, where the engine keeps its timer."""

    def run() -> None:
        asyncio.run(asyncio.wait_for(test(), timeout=10))

    run.__name__ = test.__name__
    return run


# --- orders ----------------------------------------------------------------------------------------------------------

REPORTS: dict[type, Action] = {
    ReportRing: ReportRing(3, RingOutcome.STOPPED),
    ReportAnnouncement: ReportAnnouncement("post", AnnouncementOutcome.CUT, 740),
    ForgetEverything: ForgetEverything(),
    ShutDown: ShutDown(),
}
OBEYED: dict[type, tuple[Action, Told]] = {
    CutPlayback: (CutPlayback(), ("far_end.cut",)),
    DropPlayback: (DropPlayback(), ("far_end.drop",)),
    StopBackchannel: (StopBackchannel(), ("far_end.stop_backchannel",)),
    DuckPlayback: (DuckPlayback(), ("far_end.duck",)),
    ResumePlayback: (ResumePlayback(), ("far_end.resume",)),
    RestorePlayback: (RestorePlayback(), ("far_end.restore",)),
    ShowLight: (ShowLight(Light.FAULT, "no-credit"), ("panel.show", Light.FAULT, "no-credit")),
    OpenLink: (OpenLink("word", resumes=True), ("service.open", "word", True)),
    CloseLink: (CloseLink(), ("service.close",)),
    KeepUplink: (KeepUplink(700, has_preroll=False), ("near_end.keep", 700, False)),
    MarkTurn: (MarkTurn(), ("near_end.mark",)),
    RewindUplink: (RewindUplink(), ("near_end.rewind",)),
    OpenUplink: (OpenUplink(), ("near_end.open",)),
    SilenceUplink: (SilenceUplink(), ("near_end.silence",)),
    CloseUplink: (CloseUplink(), ("near_end.close",)),
    MuteMicrophone: (MuteMicrophone(), ("near_end.mute",)),
    UnmuteMicrophone: (UnmuteMicrophone(), ("near_end.unmute",)),
    TruncateItem: (TruncateItem("i1", 2, 740), ("service.truncate", "i1", 2, 740)),
    DeleteItem: (DeleteItem("i1"), ("service.delete", "i1")),
    DeleteTurn: (DeleteTurn("u1"), ("service.delete", "u1")),
    ExtendItem: (ExtendItem("i1", 900), ("service.extend", "i1", 900)),
    CancelResponse: (CancelResponse("r1"), ("service.cancel", "r1")),
    RunTool: (RunTool(CALL), ("tools.run", CALL)),
    AbandonTools: (AbandonTools(("c1",)), ("tools.abandon", ("c1",))),
    AddNote: (AddNote("It rained."), ("service.add_note", "It rained.")),
    SendToolOutput: (SendToolOutput("c1", "{}"), ("service.send_tool_output", "c1", "{}")),
    CreateResponse: (
        CreateResponse(may_call_tools=False, asking="Ask."),
        ("service.create_response", False, "Ask."),
    ),
    ChangeVolume: (ChangeVolume(-5), ("far_end.change_volume", -5)),
    PlayEarcon: (PlayEarcon(Earcon.TIMER), ("far_end.play_earcon", Earcon.TIMER)),
    StopEarcons: (StopEarcons(), ("far_end.stop_earcons",)),
    PlayRing: (PlayRing("pasta", -6.0), ("far_end.play_ring", "pasta", -6.0)),
    PlayClip: (PlayClip("post", has_chime=True), ("far_end.play_clip", "post", True)),
    CutClip: (CutClip(), ("far_end.cut_clip",)),
}


@pytest.mark.parametrize("kind", REPORTS, ids=lambda kind: kind.__name__)
def test_a_report_is_for_the_observers_alone(kind: type) -> None:
    rig = Rig()

    rig.engine._dispatch([REPORTS[kind]])

    assert (rig.told, rig.notices) == ([], [REPORTS[kind]])


@in_loop
async def test_the_observers_are_told_while_something_rings() -> None:
    rig = Rig()
    rig.engine.report(RingDue(1))
    rig.engine.report(RingDue(2))
    rig.engine.report(StopWordHeard())

    kinds = (RingingBegan, RingingEnded)
    assert [notice for notice in rig.notices if isinstance(notice, kinds)] == [RingingBegan(), RingingEnded()]


def test_what_is_heard_from_now_on_is_kept_from_the_newest_sample() -> None:
    rig = Rig()
    rig.fakes.near_end.position = 4711

    rig.engine._dispatch([KeepUplink(None, has_preroll=False)])

    assert rig.told == [("near_end.keep", 4711, False)]


@pytest.mark.parametrize("kind", [kind for kind in OBEYED if kind not in REPORTS], ids=lambda kind: kind.__name__)
def test_every_action_is_executed_by_its_one_adapter(kind: type) -> None:
    action, told = OBEYED[kind]
    rig = Rig()
    rig.engine._is_busy = True  # events that adapters report meanwhile wait

    rig.engine._dispatch([action])

    assert rig.told == [told]
    assert rig.notices == [action]


def test_a_cut_may_keep_the_rest_of_the_answer() -> None:
    rig = Rig()

    rig.engine._dispatch([CutPlayback(keeps_rest=True)])

    assert rig.told == [("far_end.cut", "keeps rest")]


@in_loop
async def test_actions_are_executed_in_the_given_order() -> None:
    rig = Rig()
    rig.engine.report(WAKE)

    assert rig.told == [
        ("panel.show", Light.CONNECTING, ""),
        ("near_end.keep", 700, True),
        ("service.open", "word", False),
    ]


def test_a_starting_box_shows_its_light() -> None:
    rig = Rig()
    rig.engine.start()

    assert rig.told == [("panel.show", Light.IDLE, "")]


@in_loop
async def test_an_event_during_startup_waits_until_the_box_has_started() -> None:
    rig = Rig()
    rig.fakes.diary.when["panel.show"] = lambda: rig.engine.report(UserStartedSpeaking())
    rig.engine.start()

    assert rig.notices == [ShowLight(Light.IDLE), UserStartedSpeaking()]


# --- facts -----------------------------------------------------------------------------------------------------------


@in_loop
async def test_an_event_during_actions_waits_until_they_are_finished() -> None:
    rig = Rig()
    rig.fakes.diary.when["near_end.keep"] = lambda: rig.engine.report(TalkHeld())
    rig.engine.report(WAKE)

    assert rig.told[:3] == [
        ("panel.show", Light.CONNECTING, ""),
        ("near_end.keep", 700, True),
        ("service.open", "word", False),
    ]


@in_loop
async def test_an_immediate_reply_of_an_adapter_is_handled_after_the_remaining_actions() -> None:
    rig = Rig()
    rig.fakes.diary.when["service.open"] = lambda: rig.engine.report(LinkOpened())
    rig.fakes.diary.when["near_end.open"] = lambda: rig.engine.report(TalkHeld())
    rig.engine.report(WAKE)

    assert [name for name, *_ in rig.told] == [
        "panel.show",
        "near_end.keep",
        "service.open",
        "panel.show",
        "near_end.open",
        "panel.show",
        "near_end.close",
        "service.close",
    ]


@in_loop
async def test_too_many_events_at_once_raise_an_error() -> None:
    rig = Rig()

    def flood() -> None:
        while True:
            rig.engine.report(UserStartedSpeaking())

    rig.fakes.diary.when["service.open"] = flood

    with pytest.raises(OverflowError, match=r"^more than 1000 facts wait for the conversation$"):
        rig.engine.report(WAKE)


@in_loop
async def test_the_queue_of_events_may_fill_to_its_limit() -> None:
    rig = Rig()
    rig.engine._is_busy = True

    for _ in range(1000):
        rig.engine.report(UserStartedSpeaking())
    with pytest.raises(OverflowError):
        rig.engine.report(UserStartedSpeaking())


@in_loop
async def test_any_number_of_events_one_after_another_is_fine() -> None:
    rig = Rig()
    for _ in range(3000):
        rig.engine.report(UserStartedSpeaking())

    assert rig.notices.count(UserStartedSpeaking()) == 3000


# --- observers -------------------------------------------------------------------------------------------------------


@in_loop
async def test_observers_see_each_event_then_its_actions_then_the_phase_with_the_time() -> None:
    rig = Rig()
    rig.now = 51.5
    rig.engine.report(WAKE)

    assert rig.seen == [
        (WAKE, 51.5),
        (ShowLight(Light.CONNECTING), 51.5),
        (KeepUplink(700), 51.5),
        (OpenLink("word"), 51.5),
        (PhaseEntered(Phase.CONNECTING), 51.5),
    ]


@in_loop
async def test_a_late_observer_sees_what_follows_after_the_earlier_observers() -> None:
    rig, late = Rig(), Watching()
    rig.engine.report(WAKE)
    rig.engine.add_observers([late])
    rig.engine.notify(UsageTold({"total_tokens": 5}))

    assert late.seen == [(UsageTold({"total_tokens": 5}), 50.0)]
    assert rig.seen[-1] == late.seen[0]


def test_an_observer_without_work_ends_immediately() -> None:
    assert asyncio.run(Blind().run(print)) is None


@in_loop
async def test_observers_see_what_bypasses_the_conversation() -> None:
    rig = Rig()
    rig.answering()
    words = TranscriptChanged(Role.USER, "u1", "hello", is_final=True)
    usage = UsageTold({"total_tokens": 5})
    rig.engine.take([words, SOUND, usage])

    assert rig.notices == [words, AudioReceived("r1", "i1", SOUND.pcm), usage]


@in_loop
async def test_observers_see_an_action_once_it_has_been_executed() -> None:
    rig = Rig()
    shown: list[int] = []
    rig.fakes.diary.when["service.open"] = lambda: shown.append(rig.notices.count(OpenLink("word")))
    rig.engine.report(WAKE)

    assert shown == [0]
    assert OpenLink("word") in rig.notices


# --- the fence -------------------------------------------------------------------------------------------------------


@in_loop
async def test_the_answers_audio_goes_to_the_speaker_and_its_start_is_reported() -> None:
    rig = Rig()
    rig.answering()
    rig.fakes.far_end.burst = 7
    rig.engine.take([SOUND])

    assert rig.told == [("far_end.play", "i1", 0, SOUND.pcm), ("panel.show", Light.SPEAKING, "")]
    assert PlaybackStarted(7) in rig.notices


@in_loop
async def test_a_backchannel_plays_during_the_users_turn_and_its_start_is_reported() -> None:
    rig = Rig()
    rig.engine.report(WAKE)
    rig.engine.report(LinkOpened())
    rig.told.clear()
    rig.seen.clear()
    rig.fakes.far_end.begins_backchannel = True

    rig.engine.take([BackchannelPiece("b1", b"\1\0"), BackchannelPiece("b1", b"\2\0"), BackchannelComplete("b1")])

    assert rig.told == [
        ("far_end.play_backchannel", "b1", b"\1\0"),
        ("far_end.play_backchannel", "b1", b"\2\0"),
        ("far_end.finish_backchannel", "b1"),
    ]
    assert rig.notices == [BackchannelStarted("b1")]
    assert rig.conversation.phase is Phase.LISTENING


@in_loop
async def test_only_the_start_of_a_backchannel_is_reported() -> None:
    rig = Rig()
    rig.engine.report(WAKE)
    rig.engine.report(LinkOpened())
    rig.seen.clear()

    rig.engine.take([BackchannelPiece("b1", b"\1\0")])

    assert rig.notices == []


@in_loop
async def test_a_backchannel_outside_the_users_turn_is_not_played() -> None:
    rig = Rig()
    rig.speaking()

    rig.engine.take([BackchannelPiece("b1", b"\1\0")])

    assert rig.told == [("far_end.skip_backchannel", "b1")]


@in_loop
async def test_late_audio_is_dropped_at_the_fence() -> None:
    rig = Rig()
    rig.speaking()
    rig.engine.report(UserStartedSpeaking())
    rig.told.clear()
    rig.seen.clear()
    rig.engine.take([SOUND, ItemComplete("r1", "i1"), ResponseEnded("r1", ResponseStatus.CANCELLED)])

    assert rig.told == []
    assert rig.notices == [ResponseEnded("r1", ResponseStatus.CANCELLED)]


@in_loop
async def test_a_resumed_answer_is_a_new_burst() -> None:
    rig = Rig(Policy(hears_itself=False, resumes=True))
    rig.speaking()
    rig.engine.report(UserStartedSpeaking())
    rig.engine.take([SOUND])
    assert rig.told[-1] == ("far_end.play", "i1", 0, SOUND.pcm), "it is added to what is kept"
    assert AnswerArrived("r1") not in rig.notices, "it is no other answer"

    rig.engine.report(TurnTranscribed("u2", has_words=False, is_final=True))

    assert ("far_end.resume",) in rig.told
    assert PlaybackStarted(7) in rig.notices


@in_loop
async def test_observers_see_once_that_speech_is_ignored_and_once_that_it_counts_again() -> None:
    rig = Rig(Policy(ignores_speech_in_noise=True))
    rig.speaking()
    rig.engine.report(RoomMeasured(is_loud=True))
    for _ in range(8):
        rig.engine.report(NearSpeechBegan(0))
        rig.engine.report(NearSpeechFaded())
    rig.engine.report(TalkHeld())

    changes = [notice for notice in rig.notices if isinstance(notice, SpeechIgnored | SpeechHeeded | PhaseEntered)]
    assert changes == [SpeechIgnored(Noise(4, 0, is_loud=True)), PhaseEntered(Phase.IDLE), SpeechHeeded()]


@in_loop
async def test_the_start_of_another_answer_is_reported_before_it_joins_the_kept_audio() -> None:
    rig = Rig(Policy(hears_itself=False, resumes=True))
    rig.speaking()
    rig.engine.take([UserStartedSpeaking(), TurnEnded(), ResponseStarted("r2"), AudioPiece("r2", "i2", 0, b"22")])

    assert rig.told[-2:] == [("far_end.drop",), ("far_end.play", "i2", 0, b"22")]
    assert AnswerArrived("r2") in rig.notices


@in_loop
async def test_events_and_audio_of_one_frame_are_handled_in_order() -> None:
    rig = Rig()
    rig.answering()
    rig.fakes.far_end.burst = 1
    rig.engine.take([SOUND, UserStartedSpeaking(), SOUND])

    assert [name for name, *_ in rig.told] == [
        "far_end.play",
        "panel.show",
        "far_end.cut",
        "panel.show",
        "near_end.mark",
    ]


@in_loop
async def test_a_partial_answer_counts_as_complete_for_the_speaker_once_the_link_is_lost() -> None:
    rig = Rig()
    rig.speaking()
    rig.engine.take([LinkLost("service-unreachable", is_retriable=True)])

    assert rig.told[0] == ("far_end.finish",)
    assert rig.notices[0] == LinkLost("service-unreachable", is_retriable=True)


@in_loop
async def test_the_speaker_learns_what_is_complete_before_the_conversation_does() -> None:
    rig = Rig()
    rig.speaking()
    rig.engine.take([ItemComplete("r1", "i1")])
    assert rig.told == [("far_end.finish_item", "i1")]

    rig.told.clear()
    rig.engine.take([COMPLETED])
    assert rig.told == [("far_end.finish",)]
    assert rig.notices == [ItemEnded("r1"), COMPLETED]


# --- the timer -------------------------------------------------------------------------------------------------------


@in_loop
async def test_a_deadline_is_reported_when_it_is_due() -> None:
    rig = Rig(Policy(no_speech_s=0.02))
    hung_up = asyncio.Event()
    rig.fakes.diary.when["service.close"] = hung_up.set
    loop = asyncio.get_running_loop()
    rig.engine._clock = loop.time
    rig.engine.report(WAKE)
    begun = loop.time()
    rig.engine.report(LinkOpened())
    await hung_up.wait()

    assert loop.time() - begun >= 0.019


@in_loop
async def test_there_is_one_timer_and_none_while_no_deadline_is_set() -> None:
    rig = Rig()
    rig.engine.report(WAKE)
    first = rig.engine._timer
    assert first is not None
    rig.engine.report(LinkOpened())

    assert first.cancelled()
    assert rig.engine._timer is not None
    rig.engine.report(TalkHeld())
    assert rig.engine._timer is None


@in_loop
async def test_a_deadline_already_passed_is_reported_in_the_next_loop_iteration() -> None:
    rig = Rig(Policy(connect_s=0))
    hung_up = asyncio.Event()
    rig.fakes.diary.when["service.close"] = hung_up.set
    rig.engine.report(WAKE)
    rig.now += 0.5
    assert not hung_up.is_set()
    await hung_up.wait()


@in_loop
async def test_input_that_arrived_during_a_stall_is_handled_before_the_deadline() -> None:
    rig = Rig(Policy(no_speech_s=0.02, hears_itself=False))
    rig.engine.report(WAKE)
    rig.engine.report(LinkOpened())
    rig.now += 30  # the loop did nothing else meanwhile; the user's words wait in the socket
    stalled = await first(rig, LoopStalled)

    assert stalled.late_s == pytest.approx(29.98)
    rig.engine.report(UserStartedSpeaking())
    rig.engine.report(TurnEnded())
    assert rig.conversation.phase is Phase.THINKING, "it listened on"
    assert rig.conversation.deadline == pytest.approx(rig.now + 15)


@in_loop
async def test_deadlines_that_pass_during_a_stall_do_not_fire_in_a_burst() -> None:
    rig = Rig(Policy(no_speech_s=0.02, hears_itself=False))
    for fact in (WAKE, LinkOpened(), RingDue(1)):
        rig.engine.report(fact)
    rig.now += 30
    await first(rig, LoopStalled)
    await first(rig, DeadlinePassed)  # of the alarm, the only timer that can be late

    assert rig.conversation.phase is Phase.LISTENING
    assert [notice for notice in rig.notices if isinstance(notice, CloseLink)] == []


@in_loop
async def test_the_settings_define_how_late_counts_as_a_stall() -> None:
    rig = Rig(Policy(no_speech_s=0.02, hears_itself=False))
    rig.engine._stall_s = 60
    rig.engine.report(WAKE)
    rig.engine.report(LinkOpened())
    rig.now += 30
    await first(rig, DeadlinePassed)

    assert rig.conversation.phase is Phase.IDLE


@in_loop
async def test_by_default_more_than_a_second_late_is_a_stall() -> None:
    rig = Rig(Policy(no_speech_s=0.02, hears_itself=False))
    rig.engine.report(WAKE)
    rig.engine.report(LinkOpened())
    rig.now += 1.1

    assert (await first(rig, LoopStalled)).late_s == pytest.approx(1.08)


@in_loop
async def test_a_deadline_exactly_at_the_stall_limit_is_not_a_stall() -> None:
    rig = Rig(Policy(no_speech_s=0.03125, hears_itself=False))
    rig.engine._stall_s = 32.0
    rig.engine.report(WAKE)
    rig.engine.report(LinkOpened())
    rig.now += 32.03125
    await first(rig, DeadlinePassed)

    assert rig.conversation.phase is Phase.IDLE


@in_loop
async def test_a_stopped_engine_has_no_timer() -> None:
    rig = Rig()
    rig.engine.report(RingDue(1))
    timer = rig.engine._timer
    rig.engine.stop()

    assert timer is not None
    assert timer.cancelled()
    rig.engine.stop()
    assert rig.engine._timer is None


def test_the_table_of_actions_is_complete() -> None:
    assert set(OBEYED) | set(REPORTS) == set(typing.get_args(Action))


@in_loop
async def test_a_finer_light_is_shown_in_the_place_of_the_phases_own_and_only_when_it_changes() -> None:
    rig = Rig()
    rig.engine.start()
    for fact in (WAKE, LinkOpened(), UserStartedSpeaking(), UserStartedSpeaking(), UserStoppedSpeaking()):
        rig.engine.report(fact)

    shown = [told[1] for told in rig.told if told[0] == "panel.show"]
    assert shown == [Light.IDLE, Light.CONNECTING, Light.LISTENING, Light.HEARING, Light.LISTENING]
    assert [each.light for each in rig.notices if isinstance(each, ShowLight)] == shown
