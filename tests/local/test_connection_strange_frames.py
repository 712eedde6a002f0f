"""Whatever a client sends, it gets an answer: no frame ends the connection."""

import asyncio
import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import connect

from edgevoice.local.server import LocalService
from tests.local.client import HEADERS, LIMIT_S, QUERY, Client, openai_address
from tests.local.talking import Hears, Tone
from tests.local.test_serialiser_noise import EVENTS, Path

SENTINEL = {"type": "conversation.item.retrieve", "item_id": "nowhere", "event_id": "sentinel"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """Every field of every object in ``value`` and every element of every list."""
    children: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in children:
        yield (*path, name)
        yield from places(inner, (*path, name))


@st.composite
def events(draw: st.DrawFn) -> str:
    """A real event with up to three of its fields replaced by something else."""
    event: Any = copy.deepcopy(draw(st.sampled_from(EVENTS)))
    for _ in range(draw(st.integers(0, 3))):
        *parents, name = draw(st.sampled_from([*places(event)]))
        holder: Any = event
        for parent in parents:
            holder = holder[parent]
        holder[name] = draw(JSON)
    return json.dumps(event)


FRAMES = events() | JSON.map(json.dumps) | st.text(max_size=40) | st.binary(max_size=40)


def talk(frames: list[str | bytes], *, is_openai: bool, as_text: bool = False) -> list[dict[str, Any]]:
    """Send the frames, and return everything that came until a last question is answered."""

    async def scene() -> list[dict[str, Any]]:
        async with LocalService(voice=Tone(), recogniser=Hears("hello"), pace=1e6) as service:
            address = openai_address(service) if is_openai else service.url + QUERY
            async with connect(address, additional_headers=HEADERS, compression=None) as socket:
                client = Client(socket)
                for frame in frames:
                    await socket.send(frame, text=True if as_text else None)
                await socket.send(json.dumps(SENTINEL))
                async with asyncio.timeout(LIMIT_S):
                    while (await client.until("error"))["error"]["event_id"] != "sentinel":
                        pass
                return client.events

    return asyncio.run(scene())


@settings(max_examples=40)
@given(st.lists(FRAMES, min_size=1, max_size=8), st.booleans())
def test_no_frame_ends_the_connection(frames: list[str | bytes], is_openai: bool) -> None:  # noqa: FBT001 - drawn
    talk(frames, is_openai=is_openai)


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("", "invalid_json"),
        ("{", "invalid_json"),
        ("\u2028", "invalid_json"),
        (b"\x00\xff\xfe", "invalid_json"),
        ('{"type":"session.update","session":{"max_output_tokens":NaN}}', "invalid_json"),
        ('{"type":"\\ud800"}', "invalid_json"),
        (f'{{"type":"response.create","metadata":{"1" * 5000}}}', "invalid_json"),
        ("[]", "invalid_event"),
        ("null", "invalid_event"),
        ('"text"', "invalid_event"),
        ("[" * 5000 + "]" * 5000, "invalid_json"),
        ('{"a":' + "[" * 900 + "]" * 900 + "}", "invalid_event"),
        ("{}", "missing_required_parameter"),
        ('{"type":[]}', "missing_required_parameter"),
        ('{"type":"session.upgrade"}', "unknown_event_type"),
        ('{"type":"session.update"}', "invalid_value"),
        ('{"type":"session.update","session":null}', "invalid_value"),
        ('{"type":"session.update","session":[]}', "invalid_value"),
        (
            '{"type":"session.update","session":{"audio":{"input":{"turn_detection":{"type":[]}}}}}',
            "invalid_value",
        ),
        ('{"type":"input_audio_buffer.append","audio":"\\u0000"}', "invalid_value"),
        ('{"type":"input_audio_buffer.append","audio":["AAAA"]}', "invalid_value"),
        ('{"type":"conversation.item.create","item":{"type":"message","role":"user","content":[]}}', "invalid_value"),
        ('{"type":"conversation.item.create","item":{"type":"mcp_call"}}', "invalid_value"),
        ('{"type":"conversation.item.truncate","item_id":"a","audio_end_ms":1e300}', "invalid_value"),
        ('{"type":"response.create","response":{"input":[7]}}', "invalid_value"),
    ],
)
@pytest.mark.parametrize("is_openai", [True, False])
def test_a_malformed_frame_gets_one_error_of_one_line(frame: str | bytes, code: str, is_openai: bool) -> None:  # noqa: FBT001 - a parameter
    told = [event["error"] for event in talk([frame], is_openai=is_openai) if event["type"] == "error"]

    assert [error["code"] for error in told][:-1] == [code]
    assert told[0]["message"]
    assert "\n" not in told[0]["message"]


def test_a_text_frame_that_is_not_utf_8_is_refused_and_the_conversation_continues() -> None:
    told = [event for event in talk([b'{"type":"\xff"}'], is_openai=True, as_text=True) if event["type"] == "error"]

    assert [event["error"]["code"] for event in told] == ["invalid_json", "item_retrieve_invalid_item_id"]
