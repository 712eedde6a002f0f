"""Mel spectrogram as openWakeWord computes it, in numpy. No files, no clock.

The library does it as an ONNX graph whose Fourier transform is a convolution of 512 points with 257 cosines and sines;
the fast transform gives the same figures for a sixth of the work.
"""

import numpy as np
from numpy.lib.stride_tricks import as_strided

from edgevoice.wakeword.models.shapes import CHUNK_FRAMES, FRAME, HOP, LOOKBACK, MEL_BANDS, TRANSFORM, Floats, Samples

_LEAST_POWER = np.float32(1e-10)

_DEPTH = np.float32(8)
"""Values further below the loudest point of their chunk are raised to this: 80 dB, the library's own choice."""

_OFFSET = np.float32(2)
"""The embedding network's scale is a tenth of the decibels plus 2."""


class MelBank:
    """``window`` is (512,), ``mel`` (257, 32), float32; both come from openWakeWord's file."""

    def __init__(self, window: Floats, mel: Floats) -> None:
        self._window = window
        self._mel = mel
        # Bins above the highest band, 3.8 kHz, are not used.
        bins = int(np.flatnonzero(mel.any(axis=1))[-1]) + 1
        self._mel_of_parts = np.repeat(mel[:bins], 2, axis=0)
        # Results of each 80 or 160 ms go into permanent arrays: allocating them took half the time.
        self._rooms = {count: _Room(count, len(self._mel_of_parts)) for count in (1, 2)}

    def chunk(self, sound: Samples) -> Floats:
        """Return the mel frames of one or two frames of 80 ms, preceded by 30 ms of context: (8, 32) or (16, 32).

        Valid until the next call. The 1760 or 3040 samples run from -32768 to 32767. Each chunk is computed separately,
        as in the library: its depth of 80 dB counts from its own loudest point.
        """
        room = self._rooms[len(sound) // FRAME]
        room.sound[:] = sound
        np.multiply(room.overlapping, self._window, out=room.windowed)
        np.fft.rfft(room.windowed, out=room.spectrum)  # type: ignore[arg-type] # the stubs know of double precision alone
        np.multiply(room.parts, room.parts, out=room.squares)
        np.matmul(room.squares, self._mel_of_parts, out=room.made)
        np.maximum(room.made, _LEAST_POWER, out=room.made)
        np.log10(room.made, out=room.made)
        for chunk in room.chunks:
            np.maximum(chunk, np.maximum.reduce(chunk, axis=None) - _DEPTH, out=chunk)
        np.add(room.made, _OFFSET, out=room.made)
        return room.made

    def chunks(self, sounds: Samples) -> Floats:
        """Return (n, 8, 32) mel frames of (n, 1760) samples, each chunk as ``chunk`` makes it."""
        return self._frames(sounds.astype(np.float32), CHUNK_FRAMES)

    def first_frames(self, frame: Samples) -> Floats:
        """Return the (5, 32) mel frames of the very first 1280 samples, which have no predecessor."""
        frames: Floats = self._frames(frame[None].astype(np.float32), (FRAME - TRANSFORM) // HOP + 1)[0]
        return frames

    def _frames(self, sounds: Floats, count: int) -> Floats:
        spectrum = np.fft.rfft(_overlapping(sounds, count) * self._window)
        power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32, copy=False)
        logarithm = np.log10(np.maximum(power @ self._mel, _LEAST_POWER))
        floor = logarithm.max(axis=(1, 2), keepdims=True) - _DEPTH
        frames: Floats = np.maximum(logarithm, floor) + _OFFSET
        return frames


class _Room:
    """The arrays in which ``count`` consecutive chunks are computed."""

    def __init__(self, count: int, parts: int) -> None:
        rows = count * CHUNK_FRAMES
        self.sound = np.zeros(LOOKBACK + count * FRAME, np.float32)
        self.overlapping = _overlapping(self.sound[None], rows)[0]
        self.windowed = np.zeros((rows, TRANSFORM), np.float32)
        self.spectrum = np.zeros((rows, TRANSFORM // 2 + 1), np.complex64)
        # Real and imaginary parts side by side; the matrix adds up the squares of each bin's two.
        self.parts = self.spectrum.view(np.float32)[:, :parts]
        self.squares = np.zeros((rows, parts), np.float32)
        self.made: Floats = np.zeros((rows, MEL_BANDS), np.float32)
        self.chunks = [self.made[at : at + CHUNK_FRAMES] for at in range(0, rows, CHUNK_FRAMES)]


def _overlapping(sounds: Floats, count: int) -> Floats:
    """Return a view of ``count`` transforms' samples in each row, each 160 samples after the last."""
    row, sample = sounds.strides
    return as_strided(sounds, (len(sounds), count, TRANSFORM), (row, HOP * sample, sample), writeable=False)
