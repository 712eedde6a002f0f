"""FireRedVAD: a second voice model, which hears each sound afresh and also says whether it is speech or a laugh.

FireRedVAD's streaming model (FireRed Team, Apache-2.0, 588,000 parameters) rates every 10 ms how likely a voice is. It
takes laughs and barks for voices, but three of its inner layers tell them from words: a linear classifier of those,
trained by ``scripts/voice-kind``, says so. numpy computes it in 0.2 ms of a PC's core for 20 ms of sound.
"""

from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from edgevoice.wakeword.models.firered_file import (
    BANDS,
    LAYERS,
    TAPS,
    UNITS,
    Floats,
    Weights,
    find_firered,
    read_firered,
)

Samples = npt.NDArray[np.int16]

KIND_LAYERS: Final = (1, 3, 5)
KIND: Final = Path(__file__).with_name("voice_kind.npy")
"""The classifier's weights: (3, 2, 128) for each of those layers' newest values and their mean since the sound began,
and its constant."""

KIND_SIZE: Final = 2 * len(KIND_LAYERS) * UNITS + 1

_RATE_HZ: Final = 16_000
_BLOCK: Final = 320
_WINDOW: Final = 400
_HOP: Final = 160
_ROWS: Final = _BLOCK // _HOP
_HEARD: Final = _WINDOW + _HOP
_POINTS: Final = 512
_LOWEST_HZ: Final = 20.0
_EMPHASIS: Final = 0.97
_LEAST: Final = np.float32(1.1920929e-07)
"""Kaldi's filter bank, as the model was trained with: 80 bands of frames of 25 ms, 10 ms apart."""

_IGNORED: Final = 2
"""Blocks of a sound that are not heard before more of it follows: most sounds over the bar end within three."""

_AT_ONCE: Final = 8
"""Blocks that are caught up with at once: 25 from before the sound would take 5 ms, and so are heard by its sixth."""


def load_firered() -> "FireRed":
    """Return the model; ``WakeWordUnavailable`` without its package, ``ValueError`` if that brings another model."""
    return FireRed(read_firered(find_firered().read_bytes()), np.load(KIND, allow_pickle=False))


class FireRed:
    """Implements ``echo.voice.SoundModel``."""

    def __init__(self, weights: Weights, kind: Floats) -> None:
        self._network = Network(weights)
        self._of_newest, self._of_mean = kind[:-1].reshape(len(KIND_LAYERS), 2, UNITS).transpose(1, 0, 2)
        self._constant = float(kind[-1])
        self._waiting: deque[tuple[Samples, bool]] = deque()
        self._sum = np.zeros((len(KIND_LAYERS), UNITS), np.float32)
        self._count = self._taken = 0

    def begin(self, before: Sequence[Samples]) -> None:
        """Forget everything; see ``echo.voice.SoundModel.begin``."""
        self._network.forget()
        self._waiting = deque((block, False) for block in before)
        self._sum[:] = 0
        self._count = self._taken = 0

    def take(self, block: Samples) -> list[tuple[float, float]]:
        """Take the sound's next block; see ``echo.voice.SoundModel.take``."""
        self.wait(block)
        if self._taken <= _IGNORED:
            return []
        made: list[tuple[float, float]] = []
        for _ in range(min(_AT_ONCE, len(self._waiting))):
            waiting, is_of_sound = self._waiting.popleft()
            voice, inner = self._network.take(waiting)
            if is_of_sound:
                made.append((voice, self._kind(inner)))
        return made

    def wait(self, block: Samples) -> None:
        """Keep the sound's next block; see ``echo.voice.SoundModel.wait``."""
        self._waiting.append((block, True))
        self._taken += 1

    @property
    def is_behind(self) -> bool:
        """Whether some of what it was given still waits."""
        return bool(self._waiting)

    def _kind(self, inner: Floats) -> float:
        self._count += 1
        self._sum += inner
        odds = np.vdot(self._of_newest, inner) + np.vdot(self._of_mean, self._sum) / self._count
        return float(odds) + self._constant


