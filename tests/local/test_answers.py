"""Replies, tool calls and their outputs, over a real WebSocket."""

import asyncio
import base64
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.local.client import Client

AUDIO_REPLY = [
    "response.created",
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
    "response.output_audio_transcript.delta",
    "response.output_audio.delta",
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "conversation.item.done",
    "response.output_item.done",
    "response.done",
]
CALL = [
    "response.output_item.added",
    "conversation.item.added",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "conversation.item.done",
    "response.output_item.done",
]


def test_an_audio_reply_comes_in_the_real_order(talk: Callable[..., None]) -> None:
    async def thanks(client: Client) -> None:
        await client.ask("thank you")
        response = await client.forget().answered()

        assert client.kinds() == AUDIO_REPLY
        (item,) = response["output"]
        assert (response["status"], item["status"]) == ("completed", "completed")
        assert item["content"] == [{"type": "output_audio", "transcript": "You are welcome."}]
        said = [event["delta"] for event in client.events if event["type"].endswith("transcript.delta")]
        assert "".join(said) == "You are welcome."

    talk(thanks)


def test_speech_is_audible_24_khz_audio_in_deltas_of_varying_size(talk: Callable[..., None]) -> None:
    async def joke(client: Client) -> None:
        await client.ask("tell me a joke")
        await client.answered()
        deltas = [event["delta"] for event in client.events if event["type"] == "response.output_audio.delta"]
        pcm = [base64.b64decode(delta) for delta in deltas]
        samples = np.frombuffer(b"".join(pcm), "<i2")

        assert len({len(chunk) for chunk in pcm}) > 3
        assert len(pcm[0]) == 40 * 48
        assert 2.0 < len(samples) / 24_000 < 12.0
        assert np.abs(samples.astype(int)).max() > 8000

    talk(joke)


def test_speech_is_sent_faster_than_real_time_but_not_all_at_once(talk: Callable[..., None]) -> None:
    async def story(client: Client) -> None:
        await client.ask("tell me a story")
        await client.until("response.output_audio.delta")
        began, got = asyncio.get_running_loop().time(), 0
        while got < 5 * 48_000:
            got += len(base64.b64decode((await client.until("response.output_audio.delta"))["delta"]))
        took_s = asyncio.get_running_loop().time() - began

        assert took_s == pytest.approx(5 / 8, rel=0.1)

    # The clock stands still while the voice is computed.
    talk(story, pace=8.0, is_in_virtual_time=True)


def test_text_only_replies_have_no_audio(talk: Callable[..., None]) -> None:
    async def thanks(client: Client) -> None:
        await client.ask("thank you")
        response = await client.answered()

        assert "response.output_text.done" in client.kinds()
        assert not [kind for kind in client.kinds() if "audio" in kind]
        assert response["output"][0]["content"] == [{"type": "output_text", "text": "You are welcome."}]

    talk(thanks, output_modalities=["text"])


def test_two_requests_are_two_calls_in_one_response(talk: Callable[..., None]) -> None:
    async def both(client: Client) -> None:
        await client.ask("what time is it and set the volume to fifty percent")
        response = await client.forget().answered()

        # The clock's call has no arguments, hence no deltas.
        clock = [kind for kind in CALL if not kind.endswith("arguments.delta")]
        assert client.kinds() == ["response.created", *clock, *CALL, "response.done"]
        calls = [(item["name"], item["arguments"], item["status"]) for item in response["output"]]
        assert calls == [("get_current_time", "", "completed"), ("set_volume", '{"percent":50}', "completed")]
        indices = [event["output_index"] for event in client.events if event["type"] == "response.output_item.added"]
        assert indices == [0, 1]

    talk(both)


async def answer_calls(client: Client, response: dict[str, Any], *outputs: str) -> None:
    for item, output in zip(response["output"], outputs, strict=True):
        told = {"type": "function_call_output", "call_id": item["call_id"], "output": output}
        await client.send("conversation.item.create", item=told)


