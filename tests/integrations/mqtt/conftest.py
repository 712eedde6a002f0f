"""A real Mosquitto for a test, and a small client beside it."""

import asyncio
import contextlib
import json
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from tests.notes import note
from tests.waiting import until

MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
        return port


def is_open(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=0.2):
        return True
    return False


@dataclass
class Mosquitto:
    """A broker on this machine; ``lines`` are further lines of its configuration."""

    folder: Path
    port: int = field(default_factory=free_port)
    lines: Sequence[str] = ("allow_anonymous true",)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        assert MOSQUITTO is not None
        config = self.folder / "mosquitto.conf"
        config.write_text("\n".join([f"listener {self.port} 127.0.0.1", *self.lines, "user root", ""]))
        with (self.folder / "mosquitto.log").open("ab") as log:
            self.process = subprocess.Popen([MOSQUITTO, "-c", str(config)], stdout=log, stderr=log)
        until(lambda: is_open(self.port))

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    """A broker that runs."""
    if MOSQUITTO is None:
        note("not judged: the tests with an MQTT broker, because Mosquitto is not installed")
        pytest.skip("Mosquitto is not installed: apt install mosquitto")
    broker = Mosquitto(tmp_path)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


class Spectator:
    """A client that sees everything on the broker, and publishes as Home Assistant does."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self._client = client
        self.latest: dict[str, bytes] = {}
        self.seen: list[tuple[str, bytes]] = []

    async def watch(self) -> None:
        async for message in self._client.messages:
            self.latest[str(message.topic)] = message.payload
            self.seen.append((str(message.topic), message.payload))

    def json(self, topic: str) -> Any:
        return json.loads(self.latest.get(topic) or b"{}")

    async def publish(self, topic: str, payload: str | bytes, *, retain: bool = False) -> None:
        await self._client.publish(topic, payload, qos=1, retain=retain)


@asynccontextmanager
async def spectator(port: int, **options: Any) -> AsyncIterator[Spectator]:
    async with aiomqtt.Client("127.0.0.1", port, **options) as client:
        await client.subscribe("#")
        watching = Spectator(client)
        task = asyncio.ensure_future(watching.watch())
        try:
            yield watching
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
