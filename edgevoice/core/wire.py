"""The Realtime wire: service events in, client events out, as JSON text frames. No sockets.

Names out are those of the GA protocol; names in may also be the older ones. Unknown events and unknown fields are no
matter; a field that is missing or null has a default. Only what the client acts on is declared.
"""

import math
from typing import Any

import msgspec


class WireError(ValueError):
    """A frame that is not an event of the protocol; the text holds no part of the frame."""


class ErrorBody(msgspec.Struct, frozen=True):
    """What an ``error`` event or a failed transcription says."""

    type: str | None = None
    code: str | None = None
    message: str | None = None
    param: str | None = None
    event_id: str | None = None

    @property
    def codes(self) -> set[str]:
        """Its code and its type, where it has them: services differ in which of the two they put a cause in."""
        return {code for code in (self.code, self.type) if code}


class Item(msgspec.Struct, frozen=True):
    """A conversation item; function calls carry ``name``, ``call_id`` and ``arguments``."""

    id: str | None = None
    type: str | None = None
    status: str | None = None
    role: str | None = None
    name: str | None = None
    call_id: str | None = None
    arguments: str | None = None


class Response(msgspec.Struct, frozen=True):
    """A response object; ``output`` and ``status_details`` stay raw so that one odd field does not cost the event."""

    id: str = ""
    status: str | None = None
    status_details: msgspec.Raw = msgspec.Raw(b"null")
    output: list[msgspec.Raw] = []
    usage: dict[str, Any] | None = None

    def trouble(self) -> ErrorBody:
        """Return what ``status_details`` says of a failure; the reason stands for a code that is missing."""
        details = _mapping(self.status_details)
        told = details.get("error")
        error = told if isinstance(told, dict) else {"code": told, "message": told}
        code = _word(error.get("code")) or _word(details.get("code")) or _word(details.get("reason"))
        return ErrorBody(type=_word(error.get("type")), code=code, message=_word(error.get("message")))

    def items(self) -> list[Item]:
        """Return the items of ``output`` that can be read."""
        return [item for raw in self.output if (item := _item_of(raw)) is not None]


class _Event(msgspec.Struct, frozen=True, tag_field="type"):
    event_id: str | None = None


class _SessionEvent(_Event, frozen=True):
    session: msgspec.Raw = msgspec.Raw(b"null")

    @property
    def expires_at(self) -> float | None:
        """When the service will end the session, in seconds since 1970; ``None`` when it does not say."""
        at = _mapping(self.session).get("expires_at")
        if isinstance(at, bool) or not isinstance(at, int | float | str):
            return None
        try:
            seconds = float(at)
        except (ValueError, OverflowError):
            return None
        return seconds if math.isfinite(seconds) and seconds > 0 else None


class SessionCreated(_SessionEvent, frozen=True, tag="session.created"):
    """The service greets; some do not."""


class SessionUpdated(_SessionEvent, frozen=True, tag="session.updated"):
    """The configuration is in force."""


class ServiceError(_Event, frozen=True, tag="error"):
    """The service reports an error; ``message`` stands at the top level in some services."""

    error: ErrorBody | None = None
    message: str | None = None

    @property
    def code(self) -> str:
        """The stable code, else the type, else nothing."""
        return (self.error.code or self.error.type or "") if self.error else ""

    @property
    def codes(self) -> set[str]:
        """Its code and its type, where it has them."""
        return self.error.codes if self.error else set()

    @property
    def text(self) -> str:
        """What the service says, in its own words."""
        return (self.error.message if self.error else self.message) or ""


class SpeechStarted(_Event, frozen=True, tag="input_audio_buffer.speech_started"):
    """The service heard speech begin."""

    audio_start_ms: float | None = None


class SpeechStopped(_Event, frozen=True, tag="input_audio_buffer.speech_stopped"):
    """The service heard speech end."""

    audio_end_ms: float | None = None


class Committed(_Event, frozen=True, tag="input_audio_buffer.committed"):
    """The user's turn is an item now."""

    item_id: str = ""
    previous_item_id: str | None = None


class TranscriptionDelta(_Event, frozen=True, tag="conversation.item.input_audio_transcription.delta"):
    """The user's words so far: a rolling rewrite, each delta holds the whole text."""

    item_id: str = ""
    delta: str | None = None


