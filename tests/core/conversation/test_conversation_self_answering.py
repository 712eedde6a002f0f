"""A service that answers tool outputs by itself: one answer, and no request that would be refused."""

import pytest
from msgspec.structs import replace

from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import (
    Event,
    ItemEnded,
    LinkOpened,
    LoopStalled,
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
)
from edgevoice.core.orders import (
    AbandonTools,
    CancelResponse,
    CreateResponse,
    Light,
    RunTool,
    SendToolOutput,
    ShowLight,
)
from tests.core.drive import (
    CALL,
    NETWORK_GONE,
    OPEN_MICROPHONE,
    OTHER_CALL,
    TO_ANSWERING,
    TO_LISTENING,
    TO_SPEAKING,
    TO_SPOKEN,
    Driven,
    drive,
)

UNKNOWN = replace(OPEN_MICROPHONE, may_answer_tools=True)
REFUSED = ServiceComplained("conversation_already_has_active_response")


def called(response_id: str, *calls: ToolCall) -> ResponseEnded:
    return ResponseEnded(response_id, ResponseStatus.COMPLETED, calls)


def spoken(response_id: str) -> ResponseEnded:
    return ResponseEnded(response_id, ResponseStatus.COMPLETED, has_audio=True)


def answered_by_itself(*more: Event) -> Driven:
    """Return a box whose service has answered one round of tools by itself, and the orders since then."""
    return drive(
        *TO_ANSWERING,
        called("r1", CALL),
        ToolFinished("c1", "1"),
        ResponseStarted("r2"),
        PlaybackStarted(1),
        spoken("r2"),
        PlaybackDrained(1),
        *more,
        policy=UNKNOWN,
    )


def test_a_service_that_may_answer_by_itself_is_given_a_moment_and_its_answer_is_the_only_one() -> None:
    asked = drive(*TO_ANSWERING, called("r1", CALL), policy=UNKNOWN)

    assert asked.hear(ToolFinished("c1", "1")) == [SendToolOutput("c1", "1")]
    assert asked.wait(0.29) == []
    assert asked.hear(ResponseStarted("r2"), PlaybackStarted(1)) == [ShowLight(Light.SPEAKING)]
    assert asked.wait(10) == []
    assert asked.hear(spoken("r2"), PlaybackDrained(1)) == [ShowLight(Light.LISTENING)]


def test_a_service_that_does_not_is_asked_after_that_moment_and_later_at_once() -> None:
    asked = drive(*TO_ANSWERING, called("r1", CALL), ToolFinished("c1", "1"), policy=UNKNOWN)

    assert asked.wait(0.3) == [CreateResponse()]
    asked.hear(ResponseStarted("r2"))
    assert asked.hear(called("r2", OTHER_CALL)) == [RunTool(OTHER_CALL)]
    assert asked.hear(ToolFinished("c2", "2")) == [SendToolOutput("c2", "2"), CreateResponse()]


def test_a_service_that_is_known_not_to_is_asked_at_once() -> None:
    asked = drive(*TO_ANSWERING, called("r1", CALL))

    assert asked.hear(ToolFinished("c1", "1")) == [SendToolOutput("c1", "1"), CreateResponse()]


def test_a_service_that_answered_by_itself_gets_two_seconds_to_do_so_again() -> None:
    again = answered_by_itself(TurnEnded(), ResponseStarted("r3"), called("r3", CALL))

    assert again.hear(ToolFinished("c1", "1")) == [SendToolOutput("c1", "1")]
    assert again.wait(1.9) == []
    assert again.wait(0.1) == [CreateResponse()], "and is asked where it does not"


def test_a_service_that_stops_answering_by_itself_is_awaited_once_more() -> None:
    again = answered_by_itself(TurnEnded(), ResponseStarted("r3"), called("r3", CALL), ToolFinished("c1", "1"))
    again.wait(2)
    again.hear(ResponseStarted("r4"), called("r4", OTHER_CALL))

    assert again.hear(ToolFinished("c2", "2")) == [SendToolOutput("c2", "2"), CreateResponse()]


# --- several calls ---------------------------------------------------------------------------------------------------


