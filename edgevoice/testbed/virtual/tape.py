"""Tapes of the virtual card: each frame its converters passed, and when. Reads only, even during recording."""

import struct
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
import numpy.typing as npt

from edgevoice.errors import EdgevoiceError
from edgevoice.store.files import write_whole

_HEADER: Final = struct.Struct("<8sIIQQQQQq")  # struct tape_header in tape.h
_MAGIC: Final = b"EDGEVOX1"
_NANOSECONDS: Final = 1_000_000_000

Samples = npt.NDArray[np.int16]


class TapeUnreadable(EdgevoiceError, OSError):
    """The file is not a tape of the virtual card, or there is no tape yet."""

    code = "tape-unreadable"
    remedy = "A tape begins when a stream on the card starts; start one first."


@dataclass(frozen=True, slots=True)
class TapeHeader:
    """The header of a tape; ``start_ns`` is CLOCK_MONOTONIC at frame 0, ``frames`` grows while it records.

    ``drift_ppm`` is how much faster the card's clock runs than CLOCK_MONOTONIC.
    """

    rate_hz: int
    channels: int
    start_ns: int
    frames: int
    xruns: int
    is_running: bool
    lost_frames: int
    drift_ppm: float = 0.0

    @property
    def true_rate_hz(self) -> float:
        """Return how many frames pass in a second of CLOCK_MONOTONIC; ``rate_hz`` is what the application asked for."""
        return self.rate_hz * (1 + self.drift_ppm * 1e-6)


@dataclass(frozen=True, slots=True)
class Span:
    """Sound without a long gap: frames ``first`` up to ``end``, and when they passed, in monotonic seconds."""

    first: int
    end: int
    starts_s: float
    ends_s: float


