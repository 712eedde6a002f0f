"""`edgevoice bench household`: rings on the virtual card, the stop word in simulated rooms, the store, the socket."""

import asyncio
import json
import sys
import tempfile
import time
from asyncio.subprocess import PIPE
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from edgevoice.alarms.book import AlarmBook
from edgevoice.alarms.rings import RingKind, ScheduledRing
from edgevoice.alarms.schedule import timer
from edgevoice.box.context import BoxContext
from edgevoice.children import python
from edgevoice.control.client import Client
from edgevoice.control.messages import LONGEST_SOUND_S, SOUND_HZ
from edgevoice.control.place import ControlPlace
from edgevoice.core.announcements import StopWordHeard
from edgevoice.core.notices import RingingBegan, RingingEnded
from edgevoice.core.orders import PlayClip
from edgevoice.errors import ControlUnavailable
from edgevoice.journal import start as start_journal
from edgevoice.settings.schema import Settings
from edgevoice.testbed.bench import control_load
from edgevoice.testbed.bench.shown import show
from edgevoice.testbed.bench.stop_words import TRIALS, false_stops, words_heard
from edgevoice.testbed.percentiles import p50_p95
from edgevoice.testbed.stage.events import StepMissed
from edgevoice.testbed.stage.stage import Stage, set_stage

_AHEAD_S: Final = 0.5
"""How long a timer of the benchmark runs: longer than setting it takes, so that it waits for its time."""

_LIMIT_S: Final = 10.0
_SILENT: Final = 20
"""Louder samples are the ring, in units of s16: the tape of a silent box holds zeros."""

_WRITES: Final = 200
_REQUESTS: Final = 500


def measure(rings: int, minutes: float, seconds: int, *, as_json: bool) -> int:
    """Let ``rings`` timers ring, listen to ``minutes`` of other speech, and print the figures; return the status.

    For ``seconds``, programs ask the box 1,000 things a second while it plays a sound.
    """
    start_journal("warning")
    with tempfile.TemporaryDirectory(prefix="edgevoice-bench-") as folder:
        place = Path(folder)
        late_ms, control_ms, asked = asyncio.run(_on_the_card(place, rings, seconds))
        store_ms = asyncio.run(_store(place))
    if not as_json:
        print(f"rings: {[round(each) for each in late_ms]} ms late", file=sys.stderr)

    def tell(line: str) -> None:
        if not as_json:
            print(line, file=sys.stderr)

    (stops, unsaid), (snoozes, also_unsaid) = words_heard("stop", tell), words_heard("snooze", tell)
    report = {
        "ring_late_ms": {**p50_p95(late_ms), "max": round(max(late_ms), 1)},
        "stop_heard": f"{stops}/{TRIALS}",
        "snooze_heard": f"{snoozes}/{TRIALS}",
        "false_stops": unsaid + also_unsaid + false_stops(minutes),
        "store_ms": p50_p95(store_ms),
        "control_ms": p50_p95(control_ms),
        "control_load": asked,
    }
    show(report, as_json=as_json)
    return 0


async def _on_the_card(folder: Path, rings: int, seconds: int) -> tuple[list[float], list[float], dict[str, int]]:
    """Return how late each ring began on the tape, and how long each request to the control socket took, in ms.

    The last are the figures of `_asked_all_the_time`.
    """
    socket = folder / "control.sock"

    def equip(_settings: Settings, context: BoxContext) -> BoxContext:
        return replace(context, control=ControlPlace(socket, None))

    # Nobody speaks: a card's exact zeros are no fault here.
    changes = {"microphone": {"zeros_s": 0.0}}
    async with set_stage(folder, changes=changes, wants_wakeword=False, equip=equip) as stage:
        # A box that has just started still opens its card.
        await asyncio.sleep(1)
        late_ms = [await _ring(stage) for _ in range(rings)]
        control_ms = await _requests(socket)
        return late_ms, control_ms, await _asked_all_the_time(stage, socket, seconds)


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
        raise StepMissed("the sound of a ring did not happen")
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


async def _asked_all_the_time(stage: Stage, socket: Path, seconds: int) -> dict[str, int]:
    """Let programs ask for some seconds while the box plays a tone; count what they asked, and lost sound."""
    angle = np.arange(SOUND_HZ * min(seconds, LONGEST_SOUND_S)) * (2 * np.pi * 440 / SOUND_HZ)
    tone = (3000 * np.sin(angle)).astype("<i2").tobytes()
    async with Client(socket) as box:
        playing = asyncio.create_task(box.announce(sound=tone, chime=False))
        await stage.seen.wait_for(PlayClip, "the tone", _LIMIT_S)
        xruns = stage.parts.xruns
        # What they compute in a process of their own does not count as the box's.
        command = python(control_load.__name__, str(socket), str(seconds))
        programs = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
        output, _ = await programs.communicate()
        if programs.returncode != 0:
            raise ControlUnavailable("the programs of the measurement have failed")
        lost = stage.parts.xruns - xruns
        await box.stop()
        await playing
    return {**json.loads(output), "seconds": seconds, "xruns": lost}


async def _store(folder: Path) -> list[float]:
    took_ms = []
    async with AlarmBook(folder) as book:
        for number in range(_WRITES):
            began = time.perf_counter()
            await book.keep(ScheduledRing(RingKind.TIMER, f"timer {number}"))
            took_ms.append(1000 * (time.perf_counter() - began))
    return took_ms
