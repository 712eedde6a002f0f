"""OpenAI's own Realtime client holds a spoken conversation with the local service, over TCP."""

import asyncio
import base64
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection
from openai.types.realtime import (
    RealtimeFunctionTool,
    RealtimeServerEvent,
    RealtimeSessionCreateRequest,
    ResponseDoneEvent,
    SessionCreatedEvent,
)
from openai.types.realtime.realtime_conversation_item_function_call import RealtimeConversationItemFunctionCall
from pydantic import TypeAdapter
from websockets.exceptions import InvalidStatus

from edgevoice.local.server import LocalService
from edgevoice.local.speech.recogniser import PhonemeRecogniser
from edgevoice.local.speech.voice import HibariVoice
from tests.local.client import LIMIT_S, question

EXACT: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)
CLOCK: dict[str, Any] = {
    "type": "function",
    "name": "get_current_time",
    "description": "Tell the time",
    "parameters": {"type": "object", "properties": {}},
}
SESSION: dict[str, Any] = {
    "type": "realtime",
    "instructions": "You are a speaker in a kitchen.",
    "output_modalities": ["audio"],
    "tools": [CLOCK],
    "audio": {
        "input": {
            "format": {"type": "audio/pcm", "rate": 24000},
            "transcription": {"model": "gpt-4o-mini-transcribe"},
            "turn_detection": {"type": "server_vad", "create_response": True, "interrupt_response": True},
        },
        "output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "alloy"},
    },
}


class Conversation:
    """The client's connection, and everything that came over it, held against the official types."""

    def __init__(self, connection: AsyncRealtimeConnection) -> None:
        self.connection = connection
        self.events: list[RealtimeServerEvent] = []

    async def until(self, kind: str) -> Any:
        async with asyncio.timeout(LIMIT_S):
            while True:
                event = await self.connection.recv()
                # The client itself does not validate events; the types are checked here.
                EXACT.validate_python(event.model_dump(exclude_unset=True))
                self.events.append(event)
                if event.type == kind:
                    return event

    async def say(self, pcm: bytes) -> None:
        for start in range(0, len(pcm), 4800):
            chunk = base64.b64encode(pcm[start : start + 4800]).decode()
            await self.connection.input_audio_buffer.append(audio=chunk)

    def heard(self) -> bytes:
        """The answers' audio so far."""
        deltas = [event.delta for event in self.events if event.type == "response.output_audio.delta"]
        return b"".join(base64.b64decode(delta) for delta in deltas)

    def transcripts(self, kind: str) -> list[str]:
        return [str(getattr(event, "transcript", "")) for event in self.events if event.type == kind]


@asynccontextmanager
async def connected(service: LocalService) -> AsyncGenerator[Conversation]:
    host = service.url.removeprefix("ws://").partition("/")[0]
    client = AsyncOpenAI(api_key="sk-local", websocket_base_url=f"ws://{host}/v1")
    async with client, client.realtime.connect(model="gpt-realtime") as connection:
        yield Conversation(connection)


def test_openais_client_asks_aloud_gets_a_call_for_the_time_and_hears_the_answer(
    voice: HibariVoice, recogniser: PhonemeRecogniser
) -> None:
    async def scene() -> None:
        async with (
            LocalService(voice=voice, recogniser=recogniser, pace=1000.0) as service,
            connected(service) as talk,
        ):
            created = await talk.until("session.created")
            assert isinstance(created, SessionCreatedEvent)
            assert isinstance(created.session, RealtimeSessionCreateRequest)
            assert created.session.model == "gpt-realtime"
            await talk.connection.session.update(session=SESSION)  # type: ignore[arg-type] # plain JSON of that shape
            updated = await talk.until("session.updated")
            assert [tool.name for tool in updated.session.tools or []] == ["get_current_time"]
            assert isinstance(updated.session.tools[0], RealtimeFunctionTool)

            await talk.say(question(voice, "What time is it?"))
            asked = await talk.until("response.done")
            assert isinstance(asked, ResponseDoneEvent)
            (call,) = asked.response.output or []
            assert isinstance(call, RealtimeConversationItemFunctionCall)
            assert (call.name, call.arguments) == ("get_current_time", "{}")
            assert talk.transcripts("conversation.item.input_audio_transcription.completed") == ["What time is it"]
            assert talk.heard() == b""

            await talk.connection.conversation.item.create(
                item={"type": "function_call_output", "call_id": str(call.call_id), "output": '{"time":"18:04"}'}
            )
            await talk.connection.response.create()
            told = await talk.until("response.done")
            assert told.response.status == "completed"
            answer = "It is six oh four in the evening."
            assert talk.transcripts("response.output_audio_transcript.done") == [answer]
            assert talk.heard() == voice.say(answer, 1.0)

            # A second turn, spoken, in the same session.
            await talk.say(question(voice, "Thank you."))
            thanked = await talk.until("response.done")
            assert thanked.response.output[0].content[0].transcript == "You are welcome."
            kinds = {event.type for event in talk.events}
            assert "error" not in kinds
            assert len(kinds) >= 20

    asyncio.run(scene())


def test_openais_client_interrupts_and_the_server_accepts_its_truncation(
    voice: HibariVoice, recogniser: PhonemeRecogniser
) -> None:
    async def scene() -> None:
        async with (
            LocalService(voice=voice, recogniser=recogniser, pace=8.0) as service,
            connected(service) as talk,
        ):
            await talk.connection.session.update(session=SESSION)  # type: ignore[arg-type] # plain JSON of that shape
            await talk.until("session.updated")
            await talk.say(question(voice, "Tell me a story."))
            first = await talk.until("response.output_audio.delta")
            await talk.say(question(voice, "Stop."))
            cut = await talk.until("response.done")
            assert (cut.response.status, cut.response.status_details.reason) == ("cancelled", "turn_detected")
            await talk.connection.conversation.item.truncate(item_id=first.item_id, content_index=0, audio_end_ms=40)
            assert (await talk.until("conversation.item.truncated")).audio_end_ms == 40

    asyncio.run(scene())


@pytest.mark.parametrize(("path", "status"), [("/v2", 404), ("", 404)])
def test_an_openai_client_on_another_path_gets_404(
    path: str, status: int, voice: HibariVoice, recogniser: PhonemeRecogniser
) -> None:
    async def scene() -> None:
        async with LocalService(voice=voice, recogniser=recogniser) as service:
            host = service.url.removeprefix("ws://").partition("/")[0]
            client = AsyncOpenAI(api_key="sk-local", websocket_base_url=f"ws://{host}{path}")
            with pytest.raises(InvalidStatus, match=str(status)):
                await client.realtime.connect(model="gpt-realtime").enter()

    asyncio.run(scene())


def test_a_client_of_openais_has_to_name_its_model(voice: HibariVoice, recogniser: PhonemeRecogniser) -> None:
    async def scene() -> None:
        async with LocalService(voice=voice, recogniser=recogniser) as service:
            host = service.url.removeprefix("ws://").partition("/")[0]
            client = AsyncOpenAI(api_key="sk-local", websocket_base_url=f"ws://{host}/v1")
            with pytest.raises(InvalidStatus) as refused:
                await client.realtime.connect().enter()
            body = json.loads(refused.value.response.body or b"")
            assert body["error"]["code"] == "invalid_request"

    asyncio.run(scene())
