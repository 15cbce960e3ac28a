"""Who was accepted and with what outcome, at one threshold or one per predicted class: the counts that costs are of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from uqcore.metrics.classification import checked_measure
from uqcore.selection.checks import checked_class_of_each
from uqcore.types import UqError


@dataclass(frozen=True, eq=False)
class OutcomeCounts:
    """What happened to N in-distribution and M OOD examples. Made by `count_outcomes`.

    Attributes:
        accepted: ``(K, K)`` int64, ``accepted[truth, predicted]``: the confusion matrix of the accepted.
        n_deferred: in-distribution examples deferred.
        n_ood_accepted, n_ood_deferred: OOD examples, both 0 where none were given.
    """

    accepted: NDArray[np.int64]
    n_deferred: int
    n_ood_accepted: int
    n_ood_deferred: int

    @property
    def n_examples(self) -> int:
        """N, the in-distribution examples."""
        return int(self.accepted.sum()) + self.n_deferred

    @property
    def n_ood(self) -> int:
        """M, the OOD examples."""
        return self.n_ood_accepted + self.n_ood_deferred

    @property
    def coverage(self) -> float:
        """Share of the in-distribution examples accepted."""
        return 1 - self.n_deferred / self.n_examples

    @property
    def risk(self) -> float:
        """Share of the accepted in-distribution examples that is wrong, NaN where none is accepted."""
        n_accepted = self.n_examples - self.n_deferred
        return (n_accepted - int(np.trace(self.accepted))) / n_accepted if n_accepted else float("nan")

    @property
    def ood_accepted(self) -> float:
        """Share of the OOD examples accepted (lower is better), NaN without OOD."""
        return self.n_ood_accepted / self.n_ood if self.n_ood else float("nan")


def count_outcomes(
    threshold: ArrayLike,
    measure: ArrayLike,
    predicted: ArrayLike,
    labels: ArrayLike,
    n_classes: int,
    ood_measure: ArrayLike | None = None,
    ood_predicted: ArrayLike | None = None,
) -> OutcomeCounts:
    """Accept every example with ``measure <= threshold`` and count. O(N + K^2).

    Args:
        threshold: a number, or ``(K,)`` one for each predicted class; infinity accepts all.
        measure: ``(N,)`` rises with uncertainty.
        predicted, labels: ``(N,)`` integers in 0..K-1.
        n_classes: K.
        ood_measure: ``(M,)`` the same measure on OOD examples.
        ood_predicted: ``(M,)`` their predicted classes, needed only with a threshold for each class.

    Raises:
        UqError: a shape or a dtype does not fit, a value is out of range, or a threshold is NaN.
    """
    limits = np.asarray(threshold, dtype=np.float64)
    if limits.shape not in ((), (n_classes,)) or np.isnan(limits).any():
        raise UqError(f"`threshold` must be one number, or one for each of {n_classes} classes. Received: {limits}.")
    values, predicted, outcomes = checked_outcomes(measure, predicted, labels, n_classes)
    ood, ood_classes = checked_ood(ood_measure, ood_predicted, n_classes, by_class=limits.ndim == 1)
    limits = np.broadcast_to(limits, n_classes)
    is_accepted = values <= limits[predicted]
    cells = np.bincount(outcomes[is_accepted], minlength=n_classes**2)
    n_ood_accepted = int(np.sum(ood <= limits[ood_classes]))
    return OutcomeCounts(
        accepted=cells.reshape(n_classes, n_classes),
        n_deferred=len(values) - int(cells.sum()),
        n_ood_accepted=n_ood_accepted,
        n_ood_deferred=len(ood) - n_ood_accepted,
    )


def checked_outcomes(
    measure: ArrayLike, predicted: ArrayLike, labels: ArrayLike, n_classes: int
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """The measure, the predicted classes and the outcomes ``truth * K + predicted``, each ``(N,)``."""
    values = checked_measure(measure)
    predicted = checked_class_of_each(predicted, len(values), n_classes, "predicted")
    labels = checked_class_of_each(labels, len(values), n_classes, "labels")
    return values, predicted, labels * n_classes + predicted


def checked_ood(
    measure: ArrayLike | None, predicted: ArrayLike | None, n_classes: int, *, by_class: bool
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The measure and the predicted classes of the OOD examples, each ``(M,)``; zeros where no class is needed."""
    if measure is None:
        return np.empty(0), np.empty(0, np.int64)
    values = checked_measure(measure, "ood_measure")
    if not by_class:
        return values, np.zeros(len(values), np.int64)
    if predicted is None:
        raise UqError("Thresholds per class need `ood_predicted`, the classes predicted for OOD. Received: None.")
    return values, checked_class_of_each(predicted, len(values), n_classes, "ood_predicted")
