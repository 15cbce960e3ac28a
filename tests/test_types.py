from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.special

from uqcore.types import Draws, FloatArray, mean_over_samples, softmax


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20)


def closed_form(rng: np.random.Generator, variance: FloatArray, factor: float = np.pi / 8) -> Draws:
    mean = rng.normal(size=(len(variance), 4))
    return Draws(mean[None], mean_logits=mean, variance=variance, mean_field_factor=factor)


def test_softmax_equals_scipy(rng: np.random.Generator) -> None:
    logits = rng.normal(scale=5, size=(3, 7, 4))
    np.testing.assert_allclose(softmax(logits), scipy.special.softmax(logits, axis=-1), rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_softmax_of_huge_logits_is_finite(dtype: type[np.floating[Any]]) -> None:
    logits = np.array([[1e4, 0, -1e4], [-1e4, -1e4, -1e4], [1e4, 1e4, 0]], dtype)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        probs = softmax(logits)
    np.testing.assert_allclose(probs, np.array([[1, 0, 0], [1 / 3, 1 / 3, 1 / 3], [0.5, 0.5, 0]]), rtol=1e-6)
    assert probs.dtype == dtype


@pytest.mark.parametrize("n_classes", [1, 2, 3, 10, 16, 17, 1000])
@pytest.mark.parametrize("order", ["C", "F"])
def test_softmax_is_the_formula_to_the_bit(n_classes: int, order: str, rng: np.random.Generator) -> None:
    logits = np.asarray(rng.normal(0, 9, (300, n_classes)).astype(np.float32), order=order)  # type: ignore[call-overload]
    exps = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    np.testing.assert_array_equal(softmax(logits), (exps / exps.sum(axis=-1, keepdims=True)).astype(np.float32))


def test_softmax_ignores_a_shift_of_all_logits(rng: np.random.Generator) -> None:
    logits = rng.normal(size=(5, 3))
    np.testing.assert_allclose(softmax(logits + 100), softmax(logits), rtol=1e-12)


def test_softmax_leaves_its_input_alone(rng: np.random.Generator) -> None:
    logits = rng.normal(size=(5, 3))
    before = logits.copy()
    softmax(logits)
    np.testing.assert_array_equal(logits, before)


@pytest.mark.parametrize("n_samples", [1, 7, 50])
@pytest.mark.parametrize("order", ["C", "F"])
def test_the_mean_of_samples_is_the_same_to_the_bit_for_one_input_and_for_many(
    n_samples: int, order: str, rng: np.random.Generator
) -> None:
    drawn = rng.normal(0, 9, (n_samples, 200, 10)).astype(np.float32)
    samples = np.asarray(drawn, order=order)  # type: ignore[call-overload]
    in_turn = np.zeros((200, 10))
    for sample in samples:
        in_turn += sample
    np.testing.assert_array_equal(mean_over_samples(samples), in_turn / n_samples)
    for i in range(0, 200, 40):
        np.testing.assert_array_equal(mean_over_samples(samples[:, i : i + 1])[0], in_turn[i] / n_samples)


def test_predictive_is_the_mean_of_the_samples_without_a_closed_form(rng: np.random.Generator) -> None:
    logits = rng.normal(size=(6, 8, 3))
    by_hand = sum(scipy.special.softmax(sample, axis=-1) for sample in logits) / 6
    np.testing.assert_allclose(Draws(logits).predictive, by_hand, rtol=1e-12)


def test_predictive_with_variance_zero_is_the_softmax_of_the_mean(rng: np.random.Generator) -> None:
    draws = closed_form(rng, np.zeros(5))
    np.testing.assert_array_equal(draws.predictive, softmax(draws.logits[0]))


def test_predictive_with_factor_zero_is_the_softmax_of_the_mean(rng: np.random.Generator) -> None:
    draws = closed_form(rng, np.full(5, 9.0), factor=0.0)
    np.testing.assert_array_equal(draws.predictive, softmax(draws.logits[0]))


@pytest.mark.parametrize(("variance", "factor"), [(1e16, np.pi / 8), (1.0, 1e16)])
def test_predictive_becomes_uniform_as_variance_or_factor_grows(
    rng: np.random.Generator, variance: FloatArray, factor: float
) -> None:
    draws = closed_form(rng, np.full(5, variance), factor)
    np.testing.assert_allclose(draws.predictive, np.full((5, 4), 0.25), atol=1e-7)


def test_predictive_by_hand() -> None:
    # 1 + 2 * 4 = 9, so the logits are divided by 3: softmax(ln 2, 0) = (2/3, 1/3).
    draws = Draws(
        np.zeros((1, 1, 2)),
        mean_logits=np.array([[3 * np.log(2), 0]]),
        variance=np.array([4.0]),
        mean_field_factor=2.0,
    )
    np.testing.assert_allclose(draws.predictive, [[2 / 3, 1 / 3]], rtol=1e-12)


def test_mean_field_is_near_the_integral_it_approximates(rng: np.random.Generator) -> None:
    # For two classes whose logits differ by N(d, v), the mean of the sigmoid is near sigmoid(d / sqrt(1 + pi v / 8))
    # (MacKay 1992). One sampled logit beside a fixed 0 has that difference.
    mean, variance = 1.5, 2.0
    samples = np.zeros((200_000, 1, 2))
    samples[:, 0, 1] = rng.normal(mean, np.sqrt(variance), len(samples))
    closed = Draws(samples[:1], mean_logits=np.array([[0, mean]]), variance=np.array([variance])).predictive
    np.testing.assert_allclose(closed, Draws(samples).predictive, atol=0.01)


def test_logit_variance_is_the_closed_form_where_there_is_one(rng: np.random.Generator) -> None:
    draws = closed_form(rng, np.array([0.5, 2.0]))
    np.testing.assert_array_equal(draws.logit_variance, [0.5, 2.0])


def test_logit_variance_of_samples_by_hand() -> None:
    # Class 0 takes 0 and 2 (variance 1), class 1 takes 1 and 7 (variance 9): mean 5.
    np.testing.assert_array_equal(Draws(np.array([[[0.0, 1.0]], [[2.0, 7.0]]])).logit_variance, [5.0])


def test_logit_variance_of_one_sample_is_zero(rng: np.random.Generator) -> None:
    np.testing.assert_array_equal(Draws(rng.normal(size=(1, 6, 3))).logit_variance, np.zeros(6))
