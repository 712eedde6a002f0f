"""Proxies from the environment: real ones on this machine, through which a real link dials a real service."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edgevoice.core.lights import Fault, fault_of
from edgevoice.realtime.endpoint import Endpoint, local
from tests.realtime.services import KEY, Caller, Service, Talker, problem_in
from tests.waiting import eventually

PASSWORD = "cHJveHk"
_NAMES = {1: 4, 3: 0, 4: 16}
"""Address types in RFC 1928 and their length in bytes; a name carries its own length."""


@dataclass
class Proxy:
    """Relays bytes. ``wanted`` is the requested destination, ``refusal`` its answer instead of connecting."""

    refusal: str | int = ""
    wanted: list[str] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._served, "127.0.0.1", 0)
        async with server:
            yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def _served(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            await self.serve(reader, writer)
        writer.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise NotImplementedError

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int) -> None:
        there, back = await asyncio.open_connection(host, port)
        ways = [asyncio.create_task(_pour(reader, back)), asyncio.create_task(_pour(there, writer))]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        back.close()


class HttpProxy(Proxy):
    """RFC 9110, CONNECT."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request, *self.headers = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, address, _ = request.split()
        assert method == "CONNECT"
        self.wanted.append(address)
        if self.refusal:
            writer.write(f"HTTP/1.1 {self.refusal}\r\nContent-Length: 0\r\n\r\n".encode())
            await writer.drain()
            return
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        host, _, port = address.rpartition(":")
        await self.carry(reader, writer, host, int(port))


@dataclass
class SocksProxy(Proxy):
    """RFC 1928, CONNECT; with ``password`` also RFC 1929."""

    password: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, methods = await reader.readexactly(2)
        offered = await reader.readexactly(methods)
        method = 2 if self.password else 0
        writer.write(bytes([5, method if method in offered else 0xFF]))
        if self.password and method in offered:
            _, length = await reader.readexactly(2)
            await reader.readexactly(length)
            (length,) = await reader.readexactly(1)
            is_right = (await reader.readexactly(length)).decode() == self.password
            writer.write(bytes([1, 0 if is_right else 1]))
        _, _, _, kind = await reader.readexactly(4)
        length = _NAMES[kind] or (await reader.readexactly(1))[0]
        address = await reader.readexactly(length)
        (port,) = struct.unpack(">H", await reader.readexactly(2))
        host = address.decode() if kind == 3 else ".".join(map(str, address))
        self.wanted.append(f"{host}:{port}")
        writer.write(bytes([5, int(self.refusal or 0), 0, 1, 0, 0, 0, 0, 0, 0]))
        await writer.drain()
        if not self.refusal:
            await self.carry(reader, writer, host, port)


class Socks4Proxy(Proxy):
    """SOCKS 4, and 4A with names: CONNECT."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        version, command, port, address = struct.unpack(">BBH4s", await reader.readexactly(8))
        assert (version, command) == (4, 1)
        await reader.readuntil(b"\0")
        host = ".".join(map(str, address))
        if host.startswith("0.0.0."):
            host = (await reader.readuntil(b"\0"))[:-1].decode()
        self.wanted.append(f"{host}:{port}")
        writer.write(bytes([0, 90, 0, 0, 0, 0, 0, 0]))
        await writer.drain()
        await self.carry(reader, writer, host, port)


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(65_536):
        writer.write(piece)
        await writer.drain()


async def _call(
    proxy: Proxy, variable: str, scheme: str, monkeypatch: pytest.MonkeyPatch, *, host: str, user: str = ""
) -> Service:
    """Hold a conversation with a service through a proxy: audio goes there, a word comes back."""

    async def answering(talker: Talker) -> None:
        await talker.accept()
        await talker.listen(1)
        await talker.say({"type": "input_audio_buffer.speech_started", "audio_start_ms": 0, "item_id": "u1"})
        await talker.listen_to_the_end()

    service = Service(answering)
    async with proxy.listening() as address, service.listening() as url:
        monkeypatch.setenv(variable, f"{scheme}://{user}{address}")
        async with Caller(url.replace("127.0.0.1", host)).running() as caller:
            await caller.opened()
            caller.link.send_audio(b"\x01\x00" * 480)
            await eventually(lambda: len(caller.arrivals) > 1)
    return service


@pytest.mark.parametrize("variable", ["https_proxy", "HTTPS_PROXY", "ws_proxy", "http_proxy", "all_proxy", "ALL_PROXY"])
def test_a_conversation_opens_through_an_http_proxy(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = HttpProxy()

    service = asyncio.run(_call(proxy, variable, "http", monkeypatch, host="127.0.0.1"))

    assert len(proxy.wanted) == 1
    assert proxy.wanted[0].startswith("127.0.0.1:")
    assert service.talkers[0].types == ["session.update", "input_audio_buffer.append"]


@pytest.mark.parametrize("variable", ["socks_proxy", "https_proxy", "ws_proxy", "http_proxy", "all_proxy", "ALL_PROXY"])
def test_a_conversation_opens_through_a_socks_proxy_that_looks_up_the_name(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = SocksProxy()

    service = asyncio.run(_call(proxy, variable, "socks5h", monkeypatch, host="localhost"))

    assert proxy.wanted[0].startswith("localhost:")
    assert service.talkers[0].types == ["session.update", "input_audio_buffer.append"]


def test_a_proxy_receives_its_own_password_and_not_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = HttpProxy()

    asyncio.run(_call(proxy, "https_proxy", "http", monkeypatch, host="127.0.0.1", user=f"me:{PASSWORD}@"))

    told = "\n".join(proxy.headers)
    assert "Proxy-Authorization: Basic " in told
    assert KEY not in told
    assert "Authorization: Basic " not in told.replace("Proxy-Authorization: Basic ", "")


class HangUp(Proxy):
    """Receives a request, and never answers."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del writer
        await reader.read(3)


