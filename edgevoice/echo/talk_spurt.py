"""Spurt: the latest sound over the bar, and whether it is speech. Pure; counts in blocks of 20 ms.

What is known of a sound is added up to one score, so that much of the one makes up for little of the other: a person
whose voice the model hardly knows is recognised by pitch and by the suppressor, and one without pitch by the model.
"""

import statistics
from dataclasses import dataclass, field

from edgevoice.echo.surroundings import Levels
from edgevoice.echo.voice import UNDECIDED

_SPEECH_BLOCKS = 6
"""Blocks that speech must last before it is confirmed: 120 ms."""

_SOUNDING_BLOCKS = 4
_SOUNDING_SHARE = 0.25
"""Number and share of those that must be over the bar: "stop" has a gap of 60 ms in its middle. Once the voice is
lowered, what an overdriven loudspeaker leaves is under the bar, whatever the voice model took it for.
"""

_LEAST_LIKELY = 1.1
_NEEDED_SCORE = 7.0
_SOUNDING_WEIGHT = 0.25
_VOICED_WEIGHT = 0.25
_MOST_COUNTED = 8
_MOST_SUPPRESSED = 4
"""The least sum of the voice model's probabilities, and the score that confirms speech. The score is this sum, plus the
highest of the probabilities, minus ``UNDECIDED`` for every block, plus a quarter for each block over the bar and for
each that is voiced, up to eight, plus one for each that the suppressor lets through, up to four.

Silero VAD 6.2 in simulated rooms with reverberation, the box reading with a human voice. Heard of 50 remarks as loud as
the echo and 20 dB softer, and of 47 words as loud and 10 dB softer: 46, 33; 43, 43. Of 40 laughs, 25 dogs, 10 moans
and 46 coughs, doors, birds and clatters 18, 3, 4 and 0 cut the answer. With 0.15 for ``UNDECIDED`` it was 47, 33; 43,
43 and 19, 5, 4, 0. With 0.25 and a score of 7.5 fewer dogs and moans cut it, but of 24 words of other people, 10 dB
softer than the echo, 16 were heard instead of 19. The people still missed are actors with voices that the model does
not know: of 16 remarks it scores 4 below 0.5 even without an echo or a room.
"""

_VOICED_BLOCKS = 3
_VOICED_SHARE = 0.25
"""Number and share of the blocks over the bar that must be voiced: none of a door's are, two of a cough's end."""

_SURE = 0.8
_SURELY_VOICED_BLOCKS = 1
_SURELY_VOICED_SHARE = 0.1
"""After a probability this high, fewer must be. With 0.7, or with none at all, coughs by formula cut the answer."""

_SUPPRESSED_BLOCKS = 2
"""Number of the blocks over the bar that the suppressor must let through."""

LOUD_DB = 5.0
_LOUD_BLOCKS = 6
_LOUD_VOICED_BLOCKS = 5
_CERTAIN = 6.0
_EXPLAINED = 0.7
"""Without the suppressor, blocks are beyond doubt if the canceller's estimate explains the echo, and they are this far
over the bar of a trusted canceller, or the voice model is certain for 120 ms and once sure.

Of the box's own voice it was certain for so long three times in 260 min of quiet rooms, and never surer than 0.75; of
130 people 20 dB softer than the echo as many are heard, 84.
"""


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

    ``likely`` is the sum of the voice model's probabilities, ``likeliest`` the highest of them. ``levels`` are those
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
    likeliest: float = 0.0
    evidence: float = 0.0
    worst_leak: float = -100.0
    explained: float = 0.0
    levels: list[tuple[Levels, bool]] = field(default_factory=list)

    def explain(self, accounted_for: float, power: float) -> None:
        """Take how much of the near-end the estimate accounts for in the newest block, and the estimate's own power."""
        self.explained += accounted_for - _EXPLAINED * power

    def listen(self, certainty: float) -> None:
        """Take the probability of a voice in the newest block."""
        self.likely += certainty if certainty >= UNDECIDED else 0.0
        self.likeliest = max(self.likeliest, certainty)

    @property
    def level(self) -> float:
        """Return the median level of its blocks over the bar, in dB."""
        return statistics.median(levels.left for levels, is_over in self.levels if is_over)

    @property
    def score(self) -> float:
        """Return how much speaks for a person; see ``_NEEDED_SCORE``."""
        return (
            self.likely
            + self.likeliest
            - UNDECIDED * self.length
            + _SOUNDING_WEIGHT * min(self.sounding, _MOST_COUNTED)
            + _VOICED_WEIGHT * min(self.voiced, _MOST_COUNTED)
            + min(self.suppressed, _MOST_SUPPRESSED)
        )

    @property
    def is_speech(self) -> bool:
        """Whether all the counts together mean that a person speaks."""
        return (
            self.length >= _SPEECH_BLOCKS
            and self.sounding >= max(_SOUNDING_BLOCKS, _SOUNDING_SHARE * self.length)
            and self.likely >= _LEAST_LIKELY
            and self.score >= _NEEDED_SCORE
            and self.is_voiced
            and (self.suppressed >= _SUPPRESSED_BLOCKS or self.is_beyond_doubt)
        )

    @property
    def is_voiced(self) -> bool:
        """Whether enough of it is voiced for a voice of this probability."""
        least, share = _VOICED_BLOCKS, _VOICED_SHARE
        if self.likeliest >= _SURE:
            least, share = _SURELY_VOICED_BLOCKS, _SURELY_VOICED_SHARE
        return self.voiced >= max(least, share * self.sounding)

    @property
    def is_beyond_doubt(self) -> bool:
        """Whether the linear canceller's evidence is sufficient alone."""
        is_certain = self.likely >= _CERTAIN and self.likeliest >= _SURE
        is_clear = self.loud >= _LOUD_BLOCKS or is_certain
        return is_clear and self.voiced >= _LOUD_VOICED_BLOCKS and self.explained > 0
