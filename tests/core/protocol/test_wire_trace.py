"""Every event of a whole documented session and its variants survives a round trip through our codec."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edgevoice.core.protocol import wire
from edgevoice.local import client_events

DATA = Path(__file__).parents[2] / "data"


def trace(*names: str, sent_by: str) -> list[dict[str, Any]]:
    lines = [line for name in names for line in (DATA / name).read_text().splitlines()]
    events = [json.loads(line) for line in lines]
    return [event for event in events if event.pop("_dir", "s") == sent_by]


SERVER = trace("session.jsonl", "session-barge-in.jsonl", "server-events.jsonl", sent_by="s")
ERRORS = [event for event in trace("errors.jsonl", sent_by="s") if "type" in event]
CLIENT = trace("session.jsonl", sent_by="c")


def id_of(event: dict[str, Any]) -> str:
    return f"{event['type']} {event.get('event_id', '')}".strip()


def kept_of(original: Any, kept: Any, path: str = "") -> None:
    """Assert that everything kept is unchanged and that only defaults were added."""
    if isinstance(kept, dict):
        for key, value in kept.items():
            if isinstance(original, dict) and key in original:
                kept_of(original[key], value, f"{path}.{key}")
            else:
                assert value in (None, "", 0, [], {}, {"id": None}), f"{path}.{key} was made up"
    elif isinstance(kept, list):
        assert len(kept) == len(original)
        for number, (one, other) in enumerate(zip(original, kept, strict=True)):
            kept_of(one, other, f"{path}[{number}]")
    else:
        assert kept == original, path


@pytest.mark.parametrize("event", SERVER + ERRORS, ids=id_of)
def test_an_event_of_the_service_is_the_same_after_a_round_trip(event: dict[str, Any]) -> None:
    read = wire.decode(json.dumps(event))
    written = msgspec.json.encode(read)

    assert wire.decode(written) == read
    kept_of(event, {**json.loads(written), "type": event["type"]})


@pytest.mark.parametrize("event", [event for event in SERVER if event["type"] == "response.done"], ids=id_of)
def test_the_items_of_a_response_are_the_same_after_a_round_trip(event: dict[str, Any]) -> None:
    read = wire.decode(json.dumps(event))
    assert isinstance(read, wire.ResponseDone)
    assert len(read.response.items()) == len(event["response"]["output"])

    for item, original in zip(read.response.items(), event["response"]["output"], strict=True):
        kept_of(original, json.loads(msgspec.json.encode(item)))


ENCODERS: dict[str, Callable[[dict[str, Any]], bytes]] = {
    "session.update": lambda event: wire.update_session(event["session"]),
    "input_audio_buffer.append": lambda event: wire.append_audio(base64.b64decode(event["audio"])),
    "conversation.item.create": lambda event: wire.tool_output(event["item"]["call_id"], event["item"]["output"]),
    "response.create": lambda _event: wire.create_response(may_call_tools=True),
    "conversation.item.truncate": lambda event: wire.truncate_item(
        event["item_id"], event["content_index"], event["audio_end_ms"]
    ),
}
NOT_OURS = {"event_id", "response"}
"""We give no ids to our events, and no metadata to our responses: nothing is told apart by them."""


@pytest.mark.parametrize("event", CLIENT, ids=id_of)
def test_a_clients_event_is_written_as_in_the_trace_and_a_service_reads_it(event: dict[str, Any]) -> None:
    written = ENCODERS[event["type"]](event)

    assert json.loads(written) == {key: value for key, value in event.items() if key not in NOT_OURS}
    client_events.typed(client_events.parse(written.decode()))  # raises if the service would refuse it


def test_the_trace_covers_every_event_of_a_session() -> None:
    assert {event["type"] for event in CLIENT} == set(ENCODERS)
    assert len(trace("session.jsonl", sent_by="s")) == 43
    assert len(trace("session-barge-in.jsonl", sent_by="s")) == 4
