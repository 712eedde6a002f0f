"""How an answer is interrupted: by speech, by the wake word, by the button; and what is reported to the service."""

import pytest

from edgevoice.core.announcements import RingDue
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import (
    Device,
    DeviceLost,
    Event,
    GoodbyeRequested,
    ItemHeard,
    LinkLost,
    MutePressed,
    PlaybackCut,
    PlaybackDrained,
    PlaybackStarted,
    ResponseEnded,
    ResponseStarted,
    ResponseStatus,
    TalkHeld,
    TalkPressed,
    ToolFinished,
    TurnEnded,
    UserStartedSpeaking,
    UserStoppedSpeaking,
)
from edgevoice.core.orders import (
    AbandonTools,
    CancelResponse,
    CloseLink,
    CloseUplink,
    CutClip,
    CutPlayback,
    DeleteItem,
    KeepUplink,
    Light,
    OpenUplink,
    PlayEarcon,
    RunTool,
    SendToolOutput,
    ShowLight,
    SilenceUplink,
    TruncateItem,
)
from tests.core.drive import (
    CALL,
    COMPLETED,
    HALF_DUPLEX,
    NETWORK_GONE,
    TO_ANSWERING,
    TO_LISTENING,
    TO_SPEAKING,
    TO_SPOKEN,
    TO_THINKING,
    TO_TOOLS,
    WAKE,
    drive,
)

CANCELLED = ResponseEnded("r1", ResponseStatus.CANCELLED, has_audio=True)
BY_HAND = [WAKE, TalkPressed(at_sample=32_000)]


# --- by speech -------------------------------------------------------------------------------------------------------


def test_barge_in_cuts_the_dac_then_shows_it_and_leaves_the_cancelling_to_the_service() -> None:
    speaking = drive(*TO_SPEAKING)

    assert speaking.hear(UserStartedSpeaking()) == [CutPlayback(), ShowLight(Light.LISTENING)]
    assert speaking.phase is Phase.LISTENING


def test_speech_over_sound_received_long_ago_is_a_barge_in_too() -> None:
    assert drive(*TO_SPOKEN).hear(UserStartedSpeaking()) == [CutPlayback(), ShowLight(Light.LISTENING)]


def test_after_barge_in_nothing_more_of_that_answer_is_heard() -> None:
    interrupted = drive(*TO_SPEAKING, UserStartedSpeaking())

    assert not interrupted.conversation.admits("r1")
    assert interrupted.hear(PlaybackStarted(2), PlaybackDrained(1), CANCELLED) == []
    assert interrupted.phase is Phase.LISTENING


def test_speech_before_the_first_sound_gives_the_turn_back_and_cuts_nothing() -> None:
    answering = drive(*TO_ANSWERING)

    assert answering.hear(UserStartedSpeaking()) == [ShowLight(Light.LISTENING)]
    assert not answering.conversation.admits("r1")


def test_speech_during_a_stalled_answer_still_reports_what_was_heard() -> None:
    stalled = drive(*TO_SPEAKING, PlaybackDrained(1))

    assert stalled.hear(UserStartedSpeaking()) == [CutPlayback(), ShowLight(Light.LISTENING)]


def test_a_box_that_hears_itself_opens_the_uplink_again_on_barge_in() -> None:
    speaking = drive(*TO_SPEAKING, policy=HALF_DUPLEX)

    assert speaking.hear(UserStartedSpeaking()) == [CutPlayback(), ShowLight(Light.LISTENING), OpenUplink()]


def test_the_next_turn_after_barge_in_is_answered_like_any_other() -> None:
    interrupted = drive(*TO_SPEAKING, UserStartedSpeaking(), CANCELLED, UserStoppedSpeaking(), TurnEnded())

    assert interrupted.phase is Phase.THINKING
    assert interrupted.hear(ResponseStarted("r2"), PlaybackStarted(2)) == [ShowLight(Light.SPEAKING)]
    assert interrupted.conversation.admits("r2")


# --- by hand ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hand", BY_HAND, ids=["wake word", "button"])
def test_an_interruption_by_hand_cancels_the_answer_by_id_because_the_service_heard_nothing(hand: Event) -> None:
    assert drive(*TO_SPEAKING).hear(hand) == [CutPlayback(), ShowLight(Light.LISTENING), CancelResponse("r1")]


@pytest.mark.parametrize("hand", BY_HAND, ids=["wake word", "button"])
def test_an_interruption_by_hand_of_a_complete_answer_cancels_nothing(hand: Event) -> None:
    assert drive(*TO_SPOKEN).hear(hand) == [CutPlayback(), ShowLight(Light.LISTENING)]


