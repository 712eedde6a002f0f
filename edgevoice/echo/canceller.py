"""The interface of every echo canceller. No library, no clock."""

from typing import Protocol

import numpy as np
import numpy.typing as npt

BLOCK = 320
"""Samples per call: 20 ms, one period of the capture callback."""

Samples = npt.NDArray[np.int16]


class EchoCanceller(Protocol):
    """Removes the box's own sound from the near-end, block by block, in chronological order. Not thread-safe."""

    def process(self, near: Samples, far: Samples) -> Samples:
        """Return the near-end without the echo: ``BLOCK`` samples, mono s16 at 16 kHz.

        ``far`` is what the speaker was handed for the same instant; the room's own delay is learned. Raises ValueError
        if either is not exactly one block.
        """
        ...

    def reset(self) -> None:
        """Forget the room: it is learned again within the first seconds of sound."""
        ...


def one_block(samples: Samples) -> Samples:
    """Return ``samples`` as one contiguous block of s16, so that no read goes past its end; else ValueError."""
    if samples.shape != (BLOCK,) or samples.dtype != np.int16:
        raise ValueError(f"a block is {BLOCK} samples of int16, not {samples.shape} of {samples.dtype}")
    return np.ascontiguousarray(samples)
