"""A session that ends by itself; against real WebSocket servers on this machine."""

import asyncio
import logging

import pytest

from edgevoice import journal
from edgevoice.core.facts import LinkLost, LinkOpened, UserStartedSpeaking
from edgevoice.core.protocol.downlink import Arrival
from tests.realtime.services import KEY, SPEECH_STARTED, Caller, Service, Talker, problem_in
from tests.waiting import eventually

# --- being hung up on ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "reason"),
    [(1000, ""), (1001, "session hit the maximum duration"), (1008, "unknown\x1b[2J model"), (1011, "")],
)
def test_the_end_of_a_session_is_reported_once_whatever_its_close_code(
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
    assert reason.replace("\x1b[2J", "") in problem


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


def test_a_service_that_hangs_up_while_it_is_spoken_to_is_lost_once() -> None:
    async def hanging_up(talker: Talker) -> None:
        await talker.accept()
        await talker.listen(3)
        await talker.connection.close(1001, "enough")

    async def live() -> LinkLost:
        async with Service(hanging_up).listening() as url, Caller(url).running() as caller:
            await caller.opened()
            while not caller.losses:
                caller.link.send_audio(bytes(1920))
                await asyncio.sleep(0)
            return await caller.lost()

    assert asyncio.run(live()) == LinkLost("session-ended", is_retriable=True)


@pytest.mark.parametrize(
    ("error", "loss"),
    [
        ({"type": "insufficient_quota", "code": "insufficient_quota"}, LinkLost("no-credit", is_retriable=False)),
        ({"type": "insufficient_quota", "code": None}, LinkLost("no-credit", is_retriable=False)),
        ({"type": "authentication_error", "code": "key_7"}, LinkLost("key-refused", is_retriable=False)),
        ({"code": "invalid_api_key"}, LinkLost("key-refused", is_retriable=False)),
        ({"type": "invalid_request_error", "code": "session_expired"}, LinkLost("session-ended", is_retriable=True)),
    ],
)
def test_an_error_that_is_the_sessions_end_ends_it_without_a_close(
    error: dict[str, str | None], loss: LinkLost
) -> None:
    async def ending(talker: Talker) -> None:
        await talker.accept()
        await talker.say({"type": "error", "error": {**error, "message": "no more"}}, SPEECH_STARTED)
        await talker.listen_to_the_end()

    async def live() -> list[Arrival]:
        async with Service(ending).listening() as url, Caller(url).running() as caller:
            caller.link.open()
            await caller.lost()
            return caller.arrivals

    assert asyncio.run(live()) == [LinkOpened(), loss]


# --- nonsense --------------------------------------------------------------------------------------------------------

NONSENSE: list[str | bytes] = [
    "no json",
    "[]",
    '{"type":7}',
    '{"no":"type"}',
    b"binary",
    '{"type":"response.output_audio.delta","delta":"no base64!"}',
]


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


def test_nonsense_instead_of_a_session_is_abandoned_before_the_time_limit() -> None:
    async def babbling(talker: Talker) -> None:
        for _ in range(20):
            await talker.connection.send(b"\0\1")
        await talker.listen_to_the_end()

    async def live() -> LinkLost:
        async with Service(babbling).listening() as url, Caller(url, connect_s=30).running() as caller:
            caller.link.open()
            return await caller.lost()

    assert asyncio.run(live()) == LinkLost("service-nonsense", is_retriable=False)


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


def test_a_service_that_complains_without_end_writes_few_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    complaint = {"type": "error", "error": {"code": "odd", "message": "no"}}

    async def complaining(talker: Talker) -> None:
        await talker.accept()
        await talker.say(*[complaint] * 2000)
        await talker.connection.close(1000)

    async def live() -> None:
        async with Service(complaining).listening() as url, Caller(url).running() as caller:
            caller.link.open()
            await caller.lost()

    log = logging.getLogger("edgevoice")
    before = log.handlers[:], log.level, log.propagate
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    try:
        journal.start("warning")
        asyncio.run(live())
        journal.start("warning")
    finally:
        log.handlers[:], log.propagate = before[0], before[2]
        log.setLevel(before[1])

    lines = capsys.readouterr().err.splitlines()
    assert sum("service-complains" in line for line in lines) == 21
    assert "repeated=1980" in lines[-1]
