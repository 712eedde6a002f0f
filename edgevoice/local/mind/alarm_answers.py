"""What is said about the results of tools for timers, alarms and reminders. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from edgevoice.core.weekdays import WEEKDAYS, weekdays_in_words
from edgevoice.local.mind.alarm_commands import AlarmRequest, LeftWish
from edgevoice.local.mind.calls import decoded
from edgevoice.local.mind.numbers import spoken, spoken_duration
from edgevoice.local.mind.spoken_clock import spoken_time
from edgevoice.local.mind.tool_kinds import ToolKind

_MOST_SAID = 3


def alarm_sentence(kind: ToolKind, output: str, arguments: Mapping[str, Any], wanted: Sequence[object]) -> str:
    """Return the sentence that says what a tool returned, without an error; ``wanted`` is what the user had said.

    Raises ``TypeError``, and others of Python's errors, for what our own tools never return.
    """
    returned = decoded(output)
    if isinstance(returned, str):
        raise TypeError("a text is no answer of our tools")
    match kind:
        case ToolKind.TIMERS:
            label = next((wish.label for wish in wanted if isinstance(wish, LeftWish)), "")
            return _left(_objects(returned), label)
        case ToolKind.ALARMS:
            return _alarms(_objects(returned), wanted)
        case ToolKind.WHY:
            failed = _objects(returned.get("failures") if isinstance(returned, dict) else None)
            return f"{failed[0].get('problem')} {failed[0].get('remedy')}" if failed else "Nothing has failed lately."
        case ToolKind.CHANGE | ToolKind.SNOOZE:
            seconds = returned.get("rings_in_seconds") if isinstance(returned, dict) else None
            return f"Okay, it rings in {spoken_duration(seconds)}." if isinstance(seconds, int) else "Okay."
        case ToolKind.PAUSE | ToolKind.RESUME:
            return _held(_objects(returned.get("timers") if isinstance(returned, dict) else None), kind)
        case ToolKind.CANCEL_ALARMS:
            return _cancelled(returned.get("cancelled") if isinstance(returned, dict) else None, arguments)
        case ToolKind.REMINDER if "in_seconds_from_now" in arguments:
            return f"Okay, in {spoken_duration(int(arguments['in_seconds_from_now']))}."
        case _:
            hour, minute = map(int, str(arguments.get("time", "0:00")).split(":"))
            days = arguments.get("days")
            on = f", {weekdays_in_words(days)}" if days else _once(returned) if arguments.get("date") else ""
            return f"Okay, at {spoken_time(hour, minute)}{on}."


def alarm_trouble(kind: ToolKind, error: str) -> str:
    """Return what to say if a call was refused, with the tool's own words in ``error``."""
    match kind:
        case ToolKind.CHANGE | ToolKind.CANCEL if "match" in error:
            return "There is no such timer running." if error.startswith("0 ") else "Which timer? Several are running."
        case ToolKind.PAUSE if "match" in error:
            return "There is no such timer running." if error.startswith("0 ") else "Which timer? Several are running."
        case ToolKind.RESUME if "match" in error:
            return "There is no such timer paused." if error.startswith("0 ") else "Which timer? Several are paused."
        case ToolKind.CANCEL_ALARMS if "match" in error:
            return "Which one? Several are set. Say its time, or all of them."
        case ToolKind.SNOOZE:
            return "Nothing has rung just now."
        case ToolKind.ALARM | ToolKind.REMINDER if "has passed" in error:
            return "That time has passed already. Nothing is set."
        case _:
            return "Sorry, that did not work."


def _objects(returned: object) -> list[Mapping[str, Any]]:
    return [one for one in returned if isinstance(one, dict)] if isinstance(returned, list) else []


def _held(timers: Sequence[Mapping[str, Any]], kind: ToolKind) -> str:
    """Return what has become of timers that were paused or resumed."""
    if len(timers) != 1:
        return "The timers are paused." if kind is ToolKind.PAUSE else "The timers run again."
    left = spoken_duration(int(timers[0].get("seconds_left", 0)))
    return f"Paused, with {left} left." if kind is ToolKind.PAUSE else f"Okay, it rings in {left}."


def _left(running: Sequence[Mapping[str, Any]], label: str) -> str:
    timers = [one for one in running if label in str(one.get("label", ""))]
    if running and not timers:
        return "There is no such timer running."
    said = [
        spoken_duration(int(one.get("seconds_left", 0)))
        + (f" on the {one['label']} timer" if one.get("label") else "")
        + (", paused" if one.get("paused") else "")
        for one in timers[:_MOST_SAID]
    ]
    more = f" And {spoken(len(timers) - _MOST_SAID)} more." if len(timers) > _MOST_SAID else ""
    return f"{', and '.join(said).capitalize()}.{more}" if said else "There is no timer running."


def _alarms(rings: Sequence[Mapping[str, Any]], wanted: Sequence[object]) -> str:
    """Return what is set, the next first; if only alarms or only reminders were asked for, those."""
    if AlarmRequest.REMINDERS in wanted:
        rings = [one for one in rings if one.get("kind") == "reminder"]
    elif AlarmRequest.ALARMS in wanted:
        rings = [one for one in rings if one.get("kind") != "reminder"]
    said = []
    for one in sorted(rings, key=_date_and_time)[:_MOST_SAID]:
        day, _, clock = str(one.get("rings_at", "")).split(" ", 2)
        hour, minute = map(int, clock.split(":"))
        label = f", {one['label']}" if one.get("label") else ""
        at = f"at {spoken_time(hour, minute)}{label}"
        recurs = str(one.get("recurs") or "")
        said.append(f"{recurs[:1].upper()}{recurs[1:]} {at}, next on {day}." if recurs else f"{day} {at}.")
    more = f" And {spoken(len(rings) - _MOST_SAID)} more." if len(rings) > _MOST_SAID else ""
    none = f"There is no {'reminder' if AlarmRequest.REMINDERS in wanted else 'alarm'} set."
    return " ".join(said) + more if said else none


def _date_and_time(ring: Mapping[str, Any]) -> str:
    return str(ring.get("rings_at", "")).partition(" ")[2]


def _cancelled(count: object, arguments: Mapping[str, Any]) -> str:
    what = "reminder" if arguments.get("kind") == "reminder" else "alarm"
    if not count:
        return f"There is no {'such ' if arguments.keys() & {'time', 'label'} else ''}{what} set."
    return f"The {what} is cancelled." if count == 1 else f"The {what}s are cancelled."


def _once(returned: object) -> str:
    """Return on which day a single one rings, as the tool says."""
    day = str(returned.get("rings_at", "")).split(" ")[0] if isinstance(returned, dict) else ""
    return f", on {day}" if day.lower() in WEEKDAYS else ""
