"""Energy gate: whether a frame may hold a word, or only the room. No files, no clock; a twentieth of a score's cost.

It errs towards open: a gate that is shut during a word makes a box deaf, one that is open in vain costs 3 ms per
second.
"""

import numpy as np

from edgevoice.wakeword.models.shapes import FRAME, RATE_HZ, Samples

_EDGES_HZ = (100, 400, 700, 1000, 1400, 2000, 3000, 4500, 7000)
"""Bands wide enough that noise is steady in them, narrow enough that a vowel stands out.

A single band lost words at 5 dB above the noise that were scored over the threshold; these bands lost none at -5.
"""

_MARGIN_DB = 6.5
"""Above the floor, in any band. Steady noise of any colour exceeds it in one frame of 400."""

_RISE_DB = 0.08
"""How fast a floor rises under a room that has become louder, per frame: 1 dB in a second."""

_LOWEST_DB = 0.0
"""Power in one bin, in units of s16: less than rounding leaves."""

_HELD_FRAMES = 25
"""Frames to stay open after the last loud one: 2 s, as long as a score remembers."""


class EnergyGate:
    """Follows the room's floor in eight bands: down at once, up slowly."""

    def __init__(self) -> None:
        self._edges = [round(edge * FRAME / RATE_HZ) for edge in _EDGES_HZ]
        self._window = np.hanning(FRAME).astype(np.float32)
        # So that white noise of 1, in units of s16, has 0 dB in every band.
        self._weights = 1 / (np.diff(self._edges) * float((self._window**2).sum()))
        self._floors_db = np.full(len(self._weights), np.inf)
        self._held = _HELD_FRAMES

    def is_open(self, frame: Samples) -> bool:
        """Take the next 1280 samples, s16; return whether they, or frames shortly before, stand out from the room."""
        spectrum = np.fft.rfft(frame * self._window)[: self._edges[-1]]
        power = spectrum.real**2 + spectrum.imag**2
        levels = np.add.reduceat(power, self._edges[:-1]) * self._weights
        levels_db = 10 * np.log10(np.maximum(levels, 10 ** (_LOWEST_DB / 10)))
        # Digital silence is a muted microphone, not a room: its floor would take half a minute to rise again.
        if frame.any():
            self._floors_db = np.minimum(self._floors_db + _RISE_DB, levels_db)
        is_loud = bool((levels_db > self._floors_db + _MARGIN_DB).any())
        self._held = _HELD_FRAMES if is_loud else max(0, self._held - 1)
        return self._held > 0
