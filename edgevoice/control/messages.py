"""The messages of the control socket, version 1: one JSON object on each line. Pure.

A request has the command in ``do`` and may have an ``id``, which its reply repeats. ``docs/control.md`` describes each.
"""

from typing import Annotated, Any, Final, Literal, get_args

import msgspec
from msgspec import Meta, Struct, structs

from edgevoice.core.printable import one_line
from edgevoice.settings.wording import JSON, complaint, names_of, shown

PROTOCOL: Final = 1
"""Changes whenever a program written for the version before could misunderstand; new commands do not change it."""

LONGEST_LINE_BYTES: Final = 65_536
LONGEST_SOUND_S: Final = 60
"""How long the sound of an announcement may be."""

SOUND_HZ: Final = 24_000
LONGEST_TEXT: Final = 2000
"""Letters that the box says at once: some two minutes."""

LONGEST_PERSONA: Final = 20_000
"""Letters of a persona's text, comments included."""

_LONGEST_PROBLEM: Final = 300

Text = Annotated[str, Meta(min_length=1, max_length=LONGEST_TEXT)]
Name = Annotated[str, Meta(max_length=100)]
Percent = Annotated[int, Meta(ge=0, le=100)]
QuietHours = Literal["speak", "wait", "skip"]
"""Within quiet hours: speak all the same, wait for their end, or do not speak."""

Fields = dict[str, Any]


