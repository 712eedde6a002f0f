"""Spurt: the latest sound over the bar, and whether it is speech. Pure; counts in blocks of 20 ms."""

import statistics
from dataclasses import dataclass, field

from edgevoice.echo.surroundings import Levels

_SPEECH_BLOCKS = 8
"""Blocks that speech must last before it is confirmed: 160 ms."""

_SOUNDING_BLOCKS = 6
"""Of those, blocks over the bar: "stop" has a gap of 60 ms in its middle."""

_VOICED_BLOCKS = 3
_VOICED_SHARE = 1 / 3
"""Number and share of the blocks over the bar that must be voiced: none of a door's are, two of a cough's end."""

VOICE = 0.4
"""Probability from the voice model at which one block counts as a voice."""

_LIKELY = 1.6
_LEAST_LIKELY = 0.15
"""The least sum of the probabilities of all blocks, and the least that counts: 40 ms of 0.8, or 120 ms of 0.3.

Silero VAD 6.2 in simulated rooms with reverberation, the box reading with a human voice. Heard of 50 remarks as loud as
the echo and 10 dB softer, and of 47 words: 43, 38; 42, 30 with 3 blocks of 0.4, and 44, 39; 44, 32 with this sum. The
latest twentieth of the loud remarks was heard after 426 ms, not 654. With sums of 1.2, 2 and 3, words 44, 44, 43 and
32, 32, 32; clatters cut 2, 1, 1 times of 10, laughs 4, 3, 3 of 10 and coughs none. The people still missed are actors
with voices that the model does not know: of 16 remarks it scores 4 below 0.5 even without an echo or a room.
"""

_SURE = 0.8
_SURELY_VOICED_BLOCKS = 1
_SURELY_VOICED_SHARE = 0.1
"""After a probability this high, fewer blocks need to be voiced: nineteen in twenty people as loud as the echo are
heard within 376 ms, not 431. With no voiced block required, one of 12 coughs cut.
"""

_SUPPRESSED_BLOCKS = 2
"""Number of the blocks over the bar that the suppressor must let through."""

LOUD_DB = 5.0
_LOUD_BLOCKS = 6
_LOUD_VOICED_BLOCKS = 5
_EXPLAINED = 0.7
"""Blocks are beyond doubt if they are this far over the bar of a trusted canceller whose estimate explains the echo."""


@dataclass(slots=True)
class Block:
    """One block as both cancellers show it: dB over their bars, and the linear canceller's leak in this block."""

    linear_over: float
    suppressed_over: float
    leak: float

    @property
    def over(self) -> float:
        """Return the larger of the block's two distances over the bars, in dB."""
        return max(self.linear_over, self.suppressed_over)


@dataclass(slots=True)
class Spurt:
    """The latest sound over the bar; counts in blocks.

    ``likely`` is the sum of the voice model's probabilities, ``is_sure`` whether it was sure once. ``levels`` are those
    of all its blocks, each with whether it was over the bar. ``explained`` is by how much of its own power the
    canceller's estimate accounts for more of the near-end than it must: positive while the filter is right, whoever
    talks, and negative when it is wrong.
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
        """Take the probability of a voice in the newest block."""
        self.likely += certainty if certainty >= _LEAST_LIKELY else 0.0
        self.is_sure = self.is_sure or certainty >= _SURE

    @property
    def level(self) -> float:
        """Return the median level of its blocks over the bar, in dB."""
        return statistics.median(levels.left for levels, is_over in self.levels if is_over)

    @property
    def is_speech(self) -> bool:
        """Whether all the counts together mean that a person speaks."""
        return (
            self.length >= _SPEECH_BLOCKS
            and self.sounding >= _SOUNDING_BLOCKS
            and self.likely >= _LIKELY
            and self.is_voiced
            and (self.suppressed >= _SUPPRESSED_BLOCKS or self.is_beyond_doubt)
        )

    @property
    def is_voiced(self) -> bool:
        """Whether enough of it is voiced for a voice of this probability."""
        least, share = _VOICED_BLOCKS, _VOICED_SHARE
        if self.is_sure:
            least, share = _SURELY_VOICED_BLOCKS, _SURELY_VOICED_SHARE
        return self.voiced >= max(least, share * self.sounding)

    @property
    def is_beyond_doubt(self) -> bool:
        """Whether the linear canceller's evidence is sufficient alone."""
        return self.loud >= _LOUD_BLOCKS and self.voiced >= _LOUD_VOICED_BLOCKS and self.explained > 0
