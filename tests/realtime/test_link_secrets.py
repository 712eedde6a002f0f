"""A service, or a proxy in between, that repeats the key: each way in which it can, on a real connection."""

import asyncio
import base64
from collections.abc import Awaitable, Callable, Iterator
from http import HTTPStatus
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from edgevoice.core.facts import ServiceComplained
from edgevoice.realtime.endpoint import Endpoint
from tests.realtime.services import Caller, Service, Talker, problem_in
from tests.realtime.test_proxies import HttpProxy
from tests.waiting import eventually

IDENTITY, SECRET = "wWxkj48", "Zq7hT2mRv9"
KEY = base64.b64encode(f"{IDENTITY}:{SECRET}".encode()).decode()
PASSWORD = "kP3vQ8sLx"
PIECES = (KEY, IDENTITY, SECRET, PASSWORD, KEY[:4], KEY[-4:])
"""Text that no log may contain."""

QUOTED = f"{KEY} {IDENTITY}:{SECRET} {KEY[:4]}****{KEY[-4:]} {SECRET} {KEY[-4:]} {PASSWORD}"


async def dialled(url: str) -> None:
    """Connect, and see the session lost or an error reported."""
    endpoint = Endpoint(url, {"Authorization": f"Basic {KEY}"})
    async with Caller(endpoint).running() as caller:
        caller.link.open()
        await eventually(
            lambda: bool(caller.losses) or any(isinstance(each, ServiceComplained) for each in caller.arrivals)
        )


async def from_a_service(*, script: Callable[[Talker], Awaitable[None]] | None = None, **options: Any) -> None:
    async with Service(*([script] if script else [])).listening(**options) as url:
        await dialled(f"{url}?token={PASSWORD}")


async def from_raw_bytes(answer: str) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer.encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    async with server:
        await dialled(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/?token={PASSWORD}")


def http(status: int, body: str = "", **headers: str) -> Awaitable[None]:
    def refuse(connection: ServerConnection, _request: Request) -> Response:
        response = connection.respond(HTTPStatus(status), body)
        response.headers.update(headers)
        return response

    return from_a_service(process_request=refuse)


def setup_error(**error: Any) -> Awaitable[None]:
    async def refusing(talker: Talker) -> None:
        await talker.listen(1)
        await talker.say({"type": "error", "error": error})
        await talker.listen_to_the_end()

    return from_a_service(script=refusing)


def close(*, is_open: bool) -> Awaitable[None]:
    async def closing(talker: Talker) -> None:
        if is_open:
            await talker.accept()
        await talker.connection.close(1008, QUOTED[:120])

    return from_a_service(script=closing)


def live_event(event: dict[str, Any]) -> Awaitable[None]:
    async def complaining(talker: Talker) -> None:
        await talker.accept()
        await talker.say(event, {"type": "error", "error": {"code": "odd"}})
        await talker.listen_to_the_end()

    return from_a_service(script=complaining)


def live_error(**error: Any) -> Awaitable[None]:
    return live_event({"type": "error", "error": error})


def failed_answer(**error: Any) -> Awaitable[None]:
    response = {"id": "r1", "status": "failed", "status_details": {"type": "failed", "error": error}}
    return live_event({"type": "response.done", "response": response})


class Quoting(HttpProxy):
    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 407 No {QUOTED}\r\nContent-Length: {len(QUOTED)}\r\n\r\n{QUOTED}".encode())
        await writer.drain()


async def proxy_body() -> None:
    monkeypatch = pytest.MonkeyPatch()
    async with Quoting().listening() as address:
        with monkeypatch.context() as patch:
            patch.setenv("https_proxy", f"http://me:{PASSWORD}@{address}")
            await dialled("ws://127.0.0.1:1/")


def handshake(**headers: str) -> Awaitable[None]:
    lines = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": "x", **headers}
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items())
    return from_raw_bytes(f"HTTP/1.1 101 Switching Protocols\r\n{head}\r\n")


WAYS: dict[str, Callable[[], Awaitable[None]]] = {
    "the body of a refused key": lambda: http(401, QUOTED),
    "the body of another refusal": lambda: http(400, QUOTED),
    "the body of a page": lambda: http(200, QUOTED),
    "a key that is cut": lambda: http(400, "x" * 195 + KEY),
    "the place of a redirect": lambda: http(302, Location=f"https://{KEY}.example/?key={KEY}"),
    "the query of a redirect": lambda: http(307, Location=f"https://there.example/{KEY}?key={KEY}"),
    "the user of a redirect": lambda: http(307, Location=f"wss://me:{SECRET}@there.invalid/"),
    "a setup error's message": lambda: setup_error(code="invalid_value", message=QUOTED),
    "a setup error of the key": lambda: setup_error(code="invalid_api_key", message=QUOTED),
    "a setup error's code": lambda: setup_error(code=f"no {KEY}"),
    "a setup error's param": lambda: setup_error(code="x", message="no", param=QUOTED),
    "a close before the session": lambda: close(is_open=False),
    "a close of the session": lambda: close(is_open=True),
    "a live error's message": lambda: live_error(code="invalid_api_key", message=QUOTED),
    "a live error's code": lambda: live_error(code=f"no {KEY}", message=QUOTED),
    "a failed answer's message": lambda: failed_answer(code="insufficient_quota", message=QUOTED),
    "a failed answer's code": lambda: failed_answer(code=QUOTED, message=QUOTED),
    "a proxy's body": proxy_body,
    "a first line that is no HTTP": lambda: from_raw_bytes(f"{QUOTED}\r\n\r\n"),
    "an upgrade to something else": lambda: handshake(Upgrade=KEY),
    "an answer to another handshake": lambda: handshake(Sec_WebSocket_Accept=KEY),
    "an extension that nobody asked for": lambda: handshake(Sec_WebSocket_Extensions=f"x-{KEY}"),
}


def logged(records: list[Any]) -> Iterator[str]:
    for record in records:
        if not record.name.startswith("websockets.server"):
            yield f"{record.getMessage()} {vars(record)}"


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_no_part_of_the_key_that_a_service_repeats_reaches_a_log(
    way: Callable[[], Awaitable[None]], caplog: pytest.LogCaptureFixture
) -> None:
    async def live() -> None:
        await way()

    asyncio.run(live())

    log = "\n".join(logged(caplog.records))
    assert "link-lost" in log or "service-complains" in log
    assert [piece for piece in PIECES if piece in log] == []


OPENAI_SAYS = f"Incorrect API key provided: {KEY[:5]}*********{KEY[-4:]}. You can find yours at our page."


@pytest.mark.parametrize(
    "way",
    [
        lambda: http(401, OPENAI_SAYS),
        lambda: setup_error(code="invalid_api_key", message=OPENAI_SAYS),
        lambda: live_error(code="invalid_api_key", message=OPENAI_SAYS),
        lambda: failed_answer(code="invalid_api_key", message=OPENAI_SAYS),
    ],
)
def test_the_rest_of_what_a_service_says_stays_readable(
    way: Callable[[], Awaitable[None]], caplog: pytest.LogCaptureFixture
) -> None:
    async def live() -> None:
        await way()

    asyncio.run(live())

    assert "Incorrect API key provided: (hidden). You can find yours at our page." in problem_in(caplog, "link-lost")
