"""The answering side of one connection: at most one response at a time, and what waits for its end."""

import asyncio
import time
from dataclasses import dataclass

import msgspec

from edgevoice.local.behaviour import Behaviour
from edgevoice.local.client_events import (
    FunctionCallItem,
    FunctionCallOutputItem,
    ItemCreate,
    ItemReference,
    MessageItem,
    NewItem,
    ResponseParameters,
)
from edgevoice.local.conversation import ConversationItem, ConversationItems
from edgevoice.local.mind import brain
from edgevoice.local.refusals import RequestRefused
from edgevoice.local.response import Delivery, ResponseSender
from edgevoice.local.response_status import Cut
from edgevoice.local.session import SessionState, declared_in
from edgevoice.local.socket import EventSender
from edgevoice.local.speech.voice import Voice

_PLAYED_LATER_S = 0.5
"""How far a client's playback may lag behind an answer: its buffers, and the network."""


@dataclass(slots=True)
class FirstWords:
    """Words spoken once, before the first answer of a service."""

    words: str

    def before(self, speech: str) -> str:
        """Return ``speech``, the first time with the announcement in front of it."""
        if not self.words or not speech:
            return speech
        words, self.words = self.words, ""
        return f"{words} {speech}"


@dataclass(frozen=True, slots=True)
class _Held:
    """A tool's output that arrived while a response was running, and the client's event that brought it."""

    item: ConversationItem
    event: ItemCreate


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedParts:
    """What answers need; shared by all connections of a service."""

    voice: Voice
    behaviour: Behaviour
    announcement: FirstWords
    pace: float


