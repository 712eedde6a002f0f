"""`edgevoice bench panel`: from a press to the light and to listening, from mute to silence on the wire, and the cost.

The box runs on the virtual card with mock pins. What the service received decides when the gate was shut: the time of
the newest sample that reached it, against the time of the press. A negative time is 0: what the card still held at the
press was never sent.
"""

import asyncio
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from edgevoice.core.light_frames import Frame, apa102
from edgevoice.core.orders import Light, MuteMicrophone, ShowLight, UnmuteMicrophone
from edgevoice.core.sound.rates import NEAR_END_HZ, WIRE_HZ
from edgevoice.errors import EdgevoiceError
from edgevoice.journal import start as start_journal
from edgevoice.panel.lamps import PixelLamp
from edgevoice.panel.lights import Lights
from edgevoice.testbed.bench.shown import show
from edgevoice.testbed.demo.figures import read_wav
from edgevoice.testbed.percentiles import p50_p95
from edgevoice.testbed.stage.compare import compare_uplink
from edgevoice.testbed.stage.events import StepMissed
from edgevoice.testbed.stage.stage import Stage, set_stage

_LIMIT_S: Final = 20.0
_TALK_S: Final = 0.7
_IDLE_S: Final = 2.0
_PIXELS: Final = 12
_LOUD: Final = 60
"""A sample above this came from the room: the resampler's ripple beside silence stays below it."""

_Samples = npt.NDArray[np.int16]


class LightsMissing(EdgevoiceError, RuntimeError):
    """The thread of the lights was not found, so its wake-ups cannot be counted."""

    code = "bench-panel"
    remedy = "Run it where /proc can be read."


@dataclass(slots=True)
class PanelFigures:
    """Milliseconds of each round, and what the lights cost."""

    button_to_light_ms: list[float] = field(default_factory=list)
    button_to_listening_ms: list[float] = field(default_factory=list)
    mute_to_gate_ms: list[float] = field(default_factory=list)
    idle_wakeups_per_s: float = 0.0
    strip_cpu_ms_per_s: float = 0.0

    def report(self) -> dict[str, object]:
        """Return the figures: p50 and p95 of the times."""
        return {
            "rounds": len(self.button_to_light_ms),
            "button_to_light_ms": p50_p95(self.button_to_light_ms),
            "button_to_listening_ms": p50_p95(self.button_to_listening_ms),
            "mute_to_gate_ms": p50_p95(self.mute_to_gate_ms),
            "idle_wakeups_per_s": round(self.idle_wakeups_per_s, 2),
            "strip_cpu_ms_per_s": round(self.strip_cpu_ms_per_s, 2),
        }


def measure(rounds: int, *, as_json: bool) -> int:
    """Press the buttons ``rounds`` times and print the figures; return the exit status."""
    start_journal("error")
    measured = PanelFigures()
    with tempfile.TemporaryDirectory(prefix="edgevoice-bench-") as folder:
        asyncio.run(_press(Path(folder), rounds, measured))
    measured.strip_cpu_ms_per_s = strip_cpu_ms_per_s(_IDLE_S)
    show(measured.report(), as_json=as_json)
    return 0


async def _press(folder: Path, rounds: int, measured: PanelFigures) -> None:
    async with set_stage(folder, wants_wakeword=False) as stage:
        presses = [await _round(stage, measured, noise) for noise in noises(rounds)]
        thread = lights_thread()
        before = wakeups(thread)
        await asyncio.sleep(_IDLE_S)
        measured.idle_wakeups_per_s = (wakeups(thread) - before) / _IDLE_S
        heard = stage.card.near_end.samples()
        for number, pressed_frame in enumerate(presses, 1):
            received = read_wav(stage.records / f"uplink-{number}.wav")
            measured.mute_to_gate_ms.append(gate_ms(heard, received, pressed_frame))


def noises(rounds: int) -> _Samples:
    """Return what is said in each round, shape (rounds, samples): by it the round is found in what was heard."""
    return np.random.default_rng(1).integers(-6000, 6000, (rounds, round(_TALK_S * NEAR_END_HZ))).astype(np.int16)


async def _round(stage: Stage, measured: PanelFigures, noise: _Samples) -> int:
    """Talk by the button, speak, and mute; return the near-end sample that the card heard when mute was pressed."""
    panel, seen, pins = stage.settings.panel, stage.seen, stage.pins
    talk, mute = panel.talk_button_gpio, panel.mute_button_gpio
    if not isinstance(talk, int) or not isinstance(mute, int):
        raise TypeError("the stage has both buttons")
    seen.mark()
    pins.forget()
    saying = asyncio.create_task(stage.talker.say(0.15, noise))
    pressed_s = time.monotonic()
    pins.press(talk)
    listening_s, _ = await seen.wait_for(
        ShowLight, "listening", _LIMIT_S, lambda shown: shown.light in {Light.LISTENING, Light.HEARING}
    )
    lit = (change.at_s for change in pins.changes() if change.is_high and change.gpio not in {talk, mute})
    if (lit_s := next(lit, None)) is None:
        raise StepMissed("a light after the press did not happen")
    measured.button_to_light_ms.append(1000 * (lit_s - pressed_s))
    measured.button_to_listening_ms.append(1000 * (listening_s - pressed_s))
    pins.release(talk)
    await asyncio.sleep(0.45)
    frame = stage.card.near_end.frame_at(time.monotonic())
    pins.press(mute)
    await seen.wait_for(MuteMicrophone, "mute", _LIMIT_S)
    pins.release(mute)
    await saying
    await asyncio.sleep(0.3)  # a button is calm again, and the service has written what it heard
    pins.press(mute)
    await seen.wait_for(UnmuteMicrophone, "unmute", _LIMIT_S)
    pins.release(mute)
    await asyncio.sleep(0.2)
    return frame


def gate_ms(heard: _Samples, received: _Samples, pressed_frame: int) -> float:
    """Return how long after the press, at a near-end sample, the newest sample was heard that the service received."""
    first = compare_uplink(heard, received).first
    newest = int(np.flatnonzero(np.abs(received.astype(int)) > _LOUD)[-1])
    return max(0.0, (first + newest * NEAR_END_HZ / WIRE_HZ - pressed_frame) * 1000 / NEAR_END_HZ)


def lights_thread() -> int:
    """Return the kernel's number of the thread that plays the patterns; ``LightsMissing`` if there is none."""
    for thread in threading.enumerate():
        if thread.name == "lights" and thread.native_id is not None:
            return thread.native_id
    raise LightsMissing("there is no thread of the lights")


def wakeups(thread: int) -> int:
    """Return how often a thread of this process has been switched to, of its own will or not."""
    lines = Path(f"/proc/self/task/{thread}/status").read_text(encoding="utf-8").splitlines()
    return sum(int(line.split()[1]) for line in lines if "ctxt_switches" in line)


def strip_cpu_ms_per_s(seconds: float) -> float:
    """Return what twelve pixels that breathe cost: the thread's CPU time for computing and encoding each frame."""
    frames = 0

    def show(frame: Frame) -> None:
        nonlocal frames
        frames += len(apa102(frame)) > 0

    lights = Lights([PixelLamp(_PIXELS, show, lambda: None)])
    try:
        lights.show(Light.SPEAKING)
        thread = next(each for each in threading.enumerate() if each.native_id == lights_thread())
        clock = time.pthread_getcpuclockid(thread.ident or 0)
        before = time.clock_gettime(clock)
        time.sleep(seconds)
        return (time.clock_gettime(clock) - before) * 1000 / seconds
    finally:
        lights.close()
