"""How long each conversation and all of a day's may be, and what the box says when a limit is reached."""

import pytest
from msgspec.structs import replace

from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import (
    AnswerProgressed,
    BudgetTold,
    Event,
    LinkOpened,
    LoopStalled,
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
    CutPlayback,
    Earcon,
    Light,
    OpenLink,
    PlayEarcon,
    SendToolOutput,
    ShowLight,
    SilenceUplink,
    StopEarcons,
)
from tests.core.drive import (
    CALL,
    COMPLETED,
    HALF_DUPLEX,
    HUNG_UP,
    NETWORK_GONE,
    OPEN_MICROPHONE,
    TO_CONNECTING,
    TO_LISTENING,
    TO_SPEAKING,
    TO_SPOKEN,
    TO_THINKING,
    WAKE,
    WAYS,
    drive,
    ended_by,
)

SPENT = [ShowLight(Light.FAULT, "budget-spent"), StopEarcons(), PlayEarcon(Earcon.BUDGET_SPENT)]
NOTHING_LEFT = BudgetTold(0)

# --- the day's minutes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", [WAKE, TalkPressed(0)])
@pytest.mark.parametrize("left_s", [0, -3.5])
def test_a_box_whose_minutes_are_used_up_begins_no_conversation_and_says_why(call: Event, left_s: float) -> None:
    spent = drive(BudgetTold(left_s))

    assert spent.hear(call) == SPENT
    assert spent.phase is Phase.IDLE


def test_the_light_of_a_limit_is_shown_long_enough_to_be_counted_twice() -> None:
    spent = drive(NOTHING_LEFT, WAKE)

    assert spent.wait(19.9) == []
    assert spent.wait(0.1) == [ShowLight(Light.IDLE)]


def test_asking_again_before_the_sentence_is_over_does_not_repeat_it() -> None:
    assert drive(NOTHING_LEFT, WAKE).hear(WAKE) == SPENT[1:]


def test_the_next_day_the_box_answers_again_without_a_restart() -> None:
    spent = drive(NOTHING_LEFT, WAKE)

    assert OpenLink("hey_jarvis") in spent.hear(BudgetTold(600), WAKE)


def test_a_box_without_a_limit_never_runs_out() -> None:
    patient = replace(OPEN_MICROPHONE, no_speech_s=300)
    unlimited = drive(BudgetTold(1), *TO_LISTENING, BudgetTold(None), policy=patient)

    assert unlimited.wait(299) == []


def test_the_last_seconds_of_a_days_minutes_can_be_used() -> None:
    assert OpenLink("hey_jarvis") in drive(BudgetTold(0.5)).hear(WAKE)


def test_an_answer_in_progress_when_the_minutes_run_out_is_heard_to_its_end() -> None:
    speaking = drive(BudgetTold(60), *TO_SPEAKING)

    assert speaking.wait(75) == []
    assert speaking.hear(COMPLETED) == []
    assert speaking.hear(PlaybackDrained(1)) == ended_by(Earcon.BUDGET_SPENT)


def test_an_answer_that_does_not_end_is_cut_30_s_after_the_minutes_have_run_out() -> None:
    speaking = drive(BudgetTold(60), *TO_SPEAKING)

    assert speaking.wait(89.9) == []
    assert speaking.wait(0.1) == [CutPlayback(), *ended_by(Earcon.BUDGET_SPENT)]


def test_what_the_user_is_saying_when_the_minutes_run_out_is_answered() -> None:
    talking = drive(BudgetTold(5), *TO_LISTENING, UserStartedSpeaking())

    assert talking.wait(6) == []
    talking.hear(UserStoppedSpeaking(), TurnEnded(), ResponseStarted("r1"), PlaybackStarted(1), COMPLETED)
    assert talking.hear(PlaybackDrained(1)) == ended_by(Earcon.BUDGET_SPENT)


def test_a_round_of_tools_is_part_of_an_answer_that_is_heard_to_its_end() -> None:
    calling = drive(BudgetTold(10), *TO_THINKING, ResponseStarted("r1"))
    calling.wait(9)
    calling.hear(ResponseEnded("r1", ResponseStatus.COMPLETED, (CALL,)))
    assert calling.wait(5) == []

    assert SendToolOutput("c1", "{}") in calling.hear(ToolFinished("c1", "{}"))
    calling.hear(ResponseStarted("r2"), PlaybackStarted(1), replace(COMPLETED, response_id="r2"))
    assert calling.hear(PlaybackDrained(1)) == ended_by(Earcon.BUDGET_SPENT)


def test_the_follow_up_window_is_not_extended_when_the_minutes_have_run_out() -> None:
    listening = drive(BudgetTold(3), *TO_LISTENING)

    assert listening.wait(7.9) == []
    assert listening.wait(0.1) == ended_by(Earcon.BUDGET_SPENT)


