"""The connection to a real Mosquitto, and to what only pretends to be a broker."""

import asyncio
import contextlib
import errno
import gc
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from paho.mqtt.enums import MQTTErrorCode

from edgevoice.host.credentials import Key
from edgevoice.integrations.control.commands import BoxHandles
from edgevoice.integrations.control.connection import Allowance
from edgevoice.integrations.mqtt import broker as broker_module
from edgevoice.integrations.mqtt.broker import BrokerFlooded, BrokerUnavailable, connected
from edgevoice.integrations.mqtt.link import MqttLink, MqttMeans
from edgevoice.integrations.mqtt.topics import Topics
from edgevoice.settings.integrations import MqttSettings
from tests import virtual_time
from tests.integrations.control.conftest import Speaker
from tests.integrations.mqtt.conftest import Mosquitto, Spectator, spectator
from tests.waiting import eventually

TOPICS = Topics("0123456789ab")
NAME = "edgevoice-0123456789ab"
WILL = (TOPICS.available, "offline")


async def no_rings() -> list[object]:
    return []


def a_link(port: int, speaker: Speaker | None = None) -> MqttLink:
    settings = MqttSettings(host="127.0.0.1", port=port)
    handles = BoxHandles("1.2", lambda: 7, speaker or Speaker(), lambda: "")
    means = MqttMeans(
        TOPICS,
        "Kitchen",
        lambda: connected(settings, None, NAME, WILL),
        no_rings,  # type: ignore[arg-type]  # there are none
        lambda: 0.0,
        chance=lambda: 0.0,
    )
    return MqttLink(handles, means)


def with_box(mosquitto: Mosquitto, scene: Callable[[Spectator, Speaker], Awaitable[None]]) -> None:
    """Run a scene with a box and a spectator at the broker."""

    async def run() -> None:
        speaker = Speaker()
        async with spectator(mosquitto.port) as watching:
            running = asyncio.ensure_future(a_link(mosquitto.port, speaker).run(lambda _fact: None))
            try:
                await eventually(lambda: watching.latest.get(TOPICS.available) == b"online")
                await scene(watching, speaker)
                assert not running.done(), running
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)
            await eventually(lambda: watching.latest.get(TOPICS.available) == b"offline")

    asyncio.run(run())


def test_a_real_broker_has_the_device_and_obeyed_orders_change_its_state(mosquitto: Mosquitto) -> None:
    async def scene(watching: Spectator, speaker: Speaker) -> None:
        assert watching.json(TOPICS.document)["device"]["name"] == "Kitchen"
        await watching.publish(TOPICS.command("volume"), "15")
        await eventually(lambda: watching.json(TOPICS.state).get("volume") == 15)
        assert speaker.volume_percent == 15
        await watching.publish(TOPICS.command("volume"), b"\xff" * 100)
        await eventually(lambda: watching.json(TOPICS.reply).get("ok") is False)

    with_box(mosquitto, scene)


def test_an_order_that_the_broker_kept_is_not_obeyed_by_a_box_that_comes_or_is_there(mosquitto: Mosquitto) -> None:
    async def yesterday() -> None:
        async with spectator(mosquitto.port) as watching:
            await watching.publish(TOPICS.command("volume"), "99", retain=True)

    async def scene(watching: Spectator, speaker: Speaker) -> None:
        await watching.publish(TOPICS.command("volume"), "98", retain=True)
        await watching.publish(TOPICS.command("earcons"), "11")
        await eventually(lambda: speaker.earcon_percent == 11)
        assert speaker.volume_percent == 50

    asyncio.run(yesterday())
    with_box(mosquitto, scene)


def test_a_payload_larger_than_any_order_does_not_reach_the_box(mosquitto: Mosquitto) -> None:
    async def scene(watching: Spectator, speaker: Speaker) -> None:
        await watching.publish(TOPICS.command("say"), b"x" * 10_000_000)
        await watching.publish(TOPICS.command("volume"), "12")
        await eventually(lambda: speaker.volume_percent == 12)

    with_box(mosquitto, scene)


def test_a_broker_that_is_restarted_is_found_again(mosquitto: Mosquitto) -> None:
    async def run() -> None:
        running = asyncio.ensure_future(a_link(mosquitto.port).run(lambda _fact: None))
        try:
            for _ in range(2):
                async with spectator(mosquitto.port) as watching:
                    await eventually(lambda: watching.latest.get(TOPICS.available) == b"online")
                mosquitto.stop()
                mosquitto.start()
            assert not running.done()
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(run())


