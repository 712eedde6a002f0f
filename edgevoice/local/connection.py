"""One client of the local service: checks its events, obeys them, and answers in the order of arrival."""

import asyncio
import contextlib
import dataclasses
import time
from collections.abc import Mapping
from typing import Any, assert_never

import msgspec
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed, ConnectionClosedOK

from edgevoice.local import client_items, first_protocol
from edgevoice.local.answers import Answers, SharedParts
from edgevoice.local.audio_format import AudioFormat
from edgevoice.local.backchannel import Backchannels
from edgevoice.local.client_events import (
    ClientEvent,
    InputAudioBufferAppend,
    InputAudioBufferClear,
    InputAudioBufferCommit,
    ItemCreate,
    ItemDelete,
    ItemRetrieve,
    ItemTruncate,
    OutputAudioBufferClear,
    ResponseCancel,
    ResponseCreate,
    ResponseParameters,
    SessionUpdate,
    parse,
    typed,
)
from edgevoice.local.conversation import ConversationItem
from edgevoice.local.dialect import Dialect
from edgevoice.local.recorder import WireRecorder
from edgevoice.local.refusals import RequestRefused, known_modalities
from edgevoice.local.response import word_groups
from edgevoice.local.response_status import Cut
from edgevoice.local.session import SessionState
from edgevoice.local.socket import EventSender
from edgevoice.local.speech.listener import Heard, Hypothesis, TurnHeard, TurnListener, UserSpeechStarted
from edgevoice.local.speech.recogniser import Recogniser

# As long as OpenAI's; nothing happens here when it is over.
_SESSION_S = 3600


