"""What people say about alarms, reminders and named timers: the calls that follow, and what is said of them. Pure.

A time without a part of the day is taken as people mean it: to be woken at seven is in the morning, to be reminded at
six in the evening. The answer says which, so that a wrong guess is heard.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, assert_never

from edgevoice.local.mind.calls import RequestedCall
from edgevoice.local.mind.clock_reading import WEEKDAYS
from edgevoice.local.mind.numbers import in_digits, spoken, spoken_duration
from edgevoice.local.mind.spoken_clock import spoken_time
from edgevoice.local.mind.tool_kinds import DeclaredTool, ToolKind, find

NO_ALARMS = "I cannot set alarms here."
NO_REASONS = "I do not know what fails here."
_MOST_SAID = 3


@dataclass(frozen=True, slots=True)
class AlarmWish:
    """Ring at this local time; on these days of every week, by their English names, or once."""

    hour: int
    minute: int
    days: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReminderWish:
    """Remind of ``text`` at a local time, or in ``seconds``."""

    text: str
    hour: int = 0
    minute: int = 0
    days: tuple[str, ...] = ()
    seconds: int = 0


@dataclass(frozen=True, slots=True)
class NamedTimerWish:
    """Start a countdown of ``seconds`` with a name."""

    seconds: int
    label: str


@dataclass(frozen=True, slots=True)
class ChangeWish:
    """Let the timer run longer by ``seconds``, shorter if they are negative; the one of this name, or the only one."""

    seconds: int
    label: str = ""


@dataclass(frozen=True, slots=True)
class CancelNamedWish:
    """Cancel the timer of this name."""

    label: str


@dataclass(frozen=True, slots=True)
class LeftWish:
    """Say how long is left; of the timer of this name, or of all."""

    label: str = ""


@dataclass(frozen=True, slots=True)
class SnoozeWish:
    """Let what has rung ring again, in so many minutes; 0 for as long as usual."""

    minutes: int = 0


class AlarmRequest(Enum):
    """A request that needs no number and no name."""

    LIST = auto()
    CANCEL = auto()
    WHY = auto()


AlarmIntent = (
    AlarmWish | ReminderWish | NamedTimerWish | ChangeWish | CancelNamedWish | LeftWish | SnoozeWish | AlarmRequest
)

_DAY_NAMES = tuple(name.lower() for name in WEEKDAYS)
_CLOCK = (
    r"(?:(?P<half>half past|(?:a )?quarter past|(?:a )?quarter to) )?(?P<hour>\d{1,2}|noon|midnight)"
    r"(?:(?: oh?)? (?P<minute>\d{1,2}))?(?: o ?clock)?"
    r"(?: (?P<part>a ?m|p ?m|in the (?:morning|afternoon|evening)|at night))?"
)
_DAYS = (
    r"(?: (?:on )?(?P<days>(?:every ?day|daily|(?:every )?weekdays?|(?:on )?(?:the )?weekends?"
    rf"|(?:every )?(?:{'|'.join(_DAY_NAMES)})s?(?:(?: and)? (?:{'|'.join(_DAY_NAMES)})s?)*)))?"
)
_TIMER_OF = r"(?:(?:on|of|for|to|from|off) )?(?:the |my )?(?:(?P<label>(?!the |my |all )[a-z]+(?: [a-z]+)?) )?timer"
_ALARMS = r"(?:my|the|that|all|all my|all the|every) (?:alarms?|reminders?)"
_AMOUNT = r"(?P<count>\d+|an?) (?:more )?(?P<unit>second|minute|hour)s?"
_MORE = re.sub(r"\?P<\w+>", "?:", _AMOUNT)
_PATTERNS: Mapping[str, re.Pattern[str]] = {
    name: re.compile(pattern)
    for name, pattern in {
        "named": (
            rf"(?:(?:set|start|make) )?(?:an? |the |another )?(?:(?P<long>{_MORE}) (?P<called>[a-z]+(?: [a-z]+)?) timer"
            rf"|(?P<name>[a-z]+(?: [a-z]+)?) timer (?:for|of) (?P<length>{_MORE}))"
        ),
        "left": (
            rf"(?:how (?:long|much time|much longer|many minutes) (?:is |are |do i have |does it have )?(?:still )?left"
            rf"|(?:what|which) timers (?:are (?:set|running|there)|do i have))(?: {_TIMER_OF})?"
            r"|how long does the (?P<of>[a-z]+(?: [a-z]+)?) timer (?:have|run)(?: left)?"
        ),
        "longer": rf"(?:add|give me|give it) (?:another )?{_MORE}(?: {_TIMER_OF})?|(?=.* more){_MORE}(?: more)?",
        "shorter": rf"(?:take|remove|subtract) {_MORE}(?: off)? {_TIMER_OF}|{_MORE} less",
        "cancel_named": r"(?:cancel|stop|delete|turn off|remove|end) (?:the |my )?(?P<name>[a-z]+(?: [a-z]+)?) timer",
        "list": (
            r"(?:what|which) (?:alarms|reminders|alarms and reminders) (?:are set|are there|do i have(?: set)?)"
            r"|list (?:my |the )?(?:alarms|reminders)|(?:when|what) is my (?:next )?alarm(?: set for)?"
            r"|do i have (?:an |any )?alarms?"
        ),
        "cancel": (
            rf"(?:cancel|delete|(?:turn|switch|shut) off|remove|clear|stop|end) {_ALARMS}|(?:turn|switch) {_ALARMS} off"
        ),
        "alarm": rf"(?:wake me(?: up)?|(?:set|make) (?:an |the |my )?alarm)(?: (?:at|for))? {_CLOCK}{_DAYS}",
        "snooze": r"snooze(?: (?:it|that|the alarm))?(?: (?:for )?(?P<minutes>\d+) minutes?)?",
        "why": (
            r"why (?:did|does|has) (?:that|it|this) (?:fail|not work|failed|go wrong)"
            r"|what (?:went wrong|failed|was wrong)"
        ),
    }.items()
}
_REMINDER = (
    re.compile(rf"remind me (?:at )?{_CLOCK}{_DAYS} (?:to|of|about) (?P<text>.+)"),
    re.compile(rf"remind me{_DAYS.replace('days', 'before')} at {_CLOCK} (?:to|of|about) (?P<text>.+)"),
    re.compile(rf"remind me in {_AMOUNT} (?:to|of|about) (?P<text>.+)"),
    re.compile(rf"remind me (?:to|of|about) (?P<text>.+?) (?:at {_CLOCK}{_DAYS}|in {_AMOUNT})"),
)
_SECONDS = {"second": 1, "minute": 60, "hour": 3600}
_NO_NAMES = (
    "timer all every last current running that this second minute hour "
    "a an the no not dont never without with for to of"
)
_NOT_NAMES = frozenset(_NO_NAMES.split())


def alarm_wish(said: str) -> AlarmIntent | None:
    """Return what ``said`` wants of timers and alarms, the whole of it; None if it wants nothing of that."""
    plain = in_digits(" ".join(re.sub(r"[^a-z0-9']+", " ", said.lower()).split())).replace("'", "")
    for name, pattern in _PATTERNS.items():
        if (match := pattern.fullmatch(plain)) is not None:
            return _wish(name, match)
    for pattern in _REMINDER:
        if (match := pattern.fullmatch(plain)) is not None:
            return _reminder(match, said)
    return None


def _wish(kind: str, match: re.Match[str]) -> AlarmIntent | None:
    found = match.groupdict()
    label = found.get("label") or found.get("of") or ""
    match kind:
        case "named":
            called = found["called"] or found["name"]
            if not _NOT_NAMES.isdisjoint(called.split()):
                return None
            return NamedTimerWish(_amount(found["long"] or found["length"]), called)
        case "left":
            return LeftWish("" if label in _NOT_NAMES else label)
        case "longer" | "shorter":
            seconds = _amount(match[0])
            return ChangeWish(seconds if kind == "longer" else -seconds, label)
        case "cancel_named":
            return CancelNamedWish(found["name"]) if _NOT_NAMES.isdisjoint(found["name"].split()) else None
        case "list":
            return AlarmRequest.LIST
        case "cancel":
            return AlarmRequest.CANCEL
        case "alarm":
            clock = _clock(match, earliest=4)
            return None if clock is None else AlarmWish(*clock, _days(found["days"]))
        case "snooze":
            return SnoozeWish(int(found["minutes"] or 0))
        case _:
            return AlarmRequest.WHY


def _reminder(match: re.Match[str], said: str) -> ReminderWish | None:
    found = match.groupdict()
    text = _own_spelling(match["text"], said)
    if found.get("unit"):
        count = int(found["count"]) if found["count"].isdigit() else 1
        return ReminderWish(text, seconds=count * _SECONDS[found["unit"]])
    clock = _clock(match, earliest=8)
    return None if clock is None else ReminderWish(text, *clock, _days(found.get("days") or found.get("before")))


def _own_spelling(text: str, said: str) -> str:
    """Return ``text`` as the user has spelled it: with their capitals, and numbers in words."""
    words, own = text.split(), re.findall(r"[\w']+", said)
    plain = [in_digits(word.lower()).replace("'", "") for word in own]
    places = (at for at in range(len(own)) if plain[at : at + len(words)] == words)
    at = next(places, None)
    return text if at is None else " ".join(own[at : at + len(words)])


def _amount(words: str) -> int:
    part = re.search(_AMOUNT, words)
    if part is None:
        return 0
    return (int(part["count"]) if part["count"].isdigit() else 1) * _SECONDS[part["unit"]]


def _clock(match: re.Match[str], *, earliest: int) -> tuple[int, int] | None:
    """Return hour and minute; an hour before ``earliest`` that names no part of the day is in the afternoon."""
    said, part, half = match["hour"], match["part"] or "", match["half"] or ""
    if said in {"noon", "midnight"}:
        return (12 if said == "noon" else 0), 0
    hour, minute = int(said), int(match["minute"] or 0)
    if hour > 23 or minute > 59:
        return None
    if part.replace(" ", "") == "am" or "morning" in part:
        hour %= 12
    elif (part and hour < 12 and not ("night" in part and hour < 5)) or (not part and 0 < hour < earliest):
        hour += 12
    shift = -15 if half.endswith("to") else 15 if "quarter" in half else 30 if half else 0
    return divmod((60 * hour + minute + shift) % 1440, 60)


def _days(said: str | None) -> tuple[str, ...]:
    match (said or "").removeprefix("on ").removeprefix("the ").replace("every day", "daily"):
        case "":
            return ()
        case "daily" | "everyday":
            return _DAY_NAMES
        case text if "weekday" in text:
            return _DAY_NAMES[:5]
        case text if "weekend" in text:
            return _DAY_NAMES[5:]
        case text:
            return tuple(day for day in _DAY_NAMES if day in text)


# --- calls ------------------------------------------------------------------------------------------------------------


def alarm_call(wish: AlarmIntent, tools: Mapping[str, DeclaredTool]) -> RequestedCall | str:
    """Return the call that ``wish`` needs; words if there is no tool for it."""
    arguments: dict[str, Any] = {}
    match wish:
        case AlarmWish(hour, minute, days):
            kind, arguments = ToolKind.ALARM, _at(hour, minute, days)
        case ReminderWish(text, seconds=seconds) if seconds:
            kind, arguments = ToolKind.REMINDER, {"text": text, "in_seconds_from_now": seconds}
        case ReminderWish(text, hour, minute, days):
            kind, arguments = ToolKind.REMINDER, {"text": text, **_at(hour, minute, days)}
        case NamedTimerWish(seconds, label):
            kind, arguments = ToolKind.TIMER, {"seconds": seconds, "label": label}
        case ChangeWish(seconds, label):
            kind, arguments = ToolKind.CHANGE, {"seconds": seconds, **_named(label)}
        case CancelNamedWish(label):
            kind, arguments = ToolKind.CANCEL, {"label": label}
        case LeftWish():
            kind = ToolKind.TIMERS
        case SnoozeWish(minutes):
            kind, arguments = ToolKind.SNOOZE, {"minutes": minutes} if minutes else {}
        case AlarmRequest.LIST:
            kind = ToolKind.ALARMS
        case AlarmRequest.CANCEL:
            kind = ToolKind.CANCEL_ALARMS
        case AlarmRequest.WHY:
            kind = ToolKind.WHY
        case _:
            assert_never(wish)
    tool = find(kind, tools)
    if tool is None:
        return NO_REASONS if kind is ToolKind.WHY else NO_ALARMS
    return RequestedCall(tool, arguments)


def _at(hour: int, minute: int, days: Sequence[str]) -> dict[str, Any]:
    return {"time": f"{hour:02}:{minute:02}", **({"days": [*days]} if days else {})}


def _named(label: str) -> dict[str, str]:
    return {"label": label} if label else {}


# --- results ----------------------------------------------------------------------------------------------------------


def alarm_sentence(kind: ToolKind, output: str, arguments: Mapping[str, Any], wanted: Sequence[object]) -> str:
    """Return the sentence that says what a tool returned, without an error; ``wanted`` is what the user had said."""
    told = json.loads(output)
    match kind:
        case ToolKind.TIMERS:
            label = next((wish.label for wish in wanted if isinstance(wish, LeftWish)), "")
            return _left([one for one in _objects(told) if label in str(one.get("label", ""))])
        case ToolKind.ALARMS:
            return _alarms(_objects(told))
        case ToolKind.WHY:
            failed = _objects(told.get("failures") if isinstance(told, dict) else None)
            return f"{failed[0].get('problem')} {failed[0].get('remedy')}" if failed else "Nothing has failed lately."
        case ToolKind.CHANGE | ToolKind.SNOOZE:
            seconds = told.get("rings_in_seconds") if isinstance(told, dict) else None
            return f"Okay, it rings in {spoken_duration(seconds)}." if isinstance(seconds, int) else "Okay."
        case ToolKind.CANCEL_ALARMS:
            return _cancelled(told.get("cancelled") if isinstance(told, dict) else None)
        case ToolKind.REMINDER if "in_seconds_from_now" in arguments:
            return f"Okay, in {spoken_duration(int(arguments['in_seconds_from_now']))}."
        case _:
            hour, minute = map(int, str(arguments.get("time", "0:00")).split(":"))
            return f"Okay, at {spoken_time(hour, minute)}{_on(arguments.get('days') or [])}."


def alarm_trouble(kind: ToolKind, error: str) -> str:
    """Return what to say if a call was refused, with the tool's own words in ``error``."""
    if kind is ToolKind.CHANGE:
        return "There is no such timer running." if error.startswith("0 ") else "Which timer? Several are running."
    return "Nothing has rung just now." if kind is ToolKind.SNOOZE else "Sorry, that did not work."


