"""The methods that score a trained network's features: their scores against SciPy's and scikit-learn's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import scipy.special
import scipy.stats
from sklearn.neighbors import NearestNeighbors

from uqcore import networks
from uqcore.datasets import load
from uqcore.methods import METHODS, deterministic, feature_density, nearest_neighbours
from uqcore.methods.on_features import features_of
from uqcore.metrics.classification import misclassification_auroc, ood_metrics
from uqcore.models.sampling import draw, load_posterior
from uqcore.networks.layer_features import LayerFeatures
from uqcore.store import Store
from uqcore.types import Dataset, FloatArray, Posterior, Progress, UqError, Weights

POST_HOC = ("feature_density", "nearest_neighbours")


@pytest.fixture(scope="module")
def weights(committed: Store) -> Weights:
    """Of the moons' deterministic network."""
    return committed.arrays(committed.find("moons", "deterministic"))[0]


def scores(module: Any, config: Any, weights: Weights, x: FloatArray) -> FloatArray:
    """Of ``x``, after a fit that tells of its progress."""
    ticks: list[Progress] = []
    own = module.fit("moons", config, load("moons"), 0, ticks.append, [weights])
    assert [(tick.done, tick.total) for tick in ticks] == [(1, 1)]
    posterior: Posterior = module.load("moons", config, 0, [weights, own.arrays])
    score = posterior.score(x)
    assert score is not None
    return score


