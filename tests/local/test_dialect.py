"""What differs between Inworld's path and OpenAI's, over a real WebSocket."""

import asyncio
import base64
import json
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soxr
from websockets.asyncio.client import connect

from edgevoice.local.audio_format import AudioFormat
from edgevoice.local.server import LocalService
from edgevoice.local.speech.recogniser import PhonemeRecogniser
from edgevoice.local.speech.voice import HibariVoice, sentences
from tests.local.client import HEADERS, Client, dialled, openai_address, question
from tests.local.talking import Hears, Tone

SERVER_VAD = {"type": "server_vad"}
PATIENT = {"type": "semantic_vad", "eagerness": "low"}
CREATE = "conversation.item.create"
ROLLING = "conversation.item.input_audio_transcription.delta"
COMPLETED = "conversation.item.input_audio_transcription.completed"
DELTA = "response.output_audio.delta"


def spoken(audio: bytes, role: str = "user", **more: Any) -> dict[str, Any]:
    part = {"type": "input_audio", "audio": base64.b64encode(audio).decode(), **more}
    return {"type": "message", "role": role, "content": [part]}


def heard(client: Client) -> bytes:
    return b"".join(base64.b64decode(event["delta"]) for event in client.events if event["type"] == DELTA)


def test_openais_transcripts_come_in_increments(talk: Callable[..., None], voice: HibariVoice) -> None:
    async def ask(client: Client) -> None:
        await client.speak(question(voice, "Hey Jarvis.", 0.3, "What can you do?"))
        completed = await client.until(COMPLETED)
        deltas = [event["delta"] for event in client.events if event["type"] == ROLLING]
        assert len(deltas) >= 2
        assert "".join(deltas) == completed["transcript"] == "Hey jarvis what can you do"
        await client.answered()

    talk(ask, is_openai=True, turn_detection=PATIENT)


def test_inworlds_transcripts_are_rewritten(talk: Callable[..., None], voice: HibariVoice) -> None:
    async def ask(client: Client) -> None:
        await client.speak(question(voice, "Hey Jarvis.", 0.3, "What can you do?"))
        await client.until(COMPLETED)
        deltas = [event["delta"] for event in client.events if event["type"] == ROLLING]
        assert deltas[-1] == "hey jarvis what can you do"
        assert any(deltas[-1].startswith(delta) for delta in deltas[:-1])
        await client.answered()

    talk(ask, turn_detection=PATIENT)


@pytest.mark.parametrize(("is_openai", "arguments"), [(True, "{}"), (False, "")])
def test_a_call_without_arguments_carries_the_dialects_empty_value(
    is_openai: bool,  # noqa: FBT001 - a parameter of the test
    arguments: str,
    talk: Callable[..., None],
) -> None:
    async def ask(client: Client) -> None:
        await client.ask("what time is it")
        response = await client.answered()
        assert response["output"][0]["arguments"] == arguments
        deltas = [e["delta"] for e in client.events if e["type"] == "response.function_call_arguments.delta"]
        assert "".join(deltas) == arguments
        (done,) = [e for e in client.events if e["type"] == "response.function_call_arguments.done"]
        assert done["arguments"] == arguments

    talk(ask, is_openai=is_openai)


@pytest.mark.parametrize("is_openai", [True, False])
def test_errors_are_worded_as_clients_expect(
    is_openai: bool,  # noqa: FBT001 - a parameter of the test
    talk: Callable[..., None],
) -> None:
    async def ask(client: Client) -> None:
        error = await client.refused("response.cancel")
        assert error["code"] == "response_cancel_not_active"
        assert error["message"] == "Cancellation failed: no active response found"
        error = await client.refused("input_audio_buffer.commit")
        assert error["code"] == "input_audio_buffer_commit_empty"
        assert error["message"].startswith("Error committing input audio buffer: buffer too small.")
        await client.ask("tell me a story")
        response_id = (await client.until(DELTA))["response_id"]
        error = await client.refused("response.create")
        assert error["code"] == "conversation_already_has_active_response"
        told = f"Conversation already has an active response in progress: {response_id}."
        assert error["message"].startswith(told)
        await client.send("response.cancel")
        await client.answered()
        # An id that is not the running response's is nothing to cancel either.
        error = await client.refused("response.cancel", response_id=response_id)
        assert error["message"].startswith("Cancellation failed")

    talk(ask, is_openai=is_openai, pace=8.0)


