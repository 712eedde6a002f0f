"""Surroundings: how loud the room is by itself, without anybody speaking to the box. Pure; levels in dB.

A television is a voice, and only its level tells it from a person who turns to the box: it has been going on for a
while, as loud as now. So what goes on is measured, and a new voice must be louder than that: while the box is silent,
as it is heard, and while it speaks, in the blocks that the canceller leaves as they were.
"""

from collections import deque
from typing import NamedTuple

from edgevoice.echo.noise_floor import LEARNED_LEAK_DB

SLOT_BLOCKS = 25
"""Blocks of which the loudest counts: half a second. A talker has a loud syllable in each, a short noise is in one."""

_SLOTS = 32
"""Half seconds that are remembered: 16 s."""

_LEAST_SLOTS = 4
"""Half seconds after which the room is known."""

_SHARE = 0.6
"""The room is as loud as three of five half seconds: what goes on more than two fifths of the time is the room's own. A
woman on television who paused after each sentence cut 1 to 3 times in 6 minutes at a half, and not at this. With the
loudest quarter instead, people who speak over the box again and again became the room themselves: of 49 people 20 dB
softer than the echo, one every 5 s, 20 were heard, not 27 to 30.
"""

_LOUDER_DB = 9.0
"""By how much a voice must be louder than the room, at the middle of its blocks.

With 7 dB a recorded woman on television, 25 dB softer than the echo, cut 3 times in 6 minutes, each time by less than
1.1 dB. Of 50 remarks and 47 words 10 dB softer than the echo, 44 and 39 were louder than the quiet room with either.
"""

_RAISED_DB = 3.0
"""By how much people raise their voice to interrupt, at the least."""

_COVERED_DB = 6.0
"""How much the canceller takes away, at least, from a block that is the echo."""

_UNKNOWN_DB = -12.0
"""How loud a voice must be against the echo while the room is not known: in the first seconds of a box's life."""

_ECHO_RISE = 0.05
_ECHO_FALL = 0.003
"""How the echo's level follows each block that the canceller took something away from: to the louder ones."""


class Levels(NamedTuple):
    """How loud a block is as heard, as the canceller left it, and what the canceller took for the echo; in dB."""

    heard: float
    left: float
    estimate: float


class Surroundings:
    """What the room sounds like by itself. It takes every block but those in which somebody speaks to the box."""

    def __init__(self) -> None:
        self._slots: deque[float] = deque(maxlen=_SLOTS)
        self._loudest: float | None = None
        self._blocks = 0
        self._echo: float | None = None
        self._user: float | None = None
        self._is_loud = False

    @property
    def echo_db(self) -> float | None:
        """Return how loud the echo is at the microphone, in its louder blocks; ``None`` while nothing was cancelled."""
        return self._echo

    @property
    def needed_db(self) -> float:
        """Return how loud a voice must be to be taken for a person who speaks to the box."""
        if len(self._slots) < _LEAST_SLOTS:
            return 0.0 if self._echo is None else self._echo + _UNKNOWN_DB
        by_level = sorted(self._slots)
        return by_level[int(_SHARE * (len(by_level) - 1))] + _LOUDER_DB

    @property
    def is_loud(self) -> bool:
        """Whether the room is so loud that the user could not outdo it, as loud as they were in their last turn.

        It is loud until they could without raising their voice.
        """
        if self._user is None or len(self._slots) < _LEAST_SLOTS:
            return False
        self._is_loud = self.needed_db > self._user + (0.0 if self._is_loud else _RAISED_DB)
        return self._is_loud

    def take_silence(self, level_db: float) -> None:
        """Take how loud a half second was in which neither the box nor anybody speaking to it was heard."""
        self._slots.append(level_db)

    def take_user(self, level_db: float) -> None:
        """Take how loud the user was in the turn that has just ended."""
        self._user = level_db

    def take(self, levels: Levels, leak_db: float, *, is_over: bool = False) -> None:
        """Take a block, and what the canceller leaves of an echo.

        It is the room's own where the echo, as the canceller estimates it, is softer than what is left: else the echo's
        decay in a quiet room is taken for the room. Of 50 remarks and 47 words 10 dB softer than the echo, 44 and 39
        were louder than the room then, not 40 and 36, and a television had to be outdone by as much as before.
        ``is_over``: it was over the bar and turned out to be nobody; such a block says nothing about the echo.
        """
        self._blocks += 1
        if self._blocks == SLOT_BLOCKS:
            self._end_slot()
        if levels.heard - levels.left >= _COVERED_DB:
            if not is_over:
                self._follow_echo(levels.heard)
        elif leak_db < LEARNED_LEAK_DB and levels.estimate < levels.left:
            self._loudest = levels.left if self._loudest is None else max(self._loudest, levels.left)

    def _follow_echo(self, near_db: float) -> None:
        if self._echo is None:
            self._echo = near_db
        excess = near_db - self._echo
        self._echo += (_ECHO_RISE if excess > 0 else _ECHO_FALL) * excess

    def _end_slot(self) -> None:
        self._blocks = 0
        if self._loudest is None:
            return
        self._slots.append(self._loudest)
        self._loudest = None
