"""Speech over the answer, detected by the box itself: duck, confirm, cut; and unduck after a mere cough."""

import pytest

from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import (
    Device,
    DeviceLost,
    Event,
    ItemHeard,
    LinkLost,
    MutePressed,
    NearSpeechBegan,
    NearSpeechConfirmed,
    NearSpeechFaded,
    PlaybackCut,
    PlaybackDrained,
    PlaybackStarted,
    ResponseEnded,
    ResponseStarted,
    ResponseStatus,
    TalkPressed,
    TurnEnded,
    UserStartedSpeaking,
)
from edgevoice.core.orders import (
    CancelResponse,
    CloseLink,
    CloseUplink,
    CutPlayback,
    DuckPlayback,
    Earcon,
    KeepUplink,
    Light,
    MuteMicrophone,
    OpenLink,
    OpenUplink,
    PlayEarcon,
    RestorePlayback,
    ShowLight,
    TruncateItem,
)
from tests.core.drive import (
    COMPLETED,
    HALF_DUPLEX,
    TO_ANSWERING,
    TO_CONNECTING,
    TO_LISTENING,
    TO_SPEAKING,
    TO_SPOKEN,
    TO_THINKING,
    WAKE,
    Driven,
    drive,
)

BEGAN = NearSpeechBegan(at_sample=43_200)
CONFIRMED = NearSpeechConfirmed(at_sample=41_600)


def test_possible_speech_only_ducks_the_answer() -> None:
    speaking = drive(*TO_SPEAKING)

    assert speaking.hear(BEGAN) == [DuckPlayback()]
    assert speaking.phase is Phase.SPEAKING
    assert speaking.conversation.admits("r1")


def test_a_cough_leaves_the_answer_intact() -> None:
    speaking = drive(*TO_SPEAKING, BEGAN)

    assert speaking.hear(NearSpeechFaded()) == [RestorePlayback()]
    assert speaking.hear(PlaybackDrained(1), PlaybackStarted(2)) == [
        ShowLight(Light.THINKING),
        ShowLight(Light.SPEAKING),
    ]
    assert speaking.conversation.admits("r1")


def test_confirmed_speech_cuts_and_informs_the_service_which_may_have_heard_nothing() -> None:
    speaking = drive(*TO_SPEAKING, BEGAN)

    assert speaking.hear(CONFIRMED) == [CutPlayback(), ShowLight(Light.LISTENING), CancelResponse("r1")]
    assert speaking.phase is Phase.LISTENING
    assert not speaking.conversation.admits("r1")


def test_confirmed_speech_cuts_an_answer_that_was_received_long_ago() -> None:
    assert drive(*TO_SPOKEN).hear(BEGAN, CONFIRMED) == [
        DuckPlayback(),
        CutPlayback(),
        ShowLight(Light.LISTENING),
    ]


def test_what_was_heard_is_reported_after_a_cut_by_the_box_as_after_any_other() -> None:
    interrupted = drive(*TO_SPEAKING, BEGAN, CONFIRMED)

    told = interrupted.hear(PlaybackCut((ItemHeard("i1", 0, 740, 2000, is_complete=False),)))

    assert told == [TruncateItem("i1", 0, 740)]


def test_when_the_service_hears_the_same_speech_nothing_is_cut_twice() -> None:
    assert drive(*TO_SPEAKING, BEGAN, CONFIRMED).hear(UserStartedSpeaking()) == []
    assert drive(*TO_SPEAKING, BEGAN, UserStartedSpeaking()).hear(CONFIRMED) == []


def test_the_service_the_wake_word_and_the_box_may_each_confirm_speech() -> None:
    for confirmation in (UserStartedSpeaking(), WAKE, CONFIRMED):
        ducked = drive(*TO_SPEAKING, BEGAN)

        assert ducked.hear(confirmation)[0] == CutPlayback()
        assert ducked.hear(NearSpeechFaded()) == [], "a cut answer needs no volume"


def test_the_turn_after_a_cut_by_the_box_is_answered_like_any_other() -> None:
    interrupted = drive(*TO_SPEAKING, BEGAN, CONFIRMED, UserStartedSpeaking(), TurnEnded())

    assert interrupted.phase is Phase.THINKING
    assert interrupted.hear(ResponseStarted("r2"), PlaybackStarted(2)) == [ShowLight(Light.SPEAKING)]


def test_a_box_interrupted_without_speech_waits_and_hangs_up() -> None:
    interrupted = drive(*TO_SPOKEN, BEGAN, CONFIRMED)

    assert interrupted.waits_s == 8.0
    interrupted.wait(8)
    assert interrupted.phase is Phase.IDLE


@pytest.mark.parametrize("way", [(), TO_CONNECTING, TO_LISTENING, TO_THINKING, TO_ANSWERING], ids=len)
def test_near_speech_while_nothing_plays_is_left_to_the_service(way: tuple[Event, ...]) -> None:
    driven = drive(*way)

    assert driven.hear(BEGAN, CONFIRMED, NearSpeechFaded()) == []


def test_one_duck_is_enough() -> None:
    assert drive(*TO_SPEAKING, BEGAN).hear(BEGAN) == []


def test_an_answer_that_ends_while_ducked_restores_the_volume() -> None:
    ducked = drive(*TO_SPOKEN, BEGAN)

    assert ducked.hear(PlaybackDrained(1)) == [ShowLight(Light.LISTENING), RestorePlayback()]
    assert ducked.hear(NearSpeechFaded()) == []


