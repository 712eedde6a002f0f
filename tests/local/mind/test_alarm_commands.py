"""Alarms, reminders and named timers: what people say, the calls that follow, and what they hear of the results."""

import json
from typing import Any

import pytest

from edgevoice.alarms.tools import AlarmTools
from edgevoice.local.mind.brain import Prompt, answer, is_complete
from edgevoice.local.mind.calls import RequestedCall, ToolResult
from edgevoice.local.mind.tool_kinds import DeclaredTool

WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday"]
EVERY_DAY = [*WEEKDAYS, "saturday", "sunday"]
NAMES = (
    *("set_timer", "change_timer", "list_timers", "cancel_timers", "set_alarm", "set_reminder", "list_alarms"),
    *("pause_timer", "resume_timer", "cancel_alarms", "snooze", "why_did_that_fail"),
)
TOOLS = {name: DeclaredTool(frozenset({"seconds", "label"})) for name in NAMES}


@pytest.mark.parametrize(
    ("said", "name", "arguments"),
    [
        ("How long is left?", "list_timers", {}),
        ("How long is left on the pasta timer?", "list_timers", {}),
        ("How long does the egg timer have left?", "list_timers", {}),
        ("What timers are set?", "list_timers", {}),
        ("Set a ten minute pasta timer.", "set_timer", {"seconds": 600, "label": "pasta"}),
        ("Start a timer called pasta for ten minutes.", "set_timer", {"seconds": 600, "label": "pasta"}),
        ("A ten minute timer named pasta.", "set_timer", {"seconds": 600, "label": "pasta"}),
        ("An egg timer for four minutes, please.", "set_timer", {"seconds": 240, "label": "egg"}),
        ("Pause the timer.", "pause_timer", {}),
        ("Pause my pasta timer, please.", "pause_timer", {"label": "pasta"}),
        ("Put the timer on hold.", "pause_timer", {}),
        ("Pause the ten minute timer.", "pause_timer", {"seconds": 600}),
        ("Pause all timers.", "pause_timer", {"everything": True}),
        ("Pause the timers.", "pause_timer", {"everything": True}),
        ("Resume the timer.", "resume_timer", {}),
        ("Continue the egg timer.", "resume_timer", {"label": "egg"}),
        ("Continue with the timer.", "resume_timer", {}),
        ("Let the timer go on.", "resume_timer", {}),
        ("Resume all my timers.", "resume_timer", {"everything": True}),
        ("Cancel timer ten minutes.", "cancel_timers", {"seconds": 600}),
        ("Cancel the timer ten minutes.", "cancel_timers", {"seconds": 600}),
        ("Add two minutes.", "change_timer", {"seconds": 120}),
        ("Two more minutes, please.", "change_timer", {"seconds": 120}),
        ("A minute more.", "change_timer", {"seconds": 60}),
        ("Add an hour to the roast timer.", "change_timer", {"seconds": 3600, "label": "roast"}),
        ("Take two minutes off the pasta timer.", "change_timer", {"seconds": -120, "label": "pasta"}),
        ("Cancel the pasta timer.", "cancel_timers", {"label": "pasta"}),
        ("What alarms are set?", "list_alarms", {}),
        ("What's my next alarm?", "list_alarms", {}),
        ("What\u2019s my next reminder?", "list_alarms", {}),
        ("What time is my alarm set for?", "list_alarms", {}),
        ("Cancel my alarm.", "cancel_alarms", {}),
        ("Turn off the alarm.", "cancel_alarms", {}),
        ("Stop the alarm!", "cancel_alarms", {}),
        ("Turn that alarm off.", "cancel_alarms", {}),
        ("Wake me at seven on weekdays.", "set_alarm", {"time": "07:00", "days": WEEKDAYS}),
        ("Hey Jarvis, wake me up at half past six.", "set_alarm", {"time": "06:30"}),
        ("Wake me at quarter to seven every day.", "set_alarm", {"time": "06:45", "days": EVERY_DAY}),
        (
            "Wake me at quarter past nine on Saturdays and Sundays.",
            "set_alarm",
            {"time": "09:15", "days": EVERY_DAY[5:]},
        ),
        ("Wake me at nine at the weekend.", "set_alarm", None),
        ("Wake me at nine on weekends.", "set_alarm", {"time": "09:00", "days": EVERY_DAY[5:]}),
        ("Set an alarm for 7:30 pm.", "set_alarm", {"time": "19:30"}),
        ("Set an alarm for 12 am.", "set_alarm", {"time": "00:00"}),
        ("Wake me at two.", "set_alarm", {"time": "14:00"}),
        ("Wake me at two at night.", "set_alarm", {"time": "02:00"}),
        ("Wake me at eleven at night.", "set_alarm", {"time": "23:00"}),
        ("Wake me at noon.", "set_alarm", {"time": "12:00"}),
        ("Wake me at midnight.", "set_alarm", {"time": "00:00"}),
        ("Wake me at 25.", "set_alarm", None),
        ("Wake me tomorrow at seven.", "set_alarm", {"time": "07:00", "date": "tomorrow"}),
        ("Do not wake me at seven.", "set_alarm", None),
        ("Remind me at six to call Mum.", "set_reminder", {"text": "call Mum", "time": "18:00"}),
        ("Remind me to take out the bins at eight.", "set_reminder", {"text": "take out the bins", "time": "08:00"}),
        ("Remind me at 31 to call Mum.", "set_reminder", None),
        (
            "Remind me every day at six to take one pill.",
            "set_reminder",
            {"text": "take one pill", "time": "18:00", "days": EVERY_DAY},
        ),
        (
            "Remind me in ten minutes to stir the soup",
            "set_reminder",
            {"text": "stir the soup", "in_seconds_from_now": 600},
        ),
        ("Remind me to leave in an hour.", "set_reminder", {"text": "leave", "in_seconds_from_now": 3600}),
        ("Snooze.", "snooze", {}),
        ("Snooze for five minutes.", "snooze", {"minutes": 5}),
        ("Why did that fail?", "why_did_that_fail", {}),
        ("Cancel the current timer then the kettle timer.", "cancel_timers", None),
        ("Ten minute all timer.", "set_timer", None),
    ],
)
def test_a_sentence_is_one_call_or_none(said: str, name: str, arguments: dict[str, Any] | None) -> None:
    calls = answer(Prompt(said, tools=TOOLS)).calls

    assert calls == (() if arguments is None else (RequestedCall(name, arguments),))


