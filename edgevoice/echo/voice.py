"""Voice: the probability that a person speaks, in addition to pitch and loudness."""

from typing import Protocol

from edgevoice.echo.canceller import Samples


class VoiceModel(Protocol):
    """Follows a signal block by block. Not thread-safe."""

    def take(self, block: Samples) -> float:
        """Take the next samples, mono s16 at 16 kHz; return the probability of speech in the newest, from 0 to 1."""
        ...
