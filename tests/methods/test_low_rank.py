"""SNGP's factor while it learns: exact where the rank suffices, and the rest of the process as ever."""

from __future__ import annotations

import numpy as np
import pytest

from uqcore import datasets
from uqcore.methods import sngp
from uqcore.methods.low_rank import LowRankFactor
from uqcore.networks import NETWORKS
from uqcore.store import Store


@pytest.mark.parametrize(("n_examples", "n_features"), [(30, 50), (50, 30)])
@pytest.mark.parametrize("ridge", [0.01, 1.0])
def test_with_all_directions_the_factor_is_exact(n_examples: int, n_features: int, ridge: float) -> None:
    phi = np.random.default_rng(0).normal(size=(n_examples, n_features)).astype(np.float32)
    factor = LowRankFactor(phi, ridge, rank=64)
    covariance = ridge * np.linalg.inv(ridge * np.eye(n_features) + phi.T.astype(float) @ phi)
    identity = np.eye(n_features, dtype=np.float32)
    np.testing.assert_allclose(factor @ (identity @ factor), covariance, atol=2e-5)


def test_of_two_moons_few_directions_give_the_variance(committed: Store) -> None:
    (arrays,) = committed.arrays(committed.find("moons", "sngp"))
    network, data = NETWORKS["moons"], datasets.load("moons")
    exact = sngp.GaussianProcess(network, arrays, sngp.Config(), seed=0)
    forming = sngp.forming(network, arrays, sngp.Config(), 0, data.train.x)
    x = data.grid.points()[::23]  # type: ignore[union-attr]
    ours, theirs = forming.closed_form(x), exact.closed_form(x)
    np.testing.assert_array_equal(ours.mean, theirs.mean)
    np.testing.assert_allclose(ours.variance, theirs.variance, atol=0.003 * theirs.variance.max())
    # A sample is a draw of the same distribution.
    spread = forming.draw(x, range(400)).var(axis=0).mean(axis=1)
    np.testing.assert_allclose(spread, theirs.variance, rtol=0.3, atol=0.003)
