"""Verdicts from draws made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from uqcore.exhibits.verdicts import OWN, Gauge, gauge, judge, own_threshold
from uqcore.metrics.uncertainty import MEASURES
from uqcore.types import Draws, FloatArray, ModelRecord, UqError

LN2 = np.log(2)


def draws_of(probs: FloatArray) -> Draws:
    """Draws with exactly these sample probabilities ``(S, N, K)``, zeros included."""
    return Draws(np.log(np.maximum(probs, 1e-30)), sample_probs=probs)


def test_samples_that_contradict_each_other_are_all_epistemic_and_coins_all_aleatoric() -> None:
    contradicting = [[[1.0, 0.0]], [[0.0, 1.0]]]
    coins = [[[0.5, 0.5]], [[0.5, 0.5]]]
    probs = np.concatenate([np.array(contradicting), np.array(coins)], axis=1)
    torn, coin = judge(draws_of(probs), "predictive_entropy", 1.0)
    np.testing.assert_allclose([torn.total, torn.aleatoric, torn.epistemic], [LN2, 0, LN2], atol=1e-12)
    np.testing.assert_allclose([coin.total, coin.aleatoric, coin.epistemic], [LN2, LN2, 0], atol=1e-12)
    np.testing.assert_array_equal([torn.low, torn.high], [[0.05, 0.05], [0.95, 0.95]])
    np.testing.assert_array_equal([coin.low, coin.high], [[0.5, 0.5], [0.5, 0.5]])


def test_parts_add_up_percentiles_are_numpys_and_the_label_is_the_means() -> None:
    probs = np.random.default_rng(0).dirichlet(np.ones(10), size=(40, 6))
    for i, verdict in enumerate(judge(draws_of(probs), "mutual_information", 0.3)):
        assert verdict.total == pytest.approx(verdict.aleatoric + verdict.epistemic)
        assert 0 < verdict.aleatoric < verdict.total < np.log(10)
        assert verdict.measure == pytest.approx(verdict.epistemic)
        assert verdict.label == probs[:, i].mean(axis=0).argmax()
        np.testing.assert_allclose(verdict.probs, probs[:, i].mean(axis=0))
        for values, percentile in ((verdict.low, 5), (verdict.high, 95)):
            expected = [np.percentile(probs[:, i, k], percentile) for k in range(10)]
            np.testing.assert_allclose(values, expected)


def test_one_sample_has_no_spread_and_no_epistemic_part() -> None:
    probs = np.array([[[0.7, 0.2, 0.1]]])
    (verdict,) = judge(draws_of(probs), "predictive_entropy", 1.0)
    np.testing.assert_array_equal(verdict.low, verdict.high)
    np.testing.assert_array_equal(verdict.probs, [0.7, 0.2, 0.1])
    assert verdict.epistemic == 0
    assert verdict.total == pytest.approx(-0.7 * np.log(0.7) - 0.2 * np.log(0.2) - 0.1 * np.log(0.1))


@pytest.mark.parametrize("measure_id", ["predictive_entropy", "least_confidence", "mutual_information"])
def test_what_lies_exactly_at_the_threshold_is_accepted(measure_id: str) -> None:
    draws = draws_of(np.random.default_rng(1).dirichlet(np.ones(3), size=(5, 4)))
    values = MEASURES[measure_id].compute(draws)
    threshold = float(np.sort(values)[1])
    verdicts = judge(draws, measure_id, threshold)
    assert [v.measure for v in verdicts] == values.tolist()
    assert [v.accepted for v in verdicts] == (values <= threshold).tolist()
    assert sum(v.accepted for v in verdicts) == 2
    assert sum(v.accepted for v in judge(draws, measure_id, float(np.nextafter(threshold, 0)))) == 1


def test_a_closed_form_predicts_and_the_samples_are_split() -> None:
    logits = np.array([[[2.0, 0.0]], [[0.0, 2.0]]])
    draws = Draws(logits, mean_logits=np.array([[3.0, 0.0]]), variance=np.array([8.0]), mean_field_factor=1.0)
    (verdict,) = judge(draws, "logit_variance", 8.0)
    np.testing.assert_allclose(verdict.probs, [1 / (1 + np.exp(-1)), 1 / (1 + np.exp(1))])  # 3 / sqrt(1 + 8) = 1
    assert verdict.label == 0
    assert verdict.total == pytest.approx(LN2)  # of the samples' mean, which is even
    assert verdict.accepted


def row(**metrics: float) -> ModelRecord:
    return ModelRecord("digits-sngp-seed0", "digits", "sngp", 0, {}, (), 0, 0, 0.0, {}, "", metrics)


def test_half_the_own_gauge_is_the_own_threshold_and_other_gauges_end_at_the_largest_value() -> None:
    own = gauge(row(threshold_logit_variance=0.06), OWN, 10)
    assert own.measure_id == "logit_variance"
    assert own.threshold(0.5) == pytest.approx(own_threshold(row(threshold_logit_variance=0.06))) == 0.06
    assert gauge(row(), "predictive_entropy", 10).threshold(0.5) == pytest.approx(np.log(10) / 2)


def test_a_row_without_a_threshold_names_the_command_that_rebuilds_it() -> None:
    with pytest.raises(UqError, match="python -m uqcore train --task digits --method sngp --seed 0"):
        own_threshold(row())


def test_what_is_accepted_is_what_is_not_longer_than_the_mark_and_the_end_accepts_all() -> None:
    draws = draws_of(np.random.default_rng(2).dirichlet(np.ones(3), size=(5, 8)))
    values = MEASURES["predictive_entropy"].compute(draws)
    short = Gauge("predictive_entropy", float(np.median(values)))  # Half of the examples go beyond its end.
    for mark in (0.3, 0.9, 1.0):
        accepted = [v.accepted for v in judge(draws, short.measure_id, short.threshold(mark))]
        assert accepted == (short.share(draws) <= mark).tolist()
    assert all(accepted)
