"""A host with several addresses: the first to answer is used, and one that does not costs a quarter of a second."""

import asyncio
import errno
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from edgevoice.realtime import tcp
from edgevoice.realtime.endpoint import Endpoint
from edgevoice.realtime.tcp import NEXT_ADDRESS_S, open_tcp
from tests import virtual_time
from tests.realtime.services import KEY, Caller, Service, problem_in
from tests.realtime.test_proxies import HttpProxy, Proxy, SocksProxy

HOST = "many.test"
NO_ROUTE = "2001:db8::1"
"""An address for documentation (RFC 3849): it has no route, or one that drops all packets."""

Known = Callable[..., None]


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> Known:
    """Let a name have these addresses, in this order."""
    real = socket.getaddrinfo

    def know(*addresses: str) -> None:
        def look_up(host: str | bytes | None, port: int, *args: object, **more: object) -> list[object]:
            names = addresses if host in {HOST, HOST.encode()} else (host,)
            return [found for name in names for found in real(name, port, *args, **more)]  # type: ignore[arg-type]

        monkeypatch.setattr(socket, "getaddrinfo", look_up)

    return know


@contextmanager
def swallowing(port: int, address: str = "127.0.0.2") -> Iterator[None]:
    """Listen with a backlog that is full, so that the kernel answers no SYN: as a firewall that drops them."""
    with ExitStack() as opened:
        server = opened.enter_context(socket.socket())
        server.bind((address, port))
        server.listen(0)
        for _ in range(2):
            filler = opened.enter_context(socket.socket())
            filler.setblocking(False)
            assert filler.connect_ex((address, port)) == errno.EINPROGRESS
        yield


@pytest.mark.parametrize("first", ["127.0.0.2", NO_ROUTE, "127.0.0.3"], ids=["swallowed", "no route", "refused"])
def test_a_bad_first_address_does_not_keep_a_session_from_opening(first: str, known: Known) -> None:
    async def live() -> float:
        async with Service().listening() as url:
            port = int(url.rpartition(":")[2].partition("/")[0])
            known(first, "127.0.0.1")
            with swallowing(port):
                began = time.monotonic()
                async with Caller(f"ws://{HOST}:{port}/").running() as caller:
                    await caller.opened()
                    return time.monotonic() - began

    assert virtual_time.run(live()) < NEXT_ADDRESS_S + 0.1


