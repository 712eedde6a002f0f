"""Confidence intervals of 95 % for counts: what a few events prove, and what they do not. Pure."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_TAIL = 0.025
_STEPS = 60


@dataclass(frozen=True, slots=True)
class Interval:
    """The estimate, and the bounds between which the true value lies, 19 times in 20."""

    value: float
    low: float
    high: float


def rate(count: int, exposure: float) -> Interval:
    """Return events per unit of exposure, with Garwood's exact interval for a Poisson process.

    No event in 3 units still allows a rate of 1.2 per unit.
    """
    high = _root(lambda mean: _poisson_up_to(count, mean) - _TAIL, 0.0, count + 10 * math.sqrt(count + 1) + 10)
    low = _root(lambda mean: _TAIL - (1 - _poisson_up_to(count - 1, mean)), 0.0, float(count)) if count else 0.0
    return Interval(count / exposure, low / exposure, high / exposure)


def share(count: int, among: int) -> Interval:
    """Return the share of ``count`` in a total, with Clopper and Pearson's exact interval."""
    low = _root(lambda chance: _TAIL - (1 - _binomial_up_to(count - 1, among, chance)), 0.0, 1.0) if count else 0.0
    high = _root(lambda chance: _binomial_up_to(count, among, chance) - _TAIL, 0.0, 1.0) if count < among else 1.0
    return Interval(count / among, low, high)


def _root(falling: Callable[[float], float], low: float, high: float) -> float:
    """Return where a falling function passes through 0."""
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
    return (low + high) / 2


def _poisson_up_to(count: int, mean: float) -> float:
    if mean <= 0:
        return 1.0
    numbers = np.arange(count + 1)
    # With logarithms: a mean of 800 has terms that exceed a float.
    return float(np.exp(numbers * math.log(mean) - mean - _log_factorials(count)).sum())


def _binomial_up_to(count: int, among: int, chance: float) -> float:
    if not 0 < chance < 1:
        return 1.0 if chance <= 0 else 0.0
    numbers, factorials = np.arange(count + 1), _log_factorials(among)
    ways = factorials[-1] - factorials[: count + 1] - factorials[::-1][: count + 1]
    return float(np.exp(ways + numbers * math.log(chance) + (among - numbers) * math.log1p(-chance)).sum())


def _log_factorials(most: int) -> npt.NDArray[np.float64]:
    """Return the logarithms of 0!, 1! ... ``most``!."""
    return np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, most + 1)))])
