"""How the box waits for an answer, plays it and ends it; and what a box that hears itself does meanwhile."""

import pytest
from msgspec.structs import replace

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


def test_an_unrequested_answer_is_heard() -> None:
    assert drive(*TO_LISTENING).hear(ResponseStarted("r1")) == [ShowLight(Light.THINKING)]


def test_only_the_answer_in_progress_may_be_heard() -> None:
    answering = drive(*TO_ANSWERING)

    assert answering.conversation.admits("r1")
    assert not answering.conversation.admits("r0")


def test_the_light_shows_speaking_once_there_is_sound() -> None:
    assert drive(*TO_ANSWERING).hear(PlaybackStarted(1)) == [ShowLight(Light.SPEAKING)]


def test_an_answer_that_begins_and_then_stalls_sounds_the_trouble_tone() -> None:
    answering = drive(*TO_ANSWERING)

    assert answering.wait(15)[-1] == PlayEarcon(Earcon.ERROR)


def test_an_answer_that_begins_late_gets_its_full_time_from_then_on() -> None:
    thinking = drive(*TO_THINKING)
    thinking.wait(14)
    thinking.hear(ResponseStarted("r1"))

    assert thinking.wait(14) == []


def test_an_answer_that_is_playing_may_take_its_time() -> None:
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


def test_an_answer_that_stalls_for_too_long_sounds_the_trouble_tone() -> None:
    stalled = drive(*TO_SPEAKING, PlaybackDrained(1))

    assert stalled.wait(14.9) == []
    assert stalled.wait(0.1)[0:2] == [CutPlayback(), ShowLight(Light.FAULT, "no-answer")]


def test_without_a_follow_up_window_the_box_hangs_up_after_the_answer() -> None:
    spoken = drive(*TO_SPOKEN, policy=replace(OPEN_MICROPHONE, follow_up_s=0))

    assert spoken.hear(PlaybackDrained(1)) == HUNG_UP


def test_sound_that_arrives_after_an_answer_is_over_is_not_heard() -> None:
    over = drive(*TO_SPOKEN, PlaybackDrained(1))
    silent = drive(*TO_ANSWERING, ResponseEnded("r1", ResponseStatus.COMPLETED))

    assert not over.conversation.admits("r1")
    assert not silent.conversation.admits("r1")


def test_an_answer_that_is_over_is_no_longer_awaited() -> None:
    answering = drive(*TO_ANSWERING)
    answering.wait(12)
    answering.hear(ResponseEnded("r1", ResponseStatus.FAILED))

    assert answering.wait(5.9) == []
    assert answering.wait(0.1) == HUNG_UP


@pytest.mark.parametrize("status", [ResponseStatus.FAILED, ResponseStatus.INCOMPLETE])
@pytest.mark.parametrize("way", [TO_SPEAKING, (*TO_SPEAKING, PlaybackDrained(1), PlaybackStarted(2))])
def test_a_failed_answer_sounds_the_trouble_tone_after_its_last_sound(
    way: tuple[Event, ...], status: ResponseStatus
) -> None:
    speaking = drive(*way)

    assert speaking.hear(ResponseEnded("r1", status, has_audio=True)) == []
    assert speaking.wait(10) == [], "its words are ten seconds long"
    last_burst = 1 + way.count(PlaybackDrained(1))
    assert speaking.hear(PlaybackDrained(last_burst)) == [ShowLight(Light.LISTENING), PlayEarcon(Earcon.ERROR)]


def test_an_answer_that_fails_in_silence_sounds_the_trouble_tone_at_once() -> None:
    stalled = drive(*TO_SPEAKING, PlaybackDrained(1))

    failed = ResponseEnded("r1", ResponseStatus.FAILED, has_audio=True)
    assert stalled.hear(failed) == [ShowLight(Light.LISTENING), PlayEarcon(Earcon.ERROR)]


def test_the_tone_of_an_answer_that_failed_comes_with_its_last_sound_and_before_the_box_listens_to_the_room() -> None:
    spoken = drive(*TO_SPEAKING, ResponseEnded("r1", ResponseStatus.INCOMPLETE, has_audio=True), policy=HALF_DUPLEX)

    assert spoken.hear(PlaybackDrained(1)) == [PlayEarcon(Earcon.ERROR)]
    assert spoken.wait(0.2) == [ShowLight(Light.LISTENING), OpenUplink()]


def test_a_failed_answer_that_was_interrupted_has_no_tone() -> None:
    failed = drive(*TO_SPEAKING, ResponseEnded("r1", ResponseStatus.FAILED, has_audio=True))

    assert failed.hear(UserStartedSpeaking()) == [CutPlayback(), ShowLight(Light.LISTENING)]
    failed.hear(TurnEnded(), ResponseStarted("r2"), PlaybackStarted(2))
    failed.hear(ResponseEnded("r2", ResponseStatus.COMPLETED, has_audio=True))
    assert failed.hear(PlaybackDrained(2)) == [ShowLight(Light.LISTENING)]


def test_the_reason_of_a_failed_answer_is_shown_if_the_user_does_not_go_on() -> None:
    failed = drive(*TO_ANSWERING, ResponseEnded("r1", ResponseStatus.FAILED, fault="service-busy"))

    assert failed.wait(6) == [ShowLight(Light.FAULT, "service-busy"), CloseUplink(), CloseLink()]
    assert failed.wait(6) == [ShowLight(Light.IDLE)]


