from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from mapie.classification import SplitConformalClassifier
from scipy import stats
from sklearn.base import BaseEstimator, ClassifierMixin

from uqcore.selection.conformal import (
    CURVE_ALPHAS,
    Score,
    assess_sets,
    calibrate,
    prediction_sets,
    singleton_curve,
)
from uqcore.selection.gaps import clearance
from uqcore.selection.heldout import clopper_pearson
from uqcore.types import FloatArray, IntArray, UqError, softmax

PROBS = np.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.4, 0.3, 0.3]])
SCORES: tuple[Score, ...] = ("lac", "aps")


def some_predictions(seed: int, n: int, n_classes: int = 4, sharpness: float = 1.5) -> tuple[FloatArray, IntArray]:
    """Probabilities, and labels drawn from flatter ones: a model that is too sure."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, n_classes))
    cumulative = softmax(logits).cumsum(axis=1)
    return softmax(sharpness * logits), (rng.random((n, 1)) > cumulative[:, :-1]).sum(axis=1)


@pytest.mark.parametrize(
    ("score", "alpha", "quantile", "sets"),
    [
        # The labels' scores are 0.3, 0.7, 0.6; rank ceil(4 * 0.5) = 2 is 0.6, ceil(4 * 0.75) = 3 is 0.7.
        ("lac", 0.5, 0.6, [[1, 0, 0], [0, 1, 0], [1, 0, 0]]),
        ("lac", 0.25, 0.7, [[1, 0, 0], [0, 1, 1], [1, 1, 1]]),
        ("lac", 0.75, 0.3, [[1, 0, 0], [0, 0, 0], [0, 0, 0]]),
        # Before the labels come 0, 0.6, 0; rank 2 is 0, rank 3 is 0.6.
        ("aps", 0.5, 0, [[1, 0, 0], [0, 1, 0], [1, 0, 0]]),
        ("aps", 0.25, 0.6, [[1, 0, 0], [0, 1, 1], [1, 1, 0]]),
    ],
)
def test_quantile_and_sets_by_hand(score: Score, alpha: float, quantile: float, sets: list[list[int]]) -> None:
    calibration = calibrate(PROBS, [0, 2, 0], alpha, score)
    assert calibration.quantile == pytest.approx(quantile, abs=1e-7)  # the scores are of float32 probabilities
    assert prediction_sets(calibration, PROBS).tolist() == np.array(sets, bool).tolist()


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize(("alpha", "n_needed"), [(0.1, 9), (0.05, 19), (0.3, 3), (0.001, 999), (0.7, 1)])
def test_sets_are_all_classes_where_the_examples_are_too_few(score: Score, alpha: float, n_needed: int) -> None:
    probs, labels = some_predictions(1, n_needed)
    enough = calibrate(probs, labels, alpha, score)
    assert (enough.n_needed, enough.n_calibration, math.isfinite(enough.quantile)) == (n_needed, n_needed, True)
    if n_needed > 1:
        too_few = calibrate(probs[1:], labels[1:], alpha, score)
        assert (too_few.quantile, too_few.n_needed) == (math.inf, n_needed)
        assert prediction_sets(too_few, probs).all()


def test_rank_is_that_of_alpha_as_written() -> None:
    """Nine examples, alpha 0.7: rank 10 * 0.3 = 3, which is 4 if computed in floats."""
    top = np.arange(0.55, 0.95, 0.045)[:9]
    calibration = calibrate(np.stack([top, 1 - top], axis=1), np.zeros(9, int), 0.7)
    scores = np.sort(1 - top.astype(np.float32).astype(np.float64))
    assert scores[2] + clearance(scores[2]) < calibration.quantile < scores[2] + 1e-11 < scores[3]


class Given(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier whose inputs are its probabilities, for MAPIE."""

    def __init__(self, n_classes: int) -> None:
        self.n_classes = n_classes

    def __sklearn_is_fitted__(self) -> bool:
        return True

    @property
    def classes_(self) -> IntArray:
        return np.arange(self.n_classes)

    def fit(self, probs: FloatArray, labels: IntArray) -> Given:
        return self

    def predict_proba(self, probs: FloatArray) -> FloatArray:
        return probs

    def predict(self, probs: FloatArray) -> IntArray:
        return probs.argmax(axis=1)