def test_a_session_not_yet_open_when_the_minutes_run_out_is_not_awaited() -> None:
    assert drive(BudgetTold(3), *TO_CONNECTING).wait(3) == ended_by(Earcon.BUDGET_SPENT)


def test_a_link_lost_after_the_minutes_ran_out_is_not_redialled() -> None:
    thinking = drive(BudgetTold(3), *TO_THINKING)
    thinking.wait(4)

    assert thinking.hear(NETWORK_GONE) == ended_by(Earcon.BUDGET_SPENT)


def test_a_box_that_hears_itself_also_hangs_up_after_the_answer() -> None:
    spoken = drive(BudgetTold(3), *TO_SPOKEN, policy=HALF_DUPLEX)
    spoken.wait(4)

    assert spoken.hear(PlaybackDrained(1)) == []
    assert spoken.wait(0.2) == ended_by(Earcon.BUDGET_SPENT)


def test_the_minutes_count_from_the_moment_the_session_is_open() -> None:
    dialling = drive(BudgetTold(10), *TO_CONNECTING)
    dialling.wait(9)
    dialling.hear(LinkOpened())

    assert dialling.wait(7.9) == []
    assert dialling.hear(UserStartedSpeaking()) == []
    assert dialling.wait(2) == []
    assert dialling.conversation.deadline == 1000 + 9 + 10


def test_a_budget_report_during_a_conversation_overrides_the_one_before_it() -> None:
    talking = drive(BudgetTold(600), *TO_LISTENING, UserStartedSpeaking())
    talking.hear(BudgetTold(2))

    assert talking.wait(2) == []
    assert talking.wait(29.9) == []
    assert talking.wait(0.1) == ended_by(Earcon.BUDGET_SPENT)


def test_a_budget_report_does_not_postpone_an_end_that_has_been_decided() -> None:
    talking = drive(BudgetTold(2), *TO_LISTENING, UserStartedSpeaking())
    talking.wait(3)
    talking.hear(BudgetTold(0), BudgetTold(500))

    assert talking.wait(29) == ended_by(Earcon.BUDGET_SPENT)


def test_the_hard_cap_overrides_the_grace_of_the_budget() -> None:
    speaking = drive(BudgetTold(50), *TO_SPEAKING, policy=replace(OPEN_MICROPHONE, session_s=60))

    assert speaking.wait(60) == [CutPlayback(), *ended_by(Earcon.BUDGET_SPENT)]


def test_a_conversation_that_ends_by_itself_does_not_mention_limits() -> None:
    held = drive(BudgetTold(600), *TO_LISTENING)

    assert held.hear(TalkHeld()) == HUNG_UP
    assert held.conversation.deadline is None


def test_the_next_conversation_is_not_held_to_the_end_of_the_last_one() -> None:
    spent = drive(BudgetTold(2), *TO_LISTENING, UserStartedSpeaking())
    spent.wait(33)
    spent.hear(BudgetTold(600), *TO_SPOKEN)

    assert spent.hear(PlaybackDrained(1)) == [ShowLight(Light.LISTENING)]


def test_a_wake_word_over_an_answer_that_outlived_its_session_checks_the_budget_too() -> None:
    spoken = drive(*TO_SPOKEN, NETWORK_GONE, BudgetTold(0))

    assert spoken.hear(WAKE)[-2:] == SPENT[1:]
    assert spoken.phase is Phase.IDLE


# --- the hard cap of one conversation --------------------------------------------------------------------------------


def test_a_conversation_that_reaches_its_cap_says_so_and_leaves_the_box_listening_for_the_wake_word() -> None:
    speaking = drive(*TO_SPEAKING)

    assert speaking.wait(600) == [CutPlayback(), *ended_by(Earcon.SESSION_SPENT)]
    assert OpenLink("hey_jarvis") in speaking.hear(WAKE)


# --- no progress within a response -----------------------------------------------------------------------------------


def test_a_stalled_silent_answer_is_abandoned_after_its_own_limit() -> None:
    policy = replace(OPEN_MICROPHONE, answer_s=15, progress_s=7)
    begun = drive(*TO_THINKING, ResponseStarted("r1"), policy=policy)
    played = drive(*TO_SPEAKING, PlaybackDrained(1), policy=policy)

    for stalled in (begun, played):
        assert stalled.wait(6.9) == []
        assert PlayEarcon(Earcon.ERROR) in stalled.wait(0.1)
        assert OpenLink("hey_jarvis") in stalled.hear(WAKE)


def test_a_silent_answer_that_makes_progress_is_not_abandoned() -> None:
    policy = replace(OPEN_MICROPHONE, answer_s=15, progress_s=7)
    begun = drive(*TO_THINKING, ResponseStarted("r1"), policy=policy)
    played = drive(*TO_SPEAKING, PlaybackDrained(1), policy=policy)

    for silent in (begun, played):
        for progressed in (AnswerProgressed("r1"), AnswerProgressed(), AnswerProgressed("never told")) * 5:
            assert silent.wait(6.5) == []
            assert silent.hear(progressed) == []
        assert silent.wait(6.9) == []
        assert PlayEarcon(Earcon.ERROR) in silent.wait(0.1)


