"""The live box: samples the lights, the microphone's level and the wake word's scores while somebody watches."""

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from edgevoice.audio.microphone import FRAME, Microphone
from edgevoice.core.ports import Panel
from edgevoice.panel.audible import HeardPanel
from edgevoice.panel.lights import Lights
from edgevoice.wakeword.detector import Detector

QUIETEST_DB: Final = -96.0
"""The level of digital silence, which a muted microphone delivers: 16 bits reach no lower."""


class SampledBox:
    """Implements ``LiveBox`` of the control socket."""

    def __init__(self, panel: Panel, microphone: Microphone, detector: Detector | None) -> None:
        self._panel = panel
        self._microphone = microphone
        self._detector = detector

    def lights(self) -> Sequence[dict[str, Any]]:
        """Return what each lamp shows; colours are red, green and blue, 0 to 1."""
        panel = self._panel.beside if isinstance(self._panel, HeardPanel) else self._panel
        if not isinstance(panel, Lights):
            return []
        return [
            {"leds": list(lamp.leds), "pixels": [[round(part, 3) for part in colour] for colour in lamp.frame]}
            for lamp in panel.frames
        ]

    def level(self) -> dict[str, Any]:
        """Return the level of the newest 80 ms in dB of full scale, and the newest score of each wake word."""
        _, pcm = self._microphone.read(self._microphone.position - FRAME)
        samples = np.frombuffer(pcm, "<i2").astype(np.float64)
        power = float(samples @ samples) / len(samples) if len(samples) else 0.0
        level_db = 10 * math.log10(power / 2**30) if power else QUIETEST_DB
        scores = self._detector.scores if self._detector is not None else {}
        words = [
            {"word": word, "score": round(score, 3), "threshold": round(bar, 3)}
            for word, (score, bar) in scores.items()
        ]
        return {"level_db": round(max(level_db, QUIETEST_DB), 1), "words": words}
