"""Scripts: what a client must send to the local service, step by step, and what it gets. Pure except `read`.

In a file, a step is a table whose first word says what it does: ``{ expect = "session.update" }``. There is one
``[[session]]`` for each connection, in the order in which they arrive.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from edgevoice.errors import EdgevoiceError

ANYTHING = "*"
UNREADABLE = "unreadable"
"""The expectation of a frame that is not an event."""

GONE = "close"
"""The expectation that the client hangs up."""


class ScriptInvalid(EdgevoiceError, ValueError):
    """A script cannot be read; the text names file, session, step and field."""

    code = "script-invalid"
    remedy = "Fix the script; `edgevoice.local.scripted.script` documents every step."


class Refuse(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An ``error`` event in answer to what was expected; it carries the client's own ``event_id``."""

    code: str | None
    message: str = "The script refuses this"
    param: str | None = None
    type: str = "invalid_request_error"


class Call(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A tool call in an answer; ``arguments`` is sent unchanged, JSON or not; if empty, as the dialect writes none."""

    name: str
    arguments: str = ""


_Seconds = Annotated[float, msgspec.Meta(ge=0, le=86_400)]


class Expect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The client's next event has this type, and contains ``where``.

    ``*`` in ``where`` means any value. The service obeys the event by its own rules, ``delay_s`` later, unless the step
    says to ignore or to ``refuse`` it. ``words`` are what it hears in audio that the event commits. Besides the types
    of the protocol there are ``unreadable``, a frame that is not an event or an object without a type, and ``close``, a
    client that hangs up.
    """

    expect: str
    where: dict[str, Any] = {}
    then: Literal["obey", "ignore"] = "obey"
    refuse: Refuse | None = None
    delay_s: _Seconds = 0
    words: str | None = None


class Send(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Send this event unchanged, except that a missing ``event_id`` is added.

    The texts ``$turn``, ``$response``, ``$item``, ``$call`` and ``$client`` in it are replaced by the item of the
    user's turn, the latest response, the latest item, the latest call, and the id of the client's latest event.
    """

    send: dict[str, Any]


class Frame(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Send this text frame, JSON or not."""

    frame: str


class Binary(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Send this binary frame; base64 in a file."""

    binary: bytes


class TurnStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The user speaks these words, without any sound: sends all events of a turn, in their order.

    ``rolling`` are interim transcripts; only Inworld's dialect sends them, because in OpenAI's a delta is never taken
    back. With a ``suggestion`` the probability of the turn's end is sent before it, and revoked if ``is_revoked``.
    ``until`` stops the turn early: an open one continues with the next ``turn``, and one that is ``committed`` is not
    answered.
    """

    turn: str
    rolling: tuple[str, ...] = ()
    suggestion: float | None = None
    is_revoked: bool = False
    until: Literal["started", "suggestion", "stopped", "committed", "end"] = "end"


class Backchannel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The service says this while the user speaks, or is ``skipped`` for a reason and says nothing.

    The script continues when all of it is sent or the client has cleared it; at once if it ``runs_on``.
    """

    backchannel: str
    skipped: str | None = None
    runs_on: bool = False


class Hear(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The real listener hears a turn in the client's audio: these words, or any words for ``*``."""

    hear: str


class AnswerStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the service answers to the step before: words to speak, then tools to call.

    ``${TOOL}`` in the words or in the arguments of a call is the latest result of that tool, and ``${TOOL/a/0}`` a
    value in it, by a JSON pointer.
    The script continues after ``response.done``; with ``until`` it continues when that many events of that type are
    sent, and the rest of the answer waits for a ``resume`` unless it ``runs_on``.
    """

    answer: str = ""
    calls: tuple[Call, ...] = ()
    until: str | None = None
    times: Annotated[int, msgspec.Meta(ge=1)] = 1
    runs_on: bool = False


class Resume(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Let the answer continue, and the script when an event of this type is sent."""

    resume: str = "response.done"


class End(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """End the answer early; ``failed`` also sends a ``server_error``."""

    end: Literal["failed", "max_output_tokens", "content_filter"]


class Wait(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Do nothing for that many seconds."""

    wait_s: _Seconds


class Close(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Close the connection with this code."""

    close: Annotated[int, msgspec.Meta(ge=1000, le=4999)]
    reason: Annotated[str, msgspec.Meta(max_length=120)] = ""


class Drop(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """End the connection without a close frame (1006): with TCP's orderly ``end`` or a ``reset``."""

    drop: Literal["end", "reset"]


class Freeze(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Stop reading, including pings: a half-open connection, until the script ends it."""

    freeze: Literal["reading"] = "reading"


class ChangeStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Change every event of this type from now on: add fields, remove fields, or drop the whole event.

    ``put`` may contain a ``type``, to give an event its older name; objects on both sides are merged.
    ``without`` names fields of the event, or of an object in it: ``response.usage``.
    """

    change: str
    put: dict[str, Any] = {}
    without: tuple[str, ...] = ()
    is_hidden: bool = False


Step = (
    Expect
    | Send
    | Frame
    | Binary
    | TurnStep
    | Backchannel
    | Hear
    | AnswerStep
    | Resume
    | End
    | Wait
    | Close
    | Drop
    | Freeze
    | ChangeStep
)

# By the field that each of them has first, and no other has at all.
_STEPS: dict[str, type[Step]] = {kind.__struct_fields__[0]: kind for kind in Step.__args__}


class Terms(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a connection is accepted, and what needs no step.

    ``refuse`` answers the upgrade with that status, and then there are no steps. ``greeting`` is a full
    ``session.created``, one with ``sparse`` content, or ``none``. ``turns`` are ``scripted``, or ``heard`` by voice
    activity; ``answers`` come from the script or from the local ``brain``. Events in ``allow`` may arrive at any time,
    and are obeyed.
    """

    refuse: Literal[400, 401, 402, 403, 404, 429, 500, 503] | None = None
    delay_open_s: _Seconds = 0
    greeting: Literal["full", "sparse", "none"] = "full"
    turns: Literal["scripted", "heard"] = "scripted"
    answers: Literal["scripted", "brain"] = "scripted"
    allow: frozenset[str] = frozenset({"input_audio_buffer.append"})


@dataclass(frozen=True, slots=True)
class ScriptedSession:
    """One connection: its terms, then its steps."""

    steps: tuple[Step, ...] = ()
    terms: Terms = field(default_factory=Terms)


@dataclass(frozen=True, slots=True)
class Script:
    """Every connection that a client must make, in order."""

    sessions: tuple[ScriptedSession, ...]


def read(path: Path) -> Script:
    """Return the script in a TOML or JSON file; raise ScriptInvalid if it cannot be read or understood."""
    try:
        text = path.read_text(encoding="utf-8")
        document = msgspec.json.decode(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise ScriptInvalid(f"{path}: {error.strerror or error}") from error
    except RecursionError:
        raise ScriptInvalid(f"{path}: it is nested too deeply") from None
    except (ValueError, msgspec.DecodeError) as error:
        raise ScriptInvalid(f"{path}: {error}") from None
    return parse(document, str(path))


def parse(document: object, name: str) -> Script:
    """Return the script that ``document`` describes; ``name`` is what errors call it."""
    sessions = document.get("session") if isinstance(document, dict) and len(document) == 1 else None
    if not isinstance(sessions, list) or not sessions:
        raise ScriptInvalid(f"{name}: it must contain one [[session]] for each connection, and nothing else")
    return Script(tuple(_session(table, f"{name}: session {number}") for number, table in enumerate(sessions, 1)))


def _session(table: object, where: str) -> ScriptedSession:
    if not isinstance(table, dict):
        raise ScriptInvalid(f"{where} is not a table")
    tables = table.get("steps", [])
    if not isinstance(tables, list):
        raise ScriptInvalid(f"{where}: steps is not a list")
    steps = tuple(_step(step, f"{where}, step {number}") for number, step in enumerate(tables, 1))
    try:
        terms = msgspec.convert({key: value for key, value in table.items() if key != "steps"}, Terms)
    except msgspec.ValidationError as error:
        raise ScriptInvalid(f"{where}: {error}") from None
    if terms.refuse is not None and steps:
        raise ScriptInvalid(f"{where}: a session that is refused has no steps")
    return ScriptedSession(steps, terms)


def _step(table: object, where: str) -> Step:
    verbs = [verb for verb in _STEPS if verb in table] if isinstance(table, dict) else []
    if len(verbs) != 1:
        raise ScriptInvalid(f"{where}: it must say exactly one of {', '.join(_STEPS)}")
    try:
        return msgspec.convert(table, _STEPS[verbs[0]])
    except msgspec.ValidationError as error:
        raise ScriptInvalid(f"{where} ({verbs[0]}): {error}") from None


def difference(wanted: object, got: object, path: str = "") -> str | None:
    """Return the first thing of ``wanted`` that ``got`` lacks, in words; None if all of it is there.

    An object may have more fields than wanted; a list may not have more elements.
    """
    if wanted == ANYTHING:
        return None
    if isinstance(wanted, Mapping) and isinstance(got, Mapping):
        for key, value in wanted.items():
            place = f"{path}.{key}" if path else str(key)
            if key not in got:
                return f"{place} is missing"
            if (found := difference(value, got[key], place)) is not None:
                return found
        return None
    if isinstance(wanted, list | tuple) and isinstance(got, list) and len(wanted) == len(got):
        pairs = enumerate(zip(wanted, got, strict=True))
        found_each = (difference(mine, theirs, f"{path}[{place}]") for place, (mine, theirs) in pairs)
        return next((found for found in found_each if found is not None), None)
    # In JSON true is not 1, in Python it is.
    if wanted == got and isinstance(wanted, bool) is isinstance(got, bool):
        return None
    return f"{path} is {shown(got)}, not {shown(wanted)}"


def shown(value: object) -> str:
    """Return a value as short JSON, for one line of text."""
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 80 else f"{text[:77]}..."


def filled(value: Any, names: Mapping[str, str | None]) -> Any:
    """Return ``value`` with every known ``$name`` replaced by its value."""
    match value:
        case str() if value[:1] == "$" and value[1:] in names:
            return names[value[1:]]
        case dict():
            return {key: filled(inner, names) for key, inner in value.items()}
        case list() | tuple():
            return [filled(inner, names) for inner in value]
        case _:
            return value


def changed(event: Mapping[str, Any], change: ChangeStep) -> dict[str, Any] | None:
    """Return ``event`` changed by ``change``; None if it should not be sent."""
    if change.is_hidden:
        return None
    made = _merged(event, change.put)
    for path in change.without:
        _leave_out(made, path.split("."))
    return made


def _leave_out(event: dict[str, Any], path: list[str]) -> None:
    if len(path) == 1:
        event.pop(path[0], None)
    elif isinstance(event.get(path[0]), Mapping):
        # A copy at every level: the service still uses the original.
        inner = event[path[0]] = dict(event[path[0]])
        _leave_out(inner, path[1:])


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    made = dict(old)
    for key, value in new.items():
        present = made.get(key)
        is_deeper = isinstance(present, Mapping) and isinstance(value, Mapping)
        made[key] = _merged(present, value) if is_deeper and present is not None else value
    return made


def next_expected(steps: tuple[Step, ...], start: int) -> int | None:
    """Return the step that says what the client must do next, if the script reaches it from ``start`` on its own."""
    for index in range(start, len(steps)):
        match steps[index]:
            case Expect():
                return index
            case Hear() | Close() | Drop() | Freeze():
                return None
            case _:
                pass  # needs nothing from the client
    return None