@pytest.mark.parametrize(
    ("hand", "kept"), list(zip(BY_HAND, (24_000, 32_000), strict=True)), ids=["wake word", "button"]
)
def test_a_box_that_hears_itself_sends_the_words_said_after_the_wake_word_and_not_its_own(
    hand: Event, kept: int
) -> None:
    order = KeepUplink(kept, has_preroll=False)

    assert drive(*TO_SPEAKING, policy=HALF_DUPLEX).hear(hand) == [
        CutPlayback(),
        ShowLight(Light.LISTENING),
        CancelResponse("r1"),
        order,
        OpenUplink(),
    ]
    assert order in drive(*TO_SPEAKING, NETWORK_GONE, policy=HALF_DUPLEX).hear(hand), "with its session lost, too"


def test_an_interruption_by_hand_gives_the_user_the_time_of_a_first_word() -> None:
    interrupted = drive(*TO_SPEAKING, WAKE)

    assert interrupted.wait(7.9) == []
    assert interrupted.wait(0.1) == [ShowLight(Light.IDLE), CloseUplink(), CloseLink()]


def test_an_answer_interrupted_by_hand_before_it_began_is_cancelled_when_it_begins() -> None:
    interrupted = drive(*TO_THINKING, WAKE)

    assert interrupted.hear(ResponseStarted("r1")) == [CancelResponse("r1")]
    assert interrupted.hear(ResponseEnded("r1", ResponseStatus.CANCELLED)) == []
    assert interrupted.phase is Phase.LISTENING


def test_an_interruption_by_hand_cancels_one_answer_and_not_the_next() -> None:
    interrupted = drive(*TO_THINKING, WAKE, ResponseStarted("r1"), ResponseEnded("r1", ResponseStatus.CANCELLED))

    assert interrupted.hear(ResponseStarted("r2")) == [ShowLight(Light.THINKING)]
    assert interrupted.conversation.admits("r2")


@pytest.mark.parametrize("word", [[UserStartedSpeaking(), UserStoppedSpeaking()], [TurnEnded()]])
def test_the_answer_to_speech_after_an_interruption_by_hand_is_heard(word: list[Event]) -> None:
    interrupted = drive(*TO_THINKING, WAKE, *word, ResponseStarted("r2"))

    assert interrupted.conversation.admits("r2")


def test_a_complete_answer_leaves_nothing_to_cancel_after_an_interruption_by_hand() -> None:
    interrupted = drive(*TO_SPOKEN, WAKE, ResponseStarted("r2"))

    assert interrupted.conversation.admits("r2")


def test_an_interruption_by_hand_of_a_deaf_box_hangs_up_because_no_turn_can_follow() -> None:
    for deafness in (MutePressed(), DeviceLost(Device.MICROPHONE)):
        orders = drive(*TO_SPEAKING, deafness).hear(TalkPressed(at_sample=0))

        assert [type(order) for order in orders] == [CutPlayback, ShowLight, CloseUplink, CloseLink]


# --- silence first ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", [WAKE, TalkHeld()], ids=["wake word", "hold"])
def test_playback_is_cut_before_a_ringing_timer_is_stopped(ending: Event) -> None:
    orders = drive(*TO_SPEAKING, RingDue(1)).hear(ending)

    assert CutPlayback() in orders[:2]
    assert isinstance(orders[2], ShowLight)
    assert CutClip() in orders[:2]


# --- what is reported to the service ---------------------------------------------------------------------------------


def test_the_service_learns_how_much_was_heard() -> None:
    interrupted = drive(*TO_SPOKEN, UserStartedSpeaking())
    heard = ItemHeard("a1", 0, heard_ms=740, received_ms=2000, is_complete=True)

    assert interrupted.hear(PlaybackCut((heard,))) == [TruncateItem("a1", 0, 740)]


def test_an_unheard_item_is_deleted_because_truncation_to_zero_is_refused() -> None:
    interrupted = drive(*TO_SPOKEN, UserStartedSpeaking())
    unheard = ItemHeard("a1", 0, heard_ms=0, received_ms=2000, is_complete=True)

    assert interrupted.hear(PlaybackCut((unheard,))) == [DeleteItem("a1")]


def test_an_item_heard_to_its_end_needs_no_correction() -> None:
    interrupted = drive(*TO_SPOKEN, UserStartedSpeaking())
    heard = ItemHeard("a1", 0, heard_ms=2000, received_ms=2000, is_complete=True)

    assert interrupted.hear(PlaybackCut((heard,))) == []


def test_what_was_heard_is_not_reported_when_the_link_is_gone() -> None:
    heard = ItemHeard("a1", 0, heard_ms=740, received_ms=2000, is_complete=True)

    assert drive(*TO_SPOKEN, TalkHeld()).hear(PlaybackCut((heard,))) == []
    assert drive(*TO_SPOKEN, LinkLost("session-ended", is_retriable=True)).hear(PlaybackCut((heard,))) == []


# --- tools and goodbyes that are interrupted -------------------------------------------------------------------------


