"""Logistic regression without scikit-learn: it finds the same optimum, to the last significant digits."""

import numpy as np
import pytest

from edgevoice.wakeword.tuning.logistic import Doubles, fit


def clouds(seed: int, features: int) -> tuple[Doubles, Doubles]:
    chance = np.random.default_rng(seed)
    spread = chance.uniform(0.1, 20, features)
    return chance.normal(0.4, 1, (40, features)) * spread, chance.normal(0, 1, (90, features)) * spread + 3


@pytest.mark.parametrize("features", [3, 400])
@pytest.mark.parametrize("inverse_penalty", [0.001, 0.1])
def test_the_weights_match_openwakewords_own_training(features: int, inverse_penalty: float) -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    wanted, unwanted = clouds(5, features)
    both = np.concatenate([wanted, unwanted])
    mean, deviation = both.mean(axis=0), both.std(axis=0) + 1e-6
    theirs = linear_model.LogisticRegression(C=inverse_penalty, max_iter=10_000, tol=1e-8)
    theirs.fit((both - mean) / deviation, [1] * len(wanted) + [0] * len(unwanted))

    weights, bias = fit(wanted, unwanted, inverse_penalty=inverse_penalty)

    assert both @ weights + bias == pytest.approx(theirs.decision_function((both - mean) / deviation), abs=1e-3)


def test_two_clusters_are_separated_and_a_constant_feature_does_no_harm() -> None:
    wanted, unwanted = np.zeros((20, 3)), np.zeros((30, 3))
    wanted[:, 0] = np.linspace(1, 2, 20)

    weights, bias = fit(wanted, unwanted, inverse_penalty=1.0)

    assert (wanted @ weights + bias > 0).all()
    assert (unwanted @ weights + bias < 0).all()
    assert weights[1] == weights[2] == 0
