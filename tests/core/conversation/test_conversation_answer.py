"""How an answer is waited for, heard, and over; and what a box that hears itself does meanwhile."""

from dataclasses import replace

import pytest

from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import (
    Event,
    PlaybackDrained,
    PlaybackStarted,
    ResponseEnded,
    ResponseStarted,
    ResponseStatus,
    ServiceComplained,
    TalkHeld,
    TurnEnded,
    UserStartedSpeaking,
)
from edgevoice.core.orders import (
    CloseLink,
    CloseUplink,
    CutPlayback,
    Earcon,
    Light,
    OpenUplink,
    PlayEarcon,
    ShowLight,
    SilenceUplink,
)
from tests.core.drive import (
    COMPLETED,
    HALF_DUPLEX,
    HUNG_UP,
    NETWORK_GONE,
    OPEN_MICROPHONE,
    TO_ANSWERING,
    TO_LISTENING,
    TO_SPEAKING,
    TO_SPOKEN,
    TO_THINKING,
    drive,
    ended_by,
)

# --- the answer ------------------------------------------------------------------------------------------------------


def test_an_answer_that_nobody_asked_for_is_heard() -> None:
    assert drive(*TO_LISTENING).hear(ResponseStarted("r1")) == [ShowLight(Light.THINKING)]


def test_only_the_answer_in_progress_may_be_heard() -> None:
    answering = drive(*TO_ANSWERING)

    assert answering.conversation.admits("r1")
    assert not answering.conversation.admits("r0")


def test_the_light_speaks_when_there_is_sound() -> None:
    assert drive(*TO_ANSWERING).hear(PlaybackStarted(1)) == [ShowLight(Light.SPEAKING)]


def test_an_answer_that_begins_and_then_stalls_is_heard_to_fail() -> None:
    answering = drive(*TO_ANSWERING)

    assert answering.wait(15)[-1] == PlayEarcon(Earcon.TROUBLE)


def test_an_answer_that_begins_late_has_all_its_time_from_then_on() -> None:
    thinking = drive(*TO_THINKING)
    thinking.wait(14)
    thinking.hear(ResponseStarted("r1"))

    assert thinking.wait(14) == []


def test_an_answer_that_sounds_may_take_its_time() -> None:
    assert drive(*TO_SPEAKING).wait(599) == []


def test_the_follow_up_window_opens_when_the_answer_is_complete_and_heard() -> None:
    spoken = drive(*TO_SPOKEN)
    assert spoken.phase is Phase.SPEAKING

    assert spoken.hear(PlaybackDrained(1)) == [ShowLight(Light.LISTENING)]
    assert spoken.wait(5.9) == []
    assert spoken.wait(0.1) == HUNG_UP


def test_the_follow_up_window_waits_for_the_end_of_an_answer_that_stalls() -> None:
    speaking = drive(*TO_SPEAKING)

    assert speaking.hear(PlaybackDrained(1)) == [ShowLight(Light.THINKING)]
    assert speaking.hear(PlaybackStarted(2)) == [ShowLight(Light.SPEAKING)]
    assert speaking.hear(PlaybackDrained(2)) == [ShowLight(Light.THINKING)]
    assert speaking.hear(COMPLETED) == [ShowLight(Light.LISTENING)]


def test_an_answer_that_stalls_for_too_long_is_heard_to_fail() -> None:
    stalled = drive(*TO_SPEAKING, PlaybackDrained(1))

    assert stalled.wait(14.9) == []
    assert stalled.wait(0.1)[0:2] == [CutPlayback(), ShowLight(Light.FAULT, "no-answer")]


def test_without_a_follow_up_window_the_box_hangs_up_after_the_answer() -> None:
    spoken = drive(*TO_SPOKEN, policy=replace(OPEN_MICROPHONE, follow_up_s=0))

    assert spoken.hear(PlaybackDrained(1)) == HUNG_UP


def test_sound_that_comes_after_an_answer_is_over_is_not_heard() -> None:
    over = drive(*TO_SPOKEN, PlaybackDrained(1))
    silent = drive(*TO_ANSWERING, ResponseEnded("r1", ResponseStatus.COMPLETED))

    assert not over.conversation.admits("r1")
    assert not silent.conversation.admits("r1")


def test_an_answer_that_is_over_is_not_waited_for_any_more() -> None:
    answering = drive(*TO_ANSWERING)
    answering.wait(12)
    answering.hear(ResponseEnded("r1", ResponseStatus.FAILED))

    assert answering.wait(5.9) == []
    assert answering.wait(0.1) == HUNG_UP


