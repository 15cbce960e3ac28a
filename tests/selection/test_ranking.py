from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from tests import ROOT
from uqcore.selection import rank, split_by_class, threshold_at_coverage, threshold_at_ood_share
from uqcore.selection.gaps import ROUNDING, clearance
from uqcore.types import FloatArray, UqError

MEASURE = np.array([0.4, 0.2, 0.9, 0.2, 0.1])
CORRECT = np.array([True, True, False, False, True])
OOD = np.array([0.9, 0.2, 1.0, 0.5])
NAN = float("nan")


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [
        (-np.inf, (0, 5, 0, NAN, 0.6, 0, 0)),
        (0.1, (1, 4, 0.2, 1, 0.5, 0, 0)),
        (0.15, (1, 4, 0.2, 1, 0.5, 0, 0)),
        (0.2, (3, 2, 0.6, 2 / 3, 0.5, 1, 0.25)),
        (0.4, (4, 1, 0.8, 0.75, 0, 1, 0.25)),
        (np.inf, (5, 0, 1, 0.6, NAN, 4, 1)),
    ],
)
def test_acceptance_by_hand(threshold: float, expected: tuple[float, ...]) -> None:
    assert rank(MEASURE, CORRECT, OOD).at(threshold) == pytest.approx(expected, nan_ok=True)


def test_without_ood_its_share_is_nan() -> None:
    accepted = rank(MEASURE, CORRECT).at(0.2)
    assert (accepted.n_accepted, accepted.n_ood_accepted) == (3, 0)
    assert np.isnan(accepted.ood_accepted)


@pytest.mark.parametrize("correct", [True, False])
def test_all_right_and_all_wrong(correct: bool) -> None:
    assert rank(MEASURE, np.full(5, correct)).at(0.2)[3:5] == (correct, correct)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("n_levels", [4, 10**6])
def test_acceptance_equals_counting_with_masks(dtype: type, n_levels: int) -> None:
    rng = np.random.default_rng(30)
    measure: FloatArray = (rng.integers(0, n_levels, 120) / n_levels).astype(dtype)
    ood: FloatArray = (rng.integers(0, n_levels, 40) / n_levels).astype(dtype)
    correct = rng.random(120) < 0.7
    ranking = rank(measure, correct, ood)
    for threshold in np.concatenate([measure, ood, rng.random(50), [-1, 2]]).astype(np.float64):
        accepted = measure.astype(np.float64) <= threshold
        assert ranking.at(threshold) == pytest.approx(
            (
                accepted.sum(),
                (~accepted).sum(),
                accepted.mean(),
                correct[accepted].mean() if accepted.any() else NAN,
                correct[~accepted].mean() if not accepted.all() else NAN,
                (ood.astype(np.float64) <= threshold).sum(),
                (ood.astype(np.float64) <= threshold).mean(),
            ),
            nan_ok=True,
        )


@pytest.mark.parametrize(
    ("threshold", "n_accepted"), [(0.3, 0), (np.float64(0.3), 0), (np.float32(0.3), 1), (1e300, 1), (-1e300, 0)]
)
def test_a_float32_measure_and_a_threshold_compare_by_their_exact_values(threshold: float, n_accepted: int) -> None:
    """float32's 0.3 lies above 0.3, which NumPy does not see when it rounds a Python float to float32 first."""
    ranking = rank(np.array([0.3], np.float32), np.array([True]))
    assert ranking.right.dtype == np.float32
    assert ranking.at(threshold).n_accepted == n_accepted


def test_measure_is_all_values_in_order() -> None:
    np.testing.assert_array_equal(rank(MEASURE, CORRECT, OOD).measure, np.sort(MEASURE))


def assert_just_above(thresholds: FloatArray, values: Sequence[float]) -> None:
    """Each threshold is clear of its value and of the next, and closer to it than anything that counts."""
    np.testing.assert_array_equal(thresholds[:1], values[:1])
    finite = np.array(values[1:])
    assert (thresholds[1:] - finite > clearance(finite)).all()
    assert (finite[1:] - thresholds[1:-1] > clearance(finite[1:])).all()
    np.testing.assert_allclose(thresholds[1:], values[1:], rtol=1e-11, atol=1e-11)


