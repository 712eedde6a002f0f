"""`edgevoice bench latency`: conversations on the virtual card, and how long each part takes."""

import asyncio
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgevoice.commands.screen import Screen
from edgevoice.core.facts import LinkOpened, PlaybackStarted, WakeWordHeard
from edgevoice.core.notices import PhaseEntered, UplinkSent
from edgevoice.journal import start as start_journal
from edgevoice.testbed.bench.shown import show
from edgevoice.testbed.demo.figures import first_sounds, light_after, read_wav
from edgevoice.testbed.percentiles import p50_p95
from edgevoice.testbed.stage.compare import compare_uplink
from edgevoice.testbed.stage.stage import Stage, set_stage
from edgevoice.testbed.stage.talker import rehearse

_LIMIT_S = 30.0


@dataclass(slots=True)
class LatencyFigures:
    """Milliseconds of each round, and what happened to the samples between microphone and service."""

    detection_to_light_ms: list[float] = field(default_factory=list)
    link_up_to_first_append_ms: list[float] = field(default_factory=list)
    first_delta_to_dac_ms: list[float] = field(default_factory=list)
    samples_lost: int = 0
    samples_doubled: int = 0

    def report(self) -> dict[str, object]:
        """Return the figures: p50 and p95 of the times, sums of the samples."""
        return {
            "rounds": len(self.detection_to_light_ms),
            "detection_to_light_ms": p50_p95(self.detection_to_light_ms),
            "link_up_to_first_append_ms": p50_p95(self.link_up_to_first_append_ms),
            "first_delta_to_dac_ms": p50_p95(self.first_delta_to_dac_ms),
            "samples_lost": self.samples_lost,
            "samples_doubled": self.samples_doubled,
        }


def measure(rounds: int, *, as_json: bool) -> int:
    """Hold ``rounds`` conversations of one question each and print the figures; return the exit status."""
    start_journal("warning")
    measured = LatencyFigures()
    with tempfile.TemporaryDirectory(prefix="edgevoice-bench-") as folder:
        asyncio.run(_hold(Path(folder), rounds, measured, is_quiet=as_json))
    show(measured.report(), as_json=as_json)
    return 0


async def _hold(folder: Path, rounds: int, measured: LatencyFigures, *, is_quiet: bool) -> None:
    observers = () if is_quiet else (Screen(sys.stderr, began=time.monotonic()),)
    # One shot: the conversation ends after its answer, and the next one needs the wake word again.
    changes: dict[str, dict[str, Any]] = {"conversation": {"follow_up_s": 0}}
    await rehearse("Hey Jarvis.", "What time is it?")
    async with set_stage(folder, changes=changes, observers=observers) as stage:
        for _ in range(rounds):
            await _round(stage, measured)
        measured.first_delta_to_dac_ms += [1000 * wait_s for wait_s in first_sounds(stage)]
        heard = stage.card.near_end.samples()
        for number in range(1, rounds + 1):
            uplink = compare_uplink(heard, read_wav(stage.records / f"uplink-{number}.wav"))
            measured.samples_lost += uplink.lost
            measured.samples_doubled += uplink.doubled
        measured.samples_lost += stage.parts.uplink.lost


async def _round(stage: Stage, measured: LatencyFigures) -> None:
    seen = stage.seen
    seen.mark()
    saying = asyncio.create_task(stage.talker.say("Hey Jarvis.", 0.3, "What time is it?", 0.1))
    woken_s, _ = await seen.wait_for(WakeWordHeard, "the wake word's detection", _LIMIT_S)
    # The time of the decision in the detector's thread, not of its arrival in the loop; read before there can be
    # another.
    detected_s = stage.parts.detector.detected_at if stage.parts.detector is not None else woken_s
    linked_s, _ = await seen.wait_for(LinkOpened, "the opening of the session", _LIMIT_S)
    # The first chunk is sent while the link is being opened, so its notice may come just before or after the link's
    # own.
    await seen.wait_for(UplinkSent, "the first audio sent", _LIMIT_S)
    sent_s = next(at_s for at_s, _ in seen.all_of(UplinkSent) if at_s >= linked_s)
    await saying
    await seen.wait_for(PlaybackStarted, "the answer", _LIMIT_S)
    await seen.wait_for(PhaseEntered, "hanging up", _LIMIT_S, lambda entered: entered.phase == "idle")
    measured.detection_to_light_ms.append(1000 * (light_after(stage, detected_s) - detected_s))
    measured.link_up_to_first_append_ms.append(1000 * (sent_s - linked_s))
    await asyncio.sleep(0.6)
