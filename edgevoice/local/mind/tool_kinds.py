"""Finds the clock, the volume and the timer among a client's tools, by name in any case style or by description.

Clients name their tools differently: `get_current_time`, `getCurrentTime`, or `clock`. Pure.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class ToolKind(Enum):
    """What a tool is for; the value is our own tool's name."""

    CLOCK = "get_current_time"
    VOLUME = "set_volume"
    TIMER = "set_timer"
    CANCEL = "cancel_timers"
    END = "end_conversation"
    REMEMBER = "remember"
    FORGET = "forget"
    FORGET_ALL = "forget_everything"
    SEARCH = "search_memory"
    PERSONA = "set_persona"
    VOICE = "set_voice"
    SPEED = "set_speed"
    UNDO = "undo_persona"
    RESET = "reset_persona"
    CHANGE = "change_timer"
    PAUSE = "pause_timer"
    RESUME = "resume_timer"
    TIMERS = "list_timers"
    ALARM = "set_alarm"
    REMINDER = "set_reminder"
    ALARMS = "list_alarms"
    CANCEL_ALARMS = "cancel_alarms"
    SNOOZE = "snooze"
    WHY = "why_did_that_fail"


MEMORY = frozenset({ToolKind.REMEMBER, ToolKind.FORGET, ToolKind.FORGET_ALL, ToolKind.SEARCH})
ALARMS = frozenset(
    {
        *(ToolKind.CHANGE, ToolKind.PAUSE, ToolKind.RESUME, ToolKind.TIMERS, ToolKind.ALARM, ToolKind.REMINDER),
        *(ToolKind.ALARMS, ToolKind.CANCEL_ALARMS, ToolKind.SNOOZE, ToolKind.WHY),
    }
)
PERSONAS = frozenset({ToolKind.PERSONA, ToolKind.VOICE, ToolKind.SPEED, ToolKind.UNDO, ToolKind.RESET})


@dataclass(frozen=True, slots=True)
class DeclaredTool:
    """What a client declares about a tool: the names of its parameters, and its description."""

    properties: frozenset[str] = field(default_factory=frozenset)
    description: str = ""


