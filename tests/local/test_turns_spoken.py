"""Spoken turns over a real WebSocket: the orders of the real service, barge-in, and clients that leave."""

import asyncio
import json
import wave
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter, ValidationError

from edgevoice.local.mind.intents import understand
from edgevoice.local.server import LocalService
from edgevoice.local.speech.recogniser import PhonemeRecogniser
from edgevoice.local.speech.voice import HibariVoice
from tests.local.client import Client, dialled, question, silence
from tests.waiting import eventually

SEMANTIC = {"type": "semantic_vad", "eagerness": "low", "create_response": True, "interrupt_response": True}
SERVER = {"type": "server_vad", "create_response": True, "interrupt_response": True}
TURN = [
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "conversation.item.added",
    "conversation.item.done",
    "conversation.item.input_audio_transcription.delta",
    "conversation.item.input_audio_transcription.completed",
]
ROLLING = "conversation.item.input_audio_transcription.delta"

Talk = Callable[[Client], Awaitable[None]]


@pytest.fixture
def talk(voice: HibariVoice, recogniser: PhonemeRecogniser) -> Callable[..., None]:
    def run(talk: Talk, *, pace: float = 1000.0, record: Path | None = None, **session: Any) -> None:
        async def scene() -> None:
            service = LocalService(voice=voice, recogniser=recogniser, pace=pace, record=record)
            async with service, dialled(service, **{"turn_detection": SEMANTIC, **session}) as client:
                await talk(client)

        asyncio.run(scene())

    return run


def test_a_spoken_question_is_answered_in_the_real_order(voice: HibariVoice, talk: Callable[..., None]) -> None:
    async def ask(client: Client) -> None:
        await client.speak(question(voice, "Hey Jarvis.", 0.5, "What can you do?"))
        await client.answered()

        kinds = client.kinds(without={ROLLING})
        assert kinds[:7] == [*(kind for kind in TURN if kind != ROLLING), "response.created"]
        user = {event["item_id"] for event in client.events if event["type"].startswith("input_audio_buffer.")}
        assert len(user) == 1
        added = next(event for event in client.events if event["type"] == "conversation.item.added")
        assert added["item"]["id"] in user
        assert added["item"]["content"] == [{"type": "input_audio", "transcript": None}]
        rolling = [event["delta"] for event in client.events if event["type"] == ROLLING]
        assert len(rolling) >= 2
        assert rolling[-1] == "hey jarvis what can you do"

    talk(ask)


def test_audio_time_counts_from_the_first_sample(voice: HibariVoice, talk: Callable[..., None]) -> None:
    async def ask(client: Client) -> None:
        lead = silence(1.5)
        spoken = voice.say("Thank you.", 1.0)
        await client.speak(lead + spoken + silence(2.0))
        started = await client.until("input_audio_buffer.speech_started")
        stopped = await client.until("input_audio_buffer.speech_stopped")

        assert 1200 <= started["audio_start_ms"] <= 1400
        end_ms = 1500 + len(spoken) // 48
        assert end_ms + 150 <= stopped["audio_end_ms"] <= end_ms + 700

    talk(ask)


def test_a_spoken_request_for_two_things_makes_parallel_calls(voice: HibariVoice, talk: Callable[..., None]) -> None:
    async def ask(client: Client) -> None:
        await client.speak(question(voice, "Alexa.", 0.4, "What time is it, and set the volume to fifty percent?"))
        response = await client.answered()

        assert [item["name"] for item in response["output"]] == ["get_current_time", "set_volume"]

    talk(ask)


def test_the_wake_word_alone_is_answered_with_yes(voice: HibariVoice, talk: Callable[..., None]) -> None:
    async def call(client: Client) -> None:
        await client.speak(question(voice, "Hey Jarvis.") + silence(1.0))
        assert (await client.answered())["output"][0]["content"][0]["transcript"] == "Yes?"

    talk(call)


def test_the_service_says_when_it_did_not_understand(voice: HibariVoice, talk: Callable[..., None]) -> None:
    async def call(client: Client) -> None:
        await client.speak(question(voice, "Is it going to rain tomorrow?"))
        response = await client.answered()
        assert response["output"][0]["content"][0]["transcript"].startswith("Sorry, I did not catch that.")

    talk(call)


