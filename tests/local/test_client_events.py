"""Every client event and its answer, over a real WebSocket."""

import asyncio
import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from websockets.asyncio.client import connect

from edgevoice.local.server import LocalService
from edgevoice.local.speech.recogniser import PhonemeRecogniser
from edgevoice.local.speech.voice import HibariVoice
from tests.local.client import HEADERS, QUERY, Client


def test_one_response_at_a_time(talk: Callable[..., None]) -> None:
    async def twice(client: Client) -> None:
        await client.ask("tell me a story")
        await client.until("response.output_audio.delta")
        error = await client.refused("response.create")
        assert error["code"] == "conversation_already_has_active_response"
        await client.send("response.cancel")
        await client.answered()

    talk(twice, pace=8.0)


def test_a_cancelled_response_ends_at_once_without_item_done(talk: Callable[..., None]) -> None:
    async def cancel(client: Client) -> None:
        await client.ask("tell me a story")
        created = await client.until("response.created")
        await client.until("response.output_audio.delta")
        error = await client.refused("response.cancel", response_id="resp_of_old")
        assert error["code"] == "response_cancel_not_active"
        await client.forget().send("response.cancel", response_id=created["response"]["id"])
        response = await client.answered()

        assert response["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
        assert (response["status"], response["output"][0]["status"]) == ("cancelled", "incomplete")
        assert not [kind for kind in client.kinds() if kind.endswith("item.done")]
        # The next one may follow at once.
        await client.send("response.create")
        await client.until("response.created")

    talk(cancel, pace=8.0)


def test_cancelling_without_a_response_is_an_error(talk: Callable[..., None]) -> None:
    async def cancel(client: Client) -> None:
        assert (await client.refused("response.cancel"))["code"] == "response_cancel_not_active"

    talk(cancel)


def test_truncation_forgets_what_was_not_heard(talk: Callable[..., None]) -> None:
    async def truncate(client: Client) -> None:
        await client.ask("what can you do")
        item = (await client.answered())["output"][0]
        pcm = b"".join(
            base64.b64decode(event["delta"])
            for event in client.events
            if event["type"] == "response.output_audio.delta"
        )
        produced_ms = len(pcm) // 48
        where = {"item_id": item["id"], "content_index": 0}

        error = await client.refused("conversation.item.truncate", **where, audio_end_ms=produced_ms + 1)
        told = f"Audio content of {produced_ms}ms is already shorter than {produced_ms + 1}ms"
        assert error["message"] == told

        await client.send("conversation.item.truncate", **where, audio_end_ms=produced_ms // 2)
        truncated = await client.until("conversation.item.truncated")
        assert truncated["audio_end_ms"] == produced_ms // 2
        await client.send("conversation.item.retrieve", item_id=item["id"])
        kept = (await client.until("conversation.item.retrieved"))["item"]["content"][0]["transcript"]
        whole = item["content"][0]["transcript"]
        assert whole.startswith(kept)
        assert 0.3 < len(kept) / len(whole) < 0.7

    talk(truncate)


def test_only_spoken_answers_can_be_truncated(talk: Callable[..., None]) -> None:
    async def truncate(client: Client) -> None:
        item = {"id": "mine", "type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello"}]}
        await client.send("conversation.item.create", item=item)
        error = await client.refused("conversation.item.truncate", item_id="mine", audio_end_ms=0)
        assert error["message"] == "Only model output audio messages can be truncated"

    talk(truncate)


def test_items_can_be_inserted_retrieved_and_deleted(talk: Callable[..., None]) -> None:
    async def items(client: Client) -> None:
        def message(item_id: str) -> dict[str, Any]:
            content = [{"type": "input_text", "text": item_id}]
            return {"id": item_id, "type": "message", "role": "user", "content": content}

        await client.send("conversation.item.create", item=message("b"))
        await client.send("conversation.item.create", item=message("a"), previous_item_id="root")
        await client.send("conversation.item.create", item=message("between"), previous_item_id="a")
        await client.until("conversation.item.done", previous_item_id="a")
        before = [event["previous_item_id"] for event in client.events if event["type"] == "conversation.item.added"]
        assert before == [None, None, "a"]

        assert (await client.refused("conversation.item.create", item=message("a")))["code"] == "item_already_exists"
        error = await client.refused("conversation.item.create", item=message("c"), previous_item_id="nobody")
        assert error["param"] == "previous_item_id"

        await client.send("conversation.item.delete", item_id="a")
        await client.until("conversation.item.deleted", item_id="a")
        for kind in ("conversation.item.delete", "conversation.item.retrieve", "conversation.item.truncate"):
            error = await client.refused(kind, item_id="a", audio_end_ms=1)
            assert (error["code"], error["param"]) == ("item_not_found", "item_id")

    talk(items)


def test_an_output_without_a_call_is_refused(talk: Callable[..., None]) -> None:
    async def stray(client: Client) -> None:
        told = {"type": "function_call_output", "call_id": "call_of_old", "output": "{}"}
        error = await client.refused("conversation.item.create", item=told)
        assert (error["code"], error["param"]) == ("invalid_tool_call_id", "item.call_id")

    talk(stray)


def test_a_carried_over_conversation_can_be_rebuilt(talk: Callable[..., None]) -> None:
    async def rebuild(client: Client) -> None:
        asked = [{"type": "input_text", "text": "what time is it"}]
        call = {"type": "function_call", "call_id": "old_1", "name": "get_current_time", "arguments": ""}
        output = {"type": "function_call_output", "call_id": "old_1", "output": '{"time":"09:30"}'}
        for item in ({"type": "message", "role": "user", "content": asked}, call, output):
            await client.send("conversation.item.create", item=item)
        await client.send("response.create")
        response = await client.answered()

        assert response["output"][0]["content"][0]["transcript"] == "It is nine thirty in the morning."

    talk(rebuild)


