"""One response on the wire: its events in the real service's order, its speech faster than real time."""

import asyncio
import base64
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from edgevoice.local import response_status
from edgevoice.local.audio_format import PCM, AudioFormat
from edgevoice.local.conversation import ConversationItem, ConversationItems
from edgevoice.local.mind.brain import Reply
from edgevoice.local.mind.calls import RequestedCall
from edgevoice.local.response_status import Cut
from edgevoice.local.socket import EventSender
from edgevoice.local.speech.voice import SAMPLE_RATE_HZ, Voice, sentences

# The first delta is short, so that sound can begin; the others vary around 100 ms, as in the real service.
_FIRST_DELTA_MS = 40
_DELTAS_MS = (100, 80, 120, 90, 110)
_WORDS_PER_DELTA = 3
_CHARACTERS_PER_DELTA = 12
_STRAY_DELTAS = 2


class _WasCut(Exception):
    """The user spoke, the client cancelled, or the service failed while the response was being sent."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a response is spoken: at ``pace`` times real time, in ``form`` on the wire."""

    pace: float
    form: AudioFormat = PCM
    speed: float = 1.0
    has_audio: bool = True


@dataclass(slots=True)
class _Part:
    """The only content part of the current message."""

    item: ConversationItem
    output_index: int
    said: list[str] = field(default_factory=list)
    sent_bytes: int = 0


