"""`edgevoice bench echo`: people talk over the box in simulated rooms, and it should stop for them only.

How it is measured. Each tier and each clock drift meets the same rooms: 200 ms of reverberation, a delay of 40 to 120
ms that is unknown to the canceller, a loudspeaker that is clean or overdriven, echoes from loud to faint. Three and a
half minutes of text are repeated; every five minutes the room and the pitch change, and the canceller starts untrained.
Both clocks have been watched for a minute before, as an idle box does for hours. The device of the tier "hardware" is
assumed to cancel 40 dB.

Levels are those of the talker against the echo at the microphone. A remark's onset is its first 10 ms within 15 dB of
its own level, its audible onset the first within 10 dB: anything fainter is below the box's own voice. Everything is
synthetic: one local voice at several pitches, rooms by formula, noises by formula.
"""

import json
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgevoice.echo.tiers import Tier
from edgevoice.errors import SettingsInvalid
from edgevoice.testbed.bench.echo_evening import Reaction
from edgevoice.testbed.bench.echo_pool import ignoring_interrupts, workers
from edgevoice.testbed.bench.echo_script import ANSWERS, REMARKS
from edgevoice.testbed.bench.echo_trials import (
    Monologue,
    cost_ms_per_s,
    listen_for_wake_words,
    make_noises,
    talk_over,
    talk_to_itself,
    wake_phrases,
)
from edgevoice.testbed.bench.wakeword import library_cpu_ms_per_s
from edgevoice.testbed.stage.talker import words

LEVELS_DB = (0, -10, -20)
DRIFTS_PPM = (0, 20, 50)

_NOISES_DB = 3
_SEGMENT_S = 300.0
_COST_S = 12.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure; ``own_minutes`` is how long each interruptible tier talks with nobody there."""

    tiers: Sequence[Tier] = tuple(Tier)
    drifts_ppm: Sequence[int] = DRIFTS_PPM
    own_minutes: float = 60.0
    trials: int = 24
    levels_db: Sequence[int] = LEVELS_DB
    workers: int = 2

    def own_s(self, drift_ppm: int) -> float:
        """Return how long the box talks with nobody there: a third with drifting clocks, to keep it to minutes."""
        return self.own_minutes * (60 if drift_ppm == 0 else 20)


def plan(
    tiers: Sequence[str] | None,
    drifts_ppm: Sequence[int] | None,
    minutes: float,
    trials: int | None = None,
    processes: int = 2,
) -> Plan:
    """Return the plan for the command's options; an unknown tier raises ``SettingsInvalid``."""
    drifts = tuple(drifts_ppm or DRIFTS_PPM)
    return Plan(tiers_named(tiers) or tuple(Tier), drifts, minutes, trials or 24, workers=processes)


def tiers_named(names: Sequence[str] | None) -> tuple[Tier, ...]:
    """Return the tiers with those names, in that order; raises ``SettingsInvalid``."""
    known = list(Tier)
    unknown = [name for name in names or () if name not in known]
    if unknown:
        raise SettingsInvalid(
            f"--tier is {unknown[0]}; it must be one of {', '.join(known)}", remedy="Name one of them."
        )
    return tuple(Tier(name) for name in names or ())


def measure(plan: Plan, *, as_json: bool) -> int:
    """Measure, print the figures as one JSON object on the last line, and return the exit status."""
    _rehearse()
    with workers(plan.workers) as submit:
        with ignoring_interrupts():
            cells = {
                (tier, drift): _Cell(plan, tier, drift, submit) for drift in plan.drifts_ppm for tier in plan.tiers
            }
        figures: dict[str, Any] = {tier: {"drift_ppm": {}} for tier in plan.tiers}
        for (tier, drift), cell in cells.items():
            figures[tier]["drift_ppm"][str(drift)] = cell.figures()
            if not as_json:
                print(f"{tier}, {drift} ppm: {figures[tier]['drift_ppm'][str(drift)]}", file=sys.stderr)
    # Last and alone: two processes on two cores compete for the caches.
    for tier in plan.tiers:
        figures[tier]["cpu_ms_per_s"] = cost_ms_per_s(tier, _COST_S)
    print(json.dumps({"tier": figures, "library_cpu_ms_per_s": library_cpu_ms_per_s()}))
    return 0