def _objects(told: object) -> list[Mapping[str, Any]]:
    return [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []


def _left(timers: Sequence[Mapping[str, Any]]) -> str:
    said = [
        f"{spoken_duration(int(one.get('seconds_left', 0)))} on the {one['label']} timer"
        if one.get("label")
        else spoken_duration(int(one.get("seconds_left", 0)))
        for one in timers[:_MOST_SAID]
    ]
    return f"{', and '.join(said).capitalize()}." if said else "There is no timer running."


def _alarms(alarms: Sequence[Mapping[str, Any]]) -> str:
    said = []
    for one in alarms[:_MOST_SAID]:
        day, _, clock = str(one.get("rings_at", "")).split(" ", 2)
        hour, minute = map(int, clock.split(":"))
        label = f", {one['label']}" if one.get("label") else ""
        said.append(f"{day} at {spoken_time(hour, minute)}{label}.")
    more = f" And {spoken(len(alarms) - _MOST_SAID)} more." if len(alarms) > _MOST_SAID else ""
    return " ".join(said) + more if said else "There is no alarm set."


def _cancelled(count: object) -> str:
    if not count:
        return "There is no alarm set."
    return "The alarm is cancelled." if count == 1 else "The alarms are cancelled."


def _on(days: Sequence[str]) -> str:
    match tuple(days):
        case ():
            return ""
        case names if len(names) == len(_DAY_NAMES):
            return ", every day"
        case names if names == _DAY_NAMES[:5]:
            return ", on weekdays"
        case names:
            return f", on {' and '.join(day.capitalize() for day in names)}"
