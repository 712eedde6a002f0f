"""A session in which the service itself fails, although the link stays: another session is asked the same."""

import pytest
from msgspec.structs import replace

from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import (
    Event,
    LinkOpened,
    PlaybackDrained,
    PlaybackStarted,
    ResponseEnded,
    ResponseStarted,
    ResponseStatus,
    ServiceComplained,
    ToolFinished,
    TurnEnded,
    UserStartedSpeaking,
)
from edgevoice.core.orders import (
    CloseLink,
    Earcon,
    Light,
    OpenLink,
    OpenUplink,
    PlayEarcon,
    RewindUplink,
    ShowLight,
)
from tests.core.drive import (
    COMPLETED,
    TO_ANSWERING,
    TO_CONNECTING,
    TO_LISTENING,
    TO_SPEAKING,
    TO_THINKING,
    TO_TOOLS,
    drive,
)

BROKEN = ServiceComplained("server_error", "service-busy", has_broken=True)
BUSY = ServiceComplained("rate_limit_exceeded", "service-busy")
REPLACED = [CloseLink(), RewindUplink()]


@pytest.mark.parametrize("way", [TO_THINKING, TO_ANSWERING, TO_LISTENING], ids=["thinking", "answering", "listening"])
def test_the_second_failure_in_a_row_opens_another_session_that_hears_the_same(way: tuple[Event, ...]) -> None:
    broken = drive(*way)
    assert broken.hear(BROKEN) == []

    assert broken.hear(BROKEN) == [ShowLight(Light.CONNECTING), *REPLACED]
    assert broken.wait(0.25) == [OpenLink("hey_jarvis", resumes=True)]
    assert broken.hear(LinkOpened()) == [ShowLight(Light.LISTENING), OpenUplink()]


def test_in_the_middle_of_the_users_turn_too() -> None:
    assert REPLACED[0] in drive(*TO_LISTENING, UserStartedSpeaking(), BROKEN).hear(BROKEN)


def test_a_turn_that_has_run_a_tool_is_not_asked_again() -> None:
    orders = drive(*TO_TOOLS, ToolFinished("c1", "{}"), BROKEN).hear(BROKEN)

    assert CloseLink() in orders
    assert PlayEarcon(Earcon.ERROR) in orders


def test_an_answer_that_sounds_is_heard_first() -> None:
    speaking = drive(*TO_SPEAKING, BROKEN)

    assert speaking.hear(BROKEN, COMPLETED) == []
    assert speaking.hear(PlaybackDrained(1))[-1] == OpenLink("hey_jarvis", resumes=True)


def test_a_service_that_answers_between_two_failures_keeps_its_session() -> None:
    thinking = drive(*TO_THINKING, BROKEN, ResponseStarted("r1"))

    assert thinking.hear(BROKEN) == []
    assert thinking.phase is Phase.THINKING


FAILED = ResponseEnded("r1", ResponseStatus.FAILED, fault="service-busy", has_broken=True)


@pytest.mark.parametrize("first", [(ResponseStarted("r0"), replace(FAILED, response_id="r0"), TurnEnded()), (BROKEN,)])
def test_an_answer_that_fails_as_the_second_in_a_row_opens_another_session_that_hears_the_same(
    first: tuple[Event, ...],
) -> None:
    broken = drive(*TO_THINKING, *first, ResponseStarted("r1"))

    assert broken.hear(FAILED) == [ShowLight(Light.CONNECTING), *REPLACED]
    assert broken.wait(0.25) == [OpenLink("hey_jarvis", resumes=True)]


@pytest.mark.parametrize(
    "between", [COMPLETED, ResponseEnded("r1", ResponseStatus.FAILED, fault="service-busy")], ids=["whole", "busy"]
)
def test_failed_answers_are_not_in_a_row_if_another_ended_between(between: ResponseEnded) -> None:
    failed = drive(*TO_ANSWERING, FAILED, TurnEnded(), ResponseStarted("r1"), between, TurnEnded())

    assert CloseLink() not in failed.hear(ResponseStarted("r1"), FAILED)
    assert failed.phase is Phase.LISTENING


def test_an_error_and_the_end_of_the_answer_that_it_spoiled_are_one_failure() -> None:
    failed = drive(*TO_ANSWERING, BROKEN)

    assert failed.hear(FAILED) == [ShowLight(Light.LISTENING), PlayEarcon(Earcon.ERROR)]


def test_an_answer_that_fails_in_the_middle_is_heard_as_far_as_it_came_before_the_session_is_replaced() -> None:
    speaking = drive(*TO_ANSWERING, FAILED, TurnEnded(), ResponseStarted("r1"), PlaybackStarted(1))

    assert speaking.hear(replace(FAILED, has_audio=True)) == []
    assert speaking.hear(PlaybackDrained(1))[-1] == OpenLink("hey_jarvis", resumes=True)


def test_a_service_that_is_only_busy_keeps_its_session() -> None:
    assert drive(*TO_THINKING, BUSY, BUSY, BUSY).hear(BUSY) == []


def test_failures_before_the_session_is_open_are_late_news() -> None:
    assert drive(*TO_CONNECTING, BROKEN, BROKEN).hear(BROKEN) == []


def test_a_service_that_fails_in_every_session_ends_the_conversation_audibly() -> None:
    broken = drive(*TO_THINKING)
    heard = []
    for _ in range(5):
        heard += broken.hear(BROKEN, BROKEN)
        heard += broken.wait(2)
        heard += broken.hear(LinkOpened(), TurnEnded())

    assert broken.phase is Phase.IDLE
    assert heard.count(OpenLink("hey_jarvis", resumes=True)) == 4
    assert ShowLight(Light.FAULT, "service-busy") in heard