@pytest.mark.parametrize("kind", ["semantic_vad", "server_vad"])
def test_speech_cuts_the_answer_and_gets_its_own(kind: str, voice: HibariVoice, talk: Callable[..., None]) -> None:
    async def barge_in(client: Client) -> None:
        await client.ask("tell me a story")
        created = await client.until("response.created")
        for _ in range(10):
            await client.until("response.output_audio.delta")
        await client.forget().speak(question(voice, "Thank you."))
        await client.until("input_audio_buffer.speech_started")
        client.forget()
        response = await client.answered()

        assert response["id"] == created["response"]["id"]
        assert response["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
        assert response["output"][0]["status"] == "incomplete"
        # A few deltas were on their way; nothing says that the item is done.
        assert client.kinds() == ["response.output_audio.delta", "response.done"]
        assert 1 <= len(client.events) - 1 <= 3
        answer = await client.answered()
        assert answer["output"][0]["content"][0]["transcript"] == "You are welcome."

    talk(barge_in, pace=4.0, turn_detection={"type": kind, "create_response": True, "interrupt_response": True})


def test_an_answer_that_may_not_be_interrupted_is_followed_by_the_next(
    voice: HibariVoice, talk: Callable[..., None]
) -> None:
    async def speak_over(client: Client) -> None:
        await client.ask("tell me a joke")
        await client.until("response.output_audio.delta")
        await client.speak(question(voice, "Thank you."))
        first, second = await client.answered(), await client.answered()

        assert (first["status"], second["status"]) == ("completed", "completed")
        assert second["output"][0]["content"][0]["transcript"] == "You are welcome."

    talk(speak_over, pace=8.0, turn_detection={**SERVER, "interrupt_response": False})


def test_a_tool_output_for_an_earlier_turn_is_kept_but_not_answered(
    voice: HibariVoice, talk: Callable[..., None]
) -> None:
    async def speak_meanwhile(client: Client) -> None:
        await client.ask("volume up")
        call = (await client.answered())["output"][0]
        await client.speak(question(voice, "Thank you."))
        await client.answered()
        output = {"type": "function_call_output", "call_id": call["call_id"], "output": "{}"}
        await client.forget().send("conversation.item.create", item=output)
        await client.refused("response.cancel")
        assert client.kinds() == ["conversation.item.added", "conversation.item.done", "error"]

    talk(speak_meanwhile)


def test_create_response_false_leaves_the_answer_to_the_client(voice: HibariVoice, talk: Callable[..., None]) -> None:
    async def ask(client: Client) -> None:
        await client.speak(question(voice, "Thank you."))
        await client.until("conversation.item.input_audio_transcription.completed")
        await client.forget().refused("response.cancel")
        assert client.kinds() == ["error"]
        await client.send("response.create")
        assert (await client.answered())["status"] == "completed"

    talk(ask, turn_detection={**SERVER, "create_response": False})


def test_a_commit_ends_the_turn_in_progress(voice: HibariVoice, talk: Callable[..., None]) -> None:
    async def press(client: Client) -> None:
        await client.speak(silence(0.4) + voice.say("What can you do?", 1.0))
        started = await client.until("input_audio_buffer.speech_started")
        await client.send("input_audio_buffer.commit")
        stopped = await client.until("input_audio_buffer.speech_stopped")
        committed = await client.until("input_audio_buffer.committed")
        completed = await client.until("conversation.item.input_audio_transcription.completed")

        assert started["item_id"] == stopped["item_id"] == committed["item_id"] == completed["item_id"]
        assert understand(completed["transcript"]) == understand("what can you do")

    talk(press)


def test_the_service_understands_speech_without_transcription(voice: HibariVoice, talk: Callable[..., None]) -> None:
    async def ask(client: Client) -> None:
        await client.speak(question(voice, "Thank you."))
        response = await client.answered()

        assert response["output"][0]["content"][0]["transcript"] == "You are welcome."
        assert not [kind for kind in client.kinds() if "transcription" in kind]

    talk(ask, audio={"input": {"turn_detection": SERVER, "transcription": None}})


def test_sixteen_khz_both_ways(voice: HibariVoice, talk: Callable[..., None]) -> None:
    async def ask(client: Client) -> None:
        await client.ask("thank you")
        await client.answered()
        audio = [event["delta"] for event in client.events if event["type"] == "response.output_audio.delta"]
        expected = len(voice.say("You are welcome.", 1.0)) * 16 // 24
        assert sum(len(delta) * 3 // 4 for delta in audio) == pytest.approx(expected, rel=0.15)

    rate = {"format": {"type": "audio/pcm", "rate": 16000}}
    talk(ask, audio={"input": {**rate, "turn_detection": SERVER}, "output": rate})


def test_a_client_that_disconnects_midway_leaves_nothing_running(
    voice: HibariVoice, recogniser: PhonemeRecogniser
) -> None:
    async def scene(*, abruptly: bool) -> None:
        async with LocalService(voice=voice, recogniser=recogniser) as service:
            before = asyncio.all_tasks()
            async with dialled(service) as client:
                await client.ask("tell me a story")
                await client.until("response.output_audio.delta")
                if abruptly:
                    client.socket.transport.abort()
            await eventually(lambda: asyncio.all_tasks() <= before)

    asyncio.run(scene(abruptly=False))
    asyncio.run(scene(abruptly=True))


def test_two_clients_do_not_hear_each_other(voice: HibariVoice, recogniser: PhonemeRecogniser) -> None:
    async def scene() -> None:
        async with (
            LocalService(voice=voice, recogniser=recogniser, pace=1000.0) as service,
            dialled(service, turn_detection=SEMANTIC) as one,
            dialled(service, turn_detection=SEMANTIC) as two,
        ):
            await asyncio.gather(one.speak(question(voice, "Thank you.")), two.speak(question(voice, "Goodbye.")))
            answers = await asyncio.gather(one.answered(), two.answered())

        said = [answer["output"][0]["content"][0]["transcript"] for answer in answers]
        assert said == ["You are welcome.", "Goodbye!"]

    asyncio.run(scene())


def test_a_recording_contains_the_uplink_and_both_sides_of_the_wire(
    tmp_path: Path, voice: HibariVoice, talk: Callable[..., None]
) -> None:
    spoken = question(voice, "Thank you.")

    async def ask(client: Client) -> None:
        await client.speak(spoken)
        await client.answered()

    talk(ask, record=tmp_path)

    with wave.open(str(tmp_path / "uplink-1.wav")) as uplink:
        assert (uplink.getframerate(), uplink.getnchannels(), uplink.getsampwidth()) == (24_000, 1, 2)
        assert uplink.readframes(uplink.getnframes()) == spoken
    lines = [json.loads(line) for line in (tmp_path / "wire-1.jsonl").read_text().splitlines()]
    assert {line["from"] for line in lines} == {"client", "server"}
    assert [line["t"] for line in lines] == sorted(line["t"] for line in lines)
    appended = [line["event"]["audio"] for line in lines if line["event"]["type"] == "input_audio_buffer.append"]
    assert appended[0] == 6400
    assert all(
        isinstance(line["event"]["delta"], int) for line in lines if line["event"]["type"].endswith("audio.delta")
    )


def test_every_event_is_one_that_openai_knows(voice: HibariVoice, talk: Callable[..., None]) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)
    # On Inworld's WebSocket it has no response_id; OpenAI has it on WebRTC only.
    theirs = {"output_audio_buffer.cleared"}

    async def everything(client: Client) -> None:
        await client.speak(question(voice, "Hey Jarvis.", 0.3, "Volume up."))
        response = await client.answered()
        output = {"type": "function_call_output", "call_id": response["output"][0]["call_id"], "output": "{}"}
        await client.send("conversation.item.create", item=output)
        item = (await client.answered())["output"][0]
        await client.send("conversation.item.truncate", item_id=item["id"], content_index=0, audio_end_ms=100)
        await client.send("conversation.item.retrieve", item_id=item["id"])
        await client.send("conversation.item.delete", item_id=item["id"])
        await client.send("response.create", response={"metadata": {"a": "b"}})
        await client.answered()
        await client.send("input_audio_buffer.clear")
        await client.send("session.update", session={"output_modalities": ["text"]})
        await client.send("response.create", response={"instructions": "Say: done."})
        await client.answered()
        await client.refused("response.cancel")

        for event in client.events:
            if event["type"] not in theirs:
                try:
                    adapter.validate_python(event)
                except ValidationError as error:
                    pytest.fail(f"{event['type']}: {error}")
        assert len({event["type"] for event in client.events}) > 24

    talk(everything)
