from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.stats

from uqcore.metrics.uncertainty import (
    MEASURES,
    bernoulli_variance,
    decompose,
    entropy,
    expected_entropy,
    least_confidence,
    margin,
    mutual_information,
    normalized_entropy,
    sample_entropy,
)
from uqcore.types import Draws, FloatArray, IntArray, UqError, softmax

DISAGREEMENT = ["mutual_information", "logit_variance"]
"""The measures that are 0 where all samples agree; the others are not."""


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(21)


def with_closed_form(rng: np.random.Generator, n_samples: int = 5, n_examples: int = 30, n_classes: int = 2) -> Draws:
    return Draws(
        rng.normal(scale=3, size=(n_samples, n_examples, n_classes)),
        mean_logits=rng.normal(size=(n_examples, n_classes)),
        variance=rng.uniform(0, 5, n_examples),
        score=rng.uniform(0, 5, n_examples),
    )


def one_hot_samples(classes: IntArray | list[int], n_classes: int) -> FloatArray:
    """One example that sample s puts wholly into class ``classes[s]``: ``(S, 1, K)``."""
    return np.eye(n_classes)[classes][:, None, :]


@pytest.mark.parametrize("n_classes", [2, 3, 10, 100])
def test_uniform_probabilities_reach_the_upper_ends(n_classes: int) -> None:
    probs = np.full((4, n_classes), 1 / n_classes)
    np.testing.assert_allclose(entropy(probs), np.log(n_classes), rtol=1e-12)
    np.testing.assert_allclose(normalized_entropy(probs), 1, rtol=1e-12)
    np.testing.assert_allclose(least_confidence(probs), 1 - 1 / n_classes, rtol=1e-12)
    np.testing.assert_array_equal(margin(probs), 1)


@pytest.mark.parametrize("measure", [entropy, normalized_entropy, least_confidence, margin])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_hot_probabilities_are_exactly_certain(
    measure: Callable[[FloatArray], FloatArray], dtype: type[np.floating[Any]]
) -> None:
    with np.errstate(all="raise"):
        values = measure(np.eye(5, dtype=dtype))
    np.testing.assert_array_equal(values, np.zeros(5))
    assert values.dtype == np.float64


def test_entropy_equals_scipy(rng: np.random.Generator) -> None:
    probs = rng.dirichlet(np.full(7, 0.1), size=(4, 50))
    np.testing.assert_allclose(entropy(probs), scipy.stats.entropy(probs, axis=-1), rtol=1e-12, atol=1e-15)


def test_entropy_of_float32_is_that_of_the_same_numbers_in_float64(rng: np.random.Generator) -> None:
    probs = softmax(rng.normal(scale=8, size=(1000, 10)).astype(np.float32))
    assert entropy(probs).dtype == np.float64
    np.testing.assert_array_equal(entropy(probs), entropy(probs.astype(np.float64)))
    terms = -np.minimum(probs.astype(float), 1) * np.log(np.clip(probs.astype(float), 1e-300, 1))
    np.testing.assert_allclose(entropy(probs), terms.sum(axis=1), rtol=1e-13)


def test_entropy_of_a_nearly_certain_example_keeps_its_digits() -> None:
    np.testing.assert_allclose(entropy(np.array([1, 1e-30])), 30 * np.log(10) * 1e-30, rtol=1e-12)


def test_entropy_is_not_negative_where_rounding_lifts_a_probability_above_one() -> None:
    above_one = np.nextafter(np.float32(1), np.float32(2))
    assert entropy(np.array([[above_one, 0]], np.float32)) == [0]


def test_hand_values() -> None:
    probs = np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]])
    np.testing.assert_allclose(least_confidence(probs), [0.5, 0.2])
    np.testing.assert_allclose(margin(probs), [0.8, 0.3])
    np.testing.assert_allclose(bernoulli_variance(np.array([[0.5, 0.5], [0.9, 0.1], [1, 0]])), [0.25, 0.09, 0])


def test_margin_equals_a_full_sort(rng: np.random.Generator) -> None:
    probs = rng.dirichlet(np.ones(1000), size=20)
    ordered = np.sort(probs, axis=-1)
    np.testing.assert_array_equal(margin(probs), (1 - ordered[:, -1]) + ordered[:, -2])
    np.testing.assert_allclose(margin(probs), 1 - (ordered[:, -1] - ordered[:, -2]), rtol=1e-15)


