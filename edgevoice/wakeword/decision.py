"""When scores make a detection. Pure: no models, no threads, no clock."""

from collections.abc import Sequence
from dataclasses import dataclass

_ECHO_S = 1.0
"""How long after the box has spoken its own voice may still stand in a score: a word's length."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Scores run from 0 to 1; ``refractory_s`` is in seconds of audio.

    ``threshold`` must be reached by two frames in a row, ``sure`` by one: a door slams for one frame, a word lasts for
    several. ``speaking`` is the least of both while the box itself speaks: it may say the word.
    """

    threshold: float = 0.5
    sure: float = 0.8
    refractory_s: float = 2.0
    speaking: float = 0.0


class Decision:
    """Takes the scores of every frame, one for each word, and says at which a wake word was heard.

    ``thresholds`` stand in the order of the words. After any word none is heard for that word's refractory period: one
    breath may sound like two words.
    """

    def __init__(self, thresholds: Sequence[Thresholds]) -> None:
        self._thresholds = tuple(thresholds)
        self._were_over = [False] * len(self._thresholds)
        self._deaf_until_s = 0.0
        self._speaks_until_s = 0.0

    def take(self, scores: Sequence[float], at_s: float, *, is_speaking: bool = False) -> int | None:
        """Take the scores of the frame that ends at ``at_s`` seconds of audio; return the number of the word heard.

        Of several the one with the highest score is heard. ``is_speaking`` tells whether the box itself is to be heard.
        """
        if is_speaking:
            self._speaks_until_s = at_s + _ECHO_S
        heard: int | None = None
        for number, (score, limits) in enumerate(zip(scores, self._thresholds, strict=True)):
            bar = limits.speaking if at_s < self._speaks_until_s else 0.0
            is_over = score >= max(limits.threshold, bar)
            is_enough = is_over and (self._were_over[number] or score >= max(limits.sure, bar))
            self._were_over[number] = is_over
            if is_enough and (heard is None or score > scores[heard]):
                heard = number
        if heard is None or at_s < self._deaf_until_s:
            return None
        self._deaf_until_s = at_s + self._thresholds[heard].refractory_s
        return heard
