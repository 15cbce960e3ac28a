from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sklearn.calibration
import sklearn.metrics
from numpy.typing import NDArray

from uqcore.metrics.classification import (
    accuracy,
    adaptive_ece,
    brier,
    ece,
    misclassification_auroc,
    nll,
    ood_metrics,
    reliability_curve,
)
from uqcore.types import FloatArray, IntArray, UqError

PREDICTION_METRICS = [accuracy, nll, brier, ece, reliability_curve]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(22)


@pytest.fixture
def predictions(rng: np.random.Generator) -> tuple[FloatArray, IntArray]:
    probs = rng.dirichlet(np.full(4, 0.4), size=500)
    return probs, rng.integers(0, 4, 500)


def auroc_by_pairs(negative: FloatArray, positive: FloatArray) -> float:
    """The definition: the share of pairs in the right order, ties counting half."""
    difference = np.asarray(positive)[:, None] - np.asarray(negative)[None, :]
    return np.mean((difference > 0) + 0.5 * (difference == 0))


def fpr95_by_search(in_measure: FloatArray, out_measure: FloatArray) -> float:
    """The definition: of all thresholds that flag at least 95 % of OOD, the lowest false positive rate."""
    thresholds = np.concatenate([in_measure, out_measure])
    enough = [t for t in thresholds if 100 * np.sum(out_measure >= t) >= 95 * len(out_measure)]
    return min(np.mean(in_measure >= t) for t in enough)


def test_predictions_by_hand() -> None:
    probs = np.array([[0.5, 0.3, 0.2], [0.25, 0.5, 0.25], [0.1, 0.1, 0.8], [0.6, 0.4, 0.0]])
    labels = np.array([0, 0, 2, 1])
    assert accuracy(probs, labels) == 0.5
    assert nll(probs, labels) == pytest.approx(-np.log([0.5, 0.25, 0.8, 0.4]).mean())
    squares = [0.25 + 0.09 + 0.04, 0.5625 + 0.25 + 0.0625, 0.01 + 0.01 + 0.04, 0.36 + 0.36]
    assert brier(probs, labels) == pytest.approx(np.mean(squares))


def test_predictions_equal_scikit_learn(predictions: tuple[FloatArray, IntArray]) -> None:
    probs, labels = predictions
    assert accuracy(probs, labels) == sklearn.metrics.accuracy_score(labels, probs.argmax(axis=1))
    assert nll(probs, labels) == pytest.approx(sklearn.metrics.log_loss(labels, probs), rel=1e-9)
    assert brier(probs, labels) == pytest.approx(sklearn.metrics.brier_score_loss(labels, probs), rel=1e-12)


@pytest.mark.parametrize("n_classes", [2, 10])
def test_uniform_predictions_score_what_the_docstrings_say(n_classes: int) -> None:
    labels = np.arange(n_classes).repeat(3)
    probs = np.full((len(labels), n_classes), 1 / n_classes)
    assert accuracy(probs, labels) == pytest.approx(1 / n_classes)
    assert nll(probs, labels) == pytest.approx(np.log(n_classes))
    assert brier(probs, labels) == pytest.approx(1 - 1 / n_classes)
    assert ece(probs, labels) == pytest.approx(0, abs=1e-12)


def test_sure_predictions_reach_the_ends_of_the_scales() -> None:
    right, wrong = np.eye(3), np.eye(3)[[1, 2, 0]]
    labels = np.arange(3)
    assert [metric(right, labels) for metric in (accuracy, nll, brier, ece)] == [1, 0, 0, 0]
    assert [metric(wrong, labels) for metric in (accuracy, brier, ece)] == [0, 2, 1]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nll_of_probability_zero_is_finite_and_the_same_in_every_dtype(dtype: type[np.floating[Any]]) -> None:
    probs = np.array([[1, 0]], dtype)
    assert nll(probs, np.array([1])) == pytest.approx(126 * np.log(2), rel=1e-12)


