"""A session with an announced end: another replaces it before that, between two turns."""

import pytest
from msgspec.structs import replace

from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import (
    BudgetTold,
    Event,
    ItemEnded,
    LinkOpened,
    MutePressed,
    PlaybackDrained,
    PlaybackStarted,
    ResponseEnded,
    ResponseStarted,
    ResponseStatus,
    SessionExpires,
    ToolFinished,
    TurnEnded,
    UserStartedSpeaking,
)
from edgevoice.core.orders import Light, OpenLink, OpenUplink, RewindUplink, ShowLight
from tests.core.drive import (
    CALL,
    HUNG_UP,
    NETWORK_GONE,
    OPEN_MICROPHONE,
    TO_ANSWERING,
    TO_CONNECTING,
    TO_LISTENING,
    TO_SPEAKING,
    drive,
)

PATIENT = replace(OPEN_MICROPHONE, no_speech_s=300, follow_up_s=300, session_s=3600)
RENEWED = [ShowLight(Light.CONNECTING), RewindUplink(), OpenLink("hey_jarvis", resumes=True)]


@pytest.mark.parametrize(("in_s", "after_s"), [(100, 75), (240, 210), (120, 90), (60, 45), (20, 15)])
def test_a_session_is_renewed_half_a_minute_or_a_quarter_of_its_time_before_it_expires(
    in_s: float, after_s: float
) -> None:
    listening = drive(*TO_LISTENING, SessionExpires(in_s), policy=PATIENT)

    assert listening.wait(after_s - 0.1) == []
    assert listening.wait(0.1) == RENEWED
    assert listening.hear(LinkOpened()) == [ShowLight(Light.LISTENING), OpenUplink()]
    assert listening.wait(200) == [], "once: the next one says for itself when it expires"


@pytest.mark.parametrize("in_s", [19.9, 0, -60, -1e9])
def test_an_expiry_that_is_past_or_too_near_is_ignored_because_our_clock_may_be_wrong(in_s: float) -> None:
    assert drive(*TO_LISTENING, SessionExpires(in_s), policy=PATIENT).wait(299) == []


def test_the_latest_reported_expiry_counts() -> None:
    listening = drive(*TO_LISTENING, SessionExpires(100), SessionExpires(260), policy=PATIENT)

    assert listening.wait(229) == []
    assert listening.wait(1) == RENEWED


@pytest.mark.parametrize("way", [(), TO_CONNECTING], ids=["idle", "connecting"])
def test_the_expiry_of_a_session_that_is_not_open_is_ignored(way: tuple[Event, ...]) -> None:
    closed = drive(*way, SessionExpires(20))
    before = closed.waits_s
    closed.hear(SessionExpires(25))

    assert closed.waits_s == before


def test_an_answer_is_heard_to_its_end_first() -> None:
    speaking = drive(*TO_SPEAKING, SessionExpires(100), policy=PATIENT)

    assert speaking.wait(80) == []
    assert speaking.hear(ResponseEnded("r1", ResponseStatus.COMPLETED, has_audio=True)) == []
    assert speaking.hear(PlaybackDrained(1)) == RENEWED


def test_the_users_turn_is_finished_and_answered_first() -> None:
    talking = drive(*TO_LISTENING, SessionExpires(100), UserStartedSpeaking(), policy=replace(PATIENT, turn_s=200))

    assert talking.wait(80) == []
    talking.hear(TurnEnded(), ResponseStarted("r1"), PlaybackStarted(1))
    talking.hear(ResponseEnded("r1", ResponseStatus.COMPLETED, has_audio=True))
    assert talking.hear(PlaybackDrained(1)) == RENEWED


def test_a_round_of_tools_is_part_of_the_answer() -> None:
    calling = drive(*TO_ANSWERING, SessionExpires(100), policy=PATIENT)
    calling.hear(ResponseEnded("r1", ResponseStatus.COMPLETED, (CALL,)))

    assert calling.wait(80) == []
    calling.hear(ToolFinished("c1", "1"), ResponseStarted("r2"), PlaybackStarted(1))
    calling.hear(ResponseEnded("r2", ResponseStatus.COMPLETED, has_audio=True))
    assert calling.hear(PlaybackDrained(1)) == RENEWED


