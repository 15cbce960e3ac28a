"""Counts behind the threshold's histogram: the same examples on a linear and on a logarithmic axis."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from uqcore.types import FloatArray, IntArray, UqError

_TIED = 1 + 1e-12  # the greatest value over the least: floats have no room for bins in between
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
    groups = [np.sort(group, kind="stable") for group in (right, wrong, () if ood is None else ood)]  # most are sorted
    filled = [group for group in groups if group.size]
    if not filled:
        raise UqError("A histogram needs at least one example. Received: none.")
    low, high = float(min(group[0] for group in filled)), float(max(group[-1] for group in filled))
    if not np.isfinite([low, *(group[-1] for group in filled)]).all():  # NaN is sorted to the end
        raise UqError("A histogram needs finite values. Received: NaN or infinity.")
    linear_edges = _linear_edges(low, high, n_bins)
    linear_counts = np.stack([_counts(group, linear_edges) for group in groups])
    if high <= 0:
        return MeasureBins(linear_edges, linear_counts, np.empty(0), np.empty((3, 0), np.int64), 0)
    least = min(float(above[0]) for group in filled if len(above := group[_n_below(group, 0, "right") :]))
    floor = max(least, high / _SPAN)
    around = (high / 2 or high, high * 2)  # half of the least float is none
    log_edges = np.geomspace(*((floor, high) if high / floor > _TIED else around), n_bins + 1)
    log_counts = np.stack([_counts(group, log_edges) for group in groups])
    n_below = sum(int(_n_below(group, log_edges[0])) for group in groups)
    return MeasureBins(linear_edges, linear_counts, log_edges, log_counts, n_below)


def _linear_edges(low: float, high: float, n_bins: int) -> FloatArray:
    """From the least value to the greatest, or around them where floats have no room for the bins in between."""
    needed = n_bins * np.spacing(max(abs(low), abs(high)))
    if high - low < needed:
        half = max(0.5 if low == high else 0.0, needed)
        low, high = low - half, high + half
    return np.linspace(low, high, n_bins + 1)


def _counts(values: FloatArray, edges: FloatArray) -> IntArray:
    """Of ascending ``values`` in bins that begin at their lower edge; what is beyond the ends counts in the outer bins.

    By search: `np.histogram` computes the bin of every value.
    """
    return np.diff(_n_below(values, edges[1:-1]), prepend=0, append=len(values))


def _n_below(values: FloatArray, edges: FloatArray | float, side: Literal["left", "right"] = "left") -> IntArray:
    """How many of ascending ``values`` are below each edge, or with ``"right"`` at it too."""
    return np.searchsorted(values, edges, side)