class Answers:
    """Create, cut and finish responses; ``group`` runs them."""

    def __init__(self, means: SharedParts, line: EventSender, session: SessionState, group: asyncio.TaskGroup) -> None:
        self.conversation = ConversationItems()
        self._means = means
        self._line = line
        self._session = session
        self._group = group
        self._active: ResponseSender | None = None
        self._task: asyncio.Task[None] | None = None
        self._held: list[_Held] = []
        # The calls of the latest response with any that have no output yet.
        self._awaited: set[str] = set()
        self._owes_turn = False
        self._count = 0
        self._sounds_until_s = 0.0

    @property
    def may_sound(self) -> bool:
        """Whether the client may still be playing an answer: answers are sent faster than real time."""
        return self._active is not None or time.monotonic() < self._sounds_until_s

    async def create(self, parameters: ResponseParameters) -> None:
        """Begin a response; raise RequestRefused while another one runs."""
        if self._active is not None:
            # OpenAI's wording, which existing clients search for.
            message = (
                f"Conversation already has an active response in progress: {self._active.id}. "
                "Wait until the response is finished before creating a new one."
            )
            raise RequestRefused("conversation_already_has_active_response", message)
        settings = self._session.settings
        note = self.conversation.fresh_note()
        request = self._request(parameters, note)
        self._count += 1
        reply = self._means.behaviour.answer(request)
        if note is not None:
            note.is_used = not reply.calls
        modalities = parameters.output_modalities or settings.output_modalities
        output = settings.audio.output
        form = parameters.audio.output.format or output.format
        self._active = ResponseSender(
            brain.Reply(self._means.announcement.before(reply.speech), reply.calls),
            line=self._line,
            conversation=self.conversation if parameters.conversation != "none" else None,
            voice=self._means.voice,
            manner=Delivery(self._means.pace, form, output.speed, has_audio="audio" in modalities),
            metadata=parameters.metadata,
        )
        self._task = self._group.create_task(self._run(self._active))

    async def answer_turn(self) -> None:
        """Answer what the user has just said, as soon as a running response ends."""
        self._awaited.clear()
        if self._active is None:
            await self.create(ResponseParameters())
        else:
            self._owes_turn = True

    async def cut(self, reason: Cut, response_id: str | None = None) -> bool:
        """Cut the running response and wait for its ``response.done``; return whether there was one (with that id)."""
        if self._active is None or self._task is None or response_id not in {None, self._active.id}:
            return False
        self._active.cut(reason)
        await asyncio.wait({self._task})
        return True

    def stop(self) -> None:
        """Drop the running response, because the client has left."""
        if self._task is not None:
            self._task.cancel()

    async def place(self, event: ItemCreate) -> ConversationItem:
        """Put a client's item into the conversation and return it; a tool's output waits for the running response.

        Raises RequestRefused if that is not possible.
        """
        new, after = event.item, event.previous_item_id
        item = ConversationItem(_body(new, new.id or self._line.new_id("item")))
        if not isinstance(new, FunctionCallOutputItem):
            await self._announce(item, after)
            return item
        if self.conversation.call_item(new.call_id) is None:
            raise RequestRefused("invalid_tool_call_id", f"No such call: {new.call_id[:80]}", param="item.call_id")
        if self._active is not None:
            # On a copy, as if the wait were over: refuse now what would be refused then.
            ConversationItems([*self.conversation.items, *(held.item for held in self._held)]).add(item, after=after)
            self._held.append(_Held(item, event))
            return item
        await self._announce(item, after)
        await self._after_output()
        return item

    async def _announce(self, item: ConversationItem, after: str | None) -> None:
        previous_id = self.conversation.add(item, after=after)
        await self._line.send("conversation.item.added", previous_item_id=previous_id, item=item.body)
        await self._line.send("conversation.item.done", previous_item_id=previous_id, item=item.body)
        if item.kind == "function_call_output" and item.body["call_id"] in self._awaited:
            self._awaited.discard(item.body["call_id"])
            self._owes_turn |= not self._awaited and self._session.settings.provider_data.auto_tool_response

    async def _after_output(self) -> None:
        if self._owes_turn and self._active is None:
            self._owes_turn = False
            await self.create(ResponseParameters())

    async def _run(self, response: ResponseSender) -> None:
        begun_s = time.monotonic()
        document = await response.run()
        self._sounds_until_s = begun_s + response.audio_ms / 1000 + _PLAYED_LATER_S
        # Before the frame is sent: a client may answer response.done at once with response.create.
        self._active = None
        await self._line.send("response.done", response=document)
        if document["status"] == "completed" and response.calls:
            self._awaited = response.calls
        held, self._held = self._held, []
        for output in held:
            try:
                await self._announce(output.item, output.event.previous_item_id)
            except RequestRefused as refused:
                # Meanwhile the client has deleted the item that this one should follow, or used its id for another.
                await self._line.refuse(
                    refused, {"type": "conversation.item.create", "event_id": output.event.event_id}
                )
        await self._after_output()

    def _request(self, parameters: ResponseParameters, note: ConversationItem | None) -> brain.Prompt:
        settings = self._session.settings
        source = self.conversation
        if parameters.input is not None:
            source = ConversationItems([self._named(new, number) for number, new in enumerate(parameters.input)])
        results = source.fresh_results()
        may_call = parameters.tool_choice != "none" and settings.tool_choice != "none"
        tools = settings.tools if parameters.tools is None else parameters.tools
        return brain.Prompt(
            text=source.last_message("user") if results else source.unanswered_text(),
            is_sure=source.is_sure(),
            results=results,
            tools=declared_in(tools) if may_call else {},
            declared=declared_in(settings.tools),
            directions=parameters.instructions,
            instructions=settings.instructions,
            past=self.conversation.results(),
            last_answer=self.conversation.last_message("assistant"),
            turn=self._count,
            note=note.text() if note is not None else "",
        )

    def _named(self, new: NewItem | ItemReference, number: int) -> ConversationItem:
        if isinstance(new, ItemReference):
            return self.conversation.find(new.id, param=f"response.input[{number}].id")
        return ConversationItem(_body(new, f"input_{number}"))


def _body(new: NewItem, item_id: str) -> dict[str, object]:
    body: dict[str, object] = {"id": item_id, "object": "realtime.item", "status": "completed"}
    match new:
        case MessageItem():
            parts = []
            for part in new.content:
                part_body = {"type": part.type, "text": part.text, "transcript": part.transcript}
                kept = {name: said for name, said in part_body.items() if said is not None}
                # Null until it is transcribed, as in a turn.
                parts.append({"transcript": None, **kept} if part.type == "input_audio" else kept)
            return body | {"type": "message", "role": new.role, "content": parts}
        case FunctionCallItem():
            return body | {
                "type": "function_call",
                "name": new.name,
                "call_id": new.call_id or item_id,
                "arguments": new.arguments,
            }
        case FunctionCallOutputItem():
            output = new.output if isinstance(new.output, str) else msgspec.json.encode(new.output).decode()
            return body | {"type": "function_call_output", "call_id": new.call_id, "output": output}
