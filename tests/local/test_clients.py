"""The clients that exist hold a spoken conversation with the local service: a tool call, an answer, an interruption.

What each of them sends is in ``tests/data/clients``, as it sent it to this service when its conversation was recorded;
the first line names its version. What it gets is held against the official types.
"""

import asyncio
import base64
import json
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter
from websockets.asyncio.client import connect

from edgevoice.local.audio_format import AudioFormat
from edgevoice.local.recogniser import PocketsphinxRecogniser
from edgevoice.local.script import filled
from edgevoice.local.server import LocalService
from edgevoice.local.speech import HibariVoice
from tests.local.client import HEADERS, Client, openai_address, question

FILES = sorted((Path(__file__).parent.parent / "data" / "clients").glob("*.jsonl"))
EXACT: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)
COMPLETED = "conversation.item.input_audio_transcription.completed"
SPOKEN = "response.output_audio_transcript.done"


class Played:
    """A recorded client: it says, awaits and sends what the file tells, with the ids of this conversation.

    What it awaits may have come already, since it last said something: the audio of a turn is sent in no time here.
    """

    def __init__(self, client: Client, voice: HibariVoice, form: AudioFormat) -> None:
        self._client = client
        self._voice = voice
        self._form = form
        self._names: dict[str, str | None] = {}
        self._came: Counter[str] = Counter()
        self._awaited: Counter[str] = Counter()

    async def take(self, step: dict[str, Any]) -> None:
        match step:
            case {"say": words}:
                self._came.clear()
                self._awaited.clear()
                await self._client.speak(self._form.encode(question(self._voice, words), 24_000))
            case {"await": kind}:
                self._awaited[kind] += 1
                while self._came[kind] < self._awaited[kind]:
                    await self._receive()
            case {"send": event}:
                await self._client.socket.send(json.dumps(filled(event, self._names)))
            case _:
                raise AssertionError(step)

    async def _receive(self) -> None:
        event = await self._client.receive()
        EXACT.validate_python(event)
        self._came[event["type"]] += 1
        if event["type"] == "conversation.item.added":
            item = event["item"]
            match item:
                case {"type": "function_call"}:
                    self._names |= {"call": item["call_id"], "call_item": item["id"]}
                case {"role": "assistant"}:
                    self._names["answer"] = item["id"]
                case {"role": "user"}:
                    self._names["question"] = item["id"]
                case _:
                    pass  # a tool's output: no step names it


async def conversation(
    lines: list[dict[str, Any]], voice: HibariVoice, recogniser: PocketsphinxRecogniser
) -> list[dict[str, Any]]:
    head, *steps = lines
    form = msgspec.convert({"type": head.get("format", "audio/pcm")}, AudioFormat)
    async with (
        LocalService(voice=voice, recogniser=recogniser, pace=8.0) as service,
        connect(openai_address(service), additional_headers=HEADERS, compression=None, max_size=None) as socket,
    ):
        client = Client(socket)
        played = Played(client, voice, form)
        for step in steps:
            await played.take(step)
    return client.events


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_client_that_exists_is_called_answered_and_interrupts(
    file: Path, voice: HibariVoice, recogniser: PocketsphinxRecogniser
) -> None:
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]

    events = asyncio.run(conversation(lines, voice, recogniser))

    assert [event for event in events if event["type"] == "error"] == []
    heard = [event["transcript"] for event in events if event["type"] == COMPLETED]
    assert heard == [step["say"].rstrip("?.") for step in lines if "say" in step]
    responses = [event["response"] for event in events if event["type"] == "response.done"]
    (called,) = [
        response for response in responses if any(item["type"] == "function_call" for item in response["output"])
    ]
    assert [(item["name"], item["arguments"]) for item in called["output"]] == [("get_current_time", "{}")]
    answers = [event["transcript"] for event in events if event["type"] == SPOKEN]
    assert "It is six oh four in the evening." in answers
    # The story was cut off, and the service believes how much of it was heard.
    (cut,) = [response for response in responses if response["status"] == "cancelled"]
    truncated = [event["item_id"] for event in events if event["type"] == "conversation.item.truncated"]
    assert cut["output"][0]["id"] in truncated
    assert "Okay." in answers
    sound = [event["delta"] for event in events if event["type"] == "response.output_audio.delta"]
    assert len(b"".join(map(base64.b64decode, sound))) > 16_000


def test_every_kind_of_client_is_among_them() -> None:
    assert {file.stem for file in FILES} == {
        "livekit-js",
        "livekit-python",
        "minimal",
        "openai-agents-js",
        "openai-agents-python",
        "pipecat",
        "telephone",
    }
