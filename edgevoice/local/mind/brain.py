"""The local service's brain: what was said and what tools returned in, the answer out. Pure; no clock, no wire."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from edgevoice.core.consent import Consent
from edgevoice.local.mind import phrases
from edgevoice.local.mind.alarm_answers import alarm_sentence, alarm_trouble
from edgevoice.local.mind.alarm_commands import (
    AlarmRequest,
    AlarmWish,
    CancelAlarmWish,
    CancelNamedWish,
    ChangeWish,
    LeftWish,
    NamedTimerWish,
    PauseWish,
    ReminderWish,
    SnoozeWish,
    alarm_call,
)
from edgevoice.local.mind.approvals import reply_to_approval, settled_call
from edgevoice.local.mind.calls import RequestedCall, ToolResult, decoded
from edgevoice.local.mind.clock_reading import MONTHS, read_clock
from edgevoice.local.mind.corrections import correction, names_what_was_set
from edgevoice.local.mind.direct_calls import direct_calls, due, spoken_result
from edgevoice.local.mind.intents import (
    CancelWish,
    Intent,
    TimerWish,
    VolumeWish,
    Wish,
    has_free_words,
    is_wake_word_only,
    understand,
)
from edgevoice.local.mind.memory_commands import (
    ForgetWish,
    MemoryWish,
    RecallWish,
    RememberWish,
    SearchWish,
    known,
    memory_call,
    memory_sentence,
)
from edgevoice.local.mind.numbers import spoken, spoken_duration, spoken_ordinal, spoken_year
from edgevoice.local.mind.persona_commands import (
    PersonaRequest,
    PersonaWish,
    SpeedWish,
    VoiceWish,
    persona_call,
    persona_sentence,
    persona_trouble,
)
from edgevoice.local.mind.questions import asked, is_answer, question, settled
from edgevoice.local.mind.spoken_clock import spoken_time
from edgevoice.local.mind.tool_kinds import ALARMS, MEMORY, PERSONAS, DeclaredTool, ToolKind, find, kind_of, parameter
from edgevoice.local.mind.verbatim import verbatim, wants_echo


@dataclass(frozen=True, slots=True)
class Prompt:
    """What to answer: ``results`` if tools have run since, else ``text``.

    ``text`` is what the user said last: empty if it was not understood, None if nobody has spoken. Unless
    ``is_sure`` it may have been something else.
    ``tools`` are those that may be called, by name; ``declared`` those that could have been called before, needed to
    read their results. ``directions`` are the instructions of this one response, ``instructions`` those of the session.
    ``past`` are all results of this conversation. ``turn`` counts the answers so far, so that a second joke differs
    from the first. ``note`` is the client's latest message that no answer has used: it may report a tool that waited
    for the user's approval.
    """

    text: str | None = None
    is_sure: bool = True
    results: Sequence[ToolResult] = ()
    tools: Mapping[str, DeclaredTool] = field(default_factory=dict)
    declared: Mapping[str, DeclaredTool] = field(default_factory=dict)
    directions: str = ""
    instructions: str = ""
    past: Sequence[ToolResult] = ()
    last_answer: str = ""
    turn: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer: words to speak first (may be empty), then tools to call."""

    speech: str = ""
    calls: tuple[RequestedCall, ...] = ()


def is_complete(text: str) -> bool:
    """Return whether ``text`` is a complete command, so that the user's turn may end early."""
    intents = understand(text)
    return (bool(intents) and not has_free_words(intents)) or is_answer(text)


def answer(request: Prompt) -> Reply:
    """Return the answer to ``request``, which always has words or calls."""
    settled_later = settled_call(request.note)
    agreed = reply_to_approval(request.text or "", request.last_answer)
    if settled_later is None:
        if agreed in {Consent.YES, Consent.NO} and not request.results:
            return Reply("Okay." if agreed is Consent.YES else phrases.DECLINED)
        return _answer(request)
    report = _result_sentence(settled_later, [], {**request.declared, **request.tools})
    if request.text is None or (agreed in {Consent.YES, Consent.NO} and not request.results):
        return Reply(report)
    reply = _answer(request)
    return reply if reply.calls else Reply(f"{reply.speech} {report}")


