from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from uqcore.selection import accept_at
from uqcore.types import UqError

MEASURE = np.array([0.1, 0.2, 0.2, 0.4, 0.9])
CORRECT = np.array([True, True, False, True, False])
OOD = np.array([0.2, 0.5, 0.9, 1.0])


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [
        (0.1, (1, 0.2, 1, 0)),
        (0.15, (1, 0.2, 1, 0)),
        (0.2, (3, 0.6, 2 / 3, 0.25)),
        (0.4, (4, 0.8, 0.75, 0.25)),
        (np.inf, (5, 1, 0.6, 1)),
    ],
)
def test_acceptance_by_hand(threshold: float, expected: tuple[float, ...]) -> None:
    assert accept_at(MEASURE, CORRECT, threshold, OOD) == pytest.approx(expected)


def test_accuracy_is_nan_where_none_is_accepted() -> None:
    n_accepted, coverage, accuracy, ood_accepted = accept_at(MEASURE, CORRECT, -1, OOD)
    assert (n_accepted, coverage, ood_accepted) == (0, 0, 0)
    assert np.isnan(accuracy)


def test_ood_share_is_nan_without_ood() -> None:
    assert np.isnan(accept_at(MEASURE, CORRECT, 0.2).ood_accepted)


def test_every_float32_value_is_accepted_at_itself() -> None:
    measure = np.random.default_rng(23).random(50, dtype=np.float32)
    for threshold in measure:
        assert accept_at(measure, np.ones(50, bool), float(threshold)).n_accepted == np.sum(measure <= threshold)


@pytest.mark.parametrize(("threshold", "n_accepted"), [(0.3, 0), (np.float64(0.3), 0), (np.float32(0.3), 1)])
def test_a_float32_measure_and_a_threshold_compare_by_their_exact_values(threshold: float, n_accepted: int) -> None:
    """float32's 0.3 lies above 0.3, which NumPy does not see when it rounds a Python float to float32 first."""
    assert accept_at(np.array([0.3], np.float32), np.array([True]), threshold).n_accepted == n_accepted


def test_coverage_and_ood_share_never_fall_as_the_threshold_rises() -> None:
    rng = np.random.default_rng(24)
    measure, ood = rng.random(200), rng.random(100)
    accepted = [accept_at(measure, measure < 0.5, t, ood) for t in np.linspace(0, 1, 30)]
    assert (np.diff([a.coverage for a in accepted]) >= 0).all()
    assert (np.diff([a.ood_accepted for a in accepted]) >= 0).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.empty(0), np.empty(0, bool), 0.5), "`measure` must hold one number for each example"),
        ((np.array([np.nan]), np.array([True]), 0.5), "`measure` must be finite. Received 1 values"),
        ((MEASURE, CORRECT[:3], 0.5), "`correct` must be 5 booleans"),
        ((MEASURE, CORRECT.astype(int), 0.5), "dtype int64"),
        ((MEASURE, CORRECT, float("nan")), "`threshold` must be a number. Received: NaN"),
        ((MEASURE, CORRECT, 0.5, np.empty(0)), "`ood_measure` must hold one number"),
    ],
)
def test_input_that_cannot_be_counted_is_refused(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(UqError, match=message):
        accept_at(*arguments)
