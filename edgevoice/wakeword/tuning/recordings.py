"""Recordings as the box hears them: WAV, FLAC and Ogg of any rate and channels, mixed to mono; by default at 16 kHz.

Frames are read piece by piece, so an hour needs no more memory than a word. Files are not trusted: a file that cannot
be read is one error that names it.
"""

import contextlib
import importlib
import os
import re
import stat
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt
import soxr

from edgevoice.core.printable import printable
from edgevoice.errors import EdgevoiceError
from edgevoice.extras import how_to_add
from edgevoice.wakeword.models.shapes import FRAME, RATE_HZ, Samples

SUFFIXES: Final = (".wav", ".flac", ".ogg", ".oga", ".opus")
"""Names of files that can be read end with one of these."""

_OTHER_SUFFIXES: Final = (".mp3", ".m4a", ".mp4", ".aac", ".wma", ".aif", ".aiff", ".au", ".amr", ".raw")
"""Names of other sound files, which people put into folders of recordings all the same."""

LONGEST_WHOLE_S: Final = 3600.0
"""How much of one file is held in memory at most: an hour takes 115 MB."""

_RATES_HZ = range(4000, 384_001)
_MOST_CHANNELS = 64
_PIECE_FRAMES = 1 << 16

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_FULL_SCALE = 32768.0
_LOUDEST = 1000.0
"""Floats may exceed 1, and are clipped only after resampling; nothing but damage is 60 dB louder."""

_COMPRESSED: Final = {b"fLaC": "FLAC", b"OggS": "Ogg"}
"""The first bytes of such a file."""

_TAGS = rb"LIST|INFO|id3 |ID3 |bext|cue |fact"
"""Names of chunks that recorders and players put after the sound."""

_LONGEST_TAGS_BYTES = 1 << 20

_Mono = npt.NDArray[np.float32]


class RecordingRefused(EdgevoiceError, ValueError):
    """A file is not a readable recording."""

    code = "recording-refused"
    remedy = "WAV (PCM or float), FLAC and Ogg can be read; sox or ffmpeg make one of anything."

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        # Names of files are foreign text: a line break in one must not look like another error.
        super().__init__(printable(message), remedy=remedy)


class ReaderMissing(RecordingRefused):
    """The package that reads FLAC and Ogg is not installed."""

    code = "recording-reader-missing"


@dataclass(frozen=True, slots=True)
class _Format:
    """The layout of samples in a file; ``width`` is the bytes of each, which may be more than its bits need."""

    kind: int
    channels: int
    rate_hz: int
    bits: int
    width: int

    @property
    def frame_bytes(self) -> int:
        return self.channels * self.width


def sounds_in(folder: Path) -> list[Path]:
    """Return the files in a folder and its subfolders that are named like recordings, sorted."""
    return sorted(each for each in folder.rglob("*") if each.suffix.lower() in SUFFIXES and each.is_file())


def others_in(folder: Path) -> str:
    """Return a clause about sound files in a folder that cannot be read, such as MP3; empty if there are none."""
    kinds = Counter(
        each.suffix.lower() for each in folder.rglob("*") if each.suffix.lower() in _OTHER_SUFFIXES and each.is_file()
    )
    listed = ", ".join(f"{count} {suffix}" for suffix, count in sorted(kinds.items()))
    return f"{listed} {'file' if kinds.total() == 1 else 'files'}, which cannot be read" if kinds else ""


def is_sound_file(name: str) -> bool:
    """Return whether a text names a sound file: one that can be read, or one of another kind that is there."""
    suffix = Path(name).suffix.lower()
    # Not Path.is_file: a text may be longer than any name, which would be an error.
    return suffix in SUFFIXES or (suffix in _OTHER_SUFFIXES and os.path.isfile(name))  # noqa: PTH113


def frames_of(path: Path) -> Iterator[Samples]:
    """Yield frames of 1280 samples, s16 mono at 16 kHz; channels are mixed, and the last frame is padded with zeros.

    A file that is 16 kHz mono s16 is returned bit for bit. Raises ``RecordingRefused``, also if it holds no sound.
    """
    yield from _framed(_pieces(path, RATE_HZ))


def sound_of(path: Path, *, rate_hz: int = RATE_HZ, longest_s: float = LONGEST_WHOLE_S) -> Samples:
    """Return a whole recording, s16 mono at that rate.

    Raises ``RecordingRefused``, also if it holds no sound or lasts longer than ``longest_s``.
    """
    pieces, length = list[Samples](), 0
    for piece in _pieces(path, rate_hz):
        pieces.append(piece)
        length += len(piece)
        if length > longest_s * rate_hz:
            limit = f"{longest_s:g} s" if longest_s < 3600 else f"{longest_s / 3600:g} h"
            raise RecordingRefused(f"{path} lasts longer than {limit}", remedy="Cut it into shorter pieces.")
    return np.concatenate(pieces)