def test_if_each_output_is_answered_only_the_last_answer_is_heard() -> None:
    asked = drive(*TO_ANSWERING, called("r1", CALL, OTHER_CALL), ToolFinished("c1", "1"), policy=UNKNOWN)

    assert asked.hear(ResponseStarted("r2")) == [CancelResponse("r2")], "it does not know the second output"
    assert not asked.conversation.admits("r2")
    assert asked.hear(ToolFinished("c2", "2")) == [SendToolOutput("c2", "2")]
    assert asked.hear(ResponseEnded("r2", ResponseStatus.CANCELLED)) == []
    assert asked.hear(ResponseStarted("r3"), PlaybackStarted(1)) == [ShowLight(Light.SPEAKING)]
    assert asked.hear(spoken("r3"), PlaybackDrained(1)) == [ShowLight(Light.LISTENING)]


def test_of_two_answers_to_outputs_sent_together_the_later_one_is_heard() -> None:
    asked = drive(*TO_ANSWERING, called("r1", CALL, OTHER_CALL), policy=UNKNOWN)
    asked.hear(ToolFinished("c1", "1"), ToolFinished("c2", "2"), ResponseStarted("r2"))

    assert asked.hear(ResponseStarted("r3")) == [CancelResponse("r2")]
    assert asked.conversation.admits("r3")
    assert asked.hear(ResponseEnded("r2", ResponseStatus.CANCELLED)) == []
    assert asked.hear(PlaybackStarted(1), spoken("r3"), PlaybackDrained(1))[-1] == ShowLight(Light.LISTENING)


@pytest.mark.parametrize("first", [(), (spoken("r2"),)], ids=["generated", "played"])
def test_of_two_answers_the_one_already_playing_is_heard_to_its_end(first: tuple[Event, ...]) -> None:
    asked = drive(*TO_ANSWERING, called("r1", CALL), ToolFinished("c1", "1"), policy=UNKNOWN)
    asked.hear(ResponseStarted("r2"), PlaybackStarted(1), *first)

    assert asked.hear(ResponseStarted("r3")) == [CancelResponse("r3")]
    assert asked.conversation.admits("r2")
    asked.hear(ResponseEnded("r3", ResponseStatus.CANCELLED), spoken("r2"))
    assert asked.hear(PlaybackDrained(1)) == [ShowLight(Light.LISTENING)]


def test_the_answer_is_heard_after_words_spoken_before_the_call() -> None:
    asked = drive(*TO_SPEAKING, replace(called("r1", CALL), has_audio=True), ToolFinished("c1", "1"), policy=UNKNOWN)

    assert asked.hear(ResponseStarted("r2")) == []
    assert asked.conversation.admits("r2")


def test_an_answer_that_calls_tools_again_begins_another_round() -> None:
    asked = drive(*TO_ANSWERING, called("r1", CALL), ToolFinished("c1", "1"), ResponseStarted("r2"), policy=UNKNOWN)

    assert asked.hear(called("r2", OTHER_CALL)) == [RunTool(OTHER_CALL)]
    assert asked.hear(ToolFinished("c2", "2")) == [SendToolOutput("c2", "2")]
    assert asked.hear(ResponseStarted("r3"), PlaybackStarted(1)) == [ShowLight(Light.SPEAKING)]


# --- requested nevertheless -------------------------------------------------------------------------------------------


def test_a_request_refused_for_an_unrequested_answer_is_not_repeated_once_that_was_heard() -> None:
    asked = drive(*TO_ANSWERING, called("r1", CALL), ToolFinished("c1", "1"), ResponseStarted("r2"), REFUSED)
    asked.hear(PlaybackStarted(1))

    assert asked.hear(spoken("r2")) == []
    assert asked.hear(PlaybackDrained(1)) == [ShowLight(Light.LISTENING)]
    assert CreateResponse() not in asked.wait(10)


def test_a_refusal_is_remembered_and_the_service_gets_time_to_answer_by_itself_next_time() -> None:
    asked = drive(*TO_ANSWERING, called("r1", CALL), ToolFinished("c1", "1"), ResponseStarted("r2"), REFUSED)
    asked.hear(PlaybackStarted(1), spoken("r2"), PlaybackDrained(1), TurnEnded(), ResponseStarted("r3"))
    asked.hear(called("r3", CALL))

    assert asked.hear(ToolFinished("c1", "1")) == [SendToolOutput("c1", "1")]


