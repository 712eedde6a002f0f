"""Every fault that a script can choose."""

import asyncio
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidStatus

from edgevoice.local.scripted.opponent import Opponent
from edgevoice.local.scripted.play import ScriptBroken
from edgevoice.local.scripted.script import (
    AnswerStep,
    Binary,
    ChangeStep,
    Close,
    Drop,
    End,
    Expect,
    Frame,
    Freeze,
    Refuse,
    Resume,
    Script,
    ScriptedSession,
    Send,
    Terms,
    TurnStep,
    Wait,
)
from edgevoice.local.server import LocalService
from tests.local.client import HEADERS, QUERY, Client
from tests.local.talking import (
    DELTA,
    SETUP,
    Clock,
    Hears,
    Tone,
    closing,
    only_setup,
    play,
    play_all,
    script_of,
    setup,
)


@pytest.mark.parametrize(
    ("end", "status", "details"),
    [
        ("failed", "failed", {"type": "failed", "error": {"type": "server_error", "code": None}}),
        ("max_output_tokens", "incomplete", {"type": "incomplete", "reason": "max_output_tokens"}),
        ("content_filter", "incomplete", {"type": "incomplete", "reason": "content_filter"}),
    ],
)
def test_an_answer_can_end_in_the_middle(end: Any, status: str, details: dict[str, Any]) -> None:
    async def listen(client: Client) -> None:
        await setup(client)
        response = await client.answered()
        assert (response["status"], response["status_details"]) == (status, details)
        assert response["output"][0]["status"] == "incomplete"
        errors = [event["error"] for event in client.events if event["type"] == "error"]
        assert [error["code"] for error in errors] == ([None] if end == "failed" else [])
        assert not [kind for kind in client.kinds() if kind.endswith("item.done")][1:]

    play(listen, SETUP, TurnStep("hi"), AnswerStep("A long story about nothing.", until=DELTA), End(end))


@pytest.mark.parametrize("until", ["started", "suggestion", "stopped", "committed"])
def test_a_turn_can_fail_halfway(until: Any) -> None:
    async def listen(client: Client) -> None:
        await setup(client)
        await client.until("mark")
        assert "response.created" not in client.kinds()

    clock = play(listen, SETUP, TurnStep("hi", suggestion=0.9, until=until), Wait(60), Send({"type": "mark"}))

    assert clock.waits == [60]


@pytest.mark.parametrize("until", ["response.created", "response.output_item.added", DELTA])
def test_an_answer_can_stall_halfway(until: str) -> None:
    async def listen(client: Client) -> None:
        await setup(client)
        await client.until("mark")
        assert "response.done" not in client.kinds()

    play(listen, SETUP, TurnStep("hi"), AnswerStep("A b c d e.", until=until), Wait(60), Send({"type": "mark"}))


ODD = [
    '{"type":"error","message":"top-level only"}',
    '{"errorType":"SESSION_RESOURCES_EXHAUSTED"}',
    '{"type":"edgevoice.never_heard_of","a":[{"b":null}]}',
    "{",
    "",
]


@pytest.mark.parametrize("frame", ODD)
def test_any_frame_can_be_sent(frame: str) -> None:
    async def listen(client: Client) -> None:
        await client.until("session.created")
        assert await client.socket.recv() == frame
        assert await client.socket.recv() == b"\x00\xff"

    play(listen, Frame(frame), Binary(b"\x00\xff"))


def test_an_event_is_sent_as_written_with_its_own_id() -> None:
    async def listen(client: Client) -> None:
        await setup(client)
        event = await client.until("output_audio_buffer.started")
        assert event == {"type": "output_audio_buffer.started", "event_id": event["event_id"]}
        assert await client.receive() == {"event_id": "mine", "message": "no type"}
        part = await client.until("response.content_part.added")
        odd = await client.until(DELTA, item_id=part["item_id"], response_id=part["response_id"])
        assert odd["delta"] == "AAAA"
        await client.answered()

    play(
        listen,
        SETUP,
        Send({"type": "output_audio_buffer.started"}),
        Send({"event_id": "mine", "message": "no type"}),
        TurnStep("hi"),
        AnswerStep("Hello you.", until="response.content_part.added"),
        Send({"type": DELTA, "response_id": "$response", "item_id": "$item", "content_index": 0, "delta": "AAAA"}),
        Resume(),
    )


def test_events_can_be_changed_renamed_and_hidden() -> None:
    async def listen(client: Client) -> None:
        await setup(client)
        await client.until("response.audio.delta", obfuscation="zz")
        done = await client.until("response.done")
        assert "usage" not in done["response"]
        assert done["usage"] == {"total_tokens": 3}
        assert "response.output_audio_transcript.delta" not in client.kinds()

    play(
        listen,
        SETUP,
        ChangeStep(DELTA, put={"type": "response.audio.delta", "obfuscation": "zz"}),
        ChangeStep("response.output_audio_transcript.delta", is_hidden=True),
        ChangeStep("response.done", put={"usage": {"total_tokens": 3}}, without=("response.usage",)),
        TurnStep("hi"),
        AnswerStep("Hello."),
    )


