"""A normal session is opened, used and closed; against real WebSocket servers on this machine."""

import asyncio
import base64
import json
import time
from pathlib import Path
from typing import Any

import pytest

from edgevoice.core.facts import (
    AnswerProgressed,
    LinkLost,
    LinkOpened,
    ResponseStarted,
    ServiceComplained,
    UserStartedSpeaking,
)
from edgevoice.core.notices import Role, TranscriptChanged
from edgevoice.core.protocol import wire
from edgevoice.core.protocol.downlink import Arrival, AudioPiece
from edgevoice.errors import LocalServiceUnavailable
from edgevoice.realtime.endpoint import Endpoint
from edgevoice.realtime.incoming import Incoming
from tests.realtime.services import KEY, SESSION, SPEECH_STARTED, Caller, Service, Talker, obliging, problem_in
from tests.waiting import eventually

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


def test_a_service_may_send_any_number_of_greetings() -> None:
    async def greeting(talker: Talker) -> None:
        await talker.say({"type": "session.created", "session": {"id": "s"}})
        await obliging(talker)

    async def live(service: Service) -> None:
        async with service.listening() as url, Caller(url).running() as caller:
            await caller.opened()

    asyncio.run(live(Service(greeting)))


def test_the_local_service_is_reached_by_its_socket_once_it_is_prepared(tmp_path: Path) -> None:
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


def test_a_local_service_that_cannot_run_is_reported_in_its_own_words() -> None:
    async def prepare() -> None:
        raise LocalServiceUnavailable("no models")

    async def live() -> LinkLost:
        async with Caller(Endpoint("ws://localhost/", prepare=prepare)).running() as caller:
            caller.link.open()
            return await caller.lost()

    assert asyncio.run(live()) == LinkLost("local-service-unavailable", is_retriable=False)


# --- talking ---------------------------------------------------------------------------------------------------------


def test_audio_and_actions_reach_the_service_in_order() -> None:
    service = Service()
    pieces = [bytes([number]) * 960 for number in range(60)]

    async def live() -> None:
        async with service.listening() as url, Caller(url).running() as caller:
            await caller.opened()
            for pcm in pieces[:30]:
                caller.link.send_audio(pcm)
            caller.link.truncate("item_9", 1, 740)
            caller.link.delete("item_8")
            caller.link.extend("item_8", 900)
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


def test_the_services_events_are_handled_in_order_and_unknown_ones_skipped() -> None:
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
            await eventually(lambda: len(caller.arrivals) == 6)
            return caller.arrivals

    assert asyncio.run(live()) == [
        LinkOpened(),
        UserStartedSpeaking(),
        ResponseStarted("r1"),
        AudioPiece("r1", "a1", 0, b"\1\2\3"),
        TranscriptChanged(Role.ASSISTANT, "a1", "Well,", is_final=False),
        AnswerProgressed("r1"),
    ]


def test_a_frame_of_many_megabytes_is_accepted() -> None:
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
            await eventually(lambda: len(caller.arrivals) == 3)
            return caller.arrivals[2]

    assert asyncio.run(live()) == AudioPiece("r", "nameless:item of r", 0, pcm)


def test_a_service_error_is_handled_and_logged_by_its_code_on_one_line(caplog: pytest.LogCaptureFixture) -> None:
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

    (record,) = [record for record in caplog.records if record.msg == "service-complains"]
    assert vars(record)["fields"] == {"code": "odd root: all is well"}


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


def test_after_hanging_up_a_new_session_starts_fresh_and_the_old_one_is_not_heard() -> None:
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


def test_reopening_without_hanging_up_leaves_one_session() -> None:
    service = Service()

    async def live() -> None:
        async with service.listening() as url, Caller(url).running() as caller:
            await caller.opened()
            caller.link.open()
            await eventually(lambda: caller.arrivals == [LinkOpened(), LinkOpened()])
            await eventually(lambda: service.talkers[0].connection.close_code is not None)
            assert service.talkers[1].connection.close_code is None

    asyncio.run(live())


def test_when_the_link_ends_the_connection_is_closed_properly() -> None:
    service = Service()

    async def live() -> None:
        async with service.listening() as url:
            async with Caller(url).running() as caller:
                await caller.opened()
            await eventually(lambda: service.talkers[0].connection.close_code is not None)

    asyncio.run(live())

    assert service.talkers[0].connection.close_code == 1000


# --- backlogs and failures -------------------------------------------------------------------------------------------


def test_a_network_that_accepts_no_data_ends_the_session_once() -> None:
    async def live() -> LinkLost:
        async with Service().listening() as url, Caller(url).running() as caller:
            await caller.opened()
            for _ in range(1500):  # without yielding to the loop: nothing is sent
                caller.link.send_audio(bytes(1920))
            return await caller.lost()

    assert asyncio.run(live()) == LinkLost("service-unreachable", is_retriable=True)


def test_a_bug_of_ours_in_a_session_is_not_blamed_on_the_service() -> None:
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


