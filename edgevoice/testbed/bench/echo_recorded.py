"""`edgevoice bench echo` with recordings instead of formulas: `--near`, `--noises`, `--far` and `--rooms`.

A sound of less than 10 s is played over an answer by itself; a longer one is a bed, which begins well before the first
answer and goes on under it. Shares and rates come with 95 % confidence intervals: a few sounds prove little. The
conversation would resume the answer after a false cut; that is not simulated: after a cut, another answer begins.
"""

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from edgevoice.echo.tiers import Tier
from edgevoice.errors import SettingsInvalid
from edgevoice.testbed.bench.echo import rehearse_answers, spread, tiers_named
from edgevoice.testbed.bench.echo_evening import Reaction
from edgevoice.testbed.bench.echo_pool import ignoring_interrupts, workers
from edgevoice.testbed.bench.echo_recorded_trials import SEGMENT_S, Spell, TrialSetup, meet, rooms_of, undisturbed
from edgevoice.testbed.bench.recordings import RecordingFile, licence_of, read_folder
from edgevoice.testbed.bench.wakeword import library_cpu_ms_per_s
from edgevoice.wakeword.tuning.intervals import rate, share

PEOPLE_DB: Final = (0, -10, -20)
NOISES_DB: Final = (0, 3)
BEDS_DB: Final = (-15, -25, -35)

_OVER_A_BED_DB: Final = -25
"""How loud a bed is while people speak over it."""

_BED_S: Final = 10.0
_LEAST_TRIALS: Final = 24
_BED_SHARE: Final = 6
"""Each bed gets a sixth of the time for which the box talks on its own: there are many."""


@dataclass(frozen=True, slots=True)
class Folders:
    """The folders of recordings; None for what is made by formula, or left out."""

    near: Path | None = None
    noises: Path | None = None
    far: Path | None = None
    rooms: Path | None = None

    def __bool__(self) -> bool:
        return any(each is not None for each in (self.near, self.noises, self.far, self.rooms))


@dataclass(frozen=True, slots=True)
class RecordedPlan:
    """What to measure; ``trials`` of each kind and level, None for every recording and 24 at least."""

    folders: Folders
    tiers: tuple[Tier, ...]
    drift_ppm: int
    minutes: float
    trials: int | None
    workers: int = 2


@dataclass(frozen=True, slots=True)
class _Recordings:
    near: tuple[RecordingFile, ...] = ()
    noises: tuple[RecordingFile, ...] = ()
    far: tuple[RecordingFile, ...] = ()
    rooms: tuple[RecordingFile, ...] = ()

    @property
    def beds(self) -> tuple[RecordingFile, ...]:
        return tuple(each for each in self.noises if each.duration_s >= _BED_S)

    @property
    def short(self) -> tuple[RecordingFile, ...]:
        return tuple(each for each in self.noises if each.duration_s < _BED_S)


def plan(
    folders: Folders,
    tiers: Sequence[str] | None,
    drifts_ppm: Sequence[int] | None,
    minutes: float,
    trials: int | None,
    processes: int = 2,
) -> RecordedPlan:
    """Return the plan for the command's options; by default for the tiers that let speech interrupt.

    Raises ``SettingsInvalid``.
    """
    chosen = tiers_named(tiers) or tuple(tier for tier in Tier if tier.lets_speech_interrupt)
    for tier in chosen:
        if not tier.lets_speech_interrupt:
            raise SettingsInvalid(
                f"--tier is {tier}, with which speech does not interrupt: recordings would measure nothing",
                remedy="Use suppressor or hardware.",
            )
    if drifts_ppm and len(drifts_ppm) > 1:
        raise SettingsInvalid("--drift may be given only once with recordings", remedy="Measure one after the other.")
    return RecordedPlan(folders, chosen, drifts_ppm[0] if drifts_ppm else 0, minutes, trials, processes)


def measure(plan: RecordedPlan, *, as_json: bool) -> int:
    """Measure, print the figures as one JSON object on the last line, and return the exit status."""
    recordings = _read(plan.folders)
    if not recordings.far:
        rehearse_answers()
    found: dict[str, Any] = {"recordings": _inventory(plan.folders, recordings), "tier": {}}
    for tier in plan.tiers:
        with workers(plan.workers) as submit:
            with ignoring_interrupts():
                cells = _Cells(
                    plan, TrialSetup(tier, plan.drift_ppm, recordings.far, recordings.rooms), recordings, submit
                )
            found["tier"][tier] = cells.figures()
        if not as_json:
            for line in table(tier, found["tier"][tier]):
                print(line, file=sys.stderr)
    found["library_cpu_ms_per_s"] = library_cpu_ms_per_s()
    print(json.dumps(found))
    return 0


