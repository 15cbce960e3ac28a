from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from uqcore.selection import assess, rank, split_calibration
from uqcore.selection.heldout import clopper_pearson
from uqcore.types import UqError


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.999])
@pytest.mark.parametrize(("n_errors", "n"), [(0, 1), (0, 50), (1, 2), (3, 50), (50, 50), (49, 50), (120, 100_000)])
def test_clopper_pearson_is_scipys_exact_interval(n_errors: int, n: int, confidence: float) -> None:
    expected = binomtest(n_errors, n).proportion_ci(confidence, method="exact")
    assert clopper_pearson(n_errors, n, confidence) == pytest.approx((expected.low, expected.high), rel=1e-9)


def test_clopper_pearson_without_an_error_is_a_closed_form() -> None:
    assert clopper_pearson(0, 20) == pytest.approx((0, 1 - 0.025 ** (1 / 20)))
    assert clopper_pearson(0, 0) == (0, 1)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.95])
def test_clopper_pearson_holds_the_share_at_least_as_often_as_it_says(share: float) -> None:
    held = [low <= share <= high for low, high in (clopper_pearson(k, 40, 0.9) for k in range(41))]
    assert binom.pmf(np.arange(41), 40, share)[held].sum() >= 0.9


def test_assessment_by_hand() -> None:
    correct = np.array([True, True, False, True, False])
    ranking = rank(np.array([0.1, 0.2, 0.2, 0.4, 0.9]), correct, np.array([0.2, 0.5, 0.9, 1.0]))
    held_out = assess(ranking, 0.2, 0.9)
    assert held_out[:3] == (5, 3, 1)
    assert held_out.coverage == (0.6, *clopper_pearson(3, 5, 0.9))
    assert held_out.risk == pytest.approx((1 / 3, *clopper_pearson(1, 3, 0.9)))
    assert held_out.ood_accepted == (0.25, *clopper_pearson(1, 4, 0.9))


def test_assessment_of_nothing_knows_nothing() -> None:
    held_out = assess(rank(np.ones(4), np.ones(4, bool)), 0.5)
    assert held_out.coverage.value == 0
    for estimate in (held_out.risk, held_out.ood_accepted):
        assert estimate == pytest.approx((float("nan"), 0, 1), nan_ok=True)


def test_thresholds_per_class_are_assessed_by_their_decisions() -> None:
    rng = np.random.default_rng(50)
    measure, correct, predicted = rng.random(100), rng.random(100) < 0.8, rng.integers(0, 3, 100)
    accepted = measure <= np.array([0.2, 0.9, -np.inf])[predicted]
    held_out = assess(rank(1.0 * ~accepted, correct), 0)
    assert (held_out.n_accepted, held_out.n_errors) == (accepted.sum(), (accepted & ~correct).sum())


@pytest.mark.parametrize("share", [0.1, 0.5, 0.73])
def test_a_split_has_every_example_once_and_the_same_seed_the_same_split(share: float) -> None:
    calibration, held_out = split_calibration(101, share, seed=3)
    assert len(calibration) == round(share * 101)
    np.testing.assert_array_equal(np.sort(np.concatenate([calibration, held_out])), np.arange(101))
    assert (np.diff(calibration) > 0).all()
    assert (np.diff(held_out) > 0).all()
    np.testing.assert_array_equal(calibration, split_calibration(101, share, seed=3)[0])
    assert not np.array_equal(calibration, split_calibration(101, share, seed=4)[0])


def test_a_split_takes_every_example_with_the_same_probability() -> None:
    taken = np.mean([np.isin(np.arange(10), split_calibration(10, 0.3, seed)[0]) for seed in range(2000)], axis=0)
    assert np.abs(taken - 0.3).max() < 4 * np.sqrt(0.3 * 0.7 / 2000)


def test_strata_keep_their_share() -> None:
    strata = np.repeat(["in", "ood"], [90, 10])
    calibration, held_out = split_calibration(100, 0.4, strata=strata)
    assert [list(strata[part]).count("ood") for part in (calibration, held_out)] == [4, 6]
    assert len(calibration) == 40


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: clopper_pearson(-1, 5), "`n_errors` must be from 0 to n = 5. Received: -1"),
        (lambda: clopper_pearson(6, 5), "Received: 6"),
        (lambda: clopper_pearson(1, 5, 1), "`confidence` must be between 0 and 1"),
        (lambda: assess(rank(np.ones(2), np.ones(2, bool)), float("nan")), "`threshold` must be a number"),
        (lambda: split_calibration(10, 0), "`share` must be between 0 and 1"),
        (lambda: split_calibration(10, float("nan")), "`share` must be between 0 and 1"),
        (lambda: split_calibration(1), "leaves one of the two parts empty"),
        (lambda: split_calibration(0), "leaves one of the two parts empty"),
        (lambda: split_calibration(10, strata=np.zeros(9)), r"`strata` must hold 10 values.* \(9,\)"),
    ],
)
def test_what_cannot_be_split_or_estimated_is_refused(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(UqError, match=message):
        call()