def test_every_tool_of_timers_and_alarms_can_be_asked_for() -> None:
    offered = {name for name in dir(AlarmTools) if not name.startswith("_")} - {"functions"}

    assert offered <= set(NAMES)


def heard(said: str, name: str, arguments: dict[str, Any], output: object) -> str:
    result = ToolResult(RequestedCall(name, arguments), json.dumps(output))
    return answer(Prompt(said, results=[result], tools=TOOLS)).speech


PASTA = {"label": "pasta", "set_for_seconds": 600, "seconds_left": 125}
PLAIN = {"label": "", "set_for_seconds": 60, "seconds_left": 30}
SCHOOL = {"kind": "alarm", "label": "school", "rings_at": "Monday 2025-12-01 07:00"}
SEVEN = "Okay, at seven o'clock in the morning"
BINS = {"kind": "reminder", "label": "the bins", "rings_at": "Monday 2025-12-01 06:05"}
UNNAMED = {"kind": "alarm", "label": "", "rings_at": "Tuesday 2025-12-02 18:05"}


@pytest.mark.parametrize(
    ("said", "name", "arguments", "output", "speech"),
    [
        ("how long is left", "list_timers", {}, [PLAIN], "Thirty seconds."),
        (
            "how long is left",
            "list_timers",
            {},
            [PASTA, PLAIN],
            "Two minutes and five seconds on the pasta timer, and thirty seconds.",
        ),
        ("how long is left", "list_timers", {}, [{**PLAIN, "paused": True}], "Thirty seconds, paused."),
        ("pause the timer", "pause_timer", {}, {"timers": [PLAIN]}, "Paused, with thirty seconds left."),
        ("pause the timers", "pause_timer", {}, {"timers": [PLAIN, PASTA]}, "The timers are paused."),
        ("pause the timer", "pause_timer", {}, {"error": "0 timers match"}, "There is no such timer running."),
        ("pause the timer", "pause_timer", {}, {"error": "2 timers match"}, "Which timer? Several are running."),
        ("resume the timer", "resume_timer", {}, {"timers": [PLAIN]}, "Okay, it rings in thirty seconds."),
        ("resume the timers", "resume_timer", {}, {"timers": [PLAIN, PASTA]}, "The timers run again."),
        ("resume the timer", "resume_timer", {}, {"error": "0 timers match"}, "There is no such timer paused."),
        ("resume the timer", "resume_timer", {}, {"error": "2 timers match"}, "Which timer? Several are paused."),
        ("how long is left on the egg timer", "list_timers", {}, [PASTA], "There is no such timer running."),
        ("how long is left on the egg timer", "list_timers", {}, [], "There is no timer running."),
        (
            "how long is left",
            "list_timers",
            {},
            [PLAIN] * 5,
            "Thirty seconds, and thirty seconds, and thirty seconds. And two more.",
        ),
        ("what alarms are set", "list_alarms", {}, [], "There is no alarm set."),
        (
            "what alarms are set",
            "list_alarms",
            {},
            [SCHOOL, UNNAMED],
            "Monday at seven o'clock in the morning, school. Tuesday at six oh five in the evening.",
        ),
        (
            "what alarms are set",
            "list_alarms",
            {},
            [{**SCHOOL, "recurs": "on weekdays"}],
            "On weekdays at seven o'clock in the morning, school, next on Monday.",
        ),
        (
            "what alarms are set",
            "list_alarms",
            {},
            [UNNAMED] * 5,
            "Tuesday at six oh five in the evening. " * 3 + "And two more.",
        ),
        ("what alarms are set", "list_alarms", {}, [BINS], "There is no alarm set."),
        ("what reminders are set", "list_alarms", {}, [SCHOOL], "There is no reminder set."),
        (
            "what reminders are set",
            "list_alarms",
            {},
            [SCHOOL, UNNAMED, {**UNNAMED}, BINS],
            "Monday at six oh five in the morning, the bins.",
        ),
        (
            "what alarms and reminders are set",
            "list_alarms",
            {},
            [SCHOOL, BINS],
            "Monday at six oh five in the morning, the bins. Monday at seven o'clock in the morning, school.",
        ),
        (
            "when is my next alarm",
            "list_alarms",
            {},
            [UNNAMED, SCHOOL],
            "Monday at seven o'clock in the morning, school. Tuesday at six oh five in the evening.",
        ),
        ("cancel my alarm", "cancel_alarms", {}, {"cancelled": 0}, "There is no alarm set."),
        ("cancel my alarm", "cancel_alarms", {}, {"cancelled": 1}, "The alarm is cancelled."),
        ("cancel my alarms", "cancel_alarms", {}, {"cancelled": 2}, "The alarms are cancelled."),
        ("x", "cancel_alarms", {"time": "07:00", "kind": "alarm"}, {"cancelled": 0}, "There is no such alarm set."),
        ("x", "cancel_alarms", {"kind": "reminder"}, {"cancelled": 1}, "The reminder is cancelled."),
        (
            "cancel my alarm",
            "cancel_alarms",
            {},
            {"error": "2 match; ask which"},
            "Which one? Several are set. Say its time, or all of them.",
        ),
        ("cancel the timer", "cancel_timers", {}, {"error": "2 timers match"}, "Which timer? Several are running."),
        ("x", "set_alarm", {}, {"error": "today 07:00 has passed"}, "That time has passed already. Nothing is set."),
        (
            "add two minutes",
            "change_timer",
            {"seconds": 120},
            {"rings_in_seconds": 180},
            "Okay, it rings in three minutes.",
        ),
        ("snooze", "snooze", {}, {}, "Okay."),
        ("snooze", "snooze", {}, {"error": "nothing has rung"}, "Nothing has rung just now."),
        ("add two minutes", "change_timer", {}, {"error": "0 timers match"}, "There is no such timer running."),
        ("add two minutes", "change_timer", {}, {"error": "2 timers match"}, "Which timer? Several are running."),
        ("wake me at 25", "set_alarm", {}, {"error": "date: x"}, "Sorry, that did not work."),
        ("wake me at seven", "set_alarm", {"time": "07:00"}, {}, "Okay, at seven o'clock in the morning."),
        (
            "wake me at seven on weekdays",
            "set_alarm",
            {"time": "07:00", "days": WEEKDAYS},
            {},
            "Okay, at seven o'clock in the morning, on weekdays.",
        ),
        (
            "x",
            "set_alarm",
            {"time": "07:00", "days": EVERY_DAY},
            {},
            SEVEN + ", every day.",
        ),
        (
            "x",
            "set_alarm",
            {"time": "07:00", "days": ["friday"]},
            {},
            SEVEN + ", every Friday.",
        ),
        (
            "x",
            "set_alarm",
            {"time": "07:00", "date": "tomorrow"},
            {"rings_at": "Tuesday 2025-12-02 07:00"},
            SEVEN + ", on Tuesday.",
        ),
        ("x", "set_reminder", {"text": "go", "in_seconds_from_now": 600}, {}, "Okay, in ten minutes."),
        ("why did that fail", "why_did_that_fail", {}, {"failures": []}, "Nothing has failed lately."),
        (
            "why did that fail",
            "why_did_that_fail",
            {},
            {"failures": [{"problem": "The network was down.", "remedy": "Check the router."}]},
            "The network was down. Check the router.",
        ),
    ],
)
def test_a_result_is_said(said: str, name: str, arguments: dict[str, Any], output: object, speech: str) -> None:
    assert heard(said, name, arguments, output) == speech


