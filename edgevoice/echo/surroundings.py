"""Surroundings: how loud the room is while nobody speaks to the box. Pure; levels in dB.

A television is a voice, and only its level distinguishes it from a person who addresses the box: it has been going on
for a while at the same level. So the ongoing sound is measured, and a new voice must be louder than that: as it is
heard while the box is silent, and in the blocks that the canceller leaves unchanged while the box speaks.
"""

from collections import deque
from typing import NamedTuple

from edgevoice.echo.noise_floor import LEARNED_LEAK_DB

SLOT_BLOCKS = 25
"""Blocks of which the loudest counts: half a second. A talker has a loud syllable in each, a short noise is in one."""

_SLOTS = 64
"""Half seconds that are remembered, in which the room was heard: 32 s. With 16 s, two of five recorded televisions, 25
dB softer than the echo, cut 3 times in 1.5 minutes each, when they had paused; with 32 s none did.
"""

_LEAST_SLOTS = 4
"""Half seconds after which the room counts as known."""

_SHARE = 0.6
"""The level that three of five half seconds stay below is the room's: whatever lasts for more than two fifths of the
time belongs to the room. A woman on television who paused after each sentence cut 1 to 3 times in 6 minutes at a half,
and not at this. With the loudest quarter instead, people who speak over the box repeatedly became part of the room: of
49 people 20 dB softer than the echo, one every 5 s, 20 were heard, not 27 to 30.
"""

_LOUDER_DB = 9.0
"""By how much a voice must be louder than the room, measured at the median of its blocks.

With 7 dB a recorded woman on television, 25 dB softer than the echo, cut 3 times in 6 minutes, each time by less than
1.1 dB. Of 50 remarks and 47 words 10 dB softer than the echo, 44 and 39 were louder than the quiet room with either.
"""

_RAISED_DB = 3.0
"""The least by which people raise their voice to interrupt."""

_COVERED_DB = 6.0
"""The least that the canceller removes from a block that is echo."""

_UNKNOWN_DB = -12.0
"""How loud a voice must be relative to the echo while the room is not known: in the first seconds after a start."""

_LEAST_LOUDER_DB = 3.0
"""The same over a room whose half seconds are as loud as the steady noise: there is no television in it. In between,
it is as much as the half seconds are louder than the noise. Of 50 remarks 20 dB softer than the echo, 6 more were heard
than with 9 dB in every room.
"""

_QUIET_SLOTS = 6
"""Half seconds of an answer over which nothing was heard until a room that is not known counts as quiet: 3 s. A
television 25 dB softer than the echo is heard in more than every second of them.
"""

_ECHO_RISE = 0.05
_ECHO_FALL = 0.003
"""How the echo's level follows each block from which the canceller removed something: towards the louder ones."""


class Levels(NamedTuple):
    """How loud a block is as heard, as the canceller left it, and in the canceller's estimate of the echo; in dB."""

    heard: float
    left: float
    estimate: float


class Surroundings:
    """What the room itself sounds like. It takes every block except those in which somebody speaks to the box."""

    def __init__(self) -> None:
        self._slots: deque[float] = deque(maxlen=_SLOTS)
        self._loudest: float | None = None
        self._blocks = 0
        self._echo: float | None = None
        self._user: float | None = None
        self._is_loud = False
        self._silent_slots = 0
        self._has_learned = False
        self._noise = -100.0

    @property
    def echo_db(self) -> float | None:
        """Return how loud the echo is at the microphone, in its louder blocks; ``None`` while nothing was cancelled."""
        return self._echo

    @property
    def needed_db(self) -> float:
        """Return how loud a voice must be to count as a person who speaks to the box."""
        if len(self._slots) < _LEAST_SLOTS:
            if self._echo is None or self._silent_slots >= _QUIET_SLOTS:
                return 0.0
            return self._echo + _UNKNOWN_DB
        by_level = sorted(self._slots)
        room = by_level[int(_SHARE * (len(by_level) - 1))]
        return room + min(max(room - self._noise, _LEAST_LOUDER_DB), _LOUDER_DB)

    @property
    def is_loud(self) -> bool:
        """Whether the room is too loud for the user to be heard over it, judged by their last turn.

        The room counts as loud until they could be heard without raising their voice.
        """
        if self._user is None or len(self._slots) < _LEAST_SLOTS:
            return False
        self._is_loud = self.needed_db > self._user + (0.0 if self._is_loud else _RAISED_DB)
        return self._is_loud

    def take_silence(self, level_db: float) -> None:
        """Take the level of a half second in which neither the box nor anybody speaking to it was heard."""
        self._slots.append(level_db)

    def take_user(self, level_db: float) -> None:
        """Take the user's level in the turn that has just ended."""
        self._user = level_db

    def take_noise(self, level_db: float) -> None:
        """Take the level of the room's steady noise, under everything that comes and goes."""
        self._noise = level_db

    def take(self, levels: Levels, leak_db: float, *, is_over: bool = False) -> None:
        """Take a block, and what the canceller leaves of an echo.

        The block belongs to the room if the canceller's estimate of the echo is softer than what is left: otherwise the
        echo's decay in a quiet room is mistaken for the room. Of 50 remarks and 47 words 10 dB softer than the echo, 44
        and 39 were then louder than the room, not 40 and 36, and the level needed to outdo a television was the same.
        ``is_over``: the block was over the bar but turned out not to be a person; it says nothing about the echo.
        """
        self._blocks += 1
        self._has_learned = leak_db < LEARNED_LEAK_DB
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
            self._silent_slots += self._has_learned
            return
        self._slots.append(self._loudest)
        self._loudest = None
