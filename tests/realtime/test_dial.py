"""Why no WebSocket was opened, each cause in words; and which servers never see the key. Against real servers."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from edgevoice.core.facts import LinkLost, LinkOpened
from edgevoice.realtime.endpoint import Endpoint
from tests.realtime.services import KEY, Caller, Service, problem_in
from tests.realtime.test_link_refused import Certificates
from tests.realtime.test_proxies import HttpProxy, Proxy, Socks4Proxy, SocksProxy
from tests.waiting import eventually

Redirect = Callable[[ServerConnection, Request], Response | None]


def to(place: str, status: int = 302) -> Redirect:
    """Redirect every client; ``{port}`` means the server's own port, and /there is served."""

    def redirect(connection: ServerConnection, request: Request) -> Response | None:
        if request.path.startswith("/there"):
            return None
        response = connection.respond(HTTPStatus(status), "")
        port = connection.local_address[1]
        response.headers["Location"] = place.format(port=port)
        return response

    return redirect


async def reported(url: str, *, connect_s: float = 5.0) -> Caller:
    async with Caller(url, connect_s=connect_s).running() as caller:
        caller.link.open()
        await eventually(lambda: bool(caller.arrivals))
        return caller


def shown_keys(service: Service) -> list[str | None]:
    requests = [talker.connection.request for talker in service.talkers]
    return [request.headers.get("Authorization") for request in requests if request is not None]


