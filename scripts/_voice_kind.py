"""Train the classifiers of kinds of sounds; see scripts/voice-kind --help.

Recordings are put into simulated rooms and onto what the canceller leaves of the box's own voice, which is lowered soon
after the sound begins, as the box lowers it. Two ridge logistic regressions then learn whether a sound is speech: from
FireRedVAD's inner layers, and from what YAMNet makes of it, at several times after the onset.
"""

import argparse
import hashlib
import os
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soxr
from _sounds import Package, decoded, say, trimmed

from edgevoice.echo.canceller import BLOCK
from edgevoice.echo.tiers import Tier
from edgevoice.echo.voice_listener import VoiceListener
from edgevoice.store.folders import cache_folder
from edgevoice.testbed.bench.echo_recorded_trials import TrialSetup, undisturbed
from edgevoice.testbed.bench.recordings import read_folder
from edgevoice.testbed.stage.room import furnish, level_dbfs
from edgevoice.wakeword.kernel.sound_models import KernelEvents, KernelSound, open_events, open_sound
from edgevoice.wakeword.models.firered import KIND
from edgevoice.wakeword.models.yamnet import FEATURES, HEAD

RATE_HZ = 16_000
ECHO_DBFS = 85.0 - 20 * np.log10(32_768)
"""The echo at the level that the voice models hear, see ``echo.voice_listener``."""

COPIES = {"speech": 1, "laugh": 10, "animal": 2, "cry": 2, "thing": 1}
LEVELS_DB = {"speech": (0, 3, 0, -6, -10, -16)}
OTHER_LEVELS_DB = (0, 3, 0, 3, -5)
WEIGHTS = {"speech": 6.0, "laugh": 3.0, "animal": 1.0, "cry": 1.0, "thing": 1.0}
BEFORE, AFTER = 25, 36
"""Blocks before and after the onset."""

EARLIER = 8
"""Blocks before those, which only YAMNet hears."""

JUDGED = (4, 6, 8, 10, 12, 14, 17, 20, 24)
LEAST_VOICE = 0.8
"""The blocks at which a sound is learned from, if the model's probabilities have come to so much by then."""

LONG = 5
"""The block from which YAMNet may be asked."""

RIDGE = 300.0
YAMNET_RIDGE = 10_000.0
ROOMS = range(2000, 2016)
SPELL_S = 25.0
PATHS = 40

Samples = npt.NDArray[np.int16]
Sound = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]


@dataclass(slots=True)
class Example:
    """What the networks make of a sound at some blocks: FireRedVAD's inner layers, YAMNet's features, (n, values)."""

    kind: str
    group: str
    inner: Floats
    features: Floats


