"""Which examples to look at: both ends of each class, errors, and where two models disagree.

Measures and classes are ``(N,)``; a choice of examples is their indices. Of examples that tie, the first comes first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from uqcore.metrics.uncertainty import mutual_information
from uqcore.predictions.record import Predictions
from uqcore.types import FloatArray, IntArray, UqError

N_CHAINER = 30
"""How many of each digit the Chainer article shows at either end."""


class End(NamedTuple):
    """Examples from one end of a ranking, the outermost first: their indices, measures and whether they are right."""

    indices: IntArray
    measure: FloatArray
    correct: NDArray[np.bool_]

    @property
    def mean(self) -> float:
        """The mean measure; NaN for no examples."""
        return float(self.measure.mean(dtype=np.float64)) if len(self.measure) else np.nan

    @property
    def error_rate(self) -> float:
        """The share that is predicted wrong, in 0..1; NaN for no examples."""
        return 1 - float(self.correct.mean()) if len(self.correct) else np.nan


class ClassEnds(NamedTuple):
    """The examples of one true class that a model is surest of, and those that it is least sure of."""

    class_name: str
    surest: End
    least_sure: End


def surest(measure: FloatArray, n: int, among: NDArray[np.bool_] | None = None) -> IntArray:
    """The ``n`` examples of the mask ``among``, or of all, with the smallest measure, smallest first; or all it has.

    Raises:
        UqError: ``n`` is not positive.
    """
    if n < 1:
        raise UqError(f"`n` must be 1 or more. Received: {n}.")
    indices = np.arange(len(measure)) if among is None else np.flatnonzero(among)
    values = measure[indices]
    if n < len(values):  # a part of them is sorted, which takes a fifth of the time
        least = np.flatnonzero(values <= np.partition(values, n - 1)[n - 1])
        indices, values = indices[least], values[least]
    return indices[np.argsort(values, kind="stable")[:n]]


def least_sure(measure: FloatArray, n: int, among: NDArray[np.bool_] | None = None) -> IntArray:
    """As `surest`, but with the largest measure, largest first."""
    return surest(-measure, n, among)


def class_ends(
    measure: FloatArray, classes: IntArray, class_names: Sequence[str], correct: NDArray[np.bool_], n: int
) -> tuple[ClassEnds, ...]:
    """Both ends of every class, ``n`` examples each; where a class has fewer than ``2 n``, some are in both.

    Args:
        classes: ``(N,)`` the true class as an index of ``class_names``; any other number belongs to none.
        correct: ``(N,)`` whether the prediction is right.
    """

    def end(indices: IntArray) -> End:
        return End(indices, measure[indices], correct[indices])

    members = [classes == k for k in range(len(class_names))]
    return tuple(
        ClassEnds(name, end(surest(measure, n, among)), end(least_sure(measure, n, among)))
        for name, among in zip(class_names, members, strict=True)
    )


def chainer_table(
    predictions: Predictions, measure_id: str = "predictive_entropy", n: int = N_CHAINER
) -> tuple[ClassEnds, ...]:
    """The ends of every class as the Chainer article shows them: with MC Dropout, 50 samples and predictive entropy.

    Raises:
        UqError: the labels are not known, or the predictions lack that measure.
    """
    if predictions.labels is None or predictions.correct is None:
        raise UqError(f"Expected predictions with labels. Received none for {predictions.name}; add `labels`.")
    measure = predictions.measure(measure_id)
    return class_ends(measure, predictions.labels, predictions.class_names, predictions.correct, n)


def pooled(ends: Sequence[End]) -> End:
    """Several ends as one, in their order."""
    indices, measure, correct = (np.concatenate(parts) for parts in zip(*ends, strict=True))
    return End(indices, measure, correct)


def jensen_shannon(probs_a: FloatArray, probs_b: FloatArray) -> FloatArray:
    """Jensen-Shannon divergence of ``probs (N, K)``, ``(N,)`` in nats: 0 where they are equal, ln 2 where disjoint.

    Lin 1991, eq. 4.1 with equal weights. It is the mutual information of the class and of which of the two one asks.
    """
    return mutual_information(np.stack([probs_a, probs_b]))


class Disagreement(NamedTuple):
    """How far the predictions of two models are apart, each ``(N,)``.

    Attributes:
        divergence: `jensen_shannon` of the predictive probabilities, in nats.
        differ: whether the most probable classes differ.
    """

    divergence: FloatArray
    differ: NDArray[np.bool_]


def disagreement(a: Predictions, b: Predictions) -> Disagreement:
    """Compare what two models say about the same examples.

    Raises:
        UqError: they are not about as many examples or classes.
    """
    if a.predictive.shape != b.predictive.shape:
        raise UqError(
            f"Expected predictions of the same examples and classes. Received: {a.predictive.shape} of {a.name} and "
            f"{b.predictive.shape} of {b.name}."
        )
    return Disagreement(jensen_shannon(a.predictive, b.predictive), a.predicted != b.predicted)


def share_as_sure(measure: FloatArray, reference: FloatArray, quantile: float = 0.95) -> float:
    """The share of ``measure (N,)`` that is at or below that quantile of ``reference (M,)``, in 0..1.

    For OOD against in-distribution examples: the OOD share that is accepted where 95 % of the others are; lower is
    better, and a measure that cannot tell them apart scores 0.95.
    """
    return float(np.mean(measure <= np.quantile(reference, quantile)))
