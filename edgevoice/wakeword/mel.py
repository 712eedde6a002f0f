"""Mel spectrogram as openWakeWord computes it, in numpy. No files, no clock.

The library does it as an ONNX graph whose Fourier transform is a convolution of 512 points with 257 cosines and sines;
the fast transform gives the same figures for a sixth of the work.
"""

import numpy as np
from numpy.lib.stride_tricks import as_strided

from edgevoice.wakeword.shapes import CHUNK_FRAMES, CHUNK_SAMPLES, FRAME, HOP, MEL_BANDS, TRANSFORM, Floats, Samples

_LEAST_POWER = np.float32(1e-10)

_DEPTH = np.float32(8)
"""What is further below the loudest point of its chunk is lifted to there: 80 dB, the library's own choice."""

_OFFSET = np.float32(2)
"""The embedding network's scale is a tenth of the decibels plus 2."""


class MelBank:
    """``window`` is (512,), ``mel`` (257, 32), float32; both come from openWakeWord's file."""

    def __init__(self, window: Floats, mel: Floats) -> None:
        self._window = window
        self._mel = mel
        # Bins above the highest band, 3.8 kHz, are of no use.
        bins = int(np.flatnonzero(mel.any(axis=1))[-1]) + 1
        self._mel_of_parts = np.repeat(mel[:bins], 2, axis=0)
        # The one chunk that is computed every 80 ms goes through arrays that stay: half the time was their making.
        self._sound = np.zeros(CHUNK_SAMPLES, np.float32)
        self._overlapping = _overlapping(self._sound[None], CHUNK_FRAMES)[0]
        self._windowed = np.zeros((CHUNK_FRAMES, TRANSFORM), np.float32)
        self._squares = np.zeros((CHUNK_FRAMES, len(self._mel_of_parts)), np.float32)
        self._made: Floats = np.zeros((CHUNK_FRAMES, MEL_BANDS), np.float32)

    def chunk(self, sound: Samples) -> Floats:
        """Return the (8, 32) mel frames of a frame of 80 ms with 30 ms from before it; valid until the next call.

        The 1760 samples run from -32768 to 32767. Each chunk is computed by itself, as the library does: its depth of
        80 dB counts from its own loudest point.
        """
        self._sound[:] = sound
        np.multiply(self._overlapping, self._window, out=self._windowed)
        spectrum = np.fft.rfft(self._windowed)
        # Real and imaginary parts side by side; the matrix takes the squares of each bin's two and adds them up.
        parts = spectrum.view(spectrum.real.dtype)[:, : len(self._mel_of_parts)]
        np.multiply(parts, parts, out=self._squares, casting="same_kind")
        np.matmul(self._squares, self._mel_of_parts, out=self._made)
        np.maximum(self._made, _LEAST_POWER, out=self._made)
        np.log10(self._made, out=self._made)
        np.maximum(self._made, np.maximum.reduce(self._made, axis=None) - _DEPTH, out=self._made)
        np.add(self._made, _OFFSET, out=self._made)
        return self._made

    def chunks(self, sounds: Samples) -> Floats:
        """Return (n, 8, 32) mel frames of (n, 1760) samples, each chunk as ``chunk`` makes it."""
        return self._frames(sounds.astype(np.float32), CHUNK_FRAMES)

    def first_frames(self, frame: Samples) -> Floats:
        """Return the (5, 32) mel frames of the 1280 samples that nothing came before."""
        frames: Floats = self._frames(frame[None].astype(np.float32), (FRAME - TRANSFORM) // HOP + 1)[0]
        return frames

    def _frames(self, sounds: Floats, count: int) -> Floats:
        spectrum = np.fft.rfft(_overlapping(sounds, count) * self._window)
        power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32, copy=False)
        logarithm = np.log10(np.maximum(power @ self._mel, _LEAST_POWER))
        floor = logarithm.max(axis=(1, 2), keepdims=True) - _DEPTH
        frames: Floats = np.maximum(logarithm, floor) + _OFFSET
        return frames


def _overlapping(sounds: Floats, count: int) -> Floats:
    """Return a view of ``count`` transforms' samples in each row, each 160 samples after the last."""
    row, sample = sounds.strides
    return as_strided(sounds, (len(sounds), count, TRANSFORM), (row, HOP * sample, sample), writeable=False)
