"""Intervals over seeds, and what cannot be told apart from the best."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TypeVar

import numpy as np

from uqcore.types import FloatArray

T = TypeVar("T")

CONFIDENCE = 0.95


def mean_of(values: Sequence[float] | FloatArray) -> float:
    """As `np.mean` to the last bit, without what that does beside the sum: a board has six thousand rows."""
    return float(np.add.reduce(np.asarray(values, float)) / len(values))


def _deviation(values: Sequence[float] | FloatArray, mean: float) -> float:
    """As `np.std` with ``ddof=1``, likewise."""
    differences = np.asarray(values, float) - mean
    return math.sqrt(np.add.reduce(differences * differences) / (len(differences) - 1))


def over_seeds(values: Sequence[float]) -> tuple[float, float]:
    """The 95 % interval of the mean over n >= 2 seeds: ``mean ± t s / sqrt(n)``, Student's t of n - 1 degrees."""
    n, mean = len(values), mean_of(values)
    half = _student(n - 1) * _deviation(values, mean) / math.sqrt(n)
    return mean - half, mean + half


@cache
def _student(n_degrees: int) -> float:
    """The end of the 95 % interval of Student's t."""
    from scipy.special import stdtrit  # which takes half of what the command line takes to load

    return float(stdtrit(n_degrees, (1 + CONFIDENCE) / 2))


@cache
def _normal() -> float:
    """The end of the 95 % interval of the normal distribution."""
    from scipy.special import ndtri

    return float(ndtri((1 + CONFIDENCE) / 2))


def wilson(share: float, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share of n inputs (Wilson 1927): it stays in 0..1 and holds near its ends."""
    z = _normal()
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, centre - half), min(1.0, centre + half)


def paired_p(first: Sequence[float], second: Sequence[float]) -> float:
    """Two-sided p-value of Student's paired t-test that the means differ; of one run against n, that run is a constant.

    1 where all differences are 0; 0 where they are one number that is not 0 (nothing varies).
    """
    differences = np.asarray(first, float) - np.asarray(second, float)
    n, mean = len(differences), mean_of(differences)
    spread = _deviation(differences, mean)
    if spread <= 1e-12 * max(1.0, abs(mean)):
        return float(abs(mean) <= 1e-12)
    from scipy.special import stdtr

    return float(2 * stdtr(n - 1, -abs(mean) / (spread / math.sqrt(n))))


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values corrected for their number (Holm 1979): the k-th smallest of m times m - k + 1, never falling."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    corrected, largest = [0.0] * len(p_values), 0.0
    for place, i in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - place) * p_values[i]))
        corrected[i] = largest
    return corrected


def not_told_from_best(runs: Mapping[T, Mapping[int, float]], higher_is_better: bool, fixed: frozenset[T]) -> set[T]:
    """The clique of the best: what a paired t-test over common seeds, Holm-corrected, does not tell from it at 5 %.

    Args:
        runs: of each competitor seed -> value.
        fixed: those in which nothing is random: their one run counts as the same in every seed.

    Returns:
        The best by its mean, and all whose test against it fails. A competitor of one random run (or of no two seeds
        that the best has too) cannot be tested, and is not in it unless it is the best of its kind alone: it is left
        out before the best is chosen. Empty where fewer than two can be compared.
    """
    able = {name: values for name, values in runs.items() if name in fixed or len(values) >= 2}
    if len(able) < 2:
        return set()
    sign = 1 if higher_is_better else -1
    best = max(able, key=lambda name: sign * mean_of(list(able[name].values())))
    others = [name for name in able if name != best]
    tested = {name: p for name in others if (p := _p(able, best, name, fixed)) is not None}
    corrected = dict(zip(tested, holm(list(tested.values())), strict=True))
    return {best, *(name for name, p in corrected.items() if p > 1 - CONFIDENCE)}


def _p(runs: Mapping[T, Mapping[int, float]], one: T, other: T, fixed: frozenset[T]) -> float | None:
    """Of the pair over the seeds that both have; None where those are fewer than two."""
    if one in fixed and other in fixed:
        return float(next(iter(runs[one].values())) == next(iter(runs[other].values())))
    if one in fixed or other in fixed:
        return paired_p(list(runs[one].values()), list(runs[other].values()))
    common = sorted(runs[one].keys() & runs[other].keys())
    if len(common) < 2:
        return None
    return paired_p([runs[one][seed] for seed in common], [runs[other][seed] for seed in common])
