"""Every order of the axes is found where it can be known, said where it was guessed, refused where it cannot be."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from tests.prediction_files import random_probs
from uqcore.predictions.axes import Clues, in_order, reordered
from uqcore.types import UqError

S, N, K = 4, 60, 5
VALUES = random_probs(S, N, K)


def shuffled(order: str) -> np.ndarray:
    return VALUES.transpose(["SNK".index(axis) for axis in order])


@pytest.mark.parametrize("order", ["".join(axes) for axes in permutations("SNK")])
def test_probabilities_with_labels_tell_every_order(order: str) -> None:
    values, note = in_order("probs", shuffled(order), Clues(n_examples=N))
    np.testing.assert_array_equal(values, VALUES)
    assert values.flags.c_contiguous
    words = [{"S": "samples", "N": "examples", "K": "classes"}[axis] for axis in order]
    if order == "SNK":
        assert note is None
    else:
        assert note is not None
        assert f"read as ({', '.join(words)})" in note


@pytest.mark.parametrize("order", ["".join(axes) for axes in permutations("SNK")])
def test_logits_with_class_names_tell_every_order(order: str) -> None:
    values, _ = in_order("logits", np.log(shuffled(order)), Clues(n_examples=N, n_classes=K))
    np.testing.assert_array_equal(values, np.log(VALUES))


def test_two_axes() -> None:
    probs = VALUES[0]
    for kind, array in (("probs", probs), ("logits", np.log(probs))):
        values, note = in_order(kind, array, Clues(n_examples=N))  # type: ignore[arg-type]
        np.testing.assert_array_equal(values, array[None])
        assert note is None
        values, note = in_order(kind, array.T, Clues(n_examples=N))  # type: ignore[arg-type]
        np.testing.assert_array_equal(values, array[None])
        assert note is not None
        assert "(5, 60) was read as (classes, examples)" in note
    values, note = in_order("probs", probs.T, Clues())
    np.testing.assert_array_equal(values[0], probs)
    assert note is not None


def test_as_many_examples_as_classes_is_the_documented_order() -> None:
    square = random_probs(6, 6)
    values, note = in_order("probs", square, Clues(n_examples=6))
    np.testing.assert_array_equal(values[0], square)
    assert note is None
    assert not np.allclose(square.sum(axis=0), 1)
    turned, note = in_order("probs", square.T, Clues(n_examples=6))
    np.testing.assert_array_equal(turned[0], square)
    assert note is not None


def test_without_labels_the_documented_order_is_said_to_be_unchecked() -> None:
    for kind, array in (("logits", VALUES[0]), ("logits", VALUES), ("probs", VALUES)):
        values, note = in_order(kind, array, Clues())  # type: ignore[arg-type]
        assert values.shape[1] == N
        assert note is not None
        assert "could not be checked" in note
    assert in_order("probs", VALUES[0], Clues())[1] is None


def test_the_largest_label_settles_what_shapes_leave_open() -> None:
    logits = np.log(shuffled("NSK"))
    values, _ = in_order("logits", logits, Clues(n_examples=N, largest_label=K - 1))
    np.testing.assert_array_equal(values, np.log(VALUES))
    with pytest.raises(UqError, match=r"can be \(examples, samples, classes\) or \(examples, classes, samples\)"):
        in_order("logits", logits, Clues(n_examples=N))
    with pytest.raises(UqError, match="which can be"):
        in_order("logits", logits, Clues(n_examples=N, largest_label=1))


def test_probabilities_without_labels_and_with_classes_in_the_middle_are_ambiguous() -> None:
    with pytest.raises(UqError, match=r"Received: \(4, 5, 60\), which can be .* or .*; transpose it"):
        in_order("probs", shuffled("SKN"), Clues())


def test_no_order_fits() -> None:
    with pytest.raises(UqError, match=r"with 59 examples\. Received: \(60, 5\)"):
        in_order("probs", VALUES[0], Clues(n_examples=59))
    with pytest.raises(UqError, match=r"with 60 examples and 7 classes\. Received: \(60, 5\)"):
        in_order("logits", VALUES[0], Clues(n_examples=60, n_classes=7))
    # Rows that sum to 1 in no direction say nothing, so labels alone do not turn an array round.
    with pytest.raises(UqError, match="with 5 examples"):
        in_order("probs", 3 * VALUES[0], Clues(n_examples=5))


def test_some_rows_that_do_not_sum_to_one_do_not_turn_the_axes() -> None:
    some = VALUES[0].copy()
    some[::3] = np.nan
    values, note = in_order("probs", some, Clues())
    assert values.shape == (1, N, K)
    assert note is None


@pytest.mark.parametrize("shape", [(), (6,), (2, 2, 2, 2)])
def test_other_numbers_of_axes(shape: tuple[int, ...]) -> None:
    with pytest.raises(UqError, match=r"Expected `probs` of shape \(examples, classes\) or"):
        in_order("probs", np.full(shape, 0.5, np.float32), Clues())


def test_reordering_is_the_inverse_of_the_shuffle() -> None:
    for order in ("SNK", "NSK", "SKN", "NKS", "KSN", "KNS"):
        np.testing.assert_array_equal(reordered(shuffled(order), order), VALUES)
