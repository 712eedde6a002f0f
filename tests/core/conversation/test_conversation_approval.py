"""A tool that needs the user's approval: who is asked, how long the box listens, and how the result is reported."""

from msgspec.structs import replace

from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import (
    ApprovalSettled,
    GoodbyeRequested,
    NearSpeechBegan,
    NearSpeechConfirmed,
    PlaybackDrained,
    PlaybackStarted,
    ResponseEnded,
    ResponseStarted,
    ResponseStatus,
    ToolFinished,
    TurnEnded,
    TurnTranscribed,
    UserStartedSpeaking,
    UserStoppedSpeaking,
)
from edgevoice.core.orders import (
    AbandonTools,
    Action,
    AddNote,
    CancelResponse,
    CreateResponse,
    CutPlayback,
    DropPlayback,
    Earcon,
    Light,
    PlayEarcon,
    ResumePlayback,
    RunTool,
    SendToolOutput,
    ShowLight,
)
from tests.core.drive import (
    CALL,
    HALF_DUPLEX,
    HUNG_UP,
    NETWORK_GONE,
    OPEN_MICROPHONE,
    OTHER_CALL,
    TO_ANSWERING,
    TO_SPEAKING,
    TO_TOOLS,
    Driven,
    drive,
)

ASKED = ToolFinished("c1", '{"approval":"asked"}', asking='Say exactly: "Shall I?"')
ONE_CALL = ResponseEnded("r1", ResponseStatus.COMPLETED, (CALL,))
QUESTION = (ResponseStarted("r2"), PlaybackStarted(2), ResponseEnded("r2", ResponseStatus.COMPLETED, has_audio=True))
YES = (UserStartedSpeaking(), UserStoppedSpeaking(), TurnEnded())
DONE = ApprovalSettled("c1", "set_timer", '{"ok":true}', "It has run.", is_spoken=True)
DECLINED = replace(DONE, output='{"declined":true}', note="It has not run.", is_spoken=False)


def asked(**changes: object) -> Driven:
    """Return a conversation in which the question has been heard to its end."""
    policy = replace(OPEN_MICROPHONE, **changes)
    return drive(*TO_ANSWERING, ONE_CALL, ASKED, *QUESTION, PlaybackDrained(2), policy=policy)


def test_the_answer_to_such_a_call_asks_the_user_and_calls_nothing() -> None:
    assert drive(*TO_ANSWERING, ONE_CALL).hear(ASKED) == [
        SendToolOutput("c1", ASKED.output),
        PlayEarcon(Earcon.APPROVAL),
        CreateResponse(may_call_tools=False, asking=ASKED.asking),
    ]


def test_the_question_waits_for_the_other_tools_of_the_reply() -> None:
    waiting = drive(*TO_TOOLS)

    assert waiting.hear(ASKED) == [SendToolOutput("c1", ASKED.output)]
    assert waiting.hear(ToolFinished("c2", "18:04"))[-1] == CreateResponse(may_call_tools=False, asking=ASKED.asking)


def test_the_box_listens_for_the_reply_for_15_seconds_after_the_question() -> None:
    listening = asked()

    assert listening.phase is Phase.LISTENING
    assert listening.wait(14.9) == []
    assert listening.wait(0.1) == HUNG_UP


def test_a_box_that_hangs_up_after_one_answer_listens_for_the_reply() -> None:
    listening = asked(follow_up_s=0)

    assert listening.phase is Phase.LISTENING
    listening.hear(*YES, ResponseStarted("r3"), PlaybackStarted(3))
    listening.hear(ResponseEnded("r3", ResponseStatus.COMPLETED, has_audio=True))
    assert listening.hear(PlaybackDrained(3)) == HUNG_UP


def test_the_next_answer_is_followed_by_the_usual_time() -> None:
    listening = asked()
    listening.hear(*YES, ResponseStarted("r3"), PlaybackStarted(3))
    listening.hear(ResponseEnded("r3", ResponseStatus.COMPLETED, has_audio=True), PlaybackDrained(3))

    assert listening.wait(5.9) == []
    assert listening.wait(0.1) == HUNG_UP


def test_nobody_is_asked_for_an_interrupted_answer() -> None:
    interrupted = drive(*TO_ANSWERING, ONE_CALL, UserStartedSpeaking())

    assert interrupted.hear(ASKED) == [SendToolOutput("c1", ASKED.output)]
    assert interrupted.hear(TurnEnded(), ResponseStarted("r2")) == [ShowLight(Light.THINKING)]