@pytest.mark.parametrize(("greeting", "first"), [("sparse", "session.created"), ("none", "session.updated")])
def test_the_greeting_can_be_sparse_or_missing(greeting: str, first: str) -> None:
    async def listen(client: Client) -> None:
        await client.send("session.update", session={})
        event = await client.receive()
        assert event["type"] == first
        if greeting == "sparse":
            assert set(event["session"]) == {"type", "object", "id"}
            await client.until("session.updated")

    play(listen, SETUP, greeting=greeting)


def test_the_session_update_can_be_confirmed_late_or_never_or_refused() -> None:
    async def listen(client: Client) -> None:
        await client.until("session.created")
        await client.send("session.update", session={})
        await client.send("session.update", session={})
        assert (await client.receive())["type"] == "session.updated"
        assert (await client.refused("session.update", session={}))["code"] == "invalid_api_key"

    clock = play(
        listen,
        Expect("session.update", then="ignore"),
        Expect("session.update", delay_s=12),
        Expect("session.update", refuse=Refuse("invalid_api_key", "Invalid authorization credentials")),
    )

    assert clock.waits == [12]


@pytest.mark.parametrize("code", [1000, 1001, 1008, 1011, 1013])
def test_the_connection_can_be_closed_at_any_point_with_any_code(code: int) -> None:
    async def listen(client: Client) -> None:
        await setup(client)
        assert await closing(client) == code
        assert client.kinds()[-1] == "error"

    expired = {"type": "invalid_request_error", "code": "session_expired", "message": "session reached its time limit"}
    play(
        listen,
        SETUP,
        TurnStep("hi"),
        AnswerStep("A long story.", until=DELTA),
        Send({"type": "error", "error": expired}),
        Close(code, "session reached its time limit"),
    )


@pytest.mark.parametrize("how", ["end", "reset"])
def test_the_connection_can_be_dropped_without_a_close_frame(how: Any) -> None:
    async def listen(client: Client) -> None:
        await setup(client)
        with pytest.raises(ConnectionClosedError) as closed:
            await client.until("never")
        assert closed.value.rcvd is None
        # websockets keeps the system's error: a reset is an error there, an orderly close is not.
        assert isinstance(closed.value.__cause__, ConnectionResetError) is (how == "reset")

    play(listen, SETUP, Drop(how))


def test_a_frozen_connection_answers_no_ping() -> None:
    async def scene() -> None:
        has_passed = asyncio.Event()

        async def sleep(seconds: float) -> None:
            if seconds:
                await has_passed.wait()

        script = script_of(SETUP, Freeze(), Send({"type": "mark"}), Wait(30), Drop("end"))
        opponent = Opponent(script=script, sleep=sleep)
        async with (
            LocalService(voice=Tone(), recogniser=Hears(), behaviour=opponent) as service,
            connect(service.url + QUERY, additional_headers=HEADERS) as socket,
        ):
            client = Client(socket)
            await setup(client)
            await client.until("mark")
            pong = asyncio.ensure_future(await client.socket.ping())
            await asyncio.wait({pong}, timeout=0.2)
            assert not pong.done()
            has_passed.set()
            with pytest.raises(ConnectionClosed):
                await pong
            await opponent.over()

    asyncio.run(scene())


def test_upgrades_are_refused_or_delayed_as_each_session_says() -> None:
    async def scene() -> None:
        clock = Clock()
        sessions = (ScriptedSession(terms=Terms(refuse=402)), ScriptedSession((SETUP,), Terms(delay_open_s=3)))
        opponent = Opponent(script=Script(sessions), sleep=clock.sleep)
        async with LocalService(voice=Tone(), recogniser=Hears(), behaviour=opponent) as service:
            with pytest.raises(InvalidStatus, match="402"):
                await connect(service.url + QUERY, additional_headers=HEADERS)
            assert clock.waits == []
            with pytest.raises(ScriptBroken, match="session 2: no client connected"):
                opponent.check()
            async with connect(service.url + QUERY, additional_headers=HEADERS) as socket:
                await setup(Client(socket))
            await opponent.over()
        assert clock.waits == [3]

    asyncio.run(scene())


def test_a_client_that_reconnects_gets_the_next_session() -> None:
    async def cut_off(client: Client) -> None:
        await setup(client)
        assert await closing(client) is None

    play_all(Script((ScriptedSession((SETUP, Drop("end"))), ScriptedSession((SETUP,)))), cut_off, only_setup)
