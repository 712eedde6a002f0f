"""Spurt: what has been over the bar lately, and whether it is speech. Pure; counts in blocks of 20 ms."""

import statistics
from dataclasses import dataclass, field

_SPEECH_BLOCKS = 8
"""Blocks that speech lasts at least before it is confirmed: 160 ms."""

_SOUNDING_BLOCKS = 6
"""Of those, blocks over the bar: "stop" has a hole of 60 ms in its middle."""

_VOICED_BLOCKS = 3
_VOICED_SHARE = 1 / 3
"""Of the blocks over the bar, how many and what share are voiced: none of a door, two of a cough's end."""

VOICE = 0.4
_LIKELY_BLOCKS = 3
"""How likely a voice must have been to the voice model, and in how many blocks: 60 ms.

Silero VAD 6.2 in simulated rooms, the box reading with a human voice; cuts in 5 minutes each without the model, and at
0.3, 0.5 and 0.7: music 15 dB below the echo 111, 1, 0, 0; at -25 dB dishes 4, 0, 0, 0, babble 50, 0, 0, 0, a television
128, 100, 87, 72 (in 15 minutes). Of 12 coughs as loud as the echo 2, 1, 0, 0 cut, of 30 laughs 21, 10, 10, 8. People
heard, of 50 as loud as the echo, 10 and 20 dB softer: 46, 44, 32; 46, 44, 32; 46, 44, 31; 46, 43, 28. With 1, 4 and 8
blocks of 0.5, laughs cut 10, 9 and 8 times, barks 4, 2 and 2 of 15, and half of the people were heard within 193, 194
and 226 ms. In rooms with reverberation, 2 blocks of 0.3, 3 of 0.4 and 4 of 0.5: people as loud as the echo 41, 40, 40
of 50, words 43, 41, 39 of 47, clatters 2, 0, 0 of 10, laughs 3, 3, 3 of 10. The people missed are actors who shout.
"""

_SURE = 0.8
_SURELY_VOICED_BLOCKS = 1
_SURELY_VOICED_SHARE = 0.1
"""Where a voice was so likely once, fewer blocks need to be voiced: nineteen in twenty people as loud as the echo are
heard within 376 ms, not 431. With none voiced, one of 12 coughs cut.
"""

_SUPPRESSED_BLOCKS = 2
"""Of the blocks over the bar, how many the suppressor lets pass."""

LOUD_DB = 5.0
_LOUD_BLOCKS = 6
_LOUD_VOICED_BLOCKS = 5
_EXPLAINED = 0.7
"""Beyond doubt are blocks so far over the bar of a canceller that is trusted, whose estimate explains the echo."""


@dataclass(slots=True)
class Block:
    """One block as the two witnesses tell it: dB over their bars, and the linear canceller's leak in this block."""

    linear_over: float
    suppressed_over: float
    leak: float

    @property
    def over(self) -> float:
        """Return by how many dB the block is over the bar of the witness that hears more of it."""
        return max(self.linear_over, self.suppressed_over)


@dataclass(slots=True)
class Spurt:
    """What has been over the bar lately; counts in blocks.

    ``likely`` counts blocks in which the voice model took a voice for likely, ``is_sure`` whether it was sure once.
    ``levels`` are those of all blocks, as heard and as the canceller left them, ``sounding_levels`` of those over the
    bar as left.
    ``explained`` is how much of the near-end the canceller's estimate accounts for, ``estimated`` the estimate's own
    power: the same while the filter is right, whoever talks; the first far less when it is wrong.
    """

    length: int = 0
    sounding: int = 0
    voiced: int = 0
    suppressed: int = 0
    loud: int = 0
    quiet: int = 0
    likely: int = 0
    is_sure: bool = False
    evidence: float = 0.0
    worst_leak: float = -100.0
    explained: float = 0.0
    estimated: float = 0.0
    levels: list[tuple[float, float]] = field(default_factory=list)
    sounding_levels: list[float] = field(default_factory=list)

    def listen(self, certainty: float) -> None:
        """Take how likely a voice is in the newest block."""
        self.likely += certainty >= VOICE
        self.is_sure = self.is_sure or certainty >= _SURE

    @property
    def level(self) -> float:
        """Return how loud it is in the middle of its blocks over the bar, in dB."""
        return statistics.median(self.sounding_levels)

    @property
    def is_speech(self) -> bool:
        """Whether all that was counted says that a person speaks."""
        return (
            self.length >= _SPEECH_BLOCKS
            and self.sounding >= _SOUNDING_BLOCKS
            and self.likely >= _LIKELY_BLOCKS
            and self.is_voiced
            and (self.suppressed >= _SUPPRESSED_BLOCKS or self.is_beyond_doubt)
        )

    @property
    def is_voiced(self) -> bool:
        """Whether enough of it is voiced for a voice as likely as this."""
        least, share = _VOICED_BLOCKS, _VOICED_SHARE
        if self.is_sure:
            least, share = _SURELY_VOICED_BLOCKS, _SURELY_VOICED_SHARE
        return self.voiced >= max(least, share * self.sounding)

    @property
    def is_beyond_doubt(self) -> bool:
        """Whether the linear canceller alone is witness enough."""
        return (
            self.loud >= _LOUD_BLOCKS
            and self.voiced >= _LOUD_VOICED_BLOCKS
            and self.explained > _EXPLAINED * self.estimated
        )
