"""What takes back or corrects what was set a moment ago: "cancel that"; "no, ten minutes". Pure.

It counts only right after the answer that said what was set: afterwards nobody knows what "that" is.
"""

import re
from collections.abc import Mapping, Sequence

from edgevoice.local.mind.calls import RequestedCall, ToolResult, decoded
from edgevoice.local.mind.free_words import core
from edgevoice.local.mind.intents import TimerWish, normalise, understand
from edgevoice.local.mind.numbers import spoken_duration
from edgevoice.local.mind.tool_kinds import DeclaredTool, ToolKind, find

_TAKEN_BACK = re.compile(r"(?:no )*(?:cancel|undo|delete|scratch|remove)(?: (?:that|it|this))?(?: again)?")
_CORRECTED = re.compile(
    r"(?:(?:no|sorry|wait|actually) )+(?:(?:i said|i meant|make it|make that|for) )?(?P<length>.+)"
    r"|(?:i said|i meant|make it|make that) (?P<other>.+)"
)
_SET = (ToolKind.TIMER, ToolKind.ALARM, ToolKind.REMINDER)


def correction(
    text: str, last_answer: str, past: Sequence[ToolResult], tools: Mapping[str, DeclaredTool]
) -> list[RequestedCall]:
    """Return the calls that take back what was set last, and set what was meant; none if ``text`` is no correction."""
    last = past[-1] if past else None
    if last is None or not last_answer.startswith("Okay, ") or not _has_worked(last):
        return []
    kind = next((kind for kind in _SET if find(kind, tools) == last.call.name), None)
    undone = _undone(kind, last.call, tools) if kind is not None else None
    said = normalise(core(text))
    if undone is None or _TAKEN_BACK.fullmatch(said):
        return [undone] if undone is not None else []
    found, seconds = _CORRECTED.fullmatch(said), last.call.arguments.get("seconds")
    if found is None or kind is not ToolKind.TIMER or not isinstance(seconds, int):
        return []
    length = found["length"] or found["other"]
    unit = "hours" if seconds % 3600 == 0 else "minutes" if seconds % 60 == 0 else "seconds"
    for whole in (f"timer for {length}", f"timer for {length} {unit}"):
        meant = understand(whole)
        if len(meant) == 1 and isinstance(meant[0], TimerWish):
            return [undone, _again(last.call, meant[0].seconds)]
    return []


def _again(call: RequestedCall, seconds: int) -> RequestedCall:
    """Return the call that sets this timer for ``seconds``; a name that is only its length changes, too."""
    label = call.arguments.get("label")
    is_length = label == spoken_duration(int(call.arguments["seconds"]))
    named = {"label": spoken_duration(seconds) if is_length else label} if label is not None else {}
    return RequestedCall(call.name, {"seconds": seconds, **named})


def names_what_was_set(text: str) -> bool:
    """Return whether ``text`` is "cancel that" or the like, which means something that was said before."""
    return re.fullmatch(r"cancel (?:that|it)", normalise(core(text))) is not None


def _has_worked(result: ToolResult) -> bool:
    returned = decoded(result.output)
    return (
        isinstance(returned, dict)
        and not returned.get("error")
        and returned.get("ok") is not False
        and "declined" not in returned
    )


def _undone(kind: ToolKind, call: RequestedCall, tools: Mapping[str, DeclaredTool]) -> RequestedCall | None:
    """Return the call that cancels what this one has set; None if no tool can name it."""
    of_what = ToolKind.CANCEL if kind is ToolKind.TIMER else ToolKind.CANCEL_ALARMS
    name = find(of_what, tools)
    chosen = {
        ToolKind.TIMER: {"label": call.arguments.get("label") or None, "seconds": call.arguments.get("seconds")},
        ToolKind.ALARM: {"time": call.arguments.get("time"), "kind": "alarm"},
        ToolKind.REMINDER: {"label": call.arguments.get("text"), "kind": "reminder"},
    }[kind]
    arguments = {key: value for key, value in chosen.items() if value is not None}
    if name is None or not tools[name].properties >= arguments.keys():
        return None
    # What was set earlier for the same time, or under the same name, stays.
    newest = {"newest": True} if "newest" in tools[name].properties else {}
    return RequestedCall(name, {**arguments, **newest})