class _Cell:
    """Everything about one tier at one drift: the work starts on creation, ``figures`` collects it."""

    def __init__(self, plan: Plan, tier: Tier, drift_ppm: int, submit: Callable[..., Future[Any]]) -> None:
        self._plan = plan
        self._wake = {
            level: submit(listen_for_wake_words, tier, drift_ppm, level, plan.trials) for level in plan.levels_db
        }
        self._own: list[Future[Monologue]] = []
        self._own_s = 0.0
        self._talkers: dict[int, Future[list[Reaction]]] = {}
        self._noises: dict[str, Future[list[Reaction]]] = {}
        if not tier.lets_speech_interrupt:
            return
        self._own_s = own_s = plan.own_s(drift_ppm)
        starts = np.arange(0, own_s, _SEGMENT_S)
        self._own = [
            submit(talk_to_itself, tier, drift_ppm, seed, float(min(_SEGMENT_S, own_s - start)))
            for seed, start in enumerate(starts)
        ]
        self._talkers = {level: submit(talk_over, tier, drift_ppm, level, plan.trials) for level in plan.levels_db}
        self._noises = {kind: submit(make_noises, tier, drift_ppm, kind, _NOISES_DB, plan.trials) for kind in _KINDS}

    def figures(self) -> dict[str, Any]:
        """Wait for all results; null if the tier does not listen for speech."""
        found: dict[str, Any] = {
            "wake_words_found": {
                str(level): f"{each.result()}/{self._plan.trials}" for level, each in self._wake.items()
            }
        }
        if not self._own:
            return found | dict.fromkeys(_OF_SPEECH)
        hours = self._own_s / 3600
        own = [each.result() for each in self._own]
        talkers = {str(level): each.result() for level, each in self._talkers.items()}
        noises = {kind: each.result() for kind, each in self._noises.items()}
        restored = [one.restored_ms for each in noises.values() for one in each if one.restored_ms is not None]
        return found | {
            "own_minutes": round(self._own_s / 60, 1),
            "false_barge_ins_per_hour": round(sum(one.confirmed for one in own) / hours, 2),
            "false_ducks_per_hour": round(sum(one.begun for one in own) / hours, 1),
            "ducked_ms": {level: spread([one.ducked_ms for one in each]) for level, each in talkers.items()},
            "ducked_audible_ms": {
                level: spread([one.ducked_audible_ms for one in each]) for level, each in talkers.items()
            },
            "talker_cut_ms": {level: spread([one.silent_ms for one in each]) for level, each in talkers.items()},
            "noises_that_cut": {
                kind: f"{sum(one.silent_ms is not None for one in each)}/{len(each)}" for kind, each in noises.items()
            },
            "restored_ms": {name: value for name, value in spread(restored).items() if name != "found"},
        }


_KINDS = ("cough", "door", "dishes")
_OF_SPEECH = (
    "own_minutes",
    "false_barge_ins_per_hour",
    "false_ducks_per_hour",
    "ducked_ms",
    "ducked_audible_ms",
    "talker_cut_ms",
    "noises_that_cut",
    "restored_ms",
)


def spread(values: Sequence[float | None]) -> dict[str, object]:
    """Return the median, the 95th percentile, and how many of how many were found; None means not found."""
    measured = [value for value in values if value is not None]
    shares = {f"p{share}": round(float(np.percentile(measured, share))) if measured else None for share in (50, 95)}
    return shares | {"found": f"{len(measured)}/{len(values)}"}


def rehearse_answers() -> None:
    """Synthesise the box's own speech once, here: the workers find it in the cache folder."""
    for text in ANSWERS:
        words(text)


def _rehearse() -> None:
    rehearse_answers()
    for text in REMARKS:
        words(text)
    wake_phrases(1)
