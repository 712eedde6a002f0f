"""A session lost in the middle of a conversation: the box redials, and no user has to repeat anything."""

import pytest
from msgspec.structs import replace

from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import (
    Event,
    GoodbyeRequested,
    LinkLost,
    LinkOpened,
    MutePressed,
    NearSpeechBegan,
    PlaybackCut,
    PlaybackDrained,
    PlaybackStarted,
    ResponseEnded,
    ResponseStarted,
    ResponseStatus,
    SessionExpires,
    TalkHeld,
    TalkPressed,
    ToolFinished,
    TurnEnded,
    UserStartedSpeaking,
    UserStoppedSpeaking,
)
from edgevoice.core.orders import (
    AbandonTools,
    CloseLink,
    CloseUplink,
    Earcon,
    KeepUplink,
    Light,
    MarkTurn,
    OpenLink,
    OpenUplink,
    PlayEarcon,
    RewindUplink,
    ShowLight,
)
from tests.core.drive import (
    CALL,
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
    TO_TOOLS,
    WAKE,
    Driven,
    drive,
)

TROUBLE = [ShowLight(Light.FAULT, "service-unreachable"), CloseUplink(), CloseLink(), PlayEarcon(Earcon.NO_NETWORK)]
REOPEN = OpenLink("hey_jarvis", resumes=True)
BROKEN_OFF = [ShowLight(Light.CONNECTING), MarkTurn(), RewindUplink(), PlayEarcon(Earcon.ERROR)]


@pytest.mark.parametrize(
    "way",
    [TO_LISTENING, (*TO_LISTENING, UserStartedSpeaking()), TO_THINKING, TO_ANSWERING],
    ids=["listening", "in mid-sentence", "thinking", "answering"],
)
def test_unanswered_speech_is_kept_and_the_service_redialled(way: tuple[Event, ...]) -> None:
    lost = drive(*way)

    assert lost.hear_all(NETWORK_GONE) == [ShowLight(Light.CONNECTING), RewindUplink()]
    assert lost.wait(0.25) == [REOPEN]
    assert lost.hear(LinkOpened()) == [ShowLight(Light.LISTENING), OpenUplink()]
    assert lost.hear(UserStartedSpeaking(), UserStoppedSpeaking(), TurnEnded()) == [ShowLight(Light.THINKING)]
    assert lost.hear(ResponseStarted("r7"), PlaybackStarted(4)) == [ShowLight(Light.SPEAKING)]


def test_after_four_dials_the_box_gives_up_with_a_tone() -> None:
    lost = drive(*TO_LISTENING, NETWORK_GONE)
    waits = [lost.waits_s]
    assert lost.wait(lost.waits_s or 0) == [REOPEN]
    while (orders := lost.hear(NETWORK_GONE)) == []:
        waits.append(lost.waits_s)
        assert lost.wait(lost.waits_s or 0) == [REOPEN]

    assert waits == [0.25, 0.75, 2, 2]
    assert orders == TROUBLE


def test_a_refusal_while_resuming_is_shown_at_once() -> None:
    lost = drive(*TO_LISTENING, NETWORK_GONE)

    assert lost.hear(LinkLost("no-credit", is_retriable=False))[0] == ShowLight(Light.FAULT, "no-credit")


def test_the_box_gives_up_in_time_on_a_service_that_never_opens_again() -> None:
    lost = drive(*TO_LISTENING, NETWORK_GONE)

    assert lost.wait(12) == [REOPEN, *TROUBLE]


def test_when_it_never_opens_again_the_reason_of_the_last_dial_is_shown() -> None:
    called = drive(WAKE, LinkLost("local-service-starting", is_retriable=True))
    called.wait(0.25)
    called.hear(LinkOpened(), NETWORK_GONE)

    assert called.wait(12)[1] == ShowLight(Light.FAULT, "service-unreachable")


def test_holding_the_button_meanwhile_hangs_up() -> None:
    assert drive(*TO_LISTENING, NETWORK_GONE).hear(TalkHeld()) == HUNG_UP


def test_the_next_conversation_keeps_nothing_of_this_one() -> None:
    lost = drive(*TO_LISTENING, NETWORK_GONE, TalkHeld())

    assert lost.hear(WAKE)[-1] == OpenLink("hey_jarvis")


def test_a_conversation_after_a_resumed_one_is_dialled_for_the_usual_time() -> None:
    again = drive(*TO_LISTENING, NETWORK_GONE, TalkHeld(), WAKE, policy=replace(OPEN_MICROPHONE, connect_s=60))
    for _ in range(12):
        assert again.hear(NETWORK_GONE) == []
        assert again.wait(again.waits_s or 0) == [OpenLink("hey_jarvis")]