class Network:
    """The network with its memory: each of its layers remembers 190 ms."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._heard = np.zeros(_HEARD, np.float32)
        self._is_first = True
        self._memory = np.zeros((LAYERS, TAPS - 1 + _ROWS, UNITS), np.float32)
        # Of each layer's memory and newest rows, what makes each row: the taps, moved by one for the second.
        self._taps = np.zeros((LAYERS, _ROWS, TAPS - 1 + _ROWS, UNITS), np.float32)
        for number, layer in enumerate(weights.layers):
            for row in range(_ROWS):
                self._taps[number, row, row : row + TAPS] = layer.taps
        self._bank = _filter_bank()
        self._shape = _povey_window()

    def forget(self) -> None:
        """Go on as if nothing had been heard."""
        self._heard[:] = 0
        self._memory[:] = 0
        self._is_first = True

    def take(self, block: Samples) -> tuple[float, Floats]:
        """Take 20 ms; return the probability of speech in its two frames, and the inner layers' values, (3, 128).

        Both are means of the two frames. The first block after `forget` completes no frame: 0 and zeros.
        """
        self._heard[:-_BLOCK] = self._heard[_BLOCK:]
        self._heard[-_BLOCK:] = block
        if self._is_first:
            self._is_first = False
            return 0.0, np.zeros((len(KIND_LAYERS), UNITS), np.float32)
        rows = (self._features() - self._weights.shift) * self._weights.scale
        inner = np.empty((len(KIND_LAYERS), UNITS), np.float32)
        for number, layer in enumerate(self._weights.layers):
            made = np.maximum(rows @ layer.wide + layer.wide_bias, 0) @ layer.narrow
            if layer.narrow_bias is not None:
                made = np.maximum(made + layer.narrow_bias, 0)
            remembered = self._remember(number, made)
            rows = rows + remembered if number else remembered
            if number in KIND_LAYERS:
                inner[KIND_LAYERS.index(number)] = rows.mean(axis=0)
        odds = np.maximum(rows @ self._weights.wide + self._weights.wide_bias, 0) @ self._weights.last
        return float((1 / (1 + np.exp(-odds - self._weights.last_bias))).mean()), inner

    def _remember(self, number: int, made: Floats) -> Floats:
        memory = self._memory[number]
        memory[:-_ROWS] = memory[_ROWS:]
        memory[-_ROWS:] = made
        summed: Floats = np.einsum("rtc,tc->rc", self._taps[number], memory)
        return made + summed

    def _features(self) -> Floats:
        """Return the logarithms of the bands' power, (2, 80)."""
        frames = np.stack([self._heard[at : at + _WINDOW] for at in range(0, _HEARD - _WINDOW + 1, _HOP)])
        frames -= frames.mean(axis=1, keepdims=True)
        before = np.concatenate([frames[:, :1], frames[:, :-1]], axis=1)
        spectrum = np.fft.rfft((frames - np.float32(_EMPHASIS) * before) * self._shape, _POINTS)
        power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
        logarithms: Floats = np.log(np.maximum(power @ self._bank, _LEAST))
        return logarithms


def _povey_window() -> Floats:
    turns = np.arange(_WINDOW) / (_WINDOW - 1)
    return ((0.5 - 0.5 * np.cos(2 * np.pi * turns)) ** 0.85).astype(np.float32)


def _filter_bank() -> Floats:
    """Return the matrix from bins to bands, (257, 80): triangles between equal steps in mel."""
    edges = np.linspace(_mel(np.array(_LOWEST_HZ)), _mel(np.array(_RATE_HZ / 2)), BANDS + 2)
    bins = _mel(np.arange(_POINTS // 2) * _RATE_HZ / _POINTS)[:, np.newaxis]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    bank = np.zeros((_POINTS // 2 + 1, BANDS), np.float32)
    bank[:-1] = np.maximum(np.minimum(rising, falling), 0)
    return bank


def _mel(hertz: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return 1127 * np.log1p(hertz / 700)
