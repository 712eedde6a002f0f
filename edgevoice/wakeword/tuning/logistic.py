"""Logistic regression with an L2 penalty, by Newton's method on the samples' products. Pure.

openWakeWord trains its custom verifiers with scikit-learn: features scaled to a deviation of 1, then C = 0.001. This is
the same model without the package, which is 100 MB. With some hundreds of samples of 1,536 features each, solving for
one number per sample is far less work than solving for the features.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]

_MOST_STEPS: Final = 40
_ENOUGH: Final = 1e-6
_LEAST_CURVATURE: Final = 1e-9


def fit(wanted: Doubles, unwanted: Doubles, *, inverse_penalty: float) -> tuple[Doubles, float]:
    """Return weights (features,) and a bias that separate ``wanted`` from ``unwanted``, both (samples, features).

    ``inverse_penalty`` is scikit-learn's C. The result takes unscaled features.
    """
    samples = np.concatenate([wanted, unwanted])
    mean, deviation = samples.mean(axis=0), samples.std(axis=0) + 1e-6
    scaled = (samples - mean) / deviation
    is_wanted = np.arange(len(samples)) < len(wanted)
    products, size = scaled @ scaled.T, len(samples)
    # With weights = scaled.T @ duals, the optimum has duals = -C (probability - label), and they add up to 0.
    duals, bias = np.zeros(size), 0.0
    system = np.ones((size + 1, size + 1))
    for _ in range(_MOST_STEPS):
        margins = products @ duals + bias
        chances = 1 / (1 + np.exp(-np.clip(margins, -500, 500)))
        curvature = np.maximum(inverse_penalty * chances * (1 - chances), _LEAST_CURVATURE)
        system[:size, :size] = products
        system[np.arange(size), np.arange(size)] += 1 / curvature
        system[size, size] = 0.0
        targets = margins - inverse_penalty * (chances - is_wanted) / curvature
        solved = np.linalg.solve(system, np.append(targets, 0.0))
        change = float(np.abs(solved[:size] - duals).max())
        duals, bias = solved[:size], float(solved[size])
        if change < _ENOUGH:
            break
    weights: Doubles = scaled.T @ duals / deviation
    return weights, bias - float(mean @ weights)
