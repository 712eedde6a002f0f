"""Voice: the probability that a person speaks, in addition to pitch and loudness."""

from typing import Protocol

from edgevoice.echo.canceller import Samples

VOICE = 0.4
"""Probability from the voice model at which one block counts as a voice."""

UNDECIDED = 0.2
"""The probability that speaks neither for a voice nor against one; less counts as none."""


class VoiceModel(Protocol):
    """Follows a signal block by block. Not thread-safe."""

    def take(self, block: Samples) -> float:
        """Take the next samples, mono s16 at 16 kHz; return the probability of speech in the newest, from 0 to 1."""
        ...

    def anew(self) -> "VoiceModel":
        """Return the same model as it is before it has heard anything."""
        ...
