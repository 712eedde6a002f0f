"""False interruptions: after which the answer resumes, when, and what is reported to the service."""

import pytest
from msgspec.structs import replace

from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import (
    AnswerArrived,
    CallMade,
    DeadlinePassed,
    Device,
    DeviceLost,
    Event,
    GoodbyeRequested,
    ItemEnded,
    ItemHeard,
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
    SessionExpires,
    TalkHeld,
    TalkPressed,
    ToolFinished,
    TurnEnded,
    TurnTranscribed,
    UserStartedSpeaking,
    UserStoppedSpeaking,
)
from edgevoice.core.orders import (
    Action,
    CancelResponse,
    CreateResponse,
    CutPlayback,
    DeleteTurn,
    DropPlayback,
    Earcon,
    ExtendItem,
    KeepUplink,
    Light,
    MuteMicrophone,
    OpenLink,
    OpenUplink,
    PlayEarcon,
    ResumePlayback,
    RunTool,
    SendToolOutput,
    ShowLight,
    SilenceUplink,
    TruncateItem,
)
from tests.core.drive import (
    CALL,
    COMPLETED,
    HALF_DUPLEX,
    NETWORK_GONE,
    OPEN_MICROPHONE,
    OTHER_CALL,
    TO_ANSWERING,
    TO_LISTENING,
    TO_SPEAKING,
    TO_SPOKEN,
    TO_THINKING,
    WAKE,
    Driven,
    drive,
)

RESUMES = replace(OPEN_MICROPHONE, resumes=True)
BEGAN = NearSpeechBegan(at_sample=43_200)
CONFIRMED = NearSpeechConfirmed(at_sample=41_600)
STARTED, STOPPED, ENDED = UserStartedSpeaking(), UserStoppedSpeaking(), TurnEnded()
HEARD = PlaybackCut((ItemHeard("i1", 0, 740, 2000, is_complete=True),))
CUT = CutPlayback(keeps_rest=True)
GOES_ON = [ResumePlayback(), ShowLight(Light.SPEAKING)]
CANCELLED = ResponseEnded("r1", ResponseStatus.CANCELLED, has_audio=True)


def written(words: str, *, is_final: bool = True) -> TurnTranscribed:
    return TurnTranscribed("u2", bool(words), is_final)


EARLY = (STARTED, written("what time", is_final=False), STOPPED, ENDED)
"""A question whose words come while it is spoken."""


def speaking(*facts: Event, words_come_early: bool = False, hears_itself: bool = False) -> Driven:
    """Return a box in the middle of an answer that has arrived completely."""
    question = EARLY if words_come_early else (STARTED, STOPPED, ENDED)
    answer = (ResponseStarted("r1"), PlaybackStarted(1), COMPLETED)
    policy = replace(HALF_DUPLEX if hears_itself else OPEN_MICROPHONE, resumes=True)
    return drive(*TO_LISTENING, *question, *answer, *facts, policy=policy)


def resumed_after_s(driven: Driven, limit_s: float = 8) -> float | None:
    """Return the time until the answer resumes; ``None`` when it does not."""
    begun = driven.now
    while (at := driven.conversation.deadline) is not None and at <= begun + limit_s:
        driven.now = max(driven.now, at)
        if ResumePlayback() in driven.hear(DeadlinePassed()):
            return round(driven.now - begun, 3)
    return None


def without_lights(actions: list[Action]) -> list[Action]:
    return [action for action in actions if not isinstance(action, ShowLight)]


# --- when ------------------------------------------------------------------------------------------------------------

BY_BOX, BY_SERVICE, BY_BOTH = (CONFIRMED, HEARD), (STARTED, HEARD), (CONFIRMED, HEARD, STARTED)


@pytest.mark.parametrize(
    ("cut", "then", "after_s"),
    [
        (BY_BOX, (), 1.2),
        (BY_BOX, (NearSpeechEnded(),), 0.9),
        (BY_BOX, (NearSpeechFaded(),), 0.9),
        (BY_BOX, (written("late words of the question"),), 1.2),
        (BY_SERVICE, (), None),
        (BY_SERVICE, (NearSpeechEnded(),), None),
        (BY_SERVICE, (STOPPED,), 1.2),
        (BY_SERVICE, (STOPPED, ENDED), None),
        (BY_SERVICE, (STOPPED, ENDED, ResponseStarted("r2")), None),
        (BY_BOTH, (), None),
        (BY_BOTH, (NearSpeechEnded(), STOPPED), 1.2),
        (BY_BOTH, (NearSpeechEnded(), STOPPED, ENDED), None),
    ],
)
def test_if_words_come_only_after_a_turn_their_absence_before_proves_nothing(
    cut: tuple[Event, ...], then: tuple[Event, ...], after_s: float | None
) -> None:
    assert resumed_after_s(speaking(*cut, *then)) == after_s


@pytest.mark.parametrize(
    ("cut", "then", "after_s"),
    [
        (BY_SERVICE, (), None),
        (BY_SERVICE, (NearSpeechEnded(),), 1.2),
        (BY_SERVICE, (STOPPED,), 1.2),
        (BY_SERVICE, (STOPPED, ENDED), 1.2),
        (BY_SERVICE, (NearSpeechEnded(), STOPPED, STARTED), None),
        (BY_BOTH, (), None),
        (BY_BOTH, (NearSpeechEnded(),), 1.2),
        ((CONFIRMED, HEARD, NearSpeechEnded(), STARTED), (), 1.2),
    ],
)
def test_if_words_come_during_speech_their_absence_means_nobody_spoke(
    cut: tuple[Event, ...], then: tuple[Event, ...], after_s: float | None
) -> None:
    assert resumed_after_s(speaking(*cut, *then, words_come_early=True)) == after_s