@pytest.mark.parametrize("status", [ResponseStatus.FAILED, ResponseStatus.INCOMPLETE])
@pytest.mark.parametrize("way", [TO_SPEAKING, (*TO_SPEAKING, PlaybackDrained(1), PlaybackStarted(2))])
def test_an_answer_that_fails_is_heard_to_fail_after_the_last_sound_of_it(
    way: tuple[Event, ...], status: ResponseStatus
) -> None:
    speaking = drive(*way)

    assert speaking.hear(ResponseEnded("r1", status, has_audio=True)) == []
    assert speaking.wait(10) == [], "its words are ten seconds long"
    last_burst = 1 + way.count(PlaybackDrained(1))
    assert speaking.hear(PlaybackDrained(last_burst)) == [ShowLight(Light.LISTENING), PlayEarcon(Earcon.TROUBLE)]


def test_an_answer_that_fails_while_nothing_of_it_sounds_any_more_is_heard_to_fail_at_once() -> None:
    stalled = drive(*TO_SPEAKING, PlaybackDrained(1))

    failed = ResponseEnded("r1", ResponseStatus.FAILED, has_audio=True)
    assert stalled.hear(failed) == [ShowLight(Light.LISTENING), PlayEarcon(Earcon.TROUBLE)]


def test_the_tone_of_an_answer_that_failed_comes_with_its_last_sound_and_before_the_box_listens_to_the_room() -> None:
    spoken = drive(*TO_SPEAKING, ResponseEnded("r1", ResponseStatus.INCOMPLETE, has_audio=True), policy=HALF_DUPLEX)

    assert spoken.hear(PlaybackDrained(1)) == [PlayEarcon(Earcon.TROUBLE)]
    assert spoken.wait(0.2) == [ShowLight(Light.LISTENING), OpenUplink()]


def test_an_answer_that_failed_and_was_interrupted_has_no_tone_any_more() -> None:
    failed = drive(*TO_SPEAKING, ResponseEnded("r1", ResponseStatus.FAILED, has_audio=True))

    assert failed.hear(UserStartedSpeaking()) == [CutPlayback(), ShowLight(Light.LISTENING)]
    failed.hear(TurnEnded(), ResponseStarted("r2"), PlaybackStarted(2))
    failed.hear(ResponseEnded("r2", ResponseStatus.COMPLETED, has_audio=True))
    assert failed.hear(PlaybackDrained(2)) == [ShowLight(Light.LISTENING)]


def test_why_an_answer_failed_is_shown_when_nobody_goes_on() -> None:
    failed = drive(*TO_ANSWERING, ResponseEnded("r1", ResponseStatus.FAILED, fault="service-busy"))

    assert failed.wait(6) == [ShowLight(Light.FAULT, "service-busy"), CloseUplink(), CloseLink()]
    assert failed.wait(6) == [ShowLight(Light.IDLE)]


def test_why_an_answer_failed_is_forgotten_when_the_next_one_is_heard() -> None:
    failed = drive(*TO_ANSWERING, ResponseEnded("r1", ResponseStatus.FAILED, fault="service-busy"), TurnEnded())
    failed.hear(ResponseStarted("r2"), PlaybackStarted(1))
    failed.hear(ResponseEnded("r2", ResponseStatus.COMPLETED, has_audio=True), PlaybackDrained(1))

    assert failed.wait(6) == HUNG_UP


def test_why_an_answer_failed_is_forgotten_with_its_conversation() -> None:
    failed = drive(*TO_ANSWERING, ResponseEnded("r1", ResponseStatus.FAILED, fault="service-busy"), TalkHeld())

    assert failed.hear(*TO_LISTENING)[-1] == OpenUplink()
    assert failed.wait(8) == HUNG_UP


def test_a_complaint_is_why_an_answer_that_never_comes_has_failed() -> None:
    thinking = drive(*TO_THINKING, ServiceComplained("rate_limit_exceeded", "service-busy"), ServiceComplained("odd"))

    assert ShowLight(Light.FAULT, "service-busy") in thinking.wait(15)


@pytest.mark.parametrize("status", list(ResponseStatus))
def test_an_answer_without_a_sound_is_heard_as_trouble(status: ResponseStatus) -> None:
    orders = drive(*TO_ANSWERING).hear(ResponseEnded("r1", status))

    assert orders == [ShowLight(Light.LISTENING), PlayEarcon(Earcon.TROUBLE)]


