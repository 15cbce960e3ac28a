from __future__ import annotations

import math

import numpy as np
import pytest
import sklearn.metrics
from numpy.typing import NDArray

from uqcore.metrics.classification import misclassification_auroc, ood_metrics
from uqcore.selection import Ranking, augrc, aurc, error_roc, ood_roc, rank, risk_coverage_curve, threshold_at_coverage
from uqcore.selection.gaps import clearance
from uqcore.types import FloatArray

NAN = float("nan")


def example(n_levels: int) -> tuple[FloatArray, NDArray[np.bool_], FloatArray]:
    """A measure with ``n_levels`` values that knows something of the errors, and of OOD."""
    rng = np.random.default_rng(40)
    measure = rng.integers(0, n_levels, 200) / n_levels
    return measure, rng.random(200) > 0.6 * measure, np.sqrt(rng.integers(0, n_levels, 90) / n_levels)


def aurc_by_loop(measure: FloatArray, correct: NDArray[np.bool_]) -> float:
    """The paper's sum: the mean risk of the k most certain examples."""
    wrong = ~correct[np.argsort(measure, kind="stable")]
    return float(np.mean([wrong[:k].mean() for k in range(1, len(wrong) + 1)]))


def test_risk_coverage_by_hand() -> None:
    ranking = rank(np.array([0.1, 0.2, 0.2, 0.4, 0.9]), np.array([True, True, False, True, False]))
    curve = risk_coverage_curve(ranking.table())
    np.testing.assert_allclose(curve.thresholds, [-np.inf, 0.1, 0.2, 0.4, 0.9], rtol=0, atol=1e-11)
    values = np.array([0.1, 0.2, 0.4, 0.9])
    assert (curve.thresholds[1:] > values + clearance(values)).all()
    np.testing.assert_allclose(curve.coverage, [0, 0.2, 0.6, 0.8, 1])
    np.testing.assert_allclose(curve.risk, [NAN, 0, 1 / 3, 1 / 4, 2 / 5])
    # A step from one coverage to the next costs the risk at its end: the tie at 0.2 is never split.
    assert aurc(ranking).aurc == pytest.approx(0.2 * 0 + 0.4 / 3 + 0.2 / 4 + 0.2 * 2 / 5)


@pytest.mark.parametrize("n_levels", [1, 5, 10**9])
def test_curves_equal_a_loop_over_thresholds(n_levels: int) -> None:
    measure, correct, ood = example(n_levels)
    table = rank(measure, correct, ood).table(None)
    curve = risk_coverage_curve(table)
    for i, threshold in list(enumerate(table.thresholds))[1:]:
        accepted = measure <= threshold
        risk = 1 - correct[accepted].mean() if accepted.any() else NAN
        assert (curve.coverage[i], curve.risk[i]) == pytest.approx((accepted.mean(), risk), nan_ok=True)


@pytest.mark.parametrize("n_levels", [5, 10**9])
def test_risk_is_what_scikit_learn_calls_one_minus_the_precision_of_right(n_levels: int) -> None:
    measure, correct, _ = example(n_levels)
    curve = risk_coverage_curve(rank(measure, correct).table(None))
    precision, _, thresholds = sklearn.metrics.precision_recall_curve(correct, -measure)
    np.testing.assert_allclose(-thresholds[::-1], curve.thresholds[1:], rtol=0, atol=1e-11)
    assert (curve.thresholds[1:] > clearance(thresholds[::-1]) - thresholds[::-1]).all()
    np.testing.assert_allclose(1 - precision[:-1][::-1], curve.risk[1:], atol=1e-12)


@pytest.mark.parametrize("n_levels", [2, 5, 10**9])
def test_roc_curves_equal_scikit_learns(n_levels: int) -> None:
    measure, correct, ood = example(n_levels)
    for curve, positive, scores in (
        (error_roc(rank(measure, correct).table(None)), ~correct, measure),
        (
            ood_roc(rank(measure, correct, ood).table(None)),
            np.repeat([False, True], [200, 90]),
            np.concatenate([measure, ood]),
        ),
    ):
        fpr, tpr, _ = sklearn.metrics.roc_curve(positive, scores, drop_intermediate=False)
        np.testing.assert_allclose(curve.fpr[::-1], fpr)
        np.testing.assert_allclose(curve.tpr[::-1], tpr)


