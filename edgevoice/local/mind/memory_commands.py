"""What people say to the box's memory, the calls that follow, and what is said about their results. Pure.

The record itself is in the session's instructions. What was remembered or forgotten in this conversation is in neither:
it is known from the calls.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Any, assert_never

from edgevoice.local.mind.calls import RequestedCall, ToolResult, decoded
from edgevoice.local.mind.clock_reading import MONTHS
from edgevoice.local.mind.free_words import content_words, core
from edgevoice.local.mind.numbers import spoken, spoken_ordinal
from edgevoice.local.mind.tool_kinds import DeclaredTool, ToolKind, find

NO_MEMORY = "I have no memory here."
NOTHING_YET = "I remember nothing yet."
FORGET_EVERYTHING = "Shall I really forget everything?"


@dataclass(frozen=True, slots=True)
class RememberWish:
    """Remember a note, in the user's words."""

    note: str


@dataclass(frozen=True, slots=True)
class ForgetWish:
    """Forget what holds these words; ``said`` is how the user put it."""

    words: str
    said: str


@dataclass(frozen=True, slots=True)
class RecallWish:
    """Say what is remembered; about ``said``, unless that is empty."""

    said: str = ""


@dataclass(frozen=True, slots=True)
class SearchWish:
    """Say what was said about something in earlier conversations; ``said`` is how the user put it."""

    words: str
    said: str


class MemoryWish(Enum):
    """A request to the memory that needs no words."""

    FORGET_EVERYTHING = auto()


MemoryIntent = RememberWish | ForgetWish | RecallWish | SearchWish | MemoryWish

_ABOUT = r"(?:about|of|on)"
_OF_ALL = r"(?: (?:that )?(?:you|i) (?:know|remember|have said|said|told you|ever heard))?"
# The order matters: "forget everything" must be matched before "forget".
_PATTERNS: Mapping[str, re.Pattern[str]] = {
    name: re.compile(pattern, re.IGNORECASE)
    for name, pattern in {
        "everything": (
            rf"(?:please )?(?:forget|erase|delete) (?:about )?(?:everything|it all|all of it){_OF_ALL}"
            r"|(?:clear|erase|delete|wipe) (?:your|the) (?:whole )?memory"
        ),
        "remember": (
            r"(?:(?:remember|keep in mind|(?:make|take) a note|note)(?: down)?(?: for me)?(?: that\b:?|[:,])"
            r"|remember(?= (?:to|the|my|our|his|her|their)\b)|(?:don'?t|do not|never) forget that\b)\s*(?P<words>\S.*)"
        ),
        "recall": (
            r"(?:what|which things) (?:do|can|did|have|should) (?:you|i) "
            r"(?:remember|(?:ask|asked|tell|told) you to (?:remember|keep in mind|note))"
            rf"(?: {_ABOUT} (?P<words>.+))?"
            rf"|what do you know {_ABOUT} (?P<known>.+)|do you remember anything|(?:read|tell me) (?:me )?my notes"
            r"|what are my notes"
        ),
        "search": (
            rf"(?:do you (?:know|remember) )?what (?:did (?:i|we|you) say|(?:have )?(?:i|we|you) said) {_ABOUT} "
            rf"(?P<words>.+)|(?:did|have) (?:i|we|you) (?:say|said|ever said) (?:anything|something) {_ABOUT} "
            r"(?P<known>.+)|search (?:your|the|my) (?:memory|conversations) for (?P<found>.+)"
        ),
        # "Forget I said …" takes back a command, and "forget to …" is no order at all.
        "forget": (
            r"(?:please )?forget (?:what (?:i|we) said about (?P<about>.+)"
            r"|(?!(?:about |that )?(?:i|we|you|he|she|to|if|when|how|why|what)\b)(?:about |that )?(?P<words>.+))"
        ),
    }.items()
}
# "Forget it" takes back what was said last, as "never mind" does.
_NOTHING_NAMED = frozenset({"it", "that", "this", "them", "him", "her", "me", "us", "you"})
_MOST_FOUND = 2


def memory_wish(said: str) -> MemoryIntent | None:
    """Return what ``said`` wants of the memory; None if it wants nothing of it."""
    for name, pattern in _PATTERNS.items():
        if (match := pattern.fullmatch(said)) is not None:
            return _wish(name, next(filter(None, match.groups()), ""))
    return None


def _wish(name: str, words: str) -> MemoryIntent | None:
    meant = content_words(words)
    match name:
        case "everything":
            return MemoryWish.FORGET_EVERYTHING
        case "remember":
            return RememberWish(words)
        case "recall":
            return RecallWish("" if words.lower() in {"me", "us"} else words)
        case _ if not meant or words.lower() in _NOTHING_NAMED:
            return None
        case "search":
            return SearchWish(meant, words)
        case _:
            return ForgetWish(meant, words)


def question_about(wish: MemoryIntent) -> str | None:
    """Return what to ask before doing what was perhaps misheard; None if repeating it is quicker."""
    match wish:
        case RememberWish(note):
            return f"Shall I remember {'' if note.startswith('to ') else 'that '}{note}?"
        case ForgetWish(_, said):
            return f"Shall I forget {said}?"
        case MemoryWish.FORGET_EVERYTHING:
            return FORGET_EVERYTHING
        case RecallWish() | SearchWish():
            return None
        case _:
            assert_never(wish)