@pytest.mark.parametrize("cut", [BY_SERVICE, BY_BOTH])
@pytest.mark.parametrize("then", [(), (STOPPED,), (STOPPED, ENDED), (STOPPED, ENDED, ResponseStarted("r2"))], ids=len)
def test_a_turn_without_words_means_at_once_that_nobody_spoke(cut: tuple[Event, ...], then: tuple[Event, ...]) -> None:
    cut_off = speaking(*cut, *then)

    assert ResumePlayback() in cut_off.hear(written(""))
    assert cut_off.phase is Phase.SPEAKING
    assert cut_off.conversation.admits("r1")


@pytest.mark.parametrize("is_final", [True, False])
@pytest.mark.parametrize("cut", [BY_SERVICE, BY_BOTH])
def test_words_mean_that_a_person_spoke(cut: tuple[Event, ...], *, is_final: bool) -> None:
    cut_off = speaking(*cut)

    assert cut_off.hear(written("stop", is_final=is_final)) == [DropPlayback()]
    assert cut_off.hear(written("")) == []
    assert resumed_after_s(cut_off) is None
    assert not cut_off.conversation.admits("r1")


def test_words_that_are_still_missing_decide_nothing() -> None:
    assert speaking(*BY_SERVICE).hear(written("", is_final=False)) == []


def test_an_interruption_undecided_for_five_seconds_ends_the_answer() -> None:
    cut_off = speaking(*BY_SERVICE)

    assert cut_off.wait(4.9) == []
    assert cut_off.wait(0.1) == [DropPlayback()]
    assert cut_off.hear(written("")) == []


def test_a_stall_of_the_box_does_not_count_against_the_person() -> None:
    cut_off = speaking(*BY_BOX)
    cut_off.now += 3

    assert cut_off.hear(LoopStalled(1.8)) == []
    assert cut_off.hear(STARTED) == [TruncateItem("i1", 0, 740)]
    assert cut_off.hear(written("stop")) == [DropPlayback()]


# --- how --------------------------------------------------------------------------------------------------------------


def test_the_light_shows_listening_and_then_speaking_again() -> None:
    answering = speaking()

    assert answering.hear(CONFIRMED) == [CUT, ShowLight(Light.LISTENING)]
    assert answering.hear(HEARD) == [], "as long as the box alone has heard it the service is told nothing"
    assert answering.wait(1.2) == [ShowLight(Light.SPEAKING), ResumePlayback()]
    assert answering.hear(PlaybackStarted(2), PlaybackDrained(2)) == [ShowLight(Light.LISTENING)]
    assert answering.waits_s == 6, "it was an answer like any other"


def test_a_box_that_hears_itself_opens_the_uplink_while_it_waits_and_shuts_it_again() -> None:
    answering = speaking(hears_itself=True)

    assert answering.hear(CONFIRMED)[-2:] == [KeepUplink(41_600, has_preroll=False), OpenUplink()]
    answering.wait(1.2)
    assert answering.hear(PlaybackStarted(2)) == [SilenceUplink()]
    answering.hear(PlaybackDrained(2))
    assert OpenUplink() in answering.wait(0.2)


def test_an_answer_is_resumed_once() -> None:
    answering = speaking(*BY_BOX)
    answering.wait(1.2)
    answering.hear(PlaybackStarted(2))

    assert answering.hear(CONFIRMED) == [CutPlayback(), ShowLight(Light.LISTENING)]
    assert answering.hear(PlaybackCut((ItemHeard("i1", 0, 900, 2000, is_complete=True),))) == [
        TruncateItem("i1", 0, 900)
    ]
    assert resumed_after_s(answering) is None


def test_the_next_answer_may_be_resumed_again() -> None:
    answering = speaking(*BY_BOX)
    answering.wait(1.2)
    answering.hear(PlaybackStarted(2), PlaybackDrained(2))

    answering.hear(STARTED, STOPPED, ENDED, ResponseStarted("r2"), PlaybackStarted(3))

    assert answering.hear(CONFIRMED)[0] == CUT


def test_an_answer_still_being_generated_continues_meanwhile() -> None:
    answering = drive(*TO_SPEAKING, CONFIRMED, HEARD, policy=RESUMES)

    assert answering.conversation.admits("r1")
    assert answering.hear(COMPLETED) == []
    assert answering.wait(1.2) == [ShowLight(Light.SPEAKING), ResumePlayback()]
    assert answering.hear(PlaybackStarted(2), PlaybackDrained(2)) == [ShowLight(Light.LISTENING)]


def test_an_answer_still_being_generated_after_it_was_resumed_is_awaited() -> None:
    answering = drive(*TO_SPEAKING, *BY_BOX, policy=RESUMES)
    answering.wait(1.2)

    assert answering.hear(PlaybackStarted(2), PlaybackDrained(2)) == [ShowLight(Light.THINKING)]
    assert answering.hear(PlaybackStarted(3), COMPLETED, PlaybackDrained(3)) == [
        ShowLight(Light.SPEAKING),
        ShowLight(Light.LISTENING),
    ]


