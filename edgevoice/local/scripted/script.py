"""Scripts: what a client has to send to the local service, step by step, and what it gets. Pure but for `read`.

In a file a step is a table whose first word says what it does: ``{ expect = "session.update" }``. One ``[[session]]``
for each connection, in the order in which they come.
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
"""What is expected of a client that shall send a frame that is no event."""

GONE = "close"
"""What is expected of a client that shall hang up."""


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
    """A tool call of an answer; ``arguments`` goes out as it is, JSON or not, and empty as the dialect writes none."""

    name: str
    arguments: str = ""


_Seconds = Annotated[float, msgspec.Meta(ge=0, le=86_400)]


class Expect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The client's next event is of this type, and holds ``where`` in it.

    ``*`` in ``where`` stands for any value. The service obeys it by its own rules, ``delay_s`` later, unless it shall
    ignore it or ``refuse`` it. ``words`` are what it hears in audio that the event commits. Besides the types of the
    protocol there are ``unreadable``, a frame that is no event or an object without a type, and ``close``, a client
    that hangs up.
    """

    expect: str
    where: dict[str, Any] = {}
    then: Literal["obey", "ignore"] = "obey"
    refuse: Refuse | None = None
    delay_s: _Seconds = 0
    words: str | None = None


class Send(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Send this event as it is; an ``event_id`` is added when there is none.

    The texts ``$turn``, ``$response``, ``$item``, ``$call`` and ``$client`` in it stand for the item of the user's
    turn, the latest response, the latest item, the latest call, and the id of the client's latest event.
    """

    send: dict[str, Any]


class Frame(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Send this text frame, JSON or not."""

    frame: str


class Binary(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Send this binary frame; base64 in a file."""

    binary: bytes


class TurnStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The user speaks these words, though no sound came: all that the wire tells of a turn, in its order.

    ``rolling`` are transcripts on the way there; only Inworld's dialect sends them, because in OpenAI's a delta is
    never taken back. With a ``suggestion`` the probability of the turn's end is sent before it, and revoked when
    ``is_revoked``. ``until`` leaves the turn where it is: an open one goes on with the next ``turn``, and one that is
    ``committed`` is not answered.
    """

    turn: str
    rolling: tuple[str, ...] = ()
    suggestion: float | None = None
    is_revoked: bool = False
    until: Literal["started", "suggestion", "stopped", "committed", "end"] = "end"


class Backchannel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The service says this beside the user's own words, or is ``skipped`` for a reason and says nothing.

    The script goes on when all of it is out or the client has cleared it; at once when it ``runs_on``.
    """

    backchannel: str
    skipped: str | None = None
    runs_on: bool = False


class Hear(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The real listener hears a turn in the client's audio: these words, or any when it is ``*``."""

    hear: str


class AnswerStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the service answers to what stands before this: words to speak, then tools to call.

    The script goes on after ``response.done``; with ``until`` it goes on when so many events of that type are out, and
    the rest of the answer waits for a ``resume`` unless it ``runs_on``.
    """

    answer: str = ""
    calls: tuple[Call, ...] = ()
    until: str | None = None
    times: Annotated[int, msgspec.Meta(ge=1)] = 1
    runs_on: bool = False


class Resume(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Let the answer go on, and the script when an event of this type is out."""

    resume: str = "response.done"


class End(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """End the answer early; ``failed`` is told by a ``server_error`` as well."""

    end: Literal["failed", "max_output_tokens", "content_filter"]


class Wait(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Do nothing for so many seconds."""

    wait_s: _Seconds


class Close(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Close the connection with this code."""

    close: Annotated[int, msgspec.Meta(ge=1000, le=4999)]
    reason: Annotated[str, msgspec.Meta(max_length=120)] = ""


class Drop(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """End the connection without a close frame (1006): by TCP's orderly ``end`` or by a ``reset``."""

    drop: Literal["end", "reset"]


class Freeze(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Read nothing any more, pings neither: the half-open connection, until the script ends it."""

    freeze: Literal["reading"] = "reading"


class ChangeStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Change every event of this type from now on: fields to put in, fields to leave out, or the whole of it.

    ``put`` may hold a ``type``, which is how an event gets its older name; what is an object on both sides is merged.
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

# By the field that every one of them has first, and no other has at all.
_STEPS: dict[str, type[Step]] = {kind.__struct_fields__[0]: kind for kind in Step.__args__}


class Terms(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a connection's door is opened, and what needs no step.

    ``refuse`` answers the upgrade with that status, and there are no steps then. ``greeting`` is ``session.created``
    in full, with ``sparse`` content, or ``none``. ``turns`` are ``scripted`` or ``heard``, by voice activity;
    ``answers`` come from the script or from the local ``brain``. Events in ``allow`` may come at any time, and are
    obeyed.
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
    """Every connection that a client has to make, in order."""

    sessions: tuple[ScriptedSession, ...]


def read(path: Path) -> Script:
    """Return the script in a TOML or JSON file; raise ScriptInvalid when it cannot be read or understood."""
    try:
        text = path.read_text(encoding="utf-8")
        document = msgspec.json.decode(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise ScriptInvalid(f"{path}: {error.strerror or error}") from error
    except (UnicodeDecodeError, msgspec.DecodeError, tomllib.TOMLDecodeError) as error:
        raise ScriptInvalid(f"{path}: {error}") from None
    return parse(document, str(path))


def parse(document: object, name: str) -> Script:
    """Return the script that ``document`` describes; ``name`` is what errors call it."""
    sessions = document.get("session") if isinstance(document, dict) and len(document) == 1 else None
    if not isinstance(sessions, list) or not sessions:
        raise ScriptInvalid(f"{name}: it must hold one [[session]] for each connection, and nothing else")
    return Script(tuple(_session(table, f"{name}: session {number}") for number, table in enumerate(sessions, 1)))


def _session(table: object, where: str) -> ScriptedSession:
    if not isinstance(table, dict):
        raise ScriptInvalid(f"{where} is no table")
    tables = table.get("steps", [])
    if not isinstance(tables, list):
        raise ScriptInvalid(f"{where}: steps is no list")
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
    """Return the first thing that ``wanted`` has and ``got`` has not, in words; None when all of it is there.

    An object may have more fields than are wanted of it, a list may not have more elements.
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
    """Return ``value`` with every ``$name`` that is known replaced by what it stands for."""
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
    """Return ``event`` as ``change`` wants it, None when it is not to be sent."""
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
        # A copy at every level: the service goes on using what it meant to send.
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
    """Return which step says what the client has to do next, when the script gets there by itself from ``start``."""
    for index in range(start, len(steps)):
        match steps[index]:
            case Expect():
                return index
            case Hear() | Close() | Drop() | Freeze():
                return None
            case _:
                pass  # needs nothing of the client
    return None
