"""Percentiles: how the test bed reports what was measured many times."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def p50_p95(values: Sequence[float] | npt.NDArray[np.float64], digits: int = 1) -> dict[str, float]:
    """Return the median and the 95th percentile, rounded; nothing if there is no value."""
    if len(values) == 0:
        return {}
    return {f"p{share}": round(float(np.percentile(values, share)), digits) for share in (50, 95)}
