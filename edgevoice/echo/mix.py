"""Mix reference: everything that the speaker emits, as captured from a loopback, or the box's own sound without it.

No I/O, no clock. What is captured holds the music of other programs, too, so their echo can be cancelled as well. It
comes as it sounds, not before, so the near-end has to wait for it. Whenever the capture cannot serve, the box's own
sound is the reference, as if no mix were named: the box then hears itself as little as ever.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from edgevoice.core.sound.clockfit import ClockFit
from edgevoice.core.sound.rates import FAR_END_HZ
from edgevoice.echo.canceller import Samples
from edgevoice.echo.reference import FarEndReference

LOOKAHEAD = 2
"""Blocks of 20 ms by which the near-end is late: a captured period is complete 20 ms after its first sample, and its
thread, the card's own steps and the resampler take up to 12 ms more.
"""

_LEAD_S = 0.008
"""The reference is early by this much; an echo that comes before its reference can never be cancelled."""

_LOUD = 300
"""Amplitude of the box's own sound that a mix must carry."""

_SILENT_BLOCKS = 50
_CARRIED_BLOCKS = 25
"""Blocks of own sound that are missing in a mix that is silent, 1 s, and that it must carry to serve again."""

_STILL = FAR_END_HZ * 3 // 10
"""Samples that have not come, 300 ms, after which the capture stands still."""

_LATE_BLOCKS, _LATE_AMONG = 5, 250
"""So many blocks among so many, 5 s, that were not complete: the capture needs longer than assumed."""

_LATE_RESERVE = FAR_END_HZ // 200
_MOST_DELAY_S = 0.2
"""How much longer a capture may take. The rest of the filter's 280 ms is for the room."""


class MixState(StrEnum):
    """Whether the mix is the reference, or why it is not."""

    USED = "used"
    CLOSED = "closed"
    SETTLING = "settling"
    STILL = "still"
    LATE = "late"
    SILENT = "silent"


@dataclass(slots=True)
class _Carriage:
    """How much of the box's own sound was missing in the mix, and then was in it, in blocks."""

    missing: int = 0
    carried: int = 0

    @property
    def is_broken(self) -> bool:
        return self.missing >= _SILENT_BLOCKS

    def take(self, *, is_carried: bool) -> None:
        """Count a block in which the box speaks."""
        if not is_carried:
            self.missing += 1
            self.carried = 0
            return
        self.carried += 1
        if not self.is_broken or self.carried >= _CARRIED_BLOCKS:
            self.missing = 0


@dataclass(slots=True)
class _Lateness:
    """How often the capture was late lately; ``delay_s`` is how much longer it is waited for since it was opened."""

    blocks: int = 0
    late: int = 0
    worst: int = 0
    delay_s: float = 0.0

    def take(self, short: int) -> float:
        """Take how many samples of a block had not come; return for how many seconds more to wait, usually 0."""
        self.late += short > 0
        self.worst = max(self.worst, short)
        self.blocks += 1
        longer_s = 0.0
        if self.late >= _LATE_BLOCKS:
            longer_s = (self.worst + _LATE_RESERVE) / FAR_END_HZ
            self.delay_s += longer_s
        if longer_s or self.blocks >= _LATE_AMONG:
            self.blocks = self.late = self.worst = 0
        return longer_s


class MixReference:
    """``stage.ReferenceBlocks`` of what is captured; ``own`` is the box's own sound.

    ``near`` is the clock of the microphone, ``clock`` that of the capture. ``captured`` is for the capture's thread,
    ``open`` and ``close`` for the loop, the rest for the microphone's callback. ``state`` may be read anywhere.
    """

    lookahead = LOOKAHEAD

    def __init__(self, own: FarEndReference, near: ClockFit) -> None:
        self.clock = ClockFit(FAR_END_HZ)
        self._own = own
        self._mix = FarEndReference(near, self.clock, lead_s=_LEAD_S)
        self._is_open = False
        self._switches = 0
        self._carriage = _Carriage()
        self._lateness = _Lateness()
        self.state = MixState.CLOSED
        self.is_ours = False

    @property
    def captured(self) -> FarEndReference:
        """Takes what is captured, at 24 kHz."""
        return self._mix

    def open(self) -> None:
        """Take the capture for the reference as soon as its clock is known."""
        self._carriage, self._lateness = _Carriage(), _Lateness()
        self._is_open = True

    def close(self) -> None:
        """Return to the box's own sound: the capture has ended."""
        self._is_open = False

    @property
    def is_settled(self) -> bool:
        """Whether the blocks of the reference in use are aligned."""
        return self._in_use.is_settled

    @property
    def is_moving(self) -> bool:
        """Whether the reference in use has just lost samples."""
        return self._in_use.is_moving

    @property
    def jumps(self) -> int:
        """How often the echo has moved against the reference, or another reference has been taken."""
        return self._own.jumps + self._mix.jumps + self._switches

    def block(self, position: int, count: int) -> Samples | None:
        """Return the reference for near-end samples; see `FarEndReference.block`."""
        ours = self._own.block(position, count)
        self.is_ours = ours is not None
        mix = self._mix.block(position, count) if self._is_open else None
        if self._mix.is_settled and ours is not None and int(np.abs(ours).max()) > _LOUD:
            self._carriage.take(is_carried=mix is not None)
        state = self._judge()
        if state is MixState.USED and (longer_s := self._lateness.take(self._mix.short)):
            self._mix.delay_by(longer_s)
            self._switches += 1
        elif (state is MixState.USED) is not (self.state is MixState.USED):
            self._switches += 1
        self.state = state
        # A mix that is still silent has just not come yet, or is about to be found broken.
        return mix if state is MixState.USED and mix is not None else ours

    @property
    def _in_use(self) -> FarEndReference:
        return self._mix if self.state is MixState.USED else self._own

    def _judge(self) -> MixState:
        if not self._is_open:
            return MixState.CLOSED
        if not self._mix.is_settled and not self._mix.is_moving:
            return MixState.SETTLING
        if self._mix.short > _STILL:
            return MixState.STILL
        if self._lateness.delay_s > _MOST_DELAY_S:
            return MixState.LATE
        return MixState.SILENT if self._carriage.is_broken else MixState.USED