def test_table_by_hand() -> None:
    thresholds, n_right, n_wrong, n_ood = rank(MEASURE, CORRECT, OOD).table()
    assert_just_above(thresholds, [-np.inf, 0.1, 0.2, 0.4, 0.5, 0.9, 1.0])
    np.testing.assert_array_equal(n_right, [0, 1, 2, 3, 3, 3, 3])
    np.testing.assert_array_equal(n_wrong, [0, 0, 1, 1, 1, 2, 2])
    np.testing.assert_array_equal(n_ood, [0, 0, 1, 1, 2, 3, 4])
    assert {column.dtype for column in (n_right, n_wrong, n_ood)} == {np.dtype(np.int64)}
    assert thresholds.dtype == np.float64
    assert rank(MEASURE, CORRECT).table().n_ood.sum() == 0


@pytest.mark.parametrize("max_rows", [2, 3, 50, 1000])
@pytest.mark.parametrize("n_levels", [7, 10**9])
def test_a_short_table_has_exact_rows_spread_evenly_over_the_ranks(max_rows: int, n_levels: int) -> None:
    rng = np.random.default_rng(31)
    measure, ood = rng.integers(0, n_levels, 700).astype(np.float32), rng.integers(0, n_levels, 300).astype(np.float32)
    ranking = rank(measure, rng.random(700) < 0.8, ood)
    short, full = ranking.table(max_rows), ranking.table(None)
    assert 2 <= len(short.thresholds) <= max_rows
    rows = np.searchsorted(full.thresholds, short.thresholds)
    assert (np.diff(rows) > 0).all()
    for column, whole in zip(short, full, strict=True):
        np.testing.assert_array_equal(column, whole[rows])
    assert (rows[0], rows[-1]) == (0, len(full.thresholds) - 1)
    accepted = (short.n_right + short.n_wrong + short.n_ood)[1:]
    if n_levels > 1000:  # no ties: no two rows are further apart than even steps of rank
        assert np.diff(accepted, prepend=0).max() <= -(-1000 // (max_rows - 1))
    else:
        assert_just_above(full.thresholds, [-np.inf, *np.unique(np.concatenate([measure, ood])).tolist()])


@pytest.mark.parametrize("n_examples", [1, 7, 100])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_threshold_at_coverage_is_the_smallest_that_accepts_as_much(n_examples: int, dtype: type) -> None:
    rng = np.random.default_rng(32)
    measure = rng.integers(0, 60, n_examples).astype(dtype) / dtype(7)
    for coverage in [*(np.arange(1, n_examples + 1) / n_examples), 1e-9, *rng.random(20)]:
        accepted = measure.astype(np.float64) <= (threshold := threshold_at_coverage(measure, coverage))
        value = min(value for value in measure if np.mean(measure <= value) >= coverage)
        np.testing.assert_array_equal(accepted, measure <= value)
        assert (np.abs(measure.astype(np.float64) - threshold) > clearance(measure)).all()


@pytest.mark.parametrize("n_examples", [1, 7, 100])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_threshold_at_ood_share_is_the_largest_that_lets_through_no_more(n_examples: int, dtype: type) -> None:
    rng = np.random.default_rng(33)
    ood = rng.integers(0, 60, n_examples).astype(dtype) / dtype(7)
    for share in [*(np.arange(n_examples) / n_examples), *rng.random(20) * (1 - 1 / n_examples)]:
        threshold = threshold_at_ood_share(ood, share)
        accepted = ood.astype(np.float64) <= threshold
        assert accepted.mean() <= share
        assert np.mean(ood <= ood[~accepted].min()) > share  # one value more would be too many
        assert (np.abs(ood.astype(np.float64) - threshold) > clearance(ood)).all()
    assert threshold_at_ood_share(ood, 1) == np.inf


def test_values_that_tie_are_accepted_together_or_not_at_all() -> None:
    """A chain of steps too short for a threshold is one value, whichever end of it the target falls on."""
    measure = np.array([0, 3 * ROUNDING, 6 * ROUNDING, 1])
    for coverage, n_accepted in [(0.25, 3), (0.5, 3), (0.75, 3), (1, 4)]:
        assert np.count_nonzero(measure <= threshold_at_coverage(measure, coverage)) == n_accepted
    for share, n_accepted in [(0, 0), (0.25, 0), (0.5, 0), (0.75, 3), (1, 4)]:
        assert np.count_nonzero(measure <= threshold_at_ood_share(measure, share)) == n_accepted
    assert rank(measure, np.ones(4, bool)).table().n_right.tolist() == [0, 3, 4]


def test_split_by_class_by_hand() -> None:
    accepted = np.array([True, True, False, True, False])
    split = split_by_class(accepted, CORRECT, np.array([0, 1, 1, 1, 0]), 3)
    np.testing.assert_array_equal(split.n_accepted, [1, 2, 0])
    np.testing.assert_array_equal(split.n_deferred, [1, 1, 0])
    np.testing.assert_array_equal(split.accuracy, [1, 0.5, NAN])
    np.testing.assert_array_equal(split.deferred_accuracy, [1, 0, NAN])


def test_the_classes_of_a_split_add_up_to_the_acceptance() -> None:
    rng = np.random.default_rng(34)
    measure, correct, classes = rng.random(300), rng.random(300) < 0.8, rng.integers(0, 5, 300).astype(np.uint8)
    split, whole = split_by_class(measure <= 0.6, correct, classes, 5), rank(measure, correct).at(0.6)
    assert (split.n_accepted.sum(), split.n_deferred.sum()) == (whole.n_accepted, whole.n_deferred)
    assert np.sum(split.n_accepted * split.accuracy) / whole.n_accepted == pytest.approx(whole.accuracy)
    assert np.sum(split.n_deferred * split.deferred_accuracy) / whole.n_deferred == pytest.approx(
        whole.deferred_accuracy
    )


FLAGS, CLASSES = np.array([True, False]), np.array([0, 1])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rank(np.empty(0), np.empty(0, bool)), "`measure` must hold one number for each example"),
        (lambda: rank(np.array([np.nan]), np.array([True])), "`measure` must be finite. Received 1 values"),
        (lambda: rank(np.array([np.inf], np.float32), np.array([True])), "`measure` must be finite"),
        (lambda: rank(np.array([-1e308, 1]), np.array([True, True])), r"at most 1e\+300. Received 1e\+308; divide all"),
        (lambda: rank(MEASURE, CORRECT[:3]), "`correct` must be 5 booleans"),
        (lambda: rank(MEASURE, CORRECT.astype(int)), "dtype int64"),
        (lambda: rank(MEASURE, CORRECT, np.empty(0)), "`ood_measure` must hold one number"),
        (lambda: rank(MEASURE, CORRECT).at(NAN), "`threshold` must be a number. Received: NaN"),
        (lambda: rank(MEASURE, CORRECT).table(1), "`max_rows` must be at least 2"),
        (lambda: threshold_at_coverage(MEASURE, 0), "`coverage` must be above 0 and at most 1"),
        (lambda: threshold_at_coverage(MEASURE, NAN), "`coverage` must be above 0 and at most 1"),
        (lambda: threshold_at_ood_share(OOD, 1.01), "`share` must be from 0 to 1"),
        (lambda: threshold_at_ood_share(np.array([np.nan]), 0.5), "`ood_measure` must be finite"),
        (lambda: split_by_class(FLAGS[:1], FLAGS, CLASSES, 2), "`accepted` must be 2 booleans"),
        (lambda: split_by_class(FLAGS, FLAGS, CLASSES, 1), "`classes` must be from 0 to 0. Received: 0 to 1"),
        (lambda: split_by_class(FLAGS, FLAGS, CLASSES - 1, 2), "Received: -1 to 0"),
        (lambda: split_by_class(FLAGS, FLAGS, CLASSES.astype(float), 2), "`classes` must hold one integer"),
    ],
)
def test_input_that_cannot_be_counted_is_refused(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(UqError, match=message):
        call()


def test_importing_the_package_loads_nothing_but_numpy() -> None:
    script = "import sys, uqcore.selection; print(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"scipy", "sklearn", "pandas", "plotly", "streamlit", "tensorflow"} & set(done.stdout.split())


def test_ranking_leaves_its_input_as_it_was() -> None:
    measure: FloatArray = MEASURE.copy()
    rank(measure, CORRECT, OOD)
    np.testing.assert_array_equal(measure, MEASURE)