def test_a_response_outside_the_conversation_leaves_no_items(talk: Callable[..., None]) -> None:
    async def outside(client: Client) -> None:
        wish = {"conversation": "none", "instructions": "Say: Your tea is ready."}
        await client.send("response.create", response=wish)
        item = (await client.answered())["output"][0]

        assert item["content"][0]["transcript"] == "Your tea is ready."
        assert not [kind for kind in client.kinds() if kind.startswith("conversation.")]
        await client.refused("conversation.item.retrieve", item_id=item["id"])

    talk(outside)


def test_tools_can_be_forbidden_for_one_response(talk: Callable[..., None]) -> None:
    async def forbidden(client: Client) -> None:
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "what time is it"}]}
        await client.send("conversation.item.create", item=item)
        await client.send("response.create", response={"tool_choice": "none"})
        assert (await client.answered())["output"][0]["type"] == "message"

    talk(forbidden)


def test_an_update_with_a_bad_value_is_refused_and_changes_nothing(talk: Callable[..., None]) -> None:
    async def poison(client: Client) -> None:
        bad = {"instructions": "new", "audio": {"input": {"transcription": {"model": "nobody/stt"}}}}
        error = await client.refused("session.update", session=bad)
        assert (error["code"], error["param"]) == ("invalid_value", "session.audio.input.transcription.model")
        await client.send("session.update", session={"model": "openai/gpt-4.1-mini"})
        session = (await client.until("session.updated"))["session"]
        assert (session["instructions"], session["model"]) == ("", "openai/gpt-4.1-mini")
        assert session["audio"]["input"]["turn_detection"] is None

    talk(poison)


@pytest.mark.parametrize("frame", ["{", "[]", "7", b"\xff\x00", '{"no":"type"}', '{"type":[]}', "[" * 5000])
def test_invalid_input_from_the_client_gets_one_error_and_loses_nothing(
    frame: str | bytes, talk: Callable[..., None]
) -> None:
    async def garbage(client: Client) -> None:
        await client.socket.send(frame)
        error = (await client.until("error"))["error"]
        assert error["type"] == "invalid_request_error"
        await client.ask("thank you")
        assert (await client.answered())["status"] == "completed"
        assert client.kinds().count("error") == 1

    talk(garbage)


@pytest.mark.parametrize(
    ("kind", "fields", "code"),
    [
        ("foo", {}, "unknown_event_type"),
        ("input_audio_buffer.append", {"audio": "*not base64*"}, "invalid_value"),
        ("input_audio_buffer.append", {"audio": 5}, "invalid_value"),
        ("input_audio_buffer.commit", {}, "input_audio_buffer_commit_empty"),
        ("response.create", {"response": {"metadata": {"a": 1}}}, "invalid_value"),
        ("session.update", {"session": []}, "invalid_value"),
    ],
)
def test_the_error_for_a_refused_event_carries_that_events_id(
    kind: str, fields: dict[str, Any], code: str, talk: Callable[..., None]
) -> None:
    async def refused(client: Client) -> None:
        assert (await client.refused(kind, **fields))["code"] == code

    talk(refused)


def test_a_manual_commit_creates_an_item_and_no_response(voice: HibariVoice, talk: Callable[..., None]) -> None:
    async def by_hand(client: Client) -> None:
        await client.speak(voice.say("Thank you.", 1.0))
        await client.send("input_audio_buffer.clear")
        await client.until("input_audio_buffer.cleared")
        await client.refused("input_audio_buffer.commit")
        await client.forget().speak(voice.say("Volume up.", 1.0))
        await client.send("input_audio_buffer.commit")
        completed = await client.until("conversation.item.input_audio_transcription.completed")

        assert completed["transcript"] == "Volume up"
        assert client.kinds() == [
            "input_audio_buffer.committed",
            "conversation.item.added",
            "conversation.item.done",
            "conversation.item.input_audio_transcription.delta",
            "conversation.item.input_audio_transcription.completed",
        ]
        await client.forget().send("response.create")
        response = await client.answered()
        assert response["output"][0]["arguments"] == '{"change":10}'
        assert client.kinds()[0] == "response.created"

    talk(by_hand)


def test_clearing_the_output_is_acknowledged(talk: Callable[..., None]) -> None:
    async def clear(client: Client) -> None:
        await client.send("output_audio_buffer.clear")
        assert "response_id" not in await client.until("output_audio_buffer.cleared")

    talk(clear)


def test_every_event_has_its_own_id(talk: Callable[..., None]) -> None:
    async def ids(client: Client) -> None:
        await client.ask("tell me a joke")
        await client.answered()
        event_ids = [event["event_id"] for event in client.events]
        assert len(event_ids) == len(set(event_ids))

    talk(ids)


def test_the_session_created_event_describes_the_whole_session(
    voice: HibariVoice, recogniser: PhonemeRecogniser
) -> None:
    async def scene() -> None:
        async with LocalService(voice=voice, recogniser=recogniser) as service:
            async with connect(service.url + QUERY, additional_headers=HEADERS) as socket:
                created = json.loads(await socket.recv())
            assert created["type"] == "session.created"
            assert created["session"]["audio"]["input"]["turn_detection"]["type"] == "server_vad"
            assert created["session"]["object"] == "realtime.session"
            assert created["session"]["expires_at"] > 1_700_000_000

    asyncio.run(scene())
