"""Loudness: the gain of the answer, and its return after a cut, both without a click. No I/O, no clock."""

import numpy as np

from edgevoice.core.sound.fade import FADE, fade_out
from edgevoice.core.sound.sample_queue import Samples

_GAIN_STEP = 1 / 240
"""Change of gain per sample: from full to nothing in 10 ms, so that a change of volume does not click."""

_RISE = 1 - fade_out(FADE)


class Loudness:
    """The target loudness, from 0 to 1, and the ramp to it; ``gain`` is the current value."""

    def __init__(self) -> None:
        self._wanted = 1.0
        self._rise_left = 0
        self.gain = 1.0

    def want(self, gain: float, *, at_once: bool) -> None:
        """Change to another loudness: within 10 ms, or at once if nothing is sounding."""
        self._wanted = gain
        if at_once:
            self.settle()

    def settle(self) -> None:
        """Jump to the target loudness: nothing is sounding that could click."""
        self.gain = self._wanted

    def rise(self) -> None:
        """Let the next samples fade in."""
        self._rise_left = FADE

    def stop_rising(self) -> None:
        """Stop fading in."""
        self._rise_left = 0

    def apply(self, samples: Samples) -> None:
        """Apply the current loudness to samples, in place."""
        self._apply_gain(samples)
        if self._rise_left:
            ramp = _RISE[FADE - self._rise_left :][: len(samples)]
            samples[: len(ramp)] = samples[: len(ramp)] * ramp
            self._rise_left -= len(ramp)

    def _apply_gain(self, samples: Samples) -> None:
        if self.gain == self._wanted:
            if self.gain != 1.0:
                samples[:] = samples * self.gain
            return
        change = self._wanted - self.gain
        steps = np.arange(1, len(samples) + 1) * _GAIN_STEP
        ramp = self.gain + np.sign(change) * np.minimum(steps, abs(change))
        samples[:] = samples * ramp
        self.gain = float(ramp[-1])

    def mark(self) -> tuple[float, int]:
        """Return where it is now, for ``take_back``."""
        return self.gain, self._rise_left

    def take_back(self, mark: tuple[float, int]) -> None:
        """Return to where it was: the samples since then are to be rendered again."""
        self.gain, self._rise_left = mark
