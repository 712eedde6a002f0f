"""Any one event of a turn may never come: the conversation goes on, and the box does not hang up."""

import pytest

from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import (
    AnswerProgressed,
    CallMade,
    Event,
    GoodbyeRequested,
    ItemEnded,
    LinkLost,
    PlaybackDrained,
    PlaybackStarted,
    ResponseEnded,
    ResponseStarted,
    ResponseStatus,
    ToolFinished,
    TurnEnded,
    UserStartedSpeaking,
    UserStoppedSpeaking,
)
from edgevoice.core.orders import (
    AbandonTools,
    CreateResponse,
    CutPlayback,
    Earcon,
    Light,
    OpenUplink,
    PlayEarcon,
    RewindUplink,
    RunTool,
    SendToolOutput,
    ShowLight,
)
from tests.core.drive import (
    CALL,
    COMPLETED,
    HALF_DUPLEX,
    HUNG_UP,
    NETWORK_GONE,
    OTHER_CALL,
    TO_ANSWERING,
    TO_LISTENING,
    TO_SPEAKING,
    TO_SPOKEN,
    drive,
)

TURN: tuple[Event, ...] = (
    UserStartedSpeaking(),
    UserStoppedSpeaking(),
    TurnEnded(),
    ResponseStarted("r1"),
    PlaybackStarted(1),
    ItemEnded("r1"),
    COMPLETED,
    PlaybackDrained(1),
)
OURS = (PlaybackStarted, PlaybackDrained)
"""The box's own facts, and not the service's: they always come."""

NEXT_TURN = (UserStartedSpeaking(), UserStoppedSpeaking(), TurnEnded(), ResponseStarted("r2"), PlaybackStarted(2))
ALL_HEARD = (*TO_SPEAKING, ItemEnded("r1"), PlaybackDrained(1))
"""An answer of which everything has come and been heard, but for its end."""

droppable = [place for place, fact in enumerate(TURN) if not isinstance(fact, (*OURS, ResponseStarted))]


@pytest.mark.parametrize("place", droppable, ids=lambda place: type(TURN[place]).__name__)
def test_a_turn_in_which_one_event_is_missing_ends_in_listening_and_the_next_turn_works(place: int) -> None:
    turn = drive(*TO_LISTENING, *TURN[:place], *TURN[place + 1 :])
    turn.wait(3)

    assert turn.phase is Phase.LISTENING
    assert turn.hear(*NEXT_TURN) == [ShowLight(Light.THINKING), ShowLight(Light.SPEAKING)]


@pytest.mark.parametrize("gone", [(0, 1), (1, 2), (0, 1, 2)])
def test_an_answer_is_heard_whichever_event_of_the_users_speech_is_missing(gone: tuple[int, ...]) -> None:
    turn = drive(*TO_LISTENING, *[fact for place, fact in enumerate(TURN[:5]) if place not in gone])

    assert turn.phase is Phase.SPEAKING
    turn.hear(COMPLETED, PlaybackDrained(1))
    assert turn.wait(6) == HUNG_UP


# --- the end of the answer -------------------------------------------------------------------------------------------


def test_a_fully_heard_answer_is_over_after_two_seconds_even_without_its_end() -> None:
    heard = drive(*ALL_HEARD)

    assert heard.wait(1.9) == []
    assert heard.wait(0.1) == [ShowLight(Light.LISTENING)]
    assert heard.wait(6) == HUNG_UP


def test_an_answers_end_that_arrives_while_the_box_listens_again_is_ignored() -> None:
    heard = drive(*ALL_HEARD)
    heard.wait(3)

    assert heard.hear(COMPLETED) == []
    assert heard.phase is Phase.LISTENING
    assert not heard.conversation.admits("r1")
    assert heard.hear(*NEXT_TURN)[-1] == ShowLight(Light.SPEAKING)


@pytest.mark.parametrize("moment", range(len(NEXT_TURN) + 1))
def test_an_answers_end_that_arrives_in_the_next_turn_is_ignored(moment: int) -> None:
    heard = drive(*ALL_HEARD)
    heard.wait(3)
    heard.hear(*NEXT_TURN[:moment])
    phase = heard.phase

    assert heard.hear(COMPLETED) == []
    assert heard.phase is phase
    heard.hear(*NEXT_TURN[moment:], ResponseEnded("r2", ResponseStatus.COMPLETED, has_audio=True))
    assert heard.hear(PlaybackDrained(2)) == [ShowLight(Light.LISTENING)]


def test_an_answer_may_continue_after_an_item_and_then_the_conversation_goes_on() -> None:
    heard = drive(*ALL_HEARD, AnswerProgressed("r1"))

    assert heard.wait(14.9) == []
    assert heard.wait(0.1) == [ShowLight(Light.LISTENING)]


def test_the_end_of_another_answers_item_does_not_affect_this_one() -> None:
    stalled = drive(*TO_SPEAKING, ItemEnded("r0"), PlaybackDrained(1))

    assert stalled.wait(14.9) == []
    assert stalled.wait(0.1)[:2] == [CutPlayback(), ShowLight(Light.FAULT, "no-answer")]


