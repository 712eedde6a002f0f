"""Folders of recordings for a benchmark: people, noises, voices of the box, rooms. Only reads files.

A folder must state the licence of its recordings: LICENSE, LICENCE, COPYING or SOURCES.md (or the name with .txt or .md
added) must be in it, or above it up to the folder that holds near/, noises/, far/ and rooms/. The names of subfolders
are kinds: noises/cough/1.flac is a cough.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np

from edgevoice.core.printable import printable
from edgevoice.errors import SettingsInvalid
from edgevoice.wakeword.models.shapes import RATE_HZ, Samples
from edgevoice.wakeword.tuning.recordings import ReaderMissing, RecordingRefused, others_in, sound_of, sounds_in

_LICENCES: Final = ("licence", "license", "copying", "sources")
_SHORTEST_S = 0.05


@dataclass(frozen=True, slots=True)
class RecordingFile:
    """One file; ``kind`` is the printable name of its subfolder, or of the folder; ``duration_s`` is its length."""

    path: Path
    kind: str
    duration_s: float


def read_folder(folder: Path, option: str, warn: Callable[[str], None]) -> tuple[RecordingFile, ...]:
    """Return the folder's recordings by name; ``warn`` gets one line for each file that cannot be read.

    ``option`` names the folder in errors. Raises ``SettingsInvalid`` when the folder is missing, has no licence file,
    or holds nothing that can be read.
    """
    if not folder.is_dir():
        raise SettingsInvalid(f"{option} is {folder}, which is not a folder", remedy="Name a folder with recordings.")
    if licence_of(folder) is None:
        raise SettingsInvalid(
            f"{option}: {folder} has no file that states the licence of its recordings",
            remedy="Add a file LICENSE, LICENCE, COPYING or SOURCES.md to it.",
        )
    found: list[RecordingFile] = []
    unread: list[ReaderMissing] = []
    for path in sounds_in(folder):
        try:
            found += _read(path, folder, warn)
        except ReaderMissing as error:
            unread.append(error)
    if others := others_in(folder):
        warn(f"{printable(str(folder))} holds {others}; left out. {RecordingRefused.remedy}")
    if unread:
        more = f" (and {len(unread) - 1} more)" if len(unread) > 1 else ""
        warn(f"{unread[0]}{more}; left out. {unread[0].remedy}")
    if not found:
        raise SettingsInvalid(
            f"{option}: {folder} has no readable recording",
            remedy="Add WAV, FLAC or Ogg files of at least 50 ms.",
        )
    return tuple(found)


def licence_of(folder: Path) -> Path | None:
    """Return the licence file of a folder, from it or the two folders above; None if there is none."""
    for place in (folder, *folder.resolve().parents[:2]):
        for path in sorted(place.iterdir()):
            if path.is_file() and path.name.lower().split(".")[0] in _LICENCES:
                return path
    return None


@lru_cache(maxsize=256)
def load(path: Path, rate_hz: int = RATE_HZ) -> Samples:
    """Return a recording, mono s16; recent ones are cached. Raises ``RecordingRefused``."""
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
        warn(f"{printable(str(path))} lasts {1000 * len(sound) // RATE_HZ} ms, less than the minimum of 50; left out")
        return []
    if not np.any(np.abs(sound) > 1):
        warn(f"{printable(str(path))} is silent from beginning to end; left out")
        return []
    return [RecordingFile(path, _kind(path, folder), len(sound) / RATE_HZ)]


def _kind(path: Path, folder: Path) -> str:
    inner = path.relative_to(folder).parent
    return printable(inner.as_posix() if inner.parts else folder.resolve().name)
