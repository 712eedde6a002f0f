"""One log line for each conversation and one for each fault, none with anything that was said."""

import asyncio
import logging
from typing import Any

import pytest

from edgevoice.core.conversation.conversation import Conversation
from edgevoice.core.conversation.noisy_room import Noise
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.conversation.policy import Policy
from edgevoice.core.facts import (
    DeadlinePassed,
    Device,
    DeviceLost,
    Event,
    LinkLost,
    LinkOpened,
    MutePressed,
    NearSpeechConfirmed,
    PlaybackStarted,
    ResponseStarted,
    TalkHeld,
    TalkPressed,
    ToolCall,
    ToolFinished,
    TurnEnded,
    UserStartedSpeaking,
    WakeWordHeard,
)
from edgevoice.core.notices import (
    Notice,
    PhaseEntered,
    Role,
    SpeechHeeded,
    SpeechIgnored,
    TranscriptChanged,
    UsageTold,
)
from edgevoice.core.orders import CutPlayback, Light, OpenLink, ResumePlayback, ShowLight
from edgevoice.engine import Engine
from edgevoice.observers.conversation_log import ConversationLog
from tests.fakes import Fakes


def written(caplog: pytest.LogCaptureFixture, *notices: tuple[float, Notice]) -> list[tuple[str, dict[str, Any]]]:
    log = ConversationLog()
    with caplog.at_level(logging.DEBUG, "edgevoice"):
        for now, notice in notices:
            log.observe(notice, now)
    return [(record.msg, vars(record)["fields"]) for record in caplog.records]


CONVERSATION: tuple[tuple[float, Notice], ...] = (
    (10.0, PhaseEntered(Phase.CONNECTING)),
    (10.5, LinkOpened()),
    (10.5, PhaseEntered(Phase.LISTENING)),
    (12.0, TranscriptChanged(Role.USER, "u1", "my secret recipe", is_final=True)),
    (12.0, TurnEnded()),
    (13.0, UsageTold({"total_tokens": 120, "input_tokens": 90, "output_tokens": 25})),
    (14.0, CutPlayback()),
    (14.0, PhaseEntered(Phase.LISTENING)),
    (15.0, TurnEnded()),
    (16.0, ToolFinished("c1", '{"secret": true}')),
    (17.0, UsageTold({"input_tokens": 9, "output_tokens": 4})),
    (18.0, UsageTold({"total_tokens": 30})),
    (72.53, PhaseEntered(Phase.IDLE)),
)


NOTHING = {
    "turns": 0,
    "barge_ins": 0,
    "false_interruptions": 0,
    "input_tokens": 0,
    "output_tokens": 0,
    "tokens": 0,
    "redials": 0,
    "reconnects": 0,
    "xruns": 0,
    "lost_s": 0.0,
    "minutes_today": 0.0,
}
TOKENS = {"input_tokens": 99, "output_tokens": 29, "tokens": 163}


def test_a_conversation_is_one_line_when_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    assert written(caplog, *CONVERSATION) == [
        ("conversation-over", {**NOTHING, "seconds": 62.0, "turns": 2, "barge_ins": 1, **TOKENS})
    ]
    assert caplog.records[0].levelno == logging.INFO


def test_the_line_contains_nothing_that_was_said(caplog: pytest.LogCaptureFixture) -> None:
    written(caplog, *CONVERSATION)

    assert "secret" not in "".join(str(vars(record)) for record in caplog.records)


def test_the_next_conversation_is_counted_from_zero(caplog: pytest.LogCaptureFixture) -> None:
    second = ((100.0, LinkOpened()), (101.0, TurnEnded()), (104.0, PhaseEntered(Phase.IDLE)))

    assert written(caplog, *CONVERSATION, *second)[1:] == [
        ("conversation-over", {**NOTHING, "seconds": 4.0, "turns": 1})
    ]


