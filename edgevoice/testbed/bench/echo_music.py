"""`edgevoice bench echo --music FILE`: another program plays music on the box's own speaker.

The room, voices and levels are those of `edgevoice bench echo`; the music is as loud as the box's own voice. Each
figure is measured twice: with the box's own sound as the reference of its echo canceller, and with the mix of both, as
a loopback captures it.
"""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np

from edgevoice.core.sound.rates import FAR_END_HZ, NEAR_END_HZ
from edgevoice.echo.canceller import Samples
from edgevoice.echo.tiers import Tier
from edgevoice.testbed.bench import echo_trials
from edgevoice.testbed.bench.echo import rehearse_answers, spread
from edgevoice.testbed.bench.echo_evening import LEAD_S, Evening, Reaction
from edgevoice.testbed.bench.echo_pool import ignoring_interrupts, workers
from edgevoice.testbed.bench.recordings import load
from edgevoice.testbed.stage.room import level_dbfs, scaled

REFERENCES = ("own", "mix")
WAKE_WORD_LEVELS_DB = (0, -10, -20)
TALKER_LEVELS_DB = (0, -10)

_COST_S = 10.0
_HEARD_WITHIN = np.zeros(NEAR_END_HZ * 4 // 5, np.int16)


def measure(music: Path, trials: int, minutes: float, processes: int) -> int:
    """Measure, print the figures as one JSON object, and return the exit status. Raises ``RecordingRefused``."""
    load(music, FAR_END_HZ)
    rehearse_answers()
    with workers(processes) as submit:
        with ignoring_interrupts():
            cells = {each: _submit(submit, music, each, trials, minutes) for each in REFERENCES}
        figures = {each: _figures(cell, trials, minutes) for each, cell in cells.items()}
    for each in REFERENCES:
        figures[each]["idle_cpu_ms_per_s"] = idle_cost_ms_per_s(music, captures=each == "mix")
    print(json.dumps({"reference": figures}))
    return 0


def find_wake_words(music: Path, level_db: float, trials: int, *, captures: bool) -> int:
    """Say wake words to a box that is silent while music plays on its speaker; return how many it hears."""
    evening = _evening(music, captures=captures)
    spotter = echo_trials.Spotter(evening.box.clear, is_speaking=False)
    evening.rest(LEAD_S, spotter.hear)
    found = 0
    for phrase in echo_trials.wake_phrases(trials):
        evening.rest(2.5, spotter.hear)
        before = spotter.heard
        evening.hear(evening.at_level(np.concatenate([phrase, _HEARD_WITHIN]), level_db), spotter.hear)
        found += spotter.heard > before
    return found


def talk_over(music: Path, level_db: float, trials: int, *, captures: bool) -> list[Reaction]:
    """Let people talk over answers beside the music."""
    return _evening(music, captures=captures).meet(echo_trials.remarks(trials), level_db)


def talk_to_itself(music: Path, duration_s: float, *, captures: bool) -> echo_trials.Monologue:
    """Let the box talk beside the music with nobody there."""
    evening = _evening(music, captures=captures)
    evening.listen(duration_s)
    whats = [change.what for change in evening.box.changes]
    return echo_trials.Monologue(whats.count("began"), whats.count("confirmed"))


def idle_cost_ms_per_s(music: Path, *, captures: bool) -> float:
    """Return the echo stage's process time in ms per second of music beside a silent box."""
    evening = _evening(music, captures=captures)
    evening.rest(LEAD_S)
    before = evening.box.cpu_s
    evening.rest(_COST_S)
    return round(1000 * (evening.box.cpu_s - before) / _COST_S, 1)


def _evening(music: Path, *, captures: bool) -> Evening:
    answers = echo_trials.answers(1.0, 0)
    level = level_dbfs(next(answers))
    played: Samples = np.clip(scaled(load(music, FAR_END_HZ), level), -32_768, 32_767).astype(np.int16)
    room, chance = echo_trials.room_number(1, 0.0), np.random.default_rng(1)
    return Evening(Tier.SUPPRESSOR, room, answers, chance, seed=1, music=played, captures=captures)


_Submit = Callable[..., Future[Any]]


def _submit(submit: _Submit, music: Path, reference: str, trials: int, minutes: float) -> dict[str, Any]:
    captures = reference == "mix"
    return {
        "wake": {each: submit(find_wake_words, music, each, trials, captures=captures) for each in WAKE_WORD_LEVELS_DB},
        "talkers": {each: submit(talk_over, music, each, trials, captures=captures) for each in TALKER_LEVELS_DB},
        "own": submit(talk_to_itself, music, 60 * minutes, captures=captures),
    }


def _figures(cell: dict[str, Any], trials: int, minutes: float) -> dict[str, Any]:
    own: echo_trials.Monologue = cell["own"].result()
    talkers: dict[int, Sequence[Reaction]] = {level: each.result() for level, each in cell["talkers"].items()}
    return {
        "wake_words_found": {str(level): f"{each.result()}/{trials}" for level, each in cell["wake"].items()},
        "talker_cut_ms": {str(level): spread([one.silent_ms for one in each]) for level, each in talkers.items()},
        "false_ducks": own.begun,
        "false_barge_ins": own.confirmed,
        "own_minutes": minutes,
    }