def test_the_output_of_a_tool_that_ends_after_the_user_spoke_is_sent_without_a_request() -> None:
    interrupted = drive(*TO_TOOLS, UserStartedSpeaking())

    assert interrupted.hear(ToolFinished("c1", "1")) == [SendToolOutput("c1", "1")]
    assert interrupted.hear(ToolFinished("c2", "2")) == [SendToolOutput("c2", "2")]


def test_calls_of_an_interrupted_answer_are_run_for_the_record_only() -> None:
    interrupted = drive(*TO_ANSWERING, UserStartedSpeaking())

    assert interrupted.hear(ResponseEnded("r1", ResponseStatus.COMPLETED, (CALL,))) == [
        RunTool(CALL),
        AbandonTools(("c1",)),
    ]
    assert interrupted.hear(ToolFinished("c1", "1")) == [SendToolOutput("c1", "1")]


def test_calls_of_an_interrupted_answer_do_not_end_the_wait_for_the_next() -> None:
    waiting = drive(*TO_ANSWERING, UserStartedSpeaking(), TurnEnded())
    waiting.hear(ResponseEnded("r1", ResponseStatus.COMPLETED, (CALL,)))

    assert isinstance(waiting.wait(15)[-1], PlayEarcon)


def test_an_unwanted_tool_does_not_keep_the_next_answer_from_ending() -> None:
    answered = drive(*TO_TOOLS, UserStartedSpeaking(), TurnEnded(), ResponseStarted("r2"), PlaybackStarted(2))
    answered.hear(ResponseEnded("r2", ResponseStatus.COMPLETED, has_audio=True))

    assert answered.hear(PlaybackDrained(2)) == [ShowLight(Light.LISTENING)]
    assert answered.hear(ToolFinished("c1", "1")) == [SendToolOutput("c1", "1")]


def test_an_unwanted_tool_does_not_make_a_complete_answer_incomplete() -> None:
    answered = drive(*TO_TOOLS, UserStartedSpeaking(), TurnEnded(), ResponseStarted("r2"), PlaybackStarted(2))
    answered.hear(ResponseEnded("r2", ResponseStatus.COMPLETED, has_audio=True))

    assert answered.hear(LinkLost("session-ended", is_retriable=True)) == [CloseUplink()]
    assert answered.hear(ToolFinished("c1", "1")) == []


def test_a_user_who_speaks_again_has_not_left() -> None:
    parting = drive(*TO_TOOLS, GoodbyeRequested(), ToolFinished("c1", "1"), ToolFinished("c2", "2"))
    parting.hear(ResponseStarted("r2"), PlaybackStarted(2), UserStartedSpeaking(), TurnEnded(), ResponseStarted("r3"))
    parting.hear(PlaybackStarted(3), ResponseEnded("r3", ResponseStatus.COMPLETED, has_audio=True))

    assert parting.hear(PlaybackDrained(3)) == [ShowLight(Light.LISTENING)]


def test_a_goodbye_that_arrives_after_the_user_spoke_is_ignored() -> None:
    stayed = drive(*TO_TOOLS, UserStartedSpeaking(), GoodbyeRequested(), TurnEnded(), ResponseStarted("r2"))
    stayed.hear(PlaybackStarted(2), ResponseEnded("r2", ResponseStatus.COMPLETED, has_audio=True))

    assert stayed.hear(PlaybackDrained(2)) == [ShowLight(Light.LISTENING)]


def test_barge_in_while_the_room_still_echoes_opens_the_uplink_at_once() -> None:
    stalled = drive(*TO_SPEAKING, PlaybackDrained(1), policy=HALF_DUPLEX)

    assert stalled.hear(UserStartedSpeaking()) == [CutPlayback(), ShowLight(Light.LISTENING), OpenUplink()]
    assert stalled.wait(1) == []


def test_nothing_is_cut_when_the_user_speaks_into_the_echo_of_a_whole_answer() -> None:
    spoken = drive(*TO_SPOKEN, PlaybackDrained(1), policy=HALF_DUPLEX)

    assert spoken.hear(UserStartedSpeaking()) == [ShowLight(Light.LISTENING), OpenUplink()]


def test_a_second_answer_is_silenced_like_the_first() -> None:
    again = drive(*TO_LISTENING, TurnEnded(), ResponseStarted("r1"), PlaybackStarted(1), policy=HALF_DUPLEX)
    again.hear(COMPLETED, PlaybackDrained(1))
    again.wait(0.2)
    again.hear(TurnEnded(), ResponseStarted("r2"))

    assert again.hear(PlaybackStarted(2)) == [ShowLight(Light.SPEAKING), SilenceUplink()]


def test_a_late_answer_to_words_before_an_interruption_by_hand_is_cancelled() -> None:
    interrupted = drive(*TO_THINKING, WAKE, UserStartedSpeaking())

    assert CancelResponse("r2") in interrupted.hear(ResponseStarted("r2"))
    assert not interrupted.conversation.admits("r2")
