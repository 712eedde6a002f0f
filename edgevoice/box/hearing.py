"""Hearing: whether speech can wake the box. Detects a wake word model that falls behind, and a dead microphone."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from edgevoice.core.facts import HearingImpaired, HearingRestored
from edgevoice.core.ports import Observer
from edgevoice.errors import MICROPHONE_DEAD, WAKEWORD_BEHIND
from edgevoice.journal import tell
from edgevoice.tick import tick

_log = logging.getLogger(__name__)

_LOOK_S = 0.5
_BEHIND_S = 3.0
"""After this long without a frame scored in time, a wake word was lost. The same as the watchdog's freshness."""

_CLOSED_S = 1.0
"""After this long without a callback, the microphone is being opened, or is lost, which has its own light."""

_REMEDIES = {
    MICROPHONE_DEAD: "the microphone delivers exact zeros: check its mute switch, then `alsamixer`, F4; "
    "if it does so by design in a quiet room, set microphone.zeros_s = 0",
    WAKEWORD_BEHIND: "the wake word is computed more slowly than people speak, and frames are dropped: "
    "stop other programs, or listen for fewer words",
}


class Ears(Protocol):
    """What the check needs from the microphone; monotonic seconds."""

    @property
    def called_at(self) -> float:
        """The last callback."""
        ...

    @property
    def sounded_at(self) -> float:
        """The last callback with more than zeros."""
        ...


class Listener(Protocol):
    """What the check needs from the wake word; monotonic seconds, and a count of frames."""

    kept_up_at: float

    @property
    def dropped(self) -> int:
        """How many were dropped so far because they were not scored in time."""
        ...


@dataclass(slots=True)
class Hearing(Observer):
    """Judges the microphone and, if there is one, the wake word; ``code`` is what is wrong, else empty.

    With ``zeros_s`` of 0, zeros count as a quiet room. ``clock`` returns monotonic seconds.
    """

    ears: Ears
    listener: Listener | None
    zeros_s: float
    clock: Callable[[], float] = time.monotonic
    code: str = ""
    _since: float = 0.0
    _suspected: str = ""
    _logged_dropped: int = 0

    async def run(self, report: Callable[[HearingImpaired | HearingRestored], None]) -> None:
        """Check until cancelled, and report changes."""
        while True:
            if (change := self.look(self.clock())) is not None:
                report(change)
            await tick(_LOOK_S)

    def look(self, now: float) -> HearingImpaired | HearingRestored | None:
        """Return what has changed, and log it."""
        if now - self.ears.called_at > _CLOSED_S:
            self._since = now
            return self._become("")
        found = self._found(now)
        # Twice: if the whole machine stalled, the first check is as late as what it checks.
        suspected, self._suspected = self._suspected, found
        if found and found != suspected:
            return None
        return self._become(found)

    def _found(self, now: float) -> str:
        if self.listener is not None and now - max(self._since, self.listener.kept_up_at) > _BEHIND_S:
            return WAKEWORD_BEHIND
        if self.zeros_s and now - max(self._since, self.ears.sounded_at) > self.zeros_s:
            return MICROPHONE_DEAD
        return ""

    def _become(self, code: str) -> HearingImpaired | HearingRestored | None:
        if not code:
            self._log_dropped()
        if code == self.code:
            return None
        before, self.code = self.code, code
        if code:
            tell(_log, logging.ERROR, "hearing-impaired", code=code, dropped=self._dropped, problem=_REMEDIES[code])
            return HearingImpaired(code)
        tell(_log, logging.INFO, "hearing-restored", code=before)
        return HearingRestored()

    @property
    def _dropped(self) -> int:
        return self.listener.dropped if self.listener is not None else 0

    def _log_dropped(self) -> None:
        """Log how many frames were lost since the last report, once the wake word keeps up again."""
        if (frames := self._dropped - self._logged_dropped) > 0:
            self._logged_dropped += frames
            tell(_log, logging.WARNING, "wakeword-dropped", frames=frames, why="the machine was too busy to score them")
