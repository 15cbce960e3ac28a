"""Counts behind the threshold's histogram: every example in one bin, where the axis says it is."""

from __future__ import annotations

import numpy as np
import pytest

from uqcore.plots.threshold_bins import MeasureBins, measure_bins
from uqcore.types import UqError

RNG = np.random.default_rng(0)


def test_linear_counts_by_hand() -> None:
    bins = measure_bins(np.array([0.0, 0.1, 0.3, 1.0]), np.array([0.6]), np.array([0.25, 0.75]), n_bins=4)
    np.testing.assert_allclose(bins.linear_edges, [0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_array_equal(bins.linear_counts, [[2, 1, 0, 1], [0, 0, 1, 0], [0, 1, 0, 1]])


def test_log_counts_by_hand() -> None:
    bins = measure_bins(np.array([0.0, 0.001, 0.005, 0.05]), np.array([1.0]), np.array([0.0, 0.5]), n_bins=3)
    np.testing.assert_allclose(bins.log_edges, [0.001, 0.01, 0.1, 1])
    np.testing.assert_array_equal(bins.log_counts, [[3, 1, 0], [0, 0, 1], [1, 0, 1]])
    assert bins.n_below == 2


ENDS = [[1.7e38] * 3, [0.3, np.nextafter(0.3, 1)], [-1e300, 0, 1e300], [1e300, 1e300], [5e-324, 5e-324]]


@pytest.mark.parametrize("values", ENDS)
def test_values_that_floats_have_little_room_around(values: list[float]) -> None:
    bins = measure_bins(np.array(values), np.empty(0))
    for edges, counts in ((bins.linear_edges, bins.linear_counts), (bins.log_edges, bins.log_counts)):
        if edges.size:
            assert np.isfinite(edges).all()
            assert (np.diff(edges) >= 0).all()
            assert edges[0] < edges[-1]
            assert counts.sum() == len(values)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("power", [1, 20])
def test_every_example_is_in_one_bin_of_each_axis(dtype: type[np.floating], power: int) -> None:
    right, wrong, ood = ((RNG.random(n) ** power).astype(dtype) for n in (20_000, 300, 5_000))
    bins = measure_bins(right, wrong, ood)
    for counts in (bins.linear_counts, bins.log_counts):
        np.testing.assert_array_equal(counts.sum(axis=1), [20_000, 300, 5_000])
    np.testing.assert_array_equal(bins.linear_counts[1], np.histogram(wrong, bins.linear_edges)[0])
    values = np.maximum(ood.astype(np.float64), bins.log_edges[0])
    slow = np.clip(np.searchsorted(bins.log_edges, values, side="right") - 1, 0, 59)
    np.testing.assert_array_equal(np.bincount(slow, minlength=60), bins.log_counts[2])


def test_the_log_axis_spans_nine_decades_at_most() -> None:
    bins = measure_bins(np.array([1e-30, 1e-12, 0.0, 2.0]), np.array([]))
    assert bins.log_edges[0] == pytest.approx(2e-9)
    assert bins.log_edges[-1] == pytest.approx(2.0)
    assert bins.n_below == 3
    assert bins.log_counts[0, 0] == 3


def test_without_wrong_or_ood_their_rows_are_zero() -> None:
    bins = measure_bins(RNG.random(10), np.array([]), None)
    assert bins.linear_counts.sum(axis=1).tolist() == bins.log_counts.sum(axis=1).tolist() == [10, 0, 0]


@pytest.mark.parametrize("constant", [0.25, 1.0, 7.0])
def test_a_constant_measure_stands_inside_its_axes(constant: float) -> None:
    bins = measure_bins(np.full(5, constant, np.float32), np.full(2, constant, np.float32))
    for edges, counts in ((bins.linear_edges, bins.linear_counts), (bins.log_edges, bins.log_counts)):
        assert edges[0] < constant < edges[-1]
        (column,) = np.flatnonzero(counts[0])
        assert counts[:, column].tolist() == [5, 2, 0]
        assert edges[column] <= constant <= edges[column + 1]
    assert bins.n_below == 0


@pytest.mark.parametrize("values", [np.zeros(3), np.array([-2.0, -1.0])])
def test_without_a_positive_value_there_is_no_log_axis(values: np.ndarray) -> None:
    bins = measure_bins(values, np.array([]))
    assert bins.linear_counts.sum() == len(values)
    assert (len(bins.log_edges), bins.log_counts.shape) == (0, (3, 0))


def test_negative_values_count_as_below_the_log_axis() -> None:
    bins = measure_bins(np.array([-1.0, 1.0, 10.0]), np.array([]), n_bins=2)
    assert bins.log_counts[0].tolist() == [2, 1]
    assert bins.n_below == 1


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("group", [0, 1, 2])
def test_values_that_are_not_finite_are_refused(bad: float, group: int) -> None:
    groups = [np.ones(3), np.ones(3), np.ones(3)]
    groups[group] = np.array([0.5, bad])
    right, wrong, ood = groups
    with pytest.raises(UqError, match="NaN or infinity"):
        measure_bins(right, wrong, ood)


def test_no_example_at_all_is_refused() -> None:
    with pytest.raises(UqError, match="at least one example"):
        measure_bins(np.array([]), np.array([]))


def test_the_number_of_bins_is_as_asked() -> None:
    bins: MeasureBins = measure_bins(RNG.random(100), RNG.random(3), n_bins=7)
    assert (len(bins.linear_edges), len(bins.log_edges)) == (8, 8)
    assert bins.linear_counts.shape == bins.log_counts.shape == (3, 7)
