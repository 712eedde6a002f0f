"""Earcons of the owner: WAV files in a folder, named after the earcon that each of them replaces."""

import contextlib
import logging
import os
import wave
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from edgevoice.core.orders import Earcon
from edgevoice.core.sound.rates import FAR_END_HZ
from edgevoice.journal import tell

_log = logging.getLogger(__name__)

_LONGEST_S: Final = 10.0
_RATES_HZ: Final = (8_000, 192_000)
_SAMPLE_BYTES: Final = 2

_Samples = npt.NDArray[np.int16]


def own_earcons(folder: str) -> Mapping[Earcon, _Samples]:
    """Return the owner's earcons, mono s16 at 24 kHz; one that cannot be used is logged, and the box's own sounds."""
    found: dict[Earcon, _Samples] = {}
    for problem in misplaced(folder):
        tell(_log, logging.WARNING, "earcon-unusable", problem=problem)
    for earcon, sound in look(folder).items():
        if isinstance(sound, str):
            tell(_log, logging.WARNING, "earcon-unusable", problem=sound)
        else:
            found[earcon] = sound
    return found


def look(folder: str) -> dict[Earcon, _Samples | str]:
    """Return for each earcon that has a file its samples, or in one line what is wrong with the file."""
    if not folder:
        return {}
    # Not `Path.is_file`, which raises where a folder may not be searched.
    return {earcon: _read(place) for earcon in Earcon if os.path.isfile(place := Path(folder) / f"{earcon}.wav")}  # noqa: PTH113


def misplaced(folder: str) -> list[str]:
    """Return in one line each: the folder cannot be read, or a WAV file in it has the name of no earcon."""
    if not folder:
        return []
    try:
        names = sorted(each.name for each in Path(folder).iterdir())
    except OSError as error:
        return [f"speaker.earcons_folder: {folder} cannot be read: {error.strerror}; correct its name or its rights"]
    return [
        f"{Path(folder) / name}: there is no earcon of this name; `edgevoice earcons list` has the names"
        for name in names
        if name.lower().endswith(".wav") and name.removesuffix(".wav") not in set(Earcon)
    ]


def _read(place: Path) -> _Samples | str:
    try:
        with place.open("rb") as file, contextlib.closing(wave.open(file)) as reader:
            rate_hz, channels, width = reader.getframerate(), reader.getnchannels(), reader.getsampwidth()
            if width != _SAMPLE_BYTES or not _RATES_HZ[0] <= rate_hz <= _RATES_HZ[1]:
                return _wrong(place, f"it has {8 * width} bits at {rate_hz} Hz")
            if not 0 < reader.getnframes() <= _LONGEST_S * rate_hz:
                return _wrong(place, f"it lasts {reader.getnframes() / rate_hz:.1f} s")
            pcm = reader.readframes(reader.getnframes())
    except (OSError, EOFError, wave.Error) as error:
        return _wrong(place, str(error) or "it ends too soon")
    samples = np.frombuffer(pcm[: len(pcm) // (2 * channels) * 2 * channels], "<i2").reshape(-1, channels)
    mono: npt.NDArray[np.float32] = samples.astype(np.float32).mean(axis=1) / 32768
    if rate_hz != FAR_END_HZ:
        # Loaded only for a file that needs it.
        import soxr  # noqa: PLC0415

        mono = soxr.resample(mono, rate_hz, FAR_END_HZ)
    levels: _Samples = np.clip(np.round(mono * 32768), -32768, 32767).astype(np.int16)
    return levels


def _wrong(place: Path, what: str) -> str:
    return f"{place}: {what}; an earcon is a WAV file of 16 bits and at most {_LONGEST_S:.0f} s: convert or remove it"
