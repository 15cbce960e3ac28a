"""Split-conformal prediction sets: the other way to say "not sure", a set of classes instead of one.

A score s(x, y) says how badly class y fits example x. Take q, the score of rank ceil((n + 1)(1 - alpha)) among the
s(x, label) of n calibration examples. The set of a new x is every y with s(x, y) <= q, and it holds the label with
probability at least 1 - alpha: over the draw of the calibration examples and the new one, if all are exchangeable.
That is a promise about the average example, not about each class and not about OOD.

* ``lac``: s = 1 - p_y, the smallest sets if the p are true (Sadinle, Lei & Wasserman 2019, arXiv 1609.00451). A set is
  empty where no class is probable enough; it is then deferred, as a set of several classes is.
* ``aps``: s = the probability of all classes more probable than y, the adaptive sets of Romano, Sesia & Candes (2020,
  arXiv 2006.02544) with u = 1 instead of random, so that the same input always gets the same set. The promise holds
  and no set is empty, but sets are larger than randomised ones, and coverage exceeds 1 - alpha where the most probable
  class alone is right more often than that: then q = 0, and the sets are that class.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from uqcore.metrics.classification import checked_probs
from uqcore.selection.checks import checked_class_of_each
from uqcore.selection.curves import RiskCoverageCurve
from uqcore.selection.gaps import just_above, tie_ends
from uqcore.selection.heldout import clopper_pearson
from uqcore.types import FloatArray, IntArray, UqError

Score = Literal["lac", "aps"]

CURVE_ALPHAS = tuple(float(alpha) for alpha in np.geomspace(0.001, 0.2, 24))

CHUNK = 2**16  # examples at a time: 10 million need no second array of their size


@dataclass(frozen=True)
class ConformalCalibration:
    """What `calibrate` chose, and all that `prediction_sets` needs.

    Attributes:
        score: ``"lac"`` or ``"aps"``.
        alpha: the share of sets that may lack the label.
        quantile: scores up to it are let into a set. It is the score of that rank, and clear of it from above, so that
            rounding takes no class out; infinite where the examples are too few to promise
            anything, so that every set is all classes.
        n_calibration: on how many examples it was chosen.
        n_needed: on how many it must be chosen at least, to be finite.
        n_classes: K.
    """

    score: Score
    alpha: float
    quantile: float
    n_calibration: int
    n_needed: int
    n_classes: int


class SetAssessment(NamedTuple):
    """What prediction sets do on N examples with labels. Sets of one class are accepted, all others deferred.

    Attributes:
        label_coverage: share of sets that hold the label, the estimate of what calibration promised.
        label_coverage_low, label_coverage_high: the ends of its exact (Clopper-Pearson) interval.
        mean_size: mean number of classes in a set; smaller is better.
        size_counts: ``(K + 1,)`` how many sets have 0, 1, ..., K classes.
        n_accepted: sets of one class.
        coverage: their share of all examples, on the same axis as a threshold's.
        accuracy: share of the accepted whose one class is the label, NaN where none is accepted.
        ood_accepted: share of the OOD examples accepted (lower is better), NaN without OOD.
    """

    label_coverage: float
    label_coverage_low: float
    label_coverage_high: float
    mean_size: float
    size_counts: IntArray
    n_accepted: int
    coverage: float
    accuracy: float
    ood_accepted: float


def calibrate(probs: ArrayLike, labels: ArrayLike, alpha: float, score: Score = "lac") -> ConformalCalibration:
    """Choose the quantile on examples that the model was not trained on.

    Args:
        probs: ``(N, K)`` predictive probabilities.
        labels: ``(N,)`` integers in 0..K-1.
        alpha: the share of sets that may lack the label, between 0 and 1.
        score: ``"lac"`` or ``"aps"``, see the module.

    Raises:
        UqError: a shape or a value does not fit, alpha is out of range, or there is no such score.
    """
    if not 0 < alpha < 1:
        raise UqError(f"`alpha` must be between 0 and 1. Received: {alpha}.")
    if score not in _SCORES:
        raise UqError(f"`score` must be one of {', '.join(_SCORES)}. Received: {score}.")
    rows = _checked_rows(probs)
    n, n_classes = rows.shape
    of_label = checked_class_of_each(labels, n, n_classes, "labels")[:, None]
    if n == 0:
        raise UqError("Calibration needs examples with labels. Received none.")
    scores = _in_chunks(lambda part: np.take_along_axis(_SCORES[score](rows[part]), of_label[part], axis=1)[:, 0], n)
    as_written = Fraction(str(float(alpha)))  # in floats 10 * (1 - 0.7) is more than 3, and its ceiling 4
    rank = math.ceil((n + 1) * (1 - as_written))
    quantile = _just_behind(np.sort(scores), rank - 1) if rank <= n else math.inf
    return ConformalCalibration(score, float(alpha), quantile, n, math.ceil(1 / as_written) - 1, n_classes)


def prediction_sets(calibration: ConformalCalibration, probs: ArrayLike) -> NDArray[np.bool_]:
    """The set of each example of ``probs (N, K)``: ``(N, K)`` bool, whether it holds each class.

    Raises:
        UqError: these are not probabilities, or of another number of classes.
    """
    rows = _checked_rows(probs, calibration.n_classes)
    scores = _SCORES[calibration.score]
    return _in_chunks(lambda part: scores(rows[part]) <= calibration.quantile, len(rows))


def assess_sets(
    sets: NDArray[np.bool_], labels: ArrayLike, ood_sets: NDArray[np.bool_] | None = None, confidence: float = 0.95
) -> SetAssessment:
    """Compare the sets ``(N, K)`` bool of examples with labels ``(N,)``; ``ood_sets (M, K)`` are of OOD examples.

    Raises:
        UqError: a shape or a value does not fit, or there is no example.
    """
    sets = _checked_sets(sets, "sets")
    n, n_classes = sets.shape
    of_label = checked_class_of_each(labels, n, n_classes, "labels")[:, None]
    holds_label = np.take_along_axis(sets, of_label, axis=1)[:, 0]
    sizes = sets.sum(axis=1)
    n_accepted, n_held = int(np.sum(sizes == 1)), int(holds_label.sum())
    low, high = clopper_pearson(n_held, n, confidence)
    return SetAssessment(
        label_coverage=n_held / n,
        label_coverage_low=low,
        label_coverage_high=high,
        mean_size=float(sizes.mean()),
        size_counts=np.bincount(sizes, minlength=n_classes + 1),
        n_accepted=n_accepted,
        coverage=n_accepted / n,
        accuracy=int(holds_label[sizes == 1].sum()) / n_accepted if n_accepted else float("nan"),
        ood_accepted=_share_of_singletons(ood_sets),
    )


def singleton_curve(
    probs: ArrayLike, labels: ArrayLike, test_probs: ArrayLike, test_labels: ArrayLike, score: Score = "lac"
) -> RiskCoverageCurve:
    """Risk against coverage if sets of one class are accepted, as alpha runs over `CURVE_ALPHAS`.

    On the axes of a threshold's curve, whose ``thresholds`` are alphas here. Unlike that curve it need not reach all
    coverages: with a larger alpha sets of several classes become singletons, and singletons become empty.

    Args:
        probs, labels: to calibrate on, as for `calibrate`.
        test_probs, test_labels: to count on.
    """
    rows, seen = _checked_rows(probs), _checked_rows(test_probs)
    assessed = [
        assess_sets(prediction_sets(calibrate(rows, labels, alpha, score), seen), test_labels) for alpha in CURVE_ALPHAS
    ]
    coverage, accuracy = (np.array([getattr(a, name) for a in assessed]) for name in ("coverage", "accuracy"))
    return RiskCoverageCurve(np.array(CURVE_ALPHAS), coverage, 1 - accuracy)


def _just_behind(scores: FloatArray, rank: int) -> float:
    """Just above the sorted score of that rank and what ties with it."""
    ends = tie_ends(scores)
    return float(just_above(scores[ends[np.searchsorted(ends, rank)]]))


def _lac(probs: FloatArray) -> FloatArray:
    return 1 - probs.astype(np.float64)


def _aps(probs: FloatArray) -> FloatArray:
    """Of classes that tie, the first counts as the more probable one, as in every prediction."""
    order = np.argsort(-probs, axis=1, kind="stable")
    mass = np.cumsum(np.take_along_axis(probs, order, axis=1), axis=1, dtype=np.float64)
    scores = np.zeros(probs.shape)
    np.put_along_axis(scores, order[:, 1:], mass[:, :-1], axis=1)
    return scores


_SCORES: dict[str, Callable[[FloatArray], FloatArray]] = {"lac": _lac, "aps": _aps}
"""From the probabilities ``(N, K)`` of some examples to the scores of all classes, ``(N, K)`` float64."""


def _in_chunks(function: Callable[[slice], NDArray[Any]], n_examples: int) -> NDArray[Any]:
    return np.concatenate([function(slice(i, i + CHUNK)) for i in range(0, max(n_examples, 1), CHUNK)])


def _checked_rows(probs: ArrayLike, n_classes: int | None = None) -> FloatArray:
    rows = checked_probs(probs, n_classes)
    if rows.ndim != 2:
        raise UqError(f"Prediction sets are of predictive probabilities (examples, classes). Received: {rows.shape}.")
    return rows


def _checked_sets(sets: NDArray[np.bool_], name: str) -> NDArray[np.bool_]:
    values = np.asarray(sets)
    if values.ndim != 2 or values.size == 0 or values.dtype != np.bool_:
        raise UqError(
            f"`{name}` must be booleans of shape (examples, classes), at least one example. "
            f"Received: shape {values.shape}, dtype {values.dtype}."
        )
    return values


def _share_of_singletons(ood_sets: NDArray[np.bool_] | None) -> float:
    if ood_sets is None:
        return float("nan")
    return float(np.mean(_checked_sets(ood_sets, "ood_sets").sum(axis=1) == 1))