class Ones(np.random.RandomState):
    """MAPIE randomises the scores of APS; this is its random number fixed at 1, as here."""

    def uniform(self, *_: Any, size: Any = None, **__: Any) -> Any:
        return np.ones(size)


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("alpha", [0.02, 0.1, 0.37])
def test_sets_are_those_of_mapie(score: Score, alpha: float) -> None:
    probs, labels = some_predictions(2, 900)
    judge = SplitConformalClassifier(
        Given(4), confidence_level=1 - alpha, conformity_score=score, prefit=True, random_state=Ones(0)
    ).conformalize(probs[:400], labels[:400])
    calibration = calibrate(probs[:400], labels[:400], alpha, score)
    assert 0 < calibration.quantile < 1
    sets = prediction_sets(calibration, probs[400:])
    assert (sets == judge.predict_set(probs[400:])[1][..., 0]).all()
    assert len({*sets.sum(axis=1)}) > 1


@pytest.mark.parametrize("score", SCORES)
def test_sets_hold_the_label_as_often_as_promised(score: Score) -> None:
    """Coverage given the calibration examples is Beta(k, n + 1 - k), so its mean over calibrations is k / (n + 1).

    500 calibrations of 40 examples at alpha 0.15: rank 35, mean 35 / 41.
    """
    covered = []
    for seed in range(500):
        probs, labels = some_predictions(seed, 240)
        sets = prediction_sets(calibrate(probs[:40], labels[:40], 0.15, score), probs[40:])
        covered.append(sets[np.arange(200), labels[40:]].mean())
    expected = stats.beta(35, 6)
    spread = math.sqrt((expected.var() + 0.85 * 0.15 / 200) / 500)
    assert np.mean(covered) == pytest.approx(expected.mean(), abs=4 * spread)
    assert expected.mean() >= 0.85


def test_adaptive_sets_always_hold_the_most_probable_class() -> None:
    probs, _ = some_predictions(3, 300, sharpness=6)
    calibration = calibrate(probs, probs.argmax(axis=1), 0.1, "aps")
    assert clearance(np.zeros(1)) < calibration.quantile < 1e-11
    sets = prediction_sets(calibration, probs)
    assert (sets == (np.arange(4) == probs.argmax(axis=1)[:, None])).all()


def test_ties_take_the_first_class_as_a_prediction_does() -> None:
    calibration = calibrate(np.array([[0.5, 0.5]] * 9), np.zeros(9, int), 0.1, "aps")
    assert prediction_sets(calibration, np.array([[0.5, 0.5]])).tolist() == [[True, False]]


@pytest.mark.parametrize("score", SCORES)
def test_sets_depend_on_the_probabilities_alone(score: Score) -> None:
    """Of float64 and its float32 copy, in any order in memory, also where a score is the one of the quantile's rank."""
    probs, labels = some_predictions(5, 400)
    made = [
        prediction_sets(calibrate(first, labels, 0.1, score), second)
        for first in (probs, probs.astype(np.float32), np.asfortranarray(probs))
        for second in (probs, probs.astype(np.float32), np.asfortranarray(probs.astype(np.float32)))
    ]
    assert all((sets == made[0]).all() for sets in made)
    assert len({*made[0].sum(axis=1)}) > 1


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    probs, labels = some_predictions(4, 100)
    whole = [calibrate(probs, labels, 0.1, score) for score in SCORES]
    sets = [prediction_sets(calibration, probs) for calibration in whole]
    monkeypatch.setattr("uqcore.selection.conformal.CHUNK", 7)
    assert [calibrate(probs, labels, 0.1, score) for score in SCORES] == whole
    assert all((prediction_sets(c, probs) == s).all() for c, s in zip(whole, sets, strict=True))