@dataclass(frozen=True, slots=True)
class Tape:
    """Read one tape, live: every call reads the file again.

    Times are those of ``time.monotonic()``, in seconds. A sample is sound when its magnitude exceeds ``threshold``, in
    units of s16; the default of 0 finds every sample that is not digital silence. A file that is not a tape raises
    ``TapeUnreadable``.
    """

    path: Path

    @property
    def header(self) -> TapeHeader:
        """Return the tape's header as it is now."""
        try:
            with self.path.open("rb") as file:
                raw = file.read(_HEADER.size)
        except OSError as error:
            raise TapeUnreadable(f"{self.path}: {error.strerror}") from error
        if len(raw) < _HEADER.size or not raw.startswith(_MAGIC):
            raise TapeUnreadable(f"{self.path}: not a tape of the virtual card")
        _, rate_hz, channels, start_ns, frames, xruns, is_running, lost_frames, drift_ppb = _HEADER.unpack(raw)
        if not (rate_hz and channels):
            raise TapeUnreadable(f"{self.path}: rate {rate_hz} and {channels} channels make no sense")
        return TapeHeader(rate_hz, channels, start_ns, frames, xruns, bool(is_running), lost_frames, drift_ppb / 1000)

    def samples(self, first: int = 0, end: int | None = None) -> Samples:
        """Return frames ``first`` up to ``end``, by default all so far: s16, (frames,) or (frames, channels).

        Frames outside the tape are left out, as in a slice; holes, where the stream was stopped, are zeros. A tape that
        lacks frames because its file system was full raises ``TapeUnreadable``.
        """
        header = self.header
        if header.lost_frames:
            raise TapeUnreadable(
                f"{self.path}: {header.lost_frames} frames are missing: the file system was full",
                remedy="Free some space, or give the virtual card a folder elsewhere.",
            )
        first = max(first, 0)
        end = header.frames if end is None else min(end, header.frames)
        count = max(end - first, 0) * header.channels
        samples = np.zeros(count, dtype="<i2")
        with self.path.open("rb") as file:
            file.seek(_HEADER.size + first * header.channels * samples.itemsize)
            # The file ends with the last samples written; a hole after them exists only in the header's count.
            present = np.frombuffer(file.read(count * samples.itemsize), dtype="<i2")
        samples[: len(present)] = present
        return samples if header.channels == 1 else samples.reshape(-1, header.channels)

    def time_of(self, frame: int) -> float:
        """Return when ``frame`` passed the converter, in monotonic seconds."""
        header = self.header
        return _time_of(header, frame)

    def frame_at(self, moment_s: float) -> int:
        """Return the frame that passed at ``moment_s``, rounded; it may lie before or after the tape."""
        header = self.header
        return round((moment_s - header.start_ns / _NANOSECONDS) * header.true_rate_hz)

    def sounds(self, threshold: int = 0, *, gap_s: float = 0.1) -> list[Span]:
        """Return the spans of sound; a silence shorter than ``gap_s`` does not end a span."""
        header = self.header
        sounding = self._sounding(0, header.frames, threshold)
        if not len(sounding):
            return []
        breaks = np.flatnonzero(np.diff(sounding) > gap_s * header.rate_hz)
        firsts = [int(sounding[0]), *(int(frame) for frame in sounding[breaks + 1])]
        ends = [*(int(frame) + 1 for frame in sounding[breaks]), int(sounding[-1]) + 1]
        return [
            Span(first, end, _time_of(header, first), _time_of(header, end))
            for first, end in zip(firsts, ends, strict=True)
        ]

    def first_sound_after(self, moment_s: float, threshold: int = 0) -> float | None:
        """Return when the first sound at or after ``moment_s`` passed, or None if there is none yet."""
        sounding = self._sounding(self.frame_at(moment_s), None, threshold)
        return self.time_of(int(sounding[0])) if len(sounding) else None

    def last_sound_after(self, moment_s: float, threshold: int = 0, *, gap_s: float = 0.1) -> float | None:
        """Return when the sound present at ``moment_s`` ended: its last sample before a silence of ``gap_s``.

        None if ``moment_s`` already began a silence of ``gap_s``. Until the returned time the room still heard sound.
        """
        header = self.header
        first = self.frame_at(moment_s)
        sounding = self._sounding(first, None, threshold)
        steps = np.diff(sounding, prepend=max(first, 0))
        breaks = np.flatnonzero(steps > gap_s * header.rate_hz)
        if len(breaks):
            sounding = sounding[: breaks[0]]
        return _time_of(header, int(sounding[-1])) if len(sounding) else None

    def write_wav(self, path: Path, first: int = 0, end: int | None = None) -> None:
        """Write frames ``first`` up to ``end`` as a WAV file of 16 bits."""
        header = self.header
        write_wav(path, self.samples(first, end), header.rate_hz)

    def _sounding(self, first: int, end: int | None, threshold: int) -> npt.NDArray[np.int64]:
        first = max(first, 0)
        loud = np.abs(self.samples(first, end).astype(np.int32)) > threshold
        frames: npt.NDArray[np.int64] = np.flatnonzero(loud if loud.ndim == 1 else loud.any(axis=1)) + first
        return frames


def read_tapes(path: Path) -> list[Tape]:
    """Return the tapes that streams have recorded under ``path``: PATH, PATH.1, PATH.2 and so on, oldest first."""
    tapes = []
    candidate = path
    # A file that is still empty was created this very moment; its header is one write away.
    while candidate.exists() and candidate.stat().st_size:
        tapes.append(Tape(candidate))
        candidate = path.with_name(f"{path.name}.{len(tapes)}")
    return tapes


def write_wav(path: Path, samples: Samples, rate_hz: int) -> None:
    """Write s16 samples, (frames,) or (frames, channels), as a WAV file that appears whole or not at all."""

    def write(file: BinaryIO) -> None:
        with wave.open(file, "wb") as writer:
            writer.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
            writer.setsampwidth(2)
            writer.setframerate(rate_hz)
            writer.writeframes(np.ascontiguousarray(samples, dtype="<i2").tobytes())

    write_whole(path, write)


def _time_of(header: TapeHeader, frame: int) -> float:
    return header.start_ns / _NANOSECONDS + frame / header.true_rate_hz
