"""The methods that are for the scoreboard alone: what they read from one plain network, against slow ways and SciPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.special
import scipy.stats
from scipy.optimize import minimize

from uqcore.datasets import load
from uqcore.methods import (
    EVERY_METHOD,
    METHODS,
    energy,
    entropy_and_distance,
    feature_density,
    laplace,
    method,
    temperature,
)
from uqcore.methods.on_features import OnNetwork, Seen, see
from uqcore.store import Store
from uqcore.types import FloatArray, Weights, softmax


@pytest.fixture(scope="module")
def weights(committed: Store) -> Weights:
    """Of the moons' deterministic network."""
    return committed.arrays(committed.find("moons", "deterministic"))[0]


def fitted(module: Any, parts: list[Weights]) -> OnNetwork:
    config = module.CONFIGS["moons"]
    made = module.fit("moons", config, load("moons"), 0, lambda progress: None, parts)
    return module.load("moons", config, 0, [*parts, made.arrays])


def test_the_pages_leave_them_out() -> None:
    hidden = EVERY_METHOD.keys() - METHODS.keys()
    assert hidden == {"temperature", "energy", "laplace", "entropy_and_distance"}
    assert all(method(name).method_id == name for name in hidden)


def test_one_pass_sees_logits_and_layers(committed: Store) -> None:
    record = committed.find("digits", "deterministic")
    (of_digits,), x = committed.arrays(record), load("digits").test.x[:20]
    seen = see("digits", of_digits, x)
    posterior = METHODS["deterministic"].load("digits", METHODS["deterministic"].configs["digits"], 0, [of_digits])
    np.testing.assert_array_equal(seen.logits, posterior.draw(x, [0])[0])
    assert [layer.shape for layer in seen.layers] == [(20, n) for n in (16, 16, 48, 48, 80)]


def test_the_likeliest_temperature_is_scipys() -> None:
    rng = np.random.default_rng(3)
    logits = rng.normal(size=(400, 4))
    labels = np.array([rng.choice(4, p=p) for p in softmax(logits)])

    def nll(t: FloatArray) -> float:
        return float(-scipy.special.log_softmax(3 * logits / t[0], axis=1)[np.arange(400), labels].mean())

    judge = minimize(nll, [2.0], method="Nelder-Mead").x[0]
    found = temperature.likeliest(3 * logits, labels)
    assert found == pytest.approx(judge, rel=1e-3)
    assert 2 < found < 4.5  # the labels were drawn at 3


def test_a_temperature_changes_no_decision(weights: Weights) -> None:
    posterior, x = fitted(temperature, [weights]), load("moons").test.x
    plain, tempered = see("moons", weights, x).logits, posterior.draw(x, [0])[0]
    np.testing.assert_array_equal(plain.argmax(axis=1), tempered.argmax(axis=1))
    ratios = plain / tempered
    np.testing.assert_allclose(ratios, ratios[0, 0], rtol=1e-5)
    assert posterior.score(x) is None


def test_the_energy_score_ranks_as_the_energy(weights: Weights) -> None:
    seen = see("moons", weights, np.concatenate([load("moons").test.x, load("moons").ood["cluster"]]))
    score = energy.Energy("moons", weights).score_of(seen)
    logsumexp = scipy.special.logsumexp(seen.logits.astype(float), axis=1)
    assert score.min() >= 0
    np.testing.assert_allclose(score, np.log1p(np.exp(-logsumexp)), rtol=1e-5)
    assert scipy.stats.spearmanr(score, -logsumexp).statistic == pytest.approx(1)


def test_the_gauss_newton_matrix_is_the_sum_over_examples() -> None:
    rng = np.random.default_rng(4)
    phi, probs = rng.normal(size=(30, 5)), rng.dirichlet(np.ones(3), 30)
    slow = sum(np.kron(np.diag(p) - np.outer(p, p), np.outer(row, row)) for p, row in zip(probs, phi, strict=True))
    np.testing.assert_allclose(laplace.gauss_newton(phi, probs), slow, atol=1e-12)


