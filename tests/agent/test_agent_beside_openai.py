"""The official OpenAI client and the library face hold the same conversation with the local service, event for event.

Both speak to one process of the service over WebSockets, ask for a tool, and interrupt a story.
"""

import asyncio
import base64
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection

from edgevoice.agent import events
from edgevoice.agent.agent import Agent
from edgevoice.agent.events import AgentEvent
from edgevoice.agent.voice import RealtimeVoice
from edgevoice.core.notices import Role
from edgevoice.local.process import READY
from edgevoice.local.speech.voice import HibariVoice
from tests.agent.conftest import watched
from tests.local.client import question
from tests.waiting import eventually

LIMIT_S = 40.0
TIME = '"2026-11-29T08:15:00"'
ANSWER = "It is eight fifteen in the morning."
CHUNK_BYTES = 4800


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The address, without scheme, of a local service that runs as a process of its own."""
    command = [sys.executable, "-m", "edgevoice.local", "--port", "0", "--until-stdin-closes"]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        lines = list(iter(process.stdout.readline, f"{READY}\n"))
        yield lines[0].split("ws://")[1].partition("/")[0]
        process.stdin.close()


def get_current_time() -> str:
    """Tell the time."""
    return "2026-11-29T08:15:00"


@dataclass
class Seen:
    """One side's conversation, in the names of the library face; ``steps`` holds each event once per run of equals."""

    steps: list[tuple[str, ...]] = field(default_factory=list)
    sound: bytearray = field(default_factory=bytearray)

    def add(self, *step: str) -> None:
        if self.steps[-1:] != [step]:
            self.steps.append(step)

    def count(self, name: str) -> int:
        return sum(step[0] == name for step in self.steps)

    def turn(self, number: int) -> list[tuple[str, ...]]:
        """Return what happened in one turn of the user, from the moment at which they began to speak."""
        starts = [at for at, step in enumerate(self.steps) if step == ("speech_started",)]
        return self.steps[starts[number] : [*starts, len(self.steps)][number + 1]]


# --- the library face -------------------------------------------------------------------------------------------------


def of_agent(event: AgentEvent, seen: Seen) -> None:
    match event:
        case events.SpeechStarted() | events.SpeechStopped() | events.Interrupted():
            seen.add(event.name)
        case events.Writing(role=Role.USER, text=text, is_final=True):
            seen.add("writing", "user", text)
        case events.Writing(role=Role.ASSISTANT):
            seen.add("writing", "assistant")
        case events.Speaking(audio=audio):
            seen.sound += audio
            seen.add("speaking")
        case events.ToolCallStart(tool=tool, arguments=arguments):
            seen.add("tool_call_start", tool, arguments)
        case events.ToolCallResult(output=output):
            seen.add("tool_call_result", output)
        case events.TurnDone(status=status, was_interrupted=was_interrupted):
            seen.add("turn_done", status, str(was_interrupted))
        case _:
            pass


async def played(agent: Agent) -> None:
    """Play at five times the pace of speech: a story is still sounding when it is interrupted."""
    while True:
        agent.read(2400)
        await asyncio.sleep(0.02)


@asynccontextmanager
async def agent_talks(address: str, seen: Seen) -> AsyncIterator[Callable[[bytes], Any]]:
    voice = RealtimeVoice(url=f"ws://{address}/v1/realtime?model=gpt-realtime", api_key="sk-local")
    agent = Agent(voice=voice, tools=[get_current_time], playback="pull")

    async def send(pcm: bytes) -> None:
        for start in range(0, len(pcm), CHUNK_BYTES):
            agent.send(pcm[start : start + CHUNK_BYTES])
            await asyncio.sleep(0)

    async with agent:
        stream: list[AgentEvent] = []
        for name in events.NAMES:
            agent.on(name, lambda event: of_agent(event, seen))
        tasks = [asyncio.create_task(played(agent)), asyncio.create_task(watched(agent, stream))]
        yield send
        for task in tasks:
            task.cancel()


# --- the official client ----------------------------------------------------------------------------------------------


