"""What errors, deferrals and accepted OOD examples cost, and what a fixed threshold costs on examples it has not seen.

Costs are in whatever unit the user has (money, minutes, harm). An expected cost is per `PER` examples of the stream
that `Costs` describes: a share ``ood_share`` of it is OOD, the rest is like the in-distribution examples at hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np

from uqcore.selection.outcomes import OutcomeCounts
from uqcore.types import FloatArray, UqError

PER = 1000
"""Expected costs are per so many examples."""

LARGEST = 1e12
"""Of a cost: beside much larger ones those of a few cents would be lost in what a sum of floats rounds off."""


@dataclass(frozen=True, eq=False)
class Costs:
    """What each outcome costs. A negative cost is a gain.

    Attributes:
        matrix: ``(K, K)`` float64, ``matrix[truth, predicted]`` of an accepted prediction; usually 0 on the diagonal.
        deferral: of handing one example back, in-distribution or OOD.
        ood_accepted: of accepting one OOD example, whatever is predicted.
        ood_share: assumed share of OOD in the stream, in 0..1; how many OOD examples are at hand plays no part.

    Raises:
        UqError: the matrix is not square, a cost is no number up to `LARGEST`, or the share is out of range.
    """

    matrix: FloatArray
    deferral: float
    ood_accepted: float = 0.0
    ood_share: float = 0.0

    def __post_init__(self) -> None:
        matrix = np.array(self.matrix, dtype=np.float64)
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or len(matrix) < 2:
            raise UqError(
                f"`matrix` must be square, a row and a column for each of 2 or more classes. Received: {matrix.shape}."
            )
        every = np.array([*matrix.flat, self.deferral, self.ood_accepted])
        if not np.isfinite(every).all():
            raise UqError("Every cost must be a finite number. Received one that is NaN or infinite; correct it.")
        if np.abs(every).max() > LARGEST:
            raise UqError(
                f"Every cost must be at most {LARGEST:g}, or a gain of as much. Received: "
                f"{every[np.abs(every).argmax()]:g}; give them all in a larger unit."
            )
        if not 0 <= self.ood_share <= 1:
            raise UqError(f"`ood_share` must be from 0 to 1. Received: {self.ood_share}.")
        matrix.setflags(write=False)
        object.__setattr__(self, "matrix", matrix)

    @classmethod
    def uniform(
        cls, n_classes: int, *, deferral: float, error: float = 1.0, ood_accepted: float = 0.0, ood_share: float = 0.0
    ) -> Self:
        """The same cost for every error, none for a right prediction."""
        return cls(np.where(np.eye(n_classes, dtype=bool), 0.0, error), deferral, ood_accepted, ood_share)

    def check(self, n_classes: int, n_ood: int) -> None:
        """UqError if examples of ``n_classes``, ``n_ood`` of them OOD, cannot be priced."""
        if len(self.matrix) != n_classes:
            raise UqError(f"The costs must be of {n_classes} classes, like the examples. Received: {len(self.matrix)}.")
        if self.ood_share > 0 and n_ood == 0:
            raise UqError(
                f"An `ood_share` of {self.ood_share} needs OOD examples, to see how many of them a threshold lets "
                "through. Received none; give some or set the share to 0."
            )


class CostEstimate(NamedTuple):
    """Expected cost per `PER` examples of the stream, and the ends of its interval."""

    cost: float
    low: float
    high: float


def expected_cost(counts: OutcomeCounts, costs: Costs) -> float:
    """Expected cost per `PER` examples of the stream, from what was counted at a threshold.

    Raises:
        UqError: the costs are of another number of classes, or of a share of OOD where there are no OOD examples.
    """
    costs.check(len(counts.accepted), counts.n_ood)
    in_distribution = float(np.sum(counts.accepted * costs.matrix)) + costs.deferral * counts.n_deferred
    cost = (1 - costs.ood_share) * in_distribution / counts.n_examples
    if costs.ood_share > 0:
        ood = costs.ood_accepted * counts.n_ood_accepted + costs.deferral * counts.n_ood_deferred
        cost += costs.ood_share * ood / counts.n_ood
    return PER * cost


def cost_interval(
    counts: OutcomeCounts, costs: Costs, confidence: float = 0.95, n_resamples: int = 10_000, seed: int = 0
) -> CostEstimate:
    """`expected_cost` with its bootstrap percentile interval, for a threshold chosen on other examples.

    The examples' costs have at most K * K + 1 distinct values, so the counts of a resample are one multinomial draw:
    the ordinary bootstrap, in a time that does not depend on N. In-distribution and OOD examples are resampled apart,
    because their mixture is assumed. An outcome that never happened happens in no resample: with a handful of errors
    the upper end is too low, and with none the interval is a point.

    Raises:
        UqError: as `expected_cost`, or the confidence is out of range.
    """
    if not 0 < confidence < 1:
        raise UqError(f"`confidence` must be between 0 and 1. Received: {confidence}.")
    cost, rng = expected_cost(counts, costs), np.random.default_rng(seed)
    values, which = np.unique(np.append(costs.matrix, costs.deferral), return_inverse=True)
    n_examples = np.bincount(which, weights=np.append(counts.accepted, counts.n_deferred))
    happened = n_examples > 0  # few: an error's cost is often the same for every pair of classes
    draws = rng.multinomial(counts.n_examples, n_examples[happened] / counts.n_examples, size=n_resamples)
    resampled = (1 - costs.ood_share) * (draws @ values[happened]) / counts.n_examples
    if costs.ood_share > 0:
        accepted = rng.binomial(counts.n_ood, counts.ood_accepted, size=n_resamples) / counts.n_ood
        resampled += costs.ood_share * (costs.deferral + accepted * (costs.ood_accepted - costs.deferral))
    low, high = PER * np.quantile(resampled, [(1 - confidence) / 2, (1 + confidence) / 2])
    return CostEstimate(cost, float(low), float(high))
