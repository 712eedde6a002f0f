"""Rendering time: how long it takes from a look at a card to the writing. No I/O, no clock."""

LEAST_S = 0.002
"""The least that is expected: a machine with little to do takes 1 to 2 ms."""

_FORGETTING = 0.98
"""How much of the longest time is remembered, from one rendering to the next."""


class RenderingTime:
    """What the next rendering of a change may take, learnt from the last ones."""

    def __init__(self) -> None:
        self.expected_s = LEAST_S

    def took(self, seconds: float) -> None:
        """Learn from a rendering."""
        self.expected_s = max(LEAST_S, self.expected_s * _FORGETTING, seconds)