def in_words(name: str) -> str:
    """Return a name of any case style as words: `getCurrentTime`, `get-current-time`, `GET_CURRENT_TIME`."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return " ".join(re.sub(r"[^a-z0-9]+", " ", parted.lower()).split())


_ASIDE = (
    r"(?:the |a |an |my |local |system |device |kitchen |countdown |speaker |audio |sound |master |main |current )*"
)
# For a name in words: `getCurrentTime` is "get current time".
_NAMES = {
    ToolKind.CLOCK: (
        r"(?:(?:get|fetch|read|tell|query|check|show|ask|give|what|now|todays?|is|it|me) )*"
        rf"{_ASIDE}(?:(?:date ?)?time|time (?:and )?date|date (?:and )?time|date|clock|time of day)"
        r"(?: (?:now|today|is it|tool|info|function))*"
    ),
    ToolKind.VOLUME: (
        rf"(?:(?:set|change|adjust|update|control|modify) )?{_ASIDE}volume(?: (?:level|percent|tool|control))*"
    ),
    ToolKind.TIMER: rf"(?:(?:set|start|create|add|make|begin|new) )*{_ASIDE}timer(?: (?:tool|start|set))*",
    ToolKind.CANCEL: (
        rf"(?:cancel|stop|delete|clear|remove|end|dismiss) (?:all |running )*{_ASIDE}timers?|timers? (?:cancel|stop)"
    ),
    ToolKind.END: (
        rf"(?:end|finish|stop|close|terminate|quit|leave|disconnect) {_ASIDE}(?:conversation|call|session|chat)"
        r"|hang ?up(?: (?:the )?call)?|(?:say )?good ?bye"
    ),
    # What these mean is our own: only our own names for them count.
    **{kind: in_words(kind.value) for kind in (*MEMORY, *PERSONAS, *ALARMS)},
}
_DESCRIPTIONS = {
    ToolKind.CLOCK: (
        r"\b(?:current|local|present|actual)\b(?:\W+\w+){0,4}?\W+(?:time|date)\b|\bwhat time\b|\btime of day\b"
        r"|\b(?:tells?|returns?|gets?|gives?|reads?|looks? up|provides?)\W+(?:the\W+)?time\b"
    ),
    ToolKind.VOLUME: r"\b(?:set|chang|adjust|turn|control|modif|rais|lower)\w*\b[^.]*\bvolume\b",
    ToolKind.TIMER: r"\b(?:set|start|creat|begin|add)\w*\b[^.]*\b(?:timer|countdown)\b",
    ToolKind.CANCEL: r"\b(?:cancel|stop|delet|clear|remov|dismiss)\w*\b[^.]*\btimers?\b",
    ToolKind.END: r"\b(?:end|finish|clos|terminat|hang)\w*\b[^.]*\b(?:conversation|call|session|chat)\b",
}
_NOT_A_CLOCK = re.compile(r"\b(?:weather|timer|alarm|convert\w*|schedul\w*|calendar|event|arriv\w*|depart\w*|meeting)")
_LONGEST_DESCRIPTION = 2000
"""Characters: what a tool is for is said at the beginning, and a whole manual must not keep a session waiting."""

_OF_A_CLOCK = frozenset({"timezone", "tz", "format", "locale", "zone"})
_PARAMETERS = {
    "percent": ("percent", "volume percent", "percentage", "volume", "level", "volume level", "value"),
    "change": ("change", "change percent", "delta", "by", "step", "relative"),
    "seconds": ("seconds", "duration seconds", "duration in seconds", "length seconds", "secs", "duration"),
    "minutes": ("minutes", "duration minutes", "duration in minutes", "length minutes", "mins"),
    "label": ("label", "name", "title"),
}


def find(kind: ToolKind, tools: Mapping[str, DeclaredTool]) -> str | None:
    """Return the name of the tool of this kind, found by our own name, else by a matching name, else by description."""
    if kind.value in tools:
        return kind.value
    by_name = (name for name in tools if _is_named(kind, name))
    by_description = (name for name, tool in tools.items() if not _is_named_at_all(name) and _is_described(kind, tool))
    return next(by_name, None) or next(by_description, None)


def kind_of(name: str, tools: Mapping[str, DeclaredTool]) -> ToolKind | None:
    """Return the kind of a tool by its name; ``tools`` may still have its description."""
    named = next((kind for kind in ToolKind if _is_named(kind, name)), None)
    if named is not None or name not in tools:
        return named
    return next((kind for kind in ToolKind if _is_described(kind, tools[name])), None)


def parameter(meaning: str, tool: DeclaredTool) -> str | None:
    """Return a tool's own name for "percent", "change", "seconds", "minutes" or "label", if it has such a parameter."""
    by_words = {in_words(name): name for name in sorted(tool.properties)}
    return next((by_words[words] for words in _PARAMETERS[meaning] if words in by_words), None)


def _is_named(kind: ToolKind, name: str) -> bool:
    return re.fullmatch(_NAMES[kind], in_words(name)) is not None


def _is_named_at_all(name: str) -> bool:
    return any(_is_named(kind, name) for kind in ToolKind)


def _is_described(kind: ToolKind, tool: DeclaredTool) -> bool:
    """Return whether a description matches this kind, and we can fill the parameters."""
    said = tool.description[:_LONGEST_DESCRIPTION].lower()
    if kind not in _DESCRIPTIONS or re.search(_DESCRIPTIONS[kind], said) is None:
        return False
    match kind:
        case ToolKind.CLOCK:
            needs = {in_words(name).replace(" ", "") for name in tool.properties} - _OF_A_CLOCK
            return not needs and _NOT_A_CLOCK.search(said) is None
        case ToolKind.VOLUME:
            return any(parameter(meaning, tool) for meaning in ("percent", "change"))
        case ToolKind.TIMER:
            return any(parameter(meaning, tool) for meaning in ("seconds", "minutes"))
        case _:
            return True