def _answer(request: Prompt) -> Reply:
    text = request.text or ""
    if words := verbatim(request.directions) or verbatim(text):
        return Reply(words)
    if text and wants_echo(request.directions):
        return Reply(text)
    declared = {**request.declared, **request.tools}
    if rounds := direct_calls(text, declared):
        return _directly(rounds, request)
    if request.results:
        wanted = understand(text)
        sentences = dict.fromkeys(_result_sentence(result, wanted, declared) for result in request.results)
        return Reply(" ".join(sentences))
    if request.text is None:
        return Reply(phrases.GREETING)
    pending = asked(request.last_answer)
    answered = settled(text, pending) if pending is not None else None
    if answered == []:
        return Reply("Okay.")
    if answered is None and is_wake_word_only(text):
        return Reply("Yes?")
    if request.is_sure and (calls := correction(text, request.last_answer, request.past, request.tools)):
        return Reply(calls=tuple(calls))
    intents = answered or understand(text)
    if not request.is_sure and intents != [pending] and not _is_harmless(intents):
        return Reply((question(intents[0]) if len(intents) == 1 else None) or phrases.NOT_UNDERSTOOD)
    return _done(intents, request)


def _directly(rounds: Sequence[Sequence[RequestedCall]], request: Prompt) -> Reply:
    if calls := tuple(call for call in due(rounds, len(request.results)) if call.name in request.tools):
        return Reply(calls=calls)
    return Reply(" ".join(map(spoken_result, request.results)) or phrases.TOOL_FAILED)


def _is_harmless(intents: Sequence[Intent]) -> bool:
    """Return whether what was perhaps misheard can be done at once: it changes nothing, and the answer shows it."""
    return bool(intents) and all(isinstance(intent, RecallWish | SearchWish | LeftWish) for intent in intents)


def _done(intents: Sequence[Intent], request: Prompt) -> Reply:
    speech: dict[str, None] = {}
    calls: dict[str, RequestedCall] = {}
    for intent in intents:
        match _meet(intent, request):
            case RequestedCall() as call:
                # "the time and the date" needs only one call of the clock.
                calls[f"{call.name} {json.dumps(call.arguments)}"] = call
            case str() as words:
                speech[words] = None
    if not speech and not calls:
        return Reply(phrases.NOT_UNDERSTOOD)
    return Reply(" ".join(speech), tuple(calls.values()))


def _meet(intent: Intent, request: Prompt) -> RequestedCall | str:
    match intent:
        case VolumeWish():
            return _volume_call(intent, request.tools)
        case TimerWish(seconds):
            return _timer_call(seconds, request.tools)
        case CancelWish(seconds):
            return _cancel_call(seconds, request.tools)
        case Wish.CANCEL_TIMERS:
            return _all_if_said(_cancel_call(None, request.tools), request)
        case Wish.TIME | Wish.DATE:
            return _plain_call(ToolKind.CLOCK, request.tools) or phrases.NO_CLOCK
        case Wish.GOODBYE:
            return _plain_call(ToolKind.END, request.tools) or "Goodbye!"
        case Wish.STORY:
            return phrases.STORIES[request.turn % len(phrases.STORIES)]
        case Wish.JOKE:
            return phrases.JOKES[request.turn % len(phrases.JOKES)]
        case Wish.REPEAT:
            return request.last_answer or "I have not said anything yet."
        case Wish.HELP:
            return _help(request.tools)
        case Wish.STOP:
            # "Okay" would sound as if what "that" is were cancelled.
            return phrases.NOTHING_CANCELLED if names_what_was_set(request.text or "") and request.past else "Okay."
        case Wish.PLAY:
            return phrases.NOTHING_TO_PLAY
        case Wish.THANKS:
            return "You are welcome."
        case Wish.HELLO:
            return phrases.GREETING
        case RememberWish() | ForgetWish() | RecallWish() | SearchWish() | MemoryWish():
            return memory_call(intent, request.tools, known(request.instructions, request.past))
        case PersonaWish() | VoiceWish() | SpeedWish() | PersonaRequest():
            return persona_call(intent, request.tools)
        case AlarmWish() | ReminderWish() | NamedTimerWish() | ChangeWish() | CancelNamedWish():
            return alarm_call(intent, request.tools)
        case PauseWish() | CancelAlarmWish() | LeftWish() | SnoozeWish() | AlarmRequest():
            return alarm_call(intent, request.tools)


