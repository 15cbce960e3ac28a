"""Predictions in two parts: which example goes where, and what thresholds do there, each against a plain recount."""

from __future__ import annotations

import numpy as np
import pytest

from tests.prediction_files import calibrated
from uqcore.metrics.classification import misclassification_auroc, ood_metrics
from uqcore.predictions import Predictions
from uqcore.selection import aurc, rank
from uqcore.selection.cost import Costs
from uqcore.tuning.split import MeasuredPart, study
from uqcore.types import UqError

K = 3
INFINITE = float("inf")


@pytest.mark.parametrize(("share", "n_calibration"), [(0.5, 150 + 30), (0.2, 60 + 12)])
def test_the_parts_are_disjoint_and_complete_and_keep_the_share_of_ood(share: float, n_calibration: int) -> None:
    of = study(calibrated(301, 60), "margin", share, seed=3)
    indices = np.concatenate([of.calibration.indices, of.held_out.indices])
    assert len(of.calibration.indices) == n_calibration
    np.testing.assert_array_equal(np.sort(indices), np.arange(361))


def test_a_part_is_a_selection_of_the_predictions() -> None:
    predictions = calibrated(301, 60)
    of = study(predictions, "margin")
    assert (of.has_labels, of.has_ood) == (True, True)
    assert predictions.labels is not None
    for part in (of.calibration, of.held_out):
        known, ood = np.split(part.indices, [len(part.measure)])
        assert predictions.in_distribution[known].all()
        assert not predictions.in_distribution[ood].any()
        measure, predicted = predictions.measure("margin"), predictions.values[0].argmax(axis=1)
        np.testing.assert_array_equal(part.measure, measure[known])
        np.testing.assert_array_equal(part.ood_measure, measure[ood])
        np.testing.assert_array_equal(part.predicted, predicted[known])
        np.testing.assert_array_equal(part.ood_predicted, predicted[ood])
        np.testing.assert_array_equal(part.labels, predictions.labels[known])
        np.testing.assert_array_equal(part.correct, predicted[known] == predictions.labels[known])
        np.testing.assert_array_equal(part.known_labels(), part.labels)


