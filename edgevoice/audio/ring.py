"""What a speaker works with: a card that can be written again, and whoever is to know what it emits."""

from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt


class FarEndListener(Protocol):
    """Takes what the card is given, as the reference of an echo canceller; in the thread that renders."""

    def played(self, samples: npt.NDArray[np.int16] | None, frames: int) -> None:
        """Record ``frames`` samples, s16 at 24 kHz; ``None`` stands for silence."""
        ...

    def take_back(self, frames: int) -> None:
        """Forget the last ``frames``: the card is given other samples instead, before it emits them."""
        ...


class Ring(Protocol):
    """A card whose ring can be written again up to its converter; called with the speaker's lock held.

    Positions count the samples that the speaker has rendered.
    """

    @property
    def depth(self) -> int:
        """For how many samples beyond its reach the card can be written."""
        ...

    @property
    def size(self) -> int:
        """How many samples it holds: what it was given comes again after so many, unless it is given others."""
        ...

    def reach(self, ahead: int = 0) -> int | None:
        """Return the position ``ahead`` of the first at which the card can still be given other samples now.

        ``None`` if it is lost.
        """
        ...

    def reach_in_time(self) -> int | None:
        """Return the first position at which it still can be once they have been rendered; ``None`` if it is lost."""
        ...

    def write_in_time(self, samples: npt.NDArray[np.int16], position: int, *, spare: int = 0) -> bool:
        """Write, unless the card has been quicker, to ``spare`` samples: then return false, and leave it as it was."""
        ...

    def write(self, samples: npt.NDArray[np.int16], position: int) -> None:
        """Give the card ``samples`` from ``position`` on, in place of everything that it has from there."""
        ...

    @property
    def rests(self) -> bool:
        """Whether it plays silence by itself once all of it is zeros."""
        ...

    def emitted(self) -> tuple[int, float]:
        """Return which sample the card emits now, and when that is, in monotonic seconds; ``OSError`` if it is lost."""
        ...

    def wake(self) -> None:
        """Have ``feed`` called soon: there is something to emit again."""
        ...


class NobodyListens:
    """Replaces the echo canceller if there is none."""

    def played(self, _samples: npt.NDArray[np.int16] | None, _frames: int) -> None:
        """Do nothing."""

    def take_back(self, _frames: int) -> None:
        """Do nothing."""


class AtTheConverter:
    """Hands a listener what leaves the card: the samples as loud as the card's own control makes them.

    So the echo's path stays the same wherever that control is; ``gain`` returns its factor, 0 to 1.
    """

    def __init__(self, listener: FarEndListener, gain: Callable[[], float]) -> None:
        self._listener = listener
        self._gain = gain

    def played(self, samples: npt.NDArray[np.int16] | None, frames: int) -> None:
        """Pass on ``frames`` samples; see `FarEndListener`."""
        gain = self._gain()
        self._listener.played(samples if samples is None or gain == 1.0 else (samples * gain).astype(np.int16), frames)

    def take_back(self, frames: int) -> None:
        """Pass on that the last ``frames`` are replaced."""
        self._listener.take_back(frames)
