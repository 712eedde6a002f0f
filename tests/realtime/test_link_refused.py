"""A session that cannot be opened, and why; against real WebSocket servers on this machine."""

import asyncio
import socket
import ssl
import subprocess
import time
from http import HTTPStatus
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from edgevoice.core.facts import LinkLost, LinkOpened
from edgevoice.core.protocol.downlink import Arrival
from edgevoice.realtime.endpoint import Endpoint
from tests import virtual_time
from tests.realtime.services import Caller, Service, Talker, problem_in
from tests.waiting import eventually

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
def test_a_refused_handshake_is_reported_by_its_status_with_the_services_words(
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
    assert f"({status}): out of order. " in problem
    assert "127.0.0.1" in problem


def test_a_port_where_nothing_listens_is_reported() -> None:
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
def test_an_invalid_address_is_reported_and_ends_nothing_else(url: str) -> None:
    async def live() -> LinkLost:
        async with Caller(url).running() as caller:
            caller.link.open()
            return await caller.lost()

    loss = asyncio.run(live())

    assert loss.code in {"service-refused", "service-unreachable"}


@pytest.mark.parametrize(
    ("proxy", "code", "words"),
    [
        ("gopher://127.0.0.1:1", "proxy-refused", "proxy"),
        ("socks5://127.0.0.1:1", "service-unreachable", "127.0.0.1:1"),
        ("http://127.0.0.1:1", "service-unreachable", "127.0.0.1:1"),
    ],
)
def test_an_unusable_proxy_is_reported(
    proxy: str, code: str, words: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("http_proxy", proxy)

    async def live() -> LinkLost:
        async with Caller("ws://127.0.0.2:1/").running() as caller:
            caller.link.open()
            return await caller.lost()

    assert asyncio.run(live()).code == code
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

    assert asyncio.run(live()) == LinkLost("service-busy", is_retriable=True)


def test_a_close_before_the_session_is_open_is_reported_by_its_reason(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def refusing(talker: Talker) -> None:
        await talker.listen(1)
        await talker.connection.close(1008, "unknown model")

    async def live() -> LinkLost:
        async with Service(refusing).listening() as url, Caller(url).running() as caller:
            caller.link.open()
            return await caller.lost()

    assert asyncio.run(live()) == LinkLost("service-refused", is_retriable=False)
    assert "(1008: unknown model). Check service.model" in problem_in(caplog, "link-lost")


def test_a_connection_that_is_dropped_instead_of_answered_may_be_dialled_again() -> None:
    async def drop(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def live() -> LinkLost:
        server = await asyncio.start_server(drop, "127.0.0.1", 0)
        async with server, Caller(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/").running() as caller:
            caller.link.open()
            return await caller.lost()

    assert asyncio.run(live()) == LinkLost("service-unreachable", is_retriable=True)


def test_a_peer_with_another_protocol_is_distinguished_from_a_network_failure() -> None:
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


def test_a_service_that_never_confirms_the_session_is_abandoned_in_time() -> None:
    async def silent(talker: Talker) -> None:
        await talker.listen_to_the_end()

    async def live() -> LinkLost:
        async with Service(silent).listening() as url, Caller(url, connect_s=0.15).running() as caller:
            caller.link.open()
            return await caller.lost()

    assert asyncio.run(live()) == LinkLost("service-unreachable", is_retriable=True)


def test_a_service_that_never_answers_the_handshake_is_abandoned_in_time() -> None:
    async def live() -> LinkLost:
        gate = asyncio.Event()

        async def hang(_connection: ServerConnection, _request: Request) -> None:
            await gate.wait()

        async with (
            Service().listening(process_request=hang) as url,
            Caller(url, connect_s=0.15).running() as caller,
        ):
            caller.link.open()
            loss = await caller.lost()
            gate.set()
            return loss

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

    assert 0.5 <= virtual_time.run(live()) < 0.6


def test_preparation_counts_towards_the_limit_too(tmp_path: Path) -> None:
    async def prepare() -> None:
        await asyncio.sleep(30)

    async def live() -> LinkLost:
        endpoint = Endpoint("ws://localhost/", {}, tmp_path / "no.sock", prepare)
        async with Caller(endpoint, connect_s=0.1).running() as caller:
            caller.link.open()
            return await caller.lost()

    assert asyncio.run(live()) == LinkLost("service-unreachable", is_retriable=True)


# --- TLS -------------------------------------------------------------------------------------------------------------


class Certificates:
    """A self-signed certificate for localhost, and the clients' trust in it."""

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
def certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Certificates:
    made = Certificates(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.certificate))
    return made


def dial_securely(server: ssl.SSLContext) -> list[Arrival]:
    async def live() -> list[Arrival]:
        async with Service().listening(ssl=server) as url, Caller(url).running() as caller:
            caller.link.open()
            await eventually(lambda: bool(caller.arrivals))
            return caller.arrivals

    return asyncio.run(live())


def test_a_service_with_a_trusted_certificate_is_accepted(certificates: Certificates) -> None:
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


def test_an_untrusted_certificate_is_reported_with_its_cause(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    server = certificates.make("20200101000000Z", "20991231235959Z")
    monkeypatch.setenv("SSL_CERT_FILE", "/dev/null")

    assert dial_securely(server) == [LinkLost("service-unreachable", is_retriable=True)]
    assert "a proxy or firewall may be reading the traffic" in problem_in(caplog, "link-lost")


def test_a_service_without_tls_at_a_secure_address_is_reported() -> None:
    async def live() -> LinkLost:
        async with Service().listening() as url, Caller(url.replace("ws://", "wss://")).running() as caller:
            caller.link.open()
            return await caller.lost()

    assert asyncio.run(live()) == LinkLost("service-unreachable", is_retriable=True)
