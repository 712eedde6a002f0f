"""Voicing: whether a short piece of sound is periodic like a voice. Pure."""

import numpy as np
import numpy.typing as npt

from edgevoice.core.sound.rates import NEAR_END_HZ
from edgevoice.echo.canceller import BLOCK

WINDOW = 2 * BLOCK
"""Samples that are analysed: 40 ms, three periods of the deepest voice."""

_TRANSFORM = 1024
_VOICE_HZ = (200, 1100)
"""The band in which voices have their strongest harmonics; anything lower, such as a door's thump, is ignored."""

_SHARE = 0.5
"""The least share of that power that must lie in the band; most of a stroke on a dish lies above it."""

_LEAST_SHARE = 0.02
"""The same share of all power: the edges of a hum are not a voice."""

_PITCH_HZ = (75, 600)
"""From the deepest voice to a child that shouts, or a falsetto."""

_LIKENESS = 0.55
"""The least similarity of two periods. Noise of this bandwidth and length stays below 0.5, voices lie at 0.9."""

_RINGING_MS = 0.6
_CLEARANCE = 0.1
"""How far a voice's period must stand out over shorter ones. A sound that rings at one high pitch matches at all of
them.
"""


def is_voiced(window: npt.NDArray[np.float32]) -> bool:
    """Return whether ``WINDOW`` samples at 16 kHz are voiced; for silence, False."""
    spectrum = np.fft.rfft(window * _HANN, _TRANSFORM)
    power = spectrum.real**2 + spectrum.imag**2
    total, above = float(power.sum()), float(power[_LOW:].sum())
    power[:_LOW] = 0
    power[_HIGH:] = 0
    if float(power.sum()) <= max(_SHARE * above, _LEAST_SHARE * total):
        return False
    likeness = np.fft.irfft(power, _TRANSFORM)[: _LONGEST + 1] / _OF_THE_WINDOW
    period = float(likeness[_SHORTEST:].max())
    ringing = float(likeness[_RINGING:_SHORTEST].max())
    return period > max(_LIKENESS * float(likeness[0]), ringing + _CLEARANCE * float(likeness[0]))


_HANN = np.hanning(WINDOW).astype(np.float32)
_LOW, _HIGH = (round(frequency * _TRANSFORM / NEAR_END_HZ) for frequency in _VOICE_HZ)
_LONGEST, _SHORTEST = (NEAR_END_HZ // pitch for pitch in _PITCH_HZ)
_RINGING = round(_RINGING_MS * NEAR_END_HZ / 1000)
# The window's own autocorrelation: divided out, or long periods would look less alike than they are.
_OF_THE_WINDOW = np.correlate(_HANN, _HANN, "full")[WINDOW - 1 : WINDOW + _LONGEST]
_OF_THE_WINDOW = _OF_THE_WINDOW / _OF_THE_WINDOW[0]
