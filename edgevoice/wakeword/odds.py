"""Evidence: scores as the logarithm of their odds, in which what independent witnesses say is added up. Pure."""

import math

_LEAST = 1e-6


def log_odds(probability: float) -> float:
    """Return the logarithm of the odds, as if nothing were more certain than one in a million."""
    bounded = min(1 - _LEAST, max(_LEAST, probability))
    return math.log(bounded / (1 - bounded))


def probability(odds: float) -> float:
    """Return the probability whose odds have this logarithm."""
    return 1 / (1 + math.exp(-odds))
