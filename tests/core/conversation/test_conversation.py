"""How a conversation begins, dials, listens and ends; the modules beside this one test what happens in between."""

import pytest

from edgevoice.core.conversation.conversation import Conversation
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import (
    DeadlinePassed,
    Event,
    GoodbyeRequested,
    LinkLost,
    LinkOpened,
    PlaybackCut,
    PlaybackDrained,
    PlaybackStarted,
    ResponseEnded,
    ResponseStarted,
    ResponseStatus,
    ServiceComplained,
    TalkHeld,
    TalkPressed,
    ToolFinished,
    TurnEnded,
    UserStartedSpeaking,
    UserStoppedSpeaking,
    WakeRequested,
    WakeWordHeard,
)
from edgevoice.core.orders import (
    AbandonTools,
    Action,
    CancelResponse,
    CloseLink,
    CloseUplink,
    CutPlayback,
    Earcon,
    KeepUplink,
    Light,
    OpenLink,
    OpenUplink,
    PlayEarcon,
    RewindUplink,
    RunTool,
    SendToolOutput,
    ShowLight,
)
from tests.core.drive import (
    CALL,
    HUNG_UP,
    NETWORK_GONE,
    OPEN_MICROPHONE,
    TO_CONNECTING,
    TO_LISTENING,
    TO_SPEAKING,
    TO_SPOKEN,
    TO_THINKING,
    TO_TOOLS,
    WAKE,
    WAYS,
    drive,
    ended_by,
)

# --- being called ----------------------------------------------------------------------------------------------------


def test_a_starting_box_shows_that_it_is_ready() -> None:
    conversation = Conversation(OPEN_MICROPHONE, chance=lambda: 0.0)

    assert conversation.start() == [ShowLight(Light.IDLE)]
    assert conversation.phase is Phase.IDLE
    assert conversation.deadline is None


def test_the_wake_word_shows_a_light_then_starts_the_preroll_then_dials() -> None:
    assert drive().hear(WAKE) == [ShowLight(Light.CONNECTING), KeepUplink(32_000), OpenLink("hey_jarvis")]


def test_the_talk_button_begins_a_conversation_like_the_wake_word() -> None:
    assert drive().hear(TalkPressed(at_sample=700)) == [ShowLight(Light.CONNECTING), KeepUplink(700), OpenLink()]


def test_the_wake_word_said_twice_dials_once() -> None:
    assert drive(*TO_CONNECTING).hear(WAKE) == []


@pytest.mark.parametrize("way", [TO_CONNECTING, TO_LISTENING], ids=["connecting", "listening"])
def test_the_talk_button_hangs_up_while_there_is_no_answer_to_interrupt(way: tuple[Event, ...]) -> None:
    assert drive(*way).hear(TalkPressed(at_sample=0)) == HUNG_UP


def test_the_wake_word_while_listening_restarts_the_users_time() -> None:
    listening = drive(*TO_LISTENING)
    listening.wait(7)

    assert listening.hear(WAKE) == []
    assert listening.wait(7.9) == []
    assert listening.wait(0.1) == HUNG_UP


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase not in {Phase.IDLE, Phase.SPEAKING}])
def test_holding_the_talk_button_ends_any_conversation(phase: Phase) -> None:
    called = drive(*WAYS[phase])

    assert called.hear(TalkHeld()) == HUNG_UP
    assert called.conversation.deadline is None


def test_holding_the_talk_button_silences_an_answer_first() -> None:
    assert drive(*TO_SPEAKING).hear(TalkHeld()) == [CutPlayback(), *HUNG_UP]


def test_holding_the_talk_button_of_an_idle_box_does_nothing() -> None:
    assert drive().hear(TalkHeld()) == []


# --- the link --------------------------------------------------------------------------------------------------------


def test_the_uplink_opens_with_the_session() -> None:
    assert drive(*TO_CONNECTING).hear(LinkOpened()) == [ShowLight(Light.LISTENING), OpenUplink()]


def test_dialling_is_repeated_at_growing_intervals_until_its_time_is_up() -> None:
    called = drive(*TO_CONNECTING)
    waits = []
    while (orders := called.hear(NETWORK_GONE)) == []:
        waits.append(called.waits_s)
        assert called.wait(called.waits_s or 0) == [OpenLink("hey_jarvis")]

    assert waits == [0.25, 0.75, 2, 2, 2, 2, 2]  # the next attempt would come 1 s after the 12 s are over
    assert orders == [
        ShowLight(Light.FAULT, "service-unreachable"),
        CloseUplink(),
        CloseLink(),
        PlayEarcon(Earcon.NO_NETWORK),
    ]


