"""OpenAI's first Realtime protocol, for the clients that still ask for it: Mastra's voice package holds a talk."""

import asyncio
from collections.abc import Callable

import pytest

from edgevoice.local.first_protocol import newer, older
from edgevoice.local.speech.recogniser import PhonemeRecogniser
from edgevoice.local.speech.voice import HibariVoice
from tests.local.client import Client
from tests.local.played import conversation, lines_of

COMPLETED = "conversation.item.input_audio_transcription.completed"


def test_mastras_voice_client_gets_calls_and_answers_interrupts_speaks_and_listens(
    voice: HibariVoice, recogniser: PhonemeRecogniser
) -> None:
    lines = lines_of("mastra")

    events = asyncio.run(conversation(lines, voice, recogniser))

    kinds = {event["type"] for event in events}
    assert "error" not in kinds
    assert {"response.audio.delta", "response.audio_transcript.done", "conversation.item.created"} < kinds
    assert not [kind for kind in kinds if "output_" in kind and "output_item" not in kind]
    assert not kinds & {"conversation.item.added", "conversation.item.done"}
    heard = [event["transcript"] for event in events if event["type"] == COMPLETED]
    assert heard == [step["say"].rstrip("?.") for step in lines if "say" in step]
    responses = [event["response"] for event in events if event["type"] == "response.done"]
    assert [response["status"] for response in responses].count("cancelled") == 1
    items = [item for response in responses for item in response["output"]]
    calls = [(item["name"], item["arguments"]) for item in items if item["type"] == "function_call"]
    assert calls == [("getCurrentTime", "{}")]
    answers = [event["transcript"] for event in events if event["type"] == "response.audio_transcript.done"]
    assert answers == ["It is nine thirty one in the evening.", "Okay.", "Dinner is ready."]
    # Speech to text: an item of audio, and a response that repeats its words.
    assert responses[-1]["modalities"] == ["text"]
    assert items[-1]["content"] == [{"type": "text", "text": "thank you"}]
    assert {part["type"] for item in items for part in item.get("content", ())} == {"audio", "text"}


def test_the_session_is_shown_flat(voice: HibariVoice, recogniser: PhonemeRecogniser) -> None:
    flat = {
        "modalities": ["text"],
        "voice": "alloy",
        "speed": 1.1,
        "input_audio_format": "g711_alaw",
        "output_audio_format": "g711_ulaw",
        "input_audio_transcription": {"model": "whisper-1"},
        "input_audio_noise_reduction": {"type": "near_field"},
        "turn_detection": None,
        "max_response_output_tokens": 50,
        "instructions": "Be brief.",
        "tools": [],
    }
    head = {"headers": {"OpenAI-Beta": "realtime=v1"}}
    update = {"send": {"type": "session.update", "session": flat}}

    events = asyncio.run(conversation([head, update, {"await": "session.updated"}], voice, recogniser))

    shown = events[-1]["session"]
    assert flat.items() <= shown.items()
    assert "audio" not in shown


def test_one_response_may_have_the_first_protocols_parameters(talk: Callable[..., None]) -> None:
    async def ask(client: Client) -> None:
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "thank you"}]}
        await client.send("response.create", response={"input": [item], "modalities": ["text"]})
        assert (await client.answered())["output"][0]["content"] == [
            {"type": "output_text", "text": "You are welcome."}
        ]

    talk(ask, is_openai=True)


@pytest.mark.parametrize(
    ("response", "made"),
    [
        ({"modalities": ["text"]}, {"output_modalities": ["text"]}),
        ({"modalities": ["text"], "output_modalities": ["audio"]}, {"output_modalities": ["audio"]}),
        ({"output_audio_format": "pcm16"}, {"audio": {"output": {"format": "pcm16"}}}),
        ({"instructions": "a"}, {"instructions": "a"}),
        (None, None),
        (5, 5),
    ],
)
def test_parameters_of_a_response_are_translated_to_the_current_names(response: object, made: object) -> None:
    assert newer({"type": "response.create", "response": response}) == {"type": "response.create", "response": made}


def test_fields_without_another_name_stay_as_they_are() -> None:
    event = {"type": "input_audio_buffer.speech_started", "event_id": "e", "item_id": "i", "audio_start_ms": 5}

    assert older(event) == event
    assert older({"type": "conversation.item.done", "item": {}}) is None
