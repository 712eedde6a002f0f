"""What takes back or corrects what was set a moment ago."""

import inspect
import json
from collections.abc import Sequence

import pytest

from edgevoice.alarms.tools import AlarmTools
from edgevoice.local.mind import phrases
from edgevoice.local.mind.brain import Prompt, answer
from edgevoice.local.mind.calls import RequestedCall, ToolResult
from edgevoice.local.mind.tool_kinds import DeclaredTool

TOOLS = {
    name: DeclaredTool(frozenset(inspect.signature(tool).parameters) - {"self"})
    for name, tool in inspect.getmembers(AlarmTools, inspect.isfunction)
    if not name.startswith("_") and name != "functions"
}


def set_a_moment_ago(said: str, made: RequestedCall, output: object, last_answer: str) -> Sequence[RequestedCall]:
    """Return the calls that follow when this was the last thing that was set."""
    past = [ToolResult(made, json.dumps(output))]
    return answer(Prompt(said, tools=TOOLS, declared=TOOLS, past=past, last_answer=last_answer)).calls


TWO = RequestedCall("set_timer", {"seconds": 120, "label": "two minutes"})
NO_LONGER_TWO = RequestedCall("cancel_timers", {"label": "two minutes", "seconds": 120, "newest": True})
SET = "Okay, two minutes, starting now."


@pytest.mark.parametrize("said", ["No, ten.", "No, ten minutes.", "I said ten minutes.", "Sorry, I meant ten minutes."])
def test_a_timer_that_was_misheard_is_corrected(said: str) -> None:
    ten = RequestedCall("set_timer", {"seconds": 600, "label": "ten minutes"})

    assert set_a_moment_ago(said, TWO, {}, SET) == (NO_LONGER_TWO, ten)


def test_a_corrected_timer_keeps_its_name() -> None:
    pasta = RequestedCall("set_timer", {"seconds": 120, "label": "pasta"})

    assert set_a_moment_ago("No, ten minutes.", pasta, {}, SET)[1].arguments == {"seconds": 600, "label": "pasta"}


@pytest.mark.parametrize(
    ("made", "taken_back"),
    [
        (TWO, NO_LONGER_TWO),
        (
            RequestedCall("set_alarm", {"time": "07:00"}),
            RequestedCall("cancel_alarms", {"time": "07:00", "kind": "alarm", "newest": True}),
        ),
        (
            RequestedCall("set_reminder", {"text": "call mum", "time": "18:00"}),
            RequestedCall("cancel_alarms", {"label": "call mum", "kind": "reminder", "newest": True}),
        ),
    ],
)
@pytest.mark.parametrize("said", ["Cancel that.", "No, cancel that.", "Undo that."])
def test_what_was_set_a_moment_ago_can_be_taken_back(said: str, made: RequestedCall, taken_back: RequestedCall) -> None:
    assert set_a_moment_ago(said, made, {}, "Okay, there.") == (taken_back,)


def test_a_tool_that_knows_no_newest_is_asked_by_what_it_knows() -> None:
    tools = {**TOOLS, "cancel_alarms": DeclaredTool(frozenset({"time", "kind"}))}
    past = [ToolResult(RequestedCall("set_alarm", {"time": "07:00"}), "{}")]

    (call,) = answer(Prompt("Cancel that.", tools=tools, declared=tools, past=past, last_answer="Okay, there.")).calls

    assert call.arguments == {"time": "07:00", "kind": "alarm"}


@pytest.mark.parametrize(
    ("output", "last_answer"), [({"error": "full"}, SET), ({}, "Why did the clock laugh?"), ("?", SET)]
)
def test_what_was_not_set_just_now_is_not_taken_back(output: object, last_answer: str) -> None:
    past = [ToolResult(TWO, json.dumps(output))]
    reply = answer(Prompt("Cancel that.", tools=TOOLS, declared=TOOLS, past=past, last_answer=last_answer))

    assert reply.speech == phrases.NOTHING_CANCELLED
    assert not reply.calls


@pytest.mark.parametrize("said", ["No, the other one.", "No, not ten.", "Ten minutes is too long."])
def test_other_words_correct_nothing(said: str) -> None:
    assert set_a_moment_ago(said, TWO, {}, SET) == ()
