"""Items from a client: which content this service supports, and what is said in their audio. No I/O."""

import base64
import binascii
from typing import TypeVar

import msgspec

from edgevoice.local.audio_format import AudioFormat
from edgevoice.local.client_events import ItemReference, MessageItem, NewItem
from edgevoice.local.refusals import RequestRefused
from edgevoice.local.speech.listener import TurnHeard, TurnListener

_CONTENT_KINDS = frozenset({"input_text", "input_audio", "output_text", "output_audio", "text", "audio"})

Given = TypeVar("Given", bound=NewItem | ItemReference)


def takeable(item: Given, where: str) -> tuple[Given | None, list[RequestRefused]]:
    """Return ``item`` with the content that this service supports, and a refusal for every other part.

    The item is None if nothing of it is left; ``where`` names it.
    """
    if not isinstance(item, MessageItem):
        return item, []
    refused = [
        RequestRefused(
            "invalid_value",
            f"Unsupported content type {part.type[:40]!r}: use text or audio; everything else applies",
            param=f"{where}.content[{number}].type",
        )
        for number, part in enumerate(item.content)
        if part.type not in _CONTENT_KINDS
    ]
    kept = [part for part in item.content if part.type in _CONTENT_KINDS]
    return (msgspec.structs.replace(item, content=kept) if kept else None), refused


async def with_words(
    item: Given, where: str, *, listener: TurnListener, form: AudioFormat
) -> tuple[Given, dict[int, TurnHeard]]:
    """Return ``item`` with the words in its audio, and what was heard in each part, by the part's index.

    The audio is in ``form``. Raises RequestRefused if it is not base64 or too long; ``where`` names the item.
    """
    if not isinstance(item, MessageItem):
        return item, {}
    parts, heard = list(item.content), {}
    for index, part in enumerate(parts):
        # A part that comes with its transcript needs no recogniser.
        if part.type == "input_audio" and part.audio and not part.transcript:
            pcm = form.decode(from_base64(part.audio, f"{where}.content[{index}].audio"))
            heard[index] = await listener.words_of(pcm, form.rate_hz)
            parts[index] = msgspec.structs.replace(part, transcript=heard[index].text)
    return msgspec.structs.replace(item, content=parts), heard


def from_base64(text: str, where: str) -> bytes:
    """Return the bytes in ``text``; raise RequestRefused, which names ``where``, if it is not base64."""
    try:
        # Some encoders break lines.
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise RequestRefused("invalid_value", "The audio is not base64", param=where) from None
