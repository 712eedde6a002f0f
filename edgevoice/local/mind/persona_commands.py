"""What people say about who speaks, and how: the calls that follow, and what is said about their results. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, assert_never

from edgevoice.local.mind.calls import RequestedCall
from edgevoice.local.mind.tool_kinds import DeclaredTool, ToolKind, find

NO_PERSONAS = "I can only speak as I do."
_STEP = 0.15
_LARGE_STEP = 0.3


@dataclass(frozen=True, slots=True)
class PersonaWish:
    """Become the persona of this name."""

    name: str


@dataclass(frozen=True, slots=True)
class VoiceWish:
    """Speak with this voice; the next one if it has no name."""

    name: str = ""


@dataclass(frozen=True, slots=True)
class SpeedWish:
    """Speak faster by ``change``, or slower if it is negative; at the voice's own pace if it is 0."""

    change: float


class PersonaRequest(Enum):
    """A change of who speaks that needs no name."""

    UNDO = auto()
    RESET = auto()


PersonaIntent = PersonaWish | VoiceWish | SpeedWish | PersonaRequest

_LITTLE = r"(?:a (?:little )?(?:bit )?|a lot |much )?(?:more )?"
_SPEAK = r"(?:talk|speak|go|read)(?: to (?:me|us))?"
_PLAYED = (
    r"(?:albums?|audiobooks?|books?|films?|games?|melody|movies?|music|news|playlists?|podcasts?|radio|records?|songs?"
    r"|sounds?|stations?|tracks?|tunes?|videos?)"
)
"""What is played, and is nobody: "play a pirate" means a persona."""

_DEFAULT = "default"
"""What the tools call the box without a persona."""

_PATTERNS: Mapping[str, re.Pattern[str]] = {
    name: re.compile(pattern, re.IGNORECASE)
    for name, pattern in {
        "reset": (
            r"(?:be|become) (?:yourself|normal)(?: again)?|(?:talk|speak) normally(?: again)?"
            r"|(?:use )?your (?:own|usual|normal|first) (?:voice|self|way)(?: again)?"
            r"|reset (?:your ?self|(?:the|your) (?:voice|persona|speed))|stop being (?:an? |the )?\w+"
        ),
        "undo": (
            r"(?:(?:talk|speak|be|do it) )?(?:as|like) (?:you (?:did|were|talked|spoke) )?before"
            r"|(?:undo|take back) (?:that|it|the (?:last )?change)|undo|(?:change|go) back(?: again)?"
        ),
        "slower": rf"(?:{_SPEAK} )?{_LITTLE}slow(?:er|ly)|slow down(?: a bit| a little)?|not so fast",
        "faster": (
            rf"(?:{_SPEAK} )?{_LITTLE}(?:fast(?:er)?|quick(?:er|ly))|speed up(?: a bit| a little)?|not so slow(?:ly)?"
        ),
        "pace": rf"(?:{_SPEAK} )?(?:at )?(?:(?:your|the|a) )?(?:normal|usual|own) (?:speed|pace)",
        "voice": (
            r"(?:(?:use|take|give me|speak (?:with|in)|talk (?:with|in)|try|i want) )?"
            r"(?:an?other|a different|a new|the next|the other) voice"
            r"|(?:change|switch)(?: (?:your|the))? voices?"
            r"|(?:use|take|speak (?:with|in)|talk (?:with|in)|change to|switch to) (?:the voice (?:of )?(?P<of>\w+)"
            r"|(?P<whose>\w+)'s voice)"
        ),
        "persona": (
            r"(?:be|become|turn into|pretend to be) (?:an?|the|my) (?P<one>\w+(?: \w+)?)"
            rf"|play an? (?!(?:\w+ )?{_PLAYED}\b)(?P<part>\w+(?: \w+)?)"
            r"|(?:be|become) (?:more )?(?P<name>\w+)|(?:talk|speak|sound|act|answer) like an? (?P<like>\w+(?: \w+)?)"
        ),
    }.items()
}


