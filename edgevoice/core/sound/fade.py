"""Fade: how a sound ends at once without a click. No I/O, no clock."""

from functools import cache

import numpy as np
import numpy.typing as npt

from edgevoice.core.sound.rates import FAR_END_HZ

FADE = FAR_END_HZ * 3 // 1000
"""Samples in which a cut is silent: 3 ms. Along a cosine they click 11 dB less than 5 ms along a straight line."""

_BEYOND = 4
"""Samples cut off the foot of the cosine: in a soft answer they would be zeros, and what counts as heard is heard."""


def fade_length(handed: int) -> int:
    """Return in how many samples an item fades of which so many were handed over.

    What was heard is reported in milliseconds: the fade ends with one, so that nothing is rounded.
    """
    return FADE - (handed + FADE) % (FAR_END_HZ // 1000)


@cache
def fade_out(samples: int) -> npt.NDArray[np.float64]:
    """Return the gain of each of the last ``samples`` of a sound, to read: from 1 to almost 0 along half a cosine."""
    shape: npt.NDArray[np.float64] = (1 + np.cos(np.pi * np.arange(samples) / (samples + _BEYOND))) / 2
    shape.flags.writeable = False
    return shape
