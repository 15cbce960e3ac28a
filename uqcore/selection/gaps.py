"""Where a threshold can stand: in a gap between two values, farther from both than either is rounded.

The same probabilities give the same measure to the last bit on one machine, whatever the order of the array in memory,
its strides, the batch or the threads. Another processor or NumPy may round a logarithm differently. How much: one
logarithm is within 4 units in the last place (2^-52 of its size), a product adds half a unit, and a sum by halves over
K classes at most log2 K units, so an entropy in float64 is within (9 + 2 log2 K) 2^-53 of its size. The mean of the
entropies of S samples adds 2 log2 S to that, and a difference of two entropies (mutual information) keeps their
absolute errors: with a thousand classes and a thousand samples 8e-14. The measures without a logarithm are sums and
products in a fixed order, which IEEE 754 rounds alike everywhere. `ROUNDING` is ten times the largest of these.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from uqcore.types import FloatArray

ROUNDING = 2.0**-40
"""A measure's rounding, as a share of its size, or in its unit where it is below 1: 9e-13."""

_SECTION = (5**0.5 - 1) / 2
"""Where in a gap a threshold lies: the golden section. Votes and steps lie on a grid, and half-way between two of its
values there may be a third that was not seen."""


def clearance(values: FloatArray) -> NDArray[np.float64]:
    """How far a threshold must be from each value at least, so that rounding moves none across it."""
    return ROUNDING * np.maximum(np.abs(np.asarray(values, np.float64)), 1)


def between(lower: FloatArray, upper: FloatArray) -> NDArray[np.float64]:
    """A threshold in each gap, clear of both ends; NaN where the two values are so close that they count as tied."""
    low, high = np.asarray(lower, np.float64), np.asarray(upper, np.float64)
    wide = high - low > 4 * clearance(np.maximum(np.abs(low), np.abs(high)))
    return np.where(wide, low + _SECTION * (high - low), np.nan)


def just_above(values: FloatArray) -> NDArray[np.float64]:
    """The lowest threshold that accepts each value and is clear of it."""
    return np.asarray(values, np.float64) + 2 * clearance(values)


def just_below(values: FloatArray) -> NDArray[np.float64]:
    """The highest threshold that does not accept each value and is clear of it."""
    return np.asarray(values, np.float64) - 2 * clearance(values)


def tie_ends(values: FloatArray) -> NDArray[np.int64]:
    """Of ``values (N,)`` in ascending order the last of each group that ties: where a threshold can follow.

    Values tie if a chain of steps too short for a threshold joins them.
    """
    return np.flatnonzero(np.append(~np.isnan(between(values[:-1], values[1:])), True)) if len(values) else _NONE


def threshold_after(values: FloatArray, end: int) -> float:
    """The threshold in the gap behind ``values[end]`` (of `tie_ends`), or just above it if it is the last."""
    if end == len(values) - 1:
        return float(just_above(values[end]))
    return float(between(values[end], values[end + 1]))


_NONE = np.empty(0, np.int64)