# --- redirects -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
@pytest.mark.parametrize("place", ["/there?x=1", "there", "ws://127.0.0.1:{port}/there"])
def test_a_redirect_on_the_same_host_is_followed_with_the_key(status: int, place: str) -> None:
    service = Service()

    async def live() -> Caller:
        async with service.listening(process_request=to(place, status)) as url:
            return await reported(url)

    assert asyncio.run(live()).arrivals == [LinkOpened()]
    assert shown_keys(service) == [f"Basic {KEY}"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_another_host_or_port_is_not_shown_the_key(host: str) -> None:
    other = Service()

    async def live() -> Caller:
        async with other.listening() as there:
            place = there.replace("127.0.0.1", host).replace("/realtime", "/there")
            async with Service().listening(process_request=to(place)) as url:
                return await reported(f"{url}?token={KEY}")

    assert asyncio.run(live()).arrivals == [LinkOpened()]
    assert shown_keys(other) == [None]
    request = other.talkers[0].connection.request
    assert request is not None
    assert KEY not in request.path + str(request.headers)


def test_a_host_that_refuses_because_it_was_not_shown_the_key_does_not_refuse_the_key(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def refuse(connection: ServerConnection, _request: Request) -> Response:
        return connection.respond(HTTPStatus.UNAUTHORIZED, "who are you?")

    async def live() -> tuple[Caller, str, str]:
        async with (
            Service().listening(process_request=refuse) as there,
            Service().listening(process_request=to(there)) as url,
        ):
            return await reported(url), url.split("/")[2], there.split("/")[2]

    caller, first, second = asyncio.run(live())

    assert caller.losses == [LinkLost("service-refused", is_retriable=False)]
    problem = problem_in(caplog, "link-lost")
    assert f"{first} redirects to {second}, which refuses a session without the key" in problem
    assert "name it in service.url" in problem


def test_the_error_names_the_host_that_failed_and_not_the_first_one(caplog: pytest.LogCaptureFixture) -> None:
    async def live() -> None:
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        async with Service().listening(process_request=to(f"ws://127.0.0.1:{port}/")) as url:
            await reported(url)
        assert f"no connection to 127.0.0.1:{port}: Connection refused" in problem_in(caplog, "link-lost")

    asyncio.run(live())


NOT_FOLLOWED = [
    ("https://127.0.0.1:{port}/x", "redirects to https://127.0.0.1:", "write wss://127.0.0.1:"),
    ("https://login.example.org/?next=1", "redirects to https://login.example.org (302)", "not a Realtime service"),
    ("http://127.0.0.1/", "redirects to http://127.0.0.1 (302)", "not a Realtime service"),
    ("ftp://example.org/", "redirects to ftp://example.org (302)", "not a Realtime service"),
    ("wss://me:secret@example.org/", "redirects to an address that cannot be dialled (302)", "Check service.url"),
    ("ws://[broken/", "redirects to an address that cannot be dialled (302)", "Check service.url"),
    ("ws://x:99999/", "redirects to an address that cannot be dialled (302)", "Check service.url"),
    ("wss://ex\u00e4mple/", "redirects to an address that cannot be dialled (302)", "Check service.url"),
    ("/again", "redirects more than 5 times", "Check service.url"),
]


@pytest.mark.parametrize(("place", "words", "remedy"), NOT_FOLLOWED, ids=[place for place, _, _ in NOT_FOLLOWED])
def test_a_redirect_that_cannot_be_followed_is_explained(
    place: str, words: str, remedy: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def live() -> Caller:
        async with Service().listening(process_request=to(place)) as url:
            return await reported(url)

    assert asyncio.run(live()).losses == [LinkLost("service-refused", is_retriable=False)]
    problem = problem_in(caplog, "link-lost")
    assert words in problem
    assert remedy in problem
    assert "secret" not in problem


def test_a_redirect_without_a_location_is_a_refusal(caplog: pytest.LogCaptureFixture) -> None:
    def refuse(connection: ServerConnection, _request: Request) -> Response:
        return connection.respond(HTTPStatus.FOUND, "elsewhere")

    async def live() -> Caller:
        async with Service().listening(process_request=refuse) as url:
            return await reported(url)

    assert asyncio.run(live()).losses == [LinkLost("service-refused", is_retriable=False)]
    assert "refused the session (302): elsewhere" in problem_in(caplog, "link-lost")


def test_the_local_service_cannot_redirect(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1/\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async def live() -> None:
        place = tmp_path / "box.sock"
        server = await asyncio.start_unix_server(answer, place)
        async with server, Caller(Endpoint("ws://localhost/x", {}, place)).running() as caller:
            caller.link.open()
            await caller.lost()

    asyncio.run(live())

    assert "redirects to an address that cannot be dialled" in problem_in(caplog, "link-lost")


def test_nothing_is_sent_from_an_encrypted_address_to_one_that_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    certificates = Certificates(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.certificate))
    secure = certificates.make("20200101000000Z", "20991231235959Z")
    reached: list[str] = []

    def note(_connection: ServerConnection, request: Request) -> None:
        reached.append(request.path)

    async def live() -> Caller:
        async with (
            Service().listening(process_request=note) as there,
            Service().listening(process_request=to(there), ssl=secure) as url,
        ):
            return await reported(url)

    assert asyncio.run(live()).losses == [LinkLost("service-refused", is_retriable=False)]
    assert reached == []
    assert "redirects to ws://127.0.0.1:" in problem_in(caplog, "link-lost")
    assert "which is not encrypted" in problem_in(caplog, "link-lost")


# --- the key ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("peer", "is_refused"),
    [
        ("203.0.114.9", True),
        ("2606:4700::1", True),
        ("192.168.1.7", False),
        ("10.1.2.3", False),
        ("100.64.0.9", False),
        ("169.254.1.1", False),
        ("fd00::7", False),
        ("fe80::7%eth0", False),
        ("127.0.0.1", False),
    ],
)
def test_the_key_goes_unencrypted_to_no_address_on_the_internet(
    peer: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, *, is_refused: bool
) -> None:
    service = Service()
    monkeypatch.setattr("edgevoice.realtime.dial.socket.socket.getpeername", lambda _self: (peer, 80), raising=False)

    async def live() -> Caller:
        async with service.listening() as url:
            return await reported(url)

    arrivals = asyncio.run(live()).arrivals

    if is_refused:
        assert arrivals == [LinkLost("service-refused", is_retriable=False)]
        assert service.talkers == []
        assert "Write wss:// instead of ws:// in service.url." in problem_in(caplog, "link-lost")
    else:
        assert arrivals == [LinkOpened()]


@pytest.mark.parametrize(("proxy", "scheme"), [(HttpProxy(), "http"), (SocksProxy(), "socks5h")])
def test_the_key_goes_unencrypted_through_no_proxy_either(
    proxy: Proxy, scheme: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def live() -> Caller:
        async with proxy.listening() as address:
            monkeypatch.setenv("all_proxy", f"{scheme}://{address}")
            return await reported("ws://api.example.org/")

    assert asyncio.run(live()).losses == [LinkLost("service-refused", is_retriable=False)]
    assert proxy.wanted == []
    assert "the key is not sent" in problem_in(caplog, "link-lost")


# --- through a proxy, encrypted --------------------------------------------------------------------------------------


@pytest.mark.parametrize("variable", ["wss_proxy", "https_proxy", "all_proxy", "ALL_PROXY"])
@pytest.mark.parametrize(
    ("kind", "scheme"),
    [
        (HttpProxy, "http"),
        (SocksProxy, "socks5h"),
        (SocksProxy, "socks5"),
        (SocksProxy, "socks"),
        (Socks4Proxy, "socks4a"),
        (Socks4Proxy, "socks4"),
    ],
)
def test_an_encrypted_conversation_opens_through_each_proxy(
    kind: type[Proxy], scheme: str, variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificates = Certificates(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.certificate))
    secure = certificates.make("20200101000000Z", "20991231235959Z")
    proxy = kind()

    async def live() -> Caller:
        async with proxy.listening() as address, Service().listening(ssl=secure) as url:
            monkeypatch.setenv(variable, f"{scheme}://{address}")
            return await reported(url)

    assert asyncio.run(live()).arrivals == [LinkOpened()]
    (wanted,) = proxy.wanted
    # With socks5 and socks4 a name is looked up here, with the others at the proxy.
    assert wanted.startswith("127.0.0.1:" if scheme in {"socks5", "socks4"} else "localhost:")


# --- answers that are not a handshake --------------------------------------------------------------------------------

SWITCHING = "HTTP/1.1 101 Switching Protocols\r\n"
UPGRADE = f"{SWITCHING}Upgrade: websocket\r\nConnection: Upgrade\r\n"
PAGE = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nLogin"

ANSWERS = {
    "a page": (PAGE, "service-refused", "answers with a web page instead of a WebSocket (200): Login"),
    "a page in pieces": (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nLogin\r\n0\r\n\r\n",
        "service-refused",
        "answers with a web page instead of a WebSocket (200): Login",
    ),
    "a large page": (
        "HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n",
        "service-nonsense",
        "does not speak WebSocket: body too large",
    ),
    "half a page": (
        "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nLog",
        "service-unreachable",
        "closed the connection instead of answering",
    ),
    "no such path": (
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        "service-refused",
        "refused the session (404). Check the host and the path in service.url",
    ),
    "no upgrade": (f"{SWITCHING}\r\n", "service-nonsense", "does not switch to WebSocket: missing Connection header"),
    "another upgrade": (
        f"{SWITCHING}Upgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
        "service-nonsense",
        "does not switch to WebSocket: invalid Upgrade header: h2c",
    ),
    "no accept": (f"{UPGRADE}\r\n", "service-nonsense", "does not speak WebSocket: missing Sec-WebSocket-Accept"),
    "a wrong accept": (
        f"{UPGRADE}Sec-WebSocket-Accept: abc\r\n\r\n",
        "service-nonsense",
        "does not speak WebSocket: invalid Sec-WebSocket-Accept header: abc",
    ),
    "an old HTTP": ("HTTP/1.0 200 OK\r\n\r\nx", "service-nonsense", "expected HTTP/1.1: HTTP/1.0 200 OK"),
    "a new HTTP": ("HTTP/2 200\r\n\r\n", "service-nonsense", "invalid HTTP status line: HTTP/2 200"),
    "mail": ("220 mail ESMTP\r\n", "service-nonsense", "does not speak WebSocket: unsupported protocol"),
    "a broken header": ("HTTP/1.1 200 OK\r\nx\r\n\r\n", "service-nonsense", "invalid HTTP header line: x"),
    "a broken length": (
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "service-nonsense",
        "does not speak WebSocket: invalid content length: x",
    ),
    "too many headers": (
        "HTTP/1.1 200 OK\r\n" + "a: b\r\n" * 300 + "\r\n",
        "service-nonsense",
        "does not speak WebSocket: expected no more than 128 headers",
    ),
    "a line without end": ("HTTP/1.1 200 " + "x" * 9000, "service-nonsense", "does not speak WebSocket: read 9"),
    "nothing": ("", "service-unreachable", "closed the connection instead of answering"),
}


async def answered(answer: str, scheme: str = "ws", *, waits: bool = True) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if waits:
            await reader.readuntil(b"\r\n\r\n")
        writer.write(answer.encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(speak, "127.0.0.1", 0) as server:
        await reported(f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}/x")


@pytest.mark.parametrize(("answer", "code", "words"), ANSWERS.values(), ids=ANSWERS)
def test_a_server_that_is_not_a_realtime_service_is_explained(
    answer: str, code: str, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    asyncio.run(answered(answer))

    (record,) = [record for record in caplog.records if record.msg == "link-lost"]
    assert vars(record)["fields"]["code"] == code
    assert words in problem_in(caplog, "link-lost")


def test_a_server_without_tls_is_distinguished_from_an_untrusted_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asyncio.run(answered(PAGE, "wss", waits=False))
    assert "the server does not speak TLS. Check the port" in problem_in(caplog, "link-lost")
    caplog.clear()

    certificates = Certificates(tmp_path)
    server: ssl.SSLContext = certificates.make("20200101000000Z", "20991231235959Z")

    async def live(host: str) -> None:
        async with Service().listening(ssl=server) as url:
            await reported(url.replace("localhost", host))

    asyncio.run(live("localhost"))
    assert "no secure connection to localhost" in problem_in(caplog, "link-lost")
    assert "self-signed certificate" in problem_in(caplog, "link-lost")
    caplog.clear()
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.certificate))
    asyncio.run(live("127.0.0.1"))
    assert "certificate is not valid for '127.0.0.1'" in problem_in(caplog, "link-lost")


ADDRESSES = {
    "ws://nowhere.invalid/": "no connection to nowhere.invalid: ",
    "ws://127.0.0.1:99999/": "service.url is not a WebSocket address: 127.0.0.1:99999",
    "ws://127.0.0.1/#part": "service.url is not a WebSocket address: 127.0.0.1: fragment",
    "http://127.0.0.1/": "service.url is not a WebSocket address: 127.0.0.1: scheme",
}


@pytest.mark.parametrize(("url", "words"), ADDRESSES.items(), ids=ADDRESSES)
def test_an_address_that_cannot_be_dialled_is_explained(url: str, words: str, caplog: pytest.LogCaptureFixture) -> None:
    asyncio.run(reported(url))

    assert words in problem_in(caplog, "link-lost")


def test_a_proxy_that_never_answers_is_named(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async def live() -> str:
        async with await asyncio.start_server(swallow, "127.0.0.1", 0) as server:
            address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
            monkeypatch.setenv("all_proxy", f"http://{address}")
            await reported("ws://box.invalid/", connect_s=0.1)
        await asyncio.sleep(0)
        return address

    assert f"box.invalid through the proxy {asyncio.run(live())} did not open" in problem_in(caplog, "link-lost")
