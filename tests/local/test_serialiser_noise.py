"""Nulls are absent at any depth, in every field of every event that a client may send."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgevoice.local.client_events import parse, typed
from edgevoice.local.dialect import OPENAI
from edgevoice.local.refusals import RequestRefused
from edgevoice.local.serialiser_noise import tidied
from edgevoice.local.session import SessionState

# Every field that OpenAI's types have, one event of each kind.
PART = {"type": "input_audio", "text": "a", "transcript": "b", "audio": "AAAA", "image_url": "c", "detail": "low"}
MESSAGE = {
    "id": "m",
    "object": "realtime.item",
    "type": "message",
    "status": "completed",
    "role": "user",
    "content": [PART],
}
CALL = {
    "id": "f",
    "object": "realtime.item",
    "type": "function_call",
    "status": "completed",
    "name": "a",
    "call_id": "c",
    "arguments": "{}",
}
OUTPUT = {
    "id": "o",
    "object": "realtime.item",
    "type": "function_call_output",
    "status": "completed",
    "call_id": "c",
    "output": "1",
}
SCHEMA = {"type": "object", "properties": {"a": {"enum": ["x", None], "default": None}}}
TOOL = {"type": "function", "name": "a", "description": "b", "parameters": SCHEMA}
AUDIO_OUT = {"format": {"type": "audio/pcm", "rate": 16_000}, "voice": {"id": "v"}, "speed": 1.1}
RESPONSE = {
    "instructions": "a",
    "conversation": "none",
    "tool_choice": "none",
    "tools": [TOOL],
    "input": [MESSAGE, CALL, OUTPUT, {"type": "item_reference", "id": "r"}],
    "output_modalities": ["text"],
    "max_output_tokens": 9,
    "metadata": {"a": "b"},
    "audio": {"output": AUDIO_OUT},
    "parallel_tool_calls": True,
    "prompt": {"id": "p", "version": "1"},
    "reasoning": {"effort": "low"},
}
DETECTION = {
    "type": "server_vad",
    "threshold": 0.25,
    "prefix_padding_ms": 200,
    "silence_duration_ms": 700,
    "idle_timeout_ms": 5000,
    "create_response": False,
    "interrupt_response": False,
}
SESSION = {
    "type": "realtime",
    "model": "m",
    "instructions": "a",
    "output_modalities": ["text"],
    "temperature": 0.5,
    "max_output_tokens": 9,
    "tools": [TOOL],
    "tool_choice": "none",
    "parallel_tool_calls": False,
    "reasoning": {"effort": "low"},
    "truncation": {"type": "retention_ratio", "retention_ratio": 0.5, "token_limits": {"post_instructions": 5}},
    "include": ["item.input_audio_transcription.logprobs"],
    "prompt": {"id": "p", "version": "1"},
    "providerData": {"auto_tool_response": False},
    "audio": {
        "input": {
            "format": {"type": "audio/pcm", "rate": 16_000},
            "transcription": {"model": "whisper-1", "language": "en", "prompt": "p", "delay": "low", "keywords": ["a"]},
            "noise_reduction": {"type": "near_field", "strength": 0.5},
            "turn_detection": DETECTION,
        },
        "output": AUDIO_OUT,
    },
}
EVENTS: list[dict[str, Any]] = [
    {"type": "session.update", "event_id": "e", "session": SESSION},
    {
        "type": "session.update",
        "session": {"audio": {"input": {"turn_detection": {"type": "semantic_vad", "eagerness": "low"}}}},
    },
    {"type": "input_audio_buffer.append", "event_id": "e", "audio": "AAAA"},
    {"type": "input_audio_buffer.commit", "event_id": "e"},
    {"type": "input_audio_buffer.clear", "event_id": "e"},
    {"type": "conversation.item.create", "event_id": "e", "previous_item_id": "p", "item": MESSAGE},
    {"type": "conversation.item.create", "event_id": "e", "previous_item_id": "p", "item": CALL},
    {"type": "conversation.item.create", "event_id": "e", "previous_item_id": "p", "item": OUTPUT},
    {"type": "conversation.item.truncate", "event_id": "e", "item_id": "i", "content_index": 0, "audio_end_ms": 5},
    {"type": "conversation.item.delete", "event_id": "e", "item_id": "i"},
    {"type": "conversation.item.retrieve", "event_id": "e", "item_id": "i"},
    {"type": "response.create", "event_id": "e", "response": RESPONSE},
    {"type": "response.cancel", "event_id": "e", "response_id": "r"},
    {"type": "output_audio_buffer.clear", "event_id": "e"},
]
# Fields that a null switches off, and data that belongs to the client.
OFF = {"turn_detection", "transcription", "noise_reduction"}
OWN = {"parameters", "providerData"}

Path = tuple[str | int, ...]


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """Every field of every object in ``value``, but for those that null has a meaning for."""
    children: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in children:
        if isinstance(value, dict) and name not in OFF:
            yield (*path, name)
        if name not in OWN:
            yield from paths(inner, (*path, name))


def changed(event: dict[str, Any], taken: list[Path], *, is_null: bool) -> dict[str, Any]:
    made = copy.deepcopy(event)
    # The deepest first, or a parent would be gone.
    for *parents, name in sorted(taken, key=len, reverse=True):
        holder: Any = made
        for parent in parents:
            holder = holder[parent]
        if is_null:
            holder[name] = None
        else:
            del holder[name]
    return made


def obeyed(event: dict[str, Any]) -> object:
    """What follows from an event: the record, the session after it, or how it was refused."""
    try:
        record = typed(event)
        if event["type"] != "session.update":
            # Kept as it is, to be echoed.
            return str(record).replace("event_id='e'", "event_id=None")
        session = SessionState("s", expires_at=0, dialect=OPENAI)
        refused = [(str(refusal), refusal.param) for refusal in session.update(record.session)]  # type: ignore[union-attr] # by its type
    except RequestRefused as refusal:
        return (refusal.code, str(refusal), refusal.param)
    return session.document, session.settings, refused


SINGLE = [
    pytest.param(event, path, id=f"{event['type']} {'.'.join(map(str, path))}")
    for event in EVENTS
    for path in paths(event)
    if path != ("type",)
]


@pytest.mark.parametrize(("event", "path"), SINGLE)
def test_a_null_counts_as_an_absent_field(event: dict[str, Any], path: Path) -> None:
    assert obeyed(changed(event, [path], is_null=True)) == obeyed(changed(event, [path], is_null=False))


@given(st.data())
def test_any_combination_of_nulls_counts_as_absent_fields(data: st.DataObject) -> None:
    event = data.draw(st.sampled_from(EVENTS))
    choices = [path for path in paths(event) if path != ("type",)]
    taken = data.draw(st.lists(st.sampled_from(choices), unique=True)) if choices else []
    # A field inside a field that is null already says nothing more.
    taken = [path for path in taken if not any(path[: len(outer)] == outer and path != outer for outer in taken)]

    assert obeyed(changed(event, taken, is_null=True)) == obeyed(changed(event, taken, is_null=False))


def test_every_complete_event_is_accepted() -> None:
    for event in EVENTS:
        outcome = obeyed(event)
        assert isinstance(outcome, str) or outcome[2] == [], event  # type: ignore[index] # a session and what was refused


@pytest.mark.parametrize("field", sorted(OFF))
def test_where_null_is_a_value_it_is_kept(field: str) -> None:
    session = SessionState("s", expires_at=0, dialect=OPENAI)
    session.update({"audio": {"input": {"noise_reduction": {"type": "far_field"}}}})

    assert session.update({"audio": {"input": {field: None}}}) == []

    assert session.document["audio"]["input"][field] is None
    assert getattr(session.settings.audio.input, field) is None


def test_data_that_belongs_to_the_client_keeps_its_nulls() -> None:
    assert tidied({"tools": [TOOL], "a": None}) == {"tools": [TOOL]}
    output = {"type": "function_call_output", "output": {"temperature": None}, "id": None}
    assert tidied(output) == {"type": "function_call_output", "output": {"temperature": None}}


def test_nulls_in_lists_are_absent_and_whole_floats_are_integers() -> None:
    assert tidied([None, 1.0, {"a": 0.5, "b": [None, 2.0]}, 1e300]) == [1, {"a": 0.5, "b": [2]}, 1e300]


def test_an_event_nested_too_deeply_is_refused() -> None:
    fits = '{"a":' * 63 + "1" + "}" * 63
    assert parse(fits)

    with pytest.raises(RequestRefused, match="nested deeper than 64 levels"):
        parse('{"a":' * 65 + "1" + "}" * 65)
    with pytest.raises(RequestRefused, match="nested deeper than 64 levels"):
        parse('{"a":' + "[" * 500 + "]" * 500 + "}")