HUNG_UP = "closed the connection instead of answering"

REFUSALS: list[tuple[Proxy, str, str, str, bool]] = [
    (HttpProxy("403 Forbidden"), "http", "proxy-refused", "the proxy refused to connect to 127.0.0.1", False),
    (HttpProxy("407 Proxy Authentication Required"), "http", "proxy-refused", "(407)", False),
    (HttpProxy("502 Bad Gateway"), "http", "service-unreachable", "the proxy could not reach 127.0.0.1", True),
    (SocksProxy(2), "socks5h", "proxy-refused", "Connection not allowed by ruleset", False),
    (SocksProxy(password=PASSWORD), "socks5h", "proxy-refused", "the proxy refused to connect to 127.0.0.1", False),
    (SocksProxy(4), "socks5h", "service-unreachable", "the proxy could not reach 127.0.0.1", True),
    (HangUp("silence"), "socks5h", "service-unreachable", HUNG_UP, True),
    (HangUp("silence"), "http", "service-unreachable", HUNG_UP, True),
]


@pytest.mark.parametrize(
    ("proxy", "scheme", "code", "words", "is_retriable"),
    REFUSALS,
    ids=[f"{scheme}-{proxy.refusal or 'password'}-{code}" for proxy, scheme, code, _, _ in REFUSALS],
)
def test_a_proxys_refusal_has_its_own_error_and_one_remedy(
    proxy: Proxy,
    scheme: str,
    code: str,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    *,
    is_retriable: bool,
) -> None:
    async def live() -> tuple[str, bool]:
        async with proxy.listening() as address, Service().listening() as url:
            monkeypatch.setenv("https_proxy", f"{scheme}://{address}")
            async with Caller(url).running() as caller:
                caller.link.open()
                loss = await caller.lost()
                return loss.code, loss.is_retriable

    assert asyncio.run(live()) == (code, is_retriable)
    problem = problem_in(caplog, "link-lost")
    assert words in problem
    if code == "proxy-refused":
        assert "Check https_proxy, wss_proxy and all_proxy" in problem
        assert fault_of(code) is Fault.PROXY


@pytest.mark.parametrize("scheme", ["http", "socks5h"])
def test_an_absent_proxy_is_named_without_its_password(
    scheme: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def live() -> str:
        async with Proxy().listening() as address:
            pass
        monkeypatch.setenv("https_proxy", f"{scheme}://me:{PASSWORD}@{address}")
        async with Caller("ws://service.invalid/realtime").running() as caller:
            caller.link.open()
            assert (await caller.lost()).code == "service-unreachable"
        return address

    address = asyncio.run(live())

    problem = problem_in(caplog, "link-lost")
    assert f"service.invalid through the proxy {address}" in problem
    assert PASSWORD not in caplog.text + problem


@pytest.mark.parametrize("proxy", ["gopher://127.0.0.1:3128", f"http://me:{PASSWORD}@127.0.0.1:3128/path", "http://"])
def test_an_invalid_proxy_is_refused_without_showing_its_password(
    proxy: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def live() -> str:
        monkeypatch.setenv("https_proxy", proxy)
        async with Caller("ws://service.invalid/realtime").running() as caller:
            caller.link.open()
            return (await caller.lost()).code

    assert asyncio.run(live()) == "proxy-refused"
    assert PASSWORD not in caplog.text + problem_in(caplog, "link-lost")


def test_no_proxy_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = HttpProxy("403 Forbidden")
    monkeypatch.setenv("no_proxy", "example.org,127.0.0.1")

    service = asyncio.run(_call(proxy, "https_proxy", "http", monkeypatch, host="127.0.0.1"))

    assert not proxy.wanted
    assert service.talkers


def test_the_local_service_is_never_dialled_through_a_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = HttpProxy("403 Forbidden")

    async def nothing() -> None:
        return

    async def live() -> None:
        async with proxy.listening() as address, Service().listening_at(tmp_path / "service.sock") as socket:
            for variable in ("https_proxy", "http_proxy", "ws_proxy", "socks_proxy", "all_proxy"):
                monkeypatch.setenv(variable, f"http://{address}")
            inside = local(socket, nothing)
            assert not inside.proxy
            async with Caller(inside).running() as caller:
                await caller.opened()

    asyncio.run(live())

    assert not proxy.wanted


@pytest.mark.parametrize(
    ("named", "shown"),
    [
        ("http://me:secret@10.0.0.1:3128", "10.0.0.1:3128"),
        ("socks5h://[fe80::1]:1080", "[fe80::1]:1080"),
        ("http://[broken", ""),
        ("", ""),
    ],
)
def test_of_a_proxy_only_host_and_port_may_be_shown(named: str, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("wss_proxy", named)

    assert Endpoint("wss://api.inworld.ai/x?key=y").proxy == shown
    assert not Endpoint("http://api.inworld.ai/").proxy