def test_an_answer_that_does_not_end_in_time_ends_with_the_session() -> None:
    speaking = drive(*TO_SPEAKING, SessionExpires(100), policy=PATIENT)
    speaking.wait(100)
    speaking.hear(NETWORK_GONE)

    assert speaking.hear(PlaybackDrained(1))[0] == ShowLight(Light.CONNECTING)
    speaking.wait(0.25)
    speaking.hear(LinkOpened())
    assert speaking.wait(200) == [], "the new session is not renewed for the old one's time"


def test_a_failed_renewal_is_tried_again() -> None:
    renewed = drive(*TO_LISTENING, SessionExpires(100), policy=PATIENT)
    renewed.wait(75)

    assert renewed.hear(NETWORK_GONE) == []
    assert renewed.wait(0.25) == RENEWED[-1:]
    assert renewed.hear(LinkOpened()) == [ShowLight(Light.LISTENING), OpenUplink()]


def test_a_conversation_whose_minutes_are_used_up_is_not_renewed() -> None:
    spent = drive(BudgetTold(60), *TO_LISTENING, SessionExpires(100), policy=replace(PATIENT, no_speech_s=85))

    assert OpenLink("hey_jarvis", resumes=True) not in spent.wait(84)
    assert spent.phase is Phase.LISTENING


def test_a_muted_box_does_not_renew_its_session() -> None:
    muted = drive(*TO_SPEAKING, SessionExpires(100), MutePressed(), policy=PATIENT)
    muted.wait(80)
    muted.hear(ResponseEnded("r1", ResponseStatus.COMPLETED, has_audio=True))

    assert not any(isinstance(order, OpenLink) for order in muted.hear(PlaybackDrained(1)))
    assert muted.phase is Phase.IDLE


def test_hanging_up_before_prevents_the_renewal() -> None:
    short = drive(*TO_LISTENING, SessionExpires(100), policy=replace(PATIENT, no_speech_s=8))

    assert short.wait(300) == HUNG_UP


def test_the_expiry_of_a_lost_session_does_not_apply_to_the_next() -> None:
    lost = drive(*TO_LISTENING, SessionExpires(100), policy=PATIENT)
    lost.wait(20)
    lost.hear(NETWORK_GONE)
    lost.wait(0.25)
    lost.hear(LinkOpened())

    assert lost.wait(200) == []


def test_an_expiry_reported_while_the_next_session_is_dialled_is_ignored() -> None:
    renewed = drive(*TO_LISTENING, SessionExpires(100), policy=PATIENT)
    renewed.wait(75)

    assert renewed.hear(ResponseStarted("r1"), UserStartedSpeaking()) == []
    assert renewed.phase is Phase.CONNECTING


def test_a_renewal_happens_once_even_after_the_next_answer() -> None:
    renewed = drive(*TO_LISTENING, SessionExpires(100), policy=PATIENT)
    renewed.wait(75)
    renewed.hear(LinkOpened(), UserStartedSpeaking(), TurnEnded(), ResponseStarted("r1"), PlaybackStarted(1))
    renewed.hear(ResponseEnded("r1", ResponseStatus.COMPLETED, has_audio=True))

    assert renewed.hear(PlaybackDrained(1)) == [ShowLight(Light.LISTENING)]


def test_a_renewal_gets_all_its_tries_whatever_was_lost_before() -> None:
    renewed = drive(*TO_LISTENING, NETWORK_GONE, policy=PATIENT)
    for _ in range(3):
        renewed.wait(renewed.waits_s or 0)
        renewed.hear(NETWORK_GONE)
    renewed.wait(renewed.waits_s or 0)
    renewed.hear(LinkOpened(), SessionExpires(100))
    assert renewed.wait(75) == RENEWED

    for _ in range(4):
        assert renewed.hear(NETWORK_GONE) == []
        assert renewed.wait(renewed.waits_s or 0) == [OpenLink("hey_jarvis", resumes=True)]


def test_an_answer_without_an_end_leaves_nothing_in_the_next_session() -> None:
    heard = drive(*TO_SPEAKING, ItemEnded("r1"), SessionExpires(100), PlaybackDrained(1), policy=PATIENT)
    heard.wait(75)
    heard.hear(LinkOpened())

    assert not heard.conversation.admits("r1")
    assert heard.hear(PlaybackStarted(2)) == []
