import asyncio
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from edgevoice.doctor.findings import FindingStatus
from edgevoice.doctor.network import (
    Address,
    Secured,
    Way,
    address_of,
    examine_session,
    judge_tls,
    judge_way,
    probe_tls,
    probe_way,
)
from edgevoice.host.credentials import Key
from edgevoice.settings.schema import Settings
from edgevoice.settings.service import ServiceSettings
from tests.doctor.machines import machine
from tests.realtime.test_tcp import swallowing
from tests.waiting import LIMIT_S

KEY = Key("c2VjcmV0OmtleQ==", source="a test")
ROUTE = (
    "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\neth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\n"
)
FAR = Address("api.example.org")


# --- where to -------------------------------------------------------------------------------------------------------


def test_the_address_is_the_one_the_box_would_connect_to(monkeypatch: pytest.MonkeyPatch) -> None:
    assert address_of(ServiceSettings(), None).is_inside
    assert address_of(ServiceSettings(url="local"), KEY).is_inside
    assert address_of(ServiceSettings(), KEY) == Address("api.inworld.ai", 443)
    assert address_of(ServiceSettings(url="ws://pi:8080/x"), None) == Address("pi", 8080, is_secure=False)
    monkeypatch.setenv("https_proxy", "http://me:secret@proxy.lan:3128")
    assert address_of(ServiceSettings(), KEY).proxy == "proxy.lan:3128"


@pytest.mark.parametrize(
    ("way", "address", "mark"),
    [
        (Way(has_route=True, addresses=("192.0.2.1",)), FAR, FindingStatus.FINE),
        (Way(has_route=False, addresses=None), FAR, FindingStatus.WRONG),
        (Way(has_route=True, addresses=(), problem="Name or service not known"), FAR, FindingStatus.WRONG),
        (Way(has_route=True, addresses=None), Address("api.example.org", proxy="proxy:3128"), FindingStatus.FINE),
        (Way(has_route=False, addresses=None), Address(is_inside=True), FindingStatus.FINE),
        (Way(has_route=False, addresses=("127.0.0.1",)), Address("localhost"), FindingStatus.FINE),
    ],
)
def test_the_network_is_judged_by_a_route_and_a_name(way: Way, address: Address, mark: FindingStatus) -> None:
    assert judge_way(way, address).mark is mark


