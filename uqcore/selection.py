"""Selective prediction: accept the examples whose measure is at or below a threshold, hand back the rest."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from uqcore.metrics import checked_correct, checked_measure
from uqcore.types import FloatArray, UqError


class Acceptance(NamedTuple):
    """What a threshold lets through.

    Attributes:
        n_accepted: in-distribution examples accepted.
        coverage: their share of all in-distribution examples, in 0..1.
        accuracy: share of the accepted that is right, NaN where none is accepted.
        ood_accepted: share of the OOD examples that is accepted (lower is better), NaN where no OOD was given.
    """

    n_accepted: int
    coverage: float
    accuracy: float
    ood_accepted: float


def accept_at(
    measure: FloatArray, correct: NDArray[np.bool_], threshold: float, ood_measure: FloatArray | None = None
) -> Acceptance:
    """Accept every example with ``measure <= threshold`` and count.

    Args:
        measure: ``(N,)`` rises with uncertainty.
        correct: ``(N,)`` bool, whether the prediction is right.
        threshold: any number; infinity accepts all.
        ood_measure: ``(M,)`` the same measure on OOD examples.

    Raises:
        UqError: a shape or dtype does not fit, an array is empty or not finite, or the threshold is NaN.
    """
    measure = checked_measure(measure)
    correct = checked_correct(correct, len(measure))
    if np.isnan(threshold):
        raise UqError("`threshold` must be a number. Received: NaN.")
    accepted = measure <= threshold
    n_accepted = int(accepted.sum())
    return Acceptance(
        n_accepted=n_accepted,
        coverage=n_accepted / len(measure),
        accuracy=float(correct[accepted].mean()) if n_accepted else float("nan"),
        ood_accepted=_share_accepted(ood_measure, threshold),
    )


def threshold_at_coverage(measure: FloatArray, coverage: float) -> float:
    """The smallest threshold that accepts at least ``coverage`` (in 0..1, above 0) of the examples ``measure (N,)``.

    Raises:
        UqError: the measure is empty or not finite, or the coverage is out of range.
    """
    if not 0 < coverage <= 1:
        raise UqError(f"`coverage` must be above 0 and at most 1. Received: {coverage}.")
    return float(np.quantile(checked_measure(measure), coverage, method="inverted_cdf"))


def _share_accepted(ood_measure: FloatArray | None, threshold: float) -> float:
    if ood_measure is None:
        return float("nan")
    return float(np.mean(checked_measure(ood_measure, "ood_measure") <= threshold))
