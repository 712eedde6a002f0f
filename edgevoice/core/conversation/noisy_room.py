"""Noisy room: decides when speech over the answer cannot be told from the room, and when it can again. Pure.

In a hopeless room the answer is ducked or cut again and again although nobody speaks to the box. The box then ignores
speech until the answer is over or the room has been quiet for a while; the wake word and the button still interrupt.
Meanwhile the uplink carries zeros under the answer, as it does when the box hears itself: otherwise the service would
cut the answer because of the same noise.

The evidence outlives the answer: the next one begins with speech allowed, and one more false duck is enough.
"""

from collections import deque
from dataclasses import dataclass

_DUCKS = 12
_DUCKS_WITHIN_S = 30.0
"""False ducks, with no speech behind them, that make a room hopeless.

Recorded kitchens, music, televisions and babble 15 dB below the echo caused 13 to 30 in three simulated rooms, 25 dB
below 2 to 19, 35 dB below at most 2, and quiet rooms at most 4.
"""

_DUCKS_WHERE_LOUD = 4
"""The same if the noise in the room is known to be as loud as the people who speak to the box."""

_CUTS = 2
_CUTS_WITHIN_S = 60.0
"""False cuts, after which the answer was resumed, that make a room hopeless."""

QUIET_S = 10.0
"""How long nothing may begin over the answer before speech may interrupt it again."""


@dataclass(frozen=True, slots=True)
class Noise:
    """Why speech cannot be told from the room.

    ``ducks``: those without speech in the last 30 s; ``false_cuts``: those of the last minute; ``is_loud``: the noise
    in the room is as loud as the people who speak to the box.
    """

    ducks: int
    false_cuts: int
    is_loud: bool


class NoisyRoom:
    """The evidence against the room, and whether speech is ignored because of it.

    ``noise`` says why speech is ignored; it is ``None`` while speech interrupts. ``is_loud`` is what the echo stage
    measures. Unless ``may_ignore`` is set, speech is never ignored. Times are monotonic seconds.
    """

    def __init__(self, *, may_ignore: bool) -> None:
        self._may_ignore = may_ignore
        self._ducks: deque[float] = deque(maxlen=_DUCKS)
        self._cuts: deque[float] = deque(maxlen=_CUTS)
        self.is_loud = False
        self.noise: Noise | None = None

    @property
    def is_hopeless(self) -> bool:
        """Whether speech over the answer is ignored."""
        return self.noise is not None

    def note_false_duck(self, now: float) -> None:
        """Record that something began over the answer and was not speech."""
        self._ducks.append(now)
        self._judge(now)

    def note_false_cut(self, now: float) -> None:
        """Record that the answer was cut although nobody spoke."""
        self._cuts.append(now)
        self._judge(now)

    def forgive(self) -> None:
        """Let speech interrupt again; the evidence is kept."""
        self.noise = None

    def _judge(self, now: float) -> None:
        ducks = sum(now - at <= _DUCKS_WITHIN_S for at in self._ducks)
        cuts = sum(now - at <= _CUTS_WITHIN_S for at in self._cuts)
        is_hopeless = ducks >= (_DUCKS_WHERE_LOUD if self.is_loud else _DUCKS) or cuts >= _CUTS
        if self._may_ignore and is_hopeless and self.noise is None:
            self.noise = Noise(ducks, cuts, self.is_loud)