def test_margin_does_not_depend_on_the_order_of_the_classes(rng: np.random.Generator) -> None:
    probs = rng.dirichlet(np.ones(6), size=20)
    np.testing.assert_array_equal(margin(probs[:, rng.permutation(6)]), margin(probs))


@pytest.mark.parametrize("n_classes", [3, 10])
def test_bernoulli_variance_needs_two_classes(n_classes: int) -> None:
    with pytest.raises(UqError, match=f"exactly 2 classes. Received: {n_classes}"):
        bernoulli_variance(np.full((4, n_classes), 1 / n_classes))


@pytest.mark.parametrize("n_samples", [2, 3, 7])
def test_samples_that_are_sure_of_different_classes_disagree_by_ln_s(n_samples: int) -> None:
    probs = one_hot_samples(np.arange(n_samples), n_classes=8)
    np.testing.assert_allclose(mutual_information(probs), np.log(n_samples), rtol=1e-12)
    np.testing.assert_array_equal(expected_entropy(probs), 0)


def test_mutual_information_by_hand() -> None:
    # Three samples say class 0, one says class 1: the mean is (3/4, 1/4), and no sample is unsure.
    expected = 0.75 * np.log(4 / 3) + 0.25 * np.log(4)
    np.testing.assert_allclose(mutual_information(one_hot_samples([0, 0, 0, 1], n_classes=2)), expected, rtol=1e-12)


def test_mutual_information_is_the_mean_divergence_from_the_mean(rng: np.random.Generator) -> None:
    """A second way: I = mean_s KL(p_s || mean p)."""
    probs = rng.dirichlet(np.ones(4), size=(9, 25))
    divergence = scipy.stats.entropy(probs, probs.mean(axis=0)[None], axis=-1).mean(axis=0)
    np.testing.assert_allclose(mutual_information(probs), divergence, rtol=1e-10)


@pytest.mark.parametrize("n_samples", [1, 50])
def test_samples_that_agree_have_no_mutual_information(rng: np.random.Generator, n_samples: int) -> None:
    logits = np.repeat(rng.normal(size=(1, 40, 10)).astype(np.float32), n_samples, axis=0)
    for values in (mutual_information(softmax(logits)), decompose(Draws(logits)).epistemic):
        assert values.min() >= 0
        np.testing.assert_allclose(values, 0, atol=2e-6 if n_samples > 1 else 0)


def test_expected_entropy_equals_the_loop_over_samples_and_examples(rng: np.random.Generator) -> None:
    probs = rng.dirichlet(np.ones(3), size=(4, 6))
    by_loop = [np.mean([scipy.stats.entropy(probs[s, n]) for s in range(4)]) for n in range(6)]
    np.testing.assert_allclose(expected_entropy(probs), by_loop, rtol=1e-12)


@pytest.mark.parametrize(("dtype", "atol"), [(np.float32, 2e-6), (np.float64, 1e-14)])
def test_total_is_aleatoric_plus_epistemic(
    rng: np.random.Generator, dtype: type[np.floating[Any]], atol: float
) -> None:
    draws = Draws(rng.normal(scale=4, size=(20, 200, 10)).astype(dtype))
    total, aleatoric, epistemic = decompose(draws)
    np.testing.assert_allclose(total, aleatoric + epistemic, atol=atol)
    np.testing.assert_allclose(total, scipy.stats.entropy(draws.probs.mean(axis=0), axis=-1), atol=atol)
    np.testing.assert_array_equal(aleatoric, expected_entropy(draws.probs))
    np.testing.assert_array_equal(epistemic, mutual_information(draws.probs))


def test_the_split_is_of_the_samples_and_not_of_the_closed_form(rng: np.random.Generator) -> None:
    draws = with_closed_form(rng)
    total = decompose(draws).total
    np.testing.assert_array_equal(total, decompose(Draws(draws.logits)).total)
    np.testing.assert_array_equal(total, sample_entropy(draws.probs))
    assert np.abs(total - MEASURES["predictive_entropy"].compute(draws)).max() > 0.1


def test_predictive_entropy_is_the_total_without_a_closed_form(rng: np.random.Generator) -> None:
    draws = Draws(rng.normal(size=(5, 30, 4)))
    np.testing.assert_array_equal(MEASURES["predictive_entropy"].compute(draws), decompose(draws).total)


