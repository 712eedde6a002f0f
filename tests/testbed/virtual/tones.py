"""A sound that can be computed for any time, between samples too: many tones at once, for tests."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Tones:
    """40 tones up to a highest frequency, -15 dBFS together."""

    frequencies_hz: Floats
    phases: Floats
    amplitude: float = 1300.0

    @classmethod
    def make(cls, highest_hz: float) -> Self:
        chance = np.random.default_rng(11)
        return cls(chance.uniform(50, highest_hz, 40), chance.uniform(0, 2 * np.pi, 40))

    def at(
        self, moments_s: Floats, response: npt.NDArray[np.floating] | None = None, rate_hz: float = 16_000
    ) -> Floats:
        """Return the sound at each time, through a ``response`` whose taps are at ``rate_hz``."""
        gains = np.ones(len(self.frequencies_hz), dtype=np.complex128)
        if response is not None:
            turns = np.outer(self.frequencies_hz, np.arange(len(response)) / rate_hz)
            gains = np.exp(-2j * np.pi * turns) @ response
        sum_ = np.zeros(len(moments_s))
        for frequency_hz, phase, gain in zip(self.frequencies_hz, self.phases, gains, strict=True):
            sum_ += np.imag(self.amplitude * gain * np.exp(1j * (2 * np.pi * frequency_hz * moments_s + phase)))
        return sum_