def test_the_received_part_of_an_answer_cancelled_by_the_service_is_heard() -> None:
    answering = drive(*TO_SPEAKING, *BY_SERVICE, CANCELLED, STOPPED, ENDED, policy=RESUMES)

    assert ResumePlayback() in answering.hear(written(""))
    assert without_lights(answering.hear(PlaybackStarted(2), PlaybackDrained(2))) == [ExtendItem("i1")]
    assert answering.phase is Phase.LISTENING


# --- what is not resumed ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hand", [WAKE, TalkPressed(at_sample=1)], ids=["wake word", "button"])
def test_an_interruption_by_hand_is_always_meant(hand: Event) -> None:
    assert speaking().hear(hand) == [CutPlayback(), ShowLight(Light.LISTENING)]


def test_with_resuming_disabled_a_cut_is_final() -> None:
    assert drive(*TO_SPOKEN).hear(CONFIRMED)[0] == CutPlayback()


def test_a_stalled_answer_has_nothing_to_resume() -> None:
    stalled = drive(*TO_SPEAKING, PlaybackDrained(1), policy=RESUMES)

    assert stalled.hear(STARTED) == [CutPlayback(), ShowLight(Light.LISTENING)]


def test_speech_before_the_first_sound_is_an_ordinary_turn() -> None:
    answering = drive(*TO_ANSWERING, policy=RESUMES)

    assert answering.hear(STARTED) == [ShowLight(Light.LISTENING)]
    assert answering.hear(written("")) == []


# --- a real interruption after all ------------------------------------------------------------------------------------


def test_a_wake_word_while_it_waits_means_a_person() -> None:
    answering = drive(*TO_SPEAKING, *BY_BOX, policy=RESUMES)

    assert answering.hear(WAKE) == [DropPlayback(), CancelResponse("r1"), TruncateItem("i1", 0, 740)]
    assert resumed_after_s(answering, 7) is None


def test_a_wake_word_while_an_answer_to_a_noise_is_awaited_means_a_person() -> None:
    answering = speaking(*BY_SERVICE, STOPPED, ENDED)

    assert DropPlayback() in answering.hear(WAKE)
    assert answering.hear(ResponseStarted("r2")) == [CancelResponse("r2")]


@pytest.mark.parametrize("end", [TalkHeld(), TalkPressed(at_sample=1), DeviceLost(Device.SPEAKER)], ids=str)
def test_hanging_up_discards_the_rest_of_the_answer(end: Event) -> None:
    answering = speaking(*BY_BOX)

    assert DropPlayback() in answering.hear(end)
    assert answering.phase is Phase.IDLE
    assert answering.conversation.deadline is None or isinstance(end, DeviceLost)


@pytest.mark.parametrize("is_retriable", [True, False])
def test_a_session_lost_while_it_waits_discards_the_rest(*, is_retriable: bool) -> None:
    answering = speaking(*BY_BOX)

    assert DropPlayback() in answering.hear(LinkLost("session-ended", is_retriable))
    assert answering.phase is (Phase.CONNECTING if is_retriable else Phase.IDLE)
    assert resumed_after_s(answering, 3) is None


def test_the_first_sound_of_an_answer_to_it_shows_that_a_person_spoke() -> None:
    answering = speaking(*BY_SERVICE, STOPPED, ENDED, ResponseStarted("r2"))
    assert answering.conversation.keeps_rest_beside("r2")
    assert answering.conversation.admits("r2")

    assert answering.hear(AnswerArrived("r2")) == [DropPlayback()]

    assert not answering.conversation.admits("r1")
    assert not answering.conversation.keeps_rest_beside("r2")
    assert answering.hear(PlaybackStarted(2), written("")) == [ShowLight(Light.SPEAKING)]


def test_more_of_the_cut_answer_decides_nothing() -> None:
    assert speaking(*BY_BOX).hear(AnswerArrived("r1")) == []
    assert not speaking(*BY_BOX).conversation.keeps_rest_beside("r1")


def test_an_answer_to_it_that_runs_a_tool_shows_that_a_person_spoke() -> None:
    answering = speaking(*BY_SERVICE, STOPPED, ENDED, ResponseStarted("r2"))

    assert answering.hear(ResponseEnded("r2", ResponseStatus.COMPLETED, (CALL,))) == [DropPlayback(), RunTool(CALL)]


def test_a_silent_answer_to_it_shows_that_nobody_spoke() -> None:
    answering = speaking(*BY_SERVICE, STOPPED, ENDED, ResponseStarted("r2"))

    assert ResumePlayback() in answering.hear(ResponseEnded("r2", ResponseStatus.COMPLETED))


def test_an_answer_to_it_that_fails_is_a_failure() -> None:
    answering = speaking(*BY_SERVICE, STOPPED, ENDED, ResponseStarted("r2"))

    actions = answering.hear(ResponseEnded("r2", ResponseStatus.FAILED))

    assert actions[:2] == [ShowLight(Light.LISTENING), DropPlayback()]
    assert PlayEarcon(Earcon.ERROR) in actions


def test_an_answer_to_it_whose_sound_has_come_is_heard() -> None:
    answering = speaking(*BY_SERVICE, STOPPED, ENDED, ResponseStarted("r2"), AnswerArrived("r2"), PlaybackStarted(2))

    assert answering.hear(ResponseEnded("r2", ResponseStatus.COMPLETED, has_audio=True)) == []


def test_a_service_that_answers_without_reporting_speech_has_heard_some() -> None:
    answering = speaking(*BY_BOX)

    assert answering.hear(ResponseStarted("r2")) == [ShowLight(Light.THINKING), TruncateItem("i1", 0, 740)]
    assert resumed_after_s(answering, 4) is None


