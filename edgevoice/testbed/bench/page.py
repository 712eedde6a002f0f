"""What the live page costs, and how soon its buttons act: the page's own process beside the whole box on the stage.

Part of `edgevoice bench integrations`. The page is the real program; the browser is a WebSocket client that does what
the page's script does.
"""

import asyncio
import contextlib
import json
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError
from websockets.typing import Origin

from edgevoice.box.context import BoxContext
from edgevoice.children import python
from edgevoice.control.place import ControlPlace
from edgevoice.core.orders import MuteMicrophone, UnmuteMicrophone
from edgevoice.page.listening import PageUnavailable
from edgevoice.page.pairings import Pairings
from edgevoice.realtime.endpoint import Endpoint, local
from edgevoice.settings.schema import Settings
from edgevoice.testbed.bench.idle import rss_mb
from edgevoice.testbed.bench.patience import in_time
from edgevoice.testbed.percentiles import p50_p95
from edgevoice.testbed.stage.stage import Stage, set_stage
from edgevoice.wall_clock import local_now

PRESSES: Final = 60
VIEWERS: Final = 2
_ALONE_S: Final = 15.0
_IDLE_S: Final = 20.0
_LIMIT_S: Final = 30.0
_PRESS_EVERY_S: Final = 0.1

Figures = dict[str, float | int | bool]


def measure_page(folder: Path, watched_s: float) -> Figures:
    """Return what `page_figures` does; ``folder`` is made."""
    folder.mkdir(parents=True, exist_ok=True)
    return asyncio.run(page_figures(folder, watched_s))


async def page_figures(folder: Path, watched_s: float) -> Figures:
    """Return the figures of a page that is watched for ``watched_s`` seconds; keys begin with ``page_``.

    ``page_button_p95_ms`` is from the browser's message to the box's own order; ``page_seen_p95_ms`` until the browser
    is shown it. ``page_rss_mb`` is the most that the process held.
    """
    place = ControlPlace(folder / "control.sock", None)
    settings = folder / "edgevoice.toml"
    settings.write_text("[control]\nmay_unmute = true\n", encoding="utf-8")

    def equip(_settings: Settings, context: BoxContext) -> BoxContext:
        return replace(context, control=place)

    def nobody() -> Endpoint:
        return local(folder / "nobody.sock", _nothing_to_prepare)

    changes = {"control": {"may_unmute": True}}
    async with (
        set_stage(folder / "stage", changes=changes, endpoint=nobody, equip=equip) as stage,
        _page(folder, place.path, settings) as (process, port),
    ):
        cookie = Pairings(folder, local_now, days=1).add("bench")
        return {
            **await _sound_while_watched(stage, process, port, cookie, watched_s),
            **await _buttons(stage, process, port, cookie),
            "page_slow_reader_dropped": await _is_slow_reader_dropped(port, cookie),
            "page_gone_when_idle": await _is_gone(process),
        }


async def _sound_while_watched(stage: Stage, process: Process, port: int, cookie: str, watched_s: float) -> Figures:
    """Count what the sound loses while nobody watches, and then while some browsers do."""
    xruns = stage.parts.xruns
    alone_s = min(watched_s, _ALONE_S)
    await asyncio.sleep(alone_s)
    alone = stage.parts.xruns - xruns
    # Browsers of a process of their own: what they compute must not count as the box's.
    command = python(__spec__.name, str(port), cookie, str(watched_s))
    viewers = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
    output, _ = await viewers.communicate()
    if viewers.returncode != 0:
        raise PageUnavailable("the browsers of the measurement have failed", remedy="The lines above say why.")
    return {
        "page_xruns": stage.parts.xruns - xruns - alone,
        "page_watched_s": watched_s,
        "page_xruns_unwatched": alone,
        "page_unwatched_s": alone_s,
        "page_events_per_s": round(json.loads(output)["events"] / watched_s / VIEWERS, 1),
        "page_rss_mb": rss_mb(process.pid),
    }


async def _viewers(port: int, cookie: str, watched_s: float) -> int:
    """Watch with some browsers; return how many events they were sent."""
    events = 0
    async with contextlib.AsyncExitStack() as opened:
        wires = [await opened.enter_async_context(_browser(port, cookie)) for _ in range(VIEWERS)]

        async def read(wire: ClientConnection) -> None:
            nonlocal events
            async for _ in wire:
                events += 1

        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(watched_s):
                await asyncio.gather(*map(read, wires))
    return events