_ALL = re.compile(r"\b(?:all|every|everything|both|timers)\b")


def _all_if_said(call: RequestedCall | str, request: Prompt) -> RequestedCall | str:
    """Return a call to cancel, with "everything" if the user said so and the tool has it: else it means only one."""
    if isinstance(call, str) or "everything" not in request.tools[call.name].properties:
        return call
    # A yes to "Cancel the timers?" means all of them, too.
    said = f"{request.text} {request.last_answer if asked(request.last_answer) is Wish.CANCEL_TIMERS else ''}"
    is_all = _ALL.search(said.lower()) is not None
    return replace(call, arguments={**call.arguments, "everything": True}) if is_all else call


def _help(tools: Mapping[str, DeclaredTool]) -> str:
    more = ((ToolKind.REMEMBER, phrases.HELP_MEMORY), (ToolKind.PERSONA, phrases.HELP_PERSONAS))
    return " ".join([phrases.HELP, *(words for kind, words in more if find(kind, tools) is not None)])


def _plain_call(kind: ToolKind, tools: Mapping[str, DeclaredTool]) -> RequestedCall | None:
    name = find(kind, tools)
    return RequestedCall(name, {}) if name is not None else None


def _volume_call(wish: VolumeWish, tools: Mapping[str, DeclaredTool]) -> RequestedCall | str:
    name = find(ToolKind.VOLUME, tools)
    if name is None:
        return phrases.NO_VOLUME
    if wish.percent is not None:
        return RequestedCall(name, {parameter("percent", tools[name]) or "percent": wish.percent})
    change = parameter("change", tools[name])
    return RequestedCall(name, {change: wish.change}) if change is not None else phrases.NO_RELATIVE_VOLUME


def _timer_call(seconds: int, tools: Mapping[str, DeclaredTool]) -> RequestedCall | str:
    name = find(ToolKind.TIMER, tools)
    if name is None:
        return phrases.NO_TIMERS
    label = parameter("label", tools[name])
    return RequestedCall(
        name, {**_length(seconds, tools[name]), **({label: spoken_duration(seconds)} if label else {})}
    )


def _cancel_call(seconds: int | None, tools: Mapping[str, DeclaredTool]) -> RequestedCall | str:
    """Cancel the timer of this length; all of them if none is named or the tool cannot distinguish them."""
    name = find(ToolKind.CANCEL, tools)
    if name is None:
        return phrases.NO_TIMERS
    can_choose = seconds is not None and any(parameter(unit, tools[name]) for unit in ("seconds", "minutes"))
    return RequestedCall(name, _length(seconds, tools[name]) if seconds is not None and can_choose else {})


