"""False cuts: speech unheard by the service cuts the answer; the tape shows when and where it resumes."""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgevoice.core.facts import PlaybackCut, PlaybackStarted
from edgevoice.core.orders import CutPlayback, ResumePlayback
from edgevoice.core.sound.rates import WIRE_HZ
from edgevoice.testbed.bench.opponent import answer_audio
from edgevoice.testbed.percentiles import p50_p95
from edgevoice.testbed.stage.events import StepMissed
from edgevoice.testbed.stage.stage import Stage
from edgevoice.testbed.virtual import Tape

_LIMIT_S = 20.0
_HEARD_WITHIN_S = 4.0
_RESUMED_WITHIN_S = 2.5
_RESUMED_FOR_S = 0.4
_WITHIN_MS = 1500
_GAP_S = 0.05
_AFTER_FADE = 480
_PROBE = 480

_Samples = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class FalseCut:
    """One answer cut by speech that the service did not hear; ``has_resumed`` is what the box reported."""

    number: int
    cut_s: float
    heard_ms: int
    has_resumed: bool


async def false_cuts(
    stage: Stage, first: int, count: int, *, interrupt: Callable[[int], object], press: Callable[[], None]
) -> list[FalseCut]:
    """Cut answers from number ``first`` on by speech, wait until each resumes, then end it by the button.

    An answer over which the box detects no speech is left out.
    """
    seen, chance, done = stage.seen, random.Random(2), list[FalseCut]()
    for number in range(first, first + count):
        await seen.wait_for(PlaybackStarted, f"answer {number}", _LIMIT_S)
        await asyncio.sleep(chance.uniform(0.3, 0.8))
        interrupt(number)
        try:
            cut_s, _ = await seen.wait_for(CutPlayback, f"false cut {number}", _HEARD_WITHIN_S)
        except StepMissed:
            press()
            await seen.wait_for(PlaybackCut, f"the end of answer {number}", _LIMIT_S)
            continue
        _, reported = await seen.wait_for(PlaybackCut, f"the report of false cut {number}", _LIMIT_S)
        has_resumed = await _happens(stage, ResumePlayback, f"the rest of answer {number}", _RESUMED_WITHIN_S)
        # One that stays silent is over for the service, too, once the box has reported what was heard.
        if has_resumed:
            if not await _happens(stage, CutPlayback, f"a second cut of answer {number}", _RESUMED_FOR_S):
                press()
            await seen.wait_for(PlaybackCut, f"the end of answer {number}", _LIMIT_S)
        await asyncio.sleep(stage.card.unheard_s)
        done.append(FalseCut(number, cut_s, reported.items[0].heard_ms, has_resumed))
    return done


async def _happens(stage: Stage, kind: type, what: str, limit_s: float) -> bool:
    try:
        await stage.seen.wait_for(kind, what, limit_s)
    except StepMissed:
        return False
    return True


def figures_of(done: Sequence[FalseCut], tape: Tape) -> dict[str, Any]:
    """Return how long after the cut the answer resumed, and its error of position, according to the tape.

    ``place_error_ms`` is the greatest distance of the resumed sound from the first sample that was not heard; what was
    heard is reported in whole milliseconds.
    """
    samples = tape.samples()
    judged = [judged for cut in done if cut.has_resumed and (judged := _judge(cut, tape, samples)) is not None]
    waits = [wait_ms for wait_ms, _ in judged]
    return {
        "cuts": len(done),
        "resumed": len(judged),
        "within_1500_ms": sum(wait_ms <= _WITHIN_MS for wait_ms in waits),
        **p50_p95(waits),
        "max": round(max(waits, default=0.0), 1),
        "place_error_ms": round(max((abs(error_ms) for _, error_ms in judged), default=0.0), 2),
    }


def _judge(cut: FalseCut, tape: Tape, samples: _Samples) -> tuple[float, float] | None:
    at = tape.frame_at(cut.cut_s)
    sounding = at + np.flatnonzero(samples[at : at + round(3 * WIRE_HZ)])
    gaps = np.flatnonzero(np.diff(sounding) > _GAP_S * WIRE_HZ)
    if not len(gaps):
        return None
    begin = int(sounding[gaps[0] + 1])
    probe = samples[begin + _AFTER_FADE : begin + _AFTER_FADE + _PROBE]
    sound = answer_audio(cut.number)
    places = [
        int(place)
        for place in np.flatnonzero(sound[: len(sound) - _PROBE] == probe[0])
        if np.array_equal(sound[place : place + _PROBE], probe)
    ]
    if not places:
        return None
    error = places[0] - _AFTER_FADE - cut.heard_ms * WIRE_HZ // 1000
    return 1000 * (begin - at) / WIRE_HZ, 1000 * error / WIRE_HZ
