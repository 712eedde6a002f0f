"""FireRedVAD: a second voice model, which hears each sound afresh and also says whether it is speech or a laugh.

FireRedVAD's streaming model (FireRed Team, Apache-2.0, 588,000 parameters) rates every 10 ms how likely a voice is. It
takes laughs and barks for voices, but three of its inner layers tell them from words: a linear classifier of those,
trained by ``scripts/voice-kind``, says so. The kernel computes both, see ``kernel.sound_models``.
"""

from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from edgevoice.wakeword.models.firered_file import BANDS, UNITS, Floats

Samples = npt.NDArray[np.int16]

KIND_LAYERS: Final = (1, 3, 5)
KIND: Final = Path(__file__).with_name("voice_kind.npy")
"""The classifier's weights: (3, 2, 128) for each of those layers' newest values and their mean since the sound began,
and its constant."""

KIND_SIZE: Final = 2 * len(KIND_LAYERS) * UNITS + 1

_RATE_HZ: Final = 16_000
_WINDOW: Final = 400
_POINTS: Final = 512
_LOWEST_HZ: Final = 20.0
"""Kaldi's filter bank, as the model was trained with: 80 bands of frames of 25 ms, 10 ms apart."""

_IGNORED: Final = 2
"""Blocks of a sound that are not heard before more of it follows: most sounds over the bar end within three."""

_AT_ONCE: Final = 8
"""Blocks that are caught up with at once: 25 from before the sound would take 5 ms, and so are heard by its sixth."""


class Network(Protocol):
    """The network with its memory: each of its layers remembers 190 ms."""

    def forget(self) -> None:
        """Go on as if nothing had been heard."""
        ...

    def take(self, blocks: Sequence[Samples], before: int) -> list[tuple[float, float]]:
        """Take blocks of 20 ms, the first ``before`` of them not of the sound; return what is judged of the others.

        The first block after `forget` completes no frame: 0, and what the others have come to.
        """
        ...


class FireRed:
    """Implements ``echo.voice.SoundModel``."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._waiting: deque[Samples] = deque()
        self._before = self._taken = 0

    def begin(self, before: Sequence[Samples]) -> None:
        """Forget everything; see ``echo.voice.SoundModel.begin``."""
        self._network.forget()
        self._waiting = deque(before)
        self._before, self._taken = len(before), 0

    def take(self, block: Samples) -> list[tuple[float, float]]:
        """Take the sound's next block; see ``echo.voice.SoundModel.take``."""
        self.wait(block)
        if self._taken <= _IGNORED:
            return []
        blocks = [self._waiting.popleft() for _ in range(min(_AT_ONCE, len(self._waiting)))]
        before = min(self._before, len(blocks))
        self._before -= before
        return self._network.take(blocks, before)

    def wait(self, block: Samples) -> None:
        """Keep the sound's next block; see ``echo.voice.SoundModel.wait``."""
        self._waiting.append(block)
        self._taken += 1

    @property
    def is_behind(self) -> bool:
        """Whether some of what it was given still waits."""
        return bool(self._waiting)


def povey_window() -> Floats:
    """Return the (400,) window of a frame of 25 ms."""
    turns = np.arange(_WINDOW) / (_WINDOW - 1)
    return ((0.5 - 0.5 * np.cos(2 * np.pi * turns)) ** 0.85).astype(np.float32)


def filter_bank() -> Floats:
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
