"""The link, against real WebSocket servers on this machine."""

import asyncio
import base64
import json
import logging
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from edgevoice.core.downlink import Arrival, AudioPiece
from edgevoice.core.messages import (
    LinkLost,
    LinkOpened,
    ResponseStarted,
    Role,
    ServiceComplained,
    TranscriptChanged,
    UserStartedSpeaking,
)
from edgevoice.errors import LocalServiceUnavailable
from edgevoice.realtime.endpoint import Endpoint
from tests.realtime.services import KEY, SESSION, Caller, Service, Talker, obliging
from tests.waiting import eventually

SPEECH_STARTED = {"type": "input_audio_buffer.speech_started", "audio_start_ms": 0, "item_id": "u1"}


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("all_proxy", "http_proxy", "https_proxy", "ws_proxy", "wss_proxy", "socks_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(autouse=True)
def _complete_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


def problem_in(caplog: pytest.LogCaptureFixture, event: str) -> str:
    (record,) = [record for record in caplog.records if record.message == event]
    problem = vars(record)["fields"]["problem"]
    assert isinstance(problem, str)
    assert problem.isprintable()
    return problem


# --- opening ---------------------------------------------------------------------------------------------------------


def test_the_handshake_shows_the_key_and_nothing_that_is_not_needed() -> None:
    service = Service()

    async def live() -> None:
        async with service.listening() as url, Caller(f"{url}?key=abc&protocol=realtime").running() as caller:
            await caller.opened()

    asyncio.run(live())

    request = service.talkers[0].connection.request
    assert request is not None
    assert request.path == "/realtime?key=abc&protocol=realtime"
    assert request.headers["Authorization"] == f"Basic {KEY}"
    assert "User-Agent" not in request.headers
    assert "Sec-WebSocket-Extensions" not in request.headers


def test_the_configuration_goes_first_and_the_session_is_open_when_it_is_in_force() -> None:
    async def in_its_own_time(talker: Talker) -> None:
        await talker.listen(1)
        talker.confirmed_at = time.monotonic()  # type: ignore[attr-defined]  # for this test only
        await talker.say({"type": "session.updated", "session": {}})
        await talker.listen_to_the_end()

    service = Service(in_its_own_time)

    async def live() -> None:
        async with service.listening() as url, Caller(url).running() as caller:
            caller.link.open()
            caller.link.send_audio(b"too early: there is no session yet")
            await eventually(lambda: caller.arrivals == [LinkOpened()])

    asyncio.run(live())

    assert service.talkers[0].received == [{"type": "session.update", "session": SESSION}]


def test_a_service_that_does_not_greet_and_one_that_does_are_both_served() -> None:
    async def greeting(talker: Talker) -> None:
        await talker.say({"type": "session.created", "session": {"id": "s"}})
        await obliging(talker)

    async def live(service: Service) -> None:
        async with service.listening() as url, Caller(url).running() as caller:
            await caller.opened()

    asyncio.run(live(Service(greeting)))


def test_the_service_inside_the_box_is_reached_by_its_socket_once_it_is_prepared(tmp_path: Path) -> None:
    service = Service()
    prepared: list[float] = []

    async def prepare() -> None:
        prepared.append(time.monotonic())

    async def live() -> None:
        async with service.listening_at(tmp_path / "local.sock") as path:
            endpoint = Endpoint("ws://localhost/api", {"Authorization": "Basic local"}, path, prepare)
            async with Caller(endpoint).running() as caller:
                await caller.opened()

    asyncio.run(live())

    assert len(prepared) == 1
    request = service.talkers[0].connection.request
    assert request is not None
    assert request.headers["Authorization"] == "Basic local"


def test_a_local_service_that_cannot_run_is_told_as_it_says() -> None:
    async def prepare() -> None:
        raise LocalServiceUnavailable("no models")

    async def live() -> LinkLost:
        async with Caller(Endpoint("ws://localhost/", prepare=prepare)).running() as caller:
            caller.link.open()
            return await caller.lost()

    assert asyncio.run(live()) == LinkLost("local-service-unavailable", is_retriable=False)


# --- talking ---------------------------------------------------------------------------------------------------------


def test_audio_and_orders_reach_the_service_in_the_order_in_which_they_were_given() -> None:
    service = Service()
    pieces = [bytes([number]) * 960 for number in range(60)]

    async def live() -> None:
        async with service.listening() as url, Caller(url).running() as caller:
            await caller.opened()
            for pcm in pieces[:30]:
                caller.link.send_audio(pcm)
            caller.link.truncate("item_9", 1, 740)
            caller.link.delete("item_8")
            caller.link.cancel("resp_7")
            caller.link.send_tool_output("call_6", '{"ok":true}')
            caller.link.create_response(may_call_tools=True)
            caller.link.create_response(may_call_tools=False)
            for pcm in pieces[30:]:
                caller.link.send_audio(pcm)
            await eventually(lambda: len(service.talkers[0].received) == 67)

    asyncio.run(live())

    received = service.talkers[0].received[1:]
    assert received[30:36] == [
        {"type": "conversation.item.truncate", "item_id": "item_9", "content_index": 1, "audio_end_ms": 740},
        {"type": "conversation.item.delete", "item_id": "item_8"},
        {"type": "response.cancel", "response_id": "resp_7"},
        {
            "type": "conversation.item.create",
            "item": {"type": "function_call_output", "call_id": "call_6", "output": '{"ok":true}'},
        },
        {"type": "response.create"},
        {"type": "response.create", "response": {"tool_choice": "none"}},
    ]
    appended = [base64.b64decode(event["audio"]) for event in received[:30] + received[36:]]
    assert appended == pieces


def test_what_the_service_says_is_taken_in_order_and_what_nobody_knows_is_passed_over() -> None:
    async def talkative(talker: Talker) -> None:
        await talker.accept()
        await talker.say(
            SPEECH_STARTED,
            {"type": "rate_limits.updated", "rate_limits": []},
            {"type": "response.created", "response": {"id": "r1"}},
            {"type": "turn_suggestion", "probability": 0.5},
            {
                "type": "response.output_audio.delta",
                "response_id": "r1",
                "item_id": "a1",
                "content_index": 0,
                "delta": base64.b64encode(b"\1\2\3").decode(),
            },
            {"type": "response.output_audio_transcript.delta", "response_id": "r1", "item_id": "a1", "delta": "Well,"},
        )
        await talker.listen_to_the_end()

    async def live() -> list[Arrival]:
        async with Service(talkative).listening() as url, Caller(url).running() as caller:
            caller.link.open()
            await eventually(lambda: len(caller.arrivals) == 5)
            return caller.arrivals

    assert asyncio.run(live()) == [
        LinkOpened(),
        UserStartedSpeaking(),
        ResponseStarted("r1"),
        AudioPiece("r1", "a1", 0, b"\1\2\3"),
        TranscriptChanged(Role.ASSISTANT, "a1", "Well,", is_final=False),
    ]


def test_a_frame_of_many_megabytes_is_taken() -> None:
    pcm = bytes(6 * 2**20)

    async def generous(talker: Talker) -> None:
        await talker.accept()
        await talker.say(
            {"type": "response.output_audio.delta", "response_id": "r", "delta": base64.b64encode(pcm).decode()}
        )
        await talker.listen_to_the_end()

    async def live() -> Arrival:
        async with Service(generous).listening() as url, Caller(url).running() as caller:
            caller.link.open()
            await eventually(lambda: len(caller.arrivals) == 2)
            return caller.arrivals[1]

    assert asyncio.run(live()) == AudioPiece("r", "", 0, pcm)


def test_a_complaint_is_taken_and_logged_by_its_code_as_one_line(caplog: pytest.LogCaptureFixture) -> None:
    code = "odd\r\n\x1b[2Jroot: all is well"

    async def complaining(talker: Talker) -> None:
        await talker.accept()
        await talker.say({"type": "error", "error": {"code": code, "message": "what was said, word for word"}})
        await talker.listen_to_the_end()

    async def live() -> None:
        async with Service(complaining).listening() as url, Caller(url).running() as caller:
            caller.link.open()
            await eventually(lambda: caller.arrivals == [LinkOpened(), ServiceComplained(code)])

    asyncio.run(live())

    (record,) = [record for record in caplog.records if record.message == "service-complains"]
    assert vars(record)["fields"] == {"code": "odd [2Jroot: all is well"}


# --- being refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code", "is_retriable"),
    [
        (401, "key-refused", False),
        (402, "no-credit", False),
        (403, "key-refused", False),
        (429, "service-busy", True),
        (503, "service-busy", True),
        (400, "service-refused", False),
        (200, "service-refused", False),
    ],
)
def test_a_refused_handshake_is_told_by_its_status_with_the_services_words(
    status: int, code: str, caplog: pytest.LogCaptureFixture, *, is_retriable: bool
) -> None:
    def refuse(connection: ServerConnection, _request: Request) -> Response:
        return connection.respond(HTTPStatus(status), "out of\x1b[31m order\n")

    async def live() -> LinkLost:
        async with Service().listening(process_request=refuse) as url, Caller(url).running() as caller:
            caller.link.open()
            return await caller.lost()

    assert asyncio.run(live()) == LinkLost(code, is_retriable)
    problem = problem_in(caplog, "link-lost")
    assert f"({status}): out of[31m order. " in problem
    assert "127.0.0.1" in problem