def test_the_areas_under_the_roc_curves_are_the_auroc() -> None:
    measure, correct, ood = example(20)
    table = rank(measure, correct, ood).table(None)
    for curve, area in (
        (error_roc(table), misclassification_auroc(measure, correct)),
        (ood_roc(table), ood_metrics(measure, ood).auroc),
    ):
        assert -np.trapezoid(curve.tpr, curve.fpr) == pytest.approx(area, rel=1e-12)


def test_curves_of_a_short_table_are_points_of_the_whole_curve() -> None:
    ranking = rank(*example(10**9))
    short, full = risk_coverage_curve(ranking.table(20)), risk_coverage_curve(ranking.table(None))
    points = set(zip(full.coverage, full.risk, strict=True))
    assert all(point in points for point in list(zip(short.coverage, short.risk, strict=True))[1:])


def test_what_is_not_there_has_no_share() -> None:
    all_right = rank(np.array([1.0, 2.0]), np.array([True, True])).table()
    assert np.isnan(error_roc(all_right).tpr).all()
    assert np.isnan(ood_roc(all_right).tpr).all()
    np.testing.assert_array_equal(error_roc(all_right).fpr, [1, 0.5, 0])


def test_aurc_without_ties_is_the_mean_risk_of_the_most_certain() -> None:
    measure, correct, _ = example(10**9)
    assert len(np.unique(measure)) == len(measure)
    assert aurc(rank(measure, correct)).aurc == pytest.approx(aurc_by_loop(measure, correct), rel=1e-12)


def test_aurc_with_ties_is_the_mean_risk_at_a_coverage_asked_for_and_knows_no_order() -> None:
    measure, correct, _ = example(6)
    expected = np.mean(
        [1 - rank(measure, correct).at(threshold_at_coverage(measure, k / 200)).accuracy for k in range(1, 201)]
    )
    order = np.random.default_rng(41).permutation(200)
    assert aurc(rank(measure, correct)).aurc == pytest.approx(expected, rel=1e-12)
    assert aurc(rank(measure[order], correct[order])) == aurc(rank(measure, correct))
    by_order = [aurc_by_loop(measure[rows], correct[rows]) for rows in (order, np.argsort(correct))]
    assert by_order[0] != by_order[1]


def test_a_measure_without_information_scores_the_error_rate() -> None:
    assert aurc(rank(np.zeros(50), np.arange(50) >= 10)).aurc == pytest.approx(0.2)


@pytest.mark.parametrize("error_rate", [0.01, 0.2, 0.9])
def test_a_perfect_ranking_has_the_closed_form_and_no_excess(error_rate: float) -> None:
    def perfect(n_examples: int) -> Ranking:
        measure = np.arange(n_examples, dtype=float)
        return rank(measure, measure < n_examples - round(error_rate * n_examples))

    area, excess = aurc(perfect(100_000))
    assert area == pytest.approx(error_rate + (1 - error_rate) * math.log(1 - error_rate), abs=1e-5)
    assert 0 < excess < 1e-5
    assert aurc(perfect(1000)).excess == pytest.approx(100 * excess, rel=0.01)  # the promised O(1 / N)


def test_aurc_of_the_inverse_ranking_is_the_worst() -> None:
    measure, correct, _ = example(10**9)
    best, worst = (aurc(rank(values, correct)) for values in (1.0 - correct, 1.0 * correct))
    assert best.excess < aurc(rank(measure, correct)).excess < worst.excess


@pytest.mark.parametrize(("correct", "expected"), [(True, 0), (False, 1)])
def test_aurc_where_all_is_right_or_all_wrong(correct: bool, expected: float) -> None:
    assert aurc(rank(np.arange(4.0), np.full(4, correct))) == (expected, 0)


@pytest.mark.parametrize("n_levels", [3, 1000])
def test_augrc_is_the_papers_closed_form(n_levels: int) -> None:
    """Traub et al. 2024, section 3.3: from the AUROC of errors and the accuracy, also where examples tie."""
    measure, correct, _ = example(n_levels)
    accuracy, auroc = correct.mean(), misclassification_auroc(measure, correct)
    expected = (1 - auroc) * accuracy * (1 - accuracy) + (1 - accuracy) ** 2 / 2
    assert augrc(rank(measure, correct)) == pytest.approx(expected)


def test_augrc_by_hand() -> None:
    """Accepted errors at coverage 0, 1/2, 1 are 0, 1/2, 1/2 where the error comes first."""
    assert augrc(rank(np.array([0.1, 0.2]), np.array([False, True]))) == pytest.approx(3 / 8)
    assert augrc(rank(np.array([0.1, 0.2]), np.array([True, False]))) == pytest.approx(1 / 8)