def test_a_question_that_is_interrupted_before_it_begins_is_not_asked() -> None:
    waiting = drive(*TO_TOOLS, ASKED, UserStartedSpeaking())

    assert waiting.hear(ToolFinished("c2", "18:04")) == [SendToolOutput("c2", "18:04")]
    waiting.hear(TurnEnded(), ResponseStarted("r2"), ResponseEnded("r2", ResponseStatus.COMPLETED, (OTHER_CALL,)))
    assert waiting.hear(ToolFinished("c2", "18:05")) == [SendToolOutput("c2", "18:05"), CreateResponse()]


def test_a_question_of_a_lost_session_is_not_asked_in_the_next() -> None:
    speaking = drive(*TO_SPEAKING, ResponseEnded("r1", ResponseStatus.COMPLETED, (CALL, OTHER_CALL), has_audio=True))
    speaking.hear(ASKED)

    assert speaking.hear_all(NETWORK_GONE)[-1] == AbandonTools(("c2",))
    assert not any(isinstance(order, CreateResponse) for order in speaking.wait(3))


def test_a_service_that_answers_unasked_does_not_ask_the_question_in_our_place() -> None:
    waiting = drive(*TO_ANSWERING, ONE_CALL, policy=replace(OPEN_MICROPHONE, may_answer_tools=True))

    assert waiting.hear(ASKED) == [SendToolOutput("c1", ASKED.output)]
    assert waiting.hear(ResponseStarted("r2")) == [CancelResponse("r2")]
    assert waiting.hear(ResponseEnded("r2", ResponseStatus.CANCELLED)) == [
        PlayEarcon(Earcon.APPROVAL),
        CreateResponse(may_call_tools=False, asking=ASKED.asking),
    ]


# --- the report ------------------------------------------------------------------------------------------------------


def test_what_the_tool_returned_is_reported_once_the_answer_to_the_reply_has_been_heard() -> None:
    replied = asked()
    replied.hear(*YES, ResponseStarted("r3"))

    assert replied.hear(DONE) == [AddNote("It has run.")]
    replied.hear(PlaybackStarted(3), ResponseEnded("r3", ResponseStatus.COMPLETED, has_audio=True))
    assert replied.hear(PlaybackDrained(3)) == [ShowLight(Light.THINKING), CreateResponse()]
    replied.hear(ResponseStarted("r4"), PlaybackStarted(4))
    replied.hear(ResponseEnded("r4", ResponseStatus.COMPLETED, has_audio=True))
    assert replied.hear(PlaybackDrained(4)) == [ShowLight(Light.LISTENING)]


def test_a_report_after_an_answer_without_sound_follows_at_once() -> None:
    replied = asked()
    replied.hear(*YES, ResponseStarted("r3"), DONE)

    assert CreateResponse() in replied.hear(ResponseEnded("r3", ResponseStatus.COMPLETED))
    assert replied.phase is Phase.THINKING


def test_a_report_that_comes_when_it_is_nobodys_turn_is_made_at_once() -> None:
    replied = asked()
    replied.hear(*YES, ResponseStarted("r3"), PlaybackStarted(3))
    replied.hear(ResponseEnded("r3", ResponseStatus.COMPLETED, has_audio=True), PlaybackDrained(3))

    assert replied.hear(DONE) == [ShowLight(Light.THINKING), AddNote("It has run."), CreateResponse()]
    assert replied.phase is Phase.THINKING


def test_the_reply_of_a_user_who_goes_on_speaking_is_not_spoken_over() -> None:
    replied = asked()
    replied.hear(*YES, ResponseStarted("r3"), PlaybackStarted(3), UserStartedSpeaking())

    assert replied.hear(DONE) == [AddNote("It has run.")]
    replied.hear(UserStoppedSpeaking(), TurnEnded(), ResponseStarted("r4"), PlaybackStarted(4))
    replied.hear(ResponseEnded("r4", ResponseStatus.COMPLETED, has_audio=True))
    assert CreateResponse() not in replied.hear(PlaybackDrained(4)), "the answer to the new turn had the report"