def test_openais_error_codes_name_the_attempted_action(talk: Callable[..., None]) -> None:
    async def ask(client: Client) -> None:
        for verb in ("delete", "retrieve", "truncate"):
            error = await client.refused(f"conversation.item.{verb}", item_id="gone", audio_end_ms=1)
            assert error["code"] == f"item_{verb}_invalid_item_id"
        item = {"id": "mine", "type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello"}]}
        await client.send(CREATE, item=item)
        await client.until("conversation.item.done")
        assert (await client.refused(CREATE, item=item))["code"] == "item_create_duplicate_item_id"
        error = await client.refused(CREATE, item={**item, "id": "other"}, previous_item_id="gone")
        assert (error["code"], error["param"]) == ("item_not_found", "previous_item_id")

    talk(ask, is_openai=True)


def test_a_partly_refused_update_reports_the_error_and_applies_the_rest(talk: Callable[..., None]) -> None:
    async def ask(client: Client) -> None:
        tool = {"type": "function", "name": "get_current_time"}
        patch = {"tools": [tool], "output_modalities": ["text", "image"], "max_output_tokens": 0}
        error = await client.refused("session.update", session=patch)
        assert error["param"] == "session.output_modalities[1]"
        assert (await client.until("error"))["error"]["param"] == "session.max_output_tokens"
        session = (await client.until("session.updated"))["session"]
        assert (session["tools"], session["output_modalities"]) == ([tool], ["text"])
        await client.ask("what time is it")
        assert (await client.answered())["output"][0]["name"] == "get_current_time"

    talk(ask, is_openai=True, tools=[])


@pytest.mark.parametrize("is_openai", [True, False])
def test_an_image_is_refused_in_one_line_and_the_text_beside_it_is_answered(
    is_openai: bool,  # noqa: FBT001 - a parameter of the test
    talk: Callable[..., None],
) -> None:
    async def ask(client: Client) -> None:
        image = {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "low"}
        content = [image, {"type": "input_text", "text": "thank you"}]
        error = await client.refused(CREATE, item={"type": "message", "role": "user", "content": content})
        expected = "Unsupported content type 'input_image': use text or audio; everything else applies"
        assert (error["message"], error["param"]) == (expected, "item.content[0].type")
        item = (await client.until("conversation.item.done"))["item"]
        assert item["content"] == content[1:]
        error = await client.refused("response.create", response={"output_modalities": ["image", "text"]})
        assert error["param"] == "response.output_modalities[0]"
        response = await client.answered()
        assert response["output_modalities"] == ["text"]
        assert response["output"][0]["content"][0]["text"] == "You are welcome."

        # Nothing but an image makes no item, and no other modality means the session's.
        await client.refused(CREATE, item={"id": "m", "type": "message", "role": "user", "content": [image]})
        await client.refused("conversation.item.retrieve", item_id="m")
        asked = [
            {"type": "message", "role": "user", "content": [image]},
            {"type": "message", "role": "user", "content": content},
        ]
        await client.refused("response.create", response={"output_modalities": ["image"], "input": asked})
        assert (await client.until("error"))["error"]["param"] == "response.input[0].content[0].type"
        assert (await client.until("error"))["error"]["param"] == "response.input[1].content[0].type"
        response = await client.answered()
        assert response["output"][0]["content"][0]["transcript"] == "You are welcome."

    talk(ask, is_openai=is_openai)


FORMATS: list[Any] = [
    "audio/pcm",
    {"type": "audio/pcm", "rate": 48_000},
    {"type": "audio/pcm", "rate": 16_000},
    "g711_ulaw",
    {"type": "audio/pcma"},
    {"type": "audio/float32", "rate": 24_000},
]


def form_of(sent: Any) -> AudioFormat:
    names = {"g711_ulaw": AudioFormat("audio/pcmu"), "audio/pcm": AudioFormat()}
    return names[sent] if isinstance(sent, str) else AudioFormat(**sent)


@pytest.mark.parametrize("sent", FORMATS, ids=str)
def test_a_spoken_conversation_is_held_in_every_format(
    sent: Any, talk: Callable[..., None], voice: HibariVoice
) -> None:
    form = form_of(sent)

    async def ask(client: Client) -> None:
        asked = form.encode(question(voice, "Tell me a joke."), 24_000)
        # In pieces that end in the middle of a sample.
        await client.speak(asked, 4801)
        assert (await client.until(COMPLETED))["transcript"] == "Tell me a joke"
        response = await client.answered()
        words = response["output"][0]["content"][0]["transcript"]
        assert len(words) > 20
        pcm = np.frombuffer(form.decode(heard(client)), "<i2").astype(np.float32)
        once = np.concatenate(
            [np.frombuffer(voice.say(part, 1.0), "<i2").astype(np.float32) for part in sentences(words)]
        )
        expected = soxr.resample(once, 24_000, form.rate_hz)
        assert abs(pcm.size - expected.size) <= 0.01 * expected.size
        size = min(pcm.size, expected.size)
        # The same sound, but for what eight bits and another band cost.
        assert np.corrcoef(pcm[:size], expected[:size])[0, 1] > 0.98

    output = {"format": sent, "voice": {"id": "voice_1"}}
    talk(ask, is_openai=True, audio={"input": {"format": sent, "turn_detection": SERVER_VAD}, "output": output})