def test_reliability_curve_by_hand() -> None:
    # Four bins: (0, .25], (.25, .5], (.5, .75], (.75, 1]. A confidence on an edge belongs to the bin below it.
    top = np.array([0.5, 0.6, 0.75, 0.9, 1.0, 1.0])
    probs = np.stack([top, 1 - top], axis=1)
    labels = np.array([1, 0, 0, 1, 0, 0])
    edges, n_examples, confidence, right = reliability_curve(probs, labels, n_bins=4)
    np.testing.assert_array_equal(edges, [0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_array_equal(n_examples, [0, 1, 2, 3])
    np.testing.assert_allclose(confidence, [np.nan, 0.5, 0.675, 2.9 / 3])
    np.testing.assert_allclose(right, [np.nan, 0, 1, 2 / 3])
    assert ece(probs, labels, n_bins=4) == pytest.approx((1 * 0.5 + 2 * 0.325 + 3 * 0.3) / 6)


def test_reliability_curve_equals_scikit_learn(predictions: tuple[FloatArray, IntArray]) -> None:
    probs, labels = predictions
    curve = reliability_curve(probs, labels, n_bins=15)
    correct = probs.argmax(axis=1) == labels
    expected = sklearn.calibration.calibration_curve(correct, probs.max(axis=1), n_bins=15)
    filled = curve.n_examples > 0
    assert curve.n_examples.sum() == len(labels)
    np.testing.assert_allclose((curve.accuracy[filled], curve.confidence[filled]), expected, rtol=1e-12)


def test_ece_with_one_bin_is_the_gap_of_the_means(predictions: tuple[FloatArray, IntArray]) -> None:
    probs, labels = predictions
    expected = abs(accuracy(probs, labels) - probs.max(axis=1).mean())
    assert ece(probs, labels, n_bins=1) == pytest.approx(expected, rel=1e-12)


def test_ece_is_small_where_labels_are_drawn_from_the_predictions_and_large_where_they_are_not(
    rng: np.random.Generator,
) -> None:
    probs = rng.dirichlet(np.ones(3), size=20_000)
    labels = (rng.random((20_000, 1)) > probs.cumsum(axis=1)).sum(axis=1)
    assert ece(probs, labels) < 0.02
    assert ece(probs, rng.integers(0, 3, 20_000)) > 0.2


def test_ood_metrics_of_perfect_and_inverted_separation() -> None:
    low, high = np.linspace(0, 1, 40), np.linspace(2, 3, 40)
    assert ood_metrics(low, high) == (1, 1, 0)
    assert ood_metrics(high, low).auroc == 0
    assert ood_metrics(high, low).fpr95 == 1


def test_ood_metrics_of_a_constant_are_chance() -> None:
    assert ood_metrics(np.zeros(30), np.zeros(10)) == (0.5, 0.25, 1)


def test_fpr95_by_hand() -> None:
    # 20 OOD values: 19 must be flagged, so the threshold is the second lowest, 2. In-distribution: 2 and 5 are flagged.
    assert ood_metrics(np.array([0, 1, 2, 5]), np.arange(1.0, 21)).fpr95 == 0.5
    # 19 OOD values: 18 are 94.7 %, so all must be flagged.
    assert ood_metrics(np.array([0, 1, 2, 5]), np.arange(1.0, 20)).fpr95 == 0.75
    # Every OOD value ties: the threshold is that value, and the in-distribution ones that tie are flagged with it.
    assert ood_metrics(np.array([0, 1, 1, 2]), np.ones(20)).fpr95 == 0.75


@pytest.mark.parametrize("n_out", [1, 19, 20, 21, 60, 100, 140])
@pytest.mark.parametrize("n_levels", [3, 10, 10**6])
def test_ood_metrics_equal_their_definitions(rng: np.random.Generator, n_out: int, n_levels: int) -> None:
    in_measure = rng.integers(0, n_levels, 80) / n_levels
    out_measure = rng.integers(n_levels // 3, n_levels, n_out) / n_levels
    auroc, aupr, fpr95 = ood_metrics(in_measure, out_measure)
    assert auroc == pytest.approx(auroc_by_pairs(in_measure, out_measure), rel=1e-12)
    assert fpr95 == fpr95_by_search(in_measure, out_measure)
    is_ood = np.repeat([0, 1], [80, n_out])
    scores = np.concatenate([in_measure, out_measure])
    assert aupr == sklearn.metrics.average_precision_score(is_ood, scores)


def test_misclassification_auroc_equals_the_share_of_pairs(rng: np.random.Generator) -> None:
    measure = rng.integers(0, 8, 200) / 8
    correct = rng.random(200) > measure
    expected = auroc_by_pairs(measure[correct], measure[~correct])
    assert expected > 0.6
    assert misclassification_auroc(measure, correct) == pytest.approx(expected, rel=1e-12)


def test_misclassification_auroc_takes_an_error_as_the_positive_class() -> None:
    assert misclassification_auroc(np.array([0.1, 0.2, 0.9]), np.array([True, True, False])) == 1


@pytest.mark.parametrize("correct", [True, False])
def test_misclassification_auroc_is_nan_where_there_is_nothing_to_tell_apart(correct: bool) -> None:
    assert np.isnan(misclassification_auroc(np.arange(3.0), np.full(3, correct)))


@pytest.mark.parametrize("metric", PREDICTION_METRICS)
@pytest.mark.parametrize(
    ("probs", "labels", "message"),
    [
        (np.full(4, 0.25), np.zeros(4, int), r"must have shape \(examples, classes\).* Received shape: \(4,\)"),
        (np.empty((0, 3)), np.empty(0, int), "not be empty"),
        (np.eye(3), np.zeros(2, int), r"`labels` must have shape \(3,\).* Received: \(2,\)"),
        (np.eye(3), np.array([0, 1, 3]), "`labels` must be integers from 0 to 2"),
        (np.eye(3), np.array([0, 1, -1]), "`labels` must be integers from 0 to 2"),
        (np.eye(3), np.array([0.0, 1.0, 2.0]), "`labels` must be integers from 0 to 2"),
        (np.array([[0.5, np.nan]]), np.zeros(1, int), "sum to 1"),
        (np.array([[1.5, -0.5]]), np.zeros(1, int), "sum to 1"),
        (np.array([[0.7, 0.7]]), np.zeros(1, int), "sum to 1"),
    ],
)
def test_predictions_that_cannot_be_scored_are_refused(
    metric: Callable[..., Any], probs: FloatArray, labels: IntArray, message: str
) -> None:
    with pytest.raises(UqError, match=message):
        metric(probs, labels)


def test_bins_must_be_positive() -> None:
    with pytest.raises(UqError, match=r"`n_bins` must be 1 or more\. Received: 0"):
        ece(np.eye(2), np.arange(2), n_bins=0)


@pytest.mark.parametrize("bad", [np.empty(0), np.ones((2, 2)), np.array([1, np.nan]), np.array([np.inf, 1])])
def test_measures_that_cannot_be_scored_are_refused(bad: FloatArray) -> None:
    good = np.arange(2.0)
    with pytest.raises(UqError, match="`in_measure`"):
        ood_metrics(bad, good)
    with pytest.raises(UqError, match="`out_measure`"):
        ood_metrics(good, bad)
    with pytest.raises(UqError, match="`measure`"):
        misclassification_auroc(bad, np.array([True, False]))


@pytest.mark.parametrize("correct", [np.array([True]), np.array([1, 0, 1]), np.ones((3, 1), bool)])
def test_correct_must_be_one_boolean_per_example(correct: NDArray[Any]) -> None:
    with pytest.raises(UqError, match="`correct` must be 3 booleans"):
        misclassification_auroc(np.arange(3.0), correct)


def test_adaptive_ece_has_bins_of_equally_many_examples() -> None:
    """By hand: confidences 0.6 and 0.7, both wrong, then 0.8 and 0.9, both right: (1.3 + 0.3) / 4."""
    probs = np.array([[0.6, 0.4], [0.3, 0.7], [0.8, 0.2], [0.1, 0.9]])
    assert adaptive_ece(probs, np.array([1, 0, 0, 1]), n_bins=2) == pytest.approx(0.4)
    assert adaptive_ece(probs, np.array([1, 0, 0, 1]), n_bins=1) == pytest.approx(0.25)


def test_adaptive_ece_needs_an_example_a_bin() -> None:
    with pytest.raises(UqError, match="at least 15 examples"):
        adaptive_ece(np.array([[0.5, 0.5]]), np.array([0]))