def test_routes_are_read_from_the_kernels_tables_and_names_are_looked_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look_up(host: str, *_args: object, **_more: object) -> list[object]:
        if host != "here.test":
            raise socket.gaierror(-2, "Name or service not known")
        return [(2, 1, 6, "", ("192.0.2.7", 443))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    routed = machine(tmp_path / "a", {"/proc/net/route": ROUTE})
    sixth = f"{'0' * 32} 00 {'0' * 32} 00 {'f' * 32} 00000400 00000001 00000000 00000003     {{}}\n"
    v6 = machine(tmp_path / "b", {"/proc/net/ipv6_route": sixth.format("wlan0")})
    lost = machine(tmp_path / "c", {"/proc/net/ipv6_route": sixth.format("lo")})

    assert probe_way(routed, Address("here.test")) == Way(has_route=True, addresses=("192.0.2.7",))
    assert probe_way(v6, Address("gone.test")) == Way(has_route=True, addresses=(), problem="Name or service not known")
    assert not probe_way(lost, Address(is_inside=True)).has_route


# --- TLS -------------------------------------------------------------------------------------------------------------


@contextmanager
def tls_server(folder: Path, days: int) -> Iterator[int]:
    """A server with a certificate for localhost that is valid for so many days; gives its port."""
    make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", "key.pem", "-out", "certificate.pem"]
    subprocess.run([*make, str(days), *names, *files], cwd=folder, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def greet() -> None:
            try:
                plain, _ = listening.accept()
                with plain, context.wrap_socket(plain, server_side=True) as secure:
                    secure.recv(1)
            except OSError:
                pass  # the other side did not trust us, or has gone

        thread = threading.Thread(target=greet, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
    thread.join(LIMIT_S)


@pytest.mark.parametrize("host", ["api..example.org", f"{'a' * 64}.example.org"])
def test_a_name_that_no_machine_can_have_is_said_to_be_none(host: str, tmp_path: Path) -> None:
    there = machine(tmp_path, {"/proc/net/route": ROUTE})

    finding = judge_way(probe_way(there, Address(host)), Address(host))
    assert (finding.mark, finding.code) == (FindingStatus.WRONG, "service-unreachable")
    assert "it is not a name" in finding.text
    assert judge_tls(probe_tls(Address(host)), Address(host)).mark is FindingStatus.WRONG


@pytest.mark.parametrize(("days", "mark"), [(90, FindingStatus.FINE), (3, FindingStatus.DOUBTFUL)])
def test_a_certificate_is_read_from_a_real_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int, mark: FindingStatus
) -> None:
    with tls_server(tmp_path, days) as port:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
        secured = probe_tls(Address("localhost", port))

    assert secured is not None
    assert secured.days_left == pytest.approx(days, abs=0.1)
    finding = judge_tls(secured, Address("localhost", port))
    assert (finding.mark, finding.text[:5]) == (mark, "TLSv1")


def test_an_unresponsive_first_address_does_not_delay_the_doctor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo

    def look_up(_host: object, *more: Any, **options: Any) -> list[Any]:
        return [*real("127.0.0.2", *more, **options), *real("127.0.0.1", *more, **options)]

    with tls_server(tmp_path, 90) as port, swallowing(port):
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        # The doctor gives up long before the kernel would.
        finding = judge_tls(probe_tls(Address("localhost", port)), Address("localhost", port))

    assert finding.mark is FindingStatus.FINE


def test_a_refusal_that_quotes_the_key_is_shown_without_it() -> None:
    with service(401, quotes=KEY.reveal()) as (url, _):
        finding = examine_session(Settings(service=ServiceSettings(url=url)), KEY)

    assert "refused the key (401): no (hidden)" in finding.text
    assert KEY.reveal() not in str(finding.data())


def test_an_impostor_is_refused(tmp_path: Path) -> None:
    with tls_server(tmp_path, 90) as port:
        finding = judge_tls(probe_tls(Address("localhost", port)), Address("localhost", port))

    assert finding.mark is FindingStatus.WRONG
    assert "no secure connection" in finding.text


def test_a_closed_port_has_its_own_code() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

    assert judge_tls(probe_tls(Address("localhost", port)), FAR).code == "service-unreachable"


def test_a_connection_without_tls_says_why() -> None:
    assert judge_tls(None, Address(is_inside=True)).mark is FindingStatus.FINE
    assert judge_tls(None, Address("pi", is_secure=False)).mark is FindingStatus.DOUBTFUL
    assert "the key" in judge_tls(None, Address("pi", is_secure=False)).text
    assert judge_tls(None, Address("127.0.0.1", is_secure=False)).mark is FindingStatus.FINE
    assert judge_tls(None, Address("api", proxy="proxy:3128")).mark is FindingStatus.SKIPPED
    assert judge_tls(Secured("TLSv1.3", 60), FAR).mark is FindingStatus.FINE


# --- a session -------------------------------------------------------------------------------------------------------


@contextmanager
def service(status: int = 101, error: str = "", quotes: str = "") -> Iterator[tuple[str, list[str]]]:
    """A real WebSocket server in a thread; yields its address and what it received."""
    ready, loop_of = threading.Event(), []
    received: list[str] = []
    port: list[int] = []

    async def talk(connection: ServerConnection) -> None:
        await connection.send('{"type": "session.created", "session": {}}')
        received.append(str(await connection.recv()))
        if error:
            await connection.send(f'{{"type": "error", "error": {{"code": "{error}", "message": "no"}}}}')
        else:
            await connection.send('{"type": "session.updated", "session": {}}')
        await connection.wait_closed()
        received.append("closed")

    def refuse(connection: ServerConnection, _request: Request) -> Response | None:
        return connection.respond(HTTPStatus(status), f"no {quotes}") if status != 101 else None

    async def run() -> None:
        stop = asyncio.Event()
        async with serve(talk, "127.0.0.1", 0, process_request=refuse) as server:
            port.append(next(iter(server.sockets)).getsockname()[1])
            loop_of.append((asyncio.get_running_loop(), stop))
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    assert ready.wait(LIMIT_S)
    try:
        yield f"ws://127.0.0.1:{port[0]}/", received
    finally:
        loop, stop = loop_of[0]
        loop.call_soon_threadsafe(stop.set)
        thread.join(LIMIT_S)


def test_a_session_is_opened_with_the_key_and_closed_at_once() -> None:
    with service() as (url, received):
        finding = examine_session(Settings(service=ServiceSettings(url=url)), KEY)

    assert finding.mark is FindingStatus.FINE
    assert len(received) == 2
    assert '"session.update"' in received[0]
    assert received[1] == "closed"


@pytest.mark.parametrize(
    ("status", "code"),
    [(401, "key-refused"), (402, "no-credit"), (429, "service-busy"), (503, "service-busy"), (404, "service-refused")],
)
def test_a_refusal_keeps_its_code_and_its_remedy(status: int, code: str) -> None:
    with service(status) as (url, _):
        finding = examine_session(Settings(service=ServiceSettings(url=url)), KEY)

    assert (finding.mark, finding.code) == (FindingStatus.WRONG, code)
    assert finding.remedy
    assert KEY.reveal() not in f"{finding}"


def test_a_refused_session_configuration_is_reported() -> None:
    with service(error="insufficient_quota") as (url, _):
        assert examine_session(Settings(service=ServiceSettings(url=url)), KEY).code == "no-credit"


def test_the_built_in_service_is_really_started_and_queried(tmp_path: Path) -> None:
    finding = examine_session(Settings(), None, {"STATE_DIRECTORY": str(tmp_path)}, runtime_folder=tmp_path)

    assert finding.mark is FindingStatus.FINE
    assert finding.text.startswith("the service inside the box opened one in ")


def test_a_running_boxs_own_service_is_queried_and_no_second_one_started(
    near: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = near / "edgevoice-local-abc"
    folder.mkdir()
    command = [sys.executable, "-m", "edgevoice.local", "--unix", str(folder / "realtime.sock"), "--until-stdin-closes"]
    monkeypatch.delattr("edgevoice.doctor.network.answering_service")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as box:
        assert box.stdout is not None
        assert any(line == "ready\n" for line in box.stdout)

        finding = examine_session(Settings(), None, {}, runtime_folder=near)

        assert box.stdin is not None
        box.stdin.close()

    assert finding.mark is FindingStatus.FINE
    assert finding.text.startswith("the service inside the box opened one in ")
