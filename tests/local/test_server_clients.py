"""Existing clients hold a spoken conversation with the local service: a tool call, an answer, an interruption.

The events of each client are in ``tests/data/clients``, as it sent them to this service when it was recorded;
the first line names its version. What it receives is checked against the official types.
"""

import asyncio
import base64
from typing import Any

import pytest
from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter

from edgevoice.local.speech.recogniser import PhonemeRecogniser
from edgevoice.local.speech.voice import HibariVoice
from tests.local.played import FOLDER, conversation, lines_of

CLIENTS = [
    "livekit-js",
    "livekit-python",
    "minimal",
    "openai-agents-js",
    "openai-agents-python",
    "pipecat",
    "telephone",
]
EXACT: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)
COMPLETED = "conversation.item.input_audio_transcription.completed"
SPOKEN = "response.output_audio_transcript.done"


@pytest.mark.parametrize("name", CLIENTS)
def test_an_existing_client_gets_calls_and_answers_and_interrupts(
    name: str, voice: HibariVoice, recogniser: PhonemeRecogniser
) -> None:
    lines = lines_of(name)

    events = asyncio.run(conversation(lines, voice, recogniser))

    for event in events:
        EXACT.validate_python(event)
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
    # The story was cut off, and the service accepts how much of it was heard.
    (cut,) = [response for response in responses if response["status"] == "cancelled"]
    truncated = [event["item_id"] for event in events if event["type"] == "conversation.item.truncated"]
    assert cut["output"][0]["id"] in truncated
    assert "Okay." in answers
    sound = [event["delta"] for event in events if event["type"] == "response.output_audio.delta"]
    assert len(b"".join(map(base64.b64decode, sound))) > 16_000


def test_every_recording_is_played() -> None:
    # Mastra's is of OpenAI's first protocol, and is played with that.
    assert sorted(file.stem for file in FOLDER.glob("*.jsonl")) == sorted([*CLIENTS, "mastra"])
