"""Drift: logs once if microphone and speaker run on different clocks."""

import asyncio
import logging
from typing import Protocol

from edgevoice.core.ports import Observer, Report
from edgevoice.journal import tell

_log = logging.getLogger(__name__)

_LOOK_S = 60.0
_MOST_PPM = 20.0
"""Above this, a canceller that does not follow loses half of its effect: two cards, each with its own crystal."""


class Reference(Protocol):
    """The source of the drift measurement."""

    @property
    def drift_ppm(self) -> float:
        """By how many millionths the speaker's clock runs faster than the microphone's."""
        ...


class DriftWatch(Observer):
    """Checks the echo's reference once a minute until there is something to log."""

    def __init__(self, reference: Reference) -> None:
        self._reference = reference

    async def run(self, _report: Report) -> None:
        """Log once that the clocks drift apart, and that the canceller follows."""
        while True:
            await asyncio.sleep(_LOOK_S)
            ppm = self._reference.drift_ppm
            if abs(ppm) > _MOST_PPM:
                tell(_log, logging.INFO, "clock-drift", ppm=round(ppm), why="two cards: the echo is followed")
                return
