"""The threshold that costs least: one for all examples, or one for each predicted class.

The reject option with costs is Chow (1970), "On optimum recognition error and reject tradeoff", IEEE Transactions on
Information Theory 16(1). With calibrated probabilities and the same cost for every error, his rule is the threshold
``deferral / error`` on the measure ``least_confidence``. Here nothing is assumed: every threshold is tried.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike

from uqcore.selection.cost import PER, Costs, expected_cost
from uqcore.selection.gaps import between, just_above, tie_ends
from uqcore.selection.outcomes import OutcomeCounts, checked_ood, checked_outcomes, count_outcomes
from uqcore.types import FloatArray, IntArray, UqError

Varied = Literal["error", "deferral", "ood_accepted", "ood_share"]
"""What `RankedOutcomes.sweep` varies: a factor of the whole matrix, or the field of `Costs` of that name."""


class CostCurve(NamedTuple):
    """Expected cost at every threshold that makes a difference: minus infinity, then just above each distinct value.

    Attributes:
        thresholds: ``(T,)`` ascending; the first defers everything, the last accepts everything.
        cost: ``(T,)`` expected cost per `PER` examples of the stream; lower is better.
        coverage: ``(T,)`` share of the in-distribution examples accepted.
        risk: ``(T,)`` share of the accepted in-distribution examples that is wrong, NaN where none is accepted.
        ood_accepted: ``(T,)`` share of the OOD examples accepted, NaN without OOD.
    """

    thresholds: FloatArray
    cost: FloatArray
    coverage: FloatArray
    risk: FloatArray
    ood_accepted: FloatArray


class Optimum(NamedTuple):
    """The cheapest threshold and what it does to the examples it was chosen on; judge it on others (`cost_interval`).

    Attributes:
        threshold: accept at or below it; it lies in a gap between values, minus infinity defers everything.
        cost, coverage, risk, ood_accepted: as in `CostCurve`.
        accept_all_cost, defer_all_cost: expected cost of accepting, and of deferring, everything.
    """

    threshold: float
    cost: float
    coverage: float
    risk: float
    ood_accepted: float
    accept_all_cost: float
    defer_all_cost: float


class PerClassOptimum(NamedTuple):
    """The cheapest threshold of each PREDICTED class and what they do to the examples they were chosen on.

    Attributes:
        thresholds: ``(K,)``; minus infinity for a class that was never predicted, of which nothing is known.
        n_examples: ``(K,)`` in-distribution examples by predicted class: the evidence behind each threshold.
        cost: expected cost per `PER` examples of the stream, never above that of a shared threshold.
        counts: what was accepted, with coverage and risk.
    """

    thresholds: FloatArray
    n_examples: IntArray
    cost: float
    counts: OutcomeCounts


class CostSweep(NamedTuple):
    """How the optimum moves as one cost moves: ``values (V,)`` of that cost and, at each, what `Optimum` says."""

    values: FloatArray
    threshold: FloatArray
    cost: FloatArray
    coverage: FloatArray
    risk: FloatArray
    ood_accepted: FloatArray


@dataclass(frozen=True, eq=False)
class RankedOutcomes:
    """Examples sorted by their measure, once, by `rank_outcomes`; then any costs are priced in O(N).

    Attributes:
        thresholds: ``(T,)`` as in `CostCurve`.
        inside: ``(T,)`` what accepts the same as each of them, but well inside the gap, where rounding is farthest.
        n_accepted, n_ood_accepted: ``(T,)`` in-distribution and OOD examples accepted at each.
        outcomes: ``(N,)`` by rising measure, ``truth * K + predicted``.
        n_classes: K.
        n_examples, n_ood: how many in-distribution and OOD examples a cost is a mean over.
    """

    thresholds: FloatArray
    inside: FloatArray
    n_accepted: IntArray
    n_ood_accepted: IntArray
    outcomes: IntArray
    n_classes: int
    n_examples: int
    n_ood: int

    def curve(self, costs: Costs) -> CostCurve:
        """The expected cost at every threshold.

        Raises:
            UqError: the costs are of another number of classes, or of a share of OOD where there are no OOD examples.
        """
        cost = self._cost(costs)
        n_right = self._sums(np.eye(self.n_classes))
        return CostCurve(
            thresholds=self.thresholds,
            cost=cost,
            coverage=self.n_accepted / self.n_examples,
            risk=_ratio(self.n_accepted - n_right, self.n_accepted),
            ood_accepted=_ratio(self.n_ood_accepted, np.full_like(self.n_accepted, self.n_ood)),
        )

    def cheapest(self, costs: Costs) -> Optimum:
        """The threshold of least cost; of several, the lowest of those that accept most in-distribution examples."""
        curve = self.curve(costs)
        best = self._best(curve.cost)
        return Optimum(
            threshold=float(self.inside[best]),
            cost=float(curve.cost[best]),
            coverage=float(curve.coverage[best]),
            risk=float(curve.risk[best]),
            ood_accepted=float(curve.ood_accepted[best]),
            accept_all_cost=float(curve.cost[-1]),
            defer_all_cost=float(curve.cost[0]),
        )

    def sweep(self, costs: Costs, varied: Varied, values: ArrayLike) -> CostSweep:
        """The optimum at each of ``values (V,)`` of one cost, the others staying as they are. O(V N), no sort.

        For ``"error"`` a value is the factor by which the whole matrix is multiplied.
        """
        if varied not in get_args(Varied):
            raise UqError(f"`varied` must be one of {', '.join(get_args(Varied))}. Received: {varied}.")
        points = np.asarray(values, dtype=np.float64)
        for value in points.tolist():
            _varied(costs, varied, value).check(self.n_classes, self.n_ood)
        curve = self.curve(costs)
        # The expected cost is a straight line over whichever is varied: two points of it give every other.
        at_0, at_1 = self._cost(_varied(costs, varied, 0)), self._cost(_varied(costs, varied, 1))
        slope = at_1 - at_0
        best, cost = np.empty(len(points), dtype=np.int64), np.empty(len(points))
        for i, value in enumerate(points.tolist()):
            of_thresholds = at_0 + value * slope
            best[i] = self._best(of_thresholds)
            cost[i] = of_thresholds[best[i]]
        return CostSweep(
            points, self.inside[best], cost, curve.coverage[best], curve.risk[best], curve.ood_accepted[best]
        )

    def _sums(self, of_outcome: FloatArray) -> FloatArray:
        """Sums of ``of_outcome (K, K)`` over what each threshold accepts, ``(T,)``."""
        return np.append(0, np.cumsum(of_outcome.ravel()[self.outcomes]))[self.n_accepted]

    def _cost(self, costs: Costs) -> FloatArray:
        """Expected cost at each threshold, ``(T,)``: of deferring everything, and what accepting changes about it."""
        costs.check(self.n_classes, self.n_ood)
        change = self._sums(costs.matrix) - costs.deferral * self.n_accepted
        change *= (1 - costs.ood_share) / self.n_examples
        if costs.ood_share > 0:
            change += costs.ood_share / self.n_ood * (costs.ood_accepted - costs.deferral) * self.n_ood_accepted
        return PER * (costs.deferral + change)

    def _best(self, cost: FloatArray) -> int:
        tied = np.flatnonzero(cost == cost.min())
        n_accepted = self.n_accepted[tied]
        return int(tied[np.searchsorted(n_accepted, n_accepted[-1])])


def rank_outcomes(
    measure: ArrayLike, predicted: ArrayLike, labels: ArrayLike, n_classes: int, ood_measure: ArrayLike | None = None
) -> RankedOutcomes:
    """Sort the examples by their measure, O(N log N). Arguments and errors as `count_outcomes`."""
    examples, _, outcomes = checked_outcomes(measure, predicted, labels, n_classes)
    ood, _ = checked_ood(ood_measure, None, n_classes, by_class=False)
    return _ranked(examples, outcomes, ood, n_classes, len(examples), len(ood))


def cheapest(
    measure: ArrayLike, predicted: ArrayLike, labels: ArrayLike, costs: Costs, ood_measure: ArrayLike | None = None
) -> Optimum:
    """The threshold of least expected cost: `rank_outcomes`, then `RankedOutcomes.cheapest`."""
    return rank_outcomes(measure, predicted, labels, len(costs.matrix), ood_measure).cheapest(costs)


def cheapest_per_class(
    measure: ArrayLike,
    predicted: ArrayLike,
    labels: ArrayLike,
    costs: Costs,
    ood_measure: ArrayLike | None = None,
    ood_predicted: ArrayLike | None = None,
) -> PerClassOptimum:
    """The cheapest threshold of each PREDICTED class. Arguments and errors as `count_outcomes`.

    The expected cost is a sum over the predicted classes, so the thresholds that minimise each term minimise the sum:
    on these examples no other thresholds are cheaper. O(N log N + K N).
    """
    n_classes = len(costs.matrix)
    examples, classes, outcomes = checked_outcomes(measure, predicted, labels, n_classes)
    ood, ood_classes = checked_ood(ood_measure, ood_predicted, n_classes, by_class=True)
    thresholds = np.empty(n_classes)
    for k in range(n_classes):
        of_class, of_ood = classes == k, ood_classes == k
        ranked = _ranked(examples[of_class], outcomes[of_class], ood[of_ood], n_classes, len(examples), len(ood))
        thresholds[k] = ranked.cheapest(costs).threshold
    counts = count_outcomes(thresholds, measure, predicted, labels, n_classes, ood_measure, ood_predicted)
    return PerClassOptimum(thresholds, np.bincount(classes, minlength=n_classes), expected_cost(counts, costs), counts)


def _varied(costs: Costs, varied: Varied, value: float) -> Costs:
    changed: dict[str, Any] = {"matrix": costs.matrix * value} if varied == "error" else {varied: value}
    return replace(costs, **changed)


def _ranked(
    measure: FloatArray, outcomes: IntArray, ood_measure: FloatArray, n_classes: int, n_examples: int, n_ood: int
) -> RankedOutcomes:
    order = np.argsort(measure)
    in_order, ood_in_order = measure[order], np.sort(ood_measure)
    values = np.sort(np.concatenate([in_order, ood_in_order]), kind="stable")
    ends = tie_ends(values)
    thresholds = np.append(-np.inf, just_above(values[ends]))
    inside = np.concatenate([[-np.inf], between(values[ends[:-1]], values[ends[:-1] + 1]), thresholds[1:][-1:]])
    n_accepted = np.searchsorted(in_order, thresholds, side="right")
    n_ood_accepted = np.searchsorted(ood_in_order, thresholds, side="right")
    return RankedOutcomes(thresholds, inside, n_accepted, n_ood_accepted, outcomes[order], n_classes, n_examples, n_ood)


def _ratio(part: FloatArray | IntArray, whole: IntArray) -> FloatArray:
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