def test_one_response_may_have_its_own_format(talk: Callable[..., None], voice: HibariVoice) -> None:
    async def ask(client: Client) -> None:
        await client.ask("thank you")
        await client.answered()
        usual = len(heard(client))
        assert usual == len(voice.say("You are welcome.", 1.0))
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "thank you"}]}
        client.forget()
        response = {"input": [item], "audio": {"output": {"format": "g711_ulaw", "voice": "alloy"}}}
        await client.send("response.create", response=response)
        await client.answered()
        assert abs(len(heard(client)) - usual / 6) <= 2

    talk(ask, is_openai=True)


@pytest.mark.parametrize("is_openai", [True, False])
def test_a_spoken_item_is_transcribed_and_answered_like_a_turn(
    is_openai: bool,  # noqa: FBT001 - a parameter of the test
    talk: Callable[..., None],
    voice: HibariVoice,
) -> None:
    async def ask(client: Client) -> None:
        await client.send(CREATE, item={"id": "said", **spoken(question(voice, "What time is it?"))})
        added = await client.until("conversation.item.added")
        assert added["item"]["content"] == [{"type": "input_audio", "transcript": None}]
        completed = await client.until(COMPLETED)
        assert (completed["item_id"], completed["content_index"]) == ("said", 0)
        assert completed["transcript"] == "What time is it"
        await client.send("conversation.item.retrieve", item_id="said")
        assert (await client.until("conversation.item.retrieved"))["item"]["content"][0][
            "transcript"
        ] == "what time is it"
        await client.send("response.create")
        assert (await client.answered())["output"][0]["name"] == "get_current_time"

    talk(ask, is_openai=is_openai)


def test_a_spoken_item_is_in_the_sessions_input_format(talk: Callable[..., None], voice: HibariVoice) -> None:
    form = AudioFormat("audio/pcma")

    async def ask(client: Client) -> None:
        await client.send("session.update", session={"audio": {"input": {"format": "g711_alaw"}}})
        # Text beside audio: each part counts at its own position.
        item = spoken(form.encode(question(voice, "Tell me a joke."), 24_000))
        item["content"].insert(0, {"type": "input_text", "text": "please"})
        await client.send(CREATE, item=item)
        completed = await client.until(COMPLETED)
        assert (completed["content_index"], completed["transcript"]) == (1, "Tell me a joke")
        await client.send("response.create")
        assert len((await client.answered())["output"][0]["content"][0]["transcript"]) > 20

    talk(ask, is_openai=True)


def test_a_spoken_response_may_be_requested_outside_the_conversation(
    talk: Callable[..., None], voice: HibariVoice
) -> None:
    async def ask(client: Client) -> None:
        response = {"conversation": "none", "input": [spoken(question(voice, "Thank you."))]}
        await client.send("response.create", response=response)
        assert (await client.answered())["output"][0]["content"][0]["transcript"] == "You are welcome."
        assert COMPLETED not in client.kinds()

    talk(ask, is_openai=True)


def test_a_response_may_answer_items_that_it_names(talk: Callable[..., None]) -> None:
    async def ask(client: Client) -> None:
        for item_id, text in (("a", "thank you"), ("b", "tell me a joke")):
            part = {"type": "input_text", "text": text}
            await client.send(CREATE, item={"id": item_id, "type": "message", "role": "user", "content": [part]})
        named = [{"type": "item_reference", "id": "a"}]
        await client.send("response.create", response={"input": named, "conversation": "none"})
        assert (await client.answered())["output"][0]["content"][0]["transcript"] == "You are welcome."
        named = [{"type": "item_reference", "id": "c"}]
        error = await client.refused("response.create", response={"input": named})
        assert error["param"] == "response.input[0].id"

    talk(ask, is_openai=True)


def test_a_spoken_item_with_a_transcript_is_not_transcribed_again(
    talk: Callable[..., None], voice: HibariVoice
) -> None:
    async def ask(client: Client) -> None:
        item = spoken(question(voice, "Tell me a joke."), transcript="Thank you")
        await client.send(CREATE, item=item)
        await client.send("response.create")
        assert (await client.answered())["output"][0]["content"][0]["transcript"] == "You are welcome."
        assert COMPLETED not in client.kinds()

    talk(ask, is_openai=True)