def test_a_service_that_ends_a_turn_without_reporting_its_start_has_heard_some() -> None:
    assert speaking(*BY_BOX).hear(ENDED) == [ShowLight(Light.THINKING), TruncateItem("i1", 0, 740)]


# --- what is reported to the service ----------------------------------------------------------------------------------


def test_once_the_service_hears_speech_it_receives_what_was_heard() -> None:
    assert speaking(CONFIRMED, HEARD).hear(STARTED) == [TruncateItem("i1", 0, 740)]
    assert speaking(CONFIRMED, STARTED).hear(HEARD) == [TruncateItem("i1", 0, 740)]
    assert speaking(STARTED).hear(HEARD) == [TruncateItem("i1", 0, 740)]


def test_a_late_report_of_an_earlier_cut_is_not_taken_for_this_one() -> None:
    late = PlaybackCut((ItemHeard("i0", 0, 100, 900, is_complete=False),))

    answering = speaking(CONFIRMED, late)
    assert answering.hear(HEARD) == [TruncateItem("i0", 0, 100)]
    assert answering.hear(STARTED) == [TruncateItem("i1", 0, 740)]

    answering = speaking(STARTED, late)
    assert answering.hear(HEARD) == [TruncateItem("i1", 0, 740)]
    answering.hear(written(""), PlaybackStarted(2))
    assert answering.hear(PlaybackDrained(2)) == [ShowLight(Light.LISTENING), ExtendItem("i1")]


def test_what_was_heard_may_become_known_only_after_resuming() -> None:
    answering = speaking(STARTED, written(""), PlaybackStarted(2))

    assert answering.hear(HEARD) == [TruncateItem("i1", 0, 740)]
    assert answering.hear(PlaybackDrained(2)) == [ShowLight(Light.LISTENING), ExtendItem("i1")]


def test_what_was_heard_may_become_known_only_after_words_have_cut_it_again() -> None:
    answering = speaking(STARTED, written(""), PlaybackStarted(2), written("stop"))
    later = PlaybackCut((ItemHeard("i1", 0, 800, 2000, is_complete=True),))

    assert answering.hear(HEARD, later) == [TruncateItem("i1", 0, 740), ExtendItem("i1", 800)]


def test_a_service_that_heard_no_speech_is_not_informed_then_either() -> None:
    answering = speaking(CONFIRMED)
    answering.wait(1.2)

    assert answering.hear(PlaybackStarted(2), HEARD) == []
    assert speaking(STARTED, written(""), LinkLost("session-ended", is_retriable=True)).hear(HEARD) == []


def test_the_service_learns_that_the_rest_was_heard_after_all() -> None:
    answering = speaking(*BY_BOTH, written(""))

    assert answering.hear(PlaybackStarted(2)) == []
    assert answering.hear(PlaybackDrained(2)) == [ShowLight(Light.LISTENING), ExtendItem("i1")]


def test_the_service_learns_how_far_an_answer_cut_again_was_heard() -> None:
    answering = speaking(*BY_BOTH, written(""), PlaybackStarted(2), STARTED)

    assert answering.hear(PlaybackCut((ItemHeard("i1", 0, 1500, 2000, is_complete=True),))) == [
        ExtendItem("i1", heard_ms=1500)
    ]


def test_an_item_heard_to_its_end_before_the_second_cut_is_reported_too() -> None:
    answering = speaking(*BY_BOTH, written(""), PlaybackStarted(2), STARTED)

    assert answering.hear(PlaybackCut((ItemHeard("i2", 0, 1500, 2000, is_complete=True),))) == [
        ExtendItem("i1"),
        TruncateItem("i2", 0, 1500),
    ]


def test_nothing_is_sent_to_a_session_that_is_gone() -> None:
    answering = speaking(*BY_BOTH, written(""), PlaybackStarted(2), LinkLost("session-ended", is_retriable=True))

    assert answering.hear(HEARD) == []
    assert speaking(STARTED, TalkHeld()).hear(HEARD) == []


def test_a_turn_without_words_is_deleted_and_its_answer_is_cancelled() -> None:
    assert without_lights(speaking(*BY_SERVICE, STOPPED, ENDED, ResponseStarted("r2")).hear(written(""))) == [
        ResumePlayback(),
        CancelResponse("r2"),
        DeleteTurn("u2"),
    ]


def test_a_turn_found_wordless_before_its_end_is_deleted_too() -> None:
    answering = speaking(*BY_SERVICE, STOPPED, written(""), PlaybackStarted(2))

    assert answering.hear(ENDED) == [DeleteTurn("u2")]
    assert answering.hear(ResponseStarted("r2")) == [CancelResponse("r2")]
    assert answering.hear(ResponseEnded("r2", ResponseStatus.CANCELLED)) == []
    assert answering.phase is Phase.SPEAKING
    assert answering.conversation.admits("r1")


def test_a_turn_whose_item_has_no_id_is_not_deleted() -> None:
    answering = speaking(*BY_SERVICE, TurnTranscribed("", has_words=False, is_final=True), PlaybackStarted(2))

    assert answering.hear(ENDED) == []


def test_the_turns_end_after_the_answer_is_not_awaited() -> None:
    answering = speaking(*BY_BOTH, NearSpeechEnded(), words_come_early=True)
    answering.wait(1.2)
    answering.hear(PlaybackStarted(2), PlaybackDrained(2))

    assert answering.hear(STOPPED, ENDED, ResponseStarted("r2")) == [CancelResponse("r2")]
    assert answering.phase is Phase.LISTENING