def test_every_reconnection_attempt_after_a_lost_session_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    again = OpenLink("", resumes=True)
    facts: tuple[Notice, ...] = (LinkOpened(), again, again, LinkOpened(), PhaseEntered(Phase.IDLE))
    lines = written(caplog, *((float(at), fact) for at, fact in enumerate(facts)))

    assert lines == [("conversation-over", {**NOTHING, "seconds": 4.0, "redials": 2, "reconnects": 1})]


def test_audio_too_old_to_send_is_counted_per_conversation(caplog: pytest.LogCaptureFixture) -> None:
    lost_s = 3.0
    log = ConversationLog(lost_s=lambda: lost_s)
    with caplog.at_level(logging.INFO, "edgevoice"):
        log.observe(LinkOpened(), 0.0)
        lost_s += 1.254
        log.observe(PhaseEntered(Phase.IDLE), 5.0)
        log.observe(LinkOpened(), 10.0)
        log.observe(PhaseEntered(Phase.IDLE), 15.0)

    assert [vars(record)["fields"]["lost_s"] for record in caplog.records] == [1.25, 0.0]


def test_xruns_are_counted_per_conversation_and_minutes_per_day(
    caplog: pytest.LogCaptureFixture,
) -> None:
    xruns = 7
    log = ConversationLog(lambda: xruns, lambda: 754.0)
    with caplog.at_level(logging.INFO, "edgevoice"):
        log.observe(LinkOpened(), 0.0)
        xruns += 2
        log.observe(PhaseEntered(Phase.IDLE), 5.0)
        xruns += 40
        log.observe(LinkOpened(), 10.0)
        log.observe(PhaseEntered(Phase.IDLE), 15.0)

    fields = [vars(record)["fields"] for record in caplog.records]
    assert [(each["xruns"], each["minutes_today"]) for each in fields] == [(2, 12.6), (0, 12.6)]


SPEAKING = (WakeWordHeard("word", 0.9, 0), LinkOpened(), TurnEnded(), ResponseStarted("r1"), PlaybackStarted(1))


def barge_ins(caplog: pytest.LogCaptureFixture, *facts: Event) -> int:
    """Report these events to an engine during an answer, then hang up; return what the log counted."""

    async def live() -> None:
        conversation = Conversation(Policy(hears_itself=False), chance=lambda: 0.0)
        engine = Engine(conversation, Fakes().adapters(), clock=lambda: 50.0, observers=[ConversationLog()])
        for fact in (*SPEAKING, *facts, TalkHeld()):
            engine.report(fact)
        engine.stop()

    with caplog.at_level(logging.INFO, "edgevoice"):
        asyncio.run(live())
    (count,) = [vars(record)["fields"]["barge_ins"] for record in caplog.records if record.msg == "conversation-over"]
    assert isinstance(count, int)
    return count


@pytest.mark.parametrize(
    "interruption",
    [UserStartedSpeaking(), NearSpeechConfirmed(0), TalkPressed(0), WakeWordHeard("word", 0.9, 0)],
    ids=lambda fact: type(fact).__name__,
)
def test_every_interruption_by_voice_or_by_hand_is_counted(
    caplog: pytest.LogCaptureFixture, interruption: Event
) -> None:
    assert barge_ins(caplog, interruption) == 1


def test_a_false_interruption_is_counted_separately(caplog: pytest.LogCaptureFixture) -> None:
    false = (
        CutPlayback(keeps_rest=True),
        PhaseEntered(Phase.LISTENING),
        ResumePlayback(),
        PhaseEntered(Phase.SPEAKING),
    )

    ((_, fields),) = written(caplog, *((1.0, notice) for notice in (LinkOpened(), *false, PhaseEntered(Phase.IDLE))))

    assert (fields["barge_ins"], fields["false_interruptions"]) == (0, 1)


def test_an_interruption_counts_also_when_the_session_was_lost_behind_the_answer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert barge_ins(caplog, LinkLost("service-unreachable", is_retriable=True), TalkPressed(0)) == 1


