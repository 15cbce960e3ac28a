"""Differences between two rules on the same examples, with intervals and p-values that know that they are the same.

* Shares of all examples (coverage, accuracy): Newcombe's paired interval from Wilson limits (Newcombe 1998, Stat. Med.
  17:2635, method 10), and the exact McNemar test: of the examples on which the two differ, each goes either way with
  probability one half if nothing tells them apart.
* Shares of what either accepts (risk): the two denominators differ, so neither applies. The limits are combined in the
  same way with the correlation of the two ratios (MOVER; Zou & Donner 2008, Stat. Med. 27:1693), and the p-value is 1
  minus the confidence at which the interval would just touch 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from uqcore.metrics.classification import checked_correct
from uqcore.types import FloatArray, UqError


class Difference(NamedTuple):
    """First minus second, its interval, and the p-value of "there is none"."""

    value: float
    low: float
    high: float
    p: float


def wilson(count: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a share ``count`` of ``n``; (0, 1) where n is 0."""
    from scipy.special import ndtri

    if n == 0:
        return 0.0, 1.0
    z, p = float(ndtri((1 + confidence) / 2)), count / n
    middle, spread = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low, high = ((middle + sign * spread) / (1 + z * z / n) for sign in (-1, 1))
    return 0.0 if count == 0 else max(low, 0.0), 1.0 if count == n else min(high, 1.0)


def share_difference(first: ArrayLike, second: ArrayLike, confidence: float = 0.95) -> Difference:
    """Of the shares of the N examples that two rules say yes to: Newcombe's interval, exact McNemar p-value.

    Args:
        first, second: ``(N,)`` bool, on the same examples in the same order.
        confidence: of the interval, by itself.

    Raises:
        UqError: a shape or dtype does not fit, or there is no example.
    """
    one = checked_correct(first, len(np.asarray(first)), "first")
    other = checked_correct(second, len(one), "second")
    n = len(one)
    if not n:
        raise UqError("Expected at least one example. Received none.")
    both, only_one, only_other = (int(np.count_nonzero(x)) for x in (one & other, one & ~other, ~one & other))
    counts = both + only_one, both + only_other
    limits = [wilson(count, n, confidence) for count in counts]
    low, high = _combined(counts[0] / n, counts[1] / n, limits[0], limits[1], _phi(both, only_one, only_other, n))
    return Difference((counts[0] - counts[1]) / n, low, high, mcnemar(only_one, only_other))


def mcnemar(only_first: int, only_second: int) -> float:
    """The exact two-sided p-value, from how many examples only the first, and only the second, says yes to."""
    from scipy.special import bdtr

    n = only_first + only_second
    return 1.0 if n == 0 else min(1.0, 2 * float(bdtr(min(only_first, only_second), n, 0.5)))


def risk_difference(
    accepted: Sequence[ArrayLike], wrong: Sequence[ArrayLike], confidence: float = 0.95
) -> Difference | None:
    """Of the shares that is wrong of what either of two rules accepts; None where one of them accepts nothing.

    Args:
        accepted: of the first and of the second rule, ``(N,)`` bool each, on the same examples in the same order.
        wrong: of either, whether its prediction is wrong, ``(N,)`` bool each.
        confidence: of the interval, by itself.

    Raises:
        UqError: a shape or dtype does not fit.
    """
    from scipy.optimize import brentq

    kept = [checked_correct(one, len(np.asarray(accepted[0])), "accepted") for one in accepted]
    failed = [checked_correct(one, len(kept[0]), "wrong") & of for one, of in zip(wrong, kept, strict=True)]
    n = [int(np.count_nonzero(one)) for one in kept]
    errors = [int(np.count_nonzero(one)) for one in failed]
    if not all(n):
        return None
    risks = [count / of for count, of in zip(errors, n, strict=True)]
    correlation = _ratio_correlation(kept, failed, risks)

    def interval(level: float) -> tuple[float, float]:
        limits = [wilson(count, of, level) for count, of in zip(errors, n, strict=True)]
        return _combined(risks[0], risks[1], limits[0], limits[1], correlation)

    def beyond(level: float) -> float:
        """How far 0 lies inside: the end that is nearer to it, on the side of the difference's sign."""
        low, high = interval(level)
        return -low if value > 0 else high

    value = risks[0] - risks[1]
    p = 1.0
    if value != 0:
        p = 1 - _SURE if beyond(_SURE) < 0 else 1 - float(brentq(beyond, 1e-9, _SURE, xtol=1e-12))
    return Difference(value, *interval(confidence), p)


_SURE = 1 - 1e-12
"""The largest confidence that is asked for; smaller p-values are said to be its complement."""


def holm(p_values: Sequence[float]) -> FloatArray:
    """The p-values adjusted for their number (Holm 1979): all that are at most alpha hold together at that level."""
    p = np.asarray(p_values, np.float64)
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate((len(p) - np.arange(len(p))) * p[order])
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(steps, 1)
    return adjusted


def _phi(both: int, only_one: int, only_other: int, n: int) -> float:
    """The correlation of the two answers, with Newcombe's correction for continuity."""
    neither = n - both - only_one - only_other
    product = float(both + only_one) * (only_other + neither) * (both + only_other) * (only_one + neither)
    if product == 0:
        return 0.0
    top = float(both) * neither - float(only_one) * only_other
    return (max(top - n / 2, 0.0) if top > 0 else top) / math.sqrt(product)


def _ratio_correlation(
    kept: Sequence[NDArray[np.bool_]], failed: Sequence[NDArray[np.bool_]], risks: Sequence[float]
) -> float:
    """Of two ratios of sums over the same examples, to first order."""
    one, other = (f - r * k for f, k, r in zip(failed, kept, risks, strict=True))
    product = float(one @ one) * float(other @ other)
    return float(one @ other) / math.sqrt(product) if product > 0 else 0.0


def _combined(
    one: float, other: float, of_one: tuple[float, float], of_other: tuple[float, float], correlation: float
) -> tuple[float, float]:
    """The interval of a difference of two estimates from the intervals of both (MOVER)."""

    def reach(a: float, b: float) -> float:
        return math.sqrt(max(a * a - 2 * correlation * a * b + b * b, 0.0))

    (low_1, high_1), (low_2, high_2) = of_one, of_other
    difference = one - other
    low = difference - reach(one - low_1, high_2 - other)
    high = difference + reach(high_1 - one, other - low_2)
    return max(low, -1.0), min(high, 1.0)