def _length(seconds: int, tool: DeclaredTool) -> dict[str, int | float]:
    """Return a duration as the tool's parameter for it; in minutes only if it has none for seconds."""
    minutes = parameter("minutes", tool)
    if minutes is not None and parameter("seconds", tool) is None:
        return {minutes: seconds // 60 if seconds % 60 == 0 else seconds / 60}
    return {parameter("seconds", tool) or "seconds": seconds}


def _result_sentence(result: ToolResult, asked: Sequence[Intent], tools: Mapping[str, DeclaredTool]) -> str:
    output = decoded(result.output)
    returned = output if isinstance(output, dict) else {}
    arguments, kind = result.call.arguments, kind_of(result.call.name, tools)
    if returned.get("declined") is True:
        return phrases.DECLINED
    if returned.get("error") or returned.get("ok") is False:
        return _trouble(kind, str(returned.get("error", "")))
    if kind in MEMORY:
        return memory_sentence(kind, result.output, arguments)
    if kind in {ToolKind.CANCEL, ToolKind.CANCEL_ALARMS} and returned.get("silenced"):
        return "It is off."
    if kind in ALARMS:
        try:
            return alarm_sentence(kind, result.output, arguments, asked)
        except (ValueError, TypeError, AttributeError, OverflowError):
            return spoken_result(result)  # another tool of this name may answer anything
    if kind in PERSONAS:
        return persona_sentence(kind, returned, arguments)
    match kind:
        case ToolKind.CLOCK:
            return _clock_sentence(result.output, asked)
        case ToolKind.VOLUME:
            return _volume_sentence(returned, arguments)
        case ToolKind.TIMER:
            started = next((intent.seconds for intent in asked if isinstance(intent, TimerWish)), None)
            seconds = arguments.get("seconds", started)
            return (
                f"Okay, {spoken_duration(seconds)}, starting now." if isinstance(seconds, int) else "The timer is set."
            )
        case ToolKind.CANCEL:
            is_one = bool(arguments.keys() - {"everything"})
            return _cancelled_sentence(returned.get("cancelled"), is_one=is_one)
        case ToolKind.END:
            return "Goodbye!"
        case _:
            return spoken_result(result)


def _trouble(kind: ToolKind | None, error: str) -> str:
    if kind is ToolKind.REMEMBER and "full" in error:
        return phrases.MEMORY_FULL
    if kind in ALARMS or kind is ToolKind.CANCEL:
        return alarm_trouble(kind, error)
    return persona_trouble(kind, error) if kind in PERSONAS else phrases.TOOL_FAILED


def _clock_sentence(output: str, asked: Sequence[Intent]) -> str:
    clock = read_clock(output)
    sentences = []
    if clock.time and (Wish.TIME in asked or Wish.DATE not in asked):
        sentences.append(f"It is {spoken_time(*clock.time)}.")
    if Wish.DATE in asked and (
        parts := [part for part in (clock.weekday, spoken_date(*clock.date) if clock.date else "") if part]
    ):
        sentences.append(f"Today is {', '.join(parts)}.")
    # A tool's answer in full sentences is as good as ours.
    return " ".join(sentences) or clock.plain or "The clock gave me no answer."


def _cancelled_sentence(cancelled: object, *, is_one: bool) -> str:
    if cancelled == 0:
        return "There is no such timer running." if is_one else "There is no timer running."
    is_many = isinstance(cancelled, int) and cancelled > 1
    return "The timers are cancelled." if is_many else "The timer is cancelled."


def _volume_sentence(returned: Mapping[str, Any], arguments: Mapping[str, Any]) -> str:
    for percent in (
        returned.get("percent"),
        returned.get("volume"),
        returned.get("volume_percent"),
        arguments.get("percent"),
    ):
        if isinstance(percent, int | float) and not isinstance(percent, bool) and 0 <= percent <= 100:
            return f"The volume is at {spoken(round(percent))} percent."
    change = arguments.get("change")
    return "Okay, a little quieter." if isinstance(change, int) and change < 0 else "Okay, a little louder."


def spoken_date(year: int, month: int, day: int) -> str:
    """Return a date as words: ``the twenty second of November, twenty twenty five``."""
    month_name = MONTHS[month - 1] if 1 <= month <= 12 else f"month {spoken(month)}"
    return f"the {spoken_ordinal(day)} of {month_name}, {spoken_year(year)}"
