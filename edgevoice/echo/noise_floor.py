"""Bars: how loud a signal is while nobody talks, learned block by block. Pure."""

import math
from dataclasses import dataclass

import numpy as np

from edgevoice.echo.canceller import BLOCK, Samples

LEARNED_LEAK_DB = -10.0
"""Level, relative to the echo, of what a canceller that has learned the room leaves."""

TRUSTED_LEAK_DB = -15.0
"""The same for a canceller whose evidence is trusted alone."""

_FLOOR_BLOCKS = 75
"""Blocks within which the noise must be audible alone at least once: 1.5 s."""

_LEAST_FLOOR_DB = 15.0
"""The lowest level: an amplitude of six steps. In digital silence the filter's own rounding would pass for a person."""

_RISE = 0.2
_NEW_VOICE_RISE = 0.02
_FALL = 0.03
_FASTEST_FALL_DB = -0.25
"""How a leak follows each block: up by a fifth of its deficit, down by a thirtieth of its excess.

The decay of the echo, and people under the bar, raise it within a few blocks, so it must fall again during the next
loud words. Of 50 remarks and 47 words 10 dB softer than the echo, with falls of 0.15, 0.2, 0.25, 0.3 and 0.4 dB at most
45, 47, 48, 49, 49 and 39, 43, 44, 44, 44 came over the bar for 120 ms. In 3.4 minutes each, a television 15 dB softer
did so 35, 71, 86, 104 and 124 times, and in 6.9 minutes of quiet rooms the echo itself 7, 13, 15, 20 and 20 times.

A new voice raises it by a fiftieth: otherwise a person 10 dB softer than the echo lifted it from -20 to -2 dB in half a
second, above their own level. With a fiftieth for voices of any age, the television came over the bar 166 times.
"""

_INAUDIBLE_DB = 6.0
_UNHEARD_BLOCKS = 50
_INAUDIBLE_LEAK_DB = -6.0
"""How little over the noise, and for how many consecutive blocks, the near-end must be to count as free of echo while
the far-end is loud: 1 s of loud speech. The echo is then as loud as the filter estimates it, and hardly softer after
it.
"""


@dataclass(slots=True)
class Bar:
    """How loud one signal is while nobody talks, in dB: at least ``floor``, and at least the echo plus ``leak``.

    The leak falls as the canceller gets better, and rises as it gets worse.
    """

    leak: float
    leak_margin: float
    floor_margin: float
    floor: float = 60.0
    _lowest: float = 100.0
    _blocks: int = 0
    _unheard: int = 0

    @property
    def noise(self) -> float:
        """The level of the room without anybody, the box included; in dB."""
        return max(self.floor, _LEAST_FLOOR_DB)

    def over(self, level: float, echo: float) -> float:
        """Return by how many dB a block is over the bar; negative if it is under it."""
        return level - max(self.noise + self.floor_margin, echo + self.leak + self.leak_margin)

    def follow(self, level: float) -> None:
        """Process any block: every second and a half includes one that is only noise, whoever talks."""
        self._lowest = min(self._lowest, level)
        self._blocks += 1
        if level < self.floor:
            self.floor += 0.3 * (level - self.floor)
        if self._blocks == _FLOOR_BLOCKS:
            self.floor = max(self.floor, self._lowest)
            self._blocks, self._lowest = 0, 100.0

    def look_for_echo(self, near: float) -> None:
        """Take the level of the near-end in a block in which the far-end is loud.

        If it stays as faint as the noise, there is no echo from which a leak could be learned: with headphones, or a
        loudspeaker in another room. Then hardly any echo is expected.
        """
        self._unheard = self._unheard + 1 if near < self.noise + _INAUDIBLE_DB else 0
        if self._unheard >= _UNHEARD_BLOCKS:
            self.leak = min(self.leak, _INAUDIBLE_LEAK_DB)

    def learn(self, level: float, echo: float, *, is_new_voice: bool = False) -> None:
        """Learn from a block under the bar; ``is_new_voice``: it may be a person who has just begun, softly."""
        if echo < self.noise + 12:
            return
        excess = level - echo - self.leak
        if excess <= 0:
            self.leak += max(_FASTEST_FALL_DB, _FALL * excess)
        elif level > self.noise + 4:
            # A block as faint as the noise says nothing about the leak.
            self.leak += (_NEW_VOICE_RISE if is_new_voice else _RISE) * excess


def level_db(samples: Samples) -> float:
    """Return a block's level in dB; an amplitude of one step is 0 dB."""
    wide = samples.astype(np.float32)
    return decibels(float(np.dot(wide, wide)))


def decibels(power: float) -> float:
    """Return the level of a block in dB; ``power`` is the sum of its squared samples."""
    return 10 * math.log10(power / BLOCK + 1)
