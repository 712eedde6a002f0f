"""What a client may send: one typed record per event, checked before use. No I/O."""

from typing import Annotated, Any, Literal

import msgspec

from edgevoice.local.audio_format import AudioFormat, spelled_out
from edgevoice.local.refusals import RequestRefused, refusal_of
from edgevoice.local.serialiser_noise import DEEPEST, is_too_deep, tidied
from edgevoice.local.session import SessionTool


class ContentPart(msgspec.Struct, frozen=True):
    """A piece of a message; ``audio`` is base64 in the session's input format.

    ``type`` may be a kind that this service does not support; `client_items.takeable` drops it.
    """

    type: str
    text: str | None = None
    transcript: str | None = None
    audio: str | None = None


class MessageItem(msgspec.Struct, frozen=True, tag_field="type", tag="message"):
    """Something said or written."""

    role: Literal["user", "assistant", "system"]
    content: Annotated[list[ContentPart], msgspec.Meta(min_length=1)]
    id: str | None = None


class FunctionCallItem(msgspec.Struct, frozen=True, tag_field="type", tag="function_call"):
    """An earlier call, put back into the conversation by a client that carries it over."""

    name: str
    call_id: str | None = None
    arguments: str = ""
    id: str | None = None


class FunctionCallOutputItem(msgspec.Struct, frozen=True, tag_field="type", tag="function_call_output"):
    """A tool's output; ``output`` is text, by convention JSON, and JSON that is not text is converted to text."""

    call_id: str
    output: Any = ""
    id: str | None = None


class ItemReference(msgspec.Struct, frozen=True, tag_field="type", tag="item_reference"):
    """A reference to an item of the conversation that a response should answer."""

    id: str


NewItem = MessageItem | FunctionCallItem | FunctionCallOutputItem


class ResponseOutput(msgspec.Struct, frozen=True):
    """What one response sounds like; without a ``format`` like the others."""

    format: AudioFormat | None = None


class ResponseAudio(msgspec.Struct, frozen=True):
    """The audio of one response."""

    output: ResponseOutput = ResponseOutput()


class ResponseParameters(msgspec.Struct, frozen=True):
    """What a client may set for one response; unknown fields are ignored."""

    instructions: str = ""
    # Checked one by one, so that an unknown one does not invalidate the response.
    output_modalities: Annotated[list[Any], msgspec.Meta(min_length=1)] | None = None
    audio: ResponseAudio = ResponseAudio()
    conversation: str = "auto"
    tools: list[SessionTool] | None = None
    tool_choice: str | dict[str, Any] = "auto"
    input: list[NewItem | ItemReference] | None = None
    # Sixteen pairs of strings; the service's release notes of July 2026.
    metadata: (
        Annotated[
            dict[Annotated[str, msgspec.Meta(max_length=64)], Annotated[str, msgspec.Meta(max_length=512)]],
            msgspec.Meta(max_length=16),
        ]
        | None
    ) = None


class SessionUpdate(msgspec.Struct, frozen=True):
    """Merge these settings into the session."""

    session: dict[str, Any]


class InputAudioBufferAppend(msgspec.Struct, frozen=True):
    """Base64 of uplink audio."""

    audio: str


class InputAudioBufferCommit(msgspec.Struct, frozen=True):
    """End the user's turn by hand."""


class InputAudioBufferClear(msgspec.Struct, frozen=True):
    """Discard the uplink audio that is not yet an item."""


class ItemCreate(msgspec.Struct, frozen=True):
    """Put an item into the conversation after ``previous_item_id``; ``root`` means the front.

    ``event_id`` is kept, whatever its type, because this event may be refused long after it arrived.
    """

    item: NewItem
    previous_item_id: str | None = None
    event_id: Any = None


class ItemTruncate(msgspec.Struct, frozen=True):
    """Discard the part of an answer that the room did not hear."""

    item_id: str
    audio_end_ms: Annotated[int, msgspec.Meta(ge=0)]
    content_index: int = 0


class ItemDelete(msgspec.Struct, frozen=True):
    """Delete an item from the conversation."""

    item_id: str


class ItemRetrieve(msgspec.Struct, frozen=True):
    """Show an item."""

    item_id: str


class ResponseCreate(msgspec.Struct, frozen=True):
    """Answer now."""

    response: ResponseParameters = ResponseParameters()


class ResponseCancel(msgspec.Struct, frozen=True):
    """Stop answering; without an id stop any answer."""

    response_id: str | None = None


class OutputAudioBufferClear(msgspec.Struct, frozen=True):
    """Stop sound that is not part of a response."""


ClientEvent = (
    SessionUpdate
    | InputAudioBufferAppend
    | InputAudioBufferCommit
    | InputAudioBufferClear
    | ItemCreate
    | ItemTruncate
    | ItemDelete
    | ItemRetrieve
    | ResponseCreate
    | ResponseCancel
    | OutputAudioBufferClear
)

_EVENTS: dict[str, type[ClientEvent]] = {
    "session.update": SessionUpdate,
    "input_audio_buffer.append": InputAudioBufferAppend,
    "input_audio_buffer.commit": InputAudioBufferCommit,
    "input_audio_buffer.clear": InputAudioBufferClear,
    "conversation.item.create": ItemCreate,
    "conversation.item.truncate": ItemTruncate,
    "conversation.item.delete": ItemDelete,
    "conversation.item.retrieve": ItemRetrieve,
    "response.create": ResponseCreate,
    "response.cancel": ResponseCancel,
    "output_audio_buffer.clear": OutputAudioBufferClear,
}


def parse(frame: str | bytes) -> dict[str, Any]:
    """Return the event in ``frame`` as an object; raise RequestRefused if it is not an event."""
    try:
        event = msgspec.json.decode(frame)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise RequestRefused("invalid_json", "The frame is not JSON") from None
    if not isinstance(event, dict):
        raise RequestRefused("invalid_event", "The frame is not a JSON object")
    if is_too_deep(event):
        raise RequestRefused("invalid_event", f"The event is nested deeper than {DEEPEST} levels")
    return event


def typed(event: dict[str, Any]) -> ClientEvent:
    """Return the checked record of ``event``; raise RequestRefused if it is unknown or has a bad value."""
    kind = event.get("type")
    if not isinstance(kind, str):
        raise RequestRefused("missing_required_parameter", "The event has no type", param="type")
    if kind not in _EVENTS:
        raise RequestRefused("unknown_event_type", f"No such event: {kind[:80]}", param="type")
    made = tidied(event)
    _spell_out_format(made.get("response"))
    try:
        return msgspec.convert(made, _EVENTS[kind])
    except msgspec.ValidationError as error:
        raise refusal_of(error) from None


def _spell_out_format(response: Any) -> None:
    """Replace a format that is only a name, in the parameters of a response."""
    output = response.get("audio") if isinstance(response, dict) else None
    output = output.get("output") if isinstance(output, dict) else None
    if isinstance(output, dict) and "format" in output:
        output["format"] = spelled_out(output["format"])
