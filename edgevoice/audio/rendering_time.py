"""Rendering time: how long it takes from a look at a card to the writing. No I/O, no clock."""

import math

COLD_S = 0.004
"""What rendering may take from cold caches: with less, a machine that had rested lost the head of a first sound."""

WARM_S = 0.002
"""The least that is expected while something sounds: a machine with little to do takes 1 to 2 ms."""

_RESTED_S = 0.2
"""After how long without a sample written the caches count as cold."""

_FORGETTING = 0.98
"""How much of the longest time is remembered, from one rendering to the next."""


class RenderingTime:
    """What the next rendering may take, learnt from the last ones; all in monotonic seconds."""

    def __init__(self) -> None:
        self._longest_s = WARM_S
        self._ended_s = -math.inf

    def expected_s(self, now_s: float) -> float:
        """Return how long it may take from now on."""
        return self._longest_s if self._is_warm(now_s) else max(COLD_S, self._longest_s)

    def ended(self, began_s: float, ended_s: float, *, is_change: bool) -> None:
        """Learn from a rendering: only from a change of what the card already has, which alone must be quick."""
        if is_change and self._is_warm(began_s):
            self._longest_s = max(WARM_S, self._longest_s * _FORGETTING, ended_s - began_s)
        self._ended_s = ended_s

    def _is_warm(self, now_s: float) -> bool:
        return now_s - self._ended_s < _RESTED_S
