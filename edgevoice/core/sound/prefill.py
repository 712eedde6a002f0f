"""Prefill: how much must be there before playback begins, so that the first network hiccup is not heard. Pure."""

from edgevoice.core.sound.rates import FAR_END_HZ

_LONGEST_PREFILL = FAR_END_HZ
"""Samples of silence after which what there is of an answer sounds, prefill or not: a service that stands still, or a
link that is lost, right after the first delta would else leave the box between silence and speech for ever.
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
        """Wait no more: nothing more will come."""
        self.is_flowing = True

    def wait(self, frames: int) -> None:
        """Take note of so many samples of silence."""
        self._waited += frames

    def lets_flow(self, queued: int, *, is_complete: bool) -> bool:
        """Say whether so many samples may flow; ``is_complete`` says that no more will come of their item."""
        if not self.is_flowing:
            self.is_flowing = queued >= self._wanted or is_complete or self._waited >= _LONGEST_PREFILL
        return self.is_flowing
