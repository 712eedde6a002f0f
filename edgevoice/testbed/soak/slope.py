"""How fast something grows, and how certain that is: the Theil-Sen slope. Pure: numbers in, numbers out."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_NORMAL_95 = 1.96


@dataclass(frozen=True, slots=True)
class Slope:
    """A slope and the 95 % interval around it, per unit of time."""

    value: float
    low: float
    high: float


def slope_of(times: npt.ArrayLike, values: npt.ArrayLike) -> Slope | None:
    """Return the median of the slopes of all pairs (Sen 1968), None for fewer than 4 points.

    Up to a third of the points may be outliers without moving it: an allocator works in steps. The interval counts
    pairs by Kendall's variance, which assumes independent points, so pass one per round and not one per second.
    """
    at, value = np.asarray(times, np.float64), np.asarray(values, np.float64)
    count = len(at)
    if count < 4:
        return None
    first, second = np.triu_indices(count, 1)
    slopes = np.sort((value[second] - value[first]) / (at[second] - at[first]))
    spread = _NORMAL_95 * np.sqrt(count * (count - 1) * (2 * count + 5) / 18)
    low = max(0, int((len(slopes) - spread) / 2))
    high = min(len(slopes) - 1, int(np.ceil((len(slopes) + spread) / 2)))
    return Slope(float(np.median(slopes)), float(slopes[low]), float(slopes[high]))