def test_after_the_last_tool_output_the_service_answers_unasked(talk: Callable[..., None]) -> None:
    async def both(client: Client) -> None:
        await client.ask("what time is it and set the volume to fifty percent")
        await answer_calls(client, await client.answered(), '{"time":"18:04"}', '{"volume_percent":50}')
        response = await client.forget().answered()

        said = "It is six oh four in the evening. The volume is at fifty percent."
        assert response["output"][0]["content"][0]["transcript"] == said
        placed = ["conversation.item.added", "conversation.item.done"] * 2
        # Two sentences: words and sound of the second follow those of the first.
        assert client.kinds() == placed + AUDIO_REPLY[:6] + AUDIO_REPLY[4:]

    talk(both)


def test_a_client_may_reserve_the_next_response_for_itself(talk: Callable[..., None]) -> None:
    async def alone(client: Client) -> None:
        await client.ask("set the volume to fifty percent")
        await answer_calls(client, await client.answered(), '{"volume_percent":50}')
        await client.until("conversation.item.done")
        # Anything the service started unasked would come before the answer to this.
        await client.forget().refused("conversation.item.retrieve", item_id="nobody")
        await client.send("response.create", response={"metadata": {"edgevoice": "tools-1"}})
        created = await client.until("response.created")
        assert client.kinds() == ["error", "response.created"]
        response = await client.answered()

        assert created["response"]["metadata"] == response["metadata"] == {"edgevoice": "tools-1"}
        assert response["output"][0]["content"][0]["transcript"] == "The volume is at fifty percent."

    talk(alone, providerData={"auto_tool_response": False})


def test_a_tool_output_sent_during_a_response_waits_for_its_end(talk: Callable[..., None]) -> None:
    async def late(client: Client) -> None:
        await client.ask("volume up")
        asked = await client.answered()
        await client.ask("tell me a joke")
        await client.until("response.output_audio.delta")
        await answer_calls(client.forget(), asked, "{}")
        await client.answered()
        assert "conversation.item.added" not in client.kinds()
        placed = await client.until("conversation.item.added")
        assert placed["item"]["type"] == "function_call_output"
        # It was the last open call, so the service continues unasked.
        assert (await client.answered())["output"][0]["content"][0]["transcript"] == "Okay, a little louder."

    talk(late, pace=8.0)


def test_goodbye_calls_the_tool_before_it_speaks(talk: Callable[..., None]) -> None:
    tools = [{"type": "function", "name": "end_conversation", "parameters": {}}]

    async def goodbye(client: Client) -> None:
        await client.ask("goodbye")
        response = await client.answered()
        assert [item["name"] for item in response["output"]] == ["end_conversation"]
        await answer_calls(client, response, '{"ok":true}')
        assert (await client.answered())["output"][0]["content"][0]["transcript"] == "Goodbye!"

    talk(goodbye, tools=tools)


def test_the_announcement_comes_once_before_the_first_spoken_answer(talk: Callable[..., None]) -> None:
    async def three(client: Client) -> None:
        await client.ask("volume up")
        response = await client.answered()
        await answer_calls(client, response, "{}")
        first = await client.answered()
        await client.ask("thank you")
        second = await client.answered()

        assert first["output"][0]["content"][0]["transcript"] == "I have no account yet. Okay, a little louder."
        assert second["output"][0]["content"][0]["transcript"] == "You are welcome."

    talk(three, announcement="I have no account yet.")


def test_the_clients_note_about_an_approved_tool_is_told_once(talk: Callable[..., None]) -> None:
    async def approved(client: Client) -> None:
        note = 'The user agreed. open_gate has run and returned: {"state": "open"}'
        content = [{"type": "input_text", "text": note}]
        await client.send("conversation.item.create", item={"type": "message", "role": "system", "content": content})
        said = []
        for _ in range(2):
            await client.send("response.create")
            (item,) = (await client.answered())["output"]
            said.append(item["content"][0]["transcript"])

        assert said[0] == "State open."
        assert "open" not in said[1]

    talk(approved)