def test_the_end_of_an_interrupted_answers_item_is_ignored() -> None:
    interrupted = drive(*TO_SPEAKING, UserStartedSpeaking(), ItemEnded("r1"), TurnEnded())

    assert interrupted.waits_s == 15
    interrupted.wait(10)
    assert interrupted.hear(ItemEnded("r1")) == []
    assert interrupted.waits_s == 5


def test_an_answer_whose_item_is_silent_sounds_the_trouble_tone_and_the_box_listens() -> None:
    silent = drive(*TO_ANSWERING, ItemEnded("r1"))

    assert silent.wait(2) == [ShowLight(Light.LISTENING), PlayEarcon(Earcon.ERROR)]


def test_late_sound_is_heard_after_all() -> None:
    heard = drive(*ALL_HEARD)
    heard.wait(3)

    assert heard.conversation.admits("r1")
    assert heard.hear(PlaybackStarted(2)) == [ShowLight(Light.SPEAKING)]
    assert heard.wait(60) == []
    heard.hear(COMPLETED)
    assert heard.hear(PlaybackDrained(2)) == [ShowLight(Light.LISTENING)]


def test_an_answer_that_continues_late_and_is_then_cancelled_is_not_requested_again() -> None:
    heard = drive(*ALL_HEARD)
    heard.wait(3)
    heard.hear(PlaybackStarted(2))

    assert heard.hear(ResponseEnded("r1", ResponseStatus.CANCELLED)) == []


def test_a_turn_without_a_reported_start_also_ends_an_answer_whose_end_is_missing() -> None:
    heard = drive(*ALL_HEARD)
    heard.wait(3)
    heard.hear(TurnEnded())

    assert not heard.conversation.admits("r1")


def test_sound_that_arrives_after_the_user_has_spoken_is_not_heard() -> None:
    heard = drive(*ALL_HEARD)
    heard.wait(3)
    heard.hear(UserStartedSpeaking())

    assert not heard.conversation.admits("r1")


def test_a_session_lost_after_an_answer_without_an_end_is_resumed_without_trouble() -> None:
    heard = drive(*ALL_HEARD)
    heard.wait(3)

    assert heard.hear_all(NETWORK_GONE) == [ShowLight(Light.CONNECTING), RewindUplink()]


def test_a_session_that_ends_for_good_after_an_unfinished_answer_shows_why() -> None:
    heard = drive(*ALL_HEARD)
    heard.wait(3)

    assert heard.hear(LinkLost("no-credit", is_retriable=False))[0] == ShowLight(Light.FAULT, "no-credit")


def test_a_box_that_hears_itself_listens_again_even_without_the_answers_end() -> None:
    heard = drive(*ALL_HEARD, policy=HALF_DUPLEX)

    assert heard.wait(0.2) == [ShowLight(Light.THINKING), OpenUplink()]
    assert heard.wait(2) == [ShowLight(Light.LISTENING)]


def test_a_farewell_without_an_end_is_still_a_farewell() -> None:
    parting = drive(*TO_ANSWERING, ResponseEnded("r1", ResponseStatus.COMPLETED, (CALL,)), GoodbyeRequested())
    parting.hear(ToolFinished("c1", ""), ResponseStarted("r2"), PlaybackStarted(1), ItemEnded("r2"))
    parting.hear(PlaybackDrained(1))

    assert parting.wait(2)[-2:] == HUNG_UP[-2:]
    assert parting.phase is Phase.IDLE


# --- the end of an answer that calls tools ---------------------------------------------------------------------------


def test_calls_that_arrive_only_with_a_late_end_are_run_and_answered_if_nobody_spoke_since() -> None:
    heard = drive(*ALL_HEARD)
    heard.wait(4)

    orders = heard.hear(ResponseEnded("r1", ResponseStatus.COMPLETED, (CALL,), has_audio=True))

    assert orders == [ShowLight(Light.THINKING), RunTool(CALL)]
    assert heard.wait(60) == []
    assert heard.hear(ToolFinished("c1", "1")) == [SendToolOutput("c1", "1"), CreateResponse()]


def test_calls_that_arrive_only_with_a_late_end_are_run_for_the_record_if_the_user_spoke_since() -> None:
    heard = drive(*ALL_HEARD)
    heard.wait(3)
    heard.hear(UserStartedSpeaking())

    assert heard.hear(ResponseEnded("r1", ResponseStatus.COMPLETED, (CALL,), has_audio=True)) == [
        RunTool(CALL),
        AbandonTools(("c1",)),
    ]
    assert heard.hear(ToolFinished("c1", "1")) == [SendToolOutput("c1", "1")]


CALLED = (*TO_ANSWERING, CallMade("r1", CALL), CallMade("r1", OTHER_CALL))


