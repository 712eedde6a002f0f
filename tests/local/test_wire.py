"""Every client event and its answer, over a real WebSocket."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.client import connect

from edgevoice.local.recogniser import PocketsphinxRecogniser
from edgevoice.local.server import LocalService
from edgevoice.local.speech import HibariVoice
from tests.local.client import HEADERS, QUERY, Client, dialled

Talk = Callable[[Client], Awaitable[None]]


@pytest.fixture
def talk(voice: HibariVoice, recogniser: PocketsphinxRecogniser) -> Callable[..., None]:
    """Run one client's talk against a service that sends as fast as it can, or at ``pace``."""

    def run(talk: Talk, *, pace: float = 1000.0, announcement: str | None = None, **session: Any) -> None:
        async def scene() -> None:
            async with (
                LocalService(voice=voice, recogniser=recogniser, pace=pace, announcement=announcement) as service,
                dialled(service, **session) as client,
            ):
                await talk(client)

        asyncio.run(scene())

    return run


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


def test_speech_is_24_khz_in_deltas_of_varied_size_and_sounds(talk: Callable[..., None]) -> None:
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


def test_speech_is_sent_faster_than_it_sounds_but_not_at_once(talk: Callable[..., None]) -> None:
    async def story(client: Client) -> None:
        await client.ask("tell me a story")
        await client.until("response.output_audio.delta")
        began, got = asyncio.get_running_loop().time(), 0
        while got < 5 * 48_000:
            got += len(base64.b64decode((await client.until("response.output_audio.delta"))["delta"]))
        took_s = asyncio.get_running_loop().time() - began

        assert 5 / 8 * 0.9 < took_s < 5.0

    talk(story, pace=8.0)


def test_text_only_replies_have_no_audio(talk: Callable[..., None]) -> None:
    async def thanks(client: Client) -> None:
        await client.ask("thank you")
        response = await client.answered()

        assert "response.output_text.done" in client.kinds()
        assert not [kind for kind in client.kinds() if "audio" in kind]
        assert response["output"][0]["content"] == [{"type": "output_text", "text": "You are welcome."}]

    talk(thanks, output_modalities=["text"])


def test_two_wishes_are_two_calls_in_one_response(talk: Callable[..., None]) -> None:
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


def test_after_the_last_output_the_service_answers_by_itself(talk: Callable[..., None]) -> None:
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


def test_a_client_may_keep_the_next_response_to_itself(talk: Callable[..., None]) -> None:
    async def alone(client: Client) -> None:
        await client.ask("set the volume to fifty percent")
        await answer_calls(client, await client.answered(), '{"volume_percent":50}')
        await client.until("conversation.item.done")
        # Whatever the service began by itself would stand before the answer to this.
        await client.forget().refused("conversation.item.retrieve", item_id="nobody")
        await client.send("response.create", response={"metadata": {"edgevoice": "tools-1"}})
        created = await client.until("response.created")
        assert client.kinds() == ["error", "response.created"]
        response = await client.answered()

        assert created["response"]["metadata"] == response["metadata"] == {"edgevoice": "tools-1"}
        assert response["output"][0]["content"][0]["transcript"] == "The volume is at fifty percent."

    talk(alone, providerData={"auto_tool_response": False})


def test_an_output_given_early_appears_after_the_response(talk: Callable[..., None]) -> None:
    async def early(client: Client) -> None:
        await client.ask("tell me a joke and volume up")
        call = await client.until("response.function_call_arguments.done")
        told = {"type": "function_call_output", "call_id": call["call_id"], "output": "{}"}
        await client.send("conversation.item.create", item=told)
        # The second response proves that the output was not lost.
        await client.answered()
        shown = len(client.events)
        response = await client.answered()

        outputs = [
            number
            for number, event in enumerate(client.events)
            if event["type"] == "conversation.item.added" and event["item"]["type"] == "function_call_output"
        ]
        assert len(outputs) == 1
        assert outputs[0] >= shown
        assert response["output"][0]["content"][0]["transcript"] == "Okay, a little louder."

    talk(early)


def test_goodbye_calls_first_and_speaks_then(talk: Callable[..., None]) -> None:
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


def test_nothing_to_cancel_is_told(talk: Callable[..., None]) -> None:
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


def test_items_can_be_placed_shown_and_deleted(talk: Callable[..., None]) -> None:
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


def test_a_poisoned_update_is_refused_and_changes_nothing(talk: Callable[..., None]) -> None:
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
def test_garbage_from_the_client_gets_one_error_and_loses_nothing(
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
def test_a_refused_event_is_told_by_its_own_id(
    kind: str, fields: dict[str, Any], code: str, talk: Callable[..., None]
) -> None:
    async def refused(client: Client) -> None:
        assert (await client.refused(kind, **fields))["code"] == code

    talk(refused)


def test_by_hand_a_commit_makes_an_item_and_no_response(voice: HibariVoice, talk: Callable[..., None]) -> None:
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


def test_every_event_has_an_id_of_its_own(talk: Callable[..., None]) -> None:
    async def ids(client: Client) -> None:
        await client.ask("tell me a joke")
        await client.answered()
        event_ids = [event["event_id"] for event in client.events]
        assert len(event_ids) == len(set(event_ids))

    talk(ids)


def test_the_session_begins_with_a_whole_session(voice: HibariVoice, recogniser: PocketsphinxRecogniser) -> None:
    async def scene() -> None:
        async with LocalService(voice=voice, recogniser=recogniser) as service:
            async with connect(service.url + QUERY, additional_headers=HEADERS) as socket:
                created = json.loads(await socket.recv())
            assert created["type"] == "session.created"
            assert created["session"]["audio"]["input"]["turn_detection"]["type"] == "server_vad"
            assert created["session"]["object"] == "realtime.session"
            assert created["session"]["expires_at"] > 1_700_000_000

    asyncio.run(scene())
