"""Limits of a session: how much may wait, which side a loss names, and what has ended when the session has."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from edgevoice.core.facts import LinkLost, LinkOpened, UserStartedSpeaking
from edgevoice.core.notices import TranscriptChanged
from edgevoice.core.protocol.downlink import Arrival
from edgevoice.errors import ServiceUnreachable
from edgevoice.realtime import link as link_module
from edgevoice.realtime.endpoint import Endpoint
from edgevoice.realtime.link import Link
from tests.realtime.services import SESSION, SPEECH_STARTED, Caller, Service, Talker, obliging, problem_in
from tests.realtime.test_link_resumed import box_said, user_said
from tests.waiting import eventually

MOST_WAITING = 1000


def test_a_thousand_frames_may_wait_and_the_next_one_ends_the_session(caplog: pytest.LogCaptureFixture) -> None:
    async def live() -> None:
        async with Service().listening() as url, Caller(url).running() as caller:
            await caller.opened()
            for _ in range(MOST_WAITING):
                caller.link.send_audio(b"\0\0")
            assert caller.losses == []
            caller.link.send_audio(b"\0\0")
            assert caller.losses == [LinkLost("service-unreachable", is_retriable=True)]

    asyncio.run(live())

    assert problem_in(caplog, "link-lost").startswith("the send queue is full (1000 frames)")


async def breaking(talker: Talker) -> None:
    await talker.accept()
    talker.connection.transport.abort()


def test_a_loss_is_logged_once_with_its_code_as_a_warning_of_the_link(caplog: pytest.LogCaptureFixture) -> None:
    async def live() -> None:
        async with Service(breaking).listening() as url, Caller(url).running() as caller:
            caller.link.open()
            await caller.lost()

    asyncio.run(live())

    (record,) = [record for record in caplog.records if record.msg == "link-lost"]
    assert (record.name, record.levelno) == ("edgevoice.realtime.link", logging.WARNING)
    assert vars(record)["fields"]["code"] == "session-ended"


def test_a_session_that_is_opened_when_the_last_one_is_reported_lost_stays_open() -> None:
    service = Service(breaking, obliging)

    async def live() -> list[Arrival]:
        def dial_again(arrivals: list[Arrival]) -> None:
            if any(isinstance(arrival, LinkLost) for arrival in arrivals):
                caller.link.open(resumes=True)

        async with service.listening() as url:
            caller = Caller(url, take=dial_again)
            async with caller.running():
                caller.link.open()
                await eventually(lambda: caller.arrivals.count(LinkOpened()) == 2)
                caller.link.send_audio(b"new")
                await eventually(lambda: len(service.talkers[1].received) == 2)
                return caller.arrivals

    assert asyncio.run(live()) == [LinkOpened(), LinkLost("session-ended", is_retriable=True), LinkOpened()]


def test_a_session_is_configured_for_the_wake_word_it_is_opened_with() -> None:
    service = Service()

    async def live() -> None:
        async with service.listening() as url:
            arrivals: list[Arrival] = []
            link = Link(
                lambda: Endpoint(url), lambda word: SESSION | {"instructions": word}, arrivals.extend, connect_s=5.0
            )
            running = asyncio.create_task(link.run())
            link.open("hey_jarvis")
            await eventually(lambda: arrivals == [LinkOpened()])
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(live())

    assert service.talkers[0].received[0]["session"]["instructions"] == "hey_jarvis"


def test_words_after_an_item_without_an_id_do_not_refer_to_its_invented_id(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[bytes] = []
    link = Link(lambda: Endpoint(""), lambda _word: SESSION, lambda _arrivals: None, connect_s=5.0)
    item_id = "nameless:item of r1"

    class History:
        @staticmethod
        def extend(asked: str, heard_ms: int | None) -> tuple[str, bool]:
            assert (asked, heard_ms) == (item_id, 900)
            return "and warm", True

    monkeypatch.setattr(link, "_history", History)
    monkeypatch.setattr(link, "_send", sent.append)  # there is no session

    link.extend(item_id, 900)

    (frame,) = sent
    assert b"and warm" in frame
    assert b"nameless" not in frame
    assert b"previous_item_id" not in frame


# --- before it is open -----------------------------------------------------------------------------------------------


def test_events_before_the_configuration_is_confirmed_belong_to_the_session() -> None:
    def piece(text: str) -> dict[str, Any]:
        return {"type": "conversation.item.input_audio_transcription.delta", "item_id": "u1", "delta": text}

    async def early(talker: Talker) -> None:
        await talker.listen(1)
        await talker.say(piece("to"), {"type": "session.updated", "session": {}}, piece("day"))
        await talker.listen_to_the_end()

    async def live() -> list[str]:
        async with Service(early).listening() as url, Caller(Endpoint(url, rewrites=False)).running() as caller:
            caller.link.open()
            await eventually(lambda: bool(shown(caller)))
            return shown(caller)

    def shown(caller: Caller) -> list[str]:
        return [arrival.text for arrival in caller.arrivals if isinstance(arrival, TranscriptChanged)]

    assert asyncio.run(live()) == ["today"]


async def closing(talker: Talker) -> None:
    await talker.connection.close(1001)


async def silent(talker: Talker) -> None:
    await talker.listen_to_the_end()


async def refusing(talker: Talker) -> None:
    await talker.listen(1)
    error = {"code": "invalid_value", "message": "Unsupported language", "param": "session.audio.input"}
    await talker.say({"type": "error", "error": error})
    await talker.listen_to_the_end()


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (closing, "{host} closed the connection before the session was open (1001). "),
        (silent, "{host} did not open the session. "),
        (refusing, "the service refused the session (session.audio.input): Unsupported language. "),
    ],
)
def test_a_session_that_does_not_open_names_the_host_or_what_it_refuses(
    script: Any, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def live() -> str:
        async with (
            Service(script).listening() as url,
            Caller(url, connect_s=0.2 if script is silent else 10.0).running() as caller,
        ):
            caller.link.open()
            await caller.lost()
            return url.split("/")[2]

    host = asyncio.run(live())

    assert problem_in(caplog, "link-lost").startswith(words.format(host=host))


# --- while it is open ------------------------------------------------------------------------------------------------


def test_an_error_event_without_an_error_is_logged_and_the_session_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    async def odd(talker: Talker) -> None:
        await talker.accept()
        await talker.say({"type": "error"}, {"type": "error", "error": None, "message": "invalid_api_key"})
        await talker.say(SPEECH_STARTED)
        await talker.listen_to_the_end()

    async def live() -> list[LinkLost]:
        async with Service(odd).listening() as url, Caller(url).running() as caller:
            caller.link.open()
            await eventually(lambda: UserStartedSpeaking() in caller.arrivals or bool(caller.losses))
            return caller.losses[:]

    assert asyncio.run(live()) == []
    assert [record.msg for record in caplog.records].count("service-complains") == 2


@pytest.mark.parametrize(
    ("message", "words"),
    [("no such key", "the service refused the key: no such key. "), (None, "the service refused the key. ")],
)
def test_an_error_that_ends_the_session_is_logged_with_its_words_where_it_has_some(
    message: str | None, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def ending(talker: Talker) -> None:
        await talker.accept()
        await talker.say({"type": "error", "error": {"code": "invalid_api_key", "message": message}})
        await talker.listen_to_the_end()

    async def live() -> None:
        async with Service(ending).listening() as url, Caller(url).running() as caller:
            caller.link.open()
            await caller.lost()

    asyncio.run(live())

    assert problem_in(caplog, "link-lost").startswith(words)


# --- the library's own limits ----------------------------------------------------------------------------------------


def test_the_library_keeps_one_frame_and_sets_no_limit_that_is_shorter_than_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: list[Mapping[str, Any]] = []

    async def dial(_endpoint: Endpoint, options: Mapping[str, Any]) -> Any:
        given.append(options)
        raise ServiceUnreachable("no network here")

    async def live() -> None:
        async with Caller("ws://box.local/").running() as caller:
            caller.link.open()
            await caller.lost()

    monkeypatch.setattr("edgevoice.realtime.dial.dial", dial)
    asyncio.run(live())

    (options,) = given
    assert options["max_queue"] == 1, "frames of megabytes each"
    assert options["close_timeout"] > link_module._CLOSE_S
    assert options["open_timeout"] is options["ping_interval"] is None


def test_the_other_side_has_a_second_to_say_goodbye(monkeypatch: pytest.MonkeyPatch) -> None:
    limits_s: list[float | None] = []
    let_go: list[object] = []

    @asynccontextmanager
    async def timeout(limit_s: float | None) -> AsyncIterator[None]:
        limits_s.append(limit_s)
        yield
        raise TimeoutError

    class Silent:
        transport = "its transport"

        async def close(self) -> None:
            """Be closed without an answer."""

    monkeypatch.setattr("asyncio.timeout", timeout)
    monkeypatch.setattr(link_module, "has_unsent", lambda _transport: False)
    monkeypatch.setattr(link_module, "let_go", let_go.append)
    connection: Any = Silent()

    asyncio.run(link_module._close(connection))

    assert limits_s == [1.0]
    assert let_go == ["its transport"]


# --- at its end ------------------------------------------------------------------------------------------------------


def test_a_link_that_has_ended_has_said_goodbye_and_left_no_complaint(caplog: pytest.LogCaptureFixture) -> None:
    service = Service()

    async def live() -> int | None:
        async with service.listening() as url:
            async with Caller(url).running() as caller:
                await caller.opened()
            # At once: no work is left after it.
            return service.talkers[0].connection.close_code

    assert asyncio.run(live()) == 1000
    assert [record for record in caplog.records if record.name == "asyncio" and record.levelno >= logging.ERROR] == []


def test_a_bug_of_ours_is_raised_once_every_earlier_session_is_over() -> None:
    done: list[str] = []

    async def slow_to_stop() -> None:
        try:
            done.append("dialling")
            await asyncio.Event().wait()
        finally:
            for _ in range(50):
                await asyncio.sleep(0)
            done.append("stopped")

    def session(_word: str) -> dict[str, Any]:
        if done:
            raise ZeroDivisionError("of our own making")
        return SESSION

    async def live() -> None:
        link = Link(lambda: Endpoint("ws://localhost/", prepare=slow_to_stop), session, lambda _: None, connect_s=9.0)
        running = asyncio.create_task(link.run())
        link.open()
        await eventually(lambda: bool(done))
        link.open()
        with pytest.raises(ZeroDivisionError, match="of our own making"):
            await running
        assert done == ["dialling", "stopped"]

    asyncio.run(asyncio.wait_for(live(), 9))


def test_the_tasks_beside_the_reader_end_with_the_reader() -> None:
    async def live() -> list[str]:
        ended: list[str] = []

        async def read() -> None:
            await asyncio.sleep(0)

        async def slow_to_end() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                ended.append("slow")

        async def failing_to_end() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                raise ZeroDivisionError

        await link_module._beside(read(), failing_to_end(), slow_to_end())
        return ended[:]

    assert asyncio.run(live()) == ["slow"]


def test_a_continued_conversation_knows_nothing_of_the_one_before_it() -> None:
    def talk_of(number: int) -> Any:
        async def script(talker: Talker) -> None:
            await talker.accept()
            await talker.say(user_said(f"u{number}", f"Question {number}"), box_said(f"a{number}", f"Answer {number}"))
            talker.connection.transport.abort()

        return script

    service = Service(talk_of(1), talk_of(2), obliging)

    async def live() -> None:
        async with service.listening() as url, Caller(url).running() as caller:
            for _ in range(2):
                caller.link.open()
                await caller.lost()
                caller.arrivals.clear()
            caller.link.open(resumes=True)
            await eventually(lambda: LinkOpened() in caller.arrivals)
            caller.link.send_audio(b"now")
            await eventually(lambda: "input_audio_buffer.append" in service.talkers[2].types)

    asyncio.run(live())

    _, *told, _ = service.talkers[2].received
    assert [item["item"]["content"][0]["text"] for item in told] == ["Question 2", "Answer 2"]


def test_a_secret_of_the_configuration_is_hidden_where_the_service_repeats_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def refusing(talker: Talker) -> None:
        await talker.listen(1)
        await talker.say({"type": "error", "error": {"code": "odd", "message": "no voice for tts-0123456789"}})
        await talker.listen_to_the_end()

    async def live() -> None:
        async with Service(refusing).listening() as url:
            arrivals: list[Arrival] = []
            session = SESSION | {"providerData": {"api_key": "tts-0123456789"}}
            link = Link(lambda: Endpoint(url), lambda _word: session, arrivals.extend, connect_s=9.0)
            running = asyncio.create_task(link.run())
            link.open()
            await eventually(lambda: bool(arrivals))
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(live())

    assert "no voice for (hidden)" in problem_in(caplog, "link-lost")