def test_an_answer_that_the_service_takes_back_after_it_has_sounded_is_no_trouble() -> None:
    cancelled = ResponseEnded("r1", ResponseStatus.CANCELLED, has_audio=True)

    assert drive(*TO_SPEAKING).hear(cancelled) == []


# --- half-duplex -----------------------------------------------------------------------------------------------------


def test_a_box_that_hears_itself_sends_zeros_while_it_speaks() -> None:
    assert drive(*TO_ANSWERING, policy=HALF_DUPLEX).hear(PlaybackStarted(1)) == [
        ShowLight(Light.SPEAKING),
        SilenceUplink(),
    ]


def test_a_box_that_hears_itself_listens_again_when_the_room_is_quiet() -> None:
    spoken = drive(*TO_SPOKEN, policy=HALF_DUPLEX)

    assert spoken.hear(PlaybackDrained(1)) == []  # the light must not say that it listens before it does
    assert spoken.wait(0.19) == []
    assert spoken.wait(0.01) == [ShowLight(Light.LISTENING), OpenUplink()]
    assert spoken.wait(6) == HUNG_UP


def test_a_box_that_hears_itself_does_not_listen_for_a_moment_before_it_hangs_up() -> None:
    spoken = drive(*TO_SPOKEN, PlaybackDrained(1), policy=replace(HALF_DUPLEX, follow_up_s=0))

    assert spoken.wait(0.2) == HUNG_UP


def test_an_answer_that_is_complete_only_while_the_room_still_sounds_is_over_when_it_is_quiet() -> None:
    speaking = drive(*TO_SPEAKING, PlaybackDrained(1), policy=HALF_DUPLEX)

    assert speaking.hear(COMPLETED) == []
    assert speaking.wait(0.2) == [ShowLight(Light.LISTENING), OpenUplink()]


def test_an_answer_that_stalls_in_a_room_that_is_quiet_again_is_waited_for() -> None:
    stalled = drive(*TO_SPEAKING, PlaybackDrained(1), policy=HALF_DUPLEX)

    assert stalled.wait(0.2) == [ShowLight(Light.THINKING), OpenUplink()]
    assert stalled.waits_s == 15


def test_a_link_lost_while_the_room_still_sounds_is_no_trouble() -> None:
    spoken = drive(*TO_SPOKEN, PlaybackDrained(1), policy=HALF_DUPLEX)

    assert spoken.hear(NETWORK_GONE) == [CloseUplink()]
    assert spoken.wait(0.2) == HUNG_UP


def test_an_answer_that_goes_on_before_the_room_is_quiet_stays_unheard_by_the_service() -> None:
    stalled = drive(*TO_SPEAKING, PlaybackDrained(1), policy=HALF_DUPLEX)

    assert stalled.wait(0.1) == []
    assert stalled.hear(PlaybackStarted(2)) == [SilenceUplink()]
    assert stalled.wait(10) == []


def test_the_uplink_stays_shut_when_a_hang_up_and_the_end_of_the_echo_fall_together() -> None:
    policy = replace(HALF_DUPLEX, session_s=60)
    spoken = drive(*TO_SPOKEN, policy=policy)
    spoken.wait(59.9)
    spoken.hear(PlaybackDrained(1))

    assert spoken.oversleep(0.3) == ended_by(Earcon.SESSION_SPENT)


def test_deadlines_that_fall_together_each_have_their_own_light() -> None:
    spoken = drive(*TO_SPOKEN, PlaybackDrained(1), policy=HALF_DUPLEX)

    hung_up = ended_by(Earcon.SESSION_SPENT)
    assert spoken.oversleep(700) == [ShowLight(Light.LISTENING), OpenUplink(), *hung_up]


def test_a_hang_up_calls_off_what_would_have_failed_in_the_same_instant() -> None:
    thinking = drive(*TO_THINKING, policy=replace(OPEN_MICROPHONE, session_s=14))

    assert thinking.oversleep(20) == ended_by(Earcon.SESSION_SPENT)


def test_why_an_answer_failed_is_shown_at_once_where_there_is_no_follow_up_window() -> None:
    failed = drive(*TO_ANSWERING, policy=replace(OPEN_MICROPHONE, follow_up_s=0))

    assert failed.hear(ResponseEnded("r1", ResponseStatus.FAILED, fault="service-busy")) == [
        ShowLight(Light.FAULT, "service-busy"),
        PlayEarcon(Earcon.TROUBLE),
        CloseUplink(),
        CloseLink(),
    ]
    assert failed.wait(6) == [ShowLight(Light.IDLE)]