def test_an_answer_is_cancelled_only_once() -> None:
    answering = speaking(*BY_SERVICE, STOPPED, ENDED)
    answering.conversation._state.answer.begin_unwanted("r2")

    assert CancelResponse("r2") not in answering.hear(written(""))


def test_words_after_resuming_interrupt_it_again() -> None:
    answering = speaking(*BY_BOTH, NearSpeechEnded(), words_come_early=True, hears_itself=True)
    answering.wait(1.2)
    answering.hear(PlaybackStarted(2))

    assert answering.hear(written("stop")) == [CutPlayback(), ShowLight(Light.LISTENING), OpenUplink()]
    assert answering.hear(ENDED, ResponseStarted("r2"), PlaybackStarted(3)) == [
        ShowLight(Light.THINKING),
        ShowLight(Light.SPEAKING),
        SilenceUplink(),
    ]
    assert not answering.conversation.admits("r1")


def test_words_after_the_rest_are_an_ordinary_turn() -> None:
    answering = speaking(*BY_BOTH, NearSpeechEnded(), words_come_early=True)
    answering.wait(1.2)
    answering.hear(PlaybackStarted(2), PlaybackDrained(2))

    assert answering.hear(written("stop"), STOPPED, ENDED) == [ShowLight(Light.THINKING)]
    assert answering.hear(ResponseStarted("r2"), PlaybackStarted(3)) == [ShowLight(Light.SPEAKING)]


# --- what depends on the answer ---------------------------------------------------------------------------------------


def with_tool(*facts: Event) -> Driven:
    """Return a box that speaks while a tool runs, and is cut by a noise."""
    calling = ResponseEnded("r1", ResponseStatus.COMPLETED, (CALL,), has_audio=True)
    return drive(*TO_SPEAKING, calling, *facts, policy=RESUMES)


def test_a_tool_that_is_still_running_is_answered_as_if_nothing_had_happened() -> None:
    answering = with_tool(*BY_BOX)
    answering.wait(1.2)
    answering.hear(PlaybackStarted(2))

    assert answering.hear(ToolFinished(CALL.call_id, "{}")) == [SendToolOutput(CALL.call_id, "{}"), CreateResponse()]


def test_an_answer_to_a_tool_that_ended_meanwhile_is_requested_on_resuming() -> None:
    answering = with_tool(*BY_BOX)

    assert answering.hear(ToolFinished(CALL.call_id, "{}")) == [SendToolOutput(CALL.call_id, "{}")]
    assert answering.wait(1.2) == [ShowLight(Light.SPEAKING), ResumePlayback(), CreateResponse()]


def test_a_call_that_arrives_while_it_waits_is_run_and_answered() -> None:
    answering = drive(*TO_SPEAKING, *BY_BOX, policy=RESUMES)
    calling = ResponseEnded("r1", ResponseStatus.COMPLETED, (CALL,), has_audio=True)

    assert answering.hear(calling) == [RunTool(CALL)]
    answering.wait(1.2)
    assert CreateResponse() in answering.hear(PlaybackStarted(2), ToolFinished(CALL.call_id, "{}"))


@pytest.mark.parametrize("meanwhile", [True, False])
def test_a_service_that_answers_tools_by_itself_is_recognised_even_after_a_cough(*, meanwhile: bool) -> None:
    calling = ResponseEnded("r1", ResponseStatus.COMPLETED, (CALL,), has_audio=True)
    ran = (ToolFinished(CALL.call_id, "{}"),)
    policy = replace(RESUMES, may_answer_tools=True)
    answering = drive(*TO_SPEAKING, *BY_BOX, calling, *(ran if meanwhile else ()), policy=policy)
    answering.wait(1.2)
    answering.hear(PlaybackStarted(2), *(() if meanwhile else ran))

    # The service's own answer to the tool begins before the request, and is the only one.
    assert answering.hear(ResponseStarted("r2")) == []
    assert answering.hear(PlaybackStarted(3), ResponseStarted("r3")) == [CancelResponse("r3")]


def test_an_answer_to_tools_remains_one_after_a_cough() -> None:
    calling = ResponseEnded("r1", ResponseStatus.COMPLETED, (CALL,))
    policy = replace(RESUMES, may_answer_tools=True)
    answering = drive(*TO_ANSWERING, calling, ToolFinished(CALL.call_id, "{}"), policy=policy)
    answering.hear(ResponseStarted("r2"), PlaybackStarted(1))
    answering.hear(*BY_SERVICE, STOPPED, ENDED, ResponseStarted("to the cough"), written(""))

    assert answering.hear(PlaybackStarted(2), ResponseStarted("r3")) == [CancelResponse("r3")]


def test_words_of_a_session_that_is_gone_interrupt_nothing() -> None:
    answering = speaking(*BY_BOTH, NearSpeechEnded(), words_come_early=True)
    answering.wait(1.2)
    answering.hear(PlaybackStarted(2), NETWORK_GONE)

    assert answering.hear(written("stop")) == []
    assert answering.phase is Phase.SPEAKING


def test_a_due_answer_that_has_not_begun_is_still_accepted() -> None:
    answering = with_tool(ToolFinished(CALL.call_id, "{}"), *BY_BOX)

    assert answering.wait(1.2) == [ShowLight(Light.SPEAKING), ResumePlayback()]
    assert answering.hear(PlaybackStarted(2), ResponseStarted("r2")) == []
    assert answering.conversation.admits("r2")


