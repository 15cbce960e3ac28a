"""A certified risk of weighted examples: of the weight of what is accepted at most a share is wrong.

``P(E[w err | accepted] / E[w | accepted] <= target) >= 1 - delta`` over the draw of the calibration examples, which are
independent draws of the population with their weights w, for any model and measure.

Errors that weigh differently are not binomial, so the test is one by betting (Waudby-Smith & Ramdas 2024, JRSS B 86:1).
With v in 0..1 the share that a weight has of the largest that counts, a threshold's risk exceeds the target exactly if
``E[v (target - err)] < 0`` over what it accepts. Then a stake lambda in ``[0, 1 / (1 - target))`` loses on average:
``E[1 + lambda v (target - err)] < 1``, and so does the product of these factors over the accepted examples, which are
independent draws whatever their number. The mean of the products of some stakes, fixed beforehand, is a wealth that is
never negative and at most 1 on average; by Markov's inequality it reaches 1 / delta with probability at most delta.

Thresholds are tested one after another from a start upwards, as in `uqcore.selection.certified`, whose argument holds
for any test that is valid at a threshold fixed in advance: the first threshold above the start whose risk exceeds the
target is fixed by the population, and the walk passes it with probability at most delta.

Weights above the largest that counts count as that one. It must not come from the calibration examples: take it from
others, or know it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from uqcore.metrics.classification import checked_correct
from uqcore.selection.certified import fewest
from uqcore.selection.gaps import between, clearance, just_above
from uqcore.selection.ranking import checked_in_own_dtype, pilot_places
from uqcore.types import FloatArray, UqError

_STAKES = 0.999 * 2.0 ** -np.arange(4)
"""Shares of the largest stake, from one that no error may follow to one for risks just below the target. More of them
would each have less of the first wealth: with equal weights these accept about 6 points less than the exact test."""


class Weighted(NamedTuple):
    """Shares of weight, each NaN where there is none to take a share of.

    Attributes:
        coverage: of the weight of all examples, what is accepted.
        risk: of the weight of the accepted, what is wrong.
        accuracy: of the weight of all examples, what is right.
    """

    coverage: float
    risk: float
    accuracy: float


class WeightedCertificate(NamedTuple):
    """What calibration data prove of the weighted risk of a threshold.

    Attributes:
        threshold: accept ``measure <= threshold``; infinity accepts all, minus infinity (nothing certified) none.
        certified: whether there is a threshold with the guarantee.
        n, n_pilot: calibration examples, and how many of them decided where to start and were not tested.
        n_accepted: how many of the n the threshold accepts.
        seen: weighted shares of the n, with the weights that count.
        most, mean: the largest weight that counts, and the mean of those that do.
        target_risk, delta: as asked for.
    """

    threshold: float
    certified: bool
    n: int
    n_pilot: int
    n_accepted: int
    seen: Weighted
    most: float
    mean: float
    target_risk: float
    delta: float


def weighted_shares(accepted: NDArray[np.bool_], correct: NDArray[np.bool_], weight: FloatArray) -> Weighted:
    """`Weighted` of a decision on examples ``(N,)``; estimates, without a promise."""
    # In another unit, by a power of two: a sum of weights near the largest float would be infinite.
    weight = np.ldexp(weight, -np.frexp(weight.max(initial=0))[1])
    total, kept = float(weight.sum()), float(weight[accepted].sum())
    wrong, right = float(weight[accepted & ~correct].sum()), float(weight[correct].sum())
    return Weighted(
        kept / total if total > 0 else math.nan,
        wrong / kept if kept > 0 else math.nan,
        right / total if total > 0 else math.nan,
    )


def certify_weighted(
    measure: ArrayLike, correct: ArrayLike, weight: ArrayLike, most: float, target_risk: float, delta: float
) -> WeightedCertificate:
    """The threshold of largest coverage whose weighted risk is certified; see above. O(N log N).

    Args:
        measure, correct: ``(N,)`` as for `rank`, of in-distribution calibration examples.
        weight: ``(N,)``, finite and 0 or more.
        most: the largest weight that counts, above 0, which these examples had no part in choosing.

    Raises:
        UqError: a shape or dtype does not fit, a weight is no such number, or the target or delta is not between 0
            and 1.
    """
    for name, value in (("target_risk", target_risk), ("delta", delta)):
        if not 0 < value < 1:
            raise UqError(f"`{name}` must be between 0 and 1, both excluded. Received: {value}.")
    values = checked_in_own_dtype(measure).astype(np.float64)
    right, weights = checked_correct(correct, len(values)), np.asarray(weight, np.float64)
    if weights.shape != values.shape or not (np.isfinite(weights) & (weights >= 0)).all() or not most > 0:
        raise UqError(
            f"Expected a weight of 0 or more for each of {len(values):,} examples, and a largest one above 0. "
            f"Received shape {weights.shape} and {most}, or others."
        )
    shares = np.minimum(weights, most) / most
    pilot = np.zeros(len(values), np.bool_)
    pilot[pilot_places(len(values))] = len(values) > 1
    start = _start(values[pilot], shares[pilot], len(values) - int(pilot.sum()), target_risk, delta)
    tested = ~pilot
    limit = _first_failure(values[tested], right[tested], shares[tested], start, target_risk, delta)
    threshold = _highest(values, start, limit)
    accepted = values <= threshold
    return WeightedCertificate(
        threshold,
        threshold > -math.inf,
        len(values),
        int(pilot.sum()),
        int(accepted.sum()),
        weighted_shares(accepted, right, shares),
        most,
        float(shares.mean() * most) if len(shares) else math.nan,
        target_risk,
        delta,
    )


def _start(pilot: FloatArray, shares: FloatArray, n_tested: int, target_risk: float, delta: float) -> float:
    """Where the walk starts: where ``fewest^0.45 n^0.55`` examples are accepted, by what the pilot sample measures."""
    usual = float(shares.mean()) if len(shares) else 1.0
    least = fewest(target_risk, delta / len(_STAKES)) / max(usual, 1e-9)
    share = (least / max(n_tested, 1)) ** 0.45
    if share >= 1 or not len(pilot):
        return math.inf
    return float(just_above(np.sort(pilot)[max(math.floor(share * len(pilot)), 1) - 1]))


def _first_failure(
    values: FloatArray, right: NDArray[np.bool_], shares: FloatArray, start: float, target_risk: float, delta: float
) -> float:
    """The value at which the walk ends; infinity if it never does, minus infinity if it does not begin."""
    order = np.argsort(values, kind="stable")
    values = values[order]
    wealth = _log_wealth(right[order], shares[order], target_risk)
    ends = np.flatnonzero(np.append(values[1:] > values[:-1], True)) if len(values) else np.empty(0, np.int64)
    first = int(np.searchsorted(values[ends], start, side="right")) - 1  # what the start accepts ends there
    passed = wealth[ends[max(first, 0) :]] >= -math.log(delta)
    if first < 0 or not passed[0]:
        return -math.inf
    return math.inf if passed.all() else float(values[ends[first + int(np.argmin(passed))]])


def _highest(values: FloatArray, start: float, limit: float) -> float:
    """The highest threshold in ``[start, limit)`` that is clear of every value; minus infinity if there is none."""
    if math.isinf(limit):
        return limit
    every = np.unique(values[values <= limit])
    low, high = every[:-1], every[1:]
    thresholds = np.maximum(between(low, high), start)
    clear = np.flatnonzero((thresholds > low + clearance(low)) & (thresholds < high - clearance(high)))
    return float(thresholds[clear[-1]]) if len(clear) else -math.inf


def _log_wealth(right: NDArray[np.bool_], shares: FloatArray, target_risk: float) -> FloatArray:
    """The logarithm of the wealth after each example, ``(N,)``."""
    gain = shares * (target_risk - ~right)
    stakes = _STAKES / (1 - target_risk)
    wealth = np.full(len(right), -np.inf)
    for stake in stakes:
        wealth = np.logaddexp(wealth, np.cumsum(np.log1p(stake * gain)))
    return wealth - math.log(len(stakes))