@pytest.mark.parametrize(("proxy", "scheme"), [(HttpProxy(), "http"), (SocksProxy(), "socks5h")])
def test_a_bad_first_address_of_a_proxy_does_not_either(
    proxy: Proxy, scheme: str, known: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def live() -> float:
        async with Service().listening() as url, proxy.listening() as address:
            port = int(address.rpartition(":")[2])
            known("127.0.0.2", "127.0.0.1")
            monkeypatch.setenv("all_proxy", f"{scheme}://{HOST}:{port}")
            with swallowing(port):
                began = time.monotonic()
                async with Caller(url).running() as caller:
                    await caller.opened()
                    return time.monotonic() - began

    assert virtual_time.run(live()) < NEXT_ADDRESS_S + 0.1
    assert len(proxy.wanted) == 1


def test_two_silent_addresses_delay_twice_as_long_and_are_then_closed(known: Known) -> None:
    async def live() -> tuple[str, float]:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            known("127.0.0.2", "127.0.0.4", "127.0.0.1")
            with swallowing(port), swallowing(port, "127.0.0.4"):
                began = time.monotonic()
                with await open_tcp(HOST, port) as connected:
                    took_s = time.monotonic() - began
                    assert len(asyncio.all_tasks()) == 1 or await asyncio.sleep(0.01, result=True)
                    assert len(asyncio.all_tasks()) == 1
                    return connected.getpeername()[0], took_s

    peer, took_s = virtual_time.run(live())

    assert peer == "127.0.0.1"
    assert took_s == pytest.approx(2 * NEXT_ADDRESS_S)


def test_address_families_alternate(known: Known, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    async def refuse(_loop: object, _connected: socket.socket, address: tuple[str, int]) -> None:
        tried.append(address[0])
        raise ConnectionRefusedError(errno.ECONNREFUSED, "no")

    known("::1", "::2", "::3", "127.0.0.1", "127.0.0.2")
    monkeypatch.setattr(asyncio.SelectorEventLoop, "sock_connect", refuse)

    with pytest.raises(ConnectionRefusedError):
        asyncio.run(open_tcp(HOST, 1))
    assert tried == ["::1", "127.0.0.1", "::2", "127.0.0.2", "::3"]


@pytest.mark.parametrize("addresses", [(NO_ROUTE, "127.0.0.3"), ("127.0.0.3", NO_ROUTE)])
def test_the_reported_failure_is_that_of_a_reachable_address(
    addresses: tuple[str, ...], known: Known, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(_loop: object, _connected: socket.socket, address: tuple[str, int]) -> None:
        raise OSError(errno.ENETUNREACH if ":" in address[0] else errno.ECONNREFUSED, "Connect call failed")

    async def live() -> None:
        async with Caller(Endpoint(f"ws://{HOST}:1/", {"Authorization": f"Basic {KEY}"})).running() as caller:
            caller.link.open()
            await caller.lost()

    known(*addresses)
    monkeypatch.setattr(asyncio.SelectorEventLoop, "sock_connect", fail)
    asyncio.run(live())

    assert f"no connection to {HOST}:1: Connection refused. " in problem_in(caplog, "link-lost")


def test_a_cancelled_dial_leaves_no_socket(known: Known, caplog: pytest.LogCaptureFixture) -> None:
    """An unclosed socket fails this test: pytest turns the warning into an error."""

    async def live() -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            known("127.0.0.2", "127.0.0.1")
            with swallowing(port):
                for turns in range(12):
                    dial = asyncio.create_task(open_tcp(HOST, port))
                    for _ in range(turns):
                        await asyncio.sleep(0)
                    dial.cancel()
                    await asyncio.gather(dial, return_exceptions=True)
                    for _ in range(3):
                        await asyncio.sleep(0)
            known("127.0.0.3", "127.0.0.1")
            (await open_tcp(HOST, port)).close()
            await asyncio.sleep(0)
            assert len(asyncio.all_tasks()) == 1

    asyncio.run(live())

    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


class Connected:
    """A socket with descriptor 0, as where standard input is closed."""

    family = socket.AF_INET

    def __init__(self) -> None:
        self.is_closed = False
        self.options: list[tuple[object, ...]] = []

    def fileno(self) -> int:
        return 0

    def setsockopt(self, *option: object) -> None:
        self.options.append(option)

    def close(self) -> None:
        self.is_closed = True


class Transport:
    """The part of a transport that is used, with an empty buffer."""

    def __init__(self, connected: Connected) -> None:
        self._connected = connected

    def get_extra_info(self, name: str) -> Connected:
        assert name == "socket"
        return self._connected

    def get_write_buffer_size(self) -> int:
        return 0

    def abort(self) -> None:
        """Close nothing."""


def test_if_two_addresses_answer_at_once_one_is_used_and_the_other_closed(
    known: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[Connected] = []

    async def live() -> object:
        is_second = asyncio.Event()

        async def connect(info: tuple[object, ...]) -> Connected:
            if info[4] == ("127.0.0.2", 1):
                await is_second.wait()
            is_second.set()
            answers.append(Connected())
            return answers[-1]

        monkeypatch.setattr(tcp, "_connect", connect)
        taken = await open_tcp(HOST, 1)
        await asyncio.sleep(0)
        return taken

    known("127.0.0.2", "127.0.0.1")
    monkeypatch.setattr(tcp, "NEXT_ADDRESS_S", 0.001)

    taken = asyncio.run(live())

    assert len(answers) == 2
    assert [answer.is_closed for answer in answers] == [answer is not taken for answer in answers]
    assert taken in answers


def test_a_family_with_fewer_addresses_has_its_turns_first() -> None:
    six, four = [(socket.AF_INET6, 1, 6, "", number) for number in range(3)], [(socket.AF_INET, 1, 6, "", 9)]

    assert tcp._alternately([*six, *four]) == [six[0], four[0], six[1], six[2]]


def test_a_failure_outside_the_network_is_raised_unchanged(known: Known, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(_info: object) -> None:
        raise OverflowError("port must be 0-65535")

    known("127.0.0.1")
    monkeypatch.setattr(tcp, "_connect", fail)

    with pytest.raises(OverflowError):
        asyncio.run(open_tcp(HOST, 1))


@pytest.mark.parametrize("unsent_bytes", [0, 1])
def test_one_byte_in_the_kernel_is_unsent_whatever_the_sockets_number(
    unsent_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ioctl(descriptor: int, request: int, waiting: Any) -> None:
        assert (descriptor, request) == (0, 0x894B)
        waiting[0] = unsent_bytes

    monkeypatch.setattr("fcntl.ioctl", ioctl)
    connected = Connected()
    transport: Any = Transport(connected)

    assert tcp.has_unsent(transport) is bool(unsent_bytes)
    tcp.let_go(transport)
    assert connected.options == [(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))]