def test_complete_calls_are_run_after_two_seconds_even_without_the_answers_end() -> None:
    called = drive(*CALLED)

    assert called.wait(1.9) == []
    assert called.wait(0.1) == [RunTool(CALL), RunTool(OTHER_CALL)]
    assert called.wait(60) == []
    assert called.hear(ToolFinished("c1", "1")) == [SendToolOutput("c1", "1")]
    assert called.hear(ToolFinished("c2", "2")) == [SendToolOutput("c2", "2")], "the service is still at work"
    assert called.wait(2) == [CreateResponse()]
    assert called.hear(ResponseStarted("r2"), PlaybackStarted(1)) == [ShowLight(Light.SPEAKING)]
    called.hear(ResponseEnded("r2", ResponseStatus.COMPLETED, has_audio=True))
    assert called.hear(PlaybackDrained(1)) == [ShowLight(Light.LISTENING)]


def test_calls_run_before_their_answers_end_are_not_run_again_when_it_arrives() -> None:
    called = drive(*CALLED)
    called.wait(2)
    third = RunTool(CALL.__class__("c3", "get_time", ""))

    assert called.hear(ResponseEnded("r1", ResponseStatus.COMPLETED, (CALL, OTHER_CALL, third.call))) == [third]
    called.hear(ToolFinished("c1", "1"), ToolFinished("c2", "2"))
    assert called.hear(ToolFinished("c3", "3")) == [SendToolOutput("c3", "3"), CreateResponse()]


def test_the_request_is_sent_as_soon_as_the_late_end_arrives() -> None:
    called = drive(*CALLED)
    called.wait(2)
    called.hear(ToolFinished("c1", "1"), ToolFinished("c2", "2"))

    assert called.hear(ResponseEnded("r1", ResponseStatus.COMPLETED, (CALL, OTHER_CALL))) == [CreateResponse()]


def test_a_service_with_endless_calls_does_not_fill_the_memory() -> None:
    called = drive(*TO_ANSWERING, *[CallMade("r1", CALL.__class__(f"c{number}", "stop", "")) for number in range(1000)])

    assert len(called.wait(2)) == 64


def test_calls_of_an_interrupted_unfinished_answer_are_not_run() -> None:
    assert drive(*CALLED, UserStartedSpeaking()).wait(60) == []


# --- an answer that begins before the end of the user's turn is reported ----------------------------------------------


def test_an_answer_that_begins_before_the_user_is_known_to_have_stopped_is_heard() -> None:
    early = drive(*TO_LISTENING, UserStartedSpeaking())

    begun = early.hear(ResponseStarted("r1"), PlaybackStarted(1))
    assert begun == [ShowLight(Light.THINKING), ShowLight(Light.SPEAKING)]
    assert early.hear(UserStoppedSpeaking(), TurnEnded(), COMPLETED) == []
    assert early.hear(PlaybackDrained(1)) == [ShowLight(Light.LISTENING)]
    assert early.wait(6) == HUNG_UP


def test_an_answer_that_begins_early_is_heard_in_the_second_turn_too() -> None:
    early = drive(*TO_SPOKEN, PlaybackDrained(1), UserStartedSpeaking(), ResponseStarted("r2"))

    assert early.phase is Phase.THINKING
    assert early.conversation.admits("r2")


def test_an_answer_that_begins_early_after_an_interruption_is_the_answer_to_it() -> None:
    interrupted = drive(*TO_SPEAKING, UserStartedSpeaking())
    interrupted.hear(ResponseEnded("r1", ResponseStatus.CANCELLED, has_audio=True))

    assert interrupted.hear(ResponseStarted("r2")) == [ShowLight(Light.THINKING)]


def test_of_two_answers_that_begin_while_the_user_speaks_the_second_is_heard() -> None:
    crossing = drive(*TO_LISTENING, TurnEnded(), UserStartedSpeaking(), ResponseStarted("r1"))

    assert not crossing.conversation.admits("r1")
    assert crossing.hear(ResponseStarted("r2")) == [ShowLight(Light.THINKING)]
    assert crossing.conversation.admits("r2")


def test_an_answer_that_never_came_is_forgotten_with_the_next_turn() -> None:
    late = drive(*TO_LISTENING, TurnEnded(), UserStartedSpeaking(), UserStoppedSpeaking(), TurnEnded())

    assert late.hear(ResponseStarted("r1"), PlaybackStarted(1)) == [ShowLight(Light.SPEAKING)]


def test_calls_of_two_answers_without_an_end_are_run_once_each() -> None:
    called = drive(*TO_ANSWERING, CallMade("r1", CALL))
    called.wait(2)
    called.hear(ToolFinished("c1", "1"))
    called.wait(2)
    called.hear(ResponseStarted("r2"), CallMade("r2", OTHER_CALL))
    assert called.wait(2) == [RunTool(OTHER_CALL)]

    assert called.hear(ResponseEnded("r1", ResponseStatus.COMPLETED, (CALL,))) == []
    assert called.hear(ResponseEnded("r2", ResponseStatus.COMPLETED, (OTHER_CALL,))) == []
