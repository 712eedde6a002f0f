"""One client of the local service: its events are checked, obeyed, and answered in the order they came."""

import asyncio
import base64
import binascii
import contextlib
import time
from dataclasses import replace
from typing import Any, assert_never

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from edgevoice.local.answers import Answers, Means
from edgevoice.local.beside import Beside
from edgevoice.local.client_events import (
    AppendAudio,
    CancelResponse,
    ClearAudio,
    ClearOutput,
    ClientEvent,
    CommitAudio,
    CreateItem,
    CreateResponse,
    DeleteItem,
    RetrieveItem,
    SessionUpdate,
    TruncateItem,
    parse,
    typed,
)
from edgevoice.local.conversation import Item
from edgevoice.local.endings import Cut
from edgevoice.local.line import Line
from edgevoice.local.listener import Heard, Hypothesis, Listener, SpeechStarted, TurnHeard
from edgevoice.local.recogniser import Recogniser
from edgevoice.local.recorder import Recorder
from edgevoice.local.session import RequestRefused, Session

# As long as the best known service; nothing happens here when it is over.
_SESSION_S = 3600


class Connection:
    """Serve one client until it leaves. Implements ``behaviour.Service``."""

    def __init__(
        self,
        connection: ServerConnection,
        *,
        session: Session,
        means: Means,
        recogniser: Recogniser,
        recorder: Recorder | None,
        group: asyncio.TaskGroup,
    ) -> None:
        self._connection = connection
        self._behaviour = behaviour = means.behaviour.for_client()
        self._recorder = recorder
        self._line = Line(connection, behaviour, recorder)
        self._session = session
        self._group = group
        self._beside = Beside(self._line, means.voice, means.pace)
        self._answers = Answers(replace(means, behaviour=behaviour), self._line, self._session, group)
        self._listener = Listener(behaviour.ears(recogniser), hears_turns=behaviour.hears_turns)
        self._listener.configure(self._detection)
        # The item that the turn under way will become.
        self._turn_item_id: str | None = None

    @property
    def _detection(self) -> Any:
        return self._session.settings.audio.input.turn_detection

    async def serve(self) -> None:
        """Greet, then obey every event; return when the client has left."""
        attending: asyncio.Task[None] | None = None
        try:
            await self._line.send("session.created", session=self._session.document)
            attending = self._group.create_task(self._behaviour.attend(self))
            async for frame in self._connection:
                await self._receive(frame)
        finally:
            self._answers.stop()
            await self._behaviour.left()
            if attending is not None:
                attending.cancel()

    @property
    def line(self) -> Line:
        """The client's connection."""
        return self._line

    @property
    def audio_ms(self) -> int:
        """How much audio the client has sent."""
        return self._listener.end_ms

    @property
    def turn_item_id(self) -> str | None:
        """The item that the turn under way will become; None while the user is silent."""
        return self._turn_item_id

    async def say_beside(self, words: str, skipped: str | None = None, *, runs_on: bool = False) -> None:
        """Say something beside the user's own words, or tell why it was ``skipped``: a backchannel, and no answer.

        Returns when all of it is out or the client has cleared it, at once when it ``runs_on``.
        """
        if skipped is not None:
            await self._beside.skip(skipped)
            return
        saying = self._beside.say(words, self._session.settings.audio.output.speed)
        if runs_on:
            self._group.create_task(saying)
        else:
            await saying

    async def end_answer(self, reason: Cut) -> bool:
        """End the running answer, and tell whether there was one."""
        return await self._answers.cut(reason)

    async def _receive(self, frame: str | bytes) -> None:
        try:
            event = parse(frame)
        except RequestRefused as unreadable:
            refusal = await self._behaviour.unreadable(self._line, unreadable)
            if refusal is not None:
                await self._line.refuse(refusal, None)
            await self._behaviour.obeyed({})
            return
        if self._recorder is not None:
            self._recorder.event("client", event)
        seen = await self._behaviour.received(self._line, event)
        try:
            if seen is not None:
                await self._obey(typed(dict(seen)))
        except RequestRefused as refused:
            await self._line.refuse(refused, event.get("event_id"))
        await self._behaviour.obeyed(event)

    async def _obey(self, event: ClientEvent) -> None:
        match event:
            case AppendAudio():
                await self._append(event.audio)
            case SessionUpdate():
                self._session.update(event.session)
                self._listener.configure(self._detection)
                await self._line.send("session.updated", session=self._session.document)
            case CommitAudio():
                await self._commit()
            case ClearAudio():
                self._listener.clear()
                self._turn_item_id = None
                await self._line.send("input_audio_buffer.cleared")
            case CreateResponse():
                await self._answers.create(event.response)
            case CancelResponse():
                if not await self._answers.cut("client_cancelled", event.response_id):
                    raise RequestRefused("response_cancel_not_active", "No such response is running")
            case ClearOutput():
                await self._beside.silence()
                await self._line.send("output_audio_buffer.cleared")
            case CreateItem() | DeleteItem() | RetrieveItem() | TruncateItem():
                await self._change_items(event)
            case _:
                assert_never(event)

    async def _change_items(self, event: CreateItem | DeleteItem | RetrieveItem | TruncateItem) -> None:
        items = self._answers.conversation
        match event:
            case CreateItem():
                if event.item.id is not None and event.item.id == self._turn_item_id:
                    raise RequestRefused("item_already_exists", "The user's turn becomes that item", param="item.id")
                await self._answers.place(event)
            case DeleteItem():
                items.delete(event.item_id)
                await self._line.send("conversation.item.deleted", item_id=event.item_id)
            case RetrieveItem():
                await self._line.send("conversation.item.retrieved", item=items.find(event.item_id).body)
            case TruncateItem():
                items.truncate(event.item_id, event.content_index, event.audio_end_ms)
                await self._line.send(
                    "conversation.item.truncated",
                    item_id=event.item_id,
                    content_index=event.content_index,
                    audio_end_ms=event.audio_end_ms,
                )

    async def _append(self, audio: str) -> None:
        try:
            pcm = base64.b64decode(audio, validate=True)
        except (binascii.Error, ValueError):
            raise RequestRefused("invalid_value", "The audio is not base64", param="audio") from None
        rate_hz = self._session.settings.audio.input.format.rate
        if self._recorder is not None:
            self._recorder.uplink(pcm, rate_hz)
        async with contextlib.aclosing(self._listener.hear(pcm, rate_hz)) as hearing:
            async for heard in hearing:
                await self.hear(heard)

    async def hear(self, heard: Heard, *, may_answer: bool = True) -> None:
        """Take something as heard from the user, and tell and do what follows from it."""
        match heard:
            case SpeechStarted(start_ms):
                self._turn_item_id = self._line.new_id("item")
                await self._line.send(
                    "input_audio_buffer.speech_started", audio_start_ms=start_ms, item_id=self._turn_item_id
                )
                if self._detection is not None and self._detection.interrupt_response:
                    await self._answers.cut("turn_detected")
            case Hypothesis(text):
                await self._transcribed("delta", self._turn_item_id, delta=text)
            case TurnHeard(end_ms):
                await self._stopped(end_ms)
                await self._take_turn(heard)
                if may_answer and self._detection is not None and self._detection.create_response:
                    await self._answers.answer_turn()

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
        part: dict[str, Any] = {"type": "input_audio", "transcript": None}
        item_id, self._turn_item_id = self._turn_item_id or self._line.new_id("item"), None
        body = {"id": item_id, "object": "realtime.item", "type": "message", "status": "completed", "role": "user"}
        item = Item({**body, "content": [part]})
        previous_id = self._answers.conversation.add(item)
        await self._line.send("input_audio_buffer.committed", previous_item_id=previous_id, item_id=item_id)
        await self._line.send("conversation.item.added", previous_item_id=previous_id, item=item.body)
        await self._line.send("conversation.item.done", previous_item_id=previous_id, item=item.body)
        part["transcript"] = heard.text
        if heard.text:
            await self._transcribed("delta", item_id, delta=heard.text)
        usage = {"type": "duration", "seconds": heard.duration_ms / 1000}
        await self._transcribed("completed", item_id, transcript=heard.text.capitalize(), usage=usage)

    async def _transcribed(self, what: str, item_id: str | None, **fields: Any) -> None:
        if self._session.settings.audio.input.transcription is not None:
            await self._line.send(
                f"conversation.item.input_audio_transcription.{what}", item_id=item_id, content_index=0, **fields
            )


def session_of(session_id: str, openai_model: str | None) -> Session:
    """Return a session with the service's defaults, or with OpenAI's for a client that names its model at the door."""
    session = Session(session_id, expires_at=int(time.time()) + _SESSION_S)
    if openai_model is not None:
        # There the client asks for the answer after a tool, always.
        session.update({"model": openai_model, "providerData": {"auto_tool_response": False}})
    return session


async def serve(
    connection: ServerConnection, session: Session, means: Means, recogniser: Recogniser, recorder: Recorder | None
) -> None:
    """Serve one client until it leaves; nothing of it runs any more when this returns."""
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
        # Clients leave as they please, in the middle of an answer too.
        pass
