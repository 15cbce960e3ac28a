"""The border: what is accepted arrives unchanged, what is not is counted, located and refused."""

from __future__ import annotations

import numpy as np
import pytest

from tests.prediction_files import LABELS, PROBS, npz, random_probs, read, refused, table
from uqcore.metrics.classification import ROW_SUM_TOLERANCE
from uqcore.predictions import Asked, NotNormalized

LOGITS = np.array([[1.0, -2.0], [0.0, 300.0], [-5.0, 4.0]])


def test_probabilities_arrive_as_they_came() -> None:
    mine = read(npz(probs=PROBS, labels=LABELS))
    np.testing.assert_array_equal(mine.values, PROBS[None])
    assert (mine.kind, mine.name, mine.notes) == ("probs", "mine.dat", ())
    assert mine.values.dtype == np.float32


def test_logits_arrive_as_they_came() -> None:
    mine = read(npz(logits=LOGITS, labels=np.array([0, 1, 1])))
    np.testing.assert_array_equal(mine.values, LOGITS[None])
    assert mine.correct is not None
    assert mine.correct.all()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4", np.longdouble])
def test_floats_of_any_size(dtype: str) -> None:
    np.testing.assert_array_equal(read(npz(probs=PROBS.astype(dtype))).values[0], PROBS)


