"""The Realtime wire: service events in, client events out, as JSON text frames. No sockets.

Names out are those of the GA protocol; names in may also be the older ones. Unknown events and unknown fields are
ignored; a field that is missing, null or of another JSON type is coerced or has its default. Only what the client acts
on is declared, and what it remembers is bounded in size.
"""

import math
from typing import Any

import msgspec

from edgevoice.core.protocol import lenient
from edgevoice.core.protocol.lenient import ABSENT, Arguments, Id, Index, LimitExceeded, WireError
from edgevoice.core.protocol.wire_objects import ErrorBody, Item, Response, SessionBody

__all__ = ["ErrorBody", "Item", "LimitExceeded", "Response", "SessionBody", "WireError"]

LARGEST_FRAME = 2**20
"""Bytes of a frame without audio: a response with its transcript and its calls has some 100 kB at most."""

LARGEST_AUDIO_FRAME = 16 * 2**20
"""Bytes of a frame with audio, 4 minutes of it in base64: services choose the length of a delta, and OpenAI's own limit
for a frame of ours is 15 MiB.
"""


class _Event(msgspec.Struct, frozen=True, tag_field="type"):
    """Base of the events; their ids are ignored."""


class _SessionEvent(_Event, frozen=True):
    session: SessionBody = SessionBody()

    @property
    def expires_at(self) -> float | None:
        """When the service will end the session, in seconds since 1970; ``None`` if it does not say."""
        at = self.session.expires_at
        return at if at is not None and 0 < at < math.inf else None


class SessionCreated(_SessionEvent, frozen=True, tag="session.created"):
    """The service greets the client; some services do not."""


class SessionUpdated(_SessionEvent, frozen=True, tag="session.updated"):
    """The configuration is in force."""


class ServiceError(_Event, frozen=True, tag="error"):
    """The service reports an error; some services put ``message`` at the top level."""

    error: ErrorBody | None = None
    message: str | None = None

    @property
    def code(self) -> str:
        """The stable code, else the type, else nothing."""
        return (self.error.code or self.error.type or "") if self.error else ""

    @property
    def codes(self) -> set[str]:
        """The error's code and type, as far as it has them."""
        return self.error.codes if self.error else set()

    @property
    def text(self) -> str:
        """The service's own words."""
        return (self.error.message if self.error else self.message) or ""


class SpeechStarted(_Event, frozen=True, tag="input_audio_buffer.speech_started"):
    """The service heard speech begin."""


class SpeechStopped(_Event, frozen=True, tag="input_audio_buffer.speech_stopped"):
    """The service heard speech end."""


class Committed(_Event, frozen=True, tag="input_audio_buffer.committed"):
    """The user's turn has become an item."""

    item_id: Id = ""
    previous_item_id: Id | None = None


class TranscriptionDelta(_Event, frozen=True, tag="conversation.item.input_audio_transcription.delta"):
    """More of the user's words; in some dialects each delta holds all of them so far."""

    item_id: Id = ""
    delta: str | None = None


class TranscriptionCompleted(_Event, frozen=True, tag="conversation.item.input_audio_transcription.completed"):
    """The user's words; if there are several events for one item, the last one counts."""

    item_id: Id = ""
    transcript: str | None = None


class TranscriptionFailed(_Event, frozen=True, tag="conversation.item.input_audio_transcription.failed"):
    """The user's turn could not be transcribed."""

    item_id: Id = ""


class ItemAdded(_Event, frozen=True, tag="conversation.item.added"):
    """An item joined the conversation."""

    item: Item = Item()
    previous_item_id: Id | None = None


class ItemCreated(ItemAdded, frozen=True, tag="conversation.item.created"):
    """The older name of ``conversation.item.added``."""


class OutputItemAdded(ItemAdded, frozen=True, tag="response.output_item.added"):
    """A response began an item."""

    response_id: Id = ""


class OutputItemDone(_Event, frozen=True, tag="response.output_item.done"):
    """An item of a response is complete."""

    item: Item = Item()
    response_id: Id = ""


class ResponseCreated(_Event, frozen=True, tag="response.created"):
    """A response began."""

    response: Response = Response()


class ResponseDone(_Event, frozen=True, tag="response.done"):
    """A response ended; some services put ``usage`` at the top level."""

    response: Response = Response()
    usage: msgspec.Raw = ABSENT

    def counts(self) -> dict[str, int]:
        """Return what the answer cost, in the service's own units."""
        return lenient.counts(self.response.usage) or lenient.counts(self.usage)


class _PartEvent(_Event, frozen=True):
    response_id: Id = ""
    item_id: Id = ""
    content_index: Index = 0


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
    """A piece of a backchannel, like an answer's audio; it belongs to no response."""

    backchannel_id: Id = ""
    delta: bytes = b""


class BackchannelDone(_Event, frozen=True, tag="response.backchannel.audio.done"):
    """All of a backchannel was sent; one marked ``skipped`` was never sent, and its event is ignored."""

    backchannel_id: Id = ""


class ArgumentsDone(_Event, frozen=True, tag="response.function_call_arguments.done"):
    """A tool call is complete; if ``name`` is missing, the item has it."""

    response_id: Id = ""
    call_id: Id = ""
    name: Id | None = None
    arguments: Arguments | None = None


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
    | TranscriptionFailed
    | ItemAdded
    | ItemCreated
    | OutputItemAdded
    | OutputItemDone
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
_SHAPES: dict[str, lenient.Shape[_Declared]] = {
    str(declared.__struct_config__.tag): lenient.Shape(declared) for declared in _Declared.__args__
}
_AUDIO = (AudioDelta, BackchannelDelta)
_AUDIO_TYPES = [
    f'"{tag}"'.encode()
    for tag, declared in zip(_SHAPES, _Declared.__args__, strict=True)
    if issubclass(declared, _AUDIO)
]