# --- closed from within ----------------------------------------------------------------------------------------------

FATAL = {"type": "error", "error": {"code": "invalid_api_key", "message": "no"}}


async def saying_much_at_once(talker: Talker) -> None:
    """Send frames that wait together at the other end; the last one would end the session."""
    await talker.accept()
    await talker.say(SPEECH_STARTED, SPEECH_STARTED, FATAL)
    await talker.listen_to_the_end()


def frames_that_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Yield frames without a pause, as they arrive when the loop was busy."""
    received = Incoming.next
    kept: dict[Incoming, list[wire.ServerEvent]] = {}

    async def next_of_many(self: Incoming) -> wire.ServerEvent:
        waiting = kept.setdefault(self, [])
        if not waiting:
            event = await received(self)
            if not isinstance(event, wire.SpeechStarted):
                return event
            waiting.extend([event, await received(self), await received(self)])
        return waiting.pop(0)

    monkeypatch.setattr(Incoming, "next", next_of_many)


def test_a_session_ended_by_its_own_report_reports_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    frames_that_wait(monkeypatch)
    service = Service(saying_much_at_once)

    async def live() -> list[Arrival]:
        def hang_up(arrivals: list[Arrival]) -> None:
            if UserStartedSpeaking() in arrivals:
                caller.link.close()

        async with service.listening() as url:
            caller = Caller(url, take=hang_up)
            async with caller.running():
                caller.link.open()
                await eventually(lambda: UserStartedSpeaking() in caller.arrivals and not caller.link._ending)
                return caller.arrivals

    assert asyncio.run(live()) == [LinkOpened(), UserStartedSpeaking()]
    assert service.talkers[0].connection.close_code == 1000


def test_an_old_session_reports_no_loss_in_place_of_the_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    frames_that_wait(monkeypatch)
    service = Service(saying_much_at_once, obliging)

    async def live() -> list[Arrival]:
        def dial_again(arrivals: list[Arrival]) -> None:
            if UserStartedSpeaking() in arrivals:
                caller.link.open(resumes=True)

        async with service.listening() as url:
            caller = Caller(url, take=dial_again)
            async with caller.running():
                caller.link.open()
                await eventually(lambda: caller.arrivals.count(LinkOpened()) == 2 or bool(caller.losses))
                caller.link.send_audio(b"new")
                await eventually(lambda: len(service.talkers[1].received) == 2 or bool(caller.losses))
                return caller.arrivals

    assert asyncio.run(live()) == [LinkOpened(), UserStartedSpeaking(), LinkOpened()]


def test_a_session_that_fails_while_it_is_hung_up_on_reports_no_loss() -> None:
    async def live() -> list[Arrival]:
        preparing = asyncio.Event()

        async def prepare() -> None:
            preparing.set()
            try:
                await asyncio.sleep(30)
            except asyncio.CancelledError:
                raise LocalServiceUnavailable("stopping") from None

        async with Caller(Endpoint("ws://localhost/", prepare=prepare)).running() as caller:
            caller.link.open()
            await preparing.wait()
            caller.link.close()
            await eventually(lambda: not caller.link._ending)
            return caller.arrivals

    assert asyncio.run(live()) == []


@pytest.mark.parametrize("size", [wire.LARGEST_AUDIO_FRAME + 1, 40 * 2**20])
def test_a_frame_larger_than_any_service_needs_ends_the_session(size: int, caplog: pytest.LogCaptureFixture) -> None:
    async def flooding(talker: Talker) -> None:
        await talker.accept()
        await talker.connection.send("x" * size)
        await talker.listen_to_the_end()

    async def live() -> LinkLost:
        async with Service(flooding).listening() as url, Caller(url).running() as caller:
            await caller.opened()
            return await caller.lost()

    assert asyncio.run(live()) == LinkLost("service-nonsense", is_retriable=False)
    assert "message too big" in problem_in(caplog, "link-lost")


def test_a_change_made_while_the_session_is_opened_is_sent_once_it_is_open() -> None:
    async def slow(talker: Talker) -> None:
        await talker.say({"type": "session.created", "session": {}})
        await talker.listen(1)
        changes.set()
        await asked.wait()
        await talker.say({"type": "session.updated", "session": {}})
        await talker.listen_to_the_end()

    async def live() -> list[dict[str, Any]]:
        service = Service(slow)
        async with service.listening() as url, Caller(url).running() as caller:
            caller.link.update({"instructions": "Of a session that never was."})
            caller.link.open()
            await changes.wait()
            for number in range(102):
                caller.link.update({"instructions": f"Be number {number}."})
            asked.set()
            await eventually(lambda: len(service.talkers[0].received) == 101)
            return service.talkers[0].received[1:]

    changes, asked = asyncio.Event(), asyncio.Event()
    sent = asyncio.run(live())
    assert [frame["session"]["instructions"] for frame in sent] == [f"Be number {number}." for number in range(2, 102)]