def test_an_answer_that_began_and_was_cancelled_is_requested_again() -> None:
    answering = with_tool(ToolFinished(CALL.call_id, "{}"), *BY_BOX)
    assert answering.hear(ResponseStarted("r2")) == [CancelResponse("r2")]

    answering.wait(1.2)
    assert CreateResponse() in answering.hear(PlaybackStarted(2), ResponseEnded("r2", ResponseStatus.CANCELLED))


def test_the_end_of_a_cancelled_answer_decides_nothing() -> None:
    answering = with_tool(ToolFinished(CALL.call_id, "{}"), *BY_BOX, ResponseStarted("r2"))

    assert answering.hear(ResponseEnded("r2", ResponseStatus.CANCELLED)) == []
    assert answering.wait(1.2) == [ShowLight(Light.SPEAKING), ResumePlayback(), CreateResponse()]


def test_a_farewell_remains_a_farewell() -> None:
    farewell = with_tool(GoodbyeRequested(), ToolFinished(CALL.call_id, "{}"), *BY_BOX)
    farewell.wait(1.2)

    farewell.hear(PlaybackStarted(2), PlaybackDrained(2))

    assert farewell.phase is Phase.IDLE


def test_a_new_session_waits_for_the_decision() -> None:
    answering = drive(*TO_LISTENING, SessionExpires(40), STARTED, STOPPED, ENDED, policy=RESUMES)
    answering.hear(ResponseStarted("r1"), PlaybackStarted(1), COMPLETED)
    answering.wait(29.5)
    answering.hear(*BY_BOX)

    answering.wait(1)
    assert answering.phase is Phase.LISTENING
    answering.wait(0.2)
    assert OpenLink("hey_jarvis", resumes=True) in answering.hear(PlaybackStarted(2), PlaybackDrained(2))
    assert answering.hear(LinkOpened())


def test_a_second_noise_while_it_waits_decides_nothing() -> None:
    answering = speaking(*BY_SERVICE, STOPPED, ENDED)

    assert answering.hear(STARTED) == [ShowLight(Light.LISTENING)]
    assert ResumePlayback() in answering.hear(STOPPED, ENDED, written(""))


def test_when_the_box_goes_deaf_the_answer_resumes() -> None:
    assert speaking(*BY_BOX).hear(MutePressed()) == [
        ShowLight(Light.SPEAKING),
        MuteMicrophone(),
        PlayEarcon(Earcon.MUTED),
        ResumePlayback(),
    ]


def test_an_answer_replaced_by_another_is_resumed_with_all_its_later_audio() -> None:
    answering = drive(*TO_SPEAKING, *BY_SERVICE, STOPPED, ENDED, ResponseStarted("r2"), policy=RESUMES)

    answering.hear(written(""), PlaybackStarted(2), PlaybackDrained(2))

    assert answering.phase is Phase.THINKING, "its end has not come"
    assert ShowLight(Light.LISTENING) in answering.hear(CANCELLED)


# --- no more and no less than that ------------------------------------------------------------------------------------


def test_speech_over_an_answer_that_has_not_sounded_rejects_that_answer() -> None:
    answering = speaking(*BY_SERVICE, STOPPED, ENDED, ResponseStarted("r2"), STARTED)

    assert not answering.conversation.admits("r2")
    assert answering.conversation.admits("r1"), "it may still go on"
    answering.hear(written(""), PlaybackStarted(2), PlaybackDrained(2))
    assert answering.phase is Phase.LISTENING


def test_sound_without_an_answer_is_cut_for_good() -> None:
    assert drive(*TO_THINKING, PlaybackStarted(1), policy=RESUMES).hear(STARTED)[0] == CutPlayback()


def test_the_last_cut_decides_what_was_heard_even_if_an_earlier_report_is_missing() -> None:
    answering = speaking(CONFIRMED)
    answering.wait(1.2)
    answering.hear(PlaybackStarted(2), PlaybackDrained(2), STARTED, STOPPED, ENDED)
    answering.hear(ResponseStarted("r2"), PlaybackStarted(3), CONFIRMED, HEARD)

    assert answering.hear(STARTED) == [TruncateItem("i1", 0, 740)]


def test_the_uplink_opens_without_what_was_said_before_resuming() -> None:
    answering = speaking(BEGAN, CONFIRMED, HEARD, hears_itself=True)
    answering.wait(1.2)
    answering.hear(PlaybackStarted(2), PlaybackDrained(2))

    assert answering.wait(0.2) == [ShowLight(Light.LISTENING), OpenUplink()]


def test_a_second_noise_is_judged_on_its_own() -> None:
    assert resumed_after_s(speaking(*BY_SERVICE, STOPPED, ENDED, STARTED, STOPPED)) == 1.2


@pytest.mark.parametrize(
    "question",
    [
        (STARTED, STOPPED, ENDED, written("what time", is_final=False)),
        (STARTED, written("", is_final=False), STOPPED, ENDED),
    ],
    ids=["words after it", "no words in it"],
)
def test_only_words_that_arrive_during_speech_show_that_words_come_early(question: tuple[Event, ...]) -> None:
    answering = drive(*TO_LISTENING, *question, ResponseStarted("r1"), PlaybackStarted(1), COMPLETED, policy=RESUMES)
    answering.hear(*BY_SERVICE, NearSpeechEnded())

    assert resumed_after_s(answering) is None