def test_an_answer_in_an_earlier_session_does_not_allow_endless_redialling() -> None:
    lost = drive(*TO_SPOKEN, PlaybackDrained(1), NETWORK_GONE)
    for _ in range(3):
        assert lost.wait(lost.waits_s or 0) == [REOPEN]
        assert lost.hear(LinkOpened(), NETWORK_GONE)[-1] == RewindUplink()
    lost.wait(lost.waits_s or 0)

    assert lost.hear(LinkOpened(), NETWORK_GONE)[-4:] == TROUBLE


@pytest.mark.parametrize(
    "way",
    [(*TO_SPOKEN, PlaybackDrained(1)), (*TO_TOOLS, TurnEnded())],
    ids=["an echo", "a round of tools"],
)
def test_a_box_that_has_hung_up_has_no_deadline(way: tuple[Event, ...]) -> None:
    box = drive(*way, policy=HALF_DUPLEX)
    box.hear(TalkHeld())

    assert box.phase is Phase.IDLE
    assert box.waits_s is None


# --- in the middle of an answer --------------------------------------------------------------------------------------


def test_the_received_part_of_an_answer_is_heard_before_the_service_is_redialled() -> None:
    broken = drive(*TO_SPEAKING)
    assert broken.hear(NETWORK_GONE) == [CloseUplink()]
    assert broken.phase is Phase.SPEAKING

    # A partly answered question is not asked again: it is now the user's turn, and an earcon says so.
    assert broken.hear_all(PlaybackDrained(1)) == BROKEN_OFF
    assert broken.wait(0.25) == [REOPEN]
    assert broken.hear(LinkOpened()) == [ShowLight(Light.LISTENING), OpenUplink()]


def test_an_answer_that_had_stalled_when_the_session_was_lost_is_not_requested_again() -> None:
    stalled = drive(*TO_SPEAKING, PlaybackDrained(1))

    assert stalled.hear_all(NETWORK_GONE) == BROKEN_OFF


def test_speech_into_the_echo_of_a_broken_answer_is_kept_from_its_first_sound() -> None:
    broken = drive(*TO_SPEAKING, NETWORK_GONE, PlaybackDrained(1), NearSpeechBegan(5000), policy=HALF_DUPLEX)

    assert broken.wait(0.2) == [
        ShowLight(Light.CONNECTING),
        RewindUplink(),
        PlayEarcon(Earcon.ERROR),
        KeepUplink(5000, has_preroll=False),
    ]


def test_words_before_a_tool_that_was_not_run_count_as_a_broken_answer() -> None:
    asked = drive(*TO_SPEAKING, ResponseEnded("r1", ResponseStatus.COMPLETED, (CALL,), has_audio=True))
    asked.hear(ToolFinished("c1", "{}"), NETWORK_GONE)

    assert asked.hear_all(PlaybackDrained(1)) == BROKEN_OFF


@pytest.mark.parametrize("way", [TO_SPEAKING, TO_SPOKEN], ids=["in the middle", "while it is played out"])
def test_a_refusal_during_an_answer_is_shown_once_the_received_part_was_heard(
    way: tuple[Event, ...],
) -> None:
    refused = drive(*way)

    assert refused.hear(LinkLost("no-credit", is_retriable=False)) == [CloseUplink()]
    assert refused.wait(10) == []
    told = [ShowLight(Light.FAULT, "no-credit"), CloseUplink(), CloseLink(), PlayEarcon(Earcon.NO_CREDIT)]
    assert refused.hear(PlaybackDrained(1)) == told


def test_the_wake_word_over_a_broken_answer_redials_and_replays_the_last_turns() -> None:
    broken = drive(*TO_SPEAKING, NETWORK_GONE)

    assert broken.hear(WAKE)[-2:] == [KeepUplink(32_000), REOPEN]
    assert broken.hear(PlaybackCut(())) == []


def test_a_wake_word_over_a_broken_answer_resumes_with_every_dial_but_not_after_a_hang_up() -> None:
    again = drive(*TO_SPEAKING, NETWORK_GONE, WAKE, NETWORK_GONE)

    assert again.wait(again.waits_s or 0) == [REOPEN]
    assert again.hear(TalkHeld(), WAKE)[-1] == OpenLink("hey_jarvis")
    again.hear(NETWORK_GONE)
    assert again.wait(again.waits_s or 0) == [OpenLink("hey_jarvis")]


# --- after a round of tools -------------------------------------------------------------------------------------------