def residues(folder: Path) -> list[Samples]:
    """Return what the canceller leaves of the box's own voice in each room, as the voice models hear it."""
    heard: list[Samples] = []
    listen = VoiceListener.listen

    def noting(self: VoiceListener, block: Samples) -> float:
        probability = listen(self, block)
        heard.append(self._before[-1])
        return probability

    VoiceListener.listen = noting  # type: ignore[method-assign]
    far = read_folder(folder / "tune" / "far", "--far", print)
    found = []
    for room in ROOMS:
        heard.clear()
        undisturbed(TrialSetup(Tier.SUPPRESSOR, 0, far, ()), room, SPELL_S, None, 0)
        found.append(np.concatenate(heard[len(heard) // 3 :]))
    VoiceListener.listen = listen  # type: ignore[method-assign]
    return found


def recordings(
    recipes: Sequence[dict[str, Any]], packages: dict[str, Package], known: str
) -> Iterator[tuple[str, str, Path]]:
    """Yield kind, group and file of each recording that is in neither half."""
    for recipe in recipes:
        package = packages[recipe["package"]]
        wanted, but = re.compile(recipe["files"]), re.compile(recipe.get("but", "^$"))
        names = [name for name in package.files if wanted.search(name) and not but.search(name)]
        names.sort(key=lambda name: hashlib.sha256(name.encode()).digest())
        if not names:
            raise SystemExit(f"voice-kind: {recipe['package']} has no {recipe['files']}")
        for name in names[: recipe.get("at_most")]:
            if "/".join(Path(name).parts[-2:]) not in known:
                yield recipe["kind"], recipe.get("group", Path(name).stem), package.files[name]


def played(sound: Sound, kind: str, number: int, chance: np.random.Generator) -> Sound:
    """Return a recording as it is the first time, then changed in pitch; every second copy of a noise begins later."""
    if kind != "speech" and number % 2 and len(sound) > 1.5 * RATE_HZ:
        level = np.sqrt((sound[: len(sound) // BLOCK * BLOCK].reshape(-1, BLOCK) ** 2).mean(axis=1))
        rise = level[3:] / (level[:-3] + 1e-4) * (level[3:] > 0.3 * level.max())
        sound = sound[int(chance.choice(np.argsort(rise[: max(5, len(rise) - 25)])[-8:])) * BLOCK :]
    sound = sound[: int(1.6 * RATE_HZ)]
    return sound if number == 0 else soxr.resample(sound, RATE_HZ, int(RATE_HZ / chance.uniform(0.88, 1.14)))


def mixed(sound: Sound, level_db: float, residue: Samples, path: Sound, chance: np.random.Generator) -> Samples:
    """Return the sound in a room, over what is left of the echo, from ``EARLIER + BEFORE`` blocks before its onset."""
    size = len(sound) + len(path) - 1
    wet = np.fft.irfft(np.fft.rfft(sound, 2 * size) * np.fft.rfft(path, 2 * size), 2 * size)[:size]
    wet *= 10_000 / np.abs(wet).max()
    loud = level_dbfs(wet)
    wet *= 10 ** ((ECHO_DBFS + level_db - loud) / 20)
    blocks = 10 * np.log10((wet[: size // 160 * 160].reshape(-1, 160) ** 2).mean(axis=1) / 32_768**2 + 1e-12)
    onset = int(np.flatnonzero(blocks > level_dbfs(wet) - 15)[0]) * 160
    before = BEFORE * BLOCK + int(chance.integers(BLOCK)) - onset
    start = int(chance.integers(0, len(residue) // 2))
    line = np.resize(residue[start:], (BEFORE + AFTER) * BLOCK).astype(np.float64)
    line[BEFORE * BLOCK + int(RATE_HZ * chance.uniform(0.1, 0.2)) :] *= 10 ** (-15 / 20)
    at = max(before, 0)
    piece = wet[max(-before, 0) :][: len(line) - at]
    line[at : at + len(piece)] += piece
    earlier = np.roll(residue, EARLIER * BLOCK - start)[: EARLIER * BLOCK]
    return np.clip(np.concatenate([earlier, line]), -32_768, 32_767).astype(np.int16)


def inner_of(network: KernelSound, sound: Samples) -> tuple[list[int], Floats]:
    """Return the judged blocks, and what is learned from at each: the newest values and their mean since the onset."""
    network.forget()
    made, values = (each[BEFORE:] for each in network.inner(sound))
    voice = np.cumsum(np.where(made >= 0.2, made, 0.0))
    means = np.cumsum(values, axis=0) / np.arange(1, len(values) + 1)[:, np.newaxis, np.newaxis]
    both = np.stack([values, means], axis=2).reshape(len(values), -1)
    judged = [at for at in JUDGED if voice[at] >= LEAST_VOICE]
    return judged, both[judged].astype(np.float32)


def features_of(yamnet: KernelEvents, sound: Samples, judged: Sequence[int]) -> Floats:
    """Return what YAMNet makes of the sound after each judged block."""
    begin = (EARLIER + BEFORE) * BLOCK
    ends = [begin + (at + 1) * BLOCK for at in judged if at >= LONG]
    made = [yamnet.features(sound[:end], begin) for end in ends]
    return np.stack(made) if made else np.zeros((0, FEATURES), np.float32)


def examples(found: Sequence[tuple[str, str, Path]], left: Sequence[Samples]) -> Iterator[Example]:
    """Yield what is learned from each copy of each recording."""
    cache = cache_folder(os.environ)
    network, yamnet = open_sound(cache), open_events(cache)
    paths = []
    for number in range(PATHS):
        path = furnish(3000 + number, delay_ms=2, rt60_s=0.25 + 0.05 * (number % 4)).path
        path = path[np.flatnonzero(path)[0] :]
        paths.append(path / np.linalg.norm(path))
    for at, (kind, group, file) in enumerate(found):
        sound = trimmed(decoded(file))
        if len(sound) < 0.1 * RATE_HZ:
            continue
        for number in range(COPIES[kind]):
            chance = np.random.default_rng(100 * at + number)
            level = float(chance.choice(LEVELS_DB.get(kind, OTHER_LEVELS_DB)))
            residue, path = left[int(chance.integers(len(left)))], paths[int(chance.integers(PATHS))]
            heard = mixed(played(sound, kind, number, chance), level, residue, path, chance)
            judged, inner = inner_of(network, heard[EARLIER * BLOCK :])
            yield Example(kind, group, inner, features_of(yamnet, heard, judged))
        if at % 200 == 0:
            say(f"{at} of {len(found)} recordings heard")


def fitted(learned: Sequence[Example], lessons: Sequence[Floats], strength: float) -> Floats:
    """Return the weights and the constant. Each kind counts as said above, and each group by the root of its size."""
    values = np.concatenate(lessons).astype(np.float64)
    kinds = np.repeat([each.kind for each in learned], [len(each) for each in lessons])
    groups = np.repeat([each.group for each in learned], [len(each) for each in lessons])
    sizes = Counter(groups.tolist())
    weights = np.array([1 / np.sqrt(sizes[group]) for group in groups])
    for kind, weight in WEIGHTS.items():
        weights[kinds == kind] *= weight / weights[kinds == kind].sum()
    weights *= len(values) / sum(WEIGHTS.values())
    mean, deviation = values.mean(axis=0), values.std(axis=0) + 0.05
    inputs = np.column_stack([(values - mean) / deviation, np.ones(len(values))])
    wanted = (kinds == "speech").astype(np.float64)
    ridge = np.diag([strength] * values.shape[1] + [1e-6])
    found = np.zeros(inputs.shape[1])
    for _ in range(12):  # Newton's method
        made = 1 / (1 + np.exp(-inputs @ found))
        slope = (inputs * (weights * made * (1 - made) + 1e-6)[:, np.newaxis]).T @ inputs + ridge
        found -= np.linalg.solve(slope, inputs.T @ (weights * (made - wanted)) + ridge @ found)
    scaled = found[:-1] / deviation
    return np.append(scaled, found[-1] - scaled @ mean).astype(np.float32)


def main() -> None:
    """Train, and write the files that ship."""
    parser = argparse.ArgumentParser(prog="scripts/voice-kind", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="the folder that scripts/sounds made")
    parser.add_argument("--into", type=Path, default=KIND.parent, help="where to write them (default: where they ship)")
    cache = cache_folder(os.environ) / "sound-packages"
    parser.add_argument("--packages", type=Path, default=cache, help=f"where packages are kept (default: {cache})")
    chosen = parser.parse_args()
    beside = Path(__file__).parent
    recipes = tomllib.loads((beside / "_voice_kind.toml").read_text(encoding="utf-8"))["take"]
    described = tomllib.loads((beside / "_sounds.toml").read_text(encoding="utf-8"))["packages"]
    packages = {name: Package(name, **described[name]) for name in {each["package"] for each in recipes}}
    for package in packages.values():
        package.fetch(chosen.packages)
    known = "\n".join(each.read_text(encoding="utf-8") for each in chosen.folder.glob("*/*/SOURCES.md"))
    found = list(recordings(recipes, packages, known))
    learned = [each for each in examples(found, residues(chosen.folder)) if len(each.inner)]
    for name, lessons, strength in (
        (KIND.name, [each.inner for each in learned], RIDGE),
        (HEAD.name, [each.features for each in learned], YAMNET_RIDGE),
    ):
        np.save(chosen.into / name, fitted(learned, lessons, strength))
    say(f"learned from {dict(Counter(each.kind for each in learned))}; the files are in {chosen.into}")


if __name__ == "__main__":
    main()
