"""Corruptions against exact cases: quarter turns, whole-pixel shifts, the noise formula, a Gaussian's moments."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from uqcore.datasets import corruptions, load
from uqcore.datasets.bundled import mnist
from uqcore.types import FloatArray, UqError

Corruption = Callable[[FloatArray], FloatArray]


@pytest.fixture(scope="module")
def x() -> FloatArray:
    """20 digits and 20 images of noise, which reach the edges."""
    return np.concatenate([load("digits").test.x[:20], load("digits").ood["noise"][:20]])


def gaussian_spot() -> FloatArray:
    """One bright pixel in the middle of a 29 x 29 image."""
    spot = np.zeros((1, 29, 29, 1), np.float32)
    spot[0, 14, 14, 0] = 1
    return spot


NEUTRAL: dict[str, Corruption] = {
    "noise": lambda x: corruptions.add_noise(x, 0, seed=0),
    "rotation": lambda x: corruptions.rotate(x, 0),
    "blur": lambda x: corruptions.blur(x, 0),
    "shift": lambda x: corruptions.shift(x, 0, 0),
}
STRONG: dict[str, Corruption] = {
    "noise": lambda x: corruptions.add_noise(x, 0.7, seed=0),
    "rotation": lambda x: corruptions.rotate(x, 33),
    "blur": lambda x: corruptions.blur(x, 1.5),
    "shift": lambda x: corruptions.shift(x, 2.5, -3.25),
}


@pytest.mark.parametrize("name", sorted(NEUTRAL))
def test_zero_changes_nothing(x: FloatArray, name: str) -> None:
    np.testing.assert_array_equal(NEUTRAL[name](x), x)


@pytest.mark.parametrize("name", sorted(STRONG))
def test_the_result_is_a_batch_of_images_and_the_input_is_left_alone(x: FloatArray, name: str) -> None:
    before = x.copy()
    out = STRONG[name](x)
    assert (out.shape, out.dtype) == (x.shape, x.dtype)
    assert out.min() >= 0
    assert out.max() <= 1
    assert np.abs(out - x).max() > 0.1
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("name", sorted(STRONG))
def test_an_example_does_not_depend_on_those_after_it(x: FloatArray, name: str) -> None:
    np.testing.assert_array_equal(STRONG[name](x)[:3], STRONG[name](x[:3]))


def test_noise_formula(x: FloatArray) -> None:
    field = corruptions.add_noise(x, 1, seed=5)
    for weight in (0.25, 0.5, 0.9):
        expected = (1 - weight) * x + weight * field
        np.testing.assert_allclose(corruptions.add_noise(x, weight, seed=5), expected, atol=1e-6)
    assert not np.isin(field, corruptions.add_noise(x, 1, seed=6)).all()


def test_noise_field_is_uniform() -> None:
    field = corruptions.add_noise(np.zeros((500, 28, 28, 1), np.float32), 1, seed=0)
    shares, _ = np.histogram(field, bins=10, range=(0, 1))
    np.testing.assert_allclose(shares / field.size, 0.1, atol=5 * np.sqrt(0.09 / field.size))


@pytest.mark.parametrize("quarters", [-1, 1, 2, 3, 4])
def test_quarter_turns_are_those_of_numpy(x: FloatArray, quarters: int) -> None:
    expected = np.rot90(x, quarters, axes=(1, 2))
    np.testing.assert_allclose(corruptions.rotate(x, 90 * quarters), expected, atol=1e-6)


def test_rotation_turns_counter_clockwise_as_seen() -> None:
    right = np.zeros((1, 28, 28, 1), np.float32)
    right[0, 13:15, 22:24] = 1  # in the middle of the right half
    row, column = np.argwhere(corruptions.rotate(right, 45)[0, ..., 0] > 0.5).mean(axis=0)
    assert (row - 13.5, column - 13.5) == pytest.approx((-9 / np.sqrt(2), 9 / np.sqrt(2)), abs=0.5)  # right and up


@pytest.mark.parametrize(("dx", "dy"), [(3, 0), (0, 2), (-1, 4)])
def test_whole_shifts_move_pixels_and_fill_with_background(x: FloatArray, dx: int, dy: int) -> None:
    padded = np.pad(x[..., 0], ((0, 0), (5, 5), (5, 5)))
    expected = padded[:, 5 - dy : 33 - dy, 5 - dx : 33 - dx]
    np.testing.assert_allclose(corruptions.shift(x, dx, dy)[..., 0], expected, atol=1e-7)


def test_half_a_pixel_is_the_mean_of_two(x: FloatArray) -> None:
    padded = np.pad(x, ((0, 0), (0, 0), (1, 0), (0, 0)))
    expected = (padded[:, :, 1:] + padded[:, :, :-1]) / 2
    np.testing.assert_allclose(corruptions.shift(x, 0.5, 0), expected, atol=1e-6)


def test_blur_spreads_a_point_with_the_given_standard_deviation() -> None:
    out = corruptions.blur(gaussian_spot(), 2)[0, ..., 0]
    distance = np.arange(29) - 14
    assert out.sum() == pytest.approx(1, abs=1e-5)
    for axis in (0, 1):
        assert out.sum(axis=axis) @ distance**2 == pytest.approx(4, rel=0.01)


def test_blur_does_not_mix_examples() -> None:
    pair = np.concatenate([gaussian_spot(), np.zeros((1, 29, 29, 1), np.float32)])
    assert corruptions.blur(pair, 3)[1].max() == 0


@pytest.mark.parametrize("side", [28, 5])
def test_noise_of_some_images_of_a_batch_is_the_batchs(side: int) -> None:
    x = np.random.default_rng(1).random((50, side, side, 1), dtype=np.float32)
    rows = np.array([49, 0, 7, 8, 7])
    np.testing.assert_array_equal(corruptions.add_noise(x[rows], 0.3, 5, rows), corruptions.add_noise(x, 0.3, 5)[rows])


def test_noise_moves_on_a_straight_line_between_image_and_field() -> None:
    image = (mnist().x_test[:1] / np.float32(255))[..., None]
    sweep = np.concatenate([corruptions.add_noise(image, weight, seed=0) for weight in (0, 0.25, 0.5, 0.75, 1)])
    np.testing.assert_allclose(np.diff(sweep, n=2, axis=0), 0, atol=1e-6)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: corruptions.add_noise(x, 1.1, seed=0),
        lambda x: corruptions.add_noise(x, float("nan"), seed=0),
        lambda x: corruptions.rotate(x, float("inf")),
        lambda x: corruptions.blur(x, -1),
        lambda x: corruptions.blur(x, 29),
        lambda x: corruptions.shift(x, float("nan"), 0),
        lambda x: corruptions.shift(x, 0, float("-inf")),
    ],
)
def test_out_of_range(x: FloatArray, call: Corruption) -> None:
    with pytest.raises(UqError, match=r"must be .*Received: "):
        call(x)