def test_rounding_is_not_repaired() -> None:
    rounded = random_probs(50, 10).round(3)
    assert not np.allclose(rounded.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(read(npz(probs=rounded), normalize=True).values[0], rounded)


def test_rows_that_do_not_sum_to_one_are_counted_and_can_be_normalized() -> None:
    probs = random_probs(2, 40, 3).astype(np.float64)
    wrong = probs.copy()
    wrong[1, 7] *= 1.5
    wrong[0, 30] *= 0.9
    error = refused(npz(probs=wrong), r"sums up to 0\.5 away for 2 examples \(the first is number 7, counted from 0\)")
    assert isinstance(error, NotNormalized)
    assert error.n_examples == 2
    assert error.furthest == pytest.approx(0.5)
    repaired = read(npz(probs=wrong), normalize=True)
    np.testing.assert_allclose(repaired.values, probs, rtol=1e-6)
    assert any("divided by their sums" in note for note in repaired.notes)


def test_the_tolerance_is_that_of_the_metrics() -> None:
    for off, taken in ((0.9, True), (1.1, False)):
        data = npz(probs=np.array([[0.5, 0.5 + off * ROW_SUM_TOLERANCE], [0.5, 0.5]]))
        if taken:
            assert len(read(data)) == 2
        else:
            assert isinstance(refused(data, "for 1 example"), NotNormalized)


def test_counts_are_offered_to_be_normalized() -> None:
    votes = (24 * PROBS).astype(np.uint8)
    assert isinstance(refused(npz(probs=votes), "give or take 0.01.*sums up to 23 away"), NotNormalized)
    np.testing.assert_allclose(read(npz(probs=votes), normalize=True).values[0], PROBS, rtol=1e-6)


def test_percentages_are_read_and_said() -> None:
    percent = (100 * PROBS).astype(np.uint8)
    mine = read(npz(probs=percent, labels=LABELS))
    np.testing.assert_allclose(mine.values[0], percent / percent.sum(axis=1, keepdims=True), rtol=1e-6)
    assert mine.notes[0].startswith("Percentages were divided by 100.")


def test_probabilities_of_two_decimals_are_divided_by_their_sums_and_it_is_said() -> None:
    mine = read(table("p_0,p_1,p_2,label", "0.34,0.33,0.34,0", "0.98,0.01,0.01,0"))
    divided = np.array([0.34, 0.33, 0.34]) / 1.01
    np.testing.assert_allclose(mine.values[0], np.array([divided, [0.98, 0.01, 0.01]]), rtol=1e-6)
    assert mine.notes == (
        "Probabilities are rounded, so that sums are up to 0.01 away from 1: 1 example (number 0, counted from 0) with "
        "sums 0.01 away or more were divided by them.",
    )
    # Rows within the tolerance stay as they came, so that a policy decides the same about the same numbers elsewhere.
    near = read(table("p_0,p_1,p_2", "0.34,0.33,0.34", "0.33,0.33,0.33"))
    np.testing.assert_array_equal(near.values[0, 1], np.full(3, np.float32(0.33)))
    many = random_probs(200, 40).round(2)
    assert np.abs(many.sum(axis=1) - 1).max() > ROW_SUM_TOLERANCE
    assert len(read(npz(probs=many))) == 200
    assert isinstance(refused(npz(probs=np.append(many, 1.5 * many[:1], axis=0)), "sum to 1"), NotNormalized)


def with_value(value: float, kind: str = "probs") -> bytes:
    values = np.repeat(random_probs(1, 3), 20, axis=0)
    values[5, 1] = values[9, 0] = value
    return npz(**{kind: values})


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("kind", ["probs", "logits"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_never_repaired(value: float, kind: str, normalize: bool) -> None:
    refused(with_value(value, kind), rf"finite.*`{kind}`.*for 2 examples.*number 5,", normalize=normalize)


def test_numbers_beyond_float32_are_refused() -> None:
    refused(npz(logits=np.array([[1.0, 2.0], [1e300, 0.0]])), "beyond 32 bits for 1 example")


@pytest.mark.parametrize("normalize", [False, True])
def test_negative_probabilities_are_never_repaired(normalize: bool) -> None:
    error = refused(with_value(-0.25), r"down to -0\.25 for 2 examples.*number 5,.*logits", normalize=normalize)
    assert not isinstance(error, NotNormalized)
    refused(with_value(-1e-9), "down to -1e-09", normalize=normalize)


def test_a_row_of_zeros_cannot_be_normalized() -> None:
    data = npz(probs=np.array([[0.5, 0.5], [0.0, 0.0]]))
    for normalize in (False, True):
        assert not isinstance(refused(data, "nothing but zeros for 1 example", normalize=normalize), NotNormalized)


def closed_form(**changes: np.ndarray) -> bytes:
    arrays = {
        "logits": LOGITS,
        "mean_logits": LOGITS + 1,
        "variance": np.array([0.5, 0.0, 2.0]),
        "mean_field_factor": np.array(0.4),
    }
    return npz(**{name: array for name, array in (arrays | changes).items() if array.size})


def test_a_closed_form_comes_with_its_logits() -> None:
    mine = read(closed_form())
    assert mine.mean_field_factor == 0.4
    assert mine.measure("logit_variance").tolist() == [0.5, 0, 2]


GONE = np.empty(0)
BAD = {
    "no examples": (npz(probs=np.empty((0, 3))), r"at least one example in `probs`\. Received shape: \(0, 3\)"),
    "no classes": (npz(probs=np.empty((3, 0))), "at least one example"),
    "one class": (npz(probs=np.ones((2, 4, 1)), labels=LABELS), "2 classes or more. Received samples of 1"),
    "one column beyond 1": (npz(probs=9 * PROBS[:, 0] - 1), "of the second of two.*numbers from -1 to 3.5"),
    "flat images": (npz(probs=PROBS, images=np.zeros((4, 9), np.uint8)), r"\(N, H, W\).*Received: \(4, 9\)"),
    "channels first": (npz(probs=PROBS, images=np.zeros((4, 2, 8, 8), np.uint8)), "1, 3 or 4 channels"),
    "few images": (npz(probs=PROBS, labels=LABELS, images=np.zeros((3, 8, 8), np.uint8)), "4 in `labels` and 3 in `im"),
    "one image": (npz(probs=PROBS, images=np.array(7, np.uint8)), r"`images` of shape.*Received: \(\)"),
    "grey levels": (npz(probs=PROBS, images=np.zeros((4, 8, 8))), r"8-bit.*Received dtype float64"),
    "wide pixels": (npz(probs=PROBS, images=np.zeros((4, 8, 8), np.uint16)), r"8-bit.*Received dtype uint16"),
    "no mean": (closed_form(mean_logits=GONE), "together.*Received some of them"),
    "probs with closed form": (npz(probs=PROBS, variance=np.ones(4)), "together"),
    "other shape": (closed_form(variance=np.ones(2)), r"`variance` of \(3,\).*Received: \(3, 2\), \(2,\) and \(\)"),
    "negative variance": (closed_form(variance=np.array([1.0, -1.0, 1.0])), "a variance and a factor of 0 or more"),
    "a product beyond 32 bits": (
        closed_form(mean_field_factor=np.array(1e39)),
        r"`mean_field_factor` times `variance` of at most 3\.4e\+38. Received up to 2e\+39",
    ),
    "groups of two axes": (
        npz(probs=PROBS, labels=LABELS, group=np.array([["a", "b"]] * 4)),
        r"one entry of 'group' for each of 4 examples\. Received shape \(4, 2\); leave it out",
    ),
    "weights of two axes": (
        npz(probs=PROBS, labels=LABELS, weight=np.ones((4, 2))),
        r"one entry of 'weight' for each of 4 examples\. Received shape \(4, 2\); leave it out",
    ),
    "NaN in the closed form": (closed_form(mean_field_factor=np.array(np.nan)), "finite numbers in the closed form"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_in_one_sentence(name: str) -> None:
    refused(*BAD[name])


def test_images_stay_with_their_examples() -> None:
    for shape in ((4, 3, 2), (4, 3, 2, 3)):
        images = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
        mine = read(npz(probs=PROBS, images=images))
        np.testing.assert_array_equal(mine.images, images)


def test_classes_first_is_put_right_and_said() -> None:
    mine = read(npz(probs=PROBS.T, labels=LABELS))
    np.testing.assert_array_equal(mine.values[0], PROBS)
    assert any("read as (classes, examples)" in note for note in mine.notes)


def test_logits_that_look_like_something_else_are_noted() -> None:
    sigmoids = np.array([[0.9, 0.8, 0.1], [0.2, 0.3, 0.1]])
    assert any("as if each class had a sigmoid of its own" in note for note in read(npz(logits=sigmoids)).notes)
    assert any("as probabilities do" in note for note in read(npz(logits=PROBS)).notes)
    assert read(npz(logits=LOGITS, labels=np.array([0, 1, 1]))).notes == ()


def test_sigmoids_as_probabilities_are_not_waved_through() -> None:
    error = refused(
        npz(probs=np.array([[0.9, 0.8, 0.1], [0.2, 0.3, 0.1]])), "leave it at that if several classes can be"
    )
    assert isinstance(error, NotNormalized)
    refused(npz(probs=3 * PROBS), "apply softmax if these are logits, or have them normalised")


def test_scores_are_divided_by_their_sums_and_it_is_said() -> None:
    mine = read(table("score_a,score_b,label", "3,1,a", "1,4,b"), roles=Asked(kind="scores"))
    np.testing.assert_allclose(mine.values[0], [[0.75, 0.25], [0.2, 0.8]])
    assert mine.notes[-1] == "Rows of `probs` did not sum to 1 and were divided by their sums."
