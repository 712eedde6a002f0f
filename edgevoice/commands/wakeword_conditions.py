"""Noises and rooms for `edgevoice wakeword evaluate`: reads folders, applies each to every call, counts misses."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from edgevoice.commands.wakeword_engine import ScoredWords
from edgevoice.errors import EdgevoiceError
from edgevoice.wakeword.models.shapes import FRAME, RATE_HZ, Samples
from edgevoice.wakeword.tuning.conditions import (
    Condition,
    Sound,
    as_samples,
    conditions,
    heard_through,
    response_at,
    with_noise,
)
from edgevoice.wakeword.tuning.evaluation import Judged
from edgevoice.wakeword.tuning.intervals import share
from edgevoice.wakeword.tuning.recordings import frames_of, others_in, sounds_in

_SHORTEST_S = 3.0
"""A shorter noise is a single bang, which would repeat under a call."""

_LONGEST_S = 300.0
"""The most that is read of a noise: ten minutes of one kitchen are not another kitchen."""

_ROOMS = 7
"""How many simulated rooms the calls alternate between."""


class NoSuchNoise(EdgevoiceError, LookupError):
    """A folder for noises or rooms contains none."""

    code = "nothing-to-evaluate"
    remedy = "Put WAV or FLAC files into it, or one folder of them for each kind of noise."


@dataclass(frozen=True, slots=True)
class Laid:
    """Noises and room responses by name, at 16 kHz, and the conditions that they make."""

    noises: dict[str, Sound]
    rooms: dict[str, Sound]
    conditions: tuple[Condition, ...]


@dataclass(slots=True)
class Found:
    """How many calls were made under a condition, and how many of them were missed."""

    condition: Condition
    positives: int = 0
    missed: int = 0


def lay(noises: Path | None, rooms: Path | None, snrs_db: Sequence[float], distances_m: Sequence[float]) -> Laid:
    """Read the folders; raises ``NoSuchNoise`` for an empty one, ``RecordingRefused`` for a bad file.

    Files in one folder are one noise, named after the folder; a file beside the folders is a noise of its own.
    """
    beds = _by_name(noises, least_s=_SHORTEST_S) if noises is not None else {}
    responses = _by_name(rooms, least_s=0.0) if rooms is not None else {}
    made = conditions(list(beds), snrs_db if beds else (), list(responses), distances_m)
    return Laid(beds, responses, tuple(made))


def listen_under(ears: ScoredWords, laid: Laid, judged: Sequence[Judged]) -> list[Found]:
    """Let the box hear every positive recording under every condition, each time with another part of the noise.

    The same recordings under the same conditions give the same sound in every run.
    """
    positives = [each for each in judged if each.kind == "positive"]
    found = [Found(condition) for condition in laid.conditions]
    for number, each in enumerate(positives):
        call = np.concatenate(list(frames_of(each.path))).astype(np.float64)
        for place, result in enumerate(found):
            sound = _made(call, laid, result.condition, np.random.default_rng((number, place)), number % _ROOMS)
            heard = ears.hear_frames(_frames(as_samples(sound))).heard
            result.positives += 1
            result.missed += all(one.word != each.word for one in heard)
        if sys.stderr.isatty():
            done = (
                f"\r\x1b[K{number + 1} of {len(positives)} calls in noise"
                if number + 1 < len(positives)
                else "\r\x1b[K"
            )
            sys.stderr.write(done)
            sys.stderr.flush()
    return found


def print_found(console: Console, found: Sequence[Found]) -> None:
    """Print a line for each condition, with its 95 % confidence interval."""
    table = Table("calls", "missed", "of", "%", "", box=None, pad_edge=False)
    for each in found:
        chance = share(each.missed, each.positives)
        value, low, high = (f"{100 * bound:.3g}" for bound in (chance.value, chance.low, chance.high))
        table.add_row(each.condition.name, str(each.missed), str(each.positives), value, f"({low} to {high})")
    console.print(table)


def facts_of(found: Sequence[Found]) -> list[dict[str, Any]]:
    """Return one object for each condition, for programs."""
    return [
        {
            "condition": each.condition.name,
            "noise": each.condition.noise or None,
            "snr_db": each.condition.snr_db if each.condition.noise else None,
            "room": each.condition.room or None,
            "distance_m": each.condition.distance_m,
            "positives": each.positives,
            "missed": each.missed,
        }
        for each in found
    ]


def _made(call: Sound, laid: Laid, condition: Condition, chance: np.random.Generator, seed: int) -> Sound:
    if condition.distance_m is not None:
        call = heard_through(call, response_at(condition.distance_m, seed))
    elif condition.room:
        call = heard_through(call, laid.rooms[condition.room])
    return with_noise(call, laid.noises[condition.noise], condition.snr_db, chance) if condition.noise else call


def _frames(sound: Samples) -> Iterator[Samples]:
    whole = -(-len(sound) // FRAME) * FRAME
    yield from np.pad(sound, (0, whole - len(sound))).reshape(-1, FRAME)


def _by_name(folder: Path, *, least_s: float) -> dict[str, Sound]:
    if not folder.is_dir():
        raise NoSuchNoise(f"{folder} is not a folder")
    groups: dict[str, list[Path]] = {}
    for path in sounds_in(folder):
        inner = path.relative_to(folder).parts
        groups.setdefault(inner[0] if len(inner) > 1 else path.stem, []).append(path)
    sounds = {name: _read(paths) for name, paths in groups.items()}
    long_enough = {name: sound for name, sound in sounds.items() if len(sound) >= least_s * RATE_HZ and sound.any()}
    if not long_enough:
        least = f" that lasts {least_s:g} s" if least_s else ""
        others = f"; it holds {found}" if (found := others_in(folder)) else ""
        raise NoSuchNoise(f"{folder} contains no recording{least}{others}")
    return long_enough


def _read(paths: Sequence[Path]) -> Sound:
    most, pieces, read = round(_LONGEST_S * RATE_HZ), list[Samples](), 0
    for path in paths:
        for frame in frames_of(path):
            pieces.append(frame)
            read += len(frame)
            if read >= most:
                return np.concatenate(pieces).astype(np.float64)
    return np.concatenate(pieces).astype(np.float64) if pieces else np.zeros(0)