def test_the_gauss_newton_matrix_is_the_hessian_of_the_loss() -> None:
    """For a linear head the two are the same: by central differences of the loss's gradient."""
    rng = np.random.default_rng(5)
    phi, labels, head = rng.normal(size=(12, 3)), rng.integers(0, 3, 12), rng.normal(size=(3, 3))

    def gradient(flat: FloatArray) -> FloatArray:
        return ((softmax(phi @ flat.reshape(3, 3).T) - np.eye(3)[labels]).T @ phi).ravel()

    step = 1e-5 * np.eye(9)
    hessian = np.stack([(gradient(head.ravel() + e) - gradient(head.ravel() - e)) / 2e-5 for e in step])
    np.testing.assert_allclose(laplace.gauss_newton(phi, softmax(phi @ head.T)), hessian, atol=1e-6)


def test_laplace_flattens_and_keeps_the_signs(weights: Weights) -> None:
    posterior, x = fitted(laplace, [weights]), load("moons").ood["cluster"]
    plain, flat = see("moons", weights, x).logits, posterior.draw(x, [0])[0]
    assert (np.abs(flat) < np.abs(plain)).all()
    assert (flat * plain >= 0).all()


def test_without_variance_laplace_is_the_network() -> None:
    seen = Seen(np.array([[1.0, -2.0]], np.float32), (np.ones((1, 4), np.float32),))
    np.testing.assert_array_equal(laplace.flattened(seen, np.zeros((2, 5, 5), np.float32)), seen.logits)
    half = laplace.flattened(seen, np.stack([np.eye(5), np.zeros((5, 5))]).astype(np.float32))
    np.testing.assert_allclose(half, [[1 / np.sqrt(1 + np.pi / 8 * 5), -2]], rtol=1e-6)


def test_surprise_is_minus_the_log_of_the_share_above() -> None:
    calibration = np.sort(np.random.default_rng(6).exponential(2.0, 4000))
    at = np.quantile(calibration, [0.1, 0.5, 0.9])
    np.testing.assert_allclose(entropy_and_distance.surprise(at, calibration), -np.log([0.9, 0.5, 0.1]), atol=1e-3)
    assert (np.diff(entropy_and_distance.surprise(np.linspace(0, 50, 999), calibration)) >= 0).all()


@pytest.mark.parametrize("shape", [0.0, 0.5])  # an exponential, and a tail so heavy that its variance is infinite
def test_surprise_goes_on_beyond_the_calibration(shape: float) -> None:
    share = np.random.default_rng(7).random(40_000)

    def of_share(p: FloatArray) -> FloatArray:
        return (p**-shape - 1) / shape if shape else -np.log(p)

    rare = np.array([1e-3, 1e-5, 1e-7])
    found = entropy_and_distance.surprise(of_share(rare), np.sort(of_share(share)))
    np.testing.assert_allclose(found, -np.log(rare), rtol=0.1)


def test_surprise_of_scores_that_are_all_alike_is_finite() -> None:
    found = entropy_and_distance.surprise(np.array([0.0, 1.0, 2.0]), np.ones(20))
    assert np.isfinite(found).all()


def test_entropy_and_distance_sees_both(weights: Weights) -> None:
    density = feature_density.fit(
        "moons", feature_density.CONFIGS["moons"], load("moons"), 0, lambda progress: None, [weights]
    ).arrays
    posterior = fitted(entropy_and_distance, [weights, density])
    between, cluster = np.array([[0.5, 0.25]], np.float32), load("moons").ood["cluster"]
    usual, doubtful, far = (posterior.score(x) for x in (load("moons").test.x, between, cluster))
    assert usual is not None
    assert doubtful is not None
    assert far is not None
    assert min(np.median(doubtful), np.median(far)) > 2 * np.median(usual)