def test_the_seed_alone_decides_the_split() -> None:
    first, again, other = (study(calibrated(301, 60), "margin", seed=seed).held_out.indices for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert set(first) != set(other)


THRESHOLDS = [(0.4,), (-INFINITE,), (INFINITE,), (0.2, -INFINITE, 0.9), (INFINITE,) * K, (-INFINITE,) * K]


def accepted(part: MeasuredPart, thresholds: tuple[float, ...]) -> tuple[list[int], list[int]]:
    """Example by example: the positions accepted among the in-distribution examples, and among the OOD ones."""
    assert part.ood_measure is not None
    assert part.ood_predicted is not None
    limits = thresholds * K if len(thresholds) == 1 else thresholds
    pairs = ((part.measure, part.predicted), (part.ood_measure, part.ood_predicted))
    inside, ood = ([i for i, c in enumerate(classes) if measure[i] <= limits[c]] for measure, classes in pairs)
    return inside, ood


@pytest.mark.parametrize("thresholds", THRESHOLDS)
def test_what_thresholds_do_is_what_a_recount_finds(thresholds: tuple[float, ...]) -> None:
    part = study(calibrated(301, 60), "least_confidence").held_out
    inside, ood = accepted(part, thresholds)
    n_errors = sum(part.predicted[i] != part.known_labels()[i] for i in inside)
    seen, counts = part.assess(thresholds), part.counts(thresholds)
    assert (seen.n, seen.n_accepted, seen.n_errors) == (len(part.measure), len(inside), n_errors)
    assert seen.coverage.value == len(inside) / len(part.measure)
    assert seen.ood_accepted.value == len(ood) / len(part.indices[len(part.measure) :])
    assert (counts.n_deferred, counts.n_ood_accepted) == (len(part.measure) - len(inside), len(ood))
    assert counts.accepted.sum() - np.trace(counts.accepted) == n_errors
    if inside:
        assert seen.risk.value == counts.risk == n_errors / len(inside)
    else:
        assert np.isnan([seen.risk.value, counts.risk]).all()
        assert seen.risk[1:] == (0, 1)


def test_every_example_is_in_a_bin() -> None:
    of_both = study(calibrated(301, 60), "margin")
    for part in (of_both.calibration, of_both.held_out):
        assert part.bins.linear_counts.sum() == part.bins.log_counts.sum() == len(part.indices)


def test_thresholds_are_compared_as_exact_numbers() -> None:
    part = study(calibrated(301, 60), "margin").held_out
    value = float(np.sort(part.measure)[100])
    at, below = part.assess((value,)), part.assess((np.nextafter(value, 0),))  # which float32 cannot tell apart
    assert at.n_accepted - below.n_accepted == np.count_nonzero(part.measure == value)
    assert part.assess((np.nextafter(value, 0),) * K) == below


def test_the_same_threshold_for_every_class_is_one_threshold() -> None:
    part = study(calibrated(301, 60), "margin").calibration
    assert part.assess((0.5,) * K) == part.assess((0.5,))


def test_without_labels_no_risk_is_known() -> None:
    of = study(calibrated(301, 60, labelled=False), "margin")
    assert not of.has_labels
    for thresholds in ((0.5,), (0.5,) * K):
        seen = of.held_out.assess(thresholds)
        assert seen.n_accepted > 0
        assert np.isnan(seen.risk.value)
        assert seen.risk[1:] == (0, 1)
        assert 0 < seen.ood_accepted.value < 1
    part = of.calibration
    for needs_labels in (
        part.known_labels,
        lambda: part.outcomes,
        lambda: part.counts((0.5,)),
        lambda: part.cheapest_per_class(Costs.uniform(K, deferral=0.1)),
    ):
        with pytest.raises(UqError, match="needs labels"):
            needs_labels()


def test_without_ood_its_share_is_not_known() -> None:
    of = study(calibrated(301), "margin")
    assert not of.has_ood
    assert np.isnan(of.held_out.assess((0.5,)).ood_accepted.value)
    np.testing.assert_array_equal(np.sort(of.held_out.indices), of.held_out.indices)


@pytest.mark.parametrize("share", [0.4, 0.6])
def test_a_single_ood_example_is_in_one_part_only_and_so_counts_as_none(share: float) -> None:
    assert not study(calibrated(301, 1), "margin", share).has_ood


@pytest.mark.parametrize(("n", "share"), [(0, 0.5), (1, 0.5), (4, 0.1), (4, 0.9)])
def test_a_part_without_in_distribution_examples_is_refused(n: int, share: float) -> None:
    with pytest.raises(UqError, match=rf"not OOD for both .* Received {n} of them at .* {share}; use more\.$"):
        study(calibrated(n, 60), "margin", share)


def test_what_the_predictions_do_not_have_is_refused() -> None:
    with pytest.raises(UqError, match=r"Expected a measure that mine has: .*Received: mutual_information"):
        study(calibrated(301, 60), "mutual_information")
    for share in (0, 1, float("nan")):
        with pytest.raises(UqError, match="`share` must be between 0 and 1"):
            study(calibrated(301, 60), "margin", share)


def test_quality_is_what_the_metrics_say_of_the_part() -> None:
    rng = np.random.default_rng(5)
    probs = rng.dirichlet([0.5] * 3, 400).astype(np.float32)
    labels = rng.integers(0, 3, 400)
    of_file = study(Predictions("p", "probs", probs[None], ("a", "b", "c"), labels, np.arange(400) >= 300), "margin")
    part, quality = of_file.held_out, of_file.held_out.quality()
    assert part.correct is not None
    assert part.ood_measure is not None
    assert (quality.aurc, quality.excess_aurc) == tuple(aurc(rank(part.measure, part.correct)))
    assert quality.misclassification_auroc == misclassification_auroc(part.measure, part.correct)
    assert quality.ood == ood_metrics(part.measure, part.ood_measure)


def test_another_measure_keeps_the_parts() -> None:
    probs = np.random.default_rng(6).dirichlet([1, 1, 1], 60).astype(np.float32)
    of_file = study(Predictions("p", "probs", probs[None], ("a", "b", "c"), np.zeros(60, np.int64)), "margin", seed=3)
    other = of_file.with_measure("least_confidence")
    expected = study(of_file.predictions, "least_confidence", seed=3)
    for ours, fresh in ((other.calibration, expected.calibration), (other.held_out, expected.held_out)):
        assert ours.indices.tolist() == fresh.indices.tolist()
        assert ours.measure.tolist() == fresh.measure.tolist()