def test_late_words_do_not_cut_again_if_the_service_heard_no_speech() -> None:
    answering = speaking(*BY_BOX)
    answering.wait(1.2)

    assert answering.hear(PlaybackStarted(2), written("late words of the question")) == []


def test_a_transcript_without_words_does_not_cut_again_either() -> None:
    answering = speaking(*BY_BOTH, NearSpeechEnded(), words_come_early=True)
    answering.wait(1.2)

    assert answering.hear(PlaybackStarted(2), written("")) == []


def test_an_answer_to_a_call_made_and_finished_while_it_waits_is_requested_on_resuming() -> None:
    answering = drive(*TO_SPEAKING, *BY_BOX, policy=RESUMES)
    calling = ResponseEnded("r1", ResponseStatus.COMPLETED, (CALL,), has_audio=True)

    assert answering.hear(calling, ToolFinished(CALL.call_id, "{}")) == [
        RunTool(CALL),
        SendToolOutput(CALL.call_id, "{}"),
    ]
    assert answering.wait(1.2) == [ShowLight(Light.SPEAKING), ResumePlayback(), CreateResponse()]


def test_an_answer_owed_before_the_cut_stays_owed_if_the_answer_ends_without_a_call() -> None:
    calling = ResponseEnded("r1", ResponseStatus.COMPLETED, (CALL, OTHER_CALL))
    answering = drive(*TO_ANSWERING, calling, ResponseStarted("r2"), PlaybackStarted(1), *BY_BOX, policy=RESUMES)
    answering.hear(ResponseEnded("r2", ResponseStatus.COMPLETED, has_audio=True))
    answering.hear(ToolFinished(CALL.call_id, "{}"), ToolFinished(OTHER_CALL.call_id, "{}"))

    assert answering.wait(1.2) == [ShowLight(Light.SPEAKING), ResumePlayback(), CreateResponse()]


@pytest.mark.parametrize(
    "nobody", [written(""), ResponseEnded("r2", ResponseStatus.COMPLETED)], ids=["no words", "no sound"]
)
def test_an_owed_answer_is_requested_however_it_turns_out_that_nobody_spoke(nobody: Event) -> None:
    answering = with_tool(*BY_SERVICE, STOPPED, ENDED, ResponseStarted("r2"), ToolFinished(CALL.call_id, "{}"))

    assert CreateResponse() in answering.hear(nobody, ResponseEnded("r2", ResponseStatus.CANCELLED))


def test_the_end_of_an_answer_with_sound_decides_nothing() -> None:
    answering = speaking(*BY_SERVICE, STOPPED, ENDED, ResponseStarted("r2"))

    assert without_lights(answering.hear(ResponseEnded("r2", ResponseStatus.COMPLETED, has_audio=True))) == []


def test_a_silent_answer_that_has_ended_is_not_cancelled() -> None:
    answering = speaking(*BY_SERVICE, STOPPED, ENDED, ResponseStarted("r2"))

    assert without_lights(answering.hear(ResponseEnded("r2", ResponseStatus.COMPLETED))) == [ResumePlayback()]


def test_an_answer_still_being_generated_is_cancelled_only_by_hand_and_once() -> None:
    generated = (*TO_SPEAKING, *BY_SERVICE)

    assert drive(*generated, policy=RESUMES).hear(written("stop")) == [DropPlayback()]
    assert CancelResponse("r1") not in speaking(*BY_BOX).hear(WAKE), "it has ended"
    called_off = drive(*generated, WAKE, ENDED, policy=RESUMES)
    assert CancelResponse("r1") not in called_off.hear(TalkPressed(at_sample=1))


def test_a_resumed_answer_is_still_being_generated() -> None:
    answering = drive(*TO_SPEAKING, *BY_BOX, policy=RESUMES)

    assert answering.wait(1.2) == [ShowLight(Light.SPEAKING), ResumePlayback()]


def test_a_person_who_cuts_it_again_gets_the_full_time_for_an_answer() -> None:
    answering = speaking(*BY_BOTH, NearSpeechEnded(), words_come_early=True)
    answering.wait(1.2)
    answering.hear(PlaybackStarted(2), written("stop"))

    assert answering.waits_s == OPEN_MICROPHONE.answer_s


def test_only_one_answer_to_the_turn_without_words_is_cancelled() -> None:
    answering = speaking(*BY_SERVICE, STOPPED, ENDED, ResponseStarted("r2"), written(""))
    answering.hear(PlaybackStarted(2), PlaybackDrained(2))

    assert answering.hear(ResponseStarted("r3")) == [ShowLight(Light.THINKING)]


def test_only_a_finished_turn_with_an_id_is_deleted() -> None:
    assert without_lights(speaking(*BY_SERVICE, STOPPED).hear(written(""))) == [ResumePlayback()]
    nameless = speaking(*BY_SERVICE, STOPPED, ENDED, words_come_early=True)
    assert without_lights(nameless.wait(1.2)) == [ResumePlayback()]


def test_the_next_turn_counts_even_if_the_end_of_the_noise_was_never_reported() -> None:
    answering = speaking(*BY_BOTH, NearSpeechEnded(), words_come_early=True)
    answering.wait(1.2)
    answering.hear(PlaybackStarted(2), PlaybackDrained(2))

    assert answering.hear(STARTED, STOPPED, ENDED) == [ShowLight(Light.THINKING)]


def test_the_next_turns_words_are_its_own_even_if_its_start_was_never_reported() -> None:
    answering = speaking(*BY_SERVICE, STOPPED, ENDED, written(""), PlaybackStarted(2), PlaybackDrained(2), ENDED)

    assert answering.hear(written("what time is it")) == []
    assert answering.phase is Phase.THINKING


