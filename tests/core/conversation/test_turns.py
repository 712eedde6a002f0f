"""An answer requested while others block it: requested once, and again only where necessary."""

import pytest
from msgspec.structs import replace

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
    AbandonTools,
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
    """Return a box whose request for an answer failed because an interrupted one has not yet ended on the wire."""
    asked = drive(*TO_SPEAKING, UserStartedSpeaking(), TurnEnded(), ResponseStarted("r2"), called("r2"), OUTPUT)
    assert asked.wait(2) == [CreateResponse()]
    asked.hear(REFUSED, *more)
    return asked


def test_a_blocking_answers_end_after_the_request_was_sent_anyway_is_ignored() -> None:
    asked = drive(*TO_SPEAKING, UserStartedSpeaking(), TurnEnded(), ResponseStarted("r2"), called("r2"), OUTPUT)
    asked.wait(2)

    assert asked.hear(cancelled("r1")) == []


def test_the_request_is_repeated_once_the_last_blocking_answer_has_ended() -> None:
    again = (UserStartedSpeaking(), TurnEnded())
    asked = drive(*TO_SPEAKING, *again, ResponseStarted("r2"), PlaybackStarted(2), *again)
    asked.hear(ResponseStarted("r3"), called("r3"), OUTPUT)
    asked.wait(2)
    asked.hear(REFUSED)

    assert asked.hear(cancelled("r1")) == []
    assert asked.hear(cancelled("r2")) == [CreateResponse()]


def test_a_service_that_answers_by_itself_is_not_asked_again_unless_that_answer_is_silent() -> None:
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
def test_a_service_whose_own_answer_was_heard_is_not_asked_again(heard: tuple[Event, ...]) -> None:
    asked = asked_and_refused(ResponseStarted("r3"), PlaybackStarted(2), *heard)
    asked.wait(2)

    assert CreateResponse() not in asked.hear(cancelled("r1"))


def test_a_request_is_repeated_once_and_a_second_silent_answer_is_a_failure() -> None:
    asked = drive(*TO_ANSWERING, called("r1"), OUTPUT, ResponseStarted("r2"), REFUSED)

    assert asked.hear(ResponseEnded("r2", ResponseStatus.COMPLETED)) == [CreateResponse()]
    assert PlayEarcon(Earcon.ERROR) in asked.hear(ResponseStarted("r3"), SAYS_NOTHING)


def test_a_request_that_waited_for_a_silent_answer_is_sent_and_awaited() -> None:
    asked = drive(*TO_ANSWERING, called("r1"), ResponseStarted("r2"), OUTPUT)

    assert asked.hear(ResponseEnded("r2", ResponseStatus.COMPLETED)) == [CreateResponse()]
    assert asked.waits_s == OPEN_MICROPHONE.answer_s


def test_the_end_of_a_cancelled_answer_does_not_affect_the_one_that_replaced_it() -> None:
    calling = ResponseEnded("r1", ResponseStatus.COMPLETED, (CALL, OTHER_CALL))
    asked = drive(*TO_ANSWERING, calling, OUTPUT, policy=replace(OPEN_MICROPHONE, may_answer_tools=True))
    asked.hear(ToolFinished(OTHER_CALL.call_id, "2"), ResponseStarted("r2"), ResponseStarted("r3"))

    assert asked.hear(ResponseEnded("r2", ResponseStatus.COMPLETED)) == []
    assert asked.hear(ResponseStarted("r4")) == [CancelResponse("r3")]


def test_late_calls_of_a_cancelled_answer_do_not_admit_a_second_answer() -> None:
    calling = ResponseEnded("r1", ResponseStatus.COMPLETED, (CALL, OTHER_CALL))
    asked = drive(*TO_ANSWERING, calling, OUTPUT, policy=replace(OPEN_MICROPHONE, may_answer_tools=True))
    asked.hear(ToolFinished(OTHER_CALL.call_id, "2"), ResponseStarted("r2"), ResponseStarted("r3"), PlaybackStarted(1))
    late = ToolCall("c3", "get_time", "")

    assert asked.hear(ResponseEnded("r2", ResponseStatus.COMPLETED, (late,))) == [RunTool(late), AbandonTools(("c3",))]
    assert asked.hear(ResponseStarted("r4")) == [CancelResponse("r4")]
    assert asked.conversation.admits("r3")


def test_no_answer_is_requested_before_the_called_tools_have_run() -> None:
    again = (UserStartedSpeaking(), TurnEnded())
    asked = drive(*TO_SPEAKING, *again, ResponseStarted("r2"), called("r2"), OUTPUT)
    asked.wait(2)
    asked.hear(ResponseStarted("r3"), REFUSED)
    more = ResponseEnded("r3", ResponseStatus.COMPLETED, (OTHER_CALL,))

    assert asked.hear(more) == [RunTool(OTHER_CALL)]
    assert asked.hear(cancelled("r1")) == []
    assert CreateResponse() in asked.hear(ToolFinished(OTHER_CALL.call_id, "2"))


def test_a_failed_answer_in_a_session_lost_for_good_sounds_the_trouble_tone_once() -> None:
    failed = ResponseEnded("r1", ResponseStatus.FAILED, has_audio=True, fault="service-busy")
    broken = drive(*TO_SPEAKING, failed, LinkLost("session-ended", is_retriable=False))

    assert [order for order in broken.hear(PlaybackDrained(1)) if isinstance(order, PlayEarcon)] == [
        PlayEarcon(Earcon.NO_SERVICE)
    ]
    assert broken.phase is Phase.IDLE