def test_a_silent_item_has_no_words_and_bad_audio_is_refused(talk: Callable[..., None]) -> None:
    async def ask(client: Client) -> None:
        await client.send(CREATE, item=spoken(bytes(48_000)))
        assert (await client.until(COMPLETED))["transcript"] == ""
        item = spoken(b"")
        item["content"][0]["audio"] = "no base64!"
        error = await client.refused(CREATE, item=item)
        assert (error["code"], error["param"]) == ("invalid_value", "item.content[0].audio")
        error = await client.refused("response.create", response={"input": [item]})
        assert error["param"] == "response.input[0].content[0].audio"
        error = await client.refused(CREATE, item=spoken(bytes(48_000 * 121)))
        assert error["message"] == "More than 120 seconds of audio"

    talk(ask, is_openai=True)


def test_a_transcription_session_answers_only_when_it_is_asked(talk: Callable[..., None], voice: HibariVoice) -> None:
    async def ask(client: Client) -> None:
        await client.speak(question(voice, "Thank you."))
        assert (await client.until(COMPLETED))["transcript"] == "Thank you"
        error = await client.refused("response.cancel")
        assert error["code"] == "response_cancel_not_active"

    talk(ask, is_openai=True, type="transcription", turn_detection=SERVER_VAD)


def test_half_a_sample_waits_for_its_other_half_but_not_across_formats_or_turns(tmp_path: Path) -> None:
    sound = bytes(range(256)) * 100

    def append(audio: bytes) -> dict[str, Any]:
        # With line ends, as some encoders make them.
        return {"type": "input_audio_buffer.append", "audio": base64.encodebytes(audio).decode()}

    def update(form: str) -> dict[str, Any]:
        return {"type": "session.update", "session": {"audio": {"input": {"format": form}}}}

    async def scene() -> None:
        async with (
            LocalService(voice=Tone(), recogniser=Hears(), record=tmp_path) as service,
            dialled(service) as client,
        ):
            for event in (
                append(sound[:1001]),
                append(sound[1001:2001]),
                append(sound[2001:4000] + b"!"),
                {"type": "input_audio_buffer.clear"},
                update("float32"),
                append(b"!!!"),
                update("pcm16"),
                append(sound[4000:]),
                {"type": "input_audio_buffer.clear"},
            ):
                await client.socket.send(json.dumps(event))
            for _ in range(2):
                await client.until("input_audio_buffer.cleared")
            assert "error" not in client.kinds()

    asyncio.run(scene())

    with wave.open(str(tmp_path / "uplink-1.wav")) as recording:
        assert recording.readframes(recording.getnframes()) == sound


def test_a_client_of_openais_transcription_needs_no_model_and_gets_no_answer(
    voice: HibariVoice, recogniser: PhonemeRecogniser
) -> None:
    settings = {
        "type": "transcription",
        "audio": {"input": {"transcription": {"model": "gpt-4o-transcribe"}, "turn_detection": SERVER_VAD}},
    }

    async def scene() -> None:
        async with LocalService(voice=voice, recogniser=recogniser, pace=1000.0) as service:
            address = openai_address(service, "?intent=transcription")
            async with connect(address, additional_headers=HEADERS, compression=None) as socket:
                client = Client(socket)
                created = await client.until("session.created")
                assert created["session"]["type"] == "transcription"
                await client.send("session.update", session=settings)
                await client.speak(question(voice, "Thank you."))
                assert (await client.until(COMPLETED))["transcript"] == "Thank you"
                await client.refused("response.cancel")
                assert "response.created" not in client.kinds()

    asyncio.run(scene())


def test_a_restored_call_needs_no_id_and_an_output_may_be_any_json(talk: Callable[..., None]) -> None:
    async def ask(client: Client) -> None:
        await client.send(CREATE, item={"id": "f", "type": "function_call", "name": "get_current_time"})
        item = (await client.until("conversation.item.done"))["item"]
        assert (item["call_id"], item["arguments"]) == ("f", "")
        output = {"type": "function_call_output", "call_id": "f", "output": {"time": "18:04", "zone": None}}
        await client.send(CREATE, item=output)
        item = (await client.until("conversation.item.done"))["item"]
        assert item["output"] == '{"time":"18:04","zone":null}'
        await client.send("response.create")
        assert (await client.answered())["output"][0]["content"][0]["transcript"].startswith("It is six oh four")

    talk(ask, is_openai=True)