class Connection:
    """Serve one client until it leaves. Implements ``behaviour.ServiceControls``."""

    def __init__(
        self,
        connection: ServerConnection,
        *,
        session: SessionState,
        means: SharedParts,
        recogniser: Recogniser,
        recorder: WireRecorder | None,
        group: asyncio.TaskGroup,
    ) -> None:
        self._connection = connection
        self._behaviour = behaviour = means.behaviour.for_client()
        self._recorder = recorder
        self._line = EventSender(connection, behaviour, recorder, session.dialect)
        self._session = session
        self._group = group
        self._beside = Backchannels(self._line, means.voice, means.pace)
        self._answers = Answers(dataclasses.replace(means, behaviour=behaviour), self._line, self._session, group)
        self._listener = TurnListener(behaviour.ears(recogniser), hears_turns=behaviour.hears_turns)
        self._listener.configure(self._detection)
        # The first bytes of a sample whose others are in the client's next event.
        self._partial_sample = b""
        # The item that the current turn will become.
        self._turn_item_id: str | None = None

    @property
    def _detection(self) -> Any:
        return self._session.settings.audio.input.turn_detection

    async def serve(self) -> None:
        """Send the greeting, then obey every event; return when the client has left."""
        attending: asyncio.Task[None] | None = None
        try:
            await self._line.send("session.created", session=self._session.document)
            attending = self._group.create_task(self._behaviour.attend(self))
            while True:
                # Undecoded: a text frame that is not UTF-8 deserves an answer, not the end of the connection.
                await self._receive(await self._connection.recv(decode=False))
        except ConnectionClosedOK:
            pass
        finally:
            self._answers.stop()
            await self._behaviour.left()
            if attending is not None:
                attending.cancel()

    @property
    def line(self) -> EventSender:
        """The client's connection."""
        return self._line

    @property
    def audio_ms(self) -> int:
        """How much audio the client has sent."""
        return self._listener.end_ms

    @property
    def turn_item_id(self) -> str | None:
        """The item that the current turn will become; None while the user is silent."""
        return self._turn_item_id

    async def say_backchannel(self, words: str, skipped: str | None = None, *, runs_on: bool = False) -> None:
        """Say a backchannel while the user speaks, or report why it was ``skipped``; it is not an answer.

        Returns when all of it is sent or the client has cleared it; at once if it ``runs_on``.
        """
        if skipped is not None:
            await self._beside.skip(skipped)
            return
        output = self._session.settings.audio.output
        saying = self._beside.say(words, output.speed, output.format)
        if runs_on:
            self._group.create_task(saying)
        else:
            await saying

    async def end_answer(self, reason: Cut) -> bool:
        """End the running answer; return whether there was one."""
        return await self._answers.cut(reason)

    async def _receive(self, frame: bytes) -> None:
        try:
            event = parse(frame)
        except RequestRefused as unreadable:
            refusal = await self._behaviour.unreadable(self._line, unreadable)
            if refusal is not None:
                await self._line.refuse(refusal, {})
            await self._behaviour.obeyed({})
            return
        if self._recorder is not None:
            self._recorder.event("client", event)
        seen = await self._behaviour.received(self._line, event)
        try:
            if seen is not None:
                made = first_protocol.newer(seen) if self._session.dialect.keeps_valid_rest else dict(seen)
                await self._obey(typed(made), seen)
        except RequestRefused as refused:
            await self._line.refuse(refused, event)
        await self._behaviour.obeyed(event)

    async def _obey(self, event: ClientEvent, source: Mapping[str, Any]) -> None:
        match event:
            case InputAudioBufferAppend():
                await self._append(event.audio)
            case SessionUpdate():
                form = self._input_format
                for refusal in self._session.update(event.session):
                    await self._line.refuse(refusal, source)
                if self._input_format != form:
                    self._partial_sample = b""
                self._listener.configure(self._detection)
                await self._line.send("session.updated", session=self._session.document)
            case InputAudioBufferCommit():
                await self._commit()
            case InputAudioBufferClear():
                self._listener.clear()
                self._partial_sample = b""
                self._turn_item_id = None
                await self._line.send("input_audio_buffer.cleared")
            case ResponseCreate():
                await self._create_response(event.response, source)
            case ResponseCancel():
                if not await self._answers.cut("client_cancelled", event.response_id):
                    # OpenAI's wording: clients recognise this harmless error by how it begins.
                    message = "Cancellation failed: no active response found"
                    raise RequestRefused("response_cancel_not_active", message)
            case OutputAudioBufferClear():
                await self._beside.silence()
                await self._line.send("output_audio_buffer.cleared")
            case ItemCreate() | ItemDelete() | ItemRetrieve() | ItemTruncate():
                await self._change_items(event, source)
            case _:
                assert_never(event)

    async def _create_response(self, parameters: ResponseParameters, source: Mapping[str, Any]) -> None:
        modalities, items = parameters.output_modalities, parameters.input
        refused: list[RequestRefused] = []
        if modalities is not None:
            kept, refused = known_modalities(modalities, "response.output_modalities")
            modalities = kept or None
        if items is not None:
            items = []
            for number, item in enumerate(parameters.input or ()):
                where = f"response.input[{number}]"
                taken, strange = client_items.takeable(item, where)
                refused += strange
                if taken is not None:
                    items.append((await self._with_words(taken, where))[0])
        for refusal in refused:
            await self._line.refuse(refusal, source)
        await self._answers.create(msgspec.structs.replace(parameters, output_modalities=modalities, input=items))

    async def _change_items(
        self, event: ItemCreate | ItemDelete | ItemRetrieve | ItemTruncate, source: Mapping[str, Any]
    ) -> None:
        items = self._answers.conversation
        match event:
            case ItemCreate():
                await self._create_item(event, source)
            case ItemDelete():
                items.delete(event.item_id)
                await self._line.send("conversation.item.deleted", item_id=event.item_id)
            case ItemRetrieve():
                await self._line.send("conversation.item.retrieved", item=items.find(event.item_id).body)
            case ItemTruncate():
                items.truncate(event.item_id, event.content_index, event.audio_end_ms)
                await self._line.send(
                    "conversation.item.truncated",
                    item_id=event.item_id,
                    content_index=event.content_index,
                    audio_end_ms=event.audio_end_ms,
                )

    async def _create_item(self, event: ItemCreate, source: Mapping[str, Any]) -> None:
        if event.item.id is not None and event.item.id == self._turn_item_id:
            raise RequestRefused("item_already_exists", "The user's turn becomes that item", param="item.id")
        item, refused = client_items.takeable(event.item, "item")
        for refusal in refused:
            await self._line.refuse(refusal, source)
        if item is None:
            return
        _, said = await self._with_words(item, "item")
        placed = await self._answers.place(msgspec.structs.replace(event, item=item))
        for index, heard in said.items():
            await self._tell_words(placed, index, heard)

    async def _with_words(
        self, item: client_items.Given, where: str
    ) -> tuple[client_items.Given, dict[int, TurnHeard]]:
        return await client_items.with_words(item, where, listener=self._listener, form=self._input_format)

    @property
    def _input_format(self) -> AudioFormat:
        return self._session.settings.audio.input.format

    async def _append(self, audio: str) -> None:
        form = self._input_format
        data = self._partial_sample + client_items.from_base64(audio, "audio")
        whole = len(data) - len(data) % form.sample_bytes
        self._partial_sample = data[whole:]
        pcm, rate_hz = form.decode(data[:whole]), form.rate_hz
        if self._recorder is not None:
            self._recorder.uplink(pcm, rate_hz)
        async with contextlib.aclosing(self._listener.hear(pcm, rate_hz)) as hearing:
            async for heard in hearing:
                await self.hear(heard)

    async def hear(self, heard: Heard, *, may_answer: bool = True) -> None:
        """Treat something as heard from the user, and send and do what follows."""
        match heard:
            case UserSpeechStarted(start_ms):
                self._turn_item_id = self._line.new_id("item")
                self._listener.is_over_answer = self._answers.may_sound
                await self._line.send(
                    "input_audio_buffer.speech_started", audio_start_ms=start_ms, item_id=self._turn_item_id
                )
                if self._detection is not None and self._detection.interrupt_response:
                    await self._answers.cut("turn_detected")
            case Hypothesis(text):
                # A text that may still change is not an increment.
                if self._session.dialect.rewrites_transcripts:
                    await self._transcribed("delta", self._turn_item_id, delta=text)
            case TurnHeard(end_ms):
                await self._stopped(end_ms)
                await self._take_turn(heard)
                if may_answer and self._answers_turns:
                    await self._answers.answer_turn()

    @property
    def _answers_turns(self) -> bool:
        wants_answers = self._session.settings.type == "realtime"
        return wants_answers and self._detection is not None and self._detection.create_response

    async def _commit(self) -> None:
        was_speaking = self._listener.is_speaking
        heard = await self._listener.commit()
        if was_speaking:
            await self._stopped(heard.end_ms)
        # A turn that the client ends is answered when the client asks for it.
        await self._take_turn(heard)

    async def _stopped(self, end_ms: int) -> None:
        await self._line.send("input_audio_buffer.speech_stopped", audio_end_ms=end_ms, item_id=self._turn_item_id)

    async def _take_turn(self, heard: TurnHeard) -> None:
        item_id, self._turn_item_id = self._turn_item_id or self._line.new_id("item"), None
        body = {"id": item_id, "object": "realtime.item", "type": "message", "status": "completed", "role": "user"}
        item = ConversationItem({**body, "content": [{"type": "input_audio", "transcript": None}]})
        previous_id = self._answers.conversation.add(item)
        await self._line.send("input_audio_buffer.committed", previous_item_id=previous_id, item_id=item_id)
        await self._line.send("conversation.item.added", previous_item_id=previous_id, item=item.body)
        await self._line.send("conversation.item.done", previous_item_id=previous_id, item=item.body)
        await self._tell_words(item, 0, heard)

    async def _tell_words(self, item: ConversationItem, index: int, heard: TurnHeard) -> None:
        """Send what was said in a part of the user's item, and store it there."""
        item.body["content"][index]["transcript"] = heard.text
        item.is_sure = item.is_sure and heard.is_sure
        transcript = heard.text.capitalize()
        deltas = [heard.text] if self._session.dialect.rewrites_transcripts else word_groups(transcript)
        for delta in deltas if heard.text else ():
            await self._transcribed("delta", item.id, index, delta=delta)
        usage = {"type": "duration", "seconds": heard.duration_ms / 1000}
        await self._transcribed("completed", item.id, index, transcript=transcript, usage=usage)

    async def _transcribed(self, what: str, item_id: str | None, index: int = 0, **fields: Any) -> None:
        if self._session.settings.audio.input.transcription is not None:
            await self._line.send(
                f"conversation.item.input_audio_transcription.{what}", item_id=item_id, content_index=index, **fields
            )


def session_of(session_id: str, openai_model: str | None, dialect: Dialect) -> SessionState:
    """Return a session with the service's defaults, or with OpenAI's if the client names its model in the address."""
    expires_at = int(time.time()) + _SESSION_S
    session = SessionState(session_id, expires_at=expires_at, dialect=dialect)
    if openai_model is None:
        return session
    # In that dialect the client always requests the answer after a tool.
    wanted = {"model": openai_model} if openai_model else {"type": "transcription"}
    session.update({**wanted, "providerData": {"auto_tool_response": False}})
    return session


async def serve(
    connection: ServerConnection,
    session: SessionState,
    means: SharedParts,
    recogniser: Recogniser,
    recorder: WireRecorder | None,
) -> None:
    """Serve one client until it leaves; nothing of it is running when this returns."""
    try:
        async with asyncio.TaskGroup() as group:
            client = Connection(
                connection,
                session=session,
                means=means,
                recogniser=recogniser,
                recorder=recorder,
                group=group,
            )
            await client.serve()
    except* ConnectionClosed:
        # Clients may leave at any time, even in the middle of an answer.
        pass