def test_the_reason_of_a_failed_answer_is_cleared_when_the_next_one_is_heard() -> None:
    failed = drive(*TO_ANSWERING, ResponseEnded("r1", ResponseStatus.FAILED, fault="service-busy"), TurnEnded())
    failed.hear(ResponseStarted("r2"), PlaybackStarted(1))
    failed.hear(ResponseEnded("r2", ResponseStatus.COMPLETED, has_audio=True), PlaybackDrained(1))

    assert failed.wait(6) == HUNG_UP


def test_the_reason_of_a_failed_answer_is_cleared_with_its_conversation() -> None:
    failed = drive(*TO_ANSWERING, ResponseEnded("r1", ResponseStatus.FAILED, fault="service-busy"), TalkHeld())

    assert failed.hear(*TO_LISTENING)[-1] == OpenUplink()
    assert failed.wait(8) == HUNG_UP


def test_a_service_error_is_the_reason_of_an_answer_that_never_arrives() -> None:
    thinking = drive(*TO_THINKING, ServiceComplained("rate_limit_exceeded", "service-busy"), ServiceComplained("odd"))

    assert ShowLight(Light.FAULT, "service-busy") in thinking.wait(15)


@pytest.mark.parametrize("status", list(ResponseStatus))
def test_a_silent_answer_sounds_the_trouble_tone(status: ResponseStatus) -> None:
    orders = drive(*TO_ANSWERING).hear(ResponseEnded("r1", status))

    assert orders == [ShowLight(Light.LISTENING), PlayEarcon(Earcon.ERROR)]


def test_an_answer_cancelled_by_the_service_after_it_played_sounds_no_trouble_tone() -> None:
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

    assert spoken.hear(PlaybackDrained(1)) == []  # the light must not show listening before the box listens
    assert spoken.wait(0.19) == []
    assert spoken.wait(0.01) == [ShowLight(Light.LISTENING), OpenUplink()]
    assert spoken.wait(6) == HUNG_UP


def test_a_box_that_hears_itself_does_not_listen_for_a_moment_before_it_hangs_up() -> None:
    spoken = drive(*TO_SPOKEN, PlaybackDrained(1), policy=replace(HALF_DUPLEX, follow_up_s=0))

    assert spoken.wait(0.2) == HUNG_UP


def test_an_answer_completed_while_the_room_still_echoes_is_over_when_it_is_quiet() -> None:
    speaking = drive(*TO_SPEAKING, PlaybackDrained(1), policy=HALF_DUPLEX)

    assert speaking.hear(COMPLETED) == []
    assert speaking.wait(0.2) == [ShowLight(Light.LISTENING), OpenUplink()]


def test_a_stalled_answer_is_awaited_once_the_room_is_quiet_again() -> None:
    stalled = drive(*TO_SPEAKING, PlaybackDrained(1), policy=HALF_DUPLEX)

    assert stalled.wait(0.2) == [ShowLight(Light.THINKING), OpenUplink()]
    assert stalled.waits_s == 15


def test_a_link_lost_while_the_room_still_echoes_sounds_no_trouble_tone() -> None:
    spoken = drive(*TO_SPOKEN, PlaybackDrained(1), policy=HALF_DUPLEX)

    assert spoken.hear(NETWORK_GONE) == [CloseUplink()]
    assert spoken.wait(0.2) == HUNG_UP


def test_an_answer_that_continues_before_the_room_is_quiet_stays_unheard_by_the_service() -> None:
    stalled = drive(*TO_SPEAKING, PlaybackDrained(1), policy=HALF_DUPLEX)

    assert stalled.wait(0.1) == []
    assert stalled.hear(PlaybackStarted(2)) == [SilenceUplink()]
    assert stalled.wait(10) == []


def test_the_uplink_stays_shut_when_a_hang_up_and_the_end_of_the_echo_coincide() -> None:
    policy = replace(HALF_DUPLEX, session_s=60)
    spoken = drive(*TO_SPOKEN, policy=policy)
    spoken.wait(59.9)
    spoken.hear(PlaybackDrained(1))

    assert spoken.oversleep(0.3) == ended_by(Earcon.SESSION_SPENT)


def test_deadlines_that_coincide_each_show_their_own_light() -> None:
    spoken = drive(*TO_SPOKEN, PlaybackDrained(1), policy=HALF_DUPLEX)

    hung_up = ended_by(Earcon.SESSION_SPENT)
    assert spoken.oversleep(700) == [ShowLight(Light.LISTENING), OpenUplink(), *hung_up]


def test_a_hang_up_cancels_a_failure_due_at_the_same_moment() -> None:
    thinking = drive(*TO_THINKING, policy=replace(OPEN_MICROPHONE, session_s=14))

    assert thinking.oversleep(20) == ended_by(Earcon.SESSION_SPENT)


def test_the_reason_of_a_failed_answer_is_shown_at_once_without_a_follow_up_window() -> None:
    failed = drive(*TO_ANSWERING, policy=replace(OPEN_MICROPHONE, follow_up_s=0))

    assert failed.hear(ResponseEnded("r1", ResponseStatus.FAILED, fault="service-busy")) == [
        ShowLight(Light.FAULT, "service-busy"),
        PlayEarcon(Earcon.ERROR),
        CloseUplink(),
        CloseLink(),
    ]
    assert failed.wait(6) == [ShowLight(Light.IDLE)]