def test_a_request_waits_while_an_unrequested_answer_is_generated() -> None:
    asked = drive(*TO_ANSWERING, called("r1", CALL, OTHER_CALL), ToolFinished("c1", "1"), ResponseStarted("r2"))

    assert asked.hear(ToolFinished("c2", "2")) == [SendToolOutput("c2", "2")]
    assert asked.hear(PlaybackStarted(1), spoken("r2")) == [ShowLight(Light.SPEAKING), CreateResponse()]
    assert asked.hear(PlaybackDrained(1)) == [ShowLight(Light.THINKING)]


def test_calls_of_an_unrequested_answer_replace_a_waiting_request() -> None:
    asked = drive(*TO_ANSWERING, called("r1", CALL, OTHER_CALL), ToolFinished("c1", "1"), ResponseStarted("r2"))
    asked.hear(ToolFinished("c2", "2"))

    assert asked.hear(called("r2", CALL)) == [RunTool(CALL)]
    assert asked.wait(10) == []
    assert asked.hear(ToolFinished("c1", "1")) == [SendToolOutput("c1", "1"), CreateResponse()]


# --- the user, meanwhile ---------------------------------------------------------------------------------------------


def test_a_waiting_request_is_dropped_when_the_user_speaks() -> None:
    asked = drive(*TO_ANSWERING, called("r1", CALL), ToolFinished("c1", "1"), policy=UNKNOWN)
    asked.hear(UserStartedSpeaking())

    assert asked.waits_s == UNKNOWN.turn_s
    assert asked.wait(20) == []


def test_an_unrequested_answer_after_the_button_is_not_heard() -> None:
    asked = drive(*TO_ANSWERING, called("r1", CALL), ToolFinished("c1", "1"), policy=UNKNOWN)
    asked.hear(TalkPressed(0))

    assert asked.hear(ResponseStarted("r2")) == [CancelResponse("r2")]


def test_the_answer_to_the_turn_after_the_button_is_heard_without_an_earlier_request() -> None:
    asked = drive(*TO_SPEAKING, UserStartedSpeaking(), TurnEnded(), ResponseStarted("r2"), called("r2", CALL))
    asked.hear(ToolFinished("c1", "1"), TalkPressed(0))  # r1 has not ended: our request waited for it

    assert asked.hear(ResponseStarted("r3")) == [ShowLight(Light.THINKING)]


def test_a_session_lost_while_a_request_waits_is_redialled_and_the_request_dropped() -> None:
    asked = drive(*TO_ANSWERING, called("r1", CALL), ToolFinished("c1", "1"), NETWORK_GONE, policy=UNKNOWN)

    assert CreateResponse() not in asked.wait(30)


def test_a_session_lost_while_words_play_before_the_request_drops_it_too() -> None:
    spoken_and_called = replace(called("r1", CALL), has_audio=True)
    asked = drive(*TO_SPEAKING, spoken_and_called, ToolFinished("c1", "1"), NETWORK_GONE, policy=UNKNOWN)

    assert asked.wait(5) == []
    assert asked.hear(PlaybackDrained(1))[0] == ShowLight(Light.CONNECTING)


def test_an_unrequested_answer_in_the_next_turn_is_heard_as_usual() -> None:
    again = answered_by_itself()

    assert again.phase is Phase.LISTENING
    assert again.hear(ResponseStarted("r3"), PlaybackStarted(2))[-1] == ShowLight(Light.SPEAKING)


def test_speech_interrupts_an_unrequested_answer() -> None:
    asked = drive(*TO_ANSWERING, called("r1", CALL), ToolFinished("c1", "1"), policy=UNKNOWN)
    asked.hear(ResponseStarted("r2"), PlaybackStarted(1))

    assert CancelResponse("r2") in asked.hear(NearSpeechConfirmed(0))
    assert asked.hear(TurnEnded(), ResponseStarted("r3"), PlaybackStarted(2))[-1] == ShowLight(Light.SPEAKING)