def test_the_waits_between_dials_start_over_with_every_conversation() -> None:
    called = drive(*TO_CONNECTING, NETWORK_GONE)
    called.wait(0.25)
    called.hear(TalkHeld(), WAKE, NETWORK_GONE)

    assert called.waits_s == 0.25


def test_dialling_ends_when_nothing_answers() -> None:
    called = drive(*TO_CONNECTING)

    assert called.wait(11.9) == []
    assert called.wait(0.1) == [
        ShowLight(Light.FAULT, "service-unreachable"),
        CloseUplink(),
        CloseLink(),
        PlayEarcon(Earcon.NO_NETWORK),
    ]
    assert called.phase is Phase.IDLE


def test_when_nothing_answers_the_reason_of_the_last_dial_is_shown() -> None:
    called = drive(*TO_CONNECTING, LinkLost("local-service-starting", is_retriable=True))
    called.wait(called.waits_s or 0)

    assert called.wait(12)[0] == ShowLight(Light.FAULT, "local-service-starting")

    called.hear(WAKE)
    assert called.wait(12)[0] == ShowLight(Light.FAULT, "service-unreachable")


def test_a_refusal_that_redialling_cannot_fix_is_shown_at_once() -> None:
    orders = drive(*TO_CONNECTING).hear(LinkLost("key-refused", is_retriable=False))

    assert orders == [ShowLight(Light.FAULT, "key-refused"), CloseUplink(), CloseLink(), PlayEarcon(Earcon.BAD_KEY)]


def test_a_fault_is_shown_for_a_while() -> None:
    failed = drive(*TO_CONNECTING, LinkLost("no-credit", is_retriable=False))

    assert failed.wait(5.9) == []
    assert failed.wait(0.1) == [ShowLight(Light.IDLE)]


def test_a_fault_is_forgotten_with_the_next_call() -> None:
    called = drive(*TO_CONNECTING, LinkLost("no-credit", is_retriable=False), WAKE)

    assert called.hear(TalkHeld()) == HUNG_UP
    assert called.conversation.deadline is None


def test_a_link_lost_between_a_tool_and_its_answer_sounds_the_trouble_tone() -> None:
    # Resending the turn would set its timer again.
    assert drive(*TO_TOOLS).hear(NETWORK_GONE) == [
        ShowLight(Light.CONNECTING),
        RewindUplink(),
        PlayEarcon(Earcon.ERROR),
        AbandonTools(("c1", "c2")),
    ]


def test_a_complete_answer_is_heard_to_its_end_when_the_link_is_lost() -> None:
    spoken = drive(*TO_SPOKEN)

    assert spoken.hear(NETWORK_GONE) == [CloseUplink()]
    assert spoken.phase is Phase.SPEAKING
    assert spoken.hear(PlaybackDrained(1)) == HUNG_UP
    assert spoken.conversation.deadline is None


def test_the_wake_word_after_a_lost_link_begins_a_new_conversation() -> None:
    orphan = drive(*TO_SPOKEN, NETWORK_GONE)

    assert orphan.hear(WAKE) == [
        CutPlayback(),
        ShowLight(Light.CONNECTING),
        CloseUplink(),
        CloseLink(),
        KeepUplink(32_000),
        OpenLink("hey_jarvis", resumes=True),
    ]
    assert orphan.hear(PlaybackDrained(1)) == []


# --- the user's turn -------------------------------------------------------------------------------------------------


def test_silence_after_the_wake_word_hangs_up() -> None:
    silent = drive(*TO_LISTENING)

    assert silent.wait(7.9) == []
    assert silent.wait(0.1) == HUNG_UP


def test_a_user_who_speaks_has_more_time_but_not_for_ever() -> None:
    speaking = drive(*TO_LISTENING, UserStartedSpeaking())

    assert speaking.wait(89.9) == []
    assert speaking.wait(0.1) == HUNG_UP, "a service that hears no end must not hold the box for ever"


def test_no_conversation_exceeds_the_hard_cap() -> None:
    talking = drive(*TO_LISTENING)
    orders: list[Action] = []
    while not orders and talking.now < 2000:
        talking.hear(UserStartedSpeaking(), UserStoppedSpeaking())
        orders = talking.wait(10)

    assert orders == ended_by(Earcon.SESSION_SPENT)
    assert talking.now == pytest.approx(1600, abs=10)


def test_the_wake_word_does_not_hurry_a_user_who_speaks() -> None:
    assert drive(*TO_LISTENING, UserStartedSpeaking(), WAKE).wait(89.9) == []