class OpenAITalk:
    """A program on the official client: it answers calls, and finds out about interruptions as such programs do."""

    def __init__(self, connection: AsyncRealtimeConnection, seen: Seen) -> None:
        self._connection = connection
        self._seen = seen
        self._answering = self._interrupted = ""

    async def send(self, pcm: bytes) -> None:
        for start in range(0, len(pcm), CHUNK_BYTES):
            await self._connection.input_audio_buffer.append(
                audio=base64.b64encode(pcm[start : start + CHUNK_BYTES]).decode()
            )

    async def receive(self) -> None:
        async for event in self._connection:
            await self._take(event)

    async def _take(self, event: Any) -> None:
        seen = self._seen
        match event.type:
            case "input_audio_buffer.speech_started":
                seen.add("speech_started")
                if self._answering:
                    # What was on its way may still arrive, and must not be heard.
                    self._interrupted = self._answering
                    seen.add("interrupted")
            case "input_audio_buffer.speech_stopped":
                seen.add("speech_stopped")
            case "conversation.item.input_audio_transcription.completed":
                seen.add("writing", "user", event.transcript)
            case "response.output_audio_transcript.delta" | "response.output_audio_transcript.done":
                seen.add("writing", "assistant")
            case "response.output_audio.delta" if event.response_id != self._interrupted:
                self._answering = event.response_id
                seen.sound += base64.b64decode(event.delta)
                seen.add("speaking")
            case "response.done":
                await self._ended(event.response)
            case _:
                pass

    async def _ended(self, response: Any) -> None:
        self._answering = ""
        calls = [item for item in response.output if item.type == "function_call"]
        for call in calls:
            self._seen.add("tool_call_start", call.name, call.arguments)
            self._seen.add("tool_call_result", TIME)
            item: Any = {"type": "function_call_output", "call_id": call.call_id, "output": TIME}
            await self._connection.conversation.item.create(item=item)
        if calls:
            await self._connection.response.create()
        else:
            self._seen.add("turn_done", response.status, str(response.status == "cancelled"))


SESSION: dict[str, Any] = {
    "type": "realtime",
    "output_modalities": ["audio"],
    "tools": [{"type": "function", "name": "get_current_time", "description": "Tell the time.", "parameters": {}}],
    "audio": {"input": {"turn_detection": {"type": "semantic_vad", "eagerness": "low"}}},
}


@asynccontextmanager
async def openai_talks(address: str, seen: Seen) -> AsyncIterator[Callable[[bytes], Any]]:
    client = AsyncOpenAI(api_key="sk-local", websocket_base_url=f"ws://{address}/v1")
    async with client, client.realtime.connect(model="gpt-realtime") as connection:
        await connection.session.update(session=SESSION)  # type: ignore[arg-type] # plain JSON of that shape
        talk = OpenAITalk(connection, seen)
        receiving = asyncio.create_task(talk.receive())
        yield talk.send
        receiving.cancel()


# --- the conversation -------------------------------------------------------------------------------------------------


Talks = Callable[[str, Seen], Any]


def conversation(talks: Talks, address: str, voice: HibariVoice) -> Seen:
    """Ask for the time, then for a story, and stop it once it sounds."""
    seen = Seen()

    async def scene() -> None:
        async with asyncio.timeout(LIMIT_S), talks(address, seen) as send:
            await send(question(voice, "What time is it?"))
            await eventually(lambda: seen.count("turn_done") == 1, limit_s=LIMIT_S)
            first = bytes(seen.sound)
            await send(question(voice, "Tell me a story."))
            await eventually(lambda: len(seen.sound) > len(first), limit_s=LIMIT_S)
            await send(question(voice, "Stop."))
            await eventually(lambda: seen.count("turn_done") == 3, limit_s=LIMIT_S)
            del seen.sound[len(first) :]

    asyncio.run(scene())
    return seen


def test_both_see_the_same_events_words_calls_and_sound(address: str, voice: HibariVoice) -> None:
    by_agent = conversation(agent_talks, address, voice)
    by_client = conversation(openai_talks, address, voice)

    assert [by_agent.turn(number) for number in range(3)] == [by_client.turn(number) for number in range(3)]
    assert by_agent.sound == by_client.sound == voice.say(ANSWER, 1.0)