def test_a_turn_without_tools_is_answered_as_usual() -> None:
    plain = drive(*TO_SPOKEN, PlaybackDrained(1), TurnEnded(), ResponseStarted("r2"), policy=UNKNOWN)

    assert plain.conversation.admits("r2")
    assert drive(*TO_LISTENING, policy=UNKNOWN).hear(ResponseStarted("r1")) == [ShowLight(Light.THINKING)]


def test_calls_of_a_partial_answer_that_could_not_be_cancelled_are_run_for_the_record() -> None:
    asked = drive(*TO_ANSWERING, called("r1", CALL, OTHER_CALL), ToolFinished("c1", "1"), policy=UNKNOWN)
    asked.hear(ResponseStarted("r2"))
    third = ToolCall("c3", "get_time", "")

    assert asked.hear(called("r2", third)) == [RunTool(third)]


def test_a_service_that_begins_endless_responses_does_not_fill_the_memory() -> None:
    asked = drive(*TO_ANSWERING, called("r1", CALL, OTHER_CALL), ToolFinished("c1", "1"), policy=UNKNOWN)
    asked.hear(*[ResponseStarted(f"s{number}") for number in range(1000)])
    third = ToolCall("c3", "get_time", "")

    assert asked.hear(called("s983", third)) == [], "it is forgotten"
    assert asked.hear(called("s984", third)) == [RunTool(third)]


def test_a_refusal_of_a_request_never_made_changes_nothing() -> None:
    asked = drive(*TO_ANSWERING, REFUSED, called("r1", CALL))

    assert asked.hear(ToolFinished("c1", "1")) == [SendToolOutput("c1", "1"), CreateResponse()]


def test_a_request_overdue_after_a_stall_waits_for_events_received_meanwhile() -> None:
    asked = drive(*TO_ANSWERING, called("r1", CALL), ToolFinished("c1", "1"), policy=UNKNOWN)
    asked.now += 5

    assert asked.hear(LoopStalled(5)) == []
    assert asked.waits_s == 2
    assert asked.hear(ResponseStarted("r2"), PlaybackStarted(1)) == [ShowLight(Light.SPEAKING)]


def test_a_session_lost_while_a_request_waits_leaves_no_deadline_behind() -> None:
    asked = drive(*TO_ANSWERING, called("r1", CALL), ToolFinished("c1", "1"), NETWORK_GONE, policy=UNKNOWN)
    asked.wait(0.25)
    asked.hear(LinkOpened())

    assert asked.waits_s == 8


def test_a_request_blocked_by_an_interrupted_answer_is_held_for_a_moment_after_its_end() -> None:
    asked = drive(*TO_SPEAKING, UserStartedSpeaking(), TurnEnded(), ResponseStarted("r2"), policy=UNKNOWN)
    asked.hear(called("r2", CALL), ToolFinished("c1", "1"))
    asked.wait(1)

    assert asked.hear(ResponseEnded("r1", ResponseStatus.CANCELLED)) == []
    assert asked.wait(0.29) == []
    assert asked.wait(0.01) == [CreateResponse()]


def test_late_calls_of_a_blocking_answer_are_run_and_the_request_is_sent() -> None:
    asked = drive(*TO_SPEAKING, UserStartedSpeaking(), TurnEnded(), ResponseStarted("r2"))
    asked.hear(called("r2", CALL), ToolFinished("c1", "1"))

    assert asked.hear(called("r1", OTHER_CALL)) == [
        RunTool(OTHER_CALL),
        CreateResponse(),
        AbandonTools(("c2",)),
    ]


def test_a_requested_answer_that_never_begins_sounds_the_trouble_tone_whatever_another_did() -> None:
    asked = drive(*TO_ANSWERING, called("r1", CALL, OTHER_CALL), ToolFinished("c1", "1"), ResponseStarted("r2"))
    asked.hear(ItemEnded("r2"), ToolFinished("c2", "2"))

    assert asked.wait(2) == [CreateResponse()]
    assert asked.wait(14.9) == []
    assert asked.wait(0.1)[0] == ShowLight(Light.FAULT, "no-answer")
