"""Sentences of a household that must not be taken for something else: a wrong time, a wrong day, the wrong alarm."""

import inspect
from typing import Any

import pytest

from edgevoice.alarms.tools import AlarmTools
from edgevoice.local.mind import phrases
from edgevoice.local.mind.brain import Prompt, answer
from edgevoice.local.mind.calls import RequestedCall
from edgevoice.local.mind.tool_kinds import DeclaredTool

DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
TOOLS = {
    name: DeclaredTool(frozenset(inspect.signature(tool).parameters) - {"self"})
    for name, tool in inspect.getmembers(AlarmTools, inspect.isfunction)
    if not name.startswith("_") and name != "functions"
} | {"set_volume": DeclaredTool(frozenset({"percent", "change"})), "remember": DeclaredTool(frozenset({"note"}))}


def call_of(said: str, **more: Any) -> RequestedCall | None:
    """Return the only call that follows; none if it is answered that it was not understood."""
    reply = answer(Prompt(said, tools=TOOLS, declared=TOOLS, **more))
    assert bool(reply.calls) != (reply.speech == phrases.NOT_UNDERSTOOD)
    return reply.calls[0] if reply.calls else None


@pytest.mark.parametrize(
    ("said", "arguments"),
    [
        ("Set a timer for ninety seconds.", {"seconds": 90, "label": "one minute and thirty seconds"}),
        ("Set a timer for one hundred and twenty minutes.", {"seconds": 7200, "label": "two hours"}),
        ("Set a timer for 10 mins.", {"seconds": 600, "label": "ten minutes"}),
        ("Set a timer for ten minutes for the pasta.", {"seconds": 600, "label": "pasta"}),
        ("Wake me in half an hour.", {"seconds": 1800, "label": "wake up"}),
    ],
)
def test_a_timer_runs_as_long_as_was_said(said: str, arguments: dict[str, Any]) -> None:
    assert call_of(said) == RequestedCall("set_timer", arguments)


@pytest.mark.parametrize(
    ("said", "arguments"),
    [
        ("Wake me at quarter to seven on weekdays except Friday.", {"time": "06:45", "days": DAYS[:4]}),
        ("Wake me at seven every day but not on Sundays.", {"time": "07:00", "days": DAYS[:6]}),
        ("Wake me at seven from Monday to Thursday.", {"time": "07:00", "days": DAYS[:4]}),
        ("Wake me at nine Saturday through Monday.", {"time": "09:00", "days": [*DAYS[5:], DAYS[0]]}),
        ("Wake me at seven on Monday.", {"time": "07:00", "date": "monday"}),
        ("Wake me at seven on Mondays.", {"time": "07:00", "days": ["monday"]}),
        ("Wake me at seven every Monday.", {"time": "07:00", "days": ["monday"]}),
        ("Wake me every day at seven.", {"time": "07:00", "days": DAYS}),
        ("Wake me at seven tomorrow morning.", {"time": "07:00", "date": "tomorrow"}),
        ("Wake me tomorrow evening at seven.", {"time": "19:00", "date": "tomorrow"}),
        ("Wake me at six tonight.", {"time": "18:00", "date": "today"}),
        ("Wake me at twelve at night.", {"time": "00:00"}),
        ("Wake me at ten to seven.", {"time": "06:50"}),
        ("Wake me at five past six in the evening.", {"time": "18:05"}),
        ("Wake me at half past midnight.", {"time": "00:30"}),
        ("Wake me at six oh five.", {"time": "06:05"}),
    ],
)
def test_an_alarm_rings_when_it_was_meant_to(said: str, arguments: dict[str, Any]) -> None:
    assert call_of(said) == RequestedCall("set_alarm", arguments)


@pytest.mark.parametrize(
    ("said", "arguments"),
    [
        ("Remind me at ten to six to leave.", {"text": "leave", "time": "17:50"}),
        ("Remind me to call Mum on Friday at six.", {"text": "call Mum", "time": "18:00", "date": "friday"}),
        ("Remind me to call Mum tomorrow at six.", {"text": "call Mum", "time": "18:00", "date": "tomorrow"}),
        ("Remind me at six to meet Tom at seven.", {"text": "meet Tom at seven", "time": "18:00"}),
        ("Remind me in an hour and a half to check it.", {"text": "check it", "in_seconds_from_now": 5400}),
        ("Remind me every evening at eight to lock up.", {"text": "lock up", "time": "20:00", "days": DAYS}),
        ("Remember to call Mum at six.", {"text": "call Mum", "time": "18:00"}),
        ("Remind me at six to pack for tomorrow.", {"text": "pack for tomorrow", "time": "18:00"}),
    ],
)
def test_a_reminder_is_for_the_day_and_time_that_was_said(said: str, arguments: dict[str, Any]) -> None:
    assert call_of(said) == RequestedCall("set_reminder", arguments)


@pytest.mark.parametrize(
    "said",
    [
        *(
            "Don't wake me tomorrow.",
            "Wake me at seven or eight.",
            "Wake me at seven eight.",
            "Wake me at one tonight.",
        ),
        *("Wake me at seven unless it rains.", "Wake me at seven every other day.", "Wake me before seven."),
        *("Wake me on Friday at seven on Saturday.", "Wake me at seven on Friday except Friday."),
        *("Remind me to call Mum at six and Dad at seven.", "Remind me to call Mum at six or at seven."),
        *("Remind me to take the cake out in ten minutes at six.", "Remind me at six to call Mum tomorrow."),
        *("Remind me not to call Mum at six.", "Remind me at ten to six.", "Remind me to call Mum on Friday."),
        *("Set a timer for ten minutes, no, fifteen minutes.", "Set a timer for five to ten minutes."),
        *("Set a timer for ten minutes for the day after tomorrow.", "Cancel all timers except the pasta timer."),
        *("Cancel the first timer.", "Cancel the alarm on Friday.", "Add two minutes of silence to my list."),
        *("Snooze for thirty seconds.", "Turn off my alarms for the weekend.", "Set the volume to twenty or thirty."),
    ],
)
def test_what_is_not_clear_is_not_done(said: str) -> None:
    assert call_of(said) is None


def test_a_yes_to_cancel_the_timers_means_all_of_them() -> None:
    assert call_of("yes", last_answer="Cancel the timers?") == RequestedCall("cancel_timers", {"everything": True})
