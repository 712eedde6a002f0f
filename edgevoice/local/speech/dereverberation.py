"""Lowers the late reverberation of a recording, for the recogniser. Pure; sound in, sound out.

Weighted prediction error, for one microphone (Nakatani et al. 2010, "Speech dereverberation based on
variance-normalized delayed linear prediction"): in each frequency, what the frames from 24 to 96 ms ago foretell of
this frame is reverberation, because speech changes faster. The prediction is learned from the recording itself, so it
fits any room, and it takes away little where there is no reverberation. Costs 10 ms of a PC's core per second of sound.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from edgevoice.local.speech.phonemes import Frames

_Spectrum = npt.NDArray[np.complex64]

_WINDOW: Final = 512
_HOP: Final = 128
_OVERLAP: Final = _WINDOW // _HOP
# The square root of Hann's, before and after: together they add up to a half of the overlap.
_SHAPE: Final = np.sqrt(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_WINDOW) / _WINDOW)).astype(np.float32)
# In frames of 8 ms: how old the newest frame is that foretells this one, and how many do. A shorter delay takes away
# speech; more frames need longer recordings than commands are.
_DELAY: Final = 3
_TAPS: Final = 10
_ROUNDS: Final = 3
# Against predictions that fit this one recording by chance.
_REGULARITY: Final = 1e-3
_LEAST_POWER: Final = 1e-3
_ALMOST_NOTHING: Final = 1e-9
# So many samples, longer than any command, and within them so many numbers at once: a long recording takes hardly more
# memory than a short one, and the numbers fit into a cache.
_LONGEST: Final = 160_000
_PIECE: Final = 1 << 16


def dereverberated(samples: Frames) -> Frames:
    """Return sound with its late reverberation lowered; samples are at 16 kHz, (samples,), and so is the result."""
    parts = [samples[first : first + _LONGEST] for first in range(0, samples.size, _LONGEST)]
    return np.concatenate([np.zeros(0, np.float32), *map(_part, parts)])


def _part(samples: Frames) -> Frames:
    spectrum = _spectrum(samples)
    columns = max(1, _PIECE // (_TAPS * len(spectrum)))
    for first in range(0, spectrum.shape[1], columns):
        band = np.ascontiguousarray(spectrum[:, first : first + columns].T)
        spectrum[:, first : first + columns] = _unforetold(band).T
    return _sound(spectrum, samples.size)


def _unforetold(band: _Spectrum) -> _Spectrum:
    """Return frequencies, (frequencies, frames), without what their past foretells."""
    frequencies, frames = band.shape
    past = np.zeros((frequencies, _TAPS, frames), np.complex64)
    for tap in range(min(_TAPS, max(0, frames - _DELAY))):
        past[:, tap, _DELAY + tap :] = band[:, : frames - _DELAY - tap]
    conjugate = past.conj().transpose(0, 2, 1)
    rest = band
    for _ in range(_ROUNDS):
        power = rest.real**2 + rest.imag**2
        power = np.maximum(power, _LEAST_POWER * power.mean(axis=1, keepdims=True) + np.float32(_ALMOST_NOTHING))
        weighted = past / power[:, None]
        alike = weighted @ conjugate
        size = np.trace(alike, axis1=1, axis2=2).real / _TAPS
        alike += (_REGULARITY * size + _ALMOST_NOTHING)[:, None, None] * np.eye(_TAPS, dtype=np.complex64)
        foretell = np.linalg.solve(alike, weighted @ band.conj()[:, :, None])
        rest = band - (foretell.conj().transpose(0, 2, 1) @ past)[:, 0]
    return rest


def _spectrum(samples: Frames) -> _Spectrum:
    """Return the spectrum of each frame, (frames, frequencies)."""
    padded = np.concatenate([np.zeros(_WINDOW - _HOP, np.float32), samples, np.zeros(_WINDOW, np.float32)])
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP]
    return np.fft.rfft(frames * _SHAPE, axis=1).astype(np.complex64)


def _sound(spectrum: _Spectrum, count: int) -> Frames:
    """Return the first ``count`` samples of what has this spectrum."""
    pieces = np.fft.irfft(spectrum, _WINDOW, axis=1) * _SHAPE
    blocks = pieces.reshape(len(spectrum), _OVERLAP, _HOP)
    sound = np.zeros((len(spectrum) + _OVERLAP - 1, _HOP), np.float32)
    for place in range(_OVERLAP):
        sound[place : place + len(spectrum)] += blocks[:, place]
    start = _WINDOW - _HOP
    return sound.ravel()[start : start + count] / np.float32(_OVERLAP / 2)
