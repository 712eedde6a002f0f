"""Spurt: what has been over the bar lately, and whether it is speech. Pure; counts in blocks of 20 ms."""

import statistics
from dataclasses import dataclass, field

from edgevoice.echo.surroundings import Levels

_SPEECH_BLOCKS = 8
"""Blocks that speech lasts at least before it is confirmed: 160 ms."""

_SOUNDING_BLOCKS = 6
"""Of those, blocks over the bar: "stop" has a hole of 60 ms in its middle."""

_VOICED_BLOCKS = 3
_VOICED_SHARE = 1 / 3
"""Of the blocks over the bar, how many and what share are voiced: none of a door, two of a cough's end."""

VOICE = 0.4
"""How likely a voice must be to the voice model for one block to be taken for a voice."""

_LIKELY = 1.6
_LEAST_LIKELY = 0.15
"""What the likelihoods of all blocks must add up to, and the least that counts: 40 ms of 0.8, or 120 ms of 0.3.

Silero VAD 6.2 in simulated rooms with reverberation, the box reading with a human voice. Heard of 50 remarks as loud as
the echo and 10 dB softer, and of 47 words: 43, 38; 42, 30 with 3 blocks of 0.4, and 44, 39; 44, 32 with this sum. The
latest twentieth of the loud remarks was heard after 426 ms, not 654. With sums of 1.2, 2 and 3, words 44, 44, 43 and
32, 32, 32; clatters cut 2, 1, 1 times of 10, laughs 4, 3, 3 of 10 and coughs none. The people still missed are actors
with voices that the model does not know: of 16 remarks it scores 4 below 0.5 even without an echo or a room.
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

    ``likely`` is what the voice model's likelihoods add up to, ``is_sure`` whether it was sure once.
    ``levels`` are those of all its blocks, each with whether it was over the bar. ``explained`` is by how much of its
    own power the canceller's estimate accounts for more of the near-end than it must: positive while the filter is
    right, whoever talks, and negative when it is wrong.
    """

    length: int = 0
    sounding: int = 0
    voiced: int = 0
    suppressed: int = 0
    loud: int = 0
    quiet: int = 0
    likely: float = 0.0
    is_sure: bool = False
    evidence: float = 0.0
    worst_leak: float = -100.0
    explained: float = 0.0
    levels: list[tuple[Levels, bool]] = field(default_factory=list)

    def explain(self, accounted_for: float, power: float) -> None:
        """Take how much of the near-end the estimate accounts for in the newest block, and the estimate's own power."""
        self.explained += accounted_for - _EXPLAINED * power

    def listen(self, certainty: float) -> None:
        """Take how likely a voice is in the newest block."""
        self.likely += certainty if certainty >= _LEAST_LIKELY else 0.0
        self.is_sure = self.is_sure or certainty >= _SURE

    @property
    def level(self) -> float:
        """Return how loud it is in the middle of its blocks over the bar, in dB."""
        return statistics.median(levels.left for levels, is_over in self.levels if is_over)

    @property
    def is_speech(self) -> bool:
        """Whether all that was counted says that a person speaks."""
        return (
            self.length >= _SPEECH_BLOCKS
            and self.sounding >= _SOUNDING_BLOCKS
            and self.likely >= _LIKELY
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
        return self.loud >= _LOUD_BLOCKS and self.voiced >= _LOUD_VOICED_BLOCKS and self.explained > 0
