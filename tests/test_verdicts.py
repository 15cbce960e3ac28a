"""Verdicts from draws made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from uqcore.measures import MEASURES
from uqcore.types import Draws, FloatArray
from uqcore.verdicts import judge

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