class ResponseSender:
    """Send one reply; ``run`` is its life, ``cut`` ends it early.

    Without a ``conversation`` the reply belongs to none, and its items are not announced there.
    """

    def __init__(
        self,
        reply: Reply,
        *,
        line: EventSender,
        conversation: ConversationItems | None,
        voice: Voice,
        manner: Delivery,
        metadata: Mapping[str, str] | None,
    ) -> None:
        self.id = line.new_id("resp")
        self._reply = reply
        self._line = line
        self._conversation = conversation
        self._voice = voice
        self._manner = manner
        self._metadata = metadata
        self._items: list[ConversationItem] = []
        self._cut: asyncio.Future[Cut] = asyncio.get_running_loop().create_future()
        self._stray: list[bytes] = []

    def cut(self, reason: Cut) -> None:
        """Stop after the event that is being written."""
        if not self._cut.done():
            self._cut.set_result(reason)

    @property
    def audio_ms(self) -> int:
        """How much speech was sent."""
        return sum(item.audio_ms or 0 for item in self._items)

    @property
    def calls(self) -> set[str]:
        """The ids of the calls it has made."""
        return {item.body["call_id"] for item in self._items if item.kind == "function_call"}

    async def run(self) -> dict[str, Any]:
        """Send everything except ``response.done``; return the content of that event, for the caller to send.

        Raises ConnectionClosed if the client has left.
        """
        await self._line.send("response.created", response=self._document("in_progress"))
        try:
            await self._wait(0)
            if self._reply.speech:
                await self._message(self._reply.speech)
            for call in self._reply.calls:
                await self._function_call(call)
        except _WasCut:
            status, details = response_status.STATUS_DETAILS[self._cut.result()]
            return self._document(status, details=details)
        return self._document("completed")

    def _document(self, status: str, details: dict[str, Any] | None = None) -> dict[str, Any]:
        output = [item.body for item in self._items]
        tokens = sum(len(item.text().split()) for item in self._items)
        usage = {"total_tokens": tokens, "input_tokens": 0, "output_tokens": tokens}
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": status,
            "status_details": details,
            "output": output,
            "output_modalities": ["audio" if self._manner.has_audio else "text"],
            "metadata": self._metadata,
            "usage": None if status == "in_progress" else usage,
        }

    async def _add(self, body: dict[str, Any]) -> tuple[ConversationItem, str | None, int]:
        item = ConversationItem(body)
        index = len(self._items)
        self._items.append(item)
        previous_id = self._conversation.add(item) if self._conversation is not None else None
        await self._line.send("response.output_item.added", response_id=self.id, output_index=index, item=body)
        if self._conversation is not None:
            await self._line.send("conversation.item.added", previous_item_id=previous_id, item=body)
        return item, previous_id, index

    async def _end(self, item: ConversationItem, previous_id: str | None, index: int) -> None:
        item.body["status"] = "completed"
        if self._conversation is not None:
            await self._line.send("conversation.item.done", previous_item_id=previous_id, item=item.body)
        await self._line.send("response.output_item.done", response_id=self.id, output_index=index, item=item.body)

    async def _message(self, words: str) -> None:
        body = {"id": self._line.new_id("item"), "object": "realtime.item", "type": "message", "role": "assistant"}
        item, previous_id, index = await self._add({**body, "status": "in_progress", "content": []})
        part = _Part(item, index)
        item.audio_ms = 0 if self._manner.has_audio else None
        empty = {"type": "audio", "transcript": ""} if self._manner.has_audio else {"type": "text", "text": ""}
        await self._send_part("response.content_part.added", part, part=empty)
        try:
            for number, sentence in enumerate(sentences(words)):
                await self._sentence(part, f" {sentence}" if number else sentence)
        except _WasCut:
            await self._send_strays(part)
            self._write_down(part, status="incomplete")
            raise
        self._write_down(part, status="in_progress")
        said = "".join(part.said)
        if self._manner.has_audio:
            await self._send_part("response.output_audio.done", part)
            await self._send_part("response.output_audio_transcript.done", part, transcript=said)
            await self._send_part("response.content_part.done", part, part={"type": "audio", "transcript": said})
        else:
            await self._send_part("response.output_text.done", part, text=said)
            await self._send_part("response.content_part.done", part, part={"type": "text", "text": said})
        await self._end(item, previous_id, index)

    def _write_down(self, part: _Part, *, status: str) -> None:
        said = "".join(part.said)
        content = {"type": "output_audio", "transcript": said}
        part.item.body["content"] = [content if self._manner.has_audio else {"type": "output_text", "text": said}]
        part.item.body["status"] = status
        if part.item.audio_ms is not None:
            # What the client has truncated from the current answer must not come back with the rest of its words.
            part.item.shorten(part.item.audio_ms)

    async def _sentence(self, part: _Part, sentence: str) -> None:
        kind = "response.output_audio_transcript.delta" if self._manner.has_audio else "response.output_text.delta"
        for delta in word_groups(sentence):
            part.said.append(delta)
            await self._send_part(kind, part, delta=delta)
            await self._wait(0)
        if not self._manner.has_audio:
            return
        pcm = await self._spoken(sentence)
        form = self._manner.form
        deltas = [*_deltas(form.encode(pcm, SAMPLE_RATE_HZ), form, is_first=part.sent_bytes == 0)]
        for number, chunk in enumerate(deltas):
            self._stray = deltas[number + 1 : number + 1 + _STRAY_DELTAS]
            await self._send_audio(part, chunk)
            await self._wait(form.duration_ms(len(chunk)) / 1000 / self._manner.pace)
        self._stray = []

    async def _spoken(self, sentence: str) -> bytes:
        making = asyncio.create_task(asyncio.to_thread(self._voice.say, sentence, self._manner.speed))
        ends: list[asyncio.Future[Any]] = [making, self._cut]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if self._cut.done():
                raise _WasCut
            return await making
        finally:
            # A thread cannot be stopped, but nothing has to wait for it.
            making.cancel()

    async def _send_strays(self, part: _Part) -> None:
        # Sent before the user began to speak; the real service delivers it between speech_started and done.
        for stray in self._stray if self._cut.result() == "turn_detected" else []:
            await self._send_audio(part, stray)

    async def _send_audio(self, part: _Part, chunk: bytes) -> None:
        part.sent_bytes += len(chunk)
        # Before the frame is sent: the client may truncate what it has long before the whole answer is sent.
        part.item.audio_ms = self._manner.form.duration_ms(part.sent_bytes)
        await self._send_part("response.output_audio.delta", part, delta=base64.b64encode(chunk).decode())

    async def _send_part(self, event_type: str, place: _Part, **fields: Any) -> None:
        await self._line.send(
            event_type,
            response_id=self.id,
            item_id=place.item.id,
            output_index=place.output_index,
            content_index=0,
            **fields,
        )

    async def _function_call(self, call: RequestedCall) -> None:
        made = msgspec.json.encode(call.arguments).decode() if call.arguments else self._line.dialect.no_arguments
        arguments = call.raw or made
        body = {"id": self._line.new_id("item"), "object": "realtime.item", "type": "function_call", "name": call.name}
        call_id = self._line.new_id("call")
        body |= {"call_id": call_id, "arguments": "", "status": "in_progress"}
        item, previous_id, index = await self._add(body)
        place = {"response_id": self.id, "item_id": item.id, "output_index": index, "call_id": call_id}
        try:
            for delta in _pieces(arguments, _CHARACTERS_PER_DELTA):
                await self._line.send("response.function_call_arguments.delta", **place, delta=delta)
                await self._wait(0)
        except _WasCut:
            body["status"] = "incomplete"
            raise
        body["arguments"] = arguments
        await self._line.send("response.function_call_arguments.done", **place, name=call.name, arguments=arguments)
        await self._end(item, previous_id, index)

    async def _wait(self, seconds: float) -> None:
        if not self._cut.done():
            await self._line.pause(seconds, self._cut)
        if self._cut.done():
            raise _WasCut


def word_groups(sentence: str) -> Iterator[str]:
    """Return ``sentence`` split into increments of a few words, which joined give the sentence again."""
    words = sentence.split(" ")
    for start in range(0, len(words), _WORDS_PER_DELTA):
        group = " ".join(words[start : start + _WORDS_PER_DELTA])
        yield f" {group}" if start else group


def _pieces(text: str, size: int) -> Iterator[str]:
    for start in range(0, len(text), size):
        yield text[start : start + size]


def _deltas(audio: bytes, form: AudioFormat, *, is_first: bool) -> Iterator[bytes]:
    start = 0
    sizes = itertools.chain([_FIRST_DELTA_MS] if is_first else [], itertools.cycle(_DELTAS_MS))
    while start < len(audio):
        size = next(sizes) * form.rate_hz // 1000 * form.sample_bytes
        yield audio[start : start + size]
        start += size