def test_no_examples_have_no_sets() -> None:
    assert prediction_sets(calibrate(PROBS, [0, 1, 2], 0.5), np.empty((0, 3))).shape == (0, 3)


def test_assessment_by_hand() -> None:
    sets = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 0], [1, 1, 0], [1, 1, 1]], bool)
    ood_sets = np.array([[0, 0, 1], [0, 0, 0], [1, 1, 0], [1, 1, 1]], bool)
    found = assess_sets(sets, [0, 2, 1, 1, 2], ood_sets)
    assert found.label_coverage == pytest.approx(3 / 5)
    assert (found.label_coverage_low, found.label_coverage_high) == clopper_pearson(3, 5)
    assert found.mean_size == pytest.approx(7 / 5)
    assert found.size_counts.tolist() == [1, 2, 1, 1]
    assert found.n_accepted == 2
    assert (found.coverage, found.accuracy) == pytest.approx((2 / 5, 1 / 2))
    assert found.ood_accepted == pytest.approx(1 / 4)


def test_nothing_is_accepted_where_every_set_is_all_classes() -> None:
    found = assess_sets(np.ones((4, 3), bool), [0, 1, 2, 0])
    assert (found.label_coverage, found.mean_size, found.coverage) == (1, 3, 0)
    assert np.isnan([found.accuracy, found.ood_accepted]).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((PROBS, [0, 1, 2], 0), r"`alpha` must be between 0 and 1. Received: 0"),
        ((PROBS, [0, 1, 2], 0.1, "raps"), r"`score` must be one of lac, aps. Received: raps"),
        ((PROBS, [0, 1], 0.1), "`labels` must hold 3 classes"),
        ((PROBS, [0, 1, 3], 0.1), r"`labels` must be from 0 to 2. Received: 0 to 3"),
        ((PROBS[0], [0, 1, 2], 0.1), r"`probs` must have shape .*Received: \(3,\)"),
        ((PROBS[None], [0, 1, 2], 0.1), r"Prediction sets are of predictive probabilities.*Received: \(1, 3, 3\)"),
        ((PROBS * 2, [0, 1, 2], 0.1), r"sum to 1.*up to 1 off"),
        ((PROBS - 0.5, [0, 1, 2], 0.1), "sum to 1"),
        ((PROBS * np.nan, [0, 1, 2], 0.1), "sum to 1"),
        ((np.empty((0, 3)), np.empty(0, int), 0.1), "Calibration needs examples with labels"),
    ],
)
def test_what_cannot_be_calibrated_on_is_refused(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(UqError, match=message):
        calibrate(*arguments)


def test_sets_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UqError, match="`probs` must have 3 classes"):
        prediction_sets(calibrate(PROBS, [0, 1, 2], 0.5), np.array([[0.5, 0.5]]))
    with pytest.raises(UqError, match="`sets` must be booleans"):
        assess_sets(np.ones((2, 2)), [0, 1])  # type: ignore[arg-type]
    with pytest.raises(UqError, match="at least one example"):
        assess_sets(np.empty((0, 2), bool), [])
    with pytest.raises(UqError, match="`ood_sets` must be booleans"):
        assess_sets(np.ones((2, 2), bool), [0, 1], np.empty(0, bool))


@pytest.mark.parametrize("score", ["lac", "aps"])
def test_the_curve_of_singletons_has_the_points_that_single_alphas_give(score: Score) -> None:
    rng = np.random.default_rng(12)
    probs = rng.dirichlet([0.3] * 4, 900)
    labels = (probs.cumsum(axis=1) > rng.random((900, 1))).argmax(axis=1)
    curve = singleton_curve(probs[:400], labels[:400], probs[400:], labels[400:], score)
    for i in (0, 10, 23):
        sets = prediction_sets(calibrate(probs[:400], labels[:400], CURVE_ALPHAS[i], score), probs[400:])
        alone = sets.sum(axis=1) == 1
        assert curve.coverage[i] == alone.mean()
        if alone.any():
            right = (sets[alone].argmax(axis=1) == labels[400:][alone]).mean()
            assert curve.risk[i] == pytest.approx(1 - right)