class Request(Struct, tag_field="do", frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What every request has: an ``id`` for the reply, and the version of the protocol that its sender knows."""

    id: Annotated[int, Meta(ge=-(2**53), le=2**53)] | Annotated[str, Meta(max_length=64)] | None = None
    protocol: int = PROTOCOL


class GetStatus(Request, tag="status", frozen=True):
    """What the box is doing."""


class Wake(Request, tag="wake", frozen=True):
    """What the wake word does; ``word`` chooses the settings of one of several wake words."""

    word: Name = ""


class Talk(Request, tag="talk", frozen=True):
    """What a press of the talk button does."""


class Stop(Request, tag="stop", frozen=True):
    """Silence what sounds: the alarm, an announcement or the answer."""


class HangUp(Request, tag="hang-up", frozen=True):
    """What holding the talk button does: end the conversation."""


class Mute(Request, tag="mute", frozen=True):
    """Mute the microphone."""


class Unmute(Request, tag="unmute", frozen=True):
    """Let the microphone be heard again, where the settings allow it."""


class SetVolume(Request, tag="volume", frozen=True):
    """Report the volume, set it to ``percent``, or change it by ``change`` percent."""

    percent: Percent | None = None
    change: Annotated[int, Meta(ge=-100, le=100)] | None = None


class SetEarcons(Request, tag="earcons", frozen=True):
    """Report how loud the earcons are, or set it to ``percent``."""

    percent: Percent | None = None


class SetBrightness(Request, tag="brightness", frozen=True):
    """Report how bright the lights are by day, or set it to ``percent``."""

    percent: Percent | None = None


class Snooze(Request, tag="snooze", frozen=True):
    """Let what rings, or what rang last, ring again later."""


class SetPersona(Request, tag="persona", frozen=True):
    """Report who answers and who could, or choose a persona by ``name``."""

    name: Annotated[str, Meta(min_length=1, max_length=100)] | None = None


class SetVoice(Request, tag="voice", frozen=True):
    """Report with which voice the box answers and which it could use, or choose one by ``name``."""

    name: Annotated[str, Meta(min_length=1, max_length=100)] | None = None


class Reload(Request, tag="reload", frozen=True):
    """Read the settings and the owner's tools again."""


class SayText(Request, tag="say", frozen=True):
    """Say a text, once it is its turn. ``chime``: a short sound first; ``quiet_hours``: what to do within them."""

    text: Text
    chime: bool = False
    quiet_hours: QuietHours = "speak"


class AskQuestion(Request, tag="ask", frozen=True):
    """Ask a question aloud, listen without the wake word, and report what was understood and answered.

    ``context``: what the service should know when it answers, and what is not spoken.
    """

    text: Text
    context: Annotated[str, Meta(max_length=LONGEST_TEXT)] = ""
    chime: bool = False
    quiet_hours: QuietHours = "speak"


class SendSound(Request, tag="sound", frozen=True):
    """A piece of the sound of the next announcement: mono s16 at 24 kHz, in base64."""

    pcm: bytes


class Announce(Request, tag="announce", frozen=True):
    """Announce a text, or the sound that was sent before it; an urgent one ends an answer that sounds."""

    text: Text | None = None
    priority: Literal["normal", "urgent"] = "normal"
    chime: bool = True
    quiet_hours: QuietHours = "skip"


class Timers(Request, tag="timers", frozen=True):
    """List, set, pause or cancel timers, alarms and reminders; ``arguments`` are those of the tool of that name."""

    action: Literal[
        "list",
        "set_timer",
        "change_timer",
        "pause_timer",
        "resume_timer",
        "cancel_timers",
        "set_alarm",
        "set_reminder",
        "cancel_alarms",
        "snooze",
    ] = "list"
    arguments: dict[str, Any] = {}


class Why(Request, tag="why", frozen=True):
    """Report the last failures, newest first; at most ``most``."""

    most: Annotated[int, Meta(ge=1, le=20)] = 5


class Watch(Request, tag="watch", frozen=True):
    """Send events from now on; what is said only with ``words``; level, scores and lights only with ``live``."""

    words: bool = False
    live: bool = False


class PersonasByHand(Request, tag="personas", frozen=True):
    """List personas, or show, draft, activate or undo one; ``text`` is a draft's TOML."""

    action: Literal["list", "show", "draft", "drop", "activate", "undo"] = "list"
    name: Name = ""
    text: Annotated[str, Meta(max_length=LONGEST_PERSONA)] = ""


class Pair(Request, tag="pair", frozen=True):
    """Pair a browser: ``begin``, ``wait`` until the digits are spoken, then ``answer``; ``press`` is the button's work.

    ``pairing`` is what ``begin`` returned.
    """

    action: Literal["begin", "wait", "answer", "cancel", "press"]
    pairing: Annotated[str, Meta(max_length=64)] = ""
    digits: Annotated[str, Meta(max_length=16)] = ""


class Examine(Request, tag="doctor", frozen=True):
    """Examine the box as `edgevoice doctor --quick` does."""


Spoken = SayText | AskQuestion | Announce
ForOwner = PersonasByHand | Pair | Examine
Slow = Spoken | Timers | Snooze | SetPersona | SetVoice | ForOwner
Level = SetVolume | SetEarcons | SetBrightness
AnyRequest = GetStatus | Wake | Talk | Stop | HangUp | Mute | Unmute | Level | Reload | SendSound | Slow | Why | Watch

_REQUESTS: Final[dict[str, type[Request]]] = {str(each.__struct_config__.tag): each for each in get_args(AnyRequest)}
COMMANDS: Final = tuple(sorted(_REQUESTS))

_decoder: Final = msgspec.json.Decoder(AnyRequest)
_encoder: Final = msgspec.json.Encoder()


class Refused(Exception):
    """A request is not carried out; ``code`` is stable, ``problem`` one line, ``remedy`` what to do."""

    def __init__(self, code: str, problem: str, remedy: str = "") -> None:
        super().__init__(problem)
        self.code = code
        self.problem = problem
        self.remedy = remedy

    @property
    def error(self) -> Fields:
        """The refusal as a reply shows it."""
        return {"code": self.code, "problem": self.problem, "remedy": self.remedy}


def decode(line: bytes) -> AnyRequest:
    """Return the request in a line. Raises ``Refused``, which says what is wrong with it."""
    try:
        request: AnyRequest = _decoder.decode(line)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Refused("bad-request", _explained(line, error), "docs/control.md describes every message.") from None
    if request.protocol != PROTOCOL:
        problem = f"this box speaks version {PROTOCOL} of the protocol, not {request.protocol}"
        raise Refused("other-protocol", problem, "Use the client of the same version of edgevoice.")
    return request


def id_of(line: bytes) -> Any:
    """Return the ``id`` in a line that is not a valid request, ``None`` if it has none that can be repeated."""
    try:
        found = msgspec.json.decode(line)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    named = found.get("id") if isinstance(found, dict) else None
    is_id = isinstance(named, int | str) and not isinstance(named, bool)
    return named if is_id and len(str(named)) <= 64 else None


def _explained(line: bytes, error: Exception) -> str:
    """Return what is wrong with a line, in one line."""
    if not line.strip():
        return "the line is empty; expected a JSON object"
    try:
        line.decode()
    except UnicodeDecodeError as found:
        return f"the line is not UTF-8: its byte {found.start + 1} is 0x{line[found.start]:02x}"
    try:
        # What is no request may be no JSON further on.
        problem = _complaint(msgspec.json.decode(line)) or str(error)
    except RecursionError:
        problem = "the JSON is nested too deeply"
    except ValueError as broken:
        problem = f"not a JSON object: {broken}"
    return one_line(problem)[:_LONGEST_PROBLEM]


def _complaint(found: Any) -> str:
    """Return what is wrong with a line of JSON that is not a request."""
    if not isinstance(found, dict):
        return f"the line is {shown(found, JSON)}; it must be an object"
    do = found.pop("do", None)
    request = _REQUESTS.get(do) if isinstance(do, str) else None
    if request is None:
        return f'"do" must be one of {", ".join(COMMANDS)}'
    fields = {each.name: each for each in structs.fields(request)}
    for name, value in found.items():
        if name not in fields:
            own = [each for each in fields if each not in Request.__struct_fields__]
            return f"there is no {shown(name, JSON)}; {do} takes {names_of(own)}"
        if said := complaint(value, fields[name].type):
            return f"{name} {said}"
    return next((f"{each.name} is missing" for each in fields.values() if each.required and each.name not in found), "")


def hello(version: str) -> bytes:
    """Return the first line that a client receives."""
    return _line({"edgevoice": version, "protocol": PROTOCOL})


def reply(request_id: Any, result: Fields) -> bytes:
    """Return the reply to a request that was carried out."""
    return _line({"id": request_id, "ok": True, **result})


def refusal(request_id: Any, refused: Refused) -> bytes:
    """Return the reply to a request that was not carried out."""
    return _line({"id": request_id, "ok": False, "error": refused.error})


def event(name: str, at: str, fields: Fields) -> bytes:
    """Return an event for those who watch; ``at`` is local time in ISO 8601."""
    return _line({"event": name, "at": at, **fields})


def _line(fields: Fields) -> bytes:
    return _encoder.encode(fields) + b"\n"
