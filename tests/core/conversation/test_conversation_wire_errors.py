"""The box survives late and wrong messages of the service about an interruption, fact by fact."""

import pytest

from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import (
    Event,
    NearSpeechConfirmed,
    PlaybackDrained,
    PlaybackStarted,
    ResponseEnded,
    ResponseStarted,
    ResponseStatus,
    ServiceComplained,
    TalkPressed,
    ToolCall,
    ToolFinished,
    TurnEnded,
    UserStartedSpeaking,
    UserStoppedSpeaking,
)
from edgevoice.core.orders import (
    AbandonTools,
    CancelResponse,
    CreateResponse,
    CutPlayback,
    Light,
    RunTool,
    SendToolOutput,
    ShowLight,
)
from tests.core.drive import CALL, TO_SPEAKING, TO_THINKING, WAKE, Driven, drive

ACTIVE = ServiceComplained("conversation_already_has_active_response")
COMPLAINTS = [
    ServiceComplained("response_cancel_not_active"),
    ServiceComplained("invalid_value"),
    ServiceComplained("item_not_found"),
    ServiceComplained(""),
    ACTIVE,
]
WAYS: list[Event] = [UserStartedSpeaking(), WAKE, TalkPressed(at_sample=32_000), NearSpeechConfirmed(at_sample=32_000)]
NEW_TURN: tuple[Event, ...] = (UserStartedSpeaking(), UserStoppedSpeaking(), TurnEnded())
each_way = pytest.mark.parametrize("interruption", WAYS, ids=lambda fact: type(fact).__name__)
each_status = pytest.mark.parametrize("status", ResponseStatus)


@each_way
@pytest.mark.parametrize("complaint", COMPLAINTS, ids=lambda fact: fact.code or "no code")
def test_an_error_about_an_interruption_causes_no_action_and_moves_no_deadline(
    interruption: Event, complaint: Event
) -> None:
    interrupted = drive(*TO_SPEAKING, interruption)
    waits_s = interrupted.waits_s

    assert interrupted.hear(complaint) == []
    assert interrupted.phase is Phase.LISTENING
    assert interrupted.waits_s == waits_s


@each_way
@each_status
def test_the_end_of_an_interrupted_answer_causes_no_sound_whenever_it_arrives(
    interruption: Event, status: ResponseStatus
) -> None:
    late = ResponseEnded("r1", status, has_audio=True)
    until_the_next: list[Event] = [*NEW_TURN, ResponseStarted("r2"), PlaybackStarted(2)]
    for moment in range(len(until_the_next) + 1):
        facts = until_the_next[:moment]
        interrupted = drive(*TO_SPEAKING, interruption, *facts)
        phase = interrupted.phase

        assert interrupted.hear(late) == []
        assert interrupted.phase is phase


@each_way
@each_status
def test_an_answer_continues_when_the_one_before_it_ends_in_the_middle_of_it(
    interruption: Event, status: ResponseStatus
) -> None:
    answering = drive(*TO_SPEAKING, interruption, *NEW_TURN, ResponseStarted("r2"), PlaybackStarted(2))
    answering.hear(ResponseEnded("r1", status, has_audio=True))

    assert answering.conversation.admits("r2")
    assert answering.hear(ResponseEnded("r2", ResponseStatus.COMPLETED, has_audio=True)) == []
    assert answering.hear(PlaybackDrained(2)) == [ShowLight(Light.LISTENING)]


@each_way
def test_an_answer_without_an_end_does_not_keep_the_next_one_from_ending(interruption: Event) -> None:
    answering = drive(*TO_SPEAKING, interruption, *NEW_TURN, ResponseStarted("r2"), PlaybackStarted(2))
    answering.hear(ResponseEnded("r2", ResponseStatus.COMPLETED, has_audio=True))

    assert answering.hear(PlaybackDrained(2)) == [ShowLight(Light.LISTENING)]


def test_speech_heard_by_both_the_box_and_the_service_is_one_interruption() -> None:
    interrupted = drive(*TO_SPEAKING)

    orders = interrupted.hear(NearSpeechConfirmed(at_sample=32_000), UserStartedSpeaking(), COMPLAINTS[0])

    assert orders == [CutPlayback(), ShowLight(Light.LISTENING), CancelResponse("r1")]


@pytest.mark.parametrize("word", [[*NEW_TURN], [TurnEnded()]], ids=["speech", "a turn"])
def test_an_answer_is_cancelled_once_however_often_the_talk_button_is_pressed(word: list[Event]) -> None:
    interrupted = drive(*TO_SPEAKING, WAYS[2], *word)

    assert CancelResponse("r1") not in interrupted.hear(WAYS[2])


