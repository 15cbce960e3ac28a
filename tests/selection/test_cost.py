from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from uqcore.selection.cost import CostEstimate, Costs, cost_interval, expected_cost
from uqcore.selection.outcomes import OutcomeCounts, count_outcomes
from uqcore.types import UqError

COUNTS = OutcomeCounts(np.array([[50, 4], [2, 24]]), n_deferred=20, n_ood_accepted=10, n_ood_deferred=30)
MATRIX = np.array([[0.0, 3.0], [5.0, -1.0]])


def test_expected_cost_by_hand() -> None:
    """50 and 24 right, 4 and 2 wrong, 20 deferred of 100; a quarter of the OOD accepted."""
    assert expected_cost(COUNTS, Costs(MATRIX, deferral=0.5)) == pytest.approx(1000 * (12 + 10 - 24 + 10) / 100)
    costs = Costs(MATRIX, deferral=0.5, ood_accepted=8, ood_share=0.1)
    assert expected_cost(COUNTS, costs) == pytest.approx(1000 * (0.9 * 0.08 + 0.1 * (0.25 * 8 + 0.75 * 0.5)))
    assert expected_cost(COUNTS, Costs(MATRIX, 0.5, 8, ood_share=1)) == pytest.approx(1000 * 2.375)


def test_uniform_costs_are_one_cost_for_every_error() -> None:
    costs = Costs.uniform(3, error=2, deferral=0.5)
    assert costs.matrix.tolist() == [[0, 2, 2], [2, 0, 2], [2, 2, 0]]
    assert (costs.deferral, costs.ood_accepted, costs.ood_share) == (0.5, 0, 0)


def test_costs_cannot_be_changed_from_outside() -> None:
    matrix = np.eye(2)
    costs = Costs(matrix, 1)
    matrix[0, 0] = 7
    assert costs.matrix[0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        costs.matrix[0, 0] = 7


def test_interval_is_that_of_the_ordinary_bootstrap() -> None:
    """SciPy resamples the 100 examples themselves; the ends agree to the noise of 20,000 resamples."""
    costs = Costs(MATRIX, deferral=0.5)
    of_each = np.repeat([0.0, 3.0, 5.0, -1.0, 0.5], [50, 4, 2, 24, 20])
    judge = stats.bootstrap((of_each,), np.mean, method="percentile", n_resamples=20_000, rng=5).confidence_interval
    estimate = cost_interval(COUNTS, costs, n_resamples=20_000)
    assert estimate.cost == pytest.approx(1000 * of_each.mean())
    assert estimate[1:] == pytest.approx((1000 * judge.low, 1000 * judge.high), abs=10)


def test_interval_has_the_variance_of_two_independent_means() -> None:
    """Many examples: normal, with the variance of each part's mean weighted by its share squared."""
    counts = OutcomeCounts(np.array([[50_000, 4000], [2000, 24_000]]), 20_000, 10_000, 30_000)
    estimate = cost_interval(counts, Costs(MATRIX, deferral=0.5, ood_accepted=8, ood_share=0.3), n_resamples=40_000)
    variance = np.repeat([0.0, 3.0, 5.0, -1.0, 0.5], [50, 4, 2, 24, 20]).var()
    std = 1000 * np.sqrt(0.49 * variance / 100_000 + 0.09 * 7.5**2 * 0.25 * 0.75 / 40_000)
    half = stats.norm.ppf(0.975) * std
    assert estimate == pytest.approx((estimate.cost, estimate.cost - half, estimate.cost + half), abs=0.05 * half)


def test_interval_holds_the_true_cost_as_often_as_it_says() -> None:
    """2,000 examples of which each is wrong with 0.1 and deferred with 0.3; 90 % intervals of 400 draws, +- 4 sigma."""
    rng, costs = np.random.default_rng(6), Costs.uniform(2, error=4, deferral=1, ood_accepted=6, ood_share=0.2)
    truth = 1000 * (0.8 * (0.1 * 4 + 0.3 * 1) + 0.2 * (0.5 * 6 + 0.5 * 1))
    held = 0
    for seed in range(400):
        right, wrong, deferred = rng.multinomial(2000, [0.6, 0.1, 0.3])
        n_ood = int(rng.binomial(500, 0.5))
        counts = OutcomeCounts(np.array([[right, wrong], [0, 0]]), int(deferred), n_ood, 500 - n_ood)
        _, low, high = cost_interval(counts, costs, confidence=0.9, n_resamples=1000, seed=seed)
        held += low <= truth <= high
    assert held / 400 == pytest.approx(0.9, abs=4 * np.sqrt(0.09 / 400))


def test_interval_is_a_point_where_every_example_costs_the_same() -> None:
    counts = count_outcomes(-np.inf, [0.1, 0.2], [0, 1], [0, 0], 2)
    assert cost_interval(counts, Costs.uniform(2, deferral=0.3)) == CostEstimate(300, 300, 300)


def test_interval_of_one_seed_is_one_interval() -> None:
    costs = Costs(MATRIX, 0.5)
    assert cost_interval(COUNTS, costs, seed=1) == cost_interval(COUNTS, costs, seed=1)
    assert cost_interval(COUNTS, costs, seed=1) != cost_interval(COUNTS, costs, seed=2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.ones((2, 3)), 1), r"`matrix` must be square.*Received: \(2, 3\)"),
        ((np.ones((1, 1)), 1), "2 or more classes"),
        ((np.full((2, 2), np.nan), 1), "Every cost must be a finite number"),
        ((np.eye(2), np.inf), "Every cost must be a finite number"),
        (
            (np.eye(2) * 1e308, 1),
            r"Every cost must be at most 1e\+12, or .* Received: 1e\+308; give them",
        ),
        ((np.eye(2), 1, -1e13), r"or a gain of as much. Received: -1e\+13"),
        ((np.eye(2), 1, np.nan), "Every cost must be a finite number"),
        ((np.eye(2), 1, 1, 1.5), "`ood_share` must be from 0 to 1. Received: 1.5"),
        ((np.eye(2), 1, 1, np.nan), "`ood_share` must be from 0 to 1. Received: nan"),
    ],
)
def test_costs_that_mean_nothing_are_refused(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(UqError, match=message):
        Costs(*arguments)


def test_examples_that_cannot_be_priced_are_refused() -> None:
    with pytest.raises(UqError, match=r"must be of 2 classes, like the examples. Received: 3"):
        expected_cost(COUNTS, Costs.uniform(3, deferral=1))
    without_ood = count_outcomes(0.5, [0.1, 0.9], [0, 1], [0, 1], 2)
    with pytest.raises(UqError, match=r"An `ood_share` of 0.2 needs OOD examples.*give some or set the share to 0"):
        expected_cost(without_ood, Costs.uniform(2, deferral=1, ood_share=0.2))
    with pytest.raises(UqError, match=r"`confidence` must be between 0 and 1. Received: 1"):
        cost_interval(COUNTS, Costs(MATRIX, 1), confidence=1)
