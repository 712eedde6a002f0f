"""How tools run within an answer, and how a tool says goodbye."""

import pytest

from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import (
    BudgetTold,
    GoodbyeRequested,
    PlaybackDrained,
    PlaybackStarted,
    ResponseEnded,
    ResponseStarted,
    ResponseStatus,
    ServiceComplained,
    TalkHeld,
    ToolFinished,
    TurnEnded,
    UserStartedSpeaking,
)
from edgevoice.core.orders import (
    CloseLink,
    CloseUplink,
    CreateResponse,
    Earcon,
    Light,
    PlayEarcon,
    RunTool,
    SendToolOutput,
    ShowLight,
)
from tests.core.drive import CALL, HUNG_UP, OTHER_CALL, TO_ANSWERING, TO_SPEAKING, TO_SPOKEN, TO_TOOLS, drive

REFUSED = ServiceComplained("conversation_already_has_active_response")


def test_all_calls_of_an_answer_run_at_once() -> None:
    answering = drive(*TO_ANSWERING)
    ended = ResponseEnded("r1", ResponseStatus.COMPLETED, (CALL, OTHER_CALL))

    assert answering.hear(ended) == [RunTool(CALL), RunTool(OTHER_CALL)]
    assert answering.phase is Phase.THINKING


def test_one_answer_is_requested_after_the_last_output() -> None:
    waiting = drive(*TO_TOOLS)

    assert waiting.hear(ToolFinished("c2", "18:04")) == [SendToolOutput("c2", "18:04")]
    assert waiting.hear(ToolFinished("c1", "ok")) == [SendToolOutput("c1", "ok"), CreateResponse()]


def test_an_output_is_sent_once() -> None:
    waiting = drive(*TO_TOOLS, ToolFinished("c1", "ok"))

    assert waiting.hear(ToolFinished("c1", "ok")) == []


@pytest.mark.parametrize("status", [status for status in ResponseStatus if status is not ResponseStatus.COMPLETED])
def test_calls_of_an_answer_that_was_not_completed_are_not_run(status: ResponseStatus) -> None:
    orders = drive(*TO_ANSWERING).hear(ResponseEnded("r1", status, (CALL,)))

    assert not any(isinstance(order, RunTool) for order in orders)


def test_tools_may_take_longer_than_an_answer() -> None:
    assert drive(*TO_TOOLS).wait(60) == []


def test_tools_may_take_longer_than_an_answer_even_after_words_before_them() -> None:
    speaking = drive(*TO_SPEAKING, ResponseEnded("r1", ResponseStatus.COMPLETED, (CALL,), has_audio=True))

    assert speaking.hear(PlaybackDrained(1)) == [ShowLight(Light.THINKING)]
    assert speaking.wait(60) == []
    assert speaking.hear(ToolFinished("c1", "ok")) == [SendToolOutput("c1", "ok"), CreateResponse()]


def test_a_service_that_never_answers_after_a_tool_sounds_the_trouble_tone() -> None:
    asked = drive(*TO_TOOLS, ToolFinished("c1", ""), ToolFinished("c2", ""))

    assert asked.wait(14.9) == []
    assert asked.wait(0.1)[-1] == PlayEarcon(Earcon.ERROR)


def test_no_follow_up_window_opens_between_a_call_and_its_answer() -> None:
    speaking = drive(*TO_SPEAKING, ResponseEnded("r1", ResponseStatus.COMPLETED, (CALL,), has_audio=True))

    assert speaking.hear(PlaybackDrained(1)) == [ShowLight(Light.THINKING)]
    speaking.hear(ToolFinished("c1", "ok"))
    assert speaking.phase is Phase.THINKING
    assert speaking.hear(ResponseStarted("r2"), PlaybackStarted(2)) == [ShowLight(Light.SPEAKING)]
    assert speaking.hear(ResponseEnded("r2", ResponseStatus.COMPLETED, has_audio=True)) == []
    assert speaking.hear(PlaybackDrained(2)) == [ShowLight(Light.LISTENING)]


def test_an_answer_that_begins_while_the_words_before_the_tool_play_is_heard_after_them() -> None:
    speaking = drive(*TO_SPEAKING, ResponseEnded("r1", ResponseStatus.COMPLETED, (CALL,), has_audio=True))
    speaking.hear(ToolFinished("c1", "ok"), ResponseStarted("r2"))

    assert speaking.conversation.admits("r2")
    assert speaking.wait(60) == []
    assert speaking.hear(ResponseEnded("r2", ResponseStatus.COMPLETED, has_audio=True)) == []
    assert speaking.hear(PlaybackDrained(1)) == [ShowLight(Light.LISTENING)]


def test_an_answer_may_call_tools_again() -> None:
    again = drive(*TO_TOOLS, ToolFinished("c1", ""), ToolFinished("c2", ""), ResponseStarted("r2"))
    third = ResponseEnded("r2", ResponseStatus.COMPLETED, (CALL,))

    assert again.hear(third) == [RunTool(CALL)]
    assert again.hear(ToolFinished("c1", "ok")) == [SendToolOutput("c1", "ok"), CreateResponse()]


def test_calls_left_from_an_interrupted_round_are_awaited_with_the_next() -> None:
    later = drive(*TO_TOOLS, ToolFinished("c1", ""), UserStartedSpeaking(), TurnEnded(), ResponseStarted("r2"))
    later.hear(ResponseEnded("r2", ResponseStatus.COMPLETED, (CALL,)))

    assert later.hear(ToolFinished("c1", "new")) == [SendToolOutput("c1", "new")]
    assert later.hear(ToolFinished("c2", "old")) == [SendToolOutput("c2", "old"), CreateResponse()]