def test_a_flood_is_read_in_another_thread_and_ends_the_connection_before_much_of_it_reaches_the_loop(
    mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = 0
    readers: set[int] = set()

    class Watched(Allowance):
        def admits(self) -> bool:
            readers.add(threading.get_ident())
            return super().admits()

    monkeypatch.setattr(broker_module, "Allowance", Watched)

    async def run() -> None:
        nonlocal taken
        settings = MqttSettings(host="127.0.0.1", port=mosquitto.port)
        async with spectator(mosquitto.port) as watching, connected(settings, None, NAME) as broker:
            await broker.subscribe(TOPICS.command("+"))
            flooding = asyncio.ensure_future(flood(watching))
            try:
                async with asyncio.timeout(30):
                    async for _ in broker.messages():
                        taken += 1
            finally:
                flooding.cancel()

    async def flood(watching: Spectator) -> None:
        while True:
            await asyncio.gather(*(watching.publish(TOPICS.command("volume"), "1") for _ in range(20)))

    began_s = time.monotonic()
    with pytest.raises(BrokerFlooded):
        asyncio.run(run())
    burst, rate_hz = broker_module._MESSAGES
    assert burst <= taken <= burst + rate_hz * (time.monotonic() - began_s) + 1
    assert readers.isdisjoint({threading.get_ident()})


def test_a_box_that_is_gone_without_a_word_is_reported_offline_by_the_broker(mosquitto: Mosquitto) -> None:
    async def run() -> None:
        settings = MqttSettings(host="127.0.0.1", port=mosquitto.port)
        async with spectator(mosquitto.port) as watching, connected(settings, None, NAME, WILL) as broker:
            await broker.publish(TOPICS.available, "online", is_retained=True)
            await eventually(lambda: watching.latest.get(TOPICS.available) == b"online")
            # Another client of the same name: the broker throws the first one out without its goodbye.
            async with connected(settings, None, NAME):
                await eventually(lambda: watching.latest.get(TOPICS.available) == b"offline")
            async for _ in broker.messages():
                pass

    with pytest.raises(BrokerUnavailable):
        asyncio.run(run())


def connect(settings: MqttSettings, password: Key | None = None) -> None:
    async def run() -> None:
        async with connected(settings, password, NAME):
            pass

    asyncio.run(run())


def test_the_box_connects_where_its_unit_forbids_every_bind(
    mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    # SocketBindDeny=any also refuses to bind to no address and no port.
    def refused(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(socket.socket, "bind", refused)

    connect(MqttSettings(host="127.0.0.1", port=mosquitto.port))


def test_a_password_is_asked_for_and_never_shown(mosquitto: Mosquitto, caplog: pytest.LogCaptureFixture) -> None:
    mosquitto.stop()
    hashed = mosquitto.folder / "passwords"
    hashed.write_text("box:open sesame\n")
    subprocess.run(["mosquitto_passwd", "-U", str(hashed)], check=True)
    mosquitto.lines = ["allow_anonymous false", f"password_file {hashed}"]
    mosquitto.start()
    settings = MqttSettings(host="localhost", port=mosquitto.port, username="box")

    connect(settings, Key("open sesame", source="a test"))
    for wrong in (Key("wrong-secret", source="a test"), None):
        with pytest.raises(BrokerUnavailable, match="refused the box") as refused:
            connect(settings, wrong)
        assert "mqtt_password" in refused.value.line()
        assert "wrong-secret" not in refused.value.line() + caplog.text


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate for localhost that is its own authority, and its key."""
    own, key = folder / "own.pem", folder / "own.key"
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run(
        [*request, "-addext", "subjectAltName=DNS:broker.test,IP:127.0.0.1", "-keyout", str(key), "-out", str(own)],
        check=True,
        capture_output=True,
    )
    return own, key


# The library leaves the socket of a failed handshake to the garbage collection.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_beyond_this_machine_the_connection_is_encrypted_and_the_broker_verified(
    mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, key = certificate(mosquitto.folder)
    mosquitto.stop()
    mosquitto.lines = ["allow_anonymous true", f"certfile {own}", f"keyfile {key}"]
    mosquitto.start()
    elsewhere = MqttSettings(host="broker.test", port=mosquitto.port)
    resolve = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *rest, **more: resolve("127.0.0.1", *rest, **more))

    assert elsewhere.is_encrypted
    with pytest.raises(BrokerUnavailable, match="certificate"):
        connect(elsewhere)
    connect(MqttSettings(host="broker.test", port=mosquitto.port, ca_file=str(own)))
    with pytest.raises(BrokerUnavailable, match=r"mqtt\.ca_file /nowhere"):
        connect(MqttSettings(host="broker.test", port=mosquitto.port, ca_file="/nowhere"))
    gc.collect()


@contextmanager
def pretender(*sends: bytes) -> Iterator[int]:
    """A port on which something answers each connection with these bytes, and then goes on for as long as it can."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    with connection, contextlib.suppress(OSError):
                        connection.recv(4096)
                        for sent in sends:
                            connection.sendall(sent)
                        connection.recv(1)

        threading.Thread(target=serve, daemon=True).start()
        yield int(listening.getsockname()[1])
        listening.shutdown(socket.SHUT_RDWR)


ACCEPTED = b"\x20\x03\x00\x00\x00"
"""CONNACK of MQTT 5: no session, success, no properties."""


@pytest.mark.parametrize(
    "sends",
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n",),
        (b"\x00" * 4096,),
        (ACCEPTED, b"\xff" * 4096),
        # A packet of 256 MB that is announced and never ends.
        (ACCEPTED, b"\x30\xff\xff\xff\x7f", *[b"x" * 65_536] * 200),
        # A message whose topic is longer than the message, and one whose topic is not UTF-8.
        (ACCEPTED, b"\x30\x04\xff\xff\x00\x00"),
        (ACCEPTED, b"\x30\x05\x00\x02\xff\xfe\x00"),
        # DISCONNECT: the server is shutting down.
        (ACCEPTED, b"\xe0\x02\x8b\x00"),
    ],
)
def test_a_broker_that_sends_rubbish_is_one_clear_error(
    monkeypatch: pytest.MonkeyPatch, sends: tuple[bytes, ...]
) -> None:
    monkeypatch.setattr(broker_module, "PATIENCE_S", 0.3)
    strays: list[object] = []

    async def run(port: int) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: strays.append(context))
        async with connected(MqttSettings(host="127.0.0.1", port=port), None, NAME) as broker:
            async for _ in broker.messages():
                pass

    with pretender(*sends) as port, pytest.raises(BrokerUnavailable) as refused:
        asyncio.run(asyncio.wait_for(run(port), 5))

    assert refused.value.line().count("\n") == 0
    assert not any(word in refused.value.line() for word in ("Errno", "[code", "iteration", "MqttCode"))
    # What nobody awaits would end the box.
    assert strays == []


def test_an_idle_connection_is_looked_at_six_times_a_minute_until_the_broker_is_gone() -> None:
    async def run() -> list[float]:
        client = broker_module._client(MqttSettings(host="127.0.0.1"), None, NAME, None)
        looks: list[float] = []

        def look() -> MQTTErrorCode:
            looks.append(time.monotonic())
            is_there = len(looks) < 7
            return MQTTErrorCode.MQTT_ERR_SUCCESS if is_there else MQTTErrorCode.MQTT_ERR_KEEPALIVE

        client._client.loop_misc = look  # type: ignore[method-assign]
        await client._misc_loop()
        return looks

    looks = virtual_time.run(run())

    assert looks[-1] - looks[0] == pytest.approx(60.0)


def test_nothing_at_the_address_is_one_clear_error() -> None:
    with pytest.raises(BrokerUnavailable, match=r"failed: Connection refused$"):
        connect(MqttSettings(host="127.0.0.1", port=9))


def test_a_broker_elsewhere_is_never_dialled_without_encryption() -> None:
    for host in ("192.168.1.5", "homeassistant.local", "2001:db8::1", "localhost.evil.example"):
        assert MqttSettings(host=host).is_encrypted
        assert MqttSettings(host=host).dialled_port == 8883
    for host in ("localhost", "127.0.0.1", "127.1.2.3", "::1"):
        assert not MqttSettings(host=host).is_encrypted
        assert MqttSettings(host=host).dialled_port == 1883


def test_a_box_is_stopped_within_seconds_although_the_broker_hangs(mosquitto: Mosquitto) -> None:
    async def run() -> float:
        running = asyncio.ensure_future(a_link(mosquitto.port).run(lambda _fact: None))
        async with spectator(mosquitto.port) as watching:
            await eventually(lambda: watching.latest.get(TOPICS.available) == b"online")
        assert mosquitto.process is not None
        mosquitto.process.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return time.monotonic() - began

    assert asyncio.run(run()) < 5