def decode(frame: str | bytes) -> ServerEvent:
    """Read one frame; an event that is not declared here is returned as ``Unknown``.

    Raises ``WireError`` for a frame that is not a JSON object with a ``type``, or audio that cannot be read, and
    ``LimitExceeded`` for a frame or an id that is larger than any service needs.
    """
    is_large = len(frame) > LARGEST_FRAME
    if is_large and not _may_be_audio(frame):
        raise LimitExceeded(f"a frame of {len(frame)} bytes without audio")
    try:
        event: ServerEvent = _DECODER.decode(frame)
    except lenient.UNREADABLE:
        if len(frame) > _LARGEST_LENIENT_FRAME:
            raise LimitExceeded(f"a frame of {len(frame)} bytes that is not the protocol to the letter") from None
        event = _decode_leniently(frame)
    if is_large and not isinstance(event, _AUDIO):
        raise LimitExceeded(f"a frame of {len(frame)} bytes without audio")
    return event


def type_of(event: ServerEvent) -> str:
    """Return the event's type as it is named on the wire."""
    return event.type if isinstance(event, Unknown) else str(event.__struct_config__.tag)


def _decode_leniently(frame: str | bytes) -> ServerEvent:
    """Read a frame that the typed parser refuses: an event of another kind, or a field of another type."""
    try:
        kind = _TYPE_ONLY.decode(frame).type
    except lenient.UNREADABLE as error:
        if isinstance(error, msgspec.ValidationError):
            raise WireError("not a Realtime event: wrong shape") from None
        frame, kind = _repaired(frame)
    if kind not in _SHAPES:
        return Unknown(kind)
    try:
        return _SHAPES[kind].read(frame)
    except LimitExceeded as error:
        raise LimitExceeded(f"a {kind} event with {error}") from None
    except WireError as error:
        raise WireError(f"a {kind} event with {error}", kind) from None


def _repaired(frame: str | bytes) -> tuple[bytes, str]:
    """Return a frame in the form that the strict parser accepts, and its type."""
    try:
        frame = lenient.repaired(frame if isinstance(frame, bytes) else frame.encode("utf-8", "surrogatepass"))
        return frame, _TYPE_ONLY.decode(frame).type
    except (*lenient.UNREADABLE, ValueError) as error:
        # A parser's message may quote what it could not read; only the kind of failure is reported.
        cause = "wrong shape" if isinstance(error, msgspec.ValidationError) else "broken JSON"
        raise WireError(f"not a Realtime event: {cause}") from None


def _may_be_audio(frame: str | bytes) -> bool:
    """Return whether either end of a frame names a type with audio: the audio itself lies between them."""
    ends = frame[:_END], frame[-_END:]
    return any(
        kind in (end if isinstance(end, bytes) else end.encode("utf-8", "replace"))
        for kind in _AUDIO_TYPES
        for end in ends
    )


_END = 4096
_LARGEST_LENIENT_FRAME = 4 * 2**20
"""Bytes of a frame that is read leniently, which takes five times as long as strict reading."""


# --- out -------------------------------------------------------------------------------------------------------------


class _Append(msgspec.Struct, tag_field="type", tag="input_audio_buffer.append"):
    audio: bytes


_ENCODER = msgspec.json.Encoder()


def append_audio(pcm: bytes) -> bytes:
    """Encode mono s16 samples at 24 kHz as ``input_audio_buffer.append``."""
    return _ENCODER.encode(_Append(pcm))


def update_session(session: dict[str, Any]) -> bytes:
    """Encode ``session.update``; ``None`` values are sent as null, which has a meaning there."""
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
    """Encode ``response.cancel``, always with the id: without one it can hit the next response."""
    return _ENCODER.encode({"type": "response.cancel", "response_id": response_id})


def tool_output(call_id: str, output: str) -> bytes:
    """Encode a tool's output; ``output`` is JSON text and is sent as a string, as the protocol requires."""
    item = {"type": "function_call_output", "call_id": call_id, "output": output}
    return _ENCODER.encode({"type": "conversation.item.create", "item": item})


def message(role: str, text: str, *, after: str = "") -> bytes:
    """Encode something said earlier as an item of the conversation; ``role`` is "user" or "assistant".

    Words of the role "system" are nobody's: a note for the model.

    It is inserted behind the item ``after``, else at the end.
    """
    content = {"type": "output_text" if role == "assistant" else "input_text", "text": text}
    item = {"type": "message", "role": role, "content": [content]}
    place = {"previous_item_id": after} if after else {}
    return _ENCODER.encode({"type": "conversation.item.create", **place, "item": item})


def create_response(*, may_call_tools: bool, instructions: str = "", name: str = "") -> bytes:
    """Encode ``response.create``; ``instructions`` replace the session's own for this one answer, called ``name``."""
    response: dict[str, Any] = {} if may_call_tools else {"tool_choice": "none"}
    response |= {"instructions": instructions} if instructions else {}
    response |= {"metadata": {"edgevoice": name}} if name else {}
    return _ENCODER.encode({"type": "response.create", **({"response": response} if response else {})})
