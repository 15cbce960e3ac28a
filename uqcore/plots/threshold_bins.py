"""Counts behind the threshold's histogram: the same examples on a linear and on a logarithmic axis."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from uqcore.types import FloatArray, IntArray, UqError

_SPAN = 1e9
"""The greatest value over the least on the logarithmic axis, at most."""


class MeasureBins(NamedTuple):
    """Counts in B bins of equal width on each axis; rows are right, wrong and OOD. Every example is in one bin.

    Attributes:
        linear_edges: ``(B + 1,)`` ascending, from the least to the greatest value.
        linear_counts: ``(3, B)``.
        log_edges: ``(B + 1,)`` ascending, from above 0 to the greatest value; ``(0,)`` where no value is above 0.
        log_counts: ``(3, B)``, the ``n_below`` in the first bin; ``(3, 0)`` where there is no logarithmic axis.
        n_below: how many values, zeros among them, are below ``log_edges[0]``.
    """

    linear_edges: FloatArray
    linear_counts: IntArray
    log_edges: FloatArray
    log_counts: IntArray
    n_below: int


def measure_bins(right: FloatArray, wrong: FloatArray, ood: FloatArray | None = None, n_bins: int = 60) -> MeasureBins:
    """Bin a measure of right, wrong and OOD examples, each ``(n,)`` and possibly empty, in O(n).

    The logarithmic axis begins at the least value above 0, but spans nine decades at most: what is farther below the
    greatest value is rounding of float32 probabilities. A constant measure is put in the middle of its axis.

    Raises:
        UqError: there is no example at all, or a value is not finite.
    """
    groups = [np.asarray(group) for group in (right, wrong, () if ood is None else ood)]
    filled = [group for group in groups if group.size]
    if not filled:
        raise UqError("A histogram needs at least one example. Received: none.")
    ends = np.array([(group.min(), group.max()) for group in filled], np.float64)
    if not np.isfinite(ends).all():
        raise UqError("A histogram needs finite values. Received: NaN or infinity.")
    low, high = float(ends.min()), float(ends.max())
    linear_edges = np.histogram_bin_edges((), n_bins, (low, high))
    linear_counts = np.stack([np.histogram(group, n_bins, (low, high))[0] for group in groups])
    if high <= 0:
        return MeasureBins(linear_edges, linear_counts, np.empty(0), np.empty((3, 0), np.int64), 0)
    least = min(float(group.min(initial=high, where=group > 0)) for group in filled)
    floor = max(least, high / _SPAN)
    log_edges = np.geomspace(*((floor, high) if floor < high else (high / 2, high * 2)), n_bins + 1)
    log_counts = np.stack([_log_histogram(group, log_edges) for group in groups])
    n_below = sum(int((group < log_edges[0]).sum()) for group in groups)
    return MeasureBins(linear_edges, linear_counts, log_edges, log_counts, n_below)


def _log_histogram(values: FloatArray, edges: FloatArray) -> IntArray:
    """Counts between geometrically spaced ``edges``; values beyond the ends count in the outer bins."""
    ends = np.log(edges[[0, -1]])
    # Clipped a second time because the logarithm of a float32 rounds otherwise than that of its edge.
    logs = np.clip(np.log(np.maximum(values, edges[0])), *ends)
    return np.histogram(logs, len(edges) - 1, tuple(ends))[0]