def _pieces(path: Path, rate_hz: int) -> Iterator[Samples]:
    """Yield pieces of at least one sample, at least one of them."""
    is_empty = True
    for piece in _all_pieces(path, rate_hz):
        if len(piece):
            is_empty = False
            yield piece
    if is_empty:
        raise RecordingRefused(f"{path} is empty: it has a header, but no sound")


def _all_pieces(path: Path, rate_hz: int) -> Iterator[Samples]:
    try:
        if not (path.is_file() or stat.S_ISDIR(path.stat().st_mode)):
            # Reading it might wait for ever for somebody who writes.
            raise RecordingRefused(f"{path} is a pipe or a device", remedy="Record into a file first.")
        with path.open("rb") as file:
            beginning = file.read(12)
            if beginning[:4] == b"RIFF" and beginning[8:] == b"WAVE":
                found_hz, pieces = _open_wav(path, file)
                yield from _at_rate(pieces, found_hz, rate_hz)
                return
        if beginning[:4] not in _COMPRESSED:
            raise RecordingRefused(f"{path} is neither a WAV nor a FLAC nor an Ogg file")
        with _compressed(path, _COMPRESSED[beginning[:4]]) as opened:
            found_hz = _checked(path, opened.samplerate, opened.channels)
            yield from _at_rate(_decoded_pieces(path, opened), found_hz, rate_hz)
    except OSError as error:
        raise RecordingRefused(
            f"{path} cannot be read: {error.strerror or error}", remedy="Look at its name and its permissions."
        ) from error


# --- WAV -------------------------------------------------------------------------------------------------------------


def _open_wav(path: Path, file: BinaryIO) -> tuple[int, Iterator[_Mono]]:
    """Find the format and the sound; Python's own module cannot read floats, or extensible headers before 3.12."""
    found: _Format | None = None
    while len(header := file.read(8)) == 8:
        name, size = struct.unpack("<4sI", header)
        if name == b"fmt ":
            found = _format(path, file.read(min(size, 64)))
            file.seek(max(0, size - 64) + size % 2, 1)
        elif name == b"data":
            if found is None:
                raise RecordingRefused(f"{path} is damaged: its sound comes before its format")
            # Recorders that were interrupted leave a size of 0, or the largest: the sound goes on to the file's end.
            limit = size if 0 < size < 0xFFFFFFFF else _bytes_up_to_the_tags(file)
            return found.rate_hz, _wav_pieces(path, file, found, limit)
        else:
            file.seek(size + size % 2, 1)
    raise RecordingRefused(f"{path} is damaged: it contains no sound")


def _bytes_up_to_the_tags(file: BinaryIO) -> int:
    """Return how much of the rest of a file is sound if its own size is unknown; the position is restored."""
    start = file.tell()
    end = file.seek(0, os.SEEK_END)
    tail_at = max(start, end - _LONGEST_TAGS_BYTES)
    file.seek(tail_at)
    tail = file.read()
    file.seek(start)
    for found in re.finditer(_TAGS, tail):
        if _is_chain_of_chunks(tail[found.start() :]):
            return tail_at + found.start() - start
    return end - start


def _is_chain_of_chunks(rest: bytes) -> bool:
    """Return whether chunks follow each other to the very end; chunk names do not occur within sound by chance."""
    at = 0
    while at + 8 <= len(rest):
        (size,) = struct.unpack_from("<I", rest, at + 4)
        at += 8 + size + size % 2
    # The padding byte of the last chunk is often left out.
    return len(rest) in {at, at - 1}


