"""Every answer of the protocol to a client's event can be chosen by a script, or left to the rules."""

import json
from typing import Any

import pytest

from edgevoice.local.scripted.script import Expect, Refuse, Send, Step, parse
from tests.local.client import Client
from tests.local.talking import MESSAGE, SETUP, play, play_all

REFUSABLE: list[tuple[str, dict[str, Any]]] = [
    ("session.update", {"session": {}}),
    ("input_audio_buffer.append", {"audio": "AAAA"}),
    ("input_audio_buffer.commit", {}),
    ("input_audio_buffer.clear", {}),
    ("conversation.item.create", {"item": MESSAGE}),
    ("conversation.item.delete", {"item_id": "item_1"}),
    ("conversation.item.retrieve", {"item_id": "item_1"}),
    ("conversation.item.truncate", {"item_id": "item_1", "content_index": 0, "audio_end_ms": 1}),
    ("response.create", {}),
    ("response.cancel", {}),
    ("output_audio_buffer.clear", {}),
    ("nobody.knows.this", {}),
]


@pytest.mark.parametrize(("kind", "fields"), REFUSABLE, ids=[kind for kind, _ in REFUSABLE])
def test_every_client_event_can_be_refused_with_the_scripts_own_message(kind: str, fields: dict[str, Any]) -> None:
    async def ask(client: Client) -> None:
        await client.until("session.created")
        await client.send(kind, event_id="mine", **fields)
        error = (await client.until("error"))["error"]
        assert error == {
            "type": "server_error",
            "code": "out_of_luck",
            "message": "Not today",
            "param": "all",
            "event_id": "mine",
        }

    play(ask, Expect(kind, refuse=Refuse("out_of_luck", "Not today", "all", "server_error")))


@pytest.mark.parametrize(("kind", "fields"), REFUSABLE, ids=[kind for kind, _ in REFUSABLE])
def test_every_client_event_can_be_ignored(kind: str, fields: dict[str, Any]) -> None:
    async def ask(client: Client) -> None:
        await client.until("session.created")
        await client.send(kind, **fields)
        await client.until("mark")
        assert client.kinds() == ["session.created", "mark"]

    play(ask, Expect(kind, then="ignore"), Send({"type": "mark"}))


OBEYED: dict[str, tuple[tuple[Step, ...], list[tuple[str, dict[str, Any]]], list[str]]] = {
    "nonsense": ((Expect("unreadable"),), [], ["error"]),
    "unknown type": ((Expect("foo"),), [("foo", {})], ["error"]),
    "poisoned update": (
        (Expect("session.update"),),
        [("session.update", {"session": {"audio": {"input": {"transcription": {"model": "nobody/stt"}}}}})],
        ["error"],
    ),
    "update": ((SETUP,), [("session.update", {"session": {"modelId": "x"}})], ["session.updated"]),
    "bad audio": ((), [("input_audio_buffer.append", {"audio": "*"})], ["error"]),
    "empty commit": ((Expect("input_audio_buffer.commit"),), [("input_audio_buffer.commit", {})], ["error"]),
    "commit": (
        (Expect("input_audio_buffer.commit", words="thank you"),),
        [("input_audio_buffer.append", {"audio": "AAAA" * 3200}), ("input_audio_buffer.commit", {})],
        [
            "input_audio_buffer.committed",
            "conversation.item.added",
            "conversation.item.done",
            "conversation.item.input_audio_transcription.delta",
            "conversation.item.input_audio_transcription.completed",
        ],
    ),
    "clear": (
        (Expect("input_audio_buffer.clear"),),
        [("input_audio_buffer.clear", {})],
        ["input_audio_buffer.cleared"],
    ),
    "message": (
        (Expect("conversation.item.create"),),
        [("conversation.item.create", {"item": MESSAGE})],
        ["conversation.item.added", "conversation.item.done"],
    ),
    "output of no call": (
        (Expect("conversation.item.create"),),
        [("conversation.item.create", {"item": {"type": "function_call_output", "call_id": "x", "output": ""}})],
        ["error"],
    ),
    "delete": (
        (Expect("conversation.item.create"), Expect("conversation.item.delete", where={"item_id": "m"})),
        [
            ("conversation.item.create", {"item": {**MESSAGE, "id": "m"}}),
            ("conversation.item.delete", {"item_id": "m"}),
        ],
        ["conversation.item.added", "conversation.item.done", "conversation.item.deleted"],
    ),
    "delete nothing": (
        (Expect("conversation.item.delete"),),
        [("conversation.item.delete", {"item_id": "m"})],
        ["error"],
    ),
    "retrieve nothing": (
        (Expect("conversation.item.retrieve"),),
        [("conversation.item.retrieve", {"item_id": "m"})],
        ["error"],
    ),
    "truncate nothing": (
        (Expect("conversation.item.truncate"),),
        [("conversation.item.truncate", {"item_id": "m", "audio_end_ms": 1})],
        ["error"],
    ),
    "cancel nothing": ((Expect("response.cancel"),), [("response.cancel", {})], ["error"]),
    "clear the output": (
        (Expect("output_audio_buffer.clear"),),
        [("output_audio_buffer.clear", {})],
        ["output_audio_buffer.cleared"],
    ),
}


