"""When scores count as a detection. Pure: no models, no threads, no clock."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

_ECHO_S = 1.0
"""How long after the box has spoken its own voice may still influence a score: the length of a word."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Scores run from 0 to 1; ``refractory_s`` is in seconds of audio.

    Two consecutive frames must reach ``threshold``, or one must reach ``sure``: a door slams for one frame, a word
    lasts for several. While the box itself speaks, both are at least ``speaking``: it may say the word.
    """

    threshold: float = 0.5
    sure: float = 0.8
    refractory_s: float = 2.0
    speaking: float = 0.0


class Decision:
    """Takes the scores of every frame, one for each word, and decides at which a wake word was heard.

    ``thresholds`` are in the order of the words. After any word, none is heard for that word's refractory period: one
    breath may sound like two words. With ``smoothing_frames`` above 1, the mean of that many scores replaces each
    score.

    After each ``take``, ``scores`` are those that were compared, ``bars`` the thresholds that were in force, and
    ``is_deaf`` says whether the refractory period suppressed every detection.
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

        If there are several, the one with the highest score is returned. ``is_speaking``: the box itself is speaking.
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
        """Return the means over the latest frames; until there are enough frames, the missing ones count as 0."""
        if self._latest.maxlen == 1:
            return scores
        self._latest.append(scores)
        return [sum(each) / (self._latest.maxlen or 1) for each in zip(*self._latest, strict=True)]
