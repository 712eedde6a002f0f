"""An answer that is asked for while others stand in its way: it is asked for once, and again only where it must be."""

from dataclasses import replace

import pytest

from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import (
    Event,
    ItemEnded,
    LinkLost,
    PlaybackDrained,
    PlaybackStarted,
    ResponseEnded,
    ResponseStarted,
    ResponseStatus,
    ServiceComplained,
    ToolCall,
    ToolFinished,
    TurnEnded,
    UserStartedSpeaking,
)
from edgevoice.core.orders import (
    CancelResponse,
    CreateResponse,
    Earcon,
    PlayEarcon,
    RunTool,
)
from tests.core.drive import CALL, OPEN_MICROPHONE, OTHER_CALL, TO_ANSWERING, TO_SPEAKING, Driven, drive

REFUSED = ServiceComplained("conversation_already_has_active_response")
OUTPUT = ToolFinished(CALL.call_id, "1")
SAYS_NOTHING = ResponseEnded("r3", ResponseStatus.COMPLETED)


def cancelled(response_id: str) -> ResponseEnded:
    return ResponseEnded(response_id, ResponseStatus.CANCELLED)


def called(response_id: str) -> ResponseEnded:
    return ResponseEnded(response_id, ResponseStatus.COMPLETED, (CALL,))


def asked_and_refused(*more: Event) -> Driven:
    """Return a box that has asked for an answer in vain, because an interrupted one has not ended on the wire yet."""
    asked = drive(*TO_SPEAKING, UserStartedSpeaking(), TurnEnded(), ResponseStarted("r2"), called("r2"), OUTPUT)
    assert asked.wait(2) == [CreateResponse()]
    asked.hear(REFUSED, *more)
    return asked


def test_the_end_of_what_stood_in_the_way_after_it_was_asked_for_anyway_is_late_news() -> None:
    asked = drive(*TO_SPEAKING, UserStartedSpeaking(), TurnEnded(), ResponseStarted("r2"), called("r2"), OUTPUT)
    asked.wait(2)

    assert asked.hear(cancelled("r1")) == []


def test_it_is_asked_for_again_once_the_last_of_those_in_its_way_has_ended() -> None:
    again = (UserStartedSpeaking(), TurnEnded())
    asked = drive(*TO_SPEAKING, *again, ResponseStarted("r2"), PlaybackStarted(2), *again)
    asked.hear(ResponseStarted("r3"), called("r3"), OUTPUT)
    asked.wait(2)
    asked.hear(REFUSED)

    assert asked.hear(cancelled("r1")) == []
    assert asked.hear(cancelled("r2")) == [CreateResponse()]


def test_while_the_service_answers_by_itself_it_is_not_asked_again_unless_that_says_nothing() -> None:
    asked = asked_and_refused(ResponseStarted("r3"))

    assert asked.hear(cancelled("r1")) == []
    assert asked.hear(SAYS_NOTHING) == [CreateResponse()]


@pytest.mark.parametrize(
    "heard",
    [
        (replace(SAYS_NOTHING, has_audio=True),),
        (ItemEnded("r3"), PlaybackDrained(2)),
    ],
    ids=["ended", "its end is missing"],
)
def test_where_an_answer_of_its_own_was_heard_it_is_not_asked_again(heard: tuple[Event, ...]) -> None:
    asked = asked_and_refused(ResponseStarted("r3"), PlaybackStarted(2), *heard)
    asked.wait(2)

    assert CreateResponse() not in asked.hear(cancelled("r1"))


def test_an_asking_is_repeated_once_and_a_second_answer_without_a_sound_is_a_failure() -> None:
    asked = drive(*TO_ANSWERING, called("r1"), OUTPUT, ResponseStarted("r2"), REFUSED)

    assert asked.hear(ResponseEnded("r2", ResponseStatus.COMPLETED)) == [CreateResponse()]
    assert PlayEarcon(Earcon.TROUBLE) in asked.hear(ResponseStarted("r3"), SAYS_NOTHING)


def test_an_asking_that_waited_for_an_answer_without_a_sound_goes_out_and_is_waited_for() -> None:
    asked = drive(*TO_ANSWERING, called("r1"), ResponseStarted("r2"), OUTPUT)

    assert asked.hear(ResponseEnded("r2", ResponseStatus.COMPLETED)) == [CreateResponse()]
    assert asked.waits_s == OPEN_MICROPHONE.answer_s


def test_the_end_of_an_answer_that_was_called_off_changes_nothing_for_the_one_that_took_its_place() -> None:
    calling = ResponseEnded("r1", ResponseStatus.COMPLETED, (CALL, OTHER_CALL))
    asked = drive(*TO_ANSWERING, calling, OUTPUT, policy=replace(OPEN_MICROPHONE, may_answer_tools=True))
    asked.hear(ToolFinished(OTHER_CALL.call_id, "2"), ResponseStarted("r2"), ResponseStarted("r3"))

    assert asked.hear(ResponseEnded("r2", ResponseStatus.COMPLETED)) == []
    assert asked.hear(ResponseStarted("r4")) == [CancelResponse("r3")]


def test_late_calls_of_an_answer_that_was_called_off_do_not_let_a_second_answer_in() -> None:
    calling = ResponseEnded("r1", ResponseStatus.COMPLETED, (CALL, OTHER_CALL))
    asked = drive(*TO_ANSWERING, calling, OUTPUT, policy=replace(OPEN_MICROPHONE, may_answer_tools=True))
    asked.hear(ToolFinished(OTHER_CALL.call_id, "2"), ResponseStarted("r2"), ResponseStarted("r3"), PlaybackStarted(1))
    late = ToolCall("c3", "get_time", "")

    assert asked.hear(ResponseEnded("r2", ResponseStatus.COMPLETED, (late,))) == [RunTool(late)]
    assert asked.hear(ResponseStarted("r4")) == [CancelResponse("r4")]
    assert asked.conversation.admits("r3")


def test_an_answer_that_calls_tools_is_not_asked_about_before_they_have_run() -> None:
    again = (UserStartedSpeaking(), TurnEnded())
    asked = drive(*TO_SPEAKING, *again, ResponseStarted("r2"), called("r2"), OUTPUT)
    asked.wait(2)
    asked.hear(ResponseStarted("r3"), REFUSED)
    more = ResponseEnded("r3", ResponseStatus.COMPLETED, (OTHER_CALL,))

    assert asked.hear(more) == [RunTool(OTHER_CALL)]
    assert asked.hear(cancelled("r1")) == []
    assert CreateResponse() in asked.hear(ToolFinished(OTHER_CALL.call_id, "2"))


def test_a_failed_answer_whose_session_is_lost_for_good_sounds_the_trouble_tone_once() -> None:
    failed = ResponseEnded("r1", ResponseStatus.FAILED, has_audio=True, fault="service-busy")
    broken = drive(*TO_SPEAKING, failed, LinkLost("session-ended", is_retriable=False))

    assert broken.hear(PlaybackDrained(1)).count(PlayEarcon(Earcon.TROUBLE)) == 1
    assert broken.phase is Phase.IDLE