def test_an_answer_that_stalls_while_ducked_continues_at_full_volume() -> None:
    ducked = drive(*TO_SPEAKING, BEGAN)

    assert RestorePlayback() in ducked.hear(PlaybackDrained(1))
    assert ducked.hear(PlaybackStarted(2), COMPLETED) == [ShowLight(Light.SPEAKING)]


def test_a_box_that_goes_deaf_does_not_stay_quiet() -> None:
    ducked = drive(*TO_SPEAKING, BEGAN)
    assert ducked.hear(DeviceLost(Device.MICROPHONE)) == [RestorePlayback()]

    ducked = drive(*TO_SPEAKING, BEGAN)
    assert ducked.hear(MutePressed()) == [RestorePlayback(), MuteMicrophone(), PlayEarcon(Earcon.MUTED)]
    assert ducked.hear(BEGAN, CONFIRMED) == [], "heard just before the door was shut"


def test_speech_over_an_answer_whose_session_is_gone_opens_another_session() -> None:
    orphan = drive(*TO_SPOKEN, LinkLost("session-ended", is_retriable=True))

    actions = orphan.hear(BEGAN, CONFIRMED)

    assert actions[:2] == [DuckPlayback(), CutPlayback()]
    assert actions[-2:] == [KeepUplink(41_600), OpenLink(resumes=True)]
    assert orphan.phase is Phase.CONNECTING


# --- where the box hears itself --------------------------------------------------------------------------------------


def speaking_over(*facts: Event) -> Driven:
    """Return a box that hears itself, in the middle of an answer."""
    return drive(*TO_SPEAKING, *facts, policy=HALF_DUPLEX)


def test_possible_speech_is_not_sent_before_it_is_confirmed() -> None:
    assert speaking_over().hear(BEGAN) == [DuckPlayback()]
    assert speaking_over(BEGAN).hear(NearSpeechFaded()) == [RestorePlayback()]


def test_confirmed_speech_is_sent_from_before_its_first_sound() -> None:
    assert speaking_over(BEGAN).hear(CONFIRMED) == [
        CutPlayback(),
        ShowLight(Light.LISTENING),
        CancelResponse("r1"),
        KeepUplink(41_600, has_preroll=False),
        OpenUplink(),
    ]


def test_a_user_who_speaks_right_after_an_answer_loses_no_word_to_its_echo() -> None:
    ended = drive(*TO_SPOKEN, PlaybackDrained(1), policy=HALF_DUPLEX)
    assert ended.hear(BEGAN) == []
    assert ended.phase is Phase.SPEAKING, "the room still sounds"

    assert ended.wait(0.2) == [ShowLight(Light.LISTENING), KeepUplink(43_200, has_preroll=False), OpenUplink()]


def test_speech_confirmed_after_an_answer_need_not_wait_for_its_echo() -> None:
    ended = drive(*TO_SPOKEN, PlaybackDrained(1), BEGAN, policy=HALF_DUPLEX)

    assert ended.hear(CONFIRMED) == [ShowLight(Light.LISTENING), KeepUplink(41_600, has_preroll=False), OpenUplink()]
    assert ended.wait(0.3) == []


def test_speech_over_the_end_of_an_answer_is_sent_from_its_beginning() -> None:
    ended = drive(*TO_SPOKEN, BEGAN, policy=HALF_DUPLEX)

    assert ended.hear(PlaybackDrained(1)) == [RestorePlayback()]
    assert ended.wait(0.2) == [ShowLight(Light.LISTENING), KeepUplink(43_200, has_preroll=False), OpenUplink()]
    assert ended.hear(CONFIRMED, NearSpeechFaded()) == []


def test_a_cough_into_the_echo_of_an_answer_is_not_sent() -> None:
    ended = drive(*TO_SPOKEN, PlaybackDrained(1), BEGAN, NearSpeechFaded(), policy=HALF_DUPLEX)

    assert ended.wait(0.2) == [ShowLight(Light.LISTENING), OpenUplink()]


def test_without_a_session_speech_over_the_answer_is_not_sent() -> None:
    orphan = drive(*TO_SPOKEN, LinkLost("session-ended", is_retriable=True), policy=HALF_DUPLEX)

    assert orphan.hear(BEGAN) == [DuckPlayback()]
    assert orphan.hear(NearSpeechFaded()) == [RestorePlayback()]
    orphan.hear(PlaybackDrained(1), BEGAN)
    assert orphan.wait(0.2)[-2:] == [CloseUplink(), CloseLink()]


@pytest.mark.parametrize("earlier", [(), (TalkPressed(at_sample=1),)], ids=["before it", "over the one before"])
def test_speech_before_an_answer_is_not_sent_after_it(earlier: tuple[Event, ...]) -> None:
    before = drive(*(TO_SPEAKING if earlier else TO_LISTENING), BEGAN, *earlier, policy=HALF_DUPLEX)
    spoken = ResponseEnded("r2", ResponseStatus.COMPLETED, has_audio=True)
    before.hear(TurnEnded(), ResponseStarted("r2"), PlaybackStarted(2), spoken, PlaybackDrained(2))

    assert before.wait(0.2) == [ShowLight(Light.LISTENING), OpenUplink()]