@pytest.mark.parametrize("covariance", ["shared", "own"])
def test_the_density_is_scipys(covariance: str, weights: Weights) -> None:
    config = replace(feature_density.CONFIGS["moons"], covariance=covariance, ridge=1e-2)
    dataset = load("moons")
    features = features_of("moons", config, weights).of
    train, x = features(dataset.train.x).astype(float), features(dataset.test.x[:50]).astype(float)
    means = [train[dataset.train.y == k].mean(axis=0) for k in (0, 1)]
    covariances = [np.cov(train[dataset.train.y == k].T, bias=True) for k in (0, 1)]
    pooled = (covariances[0] + covariances[1]) / 2  # as many of each class
    ridge = 1e-2 * np.trace(pooled) / len(pooled) * np.eye(len(pooled))
    chosen = [pooled + ridge] * 2 if covariance == "shared" else [c + ridge for c in covariances]
    gaussians = [scipy.stats.multivariate_normal(m, c) for m, c in zip(means, chosen, strict=True)]
    density = scipy.special.logsumexp([g.logpdf(x) + np.log(0.5) for g in gaussians], axis=0)
    peak = scipy.special.logsumexp([g.logpdf(m) + np.log(0.5) for g, m in zip(gaussians, means, strict=True)])
    score = scores(feature_density, config, weights, dataset.test.x[:50])
    np.testing.assert_allclose(score, peak - density, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("k", [1, 7])
def test_the_distance_is_scikit_learns(k: int, weights: Weights) -> None:
    dataset = load("moons")
    config = replace(nearest_neighbours.CONFIGS["moons"], k=k, n_prototypes=len(dataset.train))
    features = features_of("moons", config, weights).of
    x = np.concatenate([dataset.test.x[:50], dataset.ood["cluster"][:50]])
    judge = NearestNeighbors(n_neighbors=k).fit(features(dataset.train.x).astype(np.float16).astype(float))
    distances, _ = judge.kneighbors(features(x).astype(float))
    score = scores(nearest_neighbours, config, weights, x)
    np.testing.assert_allclose(score, distances[:, -1], rtol=1e-3, atol=2e-3)


def test_prototypes_are_training_examples_chosen_by_the_seed(weights: Weights) -> None:
    dataset = load("moons")
    config = replace(nearest_neighbours.CONFIGS["moons"], n_prototypes=40)
    chosen = [
        nearest_neighbours.fit("moons", config, dataset, seed, lambda progress: None, [weights]).arrays[
            "neighbours/prototypes"
        ]
        for seed in (0, 0, 1)
    ]
    every = features_of("moons", config, weights).of(dataset.train.x)
    assert chosen[0].dtype == np.float16
    assert all(np.abs(every - row).max(axis=1).min() < 2**-10 * np.abs(row).max() for row in chosen[0])
    np.testing.assert_array_equal(chosen[0], chosen[1])
    assert not np.array_equal(chosen[0], chosen[2])


def test_only_training_data_are_looked_at(weights: Weights) -> None:
    real = load("moons")

    def fail() -> Any:
        raise AssertionError("looked at")

    blind = Dataset(
        "moons",
        title="",
        noun="",
        train=lambda: real.train,
        validation=fail,
        test=fail,
        ood={},
        class_names=real.class_names,
    )
    for module in (feature_density, nearest_neighbours):
        module.fit("moons", module.CONFIGS["moons"], blind, 0, lambda progress: None, [weights])


def test_features_are_the_layers_outputs_side_by_side(committed: Store) -> None:
    network = networks.NETWORKS["digits"]
    of_digits = committed.arrays(committed.find("digits", "deterministic"))[0]
    stacked = {name: array[None] for name, array in of_digits.items()}
    x = load("digits").test.x[:30]
    every = LayerFeatures(network, of_digits, "all", unit_length=False).of(x)
    assert every.shape == (30, 16 + 16 + 48 + 48 + 80)
    last = networks.features(network.layers, stacked, x[None])[0]
    np.testing.assert_allclose(every[:, -80:], last, rtol=1e-5, atol=1e-5)
    first = networks.features(network.layers[:1], stacked, x[None])[0]
    np.testing.assert_allclose(every[:, :16], first.mean(axis=(1, 2)), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(LayerFeatures(network, of_digits, "last", unit_length=False).of(x), every[:, -80:])
    of_unit_length = LayerFeatures(network, of_digits, "all", unit_length=True).of(x)
    for part in np.split(of_unit_length, [16, 32, 80, 128], axis=1):
        np.testing.assert_allclose(np.linalg.norm(part, axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("task", ["moons", "digits"])
@pytest.mark.parametrize("method", POST_HOC)
def test_the_prediction_is_the_networks(task: str, method: str, committed: Store) -> None:
    x = load(task).test.x[:40]
    scored = draw(load_posterior(committed, committed.find(task, method)), x, 50)
    plain = draw(load_posterior(committed, committed.find(task, "deterministic")), x, 50)
    np.testing.assert_array_equal(scored.logits, plain.logits)
    assert scored.score is not None
    assert scored.score.min() >= 0
    assert plain.score is None


@pytest.mark.parametrize("method", POST_HOC)
def test_it_stores_nothing_of_the_network_again(method: str, committed: Store) -> None:
    network, record = committed.find("digits", "deterministic"), committed.find("digits", method)
    assert record.files[:1] == network.files
    assert len(record.files) == 2
    assert record.n_trainable == network.n_trainable
    assert record.n_parameters > network.n_parameters


@pytest.mark.parametrize("method", POST_HOC)
def test_it_finds_the_unseen_and_is_worse_at_errors(method: str, committed: Store) -> None:
    """Lee et al. and Sun et al. claim the first; the second is why the pages show both."""
    dataset, posterior = load("digits"), load_posterior(committed, committed.find("digits", method))
    test, garments = (draw(posterior, x[:2000], 1) for x in (dataset.test.x, dataset.ood["fashion"]))
    assert test.score is not None
    assert garments.score is not None
    assert ood_metrics(test.score, garments.score).auroc > 0.998
    correct = test.predictive.argmax(axis=1) == dataset.test.y[:2000]
    confidence: FloatArray = 1 - test.predictive.max(axis=1)
    assert misclassification_auroc(test.score, correct) < misclassification_auroc(confidence, correct)


@pytest.mark.parametrize(
    ("module", "changes"),
    [
        (feature_density, {"layers": "first"}),
        (feature_density, {"covariance": "none"}),
        (feature_density, {"ridge": 0.0}),
        (nearest_neighbours, {"layers": "first"}),
        (nearest_neighbours, {"n_prototypes": 0}),
        (nearest_neighbours, {"k": 0}),
        (nearest_neighbours, {"k": 3001}),
    ],
)
def test_a_setting_out_of_range_is_named(module: Any, changes: dict[str, Any]) -> None:
    (name,) = changes
    with pytest.raises(UqError, match=rf"The setting {name} must be"):
        replace(module.CONFIGS["digits"], **changes)


def test_the_parts_have_the_networks_settings() -> None:
    for method in POST_HOC:
        for task, config in METHODS[method].configs.items():
            parts: Sequence[Any] = METHODS[method].parts(config, 3)
            assert [(part.method_id, part.seed, part.config) for part in parts] == [
                ("deterministic", 3, deterministic.CONFIGS[task])
            ]
