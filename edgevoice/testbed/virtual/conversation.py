"""Writes both sides of a conversation to one stereo file, aligned by the clock that all tapes share."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import soxr

from edgevoice.testbed.virtual.tape import Samples, Tape, TapeHeader, TapeUnreadable, write_wav

CONVERSATION_RATE_HZ: Final = 24_000
_NANOSECONDS: Final = 1_000_000_000


def write_conversation(path: Path, near_end: Sequence[Tape], far_end: Sequence[Tape]) -> float:
    """Write a stereo WAV of 24 kHz, near-end left and far-end right; return the monotonic second of its first frame.

    Each side may have several tapes, as after an unplug. Sound at another rate is resampled; several channels are
    averaged. Frame k of the file passed the card at the returned time + k / 24000, within half a frame.
    """
    headers = {tape: tape.header for tape in (*near_end, *far_end)}
    if not headers:
        raise TapeUnreadable("there is no tape to write a conversation from")
    start_ns = min(header.start_ns for header in headers.values())
    left = _lay_out(near_end, headers, start_ns)
    right = _lay_out(far_end, headers, start_ns)
    stereo = np.zeros((max(len(left), len(right)), 2), dtype=np.int16)
    stereo[: len(left), 0] = left
    stereo[: len(right), 1] = right
    write_wav(path, stereo, CONVERSATION_RATE_HZ)
    return start_ns / _NANOSECONDS


def _lay_out(tapes: Sequence[Tape], headers: dict[Tape, TapeHeader], start_ns: int) -> Samples:
    """Return one side as mono s16 at 24 kHz: each tape in its place, silence before and between."""
    placed = []
    for tape in tapes:
        header = headers[tape]
        offset = round((header.start_ns - start_ns) * CONVERSATION_RATE_HZ / _NANOSECONDS)
        placed.append((offset, _resampled(tape.samples(end=header.frames), header.true_rate_hz)))
    side = np.zeros(max((offset + len(samples) for offset, samples in placed), default=0), dtype=np.int16)
    for offset, samples in placed:
        side[offset : offset + len(samples)] = samples
    return side


def _resampled(samples: Samples, rate_hz: float) -> Samples:
    mono: npt.NDArray[np.int16] = samples if samples.ndim == 1 else samples.mean(axis=1).astype(np.int16)
    if rate_hz == CONVERSATION_RATE_HZ or not len(mono):
        return mono
    # In one go, not streaming: soxr then removes its own delay, and the alignment holds.
    resampled: npt.NDArray[np.int16] = soxr.resample(mono, rate_hz, CONVERSATION_RATE_HZ)
    return resampled