@pytest.mark.parametrize("cut", [BY_BOX, BY_SERVICE])
def test_an_answer_that_is_still_due_is_not_requested_twice(cut: tuple[Event, ...]) -> None:
    answering = with_tool(ToolFinished(CALL.call_id, "{}"), *cut)
    resumed = answering.wait(1.2) if cut is BY_BOX else answering.hear(written(""))

    assert without_lights(resumed) == [ResumePlayback()]
    assert answering.hear(PlaybackStarted(2), PlaybackDrained(2)) == [ShowLight(Light.THINKING)]
    assert answering.hear(ResponseStarted("r2"), PlaybackStarted(3)) == [ShowLight(Light.SPEAKING)]


def test_an_answer_is_not_requested_on_resuming_while_its_tool_still_runs() -> None:
    assert with_tool(*BY_BOX).wait(1.2) == [ShowLight(Light.SPEAKING), ResumePlayback()]


def test_after_the_rest_the_user_has_the_full_follow_up_time() -> None:
    answering = speaking(*BY_SERVICE, written(""), PlaybackStarted(2), PlaybackDrained(2))

    assert answering.waits_s == OPEN_MICROPHONE.follow_up_s


@pytest.mark.parametrize("cut", [BY_SERVICE, (*BY_SERVICE, STOPPED), (*BY_SERVICE, STOPPED, ENDED)], ids=len)
def test_no_deadline_set_meanwhile_cuts_the_rest_short(cut: tuple[Event, ...]) -> None:
    answering = speaking(*cut, written(""))

    assert answering.waits_s == OPEN_MICROPHONE.session_s


def test_if_the_service_heard_nothing_the_next_answer_and_turn_are_genuine() -> None:
    answering = speaking(*BY_BOX)
    answering.wait(1.2)
    answering.hear(PlaybackStarted(2), PlaybackDrained(2))
    again = speaking(*BY_BOX)
    again.wait(1.2)
    again.hear(PlaybackStarted(2), PlaybackDrained(2))

    assert answering.hear(ResponseStarted("r2")) == [ShowLight(Light.THINKING)]
    assert again.hear(ENDED) == [ShowLight(Light.THINKING)]


def test_an_owed_answer_is_not_taken_for_one_to_the_turn_without_words() -> None:
    answering = with_tool(ToolFinished(CALL.call_id, "{}"), *BY_SERVICE, written(""), PlaybackStarted(2))

    assert answering.hear(ResponseStarted("r2")) == []
    assert answering.conversation.admits("r2")


def test_of_two_answers_that_begin_after_it_was_resumed_the_second_is_heard() -> None:
    answering = speaking(*BY_SERVICE, STOPPED, ENDED, written(""), PlaybackStarted(2))

    assert answering.hear(ResponseStarted("r2")) == [CancelResponse("r2")]
    answering.hear(PlaybackDrained(2))
    assert answering.hear(ResponseStarted("r3")) == [ShowLight(Light.THINKING)]


def test_an_answer_being_cancelled_delays_the_one_that_is_owed() -> None:
    answering = with_tool(*BY_SERVICE, STOPPED, ENDED, written(""), PlaybackStarted(2), ResponseStarted("r2"))

    assert answering.hear(ToolFinished(CALL.call_id, "{}")) == [SendToolOutput(CALL.call_id, "{}")]
    assert answering.hear(ResponseEnded("r2", ResponseStatus.CANCELLED)) == [CreateResponse()]


def test_the_turn_without_words_ends_once() -> None:
    answering = speaking(*BY_SERVICE, STOPPED, written(""), PlaybackStarted(2), ENDED, PlaybackDrained(2))

    assert answering.hear(ENDED) == [ShowLight(Light.THINKING)]


def test_no_other_answer_is_let_through_while_the_rest_is_kept() -> None:
    assert not speaking(*BY_BOX).conversation.admits("r2")


def test_a_box_that_goes_deaf_requests_the_owed_answer() -> None:
    answering = with_tool(*BY_BOX, ToolFinished(CALL.call_id, "{}"))

    assert answering.hear(MutePressed())[-2:] == [ResumePlayback(), CreateResponse()]


def test_after_two_noises_in_a_row_nothing_is_awaited_after_the_rest() -> None:
    answering = speaking(*BY_SERVICE, STOPPED, ENDED, STARTED, written(""), PlaybackStarted(2), PlaybackDrained(2))

    assert answering.phase is Phase.LISTENING


@pytest.mark.parametrize("of_the_noise", [CallMade("r2", CALL), ItemEnded("r2")], ids=["a call", "an item"])
def test_audio_of_an_answer_to_the_noise_is_not_taken_for_the_rest(of_the_noise: Event) -> None:
    answered = (*BY_SERVICE, STOPPED, ENDED, ResponseStarted("r2"), of_the_noise)
    answering = drive(*TO_SPEAKING, *answered, written(""), PlaybackStarted(2), policy=RESUMES)

    assert answering.hear(PlaybackDrained(2)) == [ShowLight(Light.THINKING)]
    assert answering.wait(OPEN_MICROPHONE.progress_s - 0.1) == []


def test_a_service_has_a_second_after_speech_stops_to_report_a_turn() -> None:
    answering = speaking(*BY_SERVICE)
    answering.wait(0.9)
    answering.hear(STOPPED)

    assert resumed_after_s(answering) == 1.0
