"""What a client may send: one typed record per event, checked before anything is done. No I/O."""

from typing import Annotated, Any, Literal

import msgspec

from edgevoice.local.session import Modality, RequestRefused, Tool, refusal_of


class ContentPart(msgspec.Struct, frozen=True):
    """A piece of a message."""

    type: Literal["input_text", "input_audio", "output_text", "output_audio", "text", "audio"]
    text: str | None = None
    transcript: str | None = None


class MessageItem(msgspec.Struct, frozen=True, tag_field="type", tag="message"):
    """Something said or written."""

    role: Literal["user", "assistant", "system"]
    content: Annotated[list[ContentPart], msgspec.Meta(min_length=1)]
    id: str | None = None


class FunctionCallItem(msgspec.Struct, frozen=True, tag_field="type", tag="function_call"):
    """A call that was made before, put back into the conversation by a client that carries it over."""

    call_id: str
    name: str
    arguments: str
    id: str | None = None


class FunctionCallOutputItem(msgspec.Struct, frozen=True, tag_field="type", tag="function_call_output"):
    """What a tool answered; ``output`` is text, JSON by custom."""

    call_id: str
    output: str
    id: str | None = None


NewItem = MessageItem | FunctionCallItem | FunctionCallOutputItem


class ResponseParameters(msgspec.Struct, frozen=True):
    """What a client may set for one response; unknown fields are ignored."""

    instructions: str = ""
    output_modalities: Annotated[list[Modality], msgspec.Meta(min_length=1)] | None = None
    conversation: Literal["auto", "none"] = "auto"
    tools: list[Tool] | None = None
    tool_choice: str | dict[str, Any] = "auto"
    input: list[NewItem] | None = None
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


class AppendAudio(msgspec.Struct, frozen=True):
    """Base64 of uplink audio."""

    audio: str


class CommitAudio(msgspec.Struct, frozen=True):
    """End the user's turn by hand."""


class ClearAudio(msgspec.Struct, frozen=True):
    """Forget the uplink audio that is not yet an item."""


class CreateItem(msgspec.Struct, frozen=True):
    """Put an item into the conversation; after ``previous_item_id``, ``root`` being the front.

    ``event_id`` is kept, of whatever kind it is, because this event may be refused long after it came.
    """

    item: NewItem
    previous_item_id: str | None = None
    event_id: Any = None


class TruncateItem(msgspec.Struct, frozen=True):
    """Forget what the room did not hear of an answer."""

    item_id: str
    audio_end_ms: Annotated[int, msgspec.Meta(ge=0)]
    content_index: int = 0


class DeleteItem(msgspec.Struct, frozen=True):
    """Take an item out of the conversation."""

    item_id: str


class RetrieveItem(msgspec.Struct, frozen=True):
    """Show an item."""

    item_id: str


class CreateResponse(msgspec.Struct, frozen=True):
    """Answer now."""

    response: ResponseParameters = ResponseParameters()


class CancelResponse(msgspec.Struct, frozen=True):
    """Stop answering; without an id whatever runs."""

    response_id: str | None = None


class ClearOutput(msgspec.Struct, frozen=True):
    """Stop sound that is not part of a response."""


ClientEvent = (
    SessionUpdate
    | AppendAudio
    | CommitAudio
    | ClearAudio
    | CreateItem
    | TruncateItem
    | DeleteItem
    | RetrieveItem
    | CreateResponse
    | CancelResponse
    | ClearOutput
)

_EVENTS: dict[str, type[ClientEvent]] = {
    "session.update": SessionUpdate,
    "input_audio_buffer.append": AppendAudio,
    "input_audio_buffer.commit": CommitAudio,
    "input_audio_buffer.clear": ClearAudio,
    "conversation.item.create": CreateItem,
    "conversation.item.truncate": TruncateItem,
    "conversation.item.delete": DeleteItem,
    "conversation.item.retrieve": RetrieveItem,
    "response.create": CreateResponse,
    "response.cancel": CancelResponse,
    "output_audio_buffer.clear": ClearOutput,
}


def parse(frame: str | bytes) -> dict[str, Any]:
    """Return the event in ``frame`` as an object; raise RequestRefused when it holds none."""
    try:
        event = msgspec.json.decode(frame)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise RequestRefused("invalid_json", "The frame is not JSON") from None
    if not isinstance(event, dict):
        raise RequestRefused("invalid_event", "The frame is not a JSON object")
    return event


def typed(event: dict[str, Any]) -> ClientEvent:
    """Return the checked record of ``event``; raise RequestRefused when it is unknown or holds a bad value."""
    kind = event.get("type")
    if not isinstance(kind, str):
        raise RequestRefused("missing_required_parameter", "The event has no type", param="type")
    if kind not in _EVENTS:
        raise RequestRefused("unknown_event_type", f"No such event: {kind[:80]}", param="type")
    try:
        # `"response": null` is sent by serialisers that write every field.
        return msgspec.convert({name: value for name, value in event.items() if value is not None}, _EVENTS[kind])
    except msgspec.ValidationError as error:
        raise refusal_of(error) from None