def asking_while_the_interrupted_answer_has_not_ended() -> Driven:
    asking = drive(*TO_SPEAKING, UserStartedSpeaking(), UserStoppedSpeaking(), TurnEnded(), ResponseStarted("r2"))
    asking.hear(ResponseEnded("r2", ResponseStatus.COMPLETED, (CALL,)))
    assert asking.hear(ToolFinished("c1", "1")) == [SendToolOutput("c1", "1")], "it would be refused"
    return asking


def test_a_request_waits_for_the_end_of_the_interrupted_answer() -> None:
    asking = asking_while_the_interrupted_answer_has_not_ended()

    assert asking.hear(ResponseEnded("r1", ResponseStatus.CANCELLED, has_audio=True)) == [CreateResponse()]
    assert asking.wait(14.9) == []


def test_a_request_waits_two_seconds_for_an_end_that_never_arrives() -> None:
    asking = asking_while_the_interrupted_answer_has_not_ended()

    assert asking.wait(1.9) == []
    assert asking.wait(0.1) == [CreateResponse()]


def test_a_request_refused_before_the_interrupted_answers_end_is_repeated_after_it() -> None:
    asking = asking_while_the_interrupted_answer_has_not_ended()
    asking.wait(2)

    orders = asking.hear(ACTIVE, ResponseEnded("r1", ResponseStatus.CANCELLED, has_audio=True))

    assert orders == [CreateResponse()]


def test_a_held_request_is_dropped_when_the_user_speaks() -> None:
    asking = asking_while_the_interrupted_answer_has_not_ended()

    assert CreateResponse() not in asking.hear(*NEW_TURN, ResponseEnded("r1", ResponseStatus.CANCELLED))
    assert CreateResponse() not in asking.wait(10)


def test_calls_of_an_interrupted_answer_that_ends_after_the_next_began_are_answered_too() -> None:
    answering = drive(*TO_SPEAKING, UserStartedSpeaking(), UserStoppedSpeaking(), TurnEnded(), ResponseStarted("r2"))

    assert answering.hear(ResponseEnded("r1", ResponseStatus.COMPLETED, (CALL,))) == [
        RunTool(CALL),
        AbandonTools(("c1",)),
    ]
    assert answering.hear(ToolFinished("c1", "1")) == [SendToolOutput("c1", "1")]
    assert CreateResponse() not in answering.wait(10)


def test_late_calls_of_an_interrupted_answer_do_not_change_whether_the_open_round_is_wanted() -> None:
    answering = drive(*TO_SPEAKING, UserStartedSpeaking(), UserStoppedSpeaking(), TurnEnded(), ResponseStarted("r2"))
    late = ToolCall("late", "set_timer", "{}")
    assert answering.hear(ResponseEnded("r2", ResponseStatus.COMPLETED, (CALL,))) == [RunTool(CALL)]
    assert answering.hear(ResponseEnded("r1", ResponseStatus.COMPLETED, (late,))) == [RunTool(late)]

    assert answering.hear(ToolFinished("late", "1")) == [SendToolOutput("late", "1")]
    assert answering.hear(ToolFinished("c1", "2")) == [SendToolOutput("c1", "2"), CreateResponse()]


def test_a_refused_request_waits_for_all_blocking_answers() -> None:
    turn: tuple[Event, ...] = (UserStartedSpeaking(), UserStoppedSpeaking(), TurnEnded())
    asking = drive(*TO_SPEAKING, *turn, ResponseStarted("r2"), *turn, ResponseStarted("r3"))
    asking.hear(ResponseEnded("r3", ResponseStatus.COMPLETED, (CALL,)), ToolFinished("c1", "1"), ACTIVE)

    assert asking.hear(ResponseEnded("r1", ResponseStatus.CANCELLED)) == []
    assert asking.hear(ResponseEnded("r2", ResponseStatus.CANCELLED)) == [CreateResponse()]


def test_an_answer_cancelled_at_its_start_is_not_cancelled_again() -> None:
    unwanted = drive(*TO_THINKING, WAYS[2])
    assert unwanted.hear(ResponseStarted("r1")) == [CancelResponse("r1")]

    assert CancelResponse("r1") not in unwanted.hear(TurnEnded(), WAYS[2])


@pytest.mark.parametrize("status", [ResponseStatus.FAILED, ResponseStatus.CANCELLED])
def test_calls_of_an_interrupted_answer_that_was_not_completed_are_not_run(status: ResponseStatus) -> None:
    answering = drive(*TO_SPEAKING, UserStartedSpeaking(), UserStoppedSpeaking(), TurnEnded(), ResponseStarted("r2"))

    assert answering.hear(ResponseEnded("r1", status, (CALL,))) == []
