"""When scores make a detection. Pure: no models, no threads, no clock."""

from collections import deque
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
    breath may sound like two words. With ``smoothing_frames`` above 1 the mean of so many scores stands for each.

    After each ``take``, ``scores`` are those that were compared, ``bars`` the thresholds that were in force, and
    ``is_deaf`` says whether the refractory period let nothing through.
    """

    def __init__(self, thresholds: Sequence[Thresholds], *, smoothing_frames: int = 1) -> None:
        self._thresholds = tuple(thresholds)
        self._were_over = [False] * len(self._thresholds)
        self._deaf_until_s = 0.0
        self._speaks_until_s = 0.0
        self._latest: deque[Sequence[float]] = deque(maxlen=smoothing_frames)
        self.scores: Sequence[float] = (0.0,) * len(self._thresholds)
        self.bars: Sequence[float] = tuple(each.threshold for each in self._thresholds)
        self.is_deaf = False

    def take(self, scores: Sequence[float], at_s: float, *, is_speaking: bool = False) -> int | None:
        """Take the scores of the frame that ends at ``at_s`` seconds of audio; return the number of the word heard.

        Of several the one with the highest score is heard. ``is_speaking`` tells whether the box itself is to be heard.
        """
        if is_speaking:
            self._speaks_until_s = at_s + _ECHO_S
        least = [each.speaking if at_s < self._speaks_until_s else 0.0 for each in self._thresholds]
        self.scores = self._smooth(scores)
        self.bars = [max(each.threshold, bar) for each, bar in zip(self._thresholds, least, strict=True)]
        heard: int | None = None
        for number, (score, limits) in enumerate(zip(self.scores, self._thresholds, strict=True)):
            is_over = score >= self.bars[number]
            is_enough = is_over and (self._were_over[number] or score >= max(limits.sure, least[number]))
            self._were_over[number] = is_over
            if is_enough and (heard is None or score > self.scores[heard]):
                heard = number
        self.is_deaf = at_s < self._deaf_until_s
        if heard is None or self.is_deaf:
            return None
        self._deaf_until_s = at_s + self._thresholds[heard].refractory_s
        return heard

    def _smooth(self, scores: Sequence[float]) -> Sequence[float]:
        """Return the means over the latest frames; before there are enough of them the missing ones count as 0."""
        if self._latest.maxlen == 1:
            return scores
        self._latest.append(scores)
        return [sum(each) / (self._latest.maxlen or 1) for each in zip(*self._latest, strict=True)]