@pytest.mark.parametrize(("steps", "sent", "told"), OBEYED.values(), ids=OBEYED)
def test_the_service_follows_its_rules_where_the_script_makes_no_choice(
    steps: tuple[Step, ...], sent: list[tuple[str, dict[str, Any]]], told: list[str]
) -> None:
    async def ask(client: Client) -> None:
        await client.until("session.created")
        client.forget()
        for kind, fields in sent:
            await client.send(kind, **fields)
        if not sent:
            await client.socket.send("{")
        await client.until(told[-1])
        assert client.kinds() == told

    play(ask, *steps)


@pytest.mark.parametrize("refuse", [None, Refuse("bad_json", "What?")])
def test_a_frame_that_is_not_an_event_can_be_expected_and_is_refused(refuse: Refuse | None) -> None:
    async def ask(client: Client) -> None:
        await client.socket.send("[]")
        error = (await client.until("error"))["error"]
        assert (error["code"], error["event_id"]) == ("bad_json" if refuse else "invalid_event", None)

    play(ask, Expect("unreadable", refuse=refuse))


WITHOUT_TYPE: list[dict[str, Any]] = [{"no": "type"}, {"type": None}, {"type": []}, {"type": 7}]


@pytest.mark.parametrize("event", WITHOUT_TYPE, ids=str)
def test_an_object_without_a_type_is_refused_by_rule_or_with_the_scripts_message(
    event: dict[str, Any],
) -> None:
    steps = [
        {"expect": "unreadable"},
        {"expect": "unreadable", "where": {"event_id": "second"}, "refuse": {"code": "no_type"}},
        {"expect": "unreadable", "then": "ignore"},
        {"send": {"note": "a script can send one as well"}},
    ]

    async def ask(client: Client) -> None:
        await client.until("session.created")
        for event_id in ("first", "second", "third"):
            await client.socket.send(json.dumps({**event, "event_id": event_id}))
        errors = [(await client.receive())["error"] for _ in range(2)]
        assert [(error["code"], error["event_id"]) for error in errors] == [
            ("missing_required_parameter", "first"),
            ("no_type", "second"),
        ]
        sent = json.loads(await client.socket.recv())
        assert sent.keys() == {"note", "event_id"}

    play_all(parse({"session": [{"steps": steps}]}, "three.toml"), ask)


def test_frames_that_are_not_events_can_be_allowed_at_any_time() -> None:
    async def ask(client: Client) -> None:
        await client.until("session.created")
        for frame, code in (("{", "invalid_json"), ('{"no":"type"}', "missing_required_parameter")):
            await client.socket.send(frame)
            assert (await client.until("error"))["error"]["code"] == code
        await client.send("session.update", session={})
        await client.until("session.updated")

    play(ask, SETUP, allow=frozenset({"unreadable"}))
