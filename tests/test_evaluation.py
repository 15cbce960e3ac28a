"""One model's figures, each checked a second way."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics

from uqcore import datasets
from uqcore.evaluation import Evaluation, evaluate
from uqcore.measures import MEASURES
from uqcore.methods import METHODS
from uqcore.sampling import draw, load_posterior
from uqcore.store import Store
from uqcore.types import ModelRecord, softmax

N_SAMPLES = 5


@pytest.fixture(scope="module")
def results(tiny_store: Store, tiny: dict[str, ModelRecord]) -> dict[str, Evaluation]:
    return {method: evaluate(tiny_store, record, N_SAMPLES) for method, record in tiny.items()}


@pytest.mark.parametrize("method", list(METHODS))
def test_an_evaluation_names_its_model_and_has_every_figure(
    method: str, results: dict[str, Evaluation], tiny: dict[str, ModelRecord]
) -> None:
    result, record = results[method], tiny[method]
    for name in ("model_id", "task", "method", "seed", "n_parameters"):
        assert getattr(result, name) == getattr(record, name)
    assert result.n_samples == {"deterministic": 1, "deep_ensemble": 2}.get(method, N_SAMPLES)
    assert 0 <= result.accuracy <= 1
    assert 0 <= result.ece <= 1
    assert 0 <= result.brier <= 2
    assert result.nll > 0
    assert result.own_measure in result.ood["cluster"]
    assert list(result.ood) == list(datasets.load("moons").ood)
    for by_measure in result.ood.values():
        assert list(by_measure) == list(MEASURES)
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
