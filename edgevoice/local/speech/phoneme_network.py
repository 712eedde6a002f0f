"""Computes hama's phoneme network with numpy: sound in, likelihoods of phonemes out. No I/O.

A conformer of four blocks (Gulati et al. 2020, "Conformer: convolution-augmented transformer for speech recognition")
over frames of 20 ms. The package's own library gives the same numbers, but takes eleven times as long.
"""

from typing import Final

import numpy as np

from edgevoice.local.speech.phoneme_file import (
    BANDS,
    TAPS,
    UNITS,
    ConformerBlock,
    DenseLayer,
    HalfStep,
    Norm,
    PhonemeWeights,
)
from edgevoice.local.speech.phonemes import Frames

RATE_HZ: Final = 16_000
_WINDOW: Final = 400
_HOP: Final = 160
_SHAPE: Final = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_WINDOW) / _WINDOW)).astype(np.float32)
_LEAST_POWER: Final = np.float32(1e-10)
_MOST: Final = 3000
"""Frames of 10 ms that are heard at most: half a minute."""

_HEADS: Final = 4
_ONE: Final = np.float32(1)
_EPSILON: Final = np.float32(1e-5)
_STEEPEST: Final = np.float32(-80.0)
"""Below it the exponential of a sigmoid would overflow."""


class PhonemeNetwork:
    """Computes the network; any thread may call it. Costs 5 ms of a PC's core per second of sound."""

    def __init__(self, weights: PhonemeWeights) -> None:
        self._weights = weights

    @property
    def names(self) -> tuple[str, ...]:
        """Return the name of each column's phoneme."""
        return self._weights.names

    def frames(self, samples: Frames) -> Frames:
        """Return the logarithm of how likely each phoneme is in each frame, (frames, columns).

        ``samples`` are at 16 kHz, within 1. What comes after half a minute is not heard.
        """
        if samples.size < RATE_HZ // 10:
            return np.zeros((0, len(self.names)), np.float32)
        values = _stem(self._weights.stem, log_bands(samples, self._weights.bands))
        for block in self._weights.blocks:
            values = _block(block, values)
        scores = _dense(self._weights.phonemes, values)
        scores -= scores.max(axis=1, keepdims=True)
        scores -= np.log(np.exp(scores).sum(axis=1, keepdims=True))
        return scores


def log_bands(samples: Frames, bands: Frames) -> Frames:
    """Return the logarithm of the power in each band, (frames, 80), every 10 ms."""
    padded = np.pad(samples.astype(np.float32, copy=False), _WINDOW // 2, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP][:_MOST]
    spectrum = np.fft.rfft(windows * _SHAPE, axis=1)
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32, copy=False)
    logarithm: Frames = np.log(np.maximum(power @ bands, _LEAST_POWER))
    return logarithm


def _stem(stem: DenseLayer, bands: Frames) -> Frames:
    """Return the first layer's values, (frames of 20 ms, 144): each from three frames of bands."""
    padded = np.pad(bands, ((1, 1), (0, 0)))
    threes = np.lib.stride_tricks.sliding_window_view(padded, 3, axis=0)[::2].transpose(0, 2, 1)
    values = _dense(stem, threes.reshape(-1, 3 * BANDS))
    result: Frames = values * np.float32(0.5) * (1 + _erf(values * np.float32(np.sqrt(0.5))))
    return result


def _block(block: ConformerBlock, values: Frames) -> Frames:
    values = _half_step(block.first, values)
    values += _dense(block.joined, _attention(_dense(block.attended, _normed(block.attention_norm, values))))
    gated = _dense(block.gated, _normed(block.convolution_norm, values))
    values += _dense(block.mixed, _convolution(block, gated[:, :UNITS] * _sigmoid(gated[:, UNITS:])))
    return _normed(block.norm, _half_step(block.second, values))


def _half_step(step: HalfStep, values: Frames) -> Frames:
    wide = _dense(step.wide, _normed(step.norm, values))
    wide *= _sigmoid(wide)
    return values + np.float32(0.5) * _dense(step.narrow, wide)


def _attention(attended: Frames) -> Frames:
    """Return what each frame takes from all others; head by head, as of a long turn each is large."""
    queries, keys, values = np.split(attended, 3, axis=1)
    taken = np.empty_like(queries)
    size = UNITS // _HEADS
    for first in range(0, UNITS, size):
        head = slice(first, first + size)
        alike = queries[:, head] @ keys[:, head].T
        alike *= np.float32(size**-0.5)
        alike -= alike.max(axis=1, keepdims=True)
        np.exp(alike, out=alike)
        taken[:, head] = alike @ values[:, head] / alike.sum(axis=1, keepdims=True)
    return taken


def _convolution(block: ConformerBlock, values: Frames) -> Frames:
    padded = np.pad(values, ((TAPS // 2, TAPS // 2), (0, 0)))
    result = np.zeros_like(values) + block.taps_bias
    for tap, weight in enumerate(block.taps):
        result += padded[tap : tap + len(values)] * weight
    return result * _sigmoid(result)


def _dense(layer: DenseLayer, values: Frames) -> Frames:
    result: Frames = values @ layer.matrix
    result += layer.bias
    if layer.change is not None:
        down, up = layer.change
        result += (values @ down) @ up
    return result


def _normed(norm: Norm, values: Frames) -> Frames:
    centred: Frames = values - values.mean(axis=1, keepdims=True)
    variance: Frames = np.square(centred).mean(axis=1, keepdims=True)
    centred /= np.sqrt(variance + _EPSILON)
    centred *= norm.weight
    centred += norm.bias
    return centred


def _sigmoid(values: Frames) -> Frames:
    result: Frames = _ONE / (_ONE + np.exp(-np.maximum(values, _STEEPEST)))
    return result


def _erf(values: Frames) -> Frames:
    """Return the error function to 1.5e-7 (Abramowitz and Stegun 1964, 7.1.26)."""
    size: Frames = np.abs(values)
    t: Frames = _ONE / (_ONE + np.float32(0.3275911) * size)
    sum_: Frames = np.zeros_like(size)
    for factor in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592):
        sum_ = (sum_ + np.float32(factor)) * t
    result: Frames = np.sign(values) * (_ONE - sum_ * np.exp(-size * size))
    return result