def test_a_turn_whose_tools_have_run_is_not_repeated_but_sounds_the_trouble_tone() -> None:
    lost = drive(*TO_TOOLS, ToolFinished("c1", "{}"))

    assert lost.hear_all(NETWORK_GONE) == [*BROKEN_OFF, AbandonTools(("c2",))]
    assert lost.wait(0.25) == [REOPEN]
    assert lost.hear(LinkOpened()) == [ShowLight(Light.LISTENING), OpenUplink()]
    assert lost.hear(ToolFinished("c2", "{}")) == [], "the service that has lost its call would refuse the output"
    assert lost.hear(UserStartedSpeaking(), TurnEnded()) == [ShowLight(Light.THINKING)]


def test_a_turn_whose_tool_outputs_were_sent_is_not_repeated_either() -> None:
    asked = drive(*TO_TOOLS, ToolFinished("c1", "{}"), ToolFinished("c2", "{}"))

    assert asked.hear_all(NETWORK_GONE) == BROKEN_OFF


def test_a_turn_after_an_interrupted_round_of_tools_is_repeated_like_any_other() -> None:
    lost = drive(*TO_TOOLS, UserStartedSpeaking(), TurnEnded())

    assert lost.hear_all(NETWORK_GONE) == [ShowLight(Light.CONNECTING), RewindUplink()]


def test_the_turn_after_one_with_tools_is_repeated_like_any_other() -> None:
    lost = drive(*TO_TOOLS, ToolFinished("c1", "{}"), ToolFinished("c2", "{}"), ResponseStarted("r2"))
    lost.hear(PlaybackStarted(1), ResponseEnded("r2", ResponseStatus.COMPLETED, has_audio=True), PlaybackDrained(1))

    assert lost.hear_all(UserStartedSpeaking(), NETWORK_GONE) == [ShowLight(Light.CONNECTING), RewindUplink()]


# --- where another session is not needed ------------------------------------------------------------------------------


def test_a_box_muted_meanwhile_has_nothing_to_repeat() -> None:
    assert drive(*TO_THINKING, MutePressed()).hear(NETWORK_GONE)[-1] == PlayEarcon(Earcon.NO_NETWORK)


def test_a_goodbye_in_a_lost_session_still_hangs_up() -> None:
    leaving = drive(*TO_TOOLS, GoodbyeRequested(), ToolFinished("c1", "{}"), ToolFinished("c2", "{}"))

    assert leaving.hear(NETWORK_GONE)[-1] == PlayEarcon(Earcon.NO_NETWORK)
    assert leaving.phase is Phase.IDLE


# --- whose turn it is ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fact", [UserStartedSpeaking(), PlaybackDrained(1), WAKE], ids=["barge-in", "answer over", "wake word"]
)
def test_the_start_of_the_users_turn_is_marked_after_every_answer(fact: Event) -> None:
    spoken = drive(*TO_SPEAKING, ResponseEnded("r1", ResponseStatus.COMPLETED, has_audio=True))

    assert spoken.hear_all(fact).count(MarkTurn()) == 1


def test_the_first_turn_is_not_marked_because_it_begins_with_the_preroll() -> None:
    assert MarkTurn() not in drive(WAKE).hear_all(LinkOpened())


# --- short-lived sessions ---------------------------------------------------------------------------------------------


def test_sessions_lost_at_once_are_redialled_at_growing_intervals_and_then_given_up() -> None:
    dying = drive(*TO_LISTENING)
    waits: list[float | None] = []
    while (orders := dying.hear(LinkLost("session-ended", is_retriable=True)))[-1] == RewindUplink():
        waits.append(dying.waits_s)
        assert dying.wait(dying.waits_s or 0) == [REOPEN]
        assert dying.hear(LinkOpened()) == [ShowLight(Light.LISTENING), OpenUplink()]

    assert waits == [0.25, 0.75, 2, 2]
    assert orders == [ShowLight(Light.FAULT, "session-ended"), *TROUBLE[1:-1], PlayEarcon(Earcon.NO_SERVICE)]


def again_and_again(dying: Driven, *life: Event, lasts_s: float) -> list[float | None]:
    """Let eight sessions start and die in this way; return the wait before each next one."""
    waits: list[float | None] = []
    for _ in range(8):
        dying.hear(*life)
        dying.wait(lasts_s)
        dying.hear(LinkLost("session-ended", is_retriable=True))
        waits.append(dying.waits_s)
        dying.wait(dying.waits_s or 0)
        dying.hear(LinkOpened())
    return waits


def test_sessions_that_last_are_redialled_at_once_each_time() -> None:
    lasting = drive(*TO_LISTENING, policy=replace(OPEN_MICROPHONE, no_speech_s=60))

    assert again_and_again(lasting, lasts_s=10) == [0.25] * 8


