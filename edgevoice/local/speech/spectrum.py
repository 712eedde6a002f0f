"""Turns what the voice's network predicts into samples, some frames at a time. Arrays in, samples out.

It computes what `hibari.dsp.synth` computes, to the bit, with a fifth of the memory: that makes whole arrays in every
step, of twice the size of what the network returns; here each step is of some frames, and its result replaces them.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from hibari import dsp

_BINS = dsp.N_FFT // 2 + 1
_BLOCK = 64
"""Frames, or bins, in one step: what is computed of 0.8 s stays in a processor's cache."""

_AT_ONCE = dsp.N_FFT // dsp.HOP
"""How many frames sound at any time."""

_HIGHEST_HZ = 11_000.0
_VOICED_HZ = 40.0
_NEAR_A_MULTIPLE = 2e-3

Floats = npt.NDArray[np.float32]
Spectrum = npt.NDArray[np.complex64]


def samples_of(bands: Floats, pitch_hz: Floats, random: np.random.Generator) -> Floats:
    """Return the sound of a sentence, at 24 kHz. Overwrites ``bands``, the largest array by far.

    ``bands`` (frames, 5 x 601) describes frames of 12.5 ms: magnitude (its logarithm) and phase of the voice, magnitude
    of the noise, magnitude and phase of the rest. ``pitch_hz`` (frames,) is below 40 where the voice does not sound.
    """
    frames = len(bands)
    voice, breath, rest = bands[:, : 2 * _BINS], bands[:, 2 * _BINS : 3 * _BINS], bands[:, 3 * _BINS :]
    spectrum, rest_spectrum = voice.view(np.complex64), rest.view(np.complex64)
    pulses = np.pad(np.concatenate([*_pulses(pitch_hz)]), dsp.N_FFT // 2, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(pulses, dsp.N_FFT)[:: dsp.HOP]
    for now in _blocks(frames):
        spectrum[now] = _voiced(voice[now], windows[now])
        breath[now] = dsp.ex(breath[now])
        rest_spectrum[now] = _polar(rest[now, :_BINS], rest[now, _BINS:])
    for some in _blocks(_BINS):
        noise = random.standard_normal((some.stop - some.start, 2 * frames), dtype=np.float32).view(np.complex64)
        spectrum[:, some] += noise.T * breath[:, some]
    return _sound(spectrum, rest_spectrum)


def _sound(spectrum: Spectrum, rest: Spectrum) -> Floats:
    """Return the samples of frames that overlap."""
    frames = len(spectrum)
    sound = np.zeros((frames + _AT_ONCE - 1, dsp.HOP), np.float32)
    before = np.zeros((_AT_ONCE - 1, _AT_ONCE, dsp.HOP), np.float32)
    for now in _blocks(frames):
        windowed = np.asarray(np.fft.irfft(spectrum[now] + rest[now], dsp.N_FFT, 1), np.float32)
        windowed *= dsp.WIN
        sounding = np.concatenate([before, windowed.reshape(-1, _AT_ONCE, dsp.HOP)])
        sound[now] = _overlapped(sounding)
        before = sounding[1 - _AT_ONCE :]
    sound[frames:] = _overlapped(np.concatenate([before, np.zeros_like(before)]))
    _level(sound, frames)
    half = dsp.N_FFT // 2
    return sound.reshape(-1)[half : half + frames * dsp.HOP]


def _blocks(size: int) -> Iterator[slice]:
    for begin in range(0, size, _BLOCK):
        yield slice(begin, min(begin + _BLOCK, size))


def _pulses(pitch_hz: Floats) -> Iterator[Floats]:
    """Yield the pulses of the vocal cords: all harmonics below 11 kHz, with the same amplitude.

    ``sum(cos(h t) for h <= n)`` is ``sin((n + 1/2) t) / (2 sin(t / 2)) - 1/2``.
    """
    edged = np.pad(pitch_hz, 1, mode="edge")
    middle = dsp.HOP // 2
    after = (((np.arange(dsp.HOP) + 0.5) / dsp.HOP - 0.5) % 1.0).astype(np.float32)
    until = (1.0 - after).astype(np.float32)
    turns = np.zeros(1)
    for now in _blocks(len(pitch_hz)):
        hz = np.empty((now.stop - now.start, dsp.HOP), np.float32)
        last, this, following = (edged[now.start + k : now.stop + k, None] for k in range(3))
        hz[:, :middle] = last * until[:middle] + this * after[:middle]
        hz[:, middle:] = this * until[middle:] + following * after[middle:]
        hz = hz.reshape(-1)
        is_voiced = hz > _VOICED_HZ
        np.maximum(hz, _VOICED_HZ, out=hz)
        turns = np.cumsum(np.concatenate([turns[-1:], hz]), dtype=np.float64)
        phase = (np.modf(turns[1:] * (1.0 / dsp.SR))[0] * (2 * np.pi)).astype(np.float32)
        harmonics = np.floor(_HIGHEST_HZ / hz) + np.float32(0.5)
        below = np.sin(phase * np.float32(0.5)) * 2
        is_limit = np.abs(below) <= _NEAR_A_MULTIPLE
        below[is_limit] = 1
        pulse = np.sin(harmonics * phase) / below
        pulse[is_limit] = harmonics[is_limit]
        pulse -= 0.5
        pulse[~is_voiced] = 0
        yield pulse


def _voiced(voice: Floats, windows: Floats) -> Spectrum:
    phase = np.tanh(voice[:, _BINS:])
    phase *= np.pi
    spectrum = np.asarray(np.fft.rfft(windows * dsp.WIN_SRC, axis=1), np.complex64)
    spectrum *= _polar(voice[:, :_BINS], phase)
    return spectrum


def _polar(magnitude: Floats, phase: Floats) -> Spectrum:
    """Return complex numbers; ``magnitude`` is a logarithm."""
    numbers = np.empty(magnitude.shape, np.complex64)
    np.cos(phase, out=numbers.real)
    np.sin(phase, out=numbers.imag)
    numbers *= dsp.ex(magnitude)
    return numbers


def _overlapped(sounding: Floats) -> Floats:
    """Return the sum of the frames that sound in each hop; the first three began before."""
    return ((sounding[3:, 0] + sounding[2:-1, 1]) + sounding[1:-2, 2]) + sounding[:-3, 3]


def _level(sound: Floats, frames: int) -> None:
    """Divide by the sum of the squares of the windows, of which there are fewer at both ends."""
    count = min(frames, _AT_ONCE)
    squares = np.zeros((count + _AT_ONCE - 1, dsp.HOP), np.float32)
    for k, square in enumerate((dsp.WIN * dsp.WIN).reshape(_AT_ONCE, dsp.HOP)):
        squares[k : k + count] += square
    weights = 1.0 / np.maximum(squares, 1e-11)
    # In a longer sentence, every hop between its ends is as the middle one of the shortest with such a hop.
    sound[: count - 1] *= weights[: count - 1]
    sound[count - 1 : frames] *= weights[count - 1]
    sound[frames:] *= weights[count:]