def test_speech_at_hang_up_does_not_carry_over_to_the_next_conversation() -> None:
    again = drive(*TO_LISTENING, UserStartedSpeaking(), TalkHeld(), *TO_LISTENING)

    assert again.wait(8) == HUNG_UP


def test_speech_that_never_becomes_a_turn_hangs_up() -> None:
    mumbled = drive(*TO_LISTENING, UserStartedSpeaking(), UserStoppedSpeaking())

    assert mumbled.wait(14.9) == []
    assert mumbled.wait(0.1) == HUNG_UP


def test_the_end_of_a_turn_begins_thinking() -> None:
    listening = drive(*TO_LISTENING, UserStartedSpeaking())

    assert listening.hear(TurnEnded()) == [ShowLight(Light.THINKING)]
    assert listening.phase is Phase.THINKING


def test_a_missing_answer_sounds_the_trouble_tone() -> None:
    thinking = drive(*TO_THINKING)

    assert thinking.wait(14.9) == []
    assert thinking.wait(0.1) == [
        ShowLight(Light.FAULT, "no-answer"),
        CloseUplink(),
        CloseLink(),
        PlayEarcon(Earcon.ERROR),
    ]


# --- late news -------------------------------------------------------------------------------------------------------

OLD_NEWS: list[Event] = [
    LinkOpened(),
    NETWORK_GONE,
    UserStartedSpeaking(),
    UserStoppedSpeaking(),
    TurnEnded(),
    ResponseStarted("r9"),
    ResponseEnded("r9", ResponseStatus.COMPLETED, (CALL,)),
    ServiceComplained("conversation_already_has_active_response"),
    PlaybackStarted(9),
    PlaybackDrained(9),
    PlaybackCut(()),
    ToolFinished("c9", "{}"),
    GoodbyeRequested(),
    DeadlinePassed(),
]


@pytest.mark.parametrize("fact", OLD_NEWS, ids=lambda fact: type(fact).__name__)
def test_an_idle_box_ignores_late_events(fact: Event) -> None:
    idle = drive(*TO_SPOKEN, TalkHeld())

    assert idle.hear(fact) == []
    assert idle.phase is Phase.IDLE
    assert idle.conversation.deadline is None


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase not in {Phase.IDLE, Phase.CONNECTING}])
@pytest.mark.parametrize(
    "fact",
    [
        LinkOpened(),
        ResponseEnded("r9", ResponseStatus.COMPLETED, (CALL,)),
        ServiceComplained("response_cancel_not_active"),
        ServiceComplained(""),
        PlaybackDrained(9),
        PlaybackCut(()),
        ToolFinished("c9", "{}"),
        GoodbyeRequested(),
        DeadlinePassed(),
    ],
    ids=lambda fact: type(fact).__name__,
)
def test_unrelated_events_change_nothing(phase: Phase, fact: Event) -> None:
    told, untold = drive(*WAYS[phase]), drive(*WAYS[phase])

    assert told.hear(fact) == []
    assert (told.phase, told.waits_s) == (untold.phase, untold.waits_s)


def test_any_configured_wake_word_begins_a_conversation() -> None:
    assert drive().hear(WakeWordHeard("alexa", 0.5, at_sample=0))[1:] == [KeepUplink(0), OpenLink("alexa")]


@pytest.mark.parametrize("before", [(), TO_LISTENING, TO_SPEAKING], ids=["idle", "listening", "speaking"])
def test_a_program_may_do_what_the_wake_word_does(before: tuple[Event, ...]) -> None:
    woken, asked = drive(*before), drive(*before)

    assert asked.hear(WakeRequested("alexa", 9)) == woken.hear(WakeWordHeard("alexa", 0.5, at_sample=9))
    assert (asked.phase, asked.waits_s) == (woken.phase, woken.waits_s)


def test_a_response_that_begins_as_the_user_speaks_is_cancelled() -> None:
    speaking = drive(*TO_THINKING, UserStartedSpeaking())

    assert speaking.hear(ResponseStarted("r1")) == [CancelResponse("r1")]
    assert not speaking.conversation.admits("r1")
    assert speaking.hear(ResponseEnded("r1", ResponseStatus.CANCELLED)) == []


def test_calls_of_a_response_that_was_complete_before_it_could_be_cancelled_are_run_for_the_record() -> None:
    speaking = drive(*TO_THINKING, UserStartedSpeaking(), ResponseStarted("r1"))

    assert speaking.hear(ResponseEnded("r1", ResponseStatus.COMPLETED, (CALL,))) == [
        RunTool(CALL),
        AbandonTools(("c1",)),
    ]
    assert speaking.hear(ToolFinished("c1", "{}")) == [SendToolOutput("c1", "{}")]