def test_a_model_that_calls_the_tool_again_has_its_report_there() -> None:
    replied = asked()
    replied.hear(*YES, DONE, ResponseStarted("r3"))

    assert replied.hear(ResponseEnded("r3", ResponseStatus.COMPLETED, (OTHER_CALL,))) == [RunTool(OTHER_CALL)]
    assert replied.hear(ToolFinished("c2", '{"ok":true}'))[-1] == CreateResponse()
    replied.hear(ResponseStarted("r4"), PlaybackStarted(4))
    replied.hear(ResponseEnded("r4", ResponseStatus.COMPLETED, has_audio=True))
    assert replied.hear(PlaybackDrained(4)) == [ShowLight(Light.LISTENING)]


def test_what_was_declined_in_plain_words_is_noted_and_not_announced() -> None:
    replied = asked()
    replied.hear(*YES, ResponseStarted("r3"))

    assert replied.hear(DECLINED) == [AddNote("It has not run.")]
    replied.hear(PlaybackStarted(3), ResponseEnded("r3", ResponseStatus.COMPLETED, has_audio=True))
    assert replied.hear(PlaybackDrained(3)) == [ShowLight(Light.LISTENING)]


def test_a_result_after_the_end_of_the_conversation_is_for_nobody() -> None:
    over = asked()
    over.wait(15)

    assert over.hear(DONE) == []


def test_a_report_in_half_duplex_opens_the_microphone_no_earlier_than_any_answer() -> None:
    replied = drive(*TO_ANSWERING, ONE_CALL, ASKED, *QUESTION, PlaybackDrained(2), policy=HALF_DUPLEX)
    replied.wait(0.2)
    replied.hear(*YES, ResponseStarted("r3"), DONE)
    replied.hear(PlaybackStarted(3), ResponseEnded("r3", ResponseStatus.COMPLETED, has_audio=True), PlaybackDrained(3))

    assert CreateResponse() in replied.wait(0.2)
    assert replied.phase is Phase.THINKING


def test_a_goodbye_is_said_after_the_report() -> None:
    replied = asked()
    replied.hear(*YES, ResponseStarted("r3"), ResponseEnded("r3", ResponseStatus.COMPLETED, (OTHER_CALL,)))
    replied.hear(GoodbyeRequested(), ToolFinished("c2", "{}"), ResponseStarted("r4"), PlaybackStarted(4), DONE)
    replied.hear(ResponseEnded("r4", ResponseStatus.COMPLETED, has_audio=True))

    assert CreateResponse(may_call_tools=False) in replied.hear(PlaybackDrained(4))


# --- calls of which nobody waits for the result ----------------------------------------------------------------------


def test_running_calls_of_an_interrupted_answer_are_told_once() -> None:
    running = drive(*TO_TOOLS)

    assert running.hear(UserStartedSpeaking())[-1] == AbandonTools(("c1", "c2"))
    assert not told(running.hear(UserStoppedSpeaking(), TurnEnded(), ResponseStarted("r2")))
    assert running.hear(ToolFinished("c1", "ok")) == [SendToolOutput("c1", "ok")]


def test_running_calls_are_told_that_the_conversation_is_over() -> None:
    running = drive(*TO_TOOLS, ToolFinished("c1", "ok"))

    assert told(running.hear_all(NETWORK_GONE)) == [AbandonTools(("c2",))]


def test_running_calls_are_not_told_of_a_cough() -> None:
    calling = ResponseEnded("r1", ResponseStatus.COMPLETED, (CALL,), has_audio=True)
    running = drive(*TO_SPEAKING, calling, policy=replace(OPEN_MICROPHONE, resumes=True))

    assert running.hear(NearSpeechBegan(0), NearSpeechConfirmed(0))[-1] != AbandonTools(("c1",))
    resumed = running.wait(2)
    assert ResumePlayback() in resumed
    assert not told(resumed)


def test_running_calls_are_told_once_it_is_known_that_somebody_spoke() -> None:
    calling = ResponseEnded("r1", ResponseStatus.COMPLETED, (CALL,), has_audio=True)
    running = drive(*TO_SPEAKING, calling, policy=replace(OPEN_MICROPHONE, resumes=True))

    assert CutPlayback(keeps_rest=True) in running.hear(UserStartedSpeaking())
    spoken = running.hear(TurnTranscribed("", has_words=True, is_final=False))
    assert DropPlayback() in spoken
    assert told(spoken) == [AbandonTools(("c1",))]


def told(orders: list[Action]) -> list[AbandonTools]:
    return [order for order in orders if isinstance(order, AbandonTools)]