def _read(folders: Folders) -> _Recordings:
    def read(folder: Path | None, option: str) -> tuple[RecordingFile, ...]:
        return () if folder is None else read_folder(folder, option, lambda line: print(line, file=sys.stderr))

    return _Recordings(
        read(folders.near, "--near"),
        read(folders.noises, "--noises"),
        read(folders.far, "--far"),
        read(folders.rooms, "--rooms"),
    )


def _inventory(folders: Folders, recordings: _Recordings) -> dict[str, Any]:
    found_in = {}
    for name in ("near", "noises", "far", "rooms"):
        folder: Path | None = getattr(folders, name)
        found: tuple[RecordingFile, ...] = getattr(recordings, name)
        if folder is not None:
            licence = licence_of(folder)
            seconds = round(sum(each.duration_s for each in found), 1)
            found_in[name] = {
                "files": len(found),
                "seconds": seconds,
                "licence_file": licence.name if licence else None,
            }
    return found_in


# --- what is measured -------------------------------------------------------------------------------------------------


class _Cells:
    """Every figure of one tier: the work starts on creation, ``figures`` collects it."""

    def __init__(
        self, plan: RecordedPlan, stage: TrialSetup, recordings: _Recordings, submit: Callable[..., Future[Any]]
    ) -> None:
        self._plan, self._stage, self._submit = plan, stage, submit
        beds = _by_kind(recordings.beds)
        # The long ones first, so that both processes have work to the end.
        self._quiet = self._spells(None, 0, plan.minutes)
        self._beds = {
            kind: {level: self._spells_of(found, level, plan.minutes / _BED_SHARE) for level in BEDS_DB}
            for kind, found in beds.items()
        }
        self._people = self._trials(_by_kind(recordings.near), PEOPLE_DB)
        self._noises = self._trials(_by_kind(recordings.short), NOISES_DB)
        self._over_beds = {
            kind: [
                submit(meet, stage, room, group, 0, found[room % len(found)], _OVER_A_BED_DB)
                for room, group in enumerate(rooms_of(self._chosen(recordings.near, _LEAST_TRIALS)))
            ]
            for kind, found in beds.items()
            if recordings.near
        }

    def figures(self) -> dict[str, Any]:
        """Wait for all results, and return them in the form of the JSON object."""
        return {
            "quiet": _rate(each.result() for each in self._quiet),
            "people": _shares(self._people),
            "people_over_beds": {
                kind: {str(_OVER_A_BED_DB): _share(_all(found))} for kind, found in self._over_beds.items()
            },
            "noises": _shares(self._noises),
            "beds": {
                kind: {str(level): _rate(each.result() for each in spells) for level, spells in levels.items()}
                for kind, levels in self._beds.items()
            },
        }

    def _trials(
        self, kinds: dict[str, tuple[RecordingFile, ...]], levels_db: Sequence[int]
    ) -> dict[str, dict[int, list[Future[list[Reaction]]]]]:
        return {
            kind: {
                level: [
                    self._submit(meet, self._stage, room, group, level)
                    for room, group in enumerate(rooms_of(self._chosen(found)))
                ]
                for level in levels_db
            }
            for kind, found in kinds.items()
        }

    def _chosen(self, found: tuple[RecordingFile, ...], least: int | None = None) -> tuple[RecordingFile, ...]:
        """Return that many recordings, spread over the whole folder; repeat from the first if there are too few."""
        wanted = self._plan.trials or least or max(len(found), _LEAST_TRIALS)
        if not found:
            return ()
        step = max(1, len(found) // wanted)
        return tuple(found[number * step % len(found)] for number in range(wanted))

    def _spells_of(self, found: tuple[RecordingFile, ...], level_db: int, minutes: float) -> list[Future[Spell]]:
        return [
            spell
            for number, bed in enumerate(found)
            for spell in self._spells(bed, level_db, minutes / len(found), first_room=number)
        ]

    def _spells(
        self, bed: RecordingFile | None, level_db: int, minutes: float, first_room: int = 0
    ) -> list[Future[Spell]]:
        whole, rest_s = divmod(minutes * 60, SEGMENT_S)
        durations = [SEGMENT_S] * int(whole) + ([rest_s] if rest_s >= 1 else [])
        return [
            self._submit(undisturbed, self._stage, room, duration_s, bed, level_db)
            for room, duration_s in enumerate(durations, first_room)
        ]


def _by_kind(found: Iterable[RecordingFile]) -> dict[str, tuple[RecordingFile, ...]]:
    kinds: dict[str, tuple[RecordingFile, ...]] = {}
    for each in found:
        kinds[each.kind] = (*kinds.get(each.kind, ()), each)
    return kinds


def _all(parts: Iterable[Future[list[Reaction]]]) -> list[Reaction]:
    return [each for part in parts for each in part.result()]


def _shares(kinds: dict[str, dict[int, list[Future[list[Reaction]]]]]) -> dict[str, dict[str, Any]]:
    return {
        kind: {str(level): _share(_all(parts)) for level, parts in levels.items()} for kind, levels in kinds.items()
    }


def _share(met: Sequence[Reaction]) -> dict[str, Any]:
    """Return how many silenced the box, out of how many, the interval of that share, and how soon."""
    cut = sum(each.silent_ms is not None for each in met)
    interval = share(cut, len(met))
    return {
        "cut": cut,
        "of": len(met),
        "percent": round(100 * interval.value, 1),
        "percent_between": [round(100 * interval.low, 1), round(100 * interval.high, 1)],
        "ducked_ms": spread([each.ducked_ms for each in met]),
        "silent_ms": spread([each.silent_ms for each in met]),
    }


def _rate(spells: Iterable[Spell]) -> dict[str, Any]:
    """Return how often per hour the box interrupted itself and lowered its voice, with intervals."""
    heard = list(spells)
    seconds = sum(each.duration_s for each in heard)
    cuts, ducks = sum(each.confirmed for each in heard), sum(each.begun for each in heard)
    interval = rate(cuts, seconds / 3600)
    return {
        "minutes": round(seconds / 60, 1),
        "barge_ins": cuts,
        "barge_ins_per_hour": round(interval.value, 2),
        "barge_ins_per_hour_between": [round(interval.low, 2), round(interval.high, 2)],
        "answers": sum(each.left_alone.answers for each in heard),
        "noisy_answers": sum(each.left_alone.noisy for each in heard),
        "barge_ins_heeded": sum(each.left_alone.cuts for each in heard),
        "ducks_per_hour": round(ducks / (seconds / 3600), 1),
        "cpu_ms_per_s": round(1000 * sum(each.cpu_s for each in heard) / seconds, 1),
    }


# --- how it is printed ------------------------------------------------------------------------------------------------


def table(tier: str, figures: dict[str, Any]) -> list[str]:
    """Return one tier's figures as readable lines."""
    lines = [f"{tier}: nobody speaks to the box", _rate_line("quiet room", "", figures["quiet"])]
    lines += [
        _rate_line(kind, f"{level} dB", cell)
        for kind, levels in figures["beds"].items()
        for level, cell in levels.items()
    ]
    for name, title in (
        ("noises", "short noises that cut it"),
        ("people", "people who are heard"),
        ("people_over_beds", "people as loud as the echo who are heard, and what goes on under them"),
    ):
        if figures[name]:
            lines.append(f"{tier}: {title}, with 95 % confidence intervals; times are median / 95 %")
        lines += [
            _share_line(kind, f"{level} dB", cell)
            for kind, levels in figures[name].items()
            for level, cell in levels.items()
        ]
    return lines


def _rate_line(kind: str, level: str, cell: dict[str, Any]) -> str:
    low, high = cell["barge_ins_per_hour_between"]
    return (
        f"  {kind:<20} {level:>6}  {cell['barge_ins']} false barge-ins in {cell['minutes']:g} min:"
        f" {cell['barge_ins_per_hour']:g} an hour ({low:g} to {high:g});\n{'':31}"
        f"voice lowered {cell['ducks_per_hour']:g} times an hour; {cell['cpu_ms_per_s']:g} ms of a core per second;\n"
        f"{'':31}left to the wake word and the button: {cell['noisy_answers']} of {cell['answers']} answers;"
        f" false barge-ins without them: {cell['barge_ins_heeded']}"
    )


def _share_line(kind: str, level: str, cell: dict[str, Any]) -> str:
    low, high = cell["percent_between"]
    return (
        f"  {kind:<20} {level:>6}  {cell['cut']} of {cell['of']} ({low:g} to {high:g} %);"
        f" lowered {_after(cell['ducked_ms'])}, silent {_after(cell['silent_ms'])}"
    )


def _after(spread: dict[str, Any]) -> str:
    """Return median and 95th percentile in words; both are None if it never happened."""
    return "never" if spread["p50"] is None else f"after {spread['p50']} / {spread['p95']} ms"