def test_without_the_tools_the_box_says_that_it_cannot() -> None:
    assert answer(Prompt("Wake me at seven.")).speech == "I cannot set alarms here."
    assert answer(Prompt("Why did that fail?")).speech == "I do not know what fails here."


@pytest.mark.parametrize(
    ("said", "question", "agreed"),
    [
        ("wake me at seven", "Wake me at seven o'clock in the morning?", RequestedCall("set_alarm", {"time": "07:00"})),
        (
            "wake me at 7 30 pm",
            "Wake me at seven thirty in the evening?",
            RequestedCall("set_alarm", {"time": "19:30"}),
        ),
        ("wake me at two", "Wake me at two o'clock in the afternoon?", RequestedCall("set_alarm", {"time": "14:00"})),
        ("cancel my alarm", "Cancel the alarm?", RequestedCall("cancel_alarms", {})),
    ],
)
def test_what_was_perhaps_misheard_is_asked_about_and_done_after_a_yes(
    said: str, question: str, agreed: RequestedCall
) -> None:
    assert answer(Prompt(said, is_sure=False, tools=TOOLS)).speech == question
    assert answer(Prompt("yes", last_answer=question, tools=TOOLS)).calls == (agreed,)


def test_a_pause_in_an_alarm_does_not_end_the_turn() -> None:
    assert not is_complete("wake me at seven"), "on weekdays may follow"
    assert is_complete("snooze")


