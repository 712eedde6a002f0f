"""When scores make a detection. Pure: no models, no threads, no clock."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Scores run from 0 to 1; ``refractory_s`` is in seconds of audio.

    ``threshold`` must be reached by two frames in a row, ``sure`` by one: a door slams for one frame, a word lasts for
    several.
    """

    threshold: float = 0.5
    sure: float = 0.8
    refractory_s: float = 2.0


class Decision:
    """Takes one score per frame and says at which a wake word was heard."""

    def __init__(self, thresholds: Thresholds) -> None:
        self._thresholds = thresholds
        self._was_over = False
        self._deaf_until_s = 0.0

    def take(self, score: float, at_s: float) -> bool:
        """Take the score of the frame that ends at ``at_s`` seconds of audio; return whether this is the detection."""
        is_over = score >= self._thresholds.threshold
        is_enough = is_over and (self._was_over or score >= self._thresholds.sure)
        self._was_over = is_over
        if not is_enough or at_s < self._deaf_until_s:
            return False
        self._deaf_until_s = at_s + self._thresholds.refractory_s
        return True
