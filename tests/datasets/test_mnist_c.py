"""MNIST-C's corruptions: what each is by its definition, beside exact cases."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from uqcore.datasets import load, mnist_c
from uqcore.datasets.mnist_c import MNIST_C, corrupt
from uqcore.types import FloatArray


@pytest.fixture(scope="module")
def x() -> FloatArray:
    return load("digits").test.x[:12]


def one(name: str, image: FloatArray, seed: int = 0) -> FloatArray:
    return corrupt(image[None, ..., None].astype(np.float32), name, seed)[0, ..., 0]


def spot(row: int, column: int) -> FloatArray:
    image = np.zeros((28, 28))
    image[row, column] = 1
    return image


@pytest.mark.parametrize("name", MNIST_C)
def test_images_stay_images_and_do_not_depend_on_each_other(x: FloatArray, name: str) -> None:
    before = x.copy()
    out = corrupt(x, name, 3)
    assert (out.shape, out.dtype) == (x.shape, x.dtype)
    assert out.min() >= 0
    assert out.max() <= 1
    assert all(np.abs(out - x).max(axis=(1, 2, 3)) > 0.05)
    np.testing.assert_array_equal(corrupt(x[:5], name, 3), out[:5])
    np.testing.assert_array_equal(x, before)


def test_there_are_the_fifteen_of_the_benchmark_in_its_order() -> None:
    assert " ".join(MNIST_C) == (
        "shot_noise impulse_noise glass_blur motion_blur shear scale rotate brightness translate stripe fog spatter "
        "dotted_line zigzag canny_edges"
    )


def test_shot_noise_counts_thirds_and_keeps_the_mean() -> None:
    image = np.full((28, 28), 0.2)
    out = np.stack([mnist_c.shot_noise(image, np.random.default_rng(seed)) for seed in range(50)])
    np.testing.assert_allclose(out * 3, np.round(out * 3), atol=1e-12)
    assert out.mean() == pytest.approx(0.2, abs=5 * np.sqrt(0.2 / 3 / out.size))


def test_impulses_hit_17_percent_half_of_them_white() -> None:
    out = np.stack([one("impulse_noise", np.full((28, 28), 0.5), seed) for seed in range(50)])
    error = 5 * np.sqrt(0.085 * 0.915 / out.size)
    assert (out == 1).mean() == pytest.approx(0.085, abs=error)
    assert (out == 0).mean() == pytest.approx(0.085, abs=error)


def test_the_affine_ones_move_points_where_they_should() -> None:
    """A spot 6 pixels right of the centre and 6 above it."""
    image = ndimage.gaussian_filter(spot(7, 19), 1.0) * 6
    at = np.array(ndimage.center_of_mass(image)) - 13.5
    cos, sin = np.cos(0.4), np.sin(0.4)
    turned = [np.array([[cos, side * sin], [-side * sin, cos]]) @ at for side in (1, -1)]
    for seed in range(4):
        moved = np.array(ndimage.center_of_mass(one("rotate", image, seed))) - 13.5
        assert min(np.abs(place - moved).max() for place in turned) < 0.1
        smaller = np.array(ndimage.center_of_mass(one("scale", image, seed))) - 13.5
        np.testing.assert_allclose(smaller, 0.7 * at, atol=0.05)
        aside = np.array(ndimage.center_of_mass(one("translate", image, seed))) - 13.5
        np.testing.assert_allclose(np.abs(aside - at), 3, atol=1e-5)
        row, column = np.array(ndimage.center_of_mass(one("shear", image, seed))) - 13.5
        assert row == pytest.approx(at[0] / cos, abs=0.1)
        assert abs(column - at[1]) == pytest.approx(abs(row) * sin, abs=0.1)


def test_brightness_and_stripe_by_hand() -> None:
    image = np.linspace(0, 1, 784).reshape(28, 28).astype(np.float32)
    np.testing.assert_allclose(one("brightness", image), np.minimum(image + 0.5, 1), atol=1e-6)
    striped = one("stripe", image)
    np.testing.assert_array_equal(striped[:, 7:21], image[:, 7:21])
    np.testing.assert_allclose(striped[:, [0, 6, 21, 27]], 1 - image[:, [0, 6, 21, 27]], atol=1e-6)


def test_motion_blur_smears_a_point_to_one_side_and_keeps_its_light() -> None:
    for seed in range(5):
        out = one("motion_blur", spot(14, 26), seed)
        assert out.sum() == pytest.approx(1, abs=1e-5)
        rows, columns = np.nonzero(out)
        assert out.argmax() == 14 * 28 + 26
        assert columns.max() == 26
        assert np.abs(rows - 14).max() <= (26 - columns).max() + 1  # within 45 degrees of level


def test_glass_moves_light_by_a_few_pixels_and_keeps_most_of_it() -> None:
    out = one("glass_blur", spot(14, 14))
    assert out.sum() == pytest.approx(1, abs=0.1)
    rows, columns = np.nonzero(out > 0.05)
    assert max(np.abs(rows - 14).max(), np.abs(columns - 14).max()) <= 8


def test_fog_keeps_the_brightest_and_is_smooth() -> None:
    out = one("fog", np.ones((28, 28)))
    assert out.min() >= 0.25 - 1e-6  # (1 + 3 * 0) / (1 + 3)
    assert np.abs(np.diff(out, axis=0)).mean() < 0.1 * (np.ptp(out) + 0.1)
    assert not one("fog", np.zeros((28, 28))).any()


def test_lines_are_dotted_by_two_columns_and_zigzags_are_not() -> None:
    dotted, zigzag = (one(name, np.zeros((28, 28))).max(axis=0) for name in ("dotted_line", "zigzag"))
    assert not dotted[[0, 1, 4, 5, 24, 25]].any()
    assert (dotted[[2, 3, 6, 7, 22, 23]] > 0.5).all()
    assert (zigzag[3:24] > 0.5).all()
    assert not zigzag[[0, 1, 27]].any()


def test_edges_of_a_square_are_its_outline() -> None:
    image = np.zeros((28, 28))
    image[8:20, 8:20] = 1
    edges = one("canny_edges", image)
    assert set(np.unique(edges)) == {0, 1}
    assert not edges[11:17, 11:17].any()
    assert edges[8:20, 6:10].max(axis=1).all()
    assert not one("canny_edges", np.zeros((28, 28))).any()
