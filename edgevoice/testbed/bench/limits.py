"""`edgevoice bench limits`: what the box costs and how soon it is silent, beside what no program could better."""

import contextlib
import random
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from edgevoice.audio.alsa_output import AlsaOutput
from edgevoice.audio.callback_threads import CallbackThreads
from edgevoice.audio.card_ring import MARGIN, PERIOD_MS
from edgevoice.audio.microphone import FRAME, PERIOD
from edgevoice.audio.speaker import Speaker
from edgevoice.core.facts import PlaybackCut
from edgevoice.core.sound.fade import FADE
from edgevoice.core.sound.rates import FAR_END_HZ
from edgevoice.testbed.bench.idle import ProcessUsage, running_daemon, silence
from edgevoice.testbed.bench.shown import show
from edgevoice.testbed.percentiles import p50_p95
from edgevoice.testbed.virtual import Tape, VirtualCard
from edgevoice.testbed.virtual.card import MICROPHONE, SPEAKER
from edgevoice.testbed.virtual.compiling import CSources, compiled

_FLOOR = CSources("the floor", "floor", (Path(__file__).with_name("floor.c"),), libraries=("-lasound",))

_SETTLING_S = 22.0
"""The daemon's streams cost more in their first 20 s, so a measurement of less than 11 s is only a try."""

_ANSWER = np.full(FAR_END_HZ, 9000, "<i2").tobytes()


def measure(seconds: int, cuts: int, *, as_json: bool) -> int:
    """Measure the idle box and its floor for ``seconds`` each, and ``cuts``; print the figures; return the status."""
    report = {"idle": _idle(seconds), "cut": _cut(cuts)}
    show(report, as_json=as_json)
    return 0


def _idle(seconds: int) -> dict[str, dict[str, float]]:
    with tempfile.TemporaryDirectory(prefix="edgevoice-bench-") as name:
        folder = Path(name)
        program = compiled(_FLOOR)
        with VirtualCard() as card, running_daemon(card, folder) as (process, _):
            report = {"box": _usage(card, process.pid, seconds, settling_s=min(_SETTLING_S, 2.0 * seconds))}
        for frames, what in ((PERIOD, "floor_20_ms"), (FRAME, "floor_80_ms")):
            with VirtualCard() as card, _running([str(program), MICROPHONE, str(frames)], card) as process:
                report[what] = _usage(card, process.pid, seconds, settling_s=1.0)
        return report


def _usage(card: VirtualCard, process: int, seconds: int, *, settling_s: float) -> dict[str, float]:
    card.speak(silence(10))
    _listen(card, settling_s)
    before = ProcessUsage.of(process)
    _listen(card, seconds)
    used = before.until(ProcessUsage.of(process))
    return {name: used[name] for name in ("cpu_percent_of_a_core", "voluntary_switches_per_s")}


def _listen(card: VirtualCard, seconds: float) -> None:
    ends_s = time.monotonic() + seconds
    while time.monotonic() < ends_s:
        if card.unheard_s < 5:
            card.speak(silence(2))
        time.sleep(0.25)


@contextlib.contextmanager
def _running(command: list[str], card: VirtualCard) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(command, env=dict(card.environment))
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _cut(cuts: int) -> dict[str, object]:
    """Cut answers on an idle machine; return when they were silent, and the least that this way takes."""
    chance = random.Random(1)
    facts: list[object] = []
    with VirtualCard() as card:
        card.install()
        speaker = Speaker(facts.append, prefill_ms=20, volume_percent=100, earcon_percent=0)
        output = AlsaOutput(SPEAKER, speaker, CallbackThreads())
        decided_s = []
        try:
            time.sleep(0.3)
            for number in range(cuts):
                speaker.play(f"item_{number}", 0, _ANSWER)
                time.sleep(chance.uniform(0.1, 0.2))
                decided_s.append(time.monotonic())
                speaker.cut()
                time.sleep(0.15)
        finally:
            output.close()
        silent = [_silent_ms(card.far_end, at_s) for at_s in decided_s]
    return {
        "backend": "alsa",
        "silent_ms": {**p50_p95(silent), "p100": round(max(silent), 1)},
        "reported": sum(isinstance(fact, PlaybackCut) for fact in facts),
        "floor_ms": {
            "fade": 1000 * FADE / FAR_END_HZ,
            "left_to_the_converter": 1000 * MARGIN / FAR_END_HZ,
            "card_period": PERIOD_MS,
        },
    }


def _silent_ms(tape: Tape, at_s: float) -> float:
    at = tape.frame_at(at_s)
    sounding = np.flatnonzero(tape.samples()[at : at + tape.header.rate_hz // 8])
    return 1000 * (float(sounding[-1]) + 1) / tape.header.rate_hz if len(sounding) else 0.0
