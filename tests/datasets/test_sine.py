"""The regression data: where the points lie, what y is, and what moves with the gap and the noise."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from uqcore.datasets import load, sine
from uqcore.types import Dataset, UqError


@pytest.fixture(scope="module")
def many() -> list[Dataset]:
    return [sine.load(seed) for seed in range(50)]


def test_a_hundred_points_on_either_side_and_none_between() -> None:
    dataset = load("sine")
    assert dataset.is_regression
    assert not load("moons").is_regression
    for split, n_per_side in ((dataset.train, 100), (dataset.validation, 100), (dataset.test, 500)):
        assert split.x.shape == (2 * n_per_side, 1)
        assert split.y.shape == (2 * n_per_side,)
        x = split.x[:, 0]
        assert ((x >= -4) & (x <= -1)).sum() == ((x >= 1) & (x <= 4)).sum() == n_per_side


def test_points_are_uniform_on_both_sides(many: list[Dataset]) -> None:
    x = np.concatenate([dataset.train.x[:, 0] for dataset in many])
    for side, low in ((x[x < 0], -4), (x[x > 0], 1)):
        assert scipy.stats.kstest(side, scipy.stats.uniform(low, 3).cdf).pvalue > 0.01


def test_y_is_the_sine_with_normal_noise(many: list[Dataset]) -> None:
    noise = np.concatenate([dataset.train.y - np.sin(dataset.train.x[:, 0].astype(float)) for dataset in many])
    assert scipy.stats.kstest(noise, scipy.stats.norm(0, sine.NOISE).cdf).pvalue > 0.01


def test_without_noise_y_is_the_sine() -> None:
    for split in (sine.make(3, noise=0).train, sine.make(3, noise=0).test):
        np.testing.assert_allclose(split.y, np.sin(split.x[:, 0].astype(float)), atol=1e-12)


def test_splits_share_no_point_and_depend_on_the_seed_alone() -> None:
    first, again, other = sine.load(0), sine.load(0), sine.load(1)
    np.testing.assert_array_equal(first.train.y, again.train.y)
    points = [first.train.x, first.validation.x, first.test.x, other.train.x]
    assert len(np.unique(np.concatenate(points))) > 0.99 * sum(map(len, points)), "float32 may repeat a few"


def test_ood_fills_the_gap_and_what_lies_beyond() -> None:
    ood = sine.make(0, gap=(-0.5, 2.0)).ood
    gap, beyond = ood["gap"][:, 0], ood["beyond"][:, 0]
    assert -0.5 < gap.min() < -0.48
    assert 1.98 < gap.max() < 2
    np.testing.assert_allclose(np.diff(gap), 0.02, rtol=1e-3)
    assert (np.abs(beyond) > 4).all()
    assert (np.abs(beyond) < 6).all()
    assert (beyond < 0).sum() == (beyond > 0).sum() == 100


def test_points_move_with_the_gap_and_the_noise() -> None:
    """A slider by a hair moves every point by less than a hair."""
    before, after = sine.make(0, 0.1, (-1, 1)).train, sine.make(0, 0.101, (-1.01, 1.01)).train
    assert 0 < np.abs(after.x - before.x).max() <= 0.0101
    assert 0 < np.abs(after.y - before.y).max() < 0.02
    wide = sine.make(0, gap=(-3.5, 3.5)).train.x
    assert (np.abs(wide) >= 3.5).all()


@pytest.mark.parametrize("gap", [(-5.0, 1.0), (-4.0, 1.0), (1.0, 4.0), (1.0, -1.0), (0.0, 0.0), (np.nan, 1.0)])
def test_a_gap_outside_the_range_is_one_sentence(gap: tuple[float, float]) -> None:
    with pytest.raises(UqError, match=r"The gap must lie between -4 and 4, its lower end first\. Received: from"):
        sine.make(0, gap=gap)


@pytest.mark.parametrize("noise", [-0.1, np.nan, np.inf])
def test_noise_that_is_none_is_one_sentence(noise: float) -> None:
    with pytest.raises(UqError, match=r"The noise must be a finite number, 0 or more\. Received:"):
        sine.make(0, noise)
