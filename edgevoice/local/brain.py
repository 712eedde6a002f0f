"""The local service's wits: what was said, what tools told, and what to answer. Pure; no clock, no wire, no sound."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from edgevoice.local import phrases
from edgevoice.local.intents import Intent, TimerWish, VolumeWish, Wish, is_wake_word_only, understand
from edgevoice.local.numbers import spoken, spoken_ordinal, spoken_year

CLOCK_TOOL = "get_current_time"
VOLUME_TOOL = "set_volume"
TIMER_TOOL = "set_timer"
CANCEL_TOOL = "cancel_timers"
END_TOOL = "end_conversation"

_MONTHS = (
    "January February March April May June July August September October November December".split()  # noqa: SIM905
)
# `say: …` or `say "…"`: how a client has words of its own spoken by a service without a language model.
_VERBATIM = re.compile(
    r'\b(?:say|repeat|announce|tell the user)(?: exactly| this| the following)?\s*(?::\s*"?|")(?P<words>[^"]+)"?',
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool the client shall run, with its arguments; ``raw`` goes on the wire in their place when there is any."""

    name: str
    arguments: Mapping[str, Any]
    raw: str = ""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What the client's tool answered to ``call``; ``output`` is text, JSON by custom."""

    call: ToolCall
    output: str


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be answered: ``results`` when tools have run since, else ``text``.

    ``text`` is what the user said last: empty when nobody could understand it, None when nobody has spoken.
    ``tools`` maps the name of each declared tool to the names of its properties. ``directions`` are the instructions
    of this one response. ``turn`` counts the answers so far, so that a second joke is another one.
    """

    text: str | None = None
    results: Sequence[ToolResult] = ()
    tools: Mapping[str, frozenset[str]] = field(default_factory=dict)
    directions: str = ""
    last_answer: str = ""
    turn: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer: words to speak first (may be empty), then tools to call."""

    speech: str = ""
    calls: tuple[ToolCall, ...] = ()


def is_complete(text: str) -> bool:
    """Tell whether ``text`` is a whole command, so that the user's turn may end early."""
    return bool(understand(text))


def answer(request: Request) -> Reply:
    """Return the answer to ``request``; there is always one with words or calls in it."""
    text = request.text or ""
    if verbatim := _VERBATIM.search(request.directions) or _VERBATIM.search(text):
        return Reply(verbatim["words"].strip())
    if request.results:
        asked = understand(text)
        sentences = dict.fromkeys(_result_sentence(result, asked) for result in request.results)
        return Reply(" ".join(sentences))
    if request.text is None:
        return Reply(phrases.GREETING)
    if is_wake_word_only(text):
        return Reply("Yes?")
    speech: dict[str, None] = {}
    calls: dict[str, ToolCall] = {}
    for intent in understand(text):
        match _meet(intent, request):
            case ToolCall() as call:
                # "the time and the date" is one look at the clock.
                calls[f"{call.name} {json.dumps(call.arguments)}"] = call
            case str() as words:
                speech[words] = None
    if not speech and not calls:
        return Reply(phrases.NOT_UNDERSTOOD)
    return Reply(" ".join(speech), tuple(calls.values()))


def _meet(intent: Intent, request: Request) -> ToolCall | str:
    match intent:
        case VolumeWish():
            return _volume_call(intent, request.tools.get(VOLUME_TOOL))
        case TimerWish(seconds):
            return _timer_call(seconds, request.tools.get(TIMER_TOOL))
        case Wish.TIME | Wish.DATE:
            return ToolCall(CLOCK_TOOL, {}) if CLOCK_TOOL in request.tools else phrases.NO_CLOCK
        case Wish.CANCEL_TIMERS:
            return ToolCall(CANCEL_TOOL, {}) if CANCEL_TOOL in request.tools else phrases.NO_TIMERS
        case Wish.GOODBYE:
            return ToolCall(END_TOOL, {}) if END_TOOL in request.tools else "Goodbye!"
        case Wish.STORY:
            return phrases.STORIES[request.turn % len(phrases.STORIES)]
        case Wish.JOKE:
            return phrases.JOKES[request.turn % len(phrases.JOKES)]
        case Wish.REPEAT:
            return request.last_answer or "I have not said anything yet."
        case Wish.HELP:
            return phrases.HELP
        case Wish.STOP:
            return "Okay."
        case Wish.THANKS:
            return "You are welcome."
        case Wish.HELLO:
            return phrases.GREETING


