"""`edgevoice bench integrations`: what Home Assistant and metrics cost the box, beside a real Mosquitto.

Memory is that of real daemons on the virtual card with different settings, some seconds after they listen. The idle
processor time is that of the connection alone, without a box, so that nothing else is in the figure. The time of an
order is from its publication by another client to its effect. The live page's figures are explained in `page`.
"""

import asyncio
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edgevoice.errors import EdgevoiceError
from edgevoice.integrations.control.commands import BoxHandles
from edgevoice.integrations.mqtt.broker import Broker, connected
from edgevoice.integrations.mqtt.link import MqttLink, MqttMeans
from edgevoice.integrations.mqtt.state import RingSummary
from edgevoice.integrations.mqtt.topics import Topics
from edgevoice.settings.integrations import MqttSettings
from edgevoice.testbed.bench.idle import rss_mb, running_daemon
from edgevoice.testbed.bench.page import measure_page
from edgevoice.testbed.bench.patience import in_time
from edgevoice.testbed.bench.shown import show
from edgevoice.testbed.percentiles import p50_p95
from edgevoice.testbed.virtual import VirtualCard

_SETTLING_S: Final = 8.0
_ORDERS: Final = 15
_LIMIT_S: Final = 10.0
_PLACES: Final = "/usr/sbin:/usr/local/sbin:/usr/bin"


class BrokerMissing(EdgevoiceError):
    """There is no broker to measure with."""

    code = "bench-integrations"
    remedy = "Install one: sudo apt install mosquitto"


@dataclass
class _Speaker:
    volume_percent: int = 50
    earcon_percent: int = 40


def measure(seconds: int, *, as_json: bool) -> int:
    """Measure for ``seconds`` at rest, print the figures, and return the exit status. Raises ``BrokerMissing``."""
    with tempfile.TemporaryDirectory(prefix="edgevoice-bench-") as folder, _broker(Path(folder)) as port:
        if not as_json:
            print("the connection alone, at rest and with orders …", file=sys.stderr)
        figures = asyncio.run(_connection(port, seconds))
        if not as_json:
            print("daemons with different settings …", file=sys.stderr)
        mqtt = f'[mqtt]\nhost = "127.0.0.1"\nport = {port}\n'
        variants = {"none": "", "mqtt": mqtt, "metrics": "[metrics]\nenabled = true\n"}
        memory = {name: _daemon_mb(Path(folder, name), more) for name, more in variants.items()}
        if not as_json:
            print("the live page, beside the whole box …", file=sys.stderr)
        page = measure_page(Path(folder, "page"), seconds)
    more = {name: round(megabytes - memory["none"], 1) for name, megabytes in memory.items() if name != "none"}
    show({**figures, "rss_mb": memory, "rss_mb_more": more, **page}, as_json=as_json)
    return 0


async def _connection(port: int, seconds: int, *, settling_s: float = 2.0) -> dict[str, object]:
    speaker = _Speaker()
    settings, topics = MqttSettings(host="127.0.0.1", port=port), Topics("0123456789ab")
    means = MqttMeans(topics, "Bench", lambda: connected(settings, None, "edgevoice-bench"), _no_rings, lambda: 0.0)
    running = asyncio.ensure_future(MqttLink(BoxHandles("0", lambda: 0, speaker, str), means).run(lambda _fact: None))
    try:
        await asyncio.sleep(settling_s)
        began, used = time.monotonic(), time.process_time()
        await asyncio.sleep(seconds)
        idle_percent = 100 * (time.process_time() - used) / max(0.001, time.monotonic() - began)
        async with connected(settings, None, "edgevoice-bench-owner") as owner:
            order_ms = await _order_times_ms(owner, topics, speaker)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    return {"idle_cpu_percent_of_a_core": round(idle_percent, 3), "order_to_effect_ms": p50_p95(order_ms)}


async def _order_times_ms(owner: Broker, topics: Topics, speaker: _Speaker) -> list[float]:
    times = []
    for percent in range(_ORDERS):
        began = time.monotonic()
        await owner.publish(topics.command("volume"), str(percent))
        async with in_time(f"the volume to become {percent} %, as a client of the broker had ordered", _LIMIT_S):
            while speaker.volume_percent != percent:  # noqa: ASYNC110 - it is a number, and nothing says when it changes
                await asyncio.sleep(0.0005)
        times.append(1000 * (time.monotonic() - began))
    return times


async def _no_rings() -> list[RingSummary]:
    return []


def _daemon_mb(folder: Path, more: str) -> float:
    """Return the memory of a daemon with these settings, some seconds after it listens."""
    folder.mkdir()
    with VirtualCard() as card, running_daemon(card, folder, more) as (process, _):
        time.sleep(_SETTLING_S)
        return rss_mb(process.pid)


@contextmanager
def _broker(folder: Path) -> Iterator[int]:
    """Run a Mosquitto for the block, and yield its port."""
    program = shutil.which("mosquitto", path=_PLACES)
    if program is None:
        raise BrokerMissing("Mosquitto is not installed")
    with socket.create_server(("127.0.0.1", 0)) as trial:
        port = int(trial.getsockname()[1])
    config = folder / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n", encoding="utf-8")
    process = subprocess.Popen([program, "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + _LIMIT_S
        while not _is_open(port):
            if time.monotonic() > until or process.poll() is not None:
                raise BrokerMissing("Mosquitto does not start")
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait()


def _is_open(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.2):
            return True
    except OSError:
        return False