def _format(path: Path, chunk: bytes) -> _Format:
    if len(chunk) < 16:
        raise RecordingRefused(f"{path} is damaged: its format is cut off")
    kind, channels, rate_hz, _, frame_bytes, bits = struct.unpack_from("<HHIIHH", chunk)
    if kind == _EXTENSIBLE and len(chunk) >= 26:
        (kind,) = struct.unpack_from("<H", chunk, 24)
    _checked(path, rate_hz, channels)
    width = (frame_bytes or channels * ((bits + 7) // 8)) / channels
    if (kind, bits) not in {(_PCM, 8), (_PCM, 16), (_PCM, 24), (_PCM, 32), (_FLOAT, 32), (_FLOAT, 64)}:
        raise RecordingRefused(f"{path} is compressed: its WAV format is {kind}, with {bits} bits")
    # Wider than its bits is only 24 bits in four bytes, as sound cards deliver it.
    if width != bits / 8 and (kind, bits, width) != (_PCM, 24, 4):
        raise RecordingRefused(f"{path} is of an unknown kind: samples of {bits} bits in {width:g} bytes")
    return _Format(kind, channels, rate_hz, bits, int(width))


def _checked(path: Path, rate_hz: int, channels: int) -> int:
    if rate_hz not in _RATES_HZ or not 1 <= channels <= _MOST_CHANNELS:
        raise RecordingRefused(f"{path} is damaged: its header says {channels} channel(s) at {rate_hz} Hz")
    return rate_hz


def _wav_pieces(path: Path, file: BinaryIO, found: _Format, limit: int) -> Iterator[_Mono]:
    left = limit
    while left > 0:
        wanted = _PIECE_FRAMES * found.frame_bytes
        raw = file.read(min(wanted, left))
        whole = len(raw) // found.frame_bytes * found.frame_bytes
        if not whole:
            return
        yield _mono(_decoded(path, raw[:whole], found).reshape(-1, found.channels))
        left -= len(raw)


def _decoded(path: Path, raw: bytes, found: _Format) -> _Mono:
    """Return samples from -1 to 1."""
    sound: npt.NDArray[Any]
    if found.kind == _FLOAT:
        loud = np.frombuffer(raw, f"<f{found.bits // 8}")
        sound = np.clip(np.nan_to_num(loud, nan=0.0, posinf=1.0, neginf=-1.0), -_LOUDEST, _LOUDEST)
    elif found.bits == 8:
        sound = np.frombuffer(raw, np.uint8) / 128.0 - 1
    elif found.bits == 24 and found.width == 4:
        sound = _of_24_bits_in_32(path, np.frombuffer(raw, "<i4")) / 2.0**23
    elif found.bits == 24:
        wide = np.zeros((len(raw) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(raw, np.uint8).reshape(-1, 3)
        sound = wide.view("<i4")[:, 0] / 2.0**31
    else:
        sound = np.frombuffer(raw, f"<i{found.bits // 8}") / 2.0 ** (found.bits - 1)
    return sound.astype(np.float32)


def _of_24_bits_in_32(path: Path, wide: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Return samples of 24 bits. The format defines them in the upper three bytes; arecord uses the lower three."""
    if not (wide & 0xFF).any():
        return wide >> 8
    if ((wide << 8 >> 8) == wide).all():
        return wide
    raise RecordingRefused(f"{path} is of an unknown kind: its samples of 24 bits fill all of their four bytes")


# --- FLAC and Ogg ----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _compressed(path: Path, kind: str) -> Iterator[Any]:
    try:
        # Not a dependency of the box: only people who run evaluations have such files.
        library = importlib.import_module("soundfile")
    except (ImportError, OSError) as error:
        raise ReaderMissing(
            f"{path} is {kind}, and the package soundfile is not installed",
            remedy=f"Add it: {how_to_add('eval')}",
        ) from error
    try:
        # As bytes: a name on the disk need not be UTF-8.
        opened = library.SoundFile(os.fsencode(path))
    except RuntimeError as error:
        raise RecordingRefused(f"{path} is damaged") from error
    with opened:
        yield opened


def _decoded_pieces(path: Path, opened: Any) -> Iterator[_Mono]:
    while True:
        try:
            piece = opened.read(_PIECE_FRAMES, dtype="float32", always_2d=True)
        except RuntimeError as error:
            raise RecordingRefused(f"{path} is damaged") from error
        if not len(piece):
            return
        yield _mono(piece)


# --- both ------------------------------------------------------------------------------------------------------------


def _mono(sound: npt.NDArray[np.float32]) -> _Mono:
    mixed: _Mono = sound[:, 0] if sound.shape[1] == 1 else sound.mean(axis=1, dtype=np.float32)
    return mixed


def _at_rate(pieces: Iterator[_Mono], found_hz: int, wanted_hz: int) -> Iterator[Samples]:
    if found_hz == wanted_hz:
        yield from map(_s16, pieces)
        return
    stream = soxr.ResampleStream(found_hz, wanted_hz, 1, dtype="float32")
    for piece in pieces:
        yield _s16(stream.resample_chunk(piece))
    yield _s16(stream.resample_chunk(np.zeros(0, np.float32), last=True))


def _s16(sound: _Mono) -> Samples:
    scaled: npt.NDArray[np.float32] = np.clip(np.rint(sound * _FULL_SCALE), -32768, 32767)
    return scaled.astype(np.int16)


def _framed(pieces: Iterator[Samples]) -> Iterator[Samples]:
    left = np.zeros(0, np.int16)
    for piece in pieces:
        sound = np.concatenate([left, piece])
        whole = len(sound) // FRAME * FRAME
        yield from sound[:whole].reshape(-1, FRAME)
        left = sound[whole:]
    if len(left):
        yield np.concatenate([left, np.zeros(FRAME - len(left), np.int16)])
