"""Calls of any tool with any arguments, as a program or a test writes them. Pure.

``call get_weather {"city": "Paris"}`` is one call. Several of them joined by ``and`` are one reply; what follows
``then`` waits for the results of all before it.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from edgevoice.local.mind.calls import RequestedCall, ToolResult, decoded
from edgevoice.local.mind.tool_kinds import in_words

_CALL = re.compile(
    r"(?:please )?(?:call|run|use) (?:the )?(?:tool )?(?P<name>[A-Za-z0-9_.-]*[A-Za-z0-9_])(?: with(?: arguments)?)?"
)
_NEXT = re.compile(r"[\s,;.]*(?P<then>(?:and )?then\b|and\b)?[\s,]*")
_END = re.compile(r"[\s.!?]*")
_JSON = json.JSONDecoder()
_MOST_VALUES = 8
_LONGEST = 300


def direct_calls(text: str, tools: Mapping[str, object]) -> list[list[RequestedCall]]:
    """Return the calls that ``text`` consists of, round by round; an empty list if it is anything else.

    Only tools that the client has count: "call me" is not a call.
    """
    rounds: list[list[RequestedCall]] = [[]]
    at = 0
    while (call := _CALL.match(text, at)) is not None and call["name"] in tools:
        arguments, at = _arguments(text, call.end())
        rounds[-1].append(RequestedCall(call["name"], arguments))
        if _END.fullmatch(text, at):
            return rounds
        between = _NEXT.match(text, at)
        if between is None or between["then"] is None:
            return []
        if between["then"].endswith("then"):
            rounds.append([])
        at = between.end()
    return []


def _arguments(text: str, at: int) -> tuple[dict[str, Any], int]:
    while text[at : at + 1].isspace():
        at += 1
    if text[at : at + 1] != "{":
        return {}, at
    try:
        arguments, end = _JSON.raw_decode(text, at)
    except (ValueError, RecursionError):
        return {}, at
    return arguments, end


def due(rounds: Sequence[Sequence[RequestedCall]], results: int) -> Sequence[RequestedCall]:
    """Return the calls that follow when so many results have come; none if they were the last."""
    made = 0
    for calls in rounds:
        if results <= made:
            return calls
        made += len(calls)
    return ()


def spoken_result(result: ToolResult) -> str:
    """Return a tool's output in words: text as it is, an object value by value."""
    values = [*_values(decoded(result.output))][:_MOST_VALUES]
    words = ", ".join(values)[:_LONGEST]
    return f"{words[:1].upper()}{words[1:]}".rstrip(".") + "." if words else "That is done."


def _values(returned: Any, name: str = "") -> Iterator[str]:
    match returned:
        case dict():
            for key, value in returned.items():
                # "ok" and "result" only wrap what is there.
                yield from _values(value, in_words(str(key)) if key not in {"result", "ok", "output", "text"} else "")
        case list():
            for value in returned:
                yield from _values(value, name)
        case bool() if not name:
            return
        case None:
            return
        case bool():
            yield f"{name} {'yes' if returned else 'no'}"
        case _:
            yield f"{name} {returned}".strip()
