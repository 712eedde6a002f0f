"""A service that refuses, is absent or talks nonsense: one line, the fault light, and the box listens again."""

import asyncio
import http
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from edgevoice.core.facts import LinkLost, WakeWordHeard
from edgevoice.core.lights import said_of
from edgevoice.core.notices import PhaseEntered
from edgevoice.core.orders import Light, PlayEarcon, ShowLight
from edgevoice.realtime.endpoint import Endpoint, remote
from edgevoice.testbed.stage.stage import Stage, set_stage, stage_settings

pytestmark = pytest.mark.sound

KEY = "c2VjcmV0OnNlY3JldA=="
Handler = Callable[[ServerConnection], Awaitable[None]]


@asynccontextmanager
async def service(handler: Handler, refuse: int | None = None) -> AsyncIterator[str]:
    def process(connection: ServerConnection, _request: Request) -> Response | None:
        return connection.respond(http.HTTPStatus(refuse), "go away\n") if refuse is not None else None

    async with serve(handler, "127.0.0.1", 0, process_request=process) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"ws://127.0.0.1:{port}/api/v1/realtime/session"


async def silent(connection: ServerConnection) -> None:
    await connection.wait_closed()


async def nonsense(connection: ServerConnection) -> None:
    try:
        for frame in (
            "{",
            "[]",
            '{"no":"type"}',
            "null",
            '{"type":7}',
            b"\x00\xff",
            '{"type":"response.output_audio.delta","delta":"*"}',
        ) * 10:
            await connection.send(frame)
    except ConnectionClosed:
        return


async def bad_model(connection: ServerConnection) -> None:
    await connection.recv()
    error = {
        "type": "invalid_request_error",
        "code": "invalid_value",
        "message": "no such model",
        "param": "session.model",
    }
    await connection.send(json.dumps({"type": "error", "error": error}))
    await connection.wait_closed()


def dial(url: str) -> Callable[[], Endpoint]:
    settings = stage_settings({"service": {"url": url, "dialect": "inworld"}})
    return lambda: remote(settings.service, KEY)


async def wake_and_fail(stage: Stage) -> str:
    """Wake the box; return the code with which it failed, once it listens for its wake word again."""
    await stage.talker.say(0.2, "Hey Jarvis.", 0.3)
    await stage.seen.wait_for(WakeWordHeard, "the wake word", 10)
    _, shown = await stage.seen.wait_for(ShowLight, "the fault light", 20, lambda order: order.light is Light.FAULT)
    await stage.seen.wait_for(PlayEarcon, "its name", 2, lambda order: order.earcon is said_of(shown.reason))
    await stage.seen.wait_for(PhaseEntered, "the end", 2, lambda entered: entered.phase == "idle")
    return shown.reason


@pytest.mark.parametrize(
    ("status", "code"),
    [(401, "key-refused"), (403, "key-refused"), (402, "no-credit"), (400, "service-refused")],
)
def test_each_cause_of_a_refused_session_has_its_own_code(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, status: int, code: str
) -> None:
    async def run() -> None:
        async with service(silent, refuse=status) as url, set_stage(tmp_path, endpoint=dial(url)) as stage:
            assert await wake_and_fail(stage) == code

    _run_and_check_the_log(run, caplog)


def test_an_absent_service_is_redialled_and_then_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        changes = {"service": {"connect_s": 2.0}}
        nobody = dial("ws://127.0.0.1:9/api/v1/realtime/session")
        async with set_stage(tmp_path, changes=changes, endpoint=nobody) as stage:
            assert await wake_and_fail(stage) == "service-unreachable"
            assert len(list(stage.seen.all_of(LinkLost))) >= 2

    _run_and_check_the_log(run, caplog)


@pytest.mark.parametrize(
    ("handler", "code"),
    [(nonsense, "service-nonsense"), (bad_model, "service-refused"), (silent, "service-unreachable")],
)
def test_a_service_that_does_not_open_the_session_is_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, handler: Handler, code: str
) -> None:
    async def run() -> None:
        async with (
            service(handler) as url,
            set_stage(tmp_path, changes={"service": {"connect_s": 2.0}}, endpoint=dial(url)) as stage,
        ):
            assert await wake_and_fail(stage) == code

    _run_and_check_the_log(run, caplog)


def _run_and_check_the_log(run: Callable[[], Awaitable[None]], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="edgevoice"):
        asyncio.run(_awaited(run))
    lines = [record.getMessage() + str(getattr(record, "fields", "")) for record in caplog.records]
    assert len([line for line in lines if line.startswith("fault")]) == 1
    assert not [line for line in lines if KEY in line]
    assert not [record for record in caplog.records if record.exc_info]


async def _awaited(run: Callable[[], Awaitable[None]]) -> None:
    await run()
