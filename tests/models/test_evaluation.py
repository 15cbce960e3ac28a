"""One model's figures, each checked a second way."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
import sklearn.metrics

from uqcore import datasets
from uqcore.methods import METHODS, of_task
from uqcore.metrics import regression
from uqcore.metrics.uncertainty import MEASURES
from uqcore.models.evaluation import Evaluation, RegressionEvaluation, evaluate
from uqcore.models.sampling import draw, load_posterior
from uqcore.store import Store
from uqcore.types import ModelRecord, softmax

N_SAMPLES = 5


@pytest.fixture(scope="module")
def results(tiny_store: Store, tiny: dict[str, ModelRecord]) -> dict[str, Evaluation]:
    found = {method: evaluate(tiny_store, record, N_SAMPLES) for method, record in tiny.items()}
    return {method: result for method, result in found.items() if isinstance(result, Evaluation)}


@pytest.mark.parametrize("method", list(METHODS))
def test_an_evaluation_names_its_model_and_has_every_figure(
    method: str, results: dict[str, Evaluation], tiny_store: Store, tiny: dict[str, ModelRecord]
) -> None:
    result, record = results[method], tiny[method]
    for name in ("model_id", "task", "method", "seed", "n_parameters"):
        assert getattr(result, name) == getattr(record, name)
    assert result.n_samples == (load_posterior(tiny_store, record).n_samples or N_SAMPLES)
    assert 0 <= result.accuracy <= 1
    assert 0 <= result.ece <= 1
    assert 0 <= result.brier <= 2
    assert result.nll > 0
    assert result.own_measure in result.ood["cluster"]
    assert list(result.ood) == list(datasets.load("moons").ood)
    for by_measure in result.ood.values():
        has_score = "score" in MEASURES[result.own_measure].needs
        assert list(by_measure) == [name for name in MEASURES if has_score or "score" not in MEASURES[name].needs]
        for figures in by_measure.values():
            assert figures._fields == ("auroc", "aupr", "fpr95")
            assert all(0 <= value <= 1 for value in figures)


@pytest.mark.parametrize("method", ["mc_dropout", "sngp"])
def test_the_figures_are_those_of_the_samples(
    method: str, results: dict[str, Evaluation], tiny_store: Store, tiny: dict[str, ModelRecord]
) -> None:
    dataset = datasets.load("moons")
    posterior = load_posterior(tiny_store, tiny[method])
    test, ood = (draw(posterior, x, N_SAMPLES) for x in (dataset.test.x, dataset.ood["cluster"]))
    probs = test.predictive
    if method == "mc_dropout":
        probs = softmax(test.logits.astype(float)).mean(axis=0)
    result = results[method]
    assert result.accuracy == pytest.approx(sklearn.metrics.accuracy_score(dataset.test.y, probs.argmax(axis=1)))
    assert result.nll == pytest.approx(sklearn.metrics.log_loss(dataset.test.y, probs), rel=1e-4)
    assert result.brier == pytest.approx(2 * np.mean((probs[:, 1] - dataset.test.y) ** 2), rel=1e-4)
    variance = [MEASURES["logit_variance"].compute(drawn) for drawn in (test, ood)]
    is_ood = np.repeat([0, 1], [len(dataset.test), len(dataset.ood["cluster"])])
    auroc = sklearn.metrics.roc_auc_score(is_ood, np.concatenate(variance))
    assert result.ood["cluster"]["logit_variance"].auroc == pytest.approx(auroc, abs=1e-4)
    wrong = probs.argmax(axis=1) != dataset.test.y
    entropy = -(probs * np.log(probs)).sum(axis=1)
    assert result.misclassification_auroc == pytest.approx(sklearn.metrics.roc_auc_score(wrong, entropy), abs=1e-3)
    own = MEASURES[METHODS[method].own_measure].compute(test)
    assert result.own_misclassification_auroc == pytest.approx(sklearn.metrics.roc_auc_score(wrong, own), abs=1e-3)


def test_progress_counts_every_example_once(tiny_store: Store, tiny: dict[str, ModelRecord]) -> None:
    ticks: list[tuple[int, int]] = []
    evaluate(tiny_store, tiny["deterministic"], 1, lambda done, total: ticks.append((done, total)))
    dataset = datasets.load("moons")
    total = len(dataset.test) + sum(map(len, dataset.ood.values()))
    assert ticks[-1] == (total, total)
    assert [done for done, _ in ticks] == sorted({done for done, _ in ticks})


def test_measures_of_one_network_that_cannot_tell_are_chance(results: dict[str, Evaluation]) -> None:
    """One sample has no epistemic part: all examples tie."""
    assert results["deterministic"].ood["cluster"]["mutual_information"].auroc == 0.5


@pytest.mark.parametrize("method", of_task("sine"))
def test_the_figures_of_a_regression_model(method: str, committed: Store) -> None:
    record, dataset = committed.find("sine", method), datasets.load("sine")
    ticks: list[tuple[int, int]] = []
    result = evaluate(committed, record, N_SAMPLES, lambda done, total: ticks.append((done, total)))
    assert isinstance(result, RegressionEvaluation)
    for name in ("model_id", "task", "method", "seed", "n_parameters"):
        assert getattr(result, name) == getattr(record, name)
    assert result.n_samples == (1 if method == "deterministic" else N_SAMPLES)
    posterior = load_posterior(committed, record)
    values = posterior.draw(dataset.test.x, range(result.n_samples))[..., 0].astype(float)
    mean, variance = values.mean(axis=0), values.var(axis=0)
    closed = posterior.closed_form(dataset.test.x)
    if closed is not None:
        mean, variance = closed.mean[:, 0], closed.variance
    y, std = dataset.test.y, np.sqrt(variance + record.metrics["noise_std"] ** 2)
    assert result.rmse == pytest.approx(sklearn.metrics.root_mean_squared_error(y, mean), rel=1e-5)
    assert result.nll == pytest.approx(-scipy.stats.norm.logpdf(y, mean, std).mean(), rel=1e-4)
    assert result.coverage == pytest.approx(np.mean(np.abs(y - mean) <= scipy.stats.norm.ppf(0.95) * std), abs=2e-3)
    assert result.width == pytest.approx(2 * scipy.stats.norm.ppf(0.95) * std.mean(), rel=1e-5)
    assert result.crps == pytest.approx(regression.crps(regression.Gaussian(mean, std), y), rel=1e-4)
    assert result.std_on_data == pytest.approx(np.sqrt(variance).mean(), rel=1e-4, abs=1e-9)
    assert list(result.std_ratio) == list(dataset.ood)
    assert ticks == [(1000, 1300), (1100, 1300), (1300, 1300)]


def test_regression_models_are_near_the_best_there_is(committed: Store) -> None:
    """The noise is 0.1, so that no model can expect an RMSE below 0.1, nor a CRPS below 0.1 / sqrt(pi) = 0.0564."""
    for method in of_task("sine"):
        result = evaluate(committed, committed.find("sine", method), 50)
        assert isinstance(result, RegressionEvaluation)
        assert result.rmse < 0.12
        assert result.crps < 0.07
        assert 0.85 < result.coverage < 0.97
        assert result.calibration_error < 0.06


def test_a_summary_names_every_figure_that_there_is(committed: Store, results: dict[str, Evaluation]) -> None:
    line, functions = evaluate(committed, committed.find("sine", "deterministic")).summary().split("\n")
    for words in ("sine-deterministic-seed0: RMSE 0.", "NLL -0.", "CRPS 0.", "90% interval covers 9", "(1 sample)"):
        assert words in line
    assert functions == "  std on data 0.0000"
    _, functions = evaluate(committed, committed.find("sine", "sngp")).summary().split("\n")
    assert "; gap " in functions
    assert results["sngp"].summary().count("cluster") == 2
    unfailing = replace(results["sngp"], accuracy=1.0, misclassification_auroc=math.nan)
    assert "\n  errors   no AUROC: all answers are right\n" in unfailing.summary()
