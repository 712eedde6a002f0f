"""What is counted of the conversations."""

import pytest

from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import (
    LinkLost,
    LinkOpened,
    NearSpeechBegan,
    NearSpeechConfirmed,
    NearSpeechFaded,
    PlaybackCut,
    TalkHeld,
    TalkPressed,
    ToolCall,
    TurnEnded,
    UserStartedSpeaking,
    WakeRequested,
    WakeWordHeard,
)
from edgevoice.core.notices import Notice, PhaseEntered, UsageTold
from edgevoice.core.orders import CloseLink, CutPlayback, DropPlayback, Light, ResumePlayback, RunTool, ShowLight
from edgevoice.integrations.metrics.counts import OTHER, BargeInSource, Counts

SPEAKING = PhaseEntered(Phase.SPEAKING)
LISTENING = PhaseEntered(Phase.LISTENING)
CUT, KEPT = CutPlayback(), CutPlayback(keeps_rest=True)
SILENT = PlaybackCut(())


def counted(*steps: tuple[float, Notice]) -> Counts:
    counts = Counts()
    for now, notice in steps:
        counts.observe(notice, now)
    return counts


@pytest.mark.parametrize(
    ("sign", "source"),
    [
        (WakeWordHeard("hey_jarvis", 0.9, 7), BargeInSource.WAKE_WORD),
        (WakeRequested("", 7), BargeInSource.PROGRAM),
        (TalkPressed(7), BargeInSource.BUTTON),
    ],
)
def test_a_barge_in_is_counted_by_what_caused_it(sign: Notice, source: BargeInSource) -> None:
    counts = counted((1, SPEAKING), (2, sign), (2, CUT), (2, LISTENING), (2.03, SILENT))

    assert counts.barge_ins.by_source == {source: 1}
    assert counts.barge_ins.take_silent_after() == [pytest.approx(0.03)]
    assert counts.barge_ins.take_silent_after() == []


@pytest.mark.parametrize(
    ("signs", "source"),
    [
        ([(2.0, NearSpeechBegan(7)), (2.2, NearSpeechConfirmed(7))], BargeInSource.SPEECH),
        ([(2.2, NearSpeechConfirmed(7))], BargeInSource.SPEECH),
        ([(2.2, UserStartedSpeaking())], BargeInSource.SERVICE),
        # What faded was a door; somebody spoke later.
        ([(1.5, NearSpeechBegan(7)), (1.6, NearSpeechFaded()), (2.2, UserStartedSpeaking())], BargeInSource.SERVICE),
    ],
)
def test_speech_counts_once_it_is_certain_that_somebody_spoke(
    signs: list[tuple[float, Notice]], source: BargeInSource
) -> None:
    cut: list[tuple[float, Notice]] = [(2.2, KEPT), (2.2, LISTENING), (2.25, SILENT)]

    before = counted((1, SPEAKING), *signs, *cut)
    after = counted((1, SPEAKING), *signs, *cut, (3, DropPlayback()))

    assert before.barge_ins.by_source == {}
    assert after.barge_ins.by_source == {source: 1}
    assert after.barge_ins.take_silent_after() == [pytest.approx(2.25 - (2.0 if len(signs) == 2 else 2.2))]


def test_a_cough_is_a_false_interruption_and_no_barge_in() -> None:
    counts = counted(
        (1, SPEAKING), (2, NearSpeechConfirmed(7)), (2, KEPT), (2, LISTENING), (3, ResumePlayback()), (3, SPEAKING)
    )

    assert counts.barge_ins.by_source == {}
    assert counts.barge_ins.false_interruptions == 1


def test_hanging_up_is_no_barge_in() -> None:
    counts = counted((1, SPEAKING), (2, TalkHeld()), (2, CUT), (2, PhaseEntered(Phase.IDLE)))

    assert counts.barge_ins.by_source == {}


def test_an_answer_that_is_cut_without_anybody_has_no_time_of_silence() -> None:
    assert counted((1, SPEAKING), (2, CUT), (2, LISTENING), (2.1, SILENT)).barge_ins.take_silent_after() == []


def test_sessions_are_counted_from_listening_on_and_reconnects_only_after_a_loss() -> None:
    counts = counted(
        (1, LinkOpened()),
        (2, LISTENING),
        (5, LinkLost("link", is_retriable=True)),
        (6, LinkOpened()),
        (7, LISTENING),
        (9, CloseLink()),
        (9, PhaseEntered(Phase.IDLE)),
        (20, LinkOpened()),
        (21, LISTENING),
    )

    assert counts.session_s(25) == pytest.approx(3 + 2 + 4)
    assert counts.events["reconnects"] == 1


def test_turns_wakes_tools_tokens_and_the_fault_are_counted() -> None:
    counts = counted(
        (1, WakeWordHeard("hey_jarvis", 0.9, 7)),
        (2, TurnEnded()),
        (3, RunTool(ToolCall("c", "set_timer", "{}"))),
        (4, UsageTold({"input_tokens": 10, "output_tokens": 5})),
        (5, UsageTold({"input_tokens": 1})),
        (6, ShowLight(Light.FAULT, "key-refused")),
    )

    assert (counts.wakes, counts.events["turns"], counts.tool_calls) == ({"hey_jarvis": 1}, 1, {"set_timer": 1})
    assert counts.tokens == {"input_tokens": 11, "output_tokens": 5}
    assert counts.fault == "key-refused"
    counts.observe(ShowLight(Light.IDLE), 7)
    assert counts.fault == ""


def test_names_that_a_model_or_a_service_invents_do_not_accumulate() -> None:
    counts = Counts()
    for number in range(1000):
        counts.observe(RunTool(ToolCall("c", f"tool_{number}", "")), 0.0)
        counts.observe(UsageTold({f"kind_{number}": 2}), 0.0)
    counts.observe(RunTool(ToolCall("c", "x" * 512, "")), 0.0)
    counts.observe(RunTool(ToolCall("c", "tool_0", "")), 0.0)

    assert (counts.tool_calls["tool_0"], len(counts.tool_calls), counts.tool_calls.total()) == (2, 65, 1002)
    assert (len(counts.tokens), counts.tokens.total()) == (65, 2000)
    assert counts.tool_calls[OTHER] == 1002 - 65