class TranscriptionCompleted(_Event, frozen=True, tag="conversation.item.input_audio_transcription.completed"):
    """The user's words."""

    item_id: str = ""
    transcript: str | None = None


class ItemAdded(_Event, frozen=True, tag="conversation.item.added"):
    """An item joined the conversation."""

    item: Item = Item()
    previous_item_id: str | None = None


class ItemCreated(ItemAdded, frozen=True, tag="conversation.item.created"):
    """The older name of ``conversation.item.added``."""


class OutputItemAdded(ItemAdded, frozen=True, tag="response.output_item.added"):
    """A response began an item."""

    response_id: str = ""


class ResponseCreated(_Event, frozen=True, tag="response.created"):
    """A response began."""

    response: Response = Response()


class ResponseDone(_Event, frozen=True, tag="response.done"):
    """A response ended; ``usage`` stands at the top level in some services."""

    response: Response = Response()
    usage: dict[str, Any] | None = None


class _PartEvent(_Event, frozen=True):
    response_id: str = ""
    item_id: str = ""
    content_index: int = 0


class AudioDelta(_PartEvent, frozen=True, tag="response.output_audio.delta"):
    """A piece of the answer: mono s16 at 24 kHz, decoded; any length, also odd or empty."""

    delta: bytes = b""


class OlderAudioDelta(AudioDelta, frozen=True, tag="response.audio.delta"):
    """The older name of ``response.output_audio.delta``."""


class AudioDone(_PartEvent, frozen=True, tag="response.output_audio.done"):
    """All of an item's audio was sent."""


class OlderAudioDone(AudioDone, frozen=True, tag="response.audio.done"):
    """The older name of ``response.output_audio.done``."""


class TranscriptDelta(_PartEvent, frozen=True, tag="response.output_audio_transcript.delta"):
    """More of the words that the answer speaks."""

    delta: str | None = None


class OlderTranscriptDelta(TranscriptDelta, frozen=True, tag="response.audio_transcript.delta"):
    """The older name of ``response.output_audio_transcript.delta``."""


class TranscriptDone(_PartEvent, frozen=True, tag="response.output_audio_transcript.done"):
    """All of the words that the answer speaks."""

    transcript: str | None = None


class OlderTranscriptDone(TranscriptDone, frozen=True, tag="response.audio_transcript.done"):
    """The older name of ``response.output_audio_transcript.done``."""


class BackchannelDelta(_Event, frozen=True, tag="response.backchannel.audio.delta"):
    """A piece of a backchannel, as the audio of an answer is; it belongs to no response."""

    backchannel_id: str = ""
    delta: bytes = b""


class BackchannelDone(_Event, frozen=True, tag="response.backchannel.audio.done"):
    """All of a backchannel was sent; one that is ``skipped`` is none, and that event is not acted on."""

    backchannel_id: str = ""


class ArgumentsDone(_Event, frozen=True, tag="response.function_call_arguments.done"):
    """A tool call is complete; ``name`` may be missing, and stands in the item then."""

    response_id: str = ""
    call_id: str = ""
    name: str | None = None
    arguments: str | None = None


class Unknown(msgspec.Struct, frozen=True):
    """An event that this client does not act on."""

    type: str


_Declared = (
    SessionCreated
    | SessionUpdated
    | ServiceError
    | SpeechStarted
    | SpeechStopped
    | Committed
    | TranscriptionDelta
    | TranscriptionCompleted
    | ItemAdded
    | ItemCreated
    | OutputItemAdded
    | ResponseCreated
    | ResponseDone
    | AudioDelta
    | OlderAudioDelta
    | AudioDone
    | OlderAudioDone
    | TranscriptDelta
    | OlderTranscriptDelta
    | TranscriptDone
    | OlderTranscriptDone
    | BackchannelDelta
    | BackchannelDone
    | ArgumentsDone
)

ServerEvent = _Declared | Unknown

_DECODER: msgspec.json.Decoder[_Declared] = msgspec.json.Decoder(_Declared)
_TYPE_ONLY = msgspec.json.Decoder(Unknown)
_KNOWN = frozenset(declared.__struct_config__.tag for declared in _Declared.__args__)
_ITEM = msgspec.json.Decoder(Item)
_UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError)
"""What the parser raises: also for text that is no UTF-8, and for brackets nested a thousand deep."""


