"""Prefill: how much must be queued before playback begins, so that the first network hiccup is not heard. Pure."""

from edgevoice.core.sound.rates import FAR_END_HZ

_LONGEST_PREFILL = FAR_END_HZ
"""Samples of silence after which the queued part of an answer is played despite the prefill: otherwise a service that
stalls, or a link that is lost, right after the first delta would leave the box between silence and speech forever.
"""


class Prefill:
    """Whether a burst may flow to the card, or waits for more; ``wanted_ms``: how much it waits for."""

    def __init__(self, wanted_ms: int) -> None:
        self._wanted = wanted_ms * FAR_END_HZ // 1000
        self._waited = 0
        self.is_flowing = False

    def begin(self) -> None:
        """Wait: a burst begins, or goes on after it was held back."""
        self.is_flowing = False
        self._waited = 0

    def skip(self) -> None:
        """Stop waiting: nothing more will arrive."""
        self.is_flowing = True

    def wait(self, frames: int) -> None:
        """Record this many samples of silence."""
        self._waited += frames

    def lets_flow(self, queued: int, *, is_complete: bool) -> bool:
        """Return whether this many samples may flow; ``is_complete``: no more will arrive of their item."""
        if not self.is_flowing:
            self.is_flowing = queued >= self._wanted or is_complete or self._waited >= _LONGEST_PREFILL
        return self.is_flowing

    def mark(self) -> tuple[bool, int]:
        """Return how far it is, for ``take_back``."""
        return self.is_flowing, self._waited

    def take_back(self, mark: tuple[bool, int]) -> None:
        """Return to where it was: the samples since then are to be rendered again."""
        self.is_flowing, self._waited = mark
