"""One line for each conversation and one for each fault, and nobody's words in any of them."""

import logging
from typing import Any

import pytest

from edgevoice.core.messages import (
    CutPlayback,
    Light,
    LinkOpened,
    Notice,
    PhaseEntered,
    Role,
    ShowLight,
    ToolCall,
    ToolFinished,
    TranscriptChanged,
    TurnEnded,
    UsageTold,
    WakeWordHeard,
)
from edgevoice.system.diary import Diary


def written(caplog: pytest.LogCaptureFixture, *notices: tuple[float, Notice]) -> list[tuple[str, dict[str, Any]]]:
    diary = Diary()
    with caplog.at_level(logging.DEBUG, "edgevoice"):
        for now, notice in notices:
            diary(notice, now)
    return [(record.message, vars(record)["fields"]) for record in caplog.records]


CONVERSATION: tuple[tuple[float, Notice], ...] = (
    (10.0, PhaseEntered("connecting")),
    (10.5, LinkOpened()),
    (10.5, PhaseEntered("listening")),
    (12.0, TranscriptChanged(Role.USER, "u1", "my secret recipe", is_final=True)),
    (12.0, TurnEnded()),
    (13.0, UsageTold({"total_tokens": 120, "input_tokens": 90})),
    (14.0, CutPlayback()),
    (15.0, TurnEnded()),
    (16.0, ToolFinished("c1", '{"secret": true}')),
    (17.0, UsageTold({"input_tokens": 9})),
    (18.0, UsageTold({"total_tokens": 30})),
    (72.53, PhaseEntered("idle")),
)


def test_a_conversation_is_one_line_when_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    assert written(caplog, *CONVERSATION) == [
        ("conversation-over", {"seconds": 62.0, "turns": 2, "barge_ins": 1, "tokens": 150, "redials": 0})
    ]
    assert caplog.records[0].levelno == logging.INFO


def test_nothing_that_anybody_said_is_in_it(caplog: pytest.LogCaptureFixture) -> None:
    written(caplog, *CONVERSATION)

    assert "secret" not in "".join(str(vars(record)) for record in caplog.records)


def test_the_next_conversation_is_counted_from_nothing(caplog: pytest.LogCaptureFixture) -> None:
    second = ((100.0, LinkOpened()), (101.0, TurnEnded()), (104.0, PhaseEntered("idle")))

    assert written(caplog, *CONVERSATION, *second)[1:] == [
        ("conversation-over", {"seconds": 4.0, "turns": 1, "barge_ins": 0, "tokens": 0, "redials": 0})
    ]


def test_a_dial_that_came_to_nothing_is_no_conversation(caplog: pytest.LogCaptureFixture) -> None:
    assert written(caplog, (1.0, PhaseEntered("connecting")), (9.0, PhaseEntered("idle"))) == []


def test_a_fault_is_a_warning_with_its_code_and_what_to_do(caplog: pytest.LogCaptureFixture) -> None:
    lines = written(caplog, (1.0, ShowLight(Light.IDLE)), (2.0, ShowLight(Light.FAULT, "key-refused")))

    assert lines == [("fault", {"code": "key-refused", "problem": "The service refused the key: copy it again"})]
    assert caplog.records[0].levelno == logging.WARNING


def test_detections_are_told_in_the_debug_log_for_who_tunes_the_threshold(caplog: pytest.LogCaptureFixture) -> None:
    lines = written(caplog, (1.0, WakeWordHeard("hey_jarvis", 0.913, 16_000)))

    assert lines == [("wakeword-heard", {"word": "hey_jarvis", "score": 0.913})]
    assert caplog.records[0].levelno == logging.DEBUG


def test_tools_are_no_turns(caplog: pytest.LogCaptureFixture) -> None:
    call = ToolFinished(ToolCall("c", "n", "{}").call_id, "{}")
    lines = written(caplog, (0.0, LinkOpened()), (1.0, call), (2.0, PhaseEntered("idle")))

    assert lines[0][1]["turns"] == 0