@pytest.mark.parametrize(
    ("said", "tool", "arguments"),
    [
        ("cancel all alarms", "cancel_alarms", {"kind": "alarm", "everything": True}),
        ("cancel all reminders", "cancel_alarms", {"kind": "reminder", "everything": True}),
        ("turn off my alarms", "cancel_alarms", {"kind": "alarm", "everything": True}),
        ("turn off the alarm", "cancel_alarms", {"kind": "alarm"}),
        ("cancel the seven o'clock alarm", "cancel_alarms", {"kind": "alarm", "time": "07:00"}),
        ("cancel my reminder to call mum", "cancel_alarms", {"kind": "reminder", "label": "call mum"}),
        ("cancel all timers", "cancel_timers", {"everything": True}),
        ("stop the timers", "cancel_timers", {"everything": True}),
        ("stop the timer", "cancel_timers", {}),
        ("cancel the pasta timer", "cancel_timers", {"label": "pasta"}),
    ],
)
def test_all_of_them_are_cancelled_only_if_that_was_said(said: str, tool: str, arguments: dict[str, Any]) -> None:
    tools = {
        name: DeclaredTool(frozenset({"label", "everything", "kind"})) for name in ("cancel_alarms", "cancel_timers")
    }

    assert answer(Prompt(said, tools=tools)).calls == (RequestedCall(tool, arguments),)


@pytest.mark.parametrize(
    ("said", "tool"), [("turn off the alarm", "cancel_alarms"), ("stop the timer", "cancel_timers")]
)
def test_what_had_just_rung_is_said_to_be_off(said: str, tool: str) -> None:
    result = ToolResult(RequestedCall(tool, {}), json.dumps({"cancelled": 0, "silenced": "alarm", "note": "more"}))

    assert answer(Prompt(said, results=[result], tools=TOOLS, declared=TOOLS)).speech == "It is off."


@pytest.mark.parametrize(
    ("said", "tool", "output"),
    [
        ("how long is left", "list_timers", '[{"seconds_left": NaN}]'),
        ("how long is left", "list_timers", '[{"seconds_left": "soon"}]'),
        ("how long is left", "list_timers", '[{"seconds_left": 1e999}]'),
        ("how long is left", "list_timers", '[{"seconds_left": null}]'),
        ("what alarms are set", "list_alarms", '[{"rings_at": "at seven"}]'),
        ("what alarms are set", "list_alarms", "Seven o'clock"),
        ("cancel my alarm", "cancel_alarms", "done"),
        ("wake me at seven", "set_alarm", "["),
    ],
)
def test_another_tool_of_the_name_may_answer_anything(said: str, tool: str, output: str) -> None:
    result = ToolResult(RequestedCall(tool, {}), output)

    assert answer(Prompt(said, results=[result], tools=TOOLS, declared=TOOLS)).speech