def test_sessions_that_do_not_quite_last_are_redialled_at_growing_intervals() -> None:
    dying = drive(*TO_LISTENING, policy=replace(OPEN_MICROPHONE, no_speech_s=60))

    assert again_and_again(dying, lasts_s=9.9)[:4] == [0.25, 0.75, 2, 2]


def test_sessions_in_which_an_answer_was_heard_are_redialled_at_once_each_time() -> None:
    answering = drive(*TO_LISTENING)
    turn = (TurnEnded(), ResponseStarted("r1"), PlaybackStarted(1), COMPLETED, PlaybackDrained(1))

    assert again_and_again(answering, *turn, lasts_s=1) == [0.25] * 8


def test_dials_that_failed_before_the_first_session_was_open_do_not_count_against_it() -> None:
    late = drive(WAKE)
    for _ in range(4):
        late.hear(NETWORK_GONE)
        late.wait(late.waits_s or 0)
    late.hear(LinkOpened())

    assert late.hear(NETWORK_GONE)[-1] == RewindUplink()
    assert late.waits_s == 0.25


def test_a_wake_word_after_that_dials_at_once() -> None:
    given_up = drive(*TO_LISTENING)
    for _ in range(5):
        given_up.hear(NETWORK_GONE)
        given_up.wait(given_up.waits_s or 0)
        given_up.hear(LinkOpened())

    assert given_up.phase is Phase.IDLE
    assert given_up.hear(WAKE)[-1] == OpenLink("hey_jarvis")


# --- what is left of the lost session ---------------------------------------------------------------------------------


def test_a_user_who_was_speaking_when_the_session_was_lost_and_says_no_more_is_not_waited_for() -> None:
    lost = drive(*TO_LISTENING, UserStartedSpeaking(), NETWORK_GONE)
    lost.wait(0.25)
    lost.hear(LinkOpened())

    assert lost.wait(8) == HUNG_UP


def test_an_answer_awaited_in_the_lost_session_is_not_awaited_in_the_next() -> None:
    lost = drive(*TO_THINKING, NETWORK_GONE)
    lost.wait(0.25)
    lost.hear(LinkOpened(), UserStartedSpeaking())

    assert lost.wait(60) == []


@pytest.mark.parametrize("reason", [MutePressed(), GoodbyeRequested()], ids=["muted", "goodbye"])
def test_if_no_new_session_is_needed_the_light_shows_why_this_one_ended(reason: Event) -> None:
    ended = LinkLost("session-ended", is_retriable=True)

    assert ShowLight(Light.FAULT, "session-ended") in drive(*TO_TOOLS, reason).hear(ended)


def test_a_dial_that_could_only_begin_too_late_is_not_awaited() -> None:
    lost = drive(*TO_LISTENING, policy=replace(OPEN_MICROPHONE, connect_s=0.25))

    assert lost.hear(NETWORK_GONE)[0] == ShowLight(Light.FAULT, "service-unreachable")
    dialling = drive(WAKE, policy=replace(OPEN_MICROPHONE, connect_s=0.25))
    assert dialling.hear(NETWORK_GONE) == TROUBLE


@pytest.mark.parametrize(
    "way",
    [(NETWORK_GONE,), (UserStartedSpeaking(), NETWORK_GONE), (SessionExpires(100),), (TurnEnded(), NETWORK_GONE)],
)
def test_nothing_is_awaited_after_a_hang_up(way: tuple[Event, ...]) -> None:
    held = drive(*TO_LISTENING, *way, TalkHeld())

    assert held.conversation.deadline is None
    assert held.wait(700) == []


def test_a_broken_answer_on_a_muted_box_shows_why_it_broke_off() -> None:
    muted = drive(*TO_SPEAKING, MutePressed(), NETWORK_GONE)

    assert ShowLight(Light.FAULT, "service-unreachable") in muted.hear(PlaybackDrained(1))


def test_a_conversation_that_stays_open_is_resumed_even_after_a_whole_answer() -> None:
    lost = drive(*TO_SPOKEN, NETWORK_GONE, policy=replace(OPEN_MICROPHONE, stays_open=True))

    assert lost.hear_all(PlaybackDrained(1)) == BROKEN_OFF
    assert lost.wait(0.25) == [REOPEN]
    assert drive(*TO_SPOKEN, NETWORK_GONE).hear(PlaybackDrained(1))[-1] == CloseLink()


def test_an_answer_can_be_asked_for_once_the_unwanted_one_is_over() -> None:
    asked = drive(*TO_THINKING)
    assert asked.conversation.is_free

    asked.hear(TalkPressed(1))
    assert not asked.conversation.is_free
    asked.hear(ResponseStarted("r1"))
    assert not asked.conversation.is_free
    asked.hear(ResponseEnded("r1", ResponseStatus.CANCELLED, has_audio=False))
    assert asked.conversation.is_free
