"""What people say about alarms, reminders and named timers, and the calls that follow. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, assert_never

from edgevoice.local.mind.calls import RequestedCall
from edgevoice.local.mind.numbers import in_digits
from edgevoice.local.mind.said_times import (
    CLOCK,
    ENDS_WITH_DAY,
    LENGTH,
    UNIT,
    SaidDays,
    clock_of,
    days,
    days_of,
    seconds_of,
)
from edgevoice.local.mind.tool_kinds import DeclaredTool, ToolKind, find

NO_ALARMS = "I cannot set alarms here."
NO_REASONS = "I do not know what fails here."


@dataclass(frozen=True, slots=True)
class AlarmWish:
    """Ring at this local time; on these days of every week, by their English names, or once.

    ``date`` is today, tomorrow or a weekday, if one was said.
    """

    hour: int
    minute: int
    days: tuple[str, ...] = ()
    date: str = ""


@dataclass(frozen=True, slots=True)
class ReminderWish:
    """Remind of ``text`` at a local time, as in `AlarmWish`, or in ``seconds``."""

    text: str
    hour: int = 0
    minute: int = 0
    days: tuple[str, ...] = ()
    seconds: int = 0
    date: str = ""


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
class PauseWish:
    """Pause a timer, or let it run on if it ``resumes``: the one of this name or length, all, or the only one."""

    resumes: bool = False
    label: str = ""
    seconds: int = 0
    is_all: bool = False


@dataclass(frozen=True, slots=True)
class CancelNamedWish:
    """Cancel the timer of this name."""

    label: str


@dataclass(frozen=True, slots=True)
class CancelAlarmWish:
    """Cancel an alarm or a reminder: all of this ``kind``, or the one at this ``time`` (07:00), or of this ``text``.

    Without any of them it is the one that rings, or the only one. ``kind`` is "alarm", "reminder", or empty for both.
    """

    kind: str = "alarm"
    is_all: bool = False
    time: str = ""
    text: str = ""


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
    ALARMS = auto()
    REMINDERS = auto()
    WHY = auto()


AlarmIntent = (
    AlarmWish
    | ReminderWish
    | NamedTimerWish
    | ChangeWish
    | PauseWish
    | CancelNamedWish
    | CancelAlarmWish
    | LeftWish
    | SnoozeWish
    | AlarmRequest
)

_WAKE_UP = "wake up"
_CALLED = r"(?:called|named|for (?:the|my))"
_NAMED = r"[a-z]+(?: [a-z]+)?"
_TIMER = rf"(?:the |my )?(?:(?P<label>(?!the |my |all ){_NAMED}) )?timer"
_TIMER_OF = rf"(?:(?:on|of|for|to|from|off) )?{_TIMER}"
_LENGTH = rf"(?P<length>{LENGTH})"
_CANCEL = r"(?:cancel|delete|(?:turn|switch|shut) off|remove|clear|stop|end)"
_WHICH = r"(?P<which>my|the|that|all(?: of)?(?: my| the)?|every)"
_WHAT = r"(?P<what>(?:alarm|reminder)s?)"
_SET = r"(?:(?:set|start|make) )?(?:an? |the |another )?"
_WAKE = r"(?:wake me(?: up)?|(?:set|make) (?:an |the |my )?alarm)"
_TO = r"(?:to|of|about) (?P<text>.+)"
_TEXT_FIRST = r"(?:remind me|remember) (?:to|of|about) (?P<text>.+?)"
_PATTERNS = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("named", rf"{_SET}{_LENGTH} (?P<name>{_NAMED}) timer"),
        ("named", rf"{_SET}(?P<name>{_NAMED}) timer (?:for|of) {_LENGTH}"),
        ("named", rf"{_SET}timer for {_LENGTH} {_CALLED} (?P<name>{_NAMED})"),
        ("named", rf"{_SET}{_LENGTH} timer {_CALLED} (?P<name>{_NAMED})"),
        ("named", rf"{_SET}timer (?:called|named) (?P<name>{_NAMED}) (?:for|of) {_LENGTH}"),
        ("wake_in", rf"{_WAKE} in {_LENGTH}(?: from now)?"),
        ("wake_in", rf"{_WAKE} for {_LENGTH} from now"),
        (
            "left",
            (
                r"(?:how (?:long|much time|much longer|many minutes) (?:is |are |do i have |does it have )?"
                r"(?:still )?left"
                rf"|(?:what|which) timers (?:are (?:set|running|there)|do i have))(?: {_TIMER_OF})?"
            ),
        ),
        ("left", rf"how long does the (?P<label>{_NAMED}) timer (?:have|run)(?: left)?"),
        ("longer", rf"(?:add|give me|give it) (?:another )?{_LENGTH}(?: more)?(?: {_TIMER_OF})?"),
        ("longer", rf"(?:(?:add|give me|give it) )?(?P<length>(?:\d+|an?) more {UNIT})(?: {_TIMER_OF})?"),
        ("longer", rf"{_LENGTH} more(?: {_TIMER_OF})?"),
        ("longer", rf"extend {_TIMER} by {_LENGTH}"),
        ("shorter", rf"(?:take|remove|subtract) {_LENGTH}(?: off)? {_TIMER_OF}"),
        ("shorter", rf"{_LENGTH} less"),
        *(
            (name, rf"{verb} (?:{_WHICH} timers?|timers|{_TIMER}|(?:the |my )?{_LENGTH} timer){after}")
            for name, verb, after in (
                ("pause", r"(?:pause|hold|halt)", ""),
                ("pause", r"put", " on (?:hold|pause)"),
                ("resume", r"(?:resume|continue(?: with)?|unpause|carry on with|go on with)", ""),
                ("resume", r"let", " (?:go on|run on|continue)"),
            )
        ),
        ("cancel_named", rf"(?:cancel|stop|delete|turn off|remove|end) (?:the |my )?(?P<name>{_NAMED}) timer"),
        (
            "list",
            (
                r"(?:what|which) (?:alarms|reminders|alarms and reminders) (?:are set|are there|do i have(?: set)?)"
                r"|list (?:my |the )?(?:alarms|reminders)"
                r"|(?:when|what|what time)(?: is| ?s) my (?:next )?(?:alarm|reminder)(?: set(?: for)?)?"
                r"|do i have (?:an |any |a )?(?:alarm|reminder)s?"
            ),
        ),
        ("cancel", rf"{_CANCEL} {_WHICH} {_WHAT}"),
        ("cancel", rf"(?:turn|switch) {_WHICH} {_WHAT} off"),
        ("cancel", rf"{_CANCEL} (?:my|the) {CLOCK} {_WHAT}"),
        ("cancel", rf"{_CANCEL} (?:my|the) {_WHAT} (?:at|for) {CLOCK}"),
        ("cancel", rf"{_CANCEL} (?:my|the) (?P<what>reminder) {_TO}"),
        ("alarm", rf"{_WAKE}(?: (?:at|for))? {CLOCK}{days('after')}"),
        ("alarm", rf"{_WAKE}(?: for)?{days('before')} (?:at|for) {CLOCK}"),
        ("snooze", rf"snooze(?: (?:it|that|the alarm))?(?: (?:for )?{_LENGTH})?"),
        (
            "why",
            (
                r"why (?:did|does|has) (?:that|it|this) (?:fail|not work|failed|go wrong)"
                r"|what (?:went wrong|failed|was wrong)"
            ),
        ),
        ("reminder", rf"remind me(?: at)? {CLOCK}{days('after')} {_TO}"),
        ("reminder", rf"remind me{days('before')} at {CLOCK} {_TO}"),
        ("reminder", rf"remind me in {_LENGTH} {_TO}"),
        ("reminder_after", rf"{_TEXT_FIRST}{days('before')} at {CLOCK}{days('after')}"),
        ("reminder_after", rf"{_TEXT_FIRST} in {_LENGTH}"),
    )
)
_NO_NAMES = (
    "timer all every last current running that this first second third minute hour "
    "a an the no not dont never without with for to of at in and or today tomorrow tonight"
)
_NOT_NAMES = frozenset(_NO_NAMES.split())
# Of several times it is not clear which one is meant.
_HAS_TIME = re.compile(
    r"\b(?:at|before|after|by|until|till) (?:\d|noon|midnight)"
    r"|\bin (?:\d+|an?|half an?) (?:second|minute|hour|day|week)|\b(?:every|or|and|not)$"
)


def alarm_wish(said: str) -> AlarmIntent | None:
    """Return what ``said`` wants of timers and alarms, the whole of it; None if it wants nothing of that."""
    plain = in_digits(" ".join(re.sub(r"[^a-z0-9']+", " ", said.lower()).split())).replace("'", "")
    for name, pattern in _PATTERNS:
        if (match := pattern.fullmatch(plain)) is not None:
            return _reminder(name, match, said) if name.startswith("reminder") else _wish(name, match)
    return None


def _wish(kind: str, match: re.Match[str]) -> AlarmIntent | None:
    found = match.groupdict()
    label, seconds = found.get("label") or "", seconds_of((found.get("length") or "").replace("more ", ""))
    match kind:
        case "named":
            return NamedTimerWish(seconds, found["name"]) if _NOT_NAMES.isdisjoint(found["name"].split()) else None
        case "wake_in":
            return NamedTimerWish(seconds, _WAKE_UP)
        case "left":
            return LeftWish("" if label in _NOT_NAMES else label)
        case "longer" | "shorter":
            return ChangeWish(seconds if kind == "longer" else -seconds, label)
        case "pause" | "resume":
            is_all = re.search(r"\b(?:timers|every|all)\b", match[0]) is not None
            is_name = _NOT_NAMES.isdisjoint(label.split())
            return PauseWish(kind == "resume", label, seconds, is_all) if is_name else None
        case "cancel_named":
            return CancelNamedWish(found["name"]) if _NOT_NAMES.isdisjoint(found["name"].split()) else None
        case "list":
            return _listed(match[0])
        case "cancel":
            return _cancellation(found)
        case "alarm":
            at = _moment(found, earliest=4)
            return None if at is None else AlarmWish(*at[0], at[1].every, at[1].date)
        case "snooze":
            return SnoozeWish(seconds // 60) if seconds % 60 == 0 else None
        case _:
            return AlarmRequest.WHY


def _cancellation(found: Mapping[str, str | None]) -> CancelAlarmWish | None:
    what = str(found["what"])
    kind, which = what.removesuffix("s"), found.get("which") or ""
    if text := found.get("text"):
        return CancelAlarmWish(kind, text=text)
    if not found.get("hour"):
        return CancelAlarmWish(kind, is_all=what.endswith("s") or which.startswith(("all", "every")))
    clock = clock_of(found, "", earliest=4 if kind == "alarm" else 8)
    return None if clock is None else CancelAlarmWish(kind, time=f"{clock[0]:02}:{clock[1]:02}")


def _reminder(kind: str, match: re.Match[str], said: str) -> ReminderWish | None:
    found = match.groupdict()
    text = str(found["text"])
    is_unclear = _HAS_TIME.search(text) if kind == "reminder_after" else text[:1].isdigit()
    if is_unclear or ENDS_WITH_DAY.search(text):
        return None
    text = _own_spelling(text, said)
    if length := found.get("length"):
        return ReminderWish(text, seconds=seconds_of(length))
    at = _moment(found, earliest=8)
    return None if at is None else ReminderWish(text, *at[0], at[1].every, date=at[1].date)


def _moment(found: Mapping[str, str | None], *, earliest: int) -> tuple[tuple[int, int], SaidDays] | None:
    """Return the time of day, and the days on which it is meant; None if they are not clear."""
    said = [text for name in ("before", "after") if (text := found.get(name))]
    when = days_of(said[0] if said else "") if len(said) < 2 else None
    if when is None or (clock := clock_of(found, when.part, earliest=earliest)) is None:
        return None
    return clock, when


def _own_spelling(text: str, said: str) -> str:
    """Return ``text`` as the user has spelled it: with their capitals, and numbers in words."""
    words, own = text.split(), re.findall(r"[\w']+", said)
    plain = [in_digits(word.lower()).replace("'", "") for word in own]
    places = (at for at in range(len(own)) if plain[at : at + len(words)] == words)
    at = next(places, None)
    return text if at is None else " ".join(own[at : at + len(words)])


# --- calls ------------------------------------------------------------------------------------------------------------


def _listed(asked: str) -> AlarmRequest:
    """Return what a question for what is set asks for."""
    if "reminder" not in asked:
        return AlarmRequest.ALARMS
    return AlarmRequest.LIST if "alarm" in asked else AlarmRequest.REMINDERS


def alarm_call(wish: AlarmIntent, tools: Mapping[str, DeclaredTool]) -> RequestedCall | str:
    """Return the call that ``wish`` needs; words if there is no tool for it."""
    arguments: dict[str, Any] = {}
    match wish:
        case AlarmWish(hour, minute, every, date):
            kind, arguments = ToolKind.ALARM, _at(hour, minute, every, date)
        case ReminderWish(text, seconds=seconds) if seconds:
            kind, arguments = ToolKind.REMINDER, {"text": text, "in_seconds_from_now": seconds}
        case ReminderWish(text, hour, minute, every, date=date):
            kind, arguments = ToolKind.REMINDER, {"text": text, **_at(hour, minute, every, date)}
        case NamedTimerWish(seconds, label):
            kind, arguments = ToolKind.TIMER, {"seconds": seconds, "label": label}
        case ChangeWish(seconds, label):
            kind, arguments = ToolKind.CHANGE, {"seconds": seconds, **_named(label)}
        case PauseWish(resumes, label, seconds, is_all):
            kind = ToolKind.RESUME if resumes else ToolKind.PAUSE
            wanted = {"label": label, "seconds": seconds, "everything": is_all}
            arguments = {name: value for name, value in wanted.items() if value}
        case CancelNamedWish(label):
            kind, arguments = ToolKind.CANCEL, {"label": label}
        case CancelAlarmWish():
            kind, arguments = ToolKind.CANCEL_ALARMS, _chosen(wish)
        case LeftWish():
            kind = ToolKind.TIMERS
        case SnoozeWish(minutes):
            kind, arguments = ToolKind.SNOOZE, {"minutes": minutes} if minutes else {}
        case AlarmRequest.LIST | AlarmRequest.ALARMS | AlarmRequest.REMINDERS:
            kind = ToolKind.ALARMS
        case AlarmRequest.WHY:
            kind = ToolKind.WHY
        case _:
            assert_never(wish)
    tool = find(kind, tools)
    if tool is None:
        return NO_REASONS if kind is ToolKind.WHY else NO_ALARMS
    if kind is ToolKind.CANCEL_ALARMS:
        arguments = {name: arguments[name] for name in arguments if name in {"time", "label", *tools[tool].properties}}
    return RequestedCall(tool, arguments)


def _at(hour: int, minute: int, every: Sequence[str], date: str) -> dict[str, Any]:
    days = {"days": [*every]} if every else {}
    return {"time": f"{hour:02}:{minute:02}", **days, **({"date": date} if date else {})}


def _named(label: str) -> dict[str, str]:
    return {"label": label} if label else {}


def _chosen(wish: CancelAlarmWish) -> dict[str, Any]:
    wanted = {"kind": wish.kind, "everything": wish.is_all, "time": wish.time, "label": wish.text}
    return {name: value for name, value in wanted.items() if value}
