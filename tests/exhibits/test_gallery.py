"""Both ends of a ranking by hand, and the divergence by its identities and SciPy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.distance import jensenshannon
from scipy.special import softmax
from scipy.stats import entropy

from uqcore.datasets.bundled import mnist
from uqcore.exhibits.gallery import (
    chainer_table,
    class_ends,
    disagreement,
    jensen_shannon,
    least_sure,
    pooled,
    share_as_sure,
    surest,
)
from uqcore.models.answers import MOST_SAMPLES, TEST, Answers
from uqcore.models.sampling import draw, load_posterior
from uqcore.predictions import Predictions
from uqcore.store import Store
from uqcore.types import Draws, FloatArray, IntArray, UqError

MEASURE = np.array([0.3, 0.1, 0.9, 0.1, 0.5, 0.9])
LN2 = math.log(2)


def random_probs(seed: int, n: int = 400, k: int = 10) -> FloatArray:
    """Rows from nearly one-hot to nearly uniform."""
    rng = np.random.default_rng(seed)
    return softmax(rng.normal(size=(n, k)) * rng.uniform(0, 20, size=(n, 1)), axis=1)


def predictions(
    probs: FloatArray, name: str = "A", labels: IntArray | None = None, ood: NDArray[np.bool_] | None = None
) -> Predictions:
    return Predictions(name, "probs", probs[None], tuple(map(str, range(probs.shape[1]))), labels, ood)


# Both ends


@pytest.mark.parametrize("n_values", [2, 50, 10**6])
@pytest.mark.parametrize("n", [1, 7, 299, 300, 1000])
def test_of_any_that_tie_the_first_come_first(n_values: int, n: int) -> None:
    rng = np.random.default_rng(n_values)
    measure, among = rng.integers(n_values, size=500).astype(np.float32), rng.permutation(500) < 300
    those = np.flatnonzero(among).tolist()
    assert surest(measure, n, among).tolist() == sorted(those, key=lambda i: (measure[i], i))[:n]
    assert least_sure(measure, n, among).tolist() == sorted(those, key=lambda i: (-measure[i], i))[:n]


def test_the_surest_come_first_and_of_a_tie_the_first() -> None:
    assert surest(MEASURE, 3).tolist() == [1, 3, 0]
    assert least_sure(MEASURE, 3).tolist() == [2, 5, 4]


def test_only_those_among_are_taken_and_no_more_than_there_are() -> None:
    among = np.array([True, False, True, True, False, False])
    assert surest(MEASURE, 2, among).tolist() == [3, 0]
    assert least_sure(MEASURE, 9, among).tolist() == [2, 0, 3]
    assert surest(MEASURE, 1, np.zeros(6, np.bool_)).tolist() == []


@pytest.mark.parametrize("n", [0, -1])
def test_none_is_no_number_to_show(n: int) -> None:
    with pytest.raises(UqError, match=f"must be 1 or more. Received: {n}"):
        surest(MEASURE, n)


def test_all_of_them_from_one_end_are_all_of_them_from_the_other_where_none_tie() -> None:
    measure = np.random.default_rng(0).permutation(100).astype(float)
    assert surest(measure, 100).tolist() == least_sure(measure, 100).tolist()[::-1]
    assert measure[surest(measure, 100)].tolist() == sorted(measure)


def test_the_ends_of_every_class() -> None:
    classes = np.array([0, 1, 0, 1, 0, 3])  # 3 is none of the classes
    correct = np.array([True, True, False, False, True, False])
    zero, one, two = class_ends(MEASURE, classes, ("zero", "one", "two"), correct, 2)
    assert [row.class_name for row in (zero, one, two)] == ["zero", "one", "two"]
    assert zero.surest.indices.tolist() == [0, 4]
    assert zero.surest.mean == pytest.approx(0.4)
    assert zero.surest.error_rate == 0
    assert zero.least_sure.indices.tolist() == [2, 4]
    assert zero.least_sure.mean == pytest.approx(0.7)
    assert zero.least_sure.error_rate == 0.5
    assert one.surest.indices.tolist() == one.least_sure.indices.tolist() == [1, 3]
    assert one.surest.measure.tolist() == [0.1, 0.1]
    assert math.isnan(two.surest.mean)
    assert math.isnan(two.least_sure.error_rate)


def test_pooling_weighs_each_example_the_same() -> None:
    classes, correct = np.array([0, 1, 1, 1, 1, 1]), np.array([False, True, True, True, True, True])
    rows = class_ends(MEASURE, classes, ("one of them", "five", "none"), correct, 5)
    every = pooled([row.surest for row in rows])
    assert sorted(every.indices.tolist()) == list(range(6))
    assert every.mean == pytest.approx(MEASURE.mean())
    assert every.error_rate == pytest.approx(1 / 6)


# The Chainer article's table


def test_the_table_leaves_out_what_has_no_label() -> None:
    probs = np.array([[0.9, 0.1], [0.5, 0.5], [0.2, 0.8], [0.6, 0.4], [0.5, 0.5]])
    labels, ood = np.array([0, 0, 1, 1, -1]), np.array([False, False, False, False, True])
    zero, one = chainer_table(predictions(probs, labels=labels, ood=ood), n=1)
    assert [zero.surest.indices[0], zero.least_sure.indices[0]] == [0, 1]
    assert zero.least_sure.mean == pytest.approx(LN2)
    assert [one.surest.error_rate, one.least_sure.error_rate] == [0, 1]


def test_the_table_of_mc_dropout_is_that_of_its_answers_entropies_by_scipy(committed: Store) -> None:
    labels = mnist().y_test
    shown = Answers(committed, committed.find("digits", "mc_dropout")).predictions([TEST], MOST_SAMPLES)
    assert shown.n_samples == 50
    mean = shown.predictive.astype(np.float64)
    entropies, wrong = entropy(mean, axis=1), mean.argmax(axis=1) != labels
    for k, row in enumerate(chainer_table(shown)):
        order = sorted(np.flatnonzero(labels == k), key=lambda i: entropies[i])
        for end, chosen in ((row.surest, order[:30]), (row.least_sure, order[-30:])):
            assert len(end.indices) == 30
            assert (labels[end.indices] == k).all()
            assert end.mean == pytest.approx(entropies[chosen].mean(), rel=1e-4, abs=1e-7)
            assert end.error_rate == pytest.approx(wrong[chosen].mean())


def test_the_table_of_the_first_digits_is_that_of_the_samples_themselves(committed: Store) -> None:
    """The answers are rounded; the samples that SciPy gets are not, and are drawn here."""
    record, n = committed.find("digits", "mc_dropout"), 150
    drawn = draw(load_posterior(committed, record), mnist().x_test[:n, ..., None] / np.float32(255), MOST_SAMPLES)
    mean = softmax(drawn.logits.astype(np.float64), axis=-1).mean(axis=0)
    entropies, labels = entropy(mean, axis=1), mnist().y_test[:n]
    answers = Answers(committed, record).predictions([TEST], MOST_SAMPLES)
    for k, row in enumerate(chainer_table(answers.subset(slice(n)), n=4)):
        of_class = np.sort(entropies[labels == k])
        assert row.surest.mean == pytest.approx(of_class[:4].mean(), rel=1e-2, abs=1e-6)
        assert row.least_sure.mean == pytest.approx(of_class[-4:].mean(), rel=1e-2)
        assert row.least_sure.error_rate == np.mean(
            mean.argmax(axis=1)[labels == k][np.argsort(entropies[labels == k])[-4:]] != k
        )


def test_without_labels_there_is_no_table() -> None:
    with pytest.raises(UqError, match="Expected predictions with labels"):
        chainer_table(predictions(random_probs(0)))


# Disagreement


def test_the_divergence_is_symmetric_between_zero_and_ln_2_and_zero_of_the_same() -> None:
    a, b = random_probs(0), random_probs(1)
    divergence = jensen_shannon(a, b)
    np.testing.assert_allclose(divergence, jensen_shannon(b, a), atol=1e-15)
    assert (divergence > 0).all()
    assert (divergence <= LN2 + 1e-12).all()
    np.testing.assert_allclose(jensen_shannon(a, a), 0, atol=1e-15)


def test_the_divergence_is_the_square_of_scipys_distance() -> None:
    a, b = random_probs(2), random_probs(3)
    np.testing.assert_allclose(jensen_shannon(a, b), jensenshannon(a, b, axis=1) ** 2, atol=1e-12)


def test_the_divergence_by_hand() -> None:
    a = np.array([[1.0, 0.0], [1.0, 0.0], [0.5, 0.5]])
    b = np.array([[0.0, 1.0], [0.5, 0.5], [0.5, 0.5]])
    half_way = -0.75 * math.log(0.75) - 0.25 * math.log(0.25) - LN2 / 2
    np.testing.assert_allclose(jensen_shannon(a, b), [LN2, half_way, 0], atol=1e-12)


def test_disagreement_says_how_far_and_whether_the_class_differs() -> None:
    a, b = np.array([[0.6, 0.4], [0.9, 0.1]]), np.array([[0.4, 0.6], [0.6, 0.4]])
    found = disagreement(predictions(a), predictions(b, "B"))
    assert found.differ.tolist() == [True, False]
    assert found.divergence[1] > found.divergence[0]
    np.testing.assert_allclose(found.divergence, jensenshannon(a, b, axis=1) ** 2, atol=1e-7)


def test_disagreement_of_a_closed_form_uses_it() -> None:
    logits = np.array([[[9.0, 0.0]]])
    form = Draws(logits, mean_logits=np.array([[0.0, 9.0]]), variance=np.zeros(1))
    a, b = (Predictions.from_draws(d, name="A", class_names=("x", "y")) for d in (Draws(logits), form))
    assert disagreement(a, b).differ.tolist() == [True]


def test_predictions_of_other_examples_cannot_disagree() -> None:
    with pytest.raises(UqError, match=r"Received: \(400, 10\) of A and \(5, 10\) of B"):
        disagreement(predictions(random_probs(0)), predictions(random_probs(0, n=5), "B"))


# Unseen


def test_as_sure_as_of_the_reference() -> None:
    reference = np.arange(101.0)  # its 95 % quantile is 95
    assert share_as_sure(np.array([0.0, 95.0, 95.5, 200.0]), reference) == 0.5
    assert share_as_sure(reference, reference) == pytest.approx(0.95, abs=0.01)
    assert share_as_sure(reference, reference, 1.0) == 1