# --- the service refuses ---------------------------------------------------------------------------------------------


def test_an_answer_refused_because_another_one_ran_is_requested_again_exactly_once() -> None:
    asked = drive(*TO_TOOLS, ToolFinished("c1", ""), ToolFinished("c2", ""), ResponseStarted("r2"))

    assert asked.hear(REFUSED) == []
    assert asked.hear(ResponseEnded("r2", ResponseStatus.COMPLETED)) == [CreateResponse()]
    assert asked.hear(ResponseStarted("r3"), PlaybackStarted(1)) == [ShowLight(Light.SPEAKING)]
    assert asked.hear(ResponseEnded("r3", ResponseStatus.COMPLETED, has_audio=True), PlaybackDrained(1)) == [
        ShowLight(Light.LISTENING)
    ]


def test_a_round_of_tools_replaces_a_refused_request() -> None:
    asked = drive(*TO_TOOLS, ToolFinished("c1", ""), ToolFinished("c2", ""), ResponseStarted("r2"), REFUSED)

    assert asked.hear(ResponseEnded("r2", ResponseStatus.COMPLETED, (CALL,))) == [RunTool(CALL)]
    # It has answered by itself, and is given time to do so again.
    assert asked.hear(ToolFinished("c1", ""), ResponseStarted("r3")) == [SendToolOutput("c1", "")]
    assert asked.hear(ResponseEnded("r3", ResponseStatus.COMPLETED, has_audio=True)) == [ShowLight(Light.LISTENING)]


def test_a_refusal_is_dropped_when_the_user_has_spoken_since() -> None:
    asked = drive(*TO_TOOLS, ToolFinished("c1", ""), ToolFinished("c2", ""), UserStartedSpeaking(), TurnEnded())

    assert asked.hear(ResponseStarted("r2"), REFUSED, PlaybackStarted(1)) == [ShowLight(Light.SPEAKING)]
    assert asked.hear(ResponseEnded("r2", ResponseStatus.COMPLETED, has_audio=True)) == []


def test_a_refusal_of_a_request_never_made_is_ignored() -> None:
    answering = drive(*TO_SPEAKING, REFUSED)

    assert answering.hear(ResponseEnded("r1", ResponseStatus.COMPLETED, has_audio=True)) == []


# --- goodbye ---------------------------------------------------------------------------------------------------------


def test_a_silent_goodbye_requests_a_farewell_that_calls_no_tools() -> None:
    parting = drive(*TO_TOOLS, GoodbyeRequested(), ToolFinished("c1", ""))

    assert parting.hear(ToolFinished("c2", "")) == [SendToolOutput("c2", ""), CreateResponse(may_call_tools=False)]
    assert parting.hear(ResponseStarted("r2"), PlaybackStarted(1)) == [ShowLight(Light.SPEAKING)]
    assert parting.hear(ResponseEnded("r2", ResponseStatus.COMPLETED, has_audio=True)) == []
    assert parting.hear(PlaybackDrained(1)) == HUNG_UP


def test_a_goodbye_spoken_with_the_call_hangs_up_when_it_has_been_heard() -> None:
    parting = drive(*TO_SPEAKING, ResponseEnded("r1", ResponseStatus.COMPLETED, (CALL,), has_audio=True))

    assert parting.hear(GoodbyeRequested(), ToolFinished("c1", "")) == [SendToolOutput("c1", "")]
    assert parting.phase is Phase.SPEAKING
    assert parting.hear(PlaybackDrained(1)) == HUNG_UP


def test_a_goodbye_heard_before_the_tool_ended_hangs_up_at_once() -> None:
    parting = drive(*TO_SPEAKING, ResponseEnded("r1", ResponseStatus.COMPLETED, (CALL,), has_audio=True))
    parting.hear(PlaybackDrained(1), GoodbyeRequested())

    orders = parting.hear(ToolFinished("c1", ""))

    assert [order for order in orders if not isinstance(order, SendToolOutput)][-2:] == [CloseUplink(), CloseLink()]
    assert parting.phase is Phase.IDLE


def test_a_goodbye_during_which_the_minutes_run_out_says_so() -> None:
    parting = drive(*TO_SPEAKING, ResponseEnded("r1", ResponseStatus.COMPLETED, (CALL,), has_audio=True))
    parting.hear(PlaybackDrained(1), GoodbyeRequested(), BudgetTold(3))
    parting.wait(3)

    assert parting.hear(ToolFinished("c1", ""))[-1] == PlayEarcon(Earcon.BUDGET_SPENT)


def test_a_failed_farewell_sounds_no_trouble_tone() -> None:
    parting = drive(*TO_TOOLS, GoodbyeRequested(), ToolFinished("c1", ""), ToolFinished("c2", ""))

    assert parting.hear(ResponseStarted("r2"), ResponseEnded("r2", ResponseStatus.FAILED)) == HUNG_UP


def test_a_goodbye_does_not_outlive_its_conversation() -> None:
    again = drive(*TO_TOOLS, GoodbyeRequested(), TalkHeld(), *TO_SPOKEN)

    assert again.hear(PlaybackDrained(1)) == [ShowLight(Light.LISTENING)]


def test_a_goodbye_reported_twice_is_still_one_goodbye() -> None:
    parting = drive(*TO_TOOLS, GoodbyeRequested(), ToolFinished("c1", ""), ToolFinished("c2", ""), GoodbyeRequested())
    parting.hear(ResponseStarted("r2"), PlaybackStarted(1))
    parting.hear(ResponseEnded("r2", ResponseStatus.COMPLETED, has_audio=True))

    assert parting.hear(PlaybackDrained(1)) == HUNG_UP