def test_every_measure_is_registered_under_its_own_id() -> None:
    assert all(key == measure.measure_id for key, measure in MEASURES.items())


@pytest.mark.parametrize("measure_id", MEASURES)
def test_every_measure_gives_one_number_per_example_within_its_bounds(
    rng: np.random.Generator, measure_id: str
) -> None:
    measure = MEASURES[measure_id]
    draws = with_closed_form(rng)
    values = measure.compute(draws)
    assert values.shape == (30,)
    assert values.min() >= 0
    if measure.upper is not None:
        assert values.max() <= measure.upper(2) + 1e-12


@pytest.mark.parametrize(
    "measure_id", [key for key in MEASURES if key not in DISAGREEMENT and "score" not in MEASURES[key].needs]
)
def test_upper_is_reached_by_equal_logits(measure_id: str) -> None:
    measure = MEASURES[measure_id]
    assert measure.upper is not None
    np.testing.assert_allclose(measure.compute(Draws(np.zeros((3, 1, 2)))), measure.upper(2), rtol=1e-12)


def test_upper_of_mutual_information_is_reached_by_samples_that_are_sure_of_every_class() -> None:
    draws = Draws(1e4 * one_hot_samples(np.arange(6), n_classes=6))
    measure = MEASURES["mutual_information"]
    assert measure.upper is not None
    np.testing.assert_allclose(measure.compute(draws), measure.upper(6), rtol=1e-12)


@pytest.mark.parametrize(
    "measure_id", [key for key in MEASURES if key not in DISAGREEMENT and "score" not in MEASURES[key].needs]
)
def test_measures_rise_as_one_networks_logits_shrink(measure_id: str) -> None:
    """A hotter softmax is a less certain one, whichever way one measures."""
    logits = np.array([2.0, 0.0]) / np.array([0.5, 1, 2, 4, 8])[:, None]
    assert (np.diff(MEASURES[measure_id].compute(Draws(logits[None]))) > 0).all()


def ever_farther_apart() -> Draws:
    """Two samples of five examples: of the first they say the same, of each next one less so."""
    distance = np.array([0, 0.5, 1, 2, 4])
    logits = np.zeros((2, 5, 2))
    logits[0, :, 0] = logits[1, :, 1] = distance
    return Draws(logits)


@pytest.mark.parametrize("measure_id", DISAGREEMENT)
def test_measures_of_disagreement_are_0_where_samples_agree_and_never_fall_as_they_part(measure_id: str) -> None:
    values = MEASURES[measure_id].compute(ever_farther_apart())
    assert values[0] == pytest.approx(0, abs=1e-12)
    assert (np.diff(values) >= 0).all()
    assert values[-1] > 0


@pytest.mark.parametrize("measure_id", ["mutual_information", "logit_variance"])
def test_those_that_know_no_steps_rise_with_every_part_of_the_way(measure_id: str) -> None:
    assert (np.diff(MEASURES[measure_id].compute(ever_farther_apart())) > 0).all()


@pytest.mark.parametrize("measure_id", MEASURES)
def test_a_measure_fits_what_has_all_that_it_needs(measure_id: str) -> None:
    measure = MEASURES[measure_id]
    assert measure.fits(n_samples=2, n_classes=2, has_logits=True, has_score=True)
    lacking = {
        "samples": measure.fits(n_samples=1, n_classes=2, has_logits=True, has_variance=True, has_score=True),
        "logits": measure.fits(n_samples=2, n_classes=2, has_logits=False, has_score=True),
        "two classes": measure.fits(n_samples=2, n_classes=3, has_logits=True, has_score=True),
        "score": measure.fits(n_samples=2, n_classes=2, has_logits=True),
    }
    assert {need for need, fits in lacking.items() if not fits} == measure.needs
    one_sample = measure.fits(n_samples=1, n_classes=2, has_logits=True, has_score=True)
    assert one_sample == (not measure.needs & {"samples", "logits"})


def test_a_score_is_the_methods_own_in_float64() -> None:
    score = np.array([0.5, 2.0], np.float32)
    measured = MEASURES["score"].compute(Draws(np.zeros((1, 2, 3)), score=score))
    assert measured.dtype == np.float64
    np.testing.assert_array_equal(measured, score)
    with pytest.raises(UqError, match="Received draws without it"):
        MEASURES["score"].compute(Draws(np.zeros((1, 2, 3))))
