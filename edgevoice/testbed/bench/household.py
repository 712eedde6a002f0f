"""`edgevoice bench household`: rings on the virtual card, the stop word in simulated rooms, the store, the socket."""

import asyncio
import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

from edgevoice.alarms.book import AlarmBook
from edgevoice.alarms.rings import RingKind, ScheduledRing
from edgevoice.alarms.schedule import timer
from edgevoice.box.context import BoxContext
from edgevoice.control.client import Client
from edgevoice.control.place import ControlPlace
from edgevoice.core.announcements import StopWordHeard
from edgevoice.core.notices import RingingBegan, RingingEnded
from edgevoice.journal import start as start_journal
from edgevoice.settings.schema import Settings
from edgevoice.testbed.bench.stop_words import TRIALS, false_stops, stops_heard
from edgevoice.testbed.percentiles import p50_p95
from edgevoice.testbed.stage.stage import Stage, set_stage

_AHEAD_S: Final = 0.5
"""How long a timer of the benchmark runs: longer than setting it takes, so that it waits for its time."""

_LIMIT_S: Final = 10.0
_SILENT: Final = 20
"""Louder samples are the ring, in units of s16: the tape of a silent box holds zeros."""

_WRITES: Final = 200
_REQUESTS: Final = 500


def measure(rings: int, minutes: float, *, as_json: bool) -> int:
    """Let ``rings`` timers ring, listen to ``minutes`` of other speech, and print the figures; return the status."""
    start_journal("warning")
    with tempfile.TemporaryDirectory(prefix="edgevoice-bench-") as folder:
        place = Path(folder)
        late_ms, control_ms = asyncio.run(_on_the_card(place, rings))
        store_ms = asyncio.run(_store(place))
    if not as_json:
        print(f"rings: {[round(each) for each in late_ms]} ms late", file=sys.stderr)
    heard, unsaid = stops_heard(lambda line: None if as_json else print(line, file=sys.stderr))
    report = {
        "ring_late_ms": {**p50_p95(late_ms), "max": round(max(late_ms), 1)},
        "stop_heard": f"{heard}/{TRIALS}",
        "false_stops": unsaid + false_stops(minutes),
        "store_ms": p50_p95(store_ms),
        "control_ms": p50_p95(control_ms),
    }
    print(json.dumps(report))
    return 0


async def _on_the_card(folder: Path, rings: int) -> tuple[list[float], list[float]]:
    """Return how late each ring began on the tape, and how long each request to the control socket took, in ms."""
    socket = folder / "control.sock"

    def equip(_settings: Settings, context: BoxContext) -> BoxContext:
        return replace(context, control=ControlPlace(socket, None))

    async with set_stage(folder, wants_wakeword=False, equip=equip) as stage:
        # A box that has just started still opens its card.
        await asyncio.sleep(1)
        late_ms = [await _ring(stage) for _ in range(rings)]
        return late_ms, await _requests(socket)


async def _ring(stage: Stage) -> float:
    keeper = stage.parts.alarms
    stage.seen.mark()
    ring = await keeper.add(timer(_AHEAD_S, "", keeper.now()))
    due_s = time.monotonic() + ring.left_s(keeper.now())
    await stage.seen.wait_for(RingingBegan, "the ring", _LIMIT_S)
    await asyncio.sleep(0.3)
    stage.parts.mailbox.report(StopWordHeard())
    await stage.seen.wait_for(RingingEnded, "the end of the ring", _LIMIT_S)
    began_s = stage.card.far_end.first_sound_after(due_s - _AHEAD_S / 2, _SILENT)
    await asyncio.sleep(0.2)
    if began_s is None:
        raise ValueError("a ring is not on the tape")
    return 1000 * (began_s - due_s)


async def _requests(socket: Path) -> list[float]:
    took_ms = []
    async with Client(socket) as box:
        for _ in range(_REQUESTS):
            began = time.perf_counter()
            await box.status()
            took_ms.append(1000 * (time.perf_counter() - began))
            await asyncio.sleep(0.01)  # within what a program may ask for
    return took_ms


async def _store(folder: Path) -> list[float]:
    took_ms = []
    async with AlarmBook(folder) as book:
        for number in range(_WRITES):
            began = time.perf_counter()
            await book.keep(ScheduledRing(RingKind.TIMER, f"timer {number}"))
            took_ms.append(1000 * (time.perf_counter() - began))
    return took_ms