def test_an_abandoned_answer_does_not_keep_another_one_alive() -> None:
    policy = replace(OPEN_MICROPHONE, progress_s=7)
    stalled = drive(*TO_THINKING, ResponseStarted("r1"), ResponseStarted("r2"), policy=policy)
    stalled.wait(6)
    stalled.hear(AnswerProgressed("r1"))

    assert stalled.wait(0.9) == []
    assert PlayEarcon(Earcon.ERROR) in stalled.wait(0.1)


def test_progress_without_an_answer_is_ignored() -> None:
    thinking = drive(*TO_THINKING, policy=replace(OPEN_MICROPHONE, answer_s=15, progress_s=7))
    thinking.wait(14)
    thinking.hear(AnswerProgressed(), AnswerProgressed("r1"))

    assert thinking.waits_s == 1


def test_progress_moves_no_deadline_while_an_answer_plays() -> None:
    speaking = drive(*TO_SPEAKING)
    before = speaking.waits_s

    assert speaking.hear(AnswerProgressed("r1")) == []
    assert speaking.waits_s == before


def test_a_silent_answer_that_progresses_for_ever_is_ended_by_the_hard_cap() -> None:
    endless = drive(*TO_THINKING, ResponseStarted("r1"), policy=replace(OPEN_MICROPHONE, session_s=60))
    for _ in range(59):
        endless.wait(1)
        endless.hear(AnswerProgressed("r1"))

    assert endless.wait(1) == ended_by(Earcon.SESSION_SPENT)


def test_an_answer_that_has_not_begun_gets_the_full_thinking_time() -> None:
    thinking = drive(*TO_THINKING, policy=replace(OPEN_MICROPHONE, answer_s=15, progress_s=7))

    assert thinking.wait(14.9) == []
    assert PlayEarcon(Earcon.ERROR) in thinking.wait(0.1)


# --- the follow-up window --------------------------------------------------------------------------------------------

ENDS: dict[str, Event] = {
    "playback drained": PlaybackDrained(1),
    "response done": ResponseEnded("r1", ResponseStatus.COMPLETED, (CALL,), has_audio=True),
    "tool round closed": ToolFinished("c1", "{}"),
}


def test_the_follow_up_window_counts_from_playback_drained_and_response_done_and_no_tool_round_open() -> None:
    speaking = drive(*TO_SPEAKING)

    for end in (ENDS["response done"], ENDS["playback drained"], ENDS["tool round closed"]):
        speaking.hear(end)
        speaking.wait(1)
        assert speaking.phase is not Phase.LISTENING, f"listens on after {end}"
    # The round is closed, so an answer to it is requested: it has the same three possible ends.
    speaking.hear(ResponseStarted("r2"), PlaybackStarted(2))
    speaking.wait(40)
    speaking.hear(PlaybackDrained(2))
    assert speaking.phase is Phase.THINKING
    speaking.wait(2)
    assert speaking.hear(replace(COMPLETED, response_id="r2")) == [ShowLight(Light.LISTENING)]

    assert speaking.wait(5.9) == []
    assert speaking.wait(0.1) == HUNG_UP


# --- a loop that stalls ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("phase", [Phase.CONNECTING, Phase.LISTENING, Phase.THINKING])
def test_events_received_during_a_stall_are_handled_before_a_deadline_counts(phase: Phase) -> None:
    waiting = drive(*WAYS[phase])
    waiting.now += 20

    assert waiting.hear(LoopStalled(5)) == []
    assert waiting.phase is phase
    assert waiting.waits_s == 2
    assert waiting.wait(1.9) == []
    assert waiting.wait(0.1) != []


def test_a_stall_does_not_end_a_conversation() -> None:
    thinking = drive(*TO_THINKING)
    thinking.now += 30
    thinking.hear(LoopStalled(15))
    thinking.wait(0.5)
    thinking.hear(ResponseStarted("r1"), PlaybackStarted(1))

    assert thinking.wait(60) == []


def test_a_deadline_that_is_not_due_is_not_postponed() -> None:
    listening = drive(*TO_LISTENING)
    listening.now += 7
    listening.hear(LoopStalled(5))

    assert listening.waits_s == 1


def test_a_box_that_stalls_for_ever_ends_its_conversation_by_the_hard_cap() -> None:
    stalling = drive(*TO_THINKING)
    for _ in range(200):
        stalling.now += 4
        stalling.hear(LoopStalled(3))

    assert stalling.wait(0) == ended_by(Earcon.SESSION_SPENT)


def test_a_stall_while_the_room_still_echoes_does_not_open_the_uplink() -> None:
    spoken = drive(*TO_SPEAKING, policy=HALF_DUPLEX)
    assert spoken.hear(PlaybackStarted(2)) == [SilenceUplink()]
    assert spoken.hear(LoopStalled(3)) == []
