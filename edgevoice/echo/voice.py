"""Voice: the probability that a person speaks, in addition to pitch and loudness."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
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


class SoundModel(Protocol):
    """Hears one sound at a time, afresh, and also says of what kind it is. Not thread-safe."""

    def begin(self, before: Sequence[Samples]) -> None:
        """Forget everything but these blocks, which came before the sound."""
        ...

    def take(self, block: Samples) -> list[tuple[float, float]]:
        """Take the sound's next block, mono s16 at 16 kHz; return what is known of each that was judged, oldest first.

        That is the probability of a voice, from 0 to 1, and how far the sound so far speaks for words, not for a laugh,
        an animal or a thing: the logarithm of the odds. What came before the sound is heard first, so the newest blocks
        may wait until later calls.
        """
        ...

    def wait(self, block: Samples) -> None:
        """Keep the sound's next block for when the model is asked again."""
        ...

    @property
    def is_behind(self) -> bool:
        """Whether blocks wait."""
        ...


class EventModel(Protocol):
    """Judges a sound as a whole, and knows what else there is to hear: laughs, coughs, dishes, doors and dogs."""

    def speech_odds(self, sound: Samples, begin: int) -> float:
        """Return how far a sound, mono s16 at 16 kHz, speaks for words: the logarithm of the odds.

        It ends now and begins with the sample ``begin``; what precedes it is heard as well.
        """
        ...


def _none() -> None:
    """Load no model."""


@dataclass(frozen=True, slots=True)
class Models:
    """What loads each model, or returns None: without the first, voices are recognised by pitch alone."""

    voice: Callable[[], VoiceModel | None] = _none
    sound: Callable[[], SoundModel | None] = _none
    events: Callable[[], EventModel | None] = _none