def memory_call(wish: MemoryIntent, tools: Mapping[str, DeclaredTool], known: Sequence[str]) -> RequestedCall | str:
    """Return the call that ``wish`` needs, or the answer if it needs none; ``known`` is what is remembered."""
    match wish:
        case RememberWish(note):
            kind, arguments = ToolKind.REMEMBER, {"note": note}
        case ForgetWish(words):
            kind, arguments = ToolKind.FORGET, {"words": words}
        case SearchWish(words):
            kind, arguments = ToolKind.SEARCH, {"words": words}
        case MemoryWish.FORGET_EVERYTHING:
            kind, arguments = ToolKind.FORGET_ALL, {}
        case RecallWish(said):
            found = [each for each in known if holds(each, content_words(said))]
            if found or not said:
                return _recalled(found) if find(ToolKind.REMEMBER, tools) or found else NO_MEMORY
            kind, arguments = ToolKind.SEARCH, {"words": content_words(said)}
        case _:
            assert_never(wish)
    name = find(kind, tools)
    return RequestedCall(name, arguments) if name is not None else NO_MEMORY


def _recalled(notes: Sequence[str]) -> str:
    match notes:
        case []:
            return NOTHING_YET
        case [note]:
            return f"You asked me to remember {'' if note.startswith('to ') else 'that '}{note}."
        case _:
            return " ".join([f"I remember {spoken(len(notes))} things.", *(f"{_sentence(note)}" for note in notes)])


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}".rstrip(".!?") + "."


def memory_sentence(kind: ToolKind, output: str, arguments: Mapping[str, Any]) -> str:
    """Return what to say once a tool of the memory has returned ``output``, which reports no error."""
    returned = decoded(output)
    fields = returned if isinstance(returned, dict) else {}
    words = str(arguments.get("words", ""))
    match kind:
        case ToolKind.REMEMBER:
            return "Okay, I will remember that."
        case ToolKind.FORGET:
            has_found = fields.get("forgotten") or not fields.get("hint")
            return "Okay, that is forgotten." if has_found else f"I remember nothing about {words}."
        case ToolKind.FORGET_ALL:
            return (
                str(fields.get("ask") or FORGET_EVERYTHING)
                if fields.get("done") is False
                else "I have forgotten it all."
            )
        case _:
            return _found_sentence(
                [each for each in returned if isinstance(each, dict)] if isinstance(returned, list) else [], words
            )


def _found_sentence(turns: Sequence[Mapping[str, Any]], words: str) -> str:
    # A question that is asked twice would find itself.
    returned = [turn for turn in turns if turn.get("said") and memory_wish(core(str(turn["said"]))) is None]
    own = [turn for turn in returned if turn.get("who") == "user"]
    if not (chosen := (own or returned)[:_MOST_FOUND]):
        return f"I have found nothing about {words}."
    who = "you" if own else "I"
    return " ".join(
        _sentence(f"{_day(str(turn.get('at')))}{who} said: {_sentence(str(turn['said']))}") for turn in chosen
    )


def _day(at: str) -> str:
    try:
        day = datetime.fromisoformat(at)
    except ValueError:
        return ""
    return f"On the {spoken_ordinal(day.day)} of {MONTHS[day.month - 1]} "


# --- what is known ----------------------------------------------------------------------------------------------------

_RECORD = re.compile(r"^#[^\n]*\bremember\b[^\n]*\n(?P<record>\{[^\n]*\})$", re.MULTILINE)


def known(instructions: str, past: Sequence[ToolResult]) -> list[str]:
    """Return what is remembered: the record in a session's instructions, changed by the calls made since."""
    found = _RECORD.search(instructions)
    record = decoded(found["record"]) if found is not None else {}
    notes = [*_notes(record)] if isinstance(record, dict) else []
    for result in past:
        returned, words = decoded(result.output), str(result.call.arguments.get("words", ""))
        if isinstance(returned, dict) and "error" in returned:
            continue
        match result.call.name:
            case ToolKind.REMEMBER.value:
                notes = list(dict.fromkeys([*notes, str(result.call.arguments.get("note", ""))]))
            case ToolKind.FORGET.value:
                notes = [note for note in notes if not holds(note, words)]
            case ToolKind.FORGET_ALL.value if isinstance(returned, dict) and returned.get("done") is True:
                notes = []
            case _:
                pass
    return notes


def holds(note: str, words: str) -> bool:
    """Return whether a note holds all of the words, ignoring case; it holds no words if there are none."""
    return all(word in note.casefold() for word in words.casefold().split())


def _notes(value: Any, path: str = "") -> Iterator[str]:
    match value:
        case dict():
            for name, each in value.items():
                # The sections of the record are ours; the names in them are the household's.
                yield from _notes(each, f"{path} {name}".strip() if path or name not in _SECTIONS else "")
        case list():
            for each in value:
                yield from _notes(each, path)
        case _:
            shown = value if isinstance(value, str) else json.dumps(value)
            yield f"{path}: {shown}" if path else shown


_SECTIONS = frozenset({"people", "home", "preferences", "notes"})