def _volume_call(wish: VolumeWish, properties: frozenset[str] | None) -> ToolCall | str:
    if properties is None:
        return phrases.NO_VOLUME
    if wish.percent is not None:
        return ToolCall(VOLUME_TOOL, {"percent": wish.percent})
    if "change" not in properties:
        return phrases.NO_RELATIVE_VOLUME
    return ToolCall(VOLUME_TOOL, {"change": wish.change})


def _timer_call(seconds: int, properties: frozenset[str] | None) -> ToolCall | str:
    if properties is None:
        return phrases.NO_TIMERS
    label = {"label": spoken_duration(seconds)} if "label" in properties else {}
    return ToolCall(TIMER_TOOL, {"seconds": seconds, **label})


def _result_sentence(result: ToolResult, asked: Sequence[Intent]) -> str:
    told = _as_object(result.output)
    if told.get("error") or told.get("ok") is False:
        return phrases.TOOL_FAILED
    match result.call.name:
        case name if name == CLOCK_TOOL:
            return _clock_sentence(told, result.output, asked)
        case name if name == VOLUME_TOOL:
            return _volume_sentence(told, result.call.arguments)
        case name if name == TIMER_TOOL:
            seconds = result.call.arguments.get("seconds")
            return (
                f"Okay, {spoken_duration(seconds)}, starting now." if isinstance(seconds, int) else "The timer is set."
            )
        case name if name == CANCEL_TOOL:
            return "There is no timer running." if told.get("cancelled") == 0 else "The timer is cancelled."
        case name if name == END_TOOL:
            return "Goodbye!"
        case _:
            return "That is done."


def _as_object(output: str) -> dict[str, Any]:
    try:
        told = json.loads(output)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _clock_sentence(told: Mapping[str, Any], output: str, asked: Sequence[Intent]) -> str:
    # A tool that answers plain text or ISO dates is understood too: the client's tools are not ours.
    time = re.search(r"(?<!\d)(\d{1,2}):(\d{2})", str(told.get("time") or output))
    date = re.search(r"(?<!\d)(\d{4})-(\d{2})-(\d{2})", str(told.get("date") or output))
    sentences = []
    if time and (Wish.TIME in asked or Wish.DATE not in asked):
        sentences.append(f"It is {spoken_time(int(time[1]), int(time[2]))}.")
    if Wish.DATE in asked:
        weekday = told.get("weekday")
        day = spoken_date(int(date[1]), int(date[2]), int(date[3])) if date else str(told.get("date") or "")
        if parts := [part for part in (weekday, day) if isinstance(part, str) and part]:
            sentences.append(f"Today is {', '.join(parts)}.")
    return " ".join(sentences) or "The clock gave me no answer."


def _volume_sentence(told: Mapping[str, Any], arguments: Mapping[str, Any]) -> str:
    for percent in (told.get("percent"), told.get("volume"), told.get("volume_percent"), arguments.get("percent")):
        if isinstance(percent, int | float) and not isinstance(percent, bool):
            return f"The volume is at {spoken(round(percent))} percent."
    change = arguments.get("change")
    return "Okay, a little quieter." if isinstance(change, int) and change < 0 else "Okay, a little louder."


def spoken_time(hour: int, minute: int) -> str:
    """Return a time of day as words: ``six oh four in the evening``."""
    part = "at night" if hour < 5 or hour >= 22 else "in the morning" if hour < 12 else "in the afternoon"
    if 18 <= hour < 22:
        part = "in the evening"
    clock = spoken((hour - 1) % 12 + 1)
    if minute == 0:
        return f"{clock} o'clock {part}"
    return f"{clock} {'oh ' if minute < 10 else ''}{spoken(minute)} {part}"


def spoken_date(year: int, month: int, day: int) -> str:
    """Return a date as words: ``the twenty second of November, twenty twenty five``."""
    month_name = _MONTHS[month - 1] if 1 <= month <= 12 else f"month {spoken(month)}"
    return f"the {spoken_ordinal(day)} of {month_name}, {spoken_year(year)}"


def spoken_duration(seconds: int) -> str:
    """Return a duration as words: ``one minute and thirty seconds``."""
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    parts = [
        f"{spoken(count)} {unit}{'' if count == 1 else 's'}"
        for count, unit in ((hours, "hour"), (minutes, "minute"), (rest, "second"))
        if count
    ]
    return " and ".join(parts) or "no time"
