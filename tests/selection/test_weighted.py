"""A certified risk of weighted examples: it holds in draws of hostile populations, and finds what can be had."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from uqcore.selection import certify, rank
from uqcore.selection.weighted import certify_weighted, weighted_shares
from uqcore.types import UqError

DELTA = 0.1
N_DRAWS = 600
Draw = Callable[[np.random.Generator, int], tuple[NDArray[Any], NDArray[Any], NDArray[Any]]]
"""Measures, the probability of an error of each, weights."""


def heavy_errors(rng: np.random.Generator, n: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """A few weigh ten times as much and are wrong more often."""
    u, heavy = rng.random(n), rng.random(n) < 0.1
    return u, np.where(heavy, 0.3, 0.04) * (0.5 + u), np.where(heavy, 1.0, 0.1)


def at_the_target(rng: np.random.Generator, n: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Just too many errors everywhere, so that any certificate breaks its promise."""
    return rng.random(n), np.full(n, 0.101), rng.random(n)


def in_steps(rng: np.random.Generator, n: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Three values alone, the last one bad."""
    u = rng.choice([0.1, 0.2, 0.3], n, p=[0.5, 0.3, 0.2])
    return u, np.where(u > 0.25, 0.6, 0.05), rng.choice([0.2, 1.0], n)


def true_risk(draw: Draw, threshold: float) -> float:
    measure, p, weight = draw(np.random.default_rng(99), 400_000)
    accepted = measure <= threshold
    return float((weight * p)[accepted].sum() / weight[accepted].sum()) if accepted.any() else 0.0


@pytest.mark.parametrize("draw", [heavy_errors, at_the_target, in_steps])
@pytest.mark.parametrize("n", [100, 500])
def test_the_promise_is_broken_in_at_most_delta_of_the_draws(draw: Draw, n: int) -> None:
    rng, found = np.random.default_rng(5), []
    for _ in range(N_DRAWS):
        measure, p, weight = draw(rng, n)
        found.append(certify_weighted(measure, rng.random(n) >= p, weight, 1.0, 0.1, DELTA).threshold)
    thresholds, counts = np.unique(np.round(found, 3), return_counts=True)
    risks = np.array([true_risk(draw, threshold) for threshold in thresholds[::20]])
    broken = (
        np.interp(thresholds, thresholds[::20], risks) > 0.1
        if len(thresholds) > 40
        else np.array([true_risk(draw, threshold) > 0.1 for threshold in thresholds])
    )
    share = counts[broken].sum() / N_DRAWS
    assert share <= DELTA + 3 * math.sqrt(DELTA * (1 - DELTA) / N_DRAWS)


def test_with_equal_weights_it_finds_most_of_what_the_exact_test_finds() -> None:
    rng, shares = np.random.default_rng(1), []
    for _ in range(40):
        measure = rng.random(2000)
        right = rng.random(2000) >= 0.2 * measure**2
        exact = certify(rank(measure, right), 0.05, DELTA)
        found = certify_weighted(measure, right, np.ones(2000), 1.0, 0.05, DELTA)
        shares.append((found.n_accepted / 2000, exact.coverage))
        assert found.seen.coverage == pytest.approx(found.n_accepted / 2000)
    mine, best = np.mean(shares, axis=0)
    assert 0 < best - mine < 0.08
    assert mine > 0.7


def test_errors_that_weigh_little_cost_little() -> None:
    rng = np.random.default_rng(2)
    measure = rng.random(3000)
    light = rng.random(3000) < 0.5
    right = ~light | (rng.random(3000) < 0.8)  # one in ten is wrong, none of those that weigh 1
    assert certify(rank(measure, right), 0.02, DELTA).n_accepted < 300
    found = certify_weighted(measure, right, np.where(light, 0.05, 1.0), 1.0, 0.02, DELTA)
    assert found.threshold == math.inf
    assert found.seen == weighted_shares(measure <= 2, right, np.where(light, 0.05, 1.0))


@pytest.mark.parametrize("unit", [2.0**1023, 2.0**-1000])
def test_weights_near_the_ends_of_floats_are_those_of_any_other_unit_to_the_bit(unit: float) -> None:
    rng = np.random.default_rng(4)
    measure, right, weight = rng.random(800), rng.random(800) < 0.97, rng.random(800)
    usual, odd = (certify_weighted(measure, right, weight * u, u, 0.1, DELTA) for u in (1.0, unit))
    assert (odd.threshold, odd.n_accepted, odd.seen) == (usual.threshold, usual.n_accepted, usual.seen)
    assert odd.mean == usual.mean * unit
    assert weighted_shares(measure < 0.5, right, weight * unit) == weighted_shares(measure < 0.5, right, weight)


def test_weights_of_all_sizes_are_those_of_the_largest() -> None:
    accepted, right = np.array([True, True, False, True]), np.array([True, False, True, True])
    assert weighted_shares(accepted, right, np.array([1e308, 1e308, 1e308, 1e-308])) == pytest.approx(
        (2 / 3, 0.5, 2 / 3)
    )
    assert all(map(math.isnan, weighted_shares(accepted, right, np.zeros(4))))


def test_weights_above_the_largest_that_counts_count_as_that_one_and_their_unit_does_not_matter() -> None:
    rng = np.random.default_rng(3)
    measure, right, weight = rng.random(800), rng.random(800) < 0.97, rng.exponential(size=800)
    cut = certify_weighted(measure, right, weight, 2.0, 0.1, DELTA)
    assert cut.threshold == certify_weighted(measure, right, np.minimum(weight, 2), 2.0, 0.1, DELTA).threshold
    assert cut.threshold == certify_weighted(measure, right, 1024 * weight, 2048.0, 0.1, DELTA).threshold


def test_shares_of_weight_by_hand() -> None:
    accepted, correct = np.array([True, True, False, False]), np.array([True, False, True, False])
    seen = weighted_shares(accepted, correct, np.array([1.0, 3.0, 4.0, 0.0]))
    assert seen == (4 / 8, 3 / 4, 5 / 8)
    assert all(math.isnan(share) for share in weighted_shares(accepted, correct, np.zeros(4)))


@pytest.mark.parametrize("weight", [[1.0], [1.0, -1.0], [1.0, np.nan]])
def test_weights_that_are_none_are_refused(weight: list[float]) -> None:
    with pytest.raises(UqError, match="a weight of 0 or more for each of 2 examples"):
        certify_weighted([0.1, 0.2], [True, True], weight, 1.0, 0.1, 0.1)
    with pytest.raises(UqError, match="`delta` must be between 0 and 1"):
        certify_weighted([0.1, 0.2], [True, True], [1.0, 1.0], 1.0, 0.1, 1.0)
