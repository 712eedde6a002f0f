"""Spurt: what has been over the bar lately, and whether it is speech. Pure; counts in blocks of 20 ms."""

from dataclasses import dataclass

_SPEECH_BLOCKS = 8
"""Blocks that speech lasts at least before it is confirmed: 160 ms."""

_SOUNDING_BLOCKS = 6
"""Of those, blocks over the bar: "stop" has a hole of 60 ms in its middle."""

_VOICED_BLOCKS = 3
_VOICED_SHARE = 1 / 3
"""Of the blocks over the bar, how many and what share are voiced: none of a door, two of a cough's end."""

VOICE = 0.5
"""How sure the voice model must have been of a voice, at its surest.

Silero VAD 6.2 in simulated rooms, the box reading with a human voice; cuts in 5 minutes each without the model, and at
0.3, 0.5 and 0.7: music 15 dB below the echo 111, 1, 0, 0; at -25 dB dishes 4, 0, 0, 0, babble 50, 0, 0, 0, a television
128, 100, 87, 72 (in 15 minutes). Of 12 coughs as loud as the echo 2, 1, 0, 0 cut, of 30 laughs 21, 10, 10, 8. People
heard, of 50 as loud as the echo, 10 and 20 dB softer: 46, 44, 32; 46, 44, 32; 46, 44, 31; 46, 43, 28.
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

    ``voice`` is how sure the voice model was of speech, at its surest; sure of all where there is no model.
    ``explained`` is how much of the near-end the canceller's estimate accounts for, ``estimated`` the estimate's own
    power: the same while the filter is right, whoever talks; the first far less when it is wrong.
    """

    length: int = 0
    sounding: int = 0
    voiced: int = 0
    suppressed: int = 0
    loud: int = 0
    quiet: int = 0
    voice: float = 0.0
    evidence: float = 0.0
    worst_leak: float = -100.0
    explained: float = 0.0
    estimated: float = 0.0

    @property
    def is_speech(self) -> bool:
        """Whether all that was counted says that a person speaks."""
        return (
            self.length >= _SPEECH_BLOCKS
            and self.sounding >= _SOUNDING_BLOCKS
            and self.voiced >= max(_VOICED_BLOCKS, _VOICED_SHARE * self.sounding)
            and self.voice >= VOICE
            and (self.suppressed >= _SUPPRESSED_BLOCKS or self.is_beyond_doubt)
        )

    @property
    def is_beyond_doubt(self) -> bool:
        """Whether the linear canceller alone is witness enough."""
        return (
            self.loud >= _LOUD_BLOCKS
            and self.voiced >= _LOUD_VOICED_BLOCKS
            and self.explained > _EXPLAINED * self.estimated
        )