def test_a_port_where_nobody_listens_is_told() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]

    async def live() -> LinkLost:
        async with Caller(f"ws://127.0.0.1:{port}/").running() as caller:
            caller.link.open()
            return await caller.lost()

    assert asyncio.run(live()) == LinkLost("service-unreachable", is_retriable=True)


@pytest.mark.parametrize(
    "url",
    [
        "ws://127.0.0.1:99999/",
        "ws://" + "a" * 64 + ".invalid/",
        "ws://user@127.0.0.1/",
        "ws://127.0.0.1/#part",
        "http://127.0.0.1/",
        "ws://",
    ],
)
def test_an_address_that_is_none_is_told_and_ends_nothing_else(url: str) -> None:
    async def live() -> LinkLost:
        async with Caller(url).running() as caller:
            caller.link.open()
            return await caller.lost()

    loss = asyncio.run(live())

    assert loss.code in {"service-refused", "service-unreachable"}


@pytest.mark.parametrize(
    ("proxy", "words"),
    [
        ("socks5://127.0.0.1:1", "python-socks is not installed"),
        ("gopher://127.0.0.1:1", "the proxy refuses the way"),
        ("http://127.0.0.1:1", "no connection"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_told(
    proxy: str, words: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("http_proxy", proxy)

    async def live() -> LinkLost:
        async with Caller("ws://127.0.0.2:1/").running() as caller:
            caller.link.open()
            return await caller.lost()

    assert asyncio.run(live()).code == "service-unreachable"
    assert words in problem_in(caplog, "link-lost")


def test_an_error_before_the_session_is_open_is_final() -> None:
    async def refusing(talker: Talker) -> None:
        await talker.listen(1)
        await talker.say(
            {
                "type": "error",
                "error": {
                    "type": "invalid_request_error",
                    "code": "invalid_value",
                    "message": "Unsupported transcription model",
                    "param": "session.audio.input.transcription.model",
                },
            }
        )
        await talker.listen_to_the_end()

    async def live() -> LinkLost:
        async with Service(refusing).listening() as url, Caller(url).running() as caller:
            caller.link.open()
            return await caller.lost()

    assert asyncio.run(live()) == LinkLost("service-refused", is_retriable=False)


def test_a_service_that_closes_before_the_session_is_open_may_be_dialled_again() -> None:
    async def slamming(talker: Talker) -> None:
        await talker.connection.close(1011, "internal error")

    async def live() -> LinkLost:
        async with Service(slamming).listening() as url, Caller(url).running() as caller:
            caller.link.open()
            return await caller.lost()

    assert asyncio.run(live()) == LinkLost("service-unreachable", is_retriable=True)


def test_a_connection_that_is_dropped_instead_of_answered_may_be_dialled_again() -> None:
    async def drop(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def live() -> LinkLost:
        server = await asyncio.start_server(drop, "127.0.0.1", 0)
        async with server, Caller(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/").running() as caller:
            caller.link.open()
            return await caller.lost()

    assert asyncio.run(live()) == LinkLost("service-unreachable", is_retriable=True)


def test_what_speaks_another_protocol_is_told_apart_from_the_network() -> None:
    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        await writer.drain()
        writer.close()

    async def live() -> LinkLost:
        server = await asyncio.start_server(greet, "127.0.0.1", 0)
        async with server, Caller(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/").running() as caller:
            caller.link.open()
            return await caller.lost()

    assert asyncio.run(live()) == LinkLost("service-nonsense", is_retriable=False)


def test_a_service_that_never_confirms_the_session_is_given_up_in_time() -> None:
    async def silent(talker: Talker) -> None:
        await talker.listen_to_the_end()

    async def live() -> LinkLost:
        async with Service(silent).listening() as url, Caller(url, connect_s=0.15).running() as caller:
            caller.link.open()
            return await caller.lost()

    assert asyncio.run(live()) == LinkLost("service-unreachable", is_retriable=True)


def test_a_service_that_never_answers_the_handshake_is_given_up_in_time() -> None:
    async def hang(_connection: ServerConnection, _request: Request) -> None:
        await asyncio.sleep(30)

    async def live() -> LinkLost:
        async with (
            Service().listening(process_request=hang) as url,
            Caller(url, connect_s=0.15).running() as caller,
        ):
            caller.link.open()
            return await caller.lost()

    assert asyncio.run(live()) == LinkLost("service-unreachable", is_retriable=True)


def test_handshake_and_configuration_share_one_limit() -> None:
    async def linger(_connection: ServerConnection, _request: Request) -> None:
        await asyncio.sleep(0.3)

    async def silent(talker: Talker) -> None:
        await talker.listen_to_the_end()

    async def live() -> float:
        async with (
            Service(silent).listening(process_request=linger) as url,
            Caller(url, connect_s=0.5).running() as caller,
        ):
            began = time.monotonic()
            caller.link.open()
            await caller.lost()
            return time.monotonic() - began

    assert 0.5 <= asyncio.run(live()) < 0.75


def test_preparing_counts_too(tmp_path: Path) -> None:
    async def prepare() -> None:
        await asyncio.sleep(30)

    async def live() -> LinkLost:
        endpoint = Endpoint("ws://localhost/", {}, tmp_path / "no.sock", prepare)
        async with Caller(endpoint, connect_s=0.1).running() as caller:
            caller.link.open()
            return await caller.lost()

    assert asyncio.run(live()) == LinkLost("service-unreachable", is_retriable=True)


# --- being hung up on ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "reason"),
    [(1000, ""), (1001, "session hit the maximum duration"), (1008, "unknown\x1b[2J model"), (1011, "")],
)
def test_the_end_of_a_session_is_told_once_whatever_its_close_code(
    code: int, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def ending(talker: Talker) -> None:
        await talker.accept()
        await talker.connection.close(code, reason)

    async def live() -> LinkLost:
        async with Service(ending).listening() as url, Caller(url).running() as caller:
            caller.link.open()
            return await caller.lost()

    assert asyncio.run(live()) == LinkLost("session-ended", is_retriable=True)
    problem = problem_in(caplog, "link-lost")
    assert str(code) in problem
    assert reason.replace("\x1b", "") in problem


def test_a_connection_that_breaks_is_an_end_too(caplog: pytest.LogCaptureFixture) -> None:
    async def breaking(talker: Talker) -> None:
        await talker.accept()
        talker.connection.transport.abort()

    async def live() -> LinkLost:
        async with Service(breaking).listening() as url, Caller(url).running() as caller:
            caller.link.open()
            return await caller.lost()

    assert asyncio.run(live()) == LinkLost("session-ended", is_retriable=True)
    assert "no close code" in problem_in(caplog, "link-lost")


# --- nonsense --------------------------------------------------------------------------------------------------------

NONSENSE: list[str | bytes] = ["no json", "[]", '{"type":7}', '{"no":"type"}', b"binary", '{"type":"response.created","response":1}']


@pytest.mark.parametrize("frame", NONSENSE, ids=repr)
def test_twenty_frames_of_nonsense_in_a_row_end_the_session(frame: str | bytes) -> None:
    async def babbling(talker: Talker) -> None:
        await talker.accept()
        for _ in range(20):
            await talker.connection.send(frame)
        await talker.listen_to_the_end()

    async def live() -> LinkLost:
        async with Service(babbling).listening() as url, Caller(url).running() as caller:
            caller.link.open()
            return await caller.lost()

    assert asyncio.run(live()) == LinkLost("service-nonsense", is_retriable=False)


def test_nonsense_between_frames_that_make_sense_does_no_harm() -> None:
    async def stammering(talker: Talker) -> None:
        for _ in range(3):
            for _ in range(7):
                await talker.connection.send("no json")
            await talker.say({"type": "session.created", "session": {}})
        await talker.accept()
        for _ in range(3):
            for frame in (NONSENSE * 4)[:19]:
                await talker.connection.send(frame)
            await talker.say(SPEECH_STARTED)
        await talker.listen_to_the_end()

    async def live() -> list[Arrival]:
        async with Service(stammering).listening() as url, Caller(url).running() as caller:
            caller.link.open()
            await eventually(lambda: len(caller.arrivals) == 4)
            return caller.arrivals

    assert asyncio.run(live()) == [LinkOpened(), *[UserStartedSpeaking()] * 3]


def test_nonsense_instead_of_a_session_is_given_up_before_the_time_is() -> None:
    async def babbling(talker: Talker) -> None:
        for _ in range(20):
            await talker.connection.send(b"\0\1")
        await talker.listen_to_the_end()

    async def live() -> LinkLost:
        async with Service(babbling).listening() as url, Caller(url, connect_s=30).running() as caller:
            caller.link.open()
            return await caller.lost()

    assert asyncio.run(live()) == LinkLost("service-nonsense", is_retriable=False)


# --- hanging up ------------------------------------------------------------------------------------------------------


def test_hanging_up_ends_the_session_politely_and_reports_nothing() -> None:
    async def talking_on(talker: Talker) -> None:
        await talker.accept()
        await talker.say(*[SPEECH_STARTED] * 50)
        await talker.listen_to_the_end()

    service = Service(talking_on)

    async def live() -> None:
        async with service.listening() as url, Caller(url).running() as caller:
            caller.link.open()
            await eventually(lambda: LinkOpened() in caller.arrivals)
            caller.link.close()
            count = len(caller.arrivals)
            caller.link.send_audio(b"late")
            caller.link.close()
            await eventually(lambda: service.talkers[0].connection.close_code is not None)
            assert len(caller.arrivals) == count
            assert caller.losses == []

    asyncio.run(live())

    assert service.talkers[0].connection.close_code == 1000
    assert service.talkers[0].types == ["session.update"]


def test_hanging_up_while_dialling_reports_nothing() -> None:
    async def live() -> None:
        async with Service().listening() as url, Caller(url).running() as caller:
            for turns in range(12):
                caller.link.open()
                for _ in range(turns):
                    await asyncio.sleep(0)
                caller.link.close()
            await eventually(lambda: not caller.link._ending)
            assert caller.arrivals == []

    asyncio.run(live())


def test_after_hanging_up_a_new_session_begins_afresh_and_the_old_one_is_not_heard() -> None:
    def named(name: str) -> Any:
        async def script(talker: Talker) -> None:
            await talker.say({"type": "response.created", "response": {"id": f"before {name}"}})
            await talker.accept()
            await talker.say({"type": "response.created", "response": {"id": name}})
            await talker.listen_to_the_end()

        return script

    service = Service(named("first"), named("second"))
    dialled: list[int] = []

    async def live() -> None:
        async with service.listening() as url:

            def endpoint() -> Endpoint:
                dialled.append(len(dialled))
                return Endpoint(f"{url}?key={len(dialled)}")

            async with Caller(endpoint).running() as caller:
                caller.link.open()
                await eventually(lambda: ResponseStarted("first") in caller.arrivals)
                caller.link.send_audio(b"for the first")
                caller.link.close()
                caller.link.open()
                await eventually(lambda: ResponseStarted("second") in caller.arrivals)
                caller.link.send_audio(b"for the second")
                await eventually(lambda: len(service.talkers[1].received) == 2)
                expected = [LinkOpened(), ResponseStarted("first"), LinkOpened(), ResponseStarted("second")]
                assert caller.arrivals == expected

    asyncio.run(live())

    assert len(dialled) == 2
    second = service.talkers[1]
    assert second.connection.request is not None
    assert second.connection.request.path == "/realtime?key=2"
    assert base64.b64decode(second.received[1]["audio"]) == b"for the second"


def test_opening_anew_without_hanging_up_leaves_one_session() -> None:
    service = Service()

    async def live() -> None:
        async with service.listening() as url, Caller(url).running() as caller:
            await caller.opened()
            caller.link.open()
            await eventually(lambda: caller.arrivals == [LinkOpened(), LinkOpened()])
            await eventually(lambda: service.talkers[0].connection.close_code is not None)
            assert service.talkers[1].connection.close_code is None

    asyncio.run(live())


def test_when_the_link_ends_the_service_is_told() -> None:
    service = Service()

    async def live() -> None:
        async with service.listening() as url:
            async with Caller(url).running() as caller:
                await caller.opened()
            await eventually(lambda: service.talkers[0].connection.close_code is not None)

    asyncio.run(live())

    assert service.talkers[0].connection.close_code == 1000


# --- when things pile up or break ------------------------------------------------------------------------------------


def test_a_network_that_takes_nothing_ends_the_session_once() -> None:
    async def live() -> LinkLost:
        async with Service().listening() as url, Caller(url).running() as caller:
            await caller.opened()
            for _ in range(1500):  # without a turn for the loop: nothing leaves
                caller.link.send_audio(bytes(1920))
            return await caller.lost()

    assert asyncio.run(live()) == LinkLost("service-unreachable", is_retriable=True)


def test_a_fault_of_ours_in_a_session_is_not_taken_for_the_services() -> None:
    def break_down(arrivals: list[Arrival]) -> None:
        if arrivals == [UserStartedSpeaking()]:
            raise ZeroDivisionError("of our own making")

    async def talking(talker: Talker) -> None:
        await talker.accept()
        await talker.say(SPEECH_STARTED)
        await talker.listen_to_the_end()

    async def live() -> None:
        async with Service(talking).listening() as url:
            caller = Caller(url, take=break_down)
            running = asyncio.create_task(caller.link.run())
            caller.link.open()
            with pytest.raises(ZeroDivisionError, match="of our own making"):
                await asyncio.wait_for(running, 5)
            assert caller.losses == []

    asyncio.run(live())


# --- what must not be seen -------------------------------------------------------------------------------------------


def test_neither_key_nor_words_reach_any_log_at_any_level(caplog: pytest.LogCaptureFixture) -> None:
    async def talking(talker: Talker) -> None:
        await talker.accept()
        await talker.say(
            {
                "type": "conversation.item.input_audio_transcription.completed",
                "item_id": "u1",
                "transcript": "my secret recipe",
            },
            {"type": "response.output_audio_transcript.done", "item_id": "a1", "transcript": ["my secret answer"]},
        )
        await talker.connection.send('{"my secret": broken')
        await talker.connection.close(1011, "over")

    async def live() -> Caller:
        async with Service(talking).listening() as url, Caller(url).running() as caller:
            caller.link.open()
            await caller.lost()
            return caller

    caller = asyncio.run(live())

    ours = [record for record in caplog.records if not record.name.startswith("websockets.server")]
    everything = "\n".join(f"{record.getMessage()} {vars(record)}" for record in ours)
    assert "frame-unreadable" in everything
    assert KEY not in everything
    assert "secret" not in everything
    assert KEY not in repr(caller.link) + repr(vars(caller.link))


# --- TLS -------------------------------------------------------------------------------------------------------------


class Certificates:
    """A certificate for localhost that was signed by itself, and the clients' trust in it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.certificate = folder / "certificate.pem"
        self._key = folder / "key.pem"

    def make(self, begins: str, ends: str) -> ssl.SSLContext:
        """Make one that is valid between two dates, as YYYYMMDDHHMMSSZ; return the server's side."""
        configuration = self._folder / "openssl.cnf"
        configuration.write_text(
            "[ca]\ndefault_ca=a\n[a]\nnew_certs_dir=.\ndatabase=index\nserial=serial\ndefault_md=sha256\npolicy=p\n"
            "x509_extensions=e\n[p]\ncommonName=supplied\n[e]\nsubjectAltName=DNS:localhost\nbasicConstraints=CA:true\n"
        )
        (self._folder / "index").touch()
        (self._folder / "serial").write_text("01")
        request = ["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        self._openssl(*request, "-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "request.pem")
        signing = ["ca", "-batch", "-notext", "-selfsign", "-config", "openssl.cnf", "-keyfile", "key.pem"]
        validity = ["-startdate", begins, "-enddate", ends]
        self._openssl(*signing, *validity, "-in", "request.pem", "-out", "certificate.pem")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self._key)
        return context

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self._folder, check=True, capture_output=True)


@pytest.fixture
def certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Certificates]:
    made = Certificates(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.certificate))
    yield made


def dial_securely(server: ssl.SSLContext) -> list[Arrival]:
    async def live() -> list[Arrival]:
        async with Service().listening(ssl=server) as url, Caller(url).running() as caller:
            caller.link.open()
            await eventually(lambda: bool(caller.arrivals))
            return caller.arrivals

    return asyncio.run(live())


def test_a_service_with_a_certificate_that_is_trusted_is_spoken_to(certificates: Certificates) -> None:
    server = certificates.make("20200101000000Z", "20991231235959Z")

    assert dial_securely(server) == [LinkOpened()]


@pytest.mark.parametrize(
    ("begins", "ends"), [("20900101000000Z", "20991231235959Z"), ("20100101000000Z", "20110101000000Z")]
)
def test_a_certificate_that_is_not_valid_now_means_that_the_clock_is_wrong(
    certificates: Certificates, begins: str, ends: str, caplog: pytest.LogCaptureFixture
) -> None:
    server = certificates.make(begins, ends)

    assert dial_securely(server) == [LinkLost("clock-wrong", is_retriable=False)]
    assert "timedatectl" in problem_in(caplog, "link-lost")


def test_a_certificate_that_nobody_trusts_is_told_with_its_cause(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    server = certificates.make("20200101000000Z", "20991231235959Z")
    monkeypatch.setenv("SSL_CERT_FILE", "/dev/null")

    assert dial_securely(server) == [LinkLost("service-unreachable", is_retriable=True)]
    assert "a proxy or firewall may be reading the traffic" in problem_in(caplog, "link-lost")


def test_a_service_without_tls_behind_a_secure_address_is_told() -> None:
    async def live() -> LinkLost:
        async with Service().listening() as url, Caller(url.replace("ws://", "wss://")).running() as caller:
            caller.link.open()
            return await caller.lost()

    assert asyncio.run(live()) == LinkLost("service-unreachable", is_retriable=True)


def test_the_frames_of_a_session_are_json_text() -> None:
    async def raw(talker: Talker) -> None:
        frame = await talker.connection.recv()
        assert isinstance(frame, str)
        talker.received.append(json.loads(frame))
        await talker.say({"type": "session.updated"})
        await talker.listen_to_the_end()

    service = Service(raw)

    async def live() -> None:
        async with service.listening() as url, Caller(url).running() as caller:
            await caller.opened()

    asyncio.run(live())

    assert service.talkers[0].types == ["session.update"]
