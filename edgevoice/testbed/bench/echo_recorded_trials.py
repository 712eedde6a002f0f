"""The trials of `edgevoice bench echo` with recordings: people, short noises, and beds that go on under an answer.

Every trial takes place in a room. The echo's path is one of the formula rooms or one of the measured responses; a
person or a cough takes another path through the room. A new room, a new canceller and another voice come every
``_PER_ROOM`` sounds or ``SEGMENT_S`` seconds; rooms are numbered from 0 for every kind and level, so that these can be
compared.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from pathlib import Path

import numpy as np
import soxr

from edgevoice.core.sound.rates import FAR_END_HZ, NEAR_END_HZ
from edgevoice.echo.canceller import Samples
from edgevoice.echo.tiers import Tier
from edgevoice.testbed.bench.echo_evening import Evening, Reaction
from edgevoice.testbed.bench.echo_noisy_room import LeftAlone, left_alone
from edgevoice.testbed.bench.echo_script import ANSWERS
from edgevoice.testbed.bench.echo_trials import room_number
from edgevoice.testbed.bench.recordings import RecordingFile, load
from edgevoice.testbed.stage.room import Room, Sound, furnish, scaled
from edgevoice.testbed.stage.talker import words

SEGMENT_S = 120.0
"""How long a box talks over a bed until the next room."""

_PER_ROOM = 4
_BEFORE_S = 12.0
"""How long a bed plays before the first answer, as in a kitchen."""

_ANSWER_DBFS = -25.0
"""The level of the synthetic benchmark's answers."""
_SHORTEST_ANSWER_S = 8.0
_LONGEST_ANSWER_S = 30.0
_PAUSE_S = 0.25

_LONGEST_RESPONSE_S = 0.6
_DIRECT_DB = 20.0
"""The direct sound of a measured response is its first sample within this of the loudest."""


@dataclass(frozen=True, slots=True)
class TrialSetup:
    """What all trials share: the tier, the clocks, the box's voices and the rooms, synthetic where none are given."""

    tier: Tier
    drift_ppm: int = 0
    far: tuple[RecordingFile, ...] = ()
    rooms: tuple[RecordingFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Spell:
    """What was reported, and what the stage cost, while nobody spoke to the box.

    ``left_alone`` is the conversation's decision, where it may ignore speech in a noisy room.
    """

    duration_s: float
    begun: int
    confirmed: int
    cpu_s: float
    left_alone: LeftAlone


def meet(
    stage: TrialSetup,
    room: int,
    sounds: Sequence[RecordingFile],
    level_db: float,
    bed: RecordingFile | None = None,
    bed_db: float = 0.0,
) -> list[Reaction]:
    """Play one recording after the other over an answer, in one room; ``bed`` goes on under all of them."""
    evening = _evening(stage, room)
    if bed is not None:
        evening.lay(load(bed.path), bed_db, begin_s=room * SEGMENT_S)
        evening.rest(_BEFORE_S)
    path = _persons_path(stage, room)
    return evening.meet([_through(path, load(each.path)) for each in sounds], level_db)


def undisturbed(stage: TrialSetup, room: int, duration_s: float, bed: RecordingFile | None, bed_db: float) -> Spell:
    """Let the box talk with nobody speaking to it, alone or over a bed that began a while before."""
    evening = _evening(stage, room)
    if bed is not None:
        evening.lay(load(bed.path), bed_db, begin_s=room * SEGMENT_S)
        evening.rest(_BEFORE_S)
    before_s = evening.box.cpu_s
    evening.listen(duration_s)
    changes = evening.box.changes
    whats = [change.what for change in changes]
    cpu_s = evening.box.cpu_s - before_s
    return Spell(duration_s, whats.count("began"), whats.count("confirmed"), cpu_s, left_alone(changes))


def rooms_of(sounds: Sequence[RecordingFile]) -> list[tuple[RecordingFile, ...]]:
    """Return the sounds in groups, one per room."""
    return [tuple(sounds[at : at + _PER_ROOM]) for at in range(0, len(sounds), _PER_ROOM)]


def _evening(stage: TrialSetup, seed: int) -> Evening:
    chance = np.random.default_rng(seed)
    answers = _recorded_answers(stage.far, seed) if stage.far else _spoken_answers(seed)
    return Evening(stage.tier, _room(stage, seed), answers, chance, seed=seed)


def _recorded_answers(far: tuple[RecordingFile, ...], seed: int) -> Iterator[Samples]:
    """Repeat the recordings of one folder; short ones are joined into answers, long ones cut."""
    parts: list[Samples] = []
    for number in count(seed):
        sound = load(far[number % len(far)].path, FAR_END_HZ)[: int(_LONGEST_ANSWER_S * FAR_END_HZ)]
        parts += [_loud(sound), np.zeros(int(_PAUSE_S * FAR_END_HZ), np.int16)]
        if sum(map(len, parts)) >= _SHORTEST_ANSWER_S * FAR_END_HZ:
            yield np.concatenate(parts[:-1])
            parts = []


def _spoken_answers(seed: int) -> Iterator[Samples]:
    for number in count(seed):
        text = ANSWERS[number % len(ANSWERS)]
        yield _loud(soxr.resample(words(text), NEAR_END_HZ, FAR_END_HZ))


def _loud(sound: Samples) -> Samples:
    """Return a voice at the level of the service's voices."""
    return scaled(sound, _ANSWER_DBFS).clip(-32_768, 32_767).astype(np.int16)


def _room(stage: TrialSetup, seed: int) -> Room:
    """Return the echo's room: as in the synthetic benchmark, but with a measured response if there is one."""
    room = room_number(seed, stage.drift_ppm)
    if not stage.rooms:
        return room
    response = _response(stage.rooms[seed % len(stage.rooms)].path)
    delay = int(np.flatnonzero(room.path)[0])
    loudness = float(np.linalg.norm(room.path))
    path = np.concatenate([np.zeros(delay), response * loudness])
    return Room(path, drift_ppm=room.drift_ppm, noise_dbfs=room.noise_dbfs, overdrive_db=room.overdrive_db)


def _persons_path(stage: TrialSetup, seed: int) -> Sound:
    """Return the path from a person elsewhere in the room to the microphone: of energy 1, without delay."""
    if len(stage.rooms) > 1:
        return _response(stage.rooms[(seed + 1) % len(stage.rooms)].path)
    made = furnish(seed + 1, delay_ms=2, rt60_s=0.25 + 0.05 * (seed % 4)).path
    made = made[np.flatnonzero(made)[0] :]
    path: Sound = made / np.linalg.norm(made)
    return path


@lru_cache(maxsize=64)
def _response(path: Path) -> Sound:
    """Return a measured response from its direct sound on, scaled to energy 1."""
    measured = load(path).astype(np.float64)
    loudest = np.abs(measured).max()
    first = int(np.flatnonzero(np.abs(measured) >= loudest * 10 ** (-_DIRECT_DB / 20))[0])
    kept = measured[first : first + int(_LONGEST_RESPONSE_S * NEAR_END_HZ)]
    response: Sound = kept / np.linalg.norm(kept)
    return response


def _through(path: Sound, sound: Samples) -> Samples:
    """Return a recording as heard through the room, at its original level and with its reverberant tail."""
    size = len(sound) + len(path) - 1
    wet = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(path, size), size)
    whole = np.zeros(max(size, NEAR_END_HZ // 50))
    whole[:size] = wet * (8_000 / max(float(np.abs(wet).max()), 1e-9))
    return scaled(whole.astype(np.int16), -26.0).clip(-32_768, 32_767).astype(np.int16)