def decode(frame: str | bytes) -> ServerEvent:
    """Read one text frame; an event that is not declared here comes back as ``Unknown``.

    A frame that is no JSON object with a ``type``, or a declared event with fields of the wrong kind, raises
    ``WireError``.
    """
    try:
        return _DECODER.decode(frame)
    except _UNREADABLE:
        pass  # it may be an event of another kind: the type decides
    try:
        event = _TYPE_ONLY.decode(frame)
    except _UNREADABLE as error:
        raise WireError(f"not a Realtime event: {_cause(error)}") from None
    if event.type not in _KNOWN:
        return event
    try:
        return _DECODER.decode(_ENCODER.encode(_without_nulls(msgspec.json.decode(frame))))
    except _UNREADABLE:
        raise WireError(f"a {event.type} event with fields of the wrong kind") from None


def _without_nulls(value: Any) -> Any:
    """Leave out what is null; a list, which only a response's ``output`` is, stays as it came."""
    if not isinstance(value, dict):
        return value
    return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}


def _cause(error: Exception) -> str:
    # A parser's message may quote what it could not read; only the kind of failure is told.
    return "wrong shape" if isinstance(error, msgspec.ValidationError) else "broken JSON"


def _mapping(raw: msgspec.Raw) -> dict[str, Any]:
    """Return a raw object's fields; none for anything else."""
    try:
        value = msgspec.json.decode(raw)
    except _UNREADABLE:
        return {}
    return value if isinstance(value, dict) else {}


def _word(value: object) -> str | None:
    """Return a field that should be text; some services send a code as a number."""
    match value:
        case bool():
            return None
        case str() | int():
            return str(value)
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return None


def _item_of(raw: msgspec.Raw) -> Item | None:
    try:
        return _ITEM.decode(raw)
    except _UNREADABLE:
        return None


# --- out -------------------------------------------------------------------------------------------------------------


class _Append(msgspec.Struct, tag_field="type", tag="input_audio_buffer.append"):
    audio: bytes


_ENCODER = msgspec.json.Encoder()


def append_audio(pcm: bytes) -> bytes:
    """Encode mono s16 samples at 24 kHz as ``input_audio_buffer.append``."""
    return _ENCODER.encode(_Append(pcm))


def update_session(session: dict[str, Any]) -> bytes:
    """Encode ``session.update``; ``None`` inside is sent as null, which means something there."""
    return _ENCODER.encode({"type": "session.update", "session": session})


def truncate_item(item_id: str, content_index: int, audio_end_ms: int) -> bytes:
    """Encode ``conversation.item.truncate``."""
    return _ENCODER.encode(
        {
            "type": "conversation.item.truncate",
            "item_id": item_id,
            "content_index": content_index,
            "audio_end_ms": audio_end_ms,
        }
    )


def delete_item(item_id: str) -> bytes:
    """Encode ``conversation.item.delete``."""
    return _ENCODER.encode({"type": "conversation.item.delete", "item_id": item_id})


def cancel_response(response_id: str) -> bytes:
    """Encode ``response.cancel``, always with the id: a bare one can hit the next response."""
    return _ENCODER.encode({"type": "response.cancel", "response_id": response_id})


def tool_output(call_id: str, output: str) -> bytes:
    """Encode a tool's answer; ``output`` is JSON text and is sent as a string, as the protocol wants it."""
    item = {"type": "function_call_output", "call_id": call_id, "output": output}
    return _ENCODER.encode({"type": "conversation.item.create", "item": item})


def message(role: str, text: str) -> bytes:
    """Encode what was said before as an item of the conversation; ``role`` is "user" or "assistant"."""
    content = {"type": "output_text" if role == "assistant" else "input_text", "text": text}
    item = {"type": "message", "role": role, "content": [content]}
    return _ENCODER.encode({"type": "conversation.item.create", "item": item})


def create_response(*, may_call_tools: bool) -> bytes:
    """Encode ``response.create``."""
    if may_call_tools:
        return _ENCODER.encode({"type": "response.create"})
    return _ENCODER.encode({"type": "response.create", "response": {"tool_choice": "none"}})
