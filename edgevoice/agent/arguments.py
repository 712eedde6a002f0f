"""What a program passes to an agent, checked at the door: each refusal names the argument and what it must be. Pure."""

import math
from numbers import Integral, Real
from typing import Any

from edgevoice.agent.voice import RealtimeVoice
from edgevoice.memory.memory import Memory
from edgevoice.personas.persona import Persona

_LONGEST_SHOWN = 60

_TYPES: dict[str, tuple[Any, str]] = {
    "name": (str, "a text"),
    "instructions": (str, "a text"),
    "voice": (RealtimeVoice | None, "a RealtimeVoice"),
    "memory": (Memory | None, "a Memory"),
    "persona": (Persona | str | None, "a Persona, or the name of one that ships"),
}
_RANGES: dict[str, tuple[Any, float, float, str]] = {
    "input_rate_hz": (Integral, 8_000, 48_000, "a whole number, 8,000 to 48,000 samples a second"),
    "tool_timeout_s": (Real, 0.001, 86_400, "a number of seconds, above 0 and at most a day"),
    "mcp_wait_s": (Real, 0, 86_400, "a number of seconds, 0 to a day"),
    "history_tokens": (Integral, 0, math.inf, "a whole number, 0 or more"),
}


def require_types(**given: object) -> None:
    """Raise ``TypeError`` for an argument of another type than its name has."""
    for name, value in given.items():
        kind, words = _TYPES[name]
        if not isinstance(value, kind):
            raise TypeError(f"{name}={shown(value)}: it must be {words}")


def require_numbers(**given: Any) -> None:
    """Raise ``TypeError`` for an argument that is not a number of its kind, ``ValueError`` for one out of its range."""
    for name, value in given.items():
        kind, low, high, words = _RANGES[name]
        if not isinstance(value, kind) or isinstance(value, bool):
            raise TypeError(f"{name}={shown(value)}: it must be {words}")
        if not low <= value <= high:  # nor is nan
            raise ValueError(f"{name}={shown(value)}: it must be {words}")


def require_playback(given: object) -> None:
    """Raise ``ValueError`` for anything but the two ways of playing."""
    if given not in ("push", "pull"):
        raise ValueError(f'playback={shown(given)}: it must be "push" or "pull"')


def require_words(method: str, text: object) -> None:
    """Raise ``TypeError`` for what is not a text, ``ValueError`` for an empty one or one that UTF-8 cannot express."""
    if not isinstance(text, str):
        raise TypeError(f"{method}() takes a text, not {shown(text)}")
    if not text.strip():
        raise ValueError(f"{method}() needs words: the text is empty")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{method}(): character {error.start} of the text is half of a surrogate pair") from None


def shown(value: object) -> str:
    """Return a value as a refusal shows it: on one line, and short."""
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