async def _buttons(stage: Stage, process: Process, port: int, cookie: str) -> Figures:
    """Press the mute button again and again."""
    done_ms: list[float] = []
    seen_ms: list[float] = []
    async with _browser(port, cookie) as wire:
        await _ask(wire, "settings")
        for number in range(PRESSES):
            done, seen = await _press(stage, wire, is_muted=number % 2 == 0)
            done_ms.append(done)
            seen_ms.append(seen)
            await asyncio.sleep(_PRESS_EVERY_S)
    return {
        "page_button_p95_ms": p50_p95(done_ms)["p95"],
        "page_seen_p95_ms": p50_p95(seen_ms)["p95"],
        "page_rss_mb": rss_mb(process.pid),
    }


async def _press(stage: Stage, wire: ClientConnection, *, is_muted: bool) -> tuple[float, float]:
    """Press the mute button; return the milliseconds until the box has done it, and until the browser is shown it."""
    stage.seen.mark()
    began = time.monotonic()
    await wire.send(json.dumps({"id": 1, "do": "mute" if is_muted else "unmute"}))
    async with in_time("the page to show the effect of its mute button", _LIMIT_S):
        while not _shows_mute(json.loads(await wire.recv()), is_muted=is_muted):
            pass
    seen = time.monotonic()
    kind = MuteMicrophone if is_muted else UnmuteMicrophone
    done, _ = await stage.seen.wait_for(kind, "the button's effect", _LIMIT_S)
    return 1000 * (done - began), 1000 * (seen - began)


def _shows_mute(message: dict[str, Any], *, is_muted: bool) -> bool:
    """Return whether a message shows that the box is muted, or not any longer. Raises ``PageUnavailable``."""
    if message.get("ok") is False:
        raise PageUnavailable(f"the button was refused: {message['error']['problem']}")
    if message.get("event") == "box":
        # The page had lost the box, and shows anew what it does.
        return message.get("status", {}).get("muted") is is_muted
    return message.get("event") == "muted"


async def _ask(wire: ClientConnection, command: str) -> dict[str, Any]:
    await wire.send(json.dumps({"id": 1, "do": command}))
    async with in_time(f"the page's answer to {command!r}", _LIMIT_S):
        while (found := json.loads(await wire.recv())).get("id") != 1:
            pass
    return dict(found)


async def _is_slow_reader_dropped(port: int, cookie: str) -> bool:
    """Ask for a lot and read nothing of it; return whether the page has ended the connection."""
    async with _browser(port, cookie) as wire:
        wire.transport.pause_reading()
        try:
            async with asyncio.timeout(_LIMIT_S):
                while True:
                    await wire.send(json.dumps({"id": 1, "do": "settings"}))
                    await asyncio.sleep(0.02)
        except ConnectionClosedError as end:
            # Without a goodbye, which it would not have read.
            return end.rcvd is None
        except TimeoutError:
            return False


async def _is_gone(process: Process) -> bool:
    """Return whether the page ends by itself once nobody uses it."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_IDLE_S + _LIMIT_S):
            await process.wait()
    return process.returncode == 0


@contextlib.asynccontextmanager
async def _browser(port: int, cookie: str) -> AsyncIterator[ClientConnection]:
    """Connect as a paired browser does."""
    host = f"localhost:{port}"
    async with in_time("the page to accept a browser", _LIMIT_S):
        wire = await connect(
            f"ws://{host}/live",
            host="127.0.0.1",
            origin=Origin(f"http://{host}"),
            additional_headers={"Cookie": f"edgevoice={cookie}"},
            proxy=None,
            open_timeout=None,
        )
    try:
        yield wire
    finally:
        wire.transport.abort()


@contextlib.asynccontextmanager
async def _page(folder: Path, control: Path, settings: Path) -> AsyncIterator[tuple[Process, int]]:
    """Run the page; yield its process and its port."""
    options = ("--socket", str(control), "--state", str(folder), "--config", str(settings), "--port", "0")
    command = python("edgevoice", "page", *options, "--idle-s", str(_IDLE_S))
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=sys.stderr)
    try:
        if process.stdout is None:
            raise PageUnavailable("the page has no standard output")
        async with in_time("the page to start", _LIMIT_S):
            line = (await process.stdout.readline()).decode()
        yield process, int(line.rsplit(":", 1)[1])
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


async def _nothing_to_prepare() -> None:
    """Prepare nothing: nobody is dialled."""


if __name__ == "__main__":
    port, cookie, watched_s = sys.argv[1:]
    print(json.dumps({"events": asyncio.run(_viewers(int(port), cookie, float(watched_s)))}))
