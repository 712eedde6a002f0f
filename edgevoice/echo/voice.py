"""Voice: how likely it is that a person speaks. A witness beside pitch and loudness."""

from typing import Protocol

from edgevoice.echo.canceller import Samples


class VoiceModel(Protocol):
    """Follows a signal block by block. For one thread at a time."""

    def take(self, block: Samples) -> float:
        """Take the next samples, mono s16 at 16 kHz; return how likely speech is in the newest, from 0 to 1."""
        ...
