"""After the light is out: speech that has not left the box never reaches a service that resumes reading later."""

import asyncio
import base64
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from edgevoice.realtime.tcp import has_unsent, let_go
from tests.realtime.services import Caller, Service, Talker
from tests.realtime.test_link_refused import Certificates
from tests.waiting import eventually

CHUNK = bytes(1920)
CHUNK_MS = 40
SAID_MS = 8_000

MOST_LATE_MS = 400
"""The small buffer at the service's end plus the data on the wire: these bytes have left the box already."""


class Stalled:
    """A connection to a service with a small buffer, which can stop reading and resume."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.flows = asyncio.Event()
        self.flows.set()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        with socket.socket() as listening:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            listening.bind(("127.0.0.1", 0))
            async with await asyncio.start_server(self._serve, sock=listening, limit=1024):
                yield listening.getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self.port)
        ways = [asyncio.create_task(self._pour(reader, back)), asyncio.create_task(self._pour(there, writer))]
        await asyncio.wait(ways)

    async def _pour(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            await self.flows.wait()
            while piece := await reader.read(1024):
                writer.write(piece)
                await writer.drain()
                await self.flows.wait()
        writer.close()


async def ms_that_arrive_late(
    *, server: ssl.SSLContext | None = None, is_muted_at_once: bool = False, goes_on_after_s: float = 1.2
) -> int:
    """Send 8 s of audio to a service that does not read, hang up, and return how much arrives when it resumes."""
    service = Service()
    async with service.listening(ssl=server) as url:
        way = Stalled(urlsplit(url).port or 0)
        async with way.listening() as port, Caller(url.replace(str(way.port), str(port))).running() as caller:
            await caller.opened()
            way.flows.clear()
            for _ in range(SAID_MS // CHUNK_MS):
                caller.link.send_audio(CHUNK)
                if not is_muted_at_once:
                    await asyncio.sleep(0.001)
            caller.link.close()
            # Immediately, while a clean close would still wait, or once that was abandoned.
            await asyncio.sleep(goes_on_after_s)
            way.flows.set()
            (talker,) = service.talkers
            await asyncio.wait_for(talker.connection.wait_closed(), 5)
    audio = [base64.b64decode(event["audio"]) for event in talker.received if "audio" in event]
    return sum(map(len, audio)) // 48


@pytest.mark.parametrize(("is_muted_at_once", "goes_on_after_s"), [(False, 0.02), (True, 0.02), (False, 1.2)])
def test_a_service_that_had_stopped_reading_gets_no_more_of_what_was_said(
    *, is_muted_at_once: bool, goes_on_after_s: float
) -> None:
    late_ms = asyncio.run(ms_that_arrive_late(is_muted_at_once=is_muted_at_once, goes_on_after_s=goes_on_after_s))

    assert late_ms <= MOST_LATE_MS


def test_an_encrypted_service_that_had_stopped_reading_gets_no_more_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificates = Certificates(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.certificate))
    server = certificates.make("20200101000000Z", "20991231235959Z")

    assert asyncio.run(ms_that_arrive_late(server=server)) <= MOST_LATE_MS


def test_a_service_that_reads_gets_everything_and_a_polite_close() -> None:
    service = Service()

    async def live() -> None:
        async with service.listening() as url, Caller(url).running() as caller:
            await caller.opened()
            for _ in range(50):
                caller.link.send_audio(CHUNK)
            await eventually(lambda: len(service.talkers[0].received) == 51)
            caller.link.close()
            await eventually(lambda: service.talkers[0].connection.close_code is not None)

    asyncio.run(live())

    assert service.talkers[0].connection.close_code == 1000


def test_a_service_that_does_not_answer_the_close_is_disconnected() -> None:
    """As without a network: data that the kernel would resend for minutes is dropped with the connection."""

    async def live() -> bytes | type[OSError]:
        ended: asyncio.Future[bytes | type[OSError]] = asyncio.get_running_loop().create_future()

        async def deaf_to_closes(talker: Talker) -> None:
            await talker.accept()
            connected = talker.connection.transport.get_extra_info("socket").dup()
            # From here on no WebSocket frame is handled, and TCP stays up.
            talker.connection.transport.pause_reading()
            loop = asyncio.get_running_loop()
            try:
                while await loop.sock_recv(connected, 4096):
                    pass
                ended.set_result(b"")
            except OSError as failure:
                ended.set_result(type(failure))
            finally:
                connected.close()
                talker.connection.transport.abort()

        async with Service(deaf_to_closes).listening() as url, Caller(url).running() as caller:
            await caller.opened()
            caller.link.close()
            await eventually(lambda: not caller.link._ending)
            return await asyncio.wait_for(ended, 5)

    assert asyncio.run(live()) is ConnectionResetError


class _Transport:
    """The part of a transport that `has_unsent` and `let_go` use."""

    def __init__(self, connected: socket.socket, waiting: int = 0) -> None:
        self._connected = connected
        self._waiting = waiting
        self.is_aborted = False

    def get_extra_info(self, _name: str) -> socket.socket:
        return self._connected

    def get_write_buffer_size(self) -> int:
        return self._waiting

    def abort(self) -> None:
        self.is_aborted = True


def asked(connected: socket.socket, waiting: int = 0) -> Any:
    return _Transport(connected, waiting)


def test_unsent_bytes_are_counted_in_the_program_and_in_the_kernel() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as client:
        client.connect(server.getsockname())
        assert not has_unsent(asked(client))
        assert has_unsent(asked(client, 1))
        client.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                client.send(bytes(65_536))
        assert has_unsent(asked(client))
        client.close()
        assert not has_unsent(asked(client))


def test_between_two_processes_of_one_machine_nothing_is_on_its_way() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.send(b"x")
        assert not has_unsent(asked(ours))
        assert has_unsent(asked(ours, 1))


def test_a_disconnected_socket_is_reset_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        there, _ = server.accept()
        transport = asked(client)
        let_go(transport)
        assert transport.is_aborted
        assert client.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8) == struct.pack("ii", 1, 0)
        client.close()
        with there, pytest.raises(ConnectionResetError):
            there.recv(1)
        let_go(transport)  # closed already: nothing is left to send
