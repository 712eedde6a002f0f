"""Folders of recordings that a benchmark plays: people, noises, voices of the box, rooms. Reads files; plays nothing.

A folder must say whose its recordings are: LICENSE, LICENCE, COPYING or SOURCES.md (also with .txt or .md behind it)
lies in it, or above it up to the folder that holds near/, noises/, far/ and rooms/. The names of subfolders are kinds:
noises/cough/1.flac is a cough.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np

from edgevoice.errors import SettingsInvalid
from edgevoice.wakeword.models.shapes import RATE_HZ, Samples
from edgevoice.wakeword.tuning.recordings import SUFFIXES, ReaderMissing, RecordingRefused, sound_of

_LICENCES: Final = ("licence", "license", "copying", "sources")
_SHORTEST_S = 0.05


@dataclass(frozen=True, slots=True)
class RecordingFile:
    """One file; ``kind`` is the subfolder's name, or the folder's own where it has none. ``duration_s``: its length."""

    path: Path
    kind: str
    duration_s: float


def read_folder(folder: Path, option: str, warn: Callable[[str], None]) -> tuple[RecordingFile, ...]:
    """Return the folder's recordings by name; ``warn`` gets one line for each file that cannot be read.

    ``option`` names the folder in errors. Raises ``SettingsInvalid`` when the folder is missing, has no licence file,
    or holds nothing that can be read.
    """
    if not folder.is_dir():
        raise SettingsInvalid(f"{option} is {folder}, which is no folder", remedy="Name a folder with recordings.")
    if licence_of(folder) is None:
        raise SettingsInvalid(
            f"{option}: {folder} does not say whose its recordings are",
            remedy="Put a file LICENSE, LICENCE, COPYING or SOURCES.md into it.",
        )
    found: list[RecordingFile] = []
    unread: list[ReaderMissing] = []
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in SUFFIXES and path.is_file():
            try:
                found += _read(path, folder, warn)
            except ReaderMissing as error:
                unread.append(error)
    if unread:
        more = f" (and {len(unread) - 1} more)" if len(unread) > 1 else ""
        warn(f"{unread[0]}{more}; left out. {unread[0].remedy}")
    if not found:
        raise SettingsInvalid(
            f"{option}: {folder} has no recording that can be read",
            remedy="WAV, FLAC and Ogg files of at least 50 ms can be.",
        )
    return tuple(found)


def licence_of(folder: Path) -> Path | None:
    """Return the file that says whose a folder's recordings are, in it or in the two folders above; None if none."""
    for place in (folder, *folder.resolve().parents[:2]):
        for path in sorted(place.iterdir()):
            if path.is_file() and path.name.lower().split(".")[0] in _LICENCES:
                return path
    return None


@lru_cache(maxsize=256)
def load(path: Path, rate_hz: int = RATE_HZ) -> Samples:
    """Return a recording, mono s16; the last ones stay in memory. Raises ``RecordingRefused``."""
    return sound_of(path, rate_hz=rate_hz)


def _read(path: Path, folder: Path, warn: Callable[[str], None]) -> list[RecordingFile]:
    try:
        sound = sound_of(path)
    except ReaderMissing:
        raise
    except RecordingRefused as error:
        warn(f"{error}; left out")
        return []
    if len(sound) < _SHORTEST_S * RATE_HZ:
        warn(f"{path} lasts {1000 * len(sound) // RATE_HZ} ms, and 50 are the least; left out")
        return []
    if not np.any(np.abs(sound) > 1):
        warn(f"{path} is silent from beginning to end; left out")
        return []
    return [RecordingFile(path, _kind(path, folder), len(sound) / RATE_HZ)]


def _kind(path: Path, folder: Path) -> str:
    inner = path.relative_to(folder).parent
    return inner.as_posix() if inner.parts else folder.resolve().name