def persona_wish(said: str) -> PersonaIntent | None:
    """Return what ``said`` wants to change in who speaks; None if it wants nothing of that."""
    for name, pattern in _PATTERNS.items():
        if (match := pattern.fullmatch(said)) is not None:
            return _wish(name, next(filter(None, match.groups()), ""), said.lower())
    return None


def _wish(kind: str, name: str, said: str) -> PersonaIntent:
    step = _LARGE_STEP if re.search(r"\b(?:much|a lot)\b", said) else _STEP
    match kind:
        case "reset":
            return PersonaRequest.RESET
        case "undo":
            return PersonaRequest.UNDO
        case "slower" | "faster":
            return SpeedWish(step if kind == "faster" else -step)
        case "pace":
            return SpeedWish(0)
        case "voice":
            return VoiceWish(name)
        case _:
            return PersonaWish(name.lower())


def persona_call(wish: PersonaIntent, tools: Mapping[str, DeclaredTool]) -> RequestedCall | str:
    """Return the call that ``wish`` needs; words if there is no tool for it."""
    arguments: dict[str, Any] = {}
    match wish:
        case PersonaWish(name):
            kind, arguments = ToolKind.PERSONA, {"name": name}
        case VoiceWish(name):
            kind, arguments = ToolKind.VOICE, {"voice": name.capitalize()} if name else {}
        case SpeedWish(0):
            kind, arguments = ToolKind.SPEED, {"speed": 1.0}
        case SpeedWish(change):
            kind, arguments = ToolKind.SPEED, {"change": change}
        case PersonaRequest.UNDO:
            kind = ToolKind.UNDO
        case PersonaRequest.RESET:
            kind = ToolKind.RESET
        case _:
            assert_never(wish)
    tool = find(kind, tools)
    return RequestedCall(tool, arguments) if tool is not None else NO_PERSONAS


def persona_sentence(kind: ToolKind, returned: Mapping[str, Any], arguments: Mapping[str, Any]) -> str:
    """Return the sentence that announces a change; ``returned`` is what the tool returned, without an error."""
    persona, voice = returned.get("persona"), returned.get("voice")
    later = " From the next conversation on, I have the new voice." if "voice_takes_effect" in returned else ""
    match kind:
        case ToolKind.PERSONA if persona == _DEFAULT:
            return f"Okay, I am myself again.{later}"
        case ToolKind.PERSONA:
            return f"Okay, from now on I am the {persona or arguments.get('name')}.{later}"
        case ToolKind.VOICE:
            return later.strip() or (f"Okay, this is {voice}." if isinstance(voice, str) else "Okay, another voice.")
        case ToolKind.SPEED:
            change = arguments.get("change", 0)
            is_slower = isinstance(change, int | float) and change < 0
            return "Okay, slower." if is_slower else "Okay, faster." if change else "Okay, at my own pace."
        case ToolKind.UNDO:
            return f"Okay, as before.{later}"
        case _:
            return f"Okay, I am myself again.{later}"


def persona_trouble(kind: ToolKind, error: str) -> str:
    """Return what to say if a change was refused, with the tool's own words in ``error``."""
    known = re.search(r"there are (?P<names>[\w, -]+)", error)
    match kind:
        case ToolKind.PERSONA:
            return (
                f"I cannot be that.{_choice(known['names'].split(', '))}" if known is not None else "I cannot be that."
            )
        case ToolKind.VOICE:
            return "I have no other voice here."
        case ToolKind.SPEED:
            return "I cannot speak at another speed than this."
        case _:
            return "There is nothing to undo."


def _choice(names: list[str]) -> str:
    """Return the sentence that lists personas; what tools call the default is the box itself."""
    others = [name for name in names if name != _DEFAULT]
    return f" I can be {', '.join(others)}, or myself." if others else ""