@pytest.mark.parametrize(
    "end",
    [
        (),
        (MutePressed(), TalkPressed(0)),
        (LinkLost("key-refused", is_retriable=False),),
        (DeviceLost(Device.SPEAKER),),
    ],
    ids=["button held", "button pressed while muted", "link lost", "speaker lost"],
)
def test_an_answer_that_is_silenced_because_the_conversation_ends_was_not_interrupted(
    caplog: pytest.LogCaptureFixture, end: tuple[Event, ...]
) -> None:
    assert barge_ins(caplog, *end) == 0


def test_the_session_limit_in_mid_answer_is_not_an_interruption(caplog: pytest.LogCaptureFixture) -> None:
    now = 50.0

    async def live() -> None:
        nonlocal now
        conversation = Conversation(Policy(hears_itself=False, session_s=600), chance=lambda: 0.0)
        engine = Engine(conversation, Fakes().adapters(), clock=lambda: now, observers=[ConversationLog()])
        for fact in SPEAKING:
            engine.report(fact)
        now += 600
        engine.report(DeadlinePassed())
        engine.stop()

    with caplog.at_level(logging.INFO, "edgevoice"):
        asyncio.run(live())

    over = [vars(record)["fields"] for record in caplog.records if record.msg == "conversation-over"]
    assert [fields["barge_ins"] for fields in over] == [0]


def test_a_conversation_that_ends_in_mid_answer_does_not_affect_the_next(caplog: pytest.LogCaptureFixture) -> None:
    ended = ((0.0, LinkOpened()), (1.0, CutPlayback()), (1.0, PhaseEntered(Phase.IDLE)))
    following = ((2.0, PhaseEntered(Phase.CONNECTING)), (3.0, LinkOpened()), (4.0, PhaseEntered(Phase.IDLE)))

    assert [fields["barge_ins"] for _, fields in written(caplog, *ended, *following)] == [0, 0]


def test_a_failed_connection_attempt_is_not_a_conversation(caplog: pytest.LogCaptureFixture) -> None:
    assert written(caplog, (1.0, PhaseEntered(Phase.CONNECTING)), (9.0, PhaseEntered(Phase.IDLE))) == []


def test_a_fault_is_a_warning_with_its_code_and_remedy(caplog: pytest.LogCaptureFixture) -> None:
    lines = written(caplog, (1.0, ShowLight(Light.IDLE)), (2.0, ShowLight(Light.FAULT, "key-refused")))

    assert lines == [("fault", {"code": "key-refused", "problem": "The service refused the key: copy it again"})]
    assert caplog.records[0].levelno == logging.WARNING


def test_detections_are_in_the_debug_log_for_tuning_the_threshold(caplog: pytest.LogCaptureFixture) -> None:
    lines = written(caplog, (1.0, WakeWordHeard("hey_jarvis", 0.913, 16_000)))

    assert lines == [("wakeword-heard", {"word": "hey_jarvis", "score": 0.913})]
    assert caplog.records[0].levelno == logging.DEBUG


def test_tools_do_not_count_as_turns(caplog: pytest.LogCaptureFixture) -> None:
    call = ToolFinished(ToolCall("c", "n", "{}").call_id, "{}")
    lines = written(caplog, (0.0, LinkOpened()), (1.0, call), (2.0, PhaseEntered(Phase.IDLE)))

    assert lines[0][1]["turns"] == 0


def test_a_noisy_room_is_a_line_with_what_still_interrupts_and_so_is_its_end(caplog: pytest.LogCaptureFixture) -> None:
    (ignored, fields), heeded = written(
        caplog, (10.0, SpeechIgnored(Noise(ducks=12, false_cuts=1, is_loud=True))), (20.0, SpeechHeeded())
    )

    assert ignored == "speech-ignored"
    assert (fields["ducks"], fields["false_cuts"], fields["is_loud"]) == (12, 1, True)
    assert "only the wake word and the talk button interrupt" in fields["why"]
    assert heeded == ("speech-heeded", {})
    assert {record.levelno for record in caplog.records} == {logging.INFO}
