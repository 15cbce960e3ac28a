"""Selective prediction: accept the examples whose measure is at or below a threshold, hand back the rest.

`rank` sorts once; after that each threshold costs a few binary searches. Nothing is kept but the sorted values in their
own dtype: 10 million float32 values take 40 MB.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from uqcore.metrics.classification import checked_correct, checked_measure
from uqcore.selection.gaps import just_above, just_below, threshold_after, tie_ends
from uqcore.types import FloatArray, IntArray, UqError


class Acceptance(NamedTuple):
    """What a threshold lets through.

    Attributes:
        n_accepted, n_deferred: in-distribution examples accepted, and handed back.
        coverage: the accepted ones' share of all in-distribution examples, in 0..1.
        accuracy: share of the accepted that is right, NaN where none is accepted.
        deferred_accuracy: share of the deferred that is right, NaN where none is deferred.
        n_ood_accepted: OOD examples accepted, 0 where no OOD was given.
        ood_accepted: their share of all OOD examples (lower is better), NaN where no OOD was given.
    """

    n_accepted: int
    n_deferred: int
    coverage: float
    accuracy: float
    deferred_accuracy: float
    n_ood_accepted: int
    ood_accepted: float


class ThresholdTable(NamedTuple):
    """Exact counts of what each threshold accepts; ``T`` rows.

    Attributes:
        thresholds: ``(T,)`` float64, ascending.
        n_right, n_wrong: ``(T,)`` in-distribution examples accepted whose prediction is right, and wrong.
        n_ood: ``(T,)`` OOD examples accepted, 0 where no OOD was given.
    """

    thresholds: NDArray[np.float64]
    n_right: NDArray[np.int64]
    n_wrong: NDArray[np.int64]
    n_ood: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Ranking:
    """The measure of N examples in ascending order, apart for those that are right, wrong and OOD. Made by `rank`.

    Attributes:
        right, wrong: in-distribution examples by whether their prediction is right; together N values.
        ood: ``(M,)`` OOD examples, or None where no OOD was given.
        pilot: a few of the N values, drawn at random and in the order drawn, by which `certify` finds where to start.
        pilot_right: whether each of these is among ``right``.
    """

    right: FloatArray
    wrong: FloatArray
    ood: FloatArray | None
    pilot: FloatArray = field(default_factory=lambda: np.empty(0))
    pilot_right: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, np.bool_))

    @property
    def n_examples(self) -> int:
        """N, the in-distribution examples."""
        return len(self.right) + len(self.wrong)

    @cached_property
    def measure(self) -> FloatArray:
        """The measure of all in-distribution examples, ``(N,)`` ascending."""
        return np.sort(np.concatenate([self.right, self.wrong]), kind="stable")  # which merges sorted runs in O(N)

    def at(self, threshold: float) -> Acceptance:
        """What ``measure <= threshold`` accepts; infinity accepts all. O(log N).

        Raises:
            UqError: the threshold is NaN.
        """
        return self.at_each(np.array([threshold]))[0]

    def at_each(self, thresholds: FloatArray) -> list[Acceptance]:
        """`at` for each of ``thresholds (T,)``."""
        counts = self.count(thresholds)
        return [self._acceptance(*row) for row in zip(*(column.tolist() for column in counts[1:]), strict=True)]

    def _acceptance(self, n_right: int, n_wrong: int, n_ood: int) -> Acceptance:
        n_accepted, n_examples = n_right + n_wrong, self.n_examples
        n_deferred = n_examples - n_accepted
        return Acceptance(
            n_accepted=n_accepted,
            n_deferred=n_deferred,
            coverage=n_accepted / n_examples,
            accuracy=n_right / n_accepted if n_accepted else float("nan"),
            deferred_accuracy=(len(self.right) - n_right) / n_deferred if n_deferred else float("nan"),
            n_ood_accepted=n_ood,
            ood_accepted=float("nan") if self.ood is None else n_ood / len(self.ood),
        )

    def count(self, thresholds: FloatArray) -> ThresholdTable:
        """What each of ``thresholds (T,)`` accepts, in the order given. O(T log N).

        Raises:
            UqError: a threshold is NaN.
        """
        exact: NDArray[np.float64] = np.asarray(thresholds, np.float64)
        if np.isnan(exact).any():
            raise UqError("`threshold` must be a number. Received: NaN.")
        n_ood = np.zeros(len(exact), np.int64) if self.ood is None else _n_at_most(self.ood, exact)
        return ThresholdTable(exact, _n_at_most(self.right, exact), _n_at_most(self.wrong, exact), n_ood)

    def table(self, max_rows: int | None = 4096, also: ArrayLike = ()) -> ThresholdTable:
        """The counts at every threshold that makes a difference, or at ``max_rows`` of them, and at those of ``also``.

        A row's threshold lies just above a value, clear of it and of the next (`uqcore.selection.gaps`). The first row
        is minus infinity and accepts nothing, the last one accepts everything. Where there are more distinct values
        than rows, they are chosen at even steps of rank among all examples, in-distribution and OOD; the counts of the
        rows that are there stay exact. ``None`` gives every row. What is infinite in ``also`` is one of these two rows
        already.
        """
        if max_rows is not None and max_rows < 2:
            raise UqError(f"`max_rows` must be at least 2: nothing and everything. Received: {max_rows}.")
        parts = [self.right, self.wrong] if self.ood is None else [self.right, self.wrong, self.ood]
        values = np.sort(np.concatenate(parts), kind="stable")
        ends = tie_ends(values)
        if max_rows is not None and len(ends) >= max_rows:
            ranks = np.linspace(0, len(values), max_rows)[1:].astype(np.int64) - 1
            ends = ends[np.searchsorted(ends, ranks)]
            ends = ends[np.append(True, ends[1:] != ends[:-1])]  # they rise: `np.unique` takes ten times as long
        more = np.asarray(also, np.float64)
        thresholds = np.concatenate([[-np.inf], just_above(values[ends]), more[np.isfinite(more)]])
        return self.count(np.unique(thresholds))


def rank(measure: ArrayLike, correct: ArrayLike, ood_measure: ArrayLike | None = None) -> Ranking:
    """Sort the examples by their measure, once. O(N log N).

    Args:
        measure: ``(N,)`` rises with uncertainty; kept as float32 if it is, otherwise as float64.
        correct: ``(N,)`` bool, whether the prediction is right.
        ood_measure: ``(M,)`` the same measure on OOD examples, whose predictions are never right.

    Raises:
        UqError: a shape or dtype does not fit, or a measure is empty or not finite.
    """
    values = checked_in_own_dtype(measure)
    is_right = checked_correct(correct, len(values))
    ood = None if ood_measure is None else np.sort(checked_in_own_dtype(ood_measure, "ood_measure"))
    pilot = pilot_places(len(values))
    return Ranking(np.sort(values[is_right]), np.sort(values[~is_right]), ood, values[pilot], is_right[pilot])


@lru_cache(maxsize=16)
def pilot_places(n: int) -> IntArray:
    """Which of ``n`` examples are the pilot: about sqrt(n), drawn at random, always the same; read-only.

    They are places in the arrays, which say nothing of an example, so that the others stay independent draws.
    """
    places = np.random.default_rng(n).choice(n, math.isqrt(n), replace=False)
    places.flags.writeable = False
    return places


def threshold_at_coverage(measure: FloatArray, coverage: float) -> float:
    """A threshold that accepts at least ``coverage`` (in 0..1, above 0) of the examples ``measure (N,)``, and few more.

    It lies in the first gap behind them (`uqcore.selection.gaps`).

    Raises:
        UqError: the measure is empty or not finite, or the coverage is out of range.
    """
    if not 0 < coverage <= 1:
        raise UqError(f"`coverage` must be above 0 and at most 1. Received: {coverage}.")
    values = np.sort(checked_in_own_dtype(measure))
    # Not `ceil(coverage * N)`, which rounds: a coverage written as k / N must mean k examples.
    nearest = round(coverage * len(values))
    n_accepted = next(k for k in range(max(nearest - 1, 1), len(values) + 1) if k / len(values) >= coverage)
    ends = tie_ends(values)
    return threshold_after(values, int(ends[np.searchsorted(ends, n_accepted - 1)]))


def threshold_for_budget(measure: FloatArray, share: float, delta: float) -> float:
    """A threshold that, with probability 1 - ``delta`` over the examples, defers at most ``share`` of the population.

    A distribution-free tolerance limit (Wilks 1941): what lies at or below the k-th of N values is a share of the
    population that is Beta(k, N - k + 1), or more with ties. The lowest k that suffices is taken; where none does, all
    is accepted. Labels have no part in it, so that a risk may be tested at this threshold.

    Args:
        measure: ``(N,)`` of examples drawn from the population.
        share: that may be deferred, in 0..1.
        delta: between 0 and 1.

    Raises:
        UqError: the measure is empty or not finite, or a share is out of range.
    """
    from scipy.special import betainc

    if not 0 <= share <= 1 or not 0 < delta < 1:
        raise UqError(f"`share` must be from 0 to 1 and `delta` between 0 and 1. Received: {share} and {delta}.")
    values = np.sort(checked_in_own_dtype(measure))
    n, k = len(values), np.arange(1, len(values) + 1)
    enough = betainc(k, n - k + 1, 1 - share) <= delta
    if not enough.any():
        return float("inf")
    ends = tie_ends(values)
    return threshold_after(values, int(ends[np.searchsorted(ends, int(enough.argmax()))]))


def threshold_at_ood_share(ood_measure: FloatArray, share: float) -> float:
    """A threshold that accepts at most ``share`` (in 0..1) of the OOD examples ``ood_measure (M,)``, and few fewer.

    It lies in the last gap before the first that would be one too many (`uqcore.selection.gaps`), and at infinity where
    all may be accepted.

    Raises:
        UqError: the measure is empty or not finite, or the share is out of range.
    """
    if not 0 <= share <= 1:
        raise UqError(f"`share` must be from 0 to 1. Received: {share}.")
    values = np.sort(checked_in_own_dtype(ood_measure, "ood_measure"))
    nearest = round(share * len(values))
    n_accepted = next(k for k in range(nearest + 1, -1, -1) if k / len(values) <= share)
    if n_accepted >= len(values):
        return float("inf")
    ends = tie_ends(values)
    below = ends[: np.searchsorted(ends, n_accepted)]
    return threshold_after(values, int(below[-1])) if len(below) else float(just_below(values[0]))


class ClassSplit(NamedTuple):
    """`Acceptance` by class, each ``(K,)``; NaN where there is nothing to take a share of.

    Attributes:
        n_accepted, n_deferred: examples of each class accepted, and handed back.
        accuracy, deferred_accuracy: share of them that is right.
    """

    n_accepted: NDArray[np.int64]
    n_deferred: NDArray[np.int64]
    accuracy: NDArray[np.float64]
    deferred_accuracy: NDArray[np.float64]


def split_by_class(
    accepted: NDArray[np.bool_], correct: NDArray[np.bool_], classes: IntArray, n_classes: int
) -> ClassSplit:
    """Count accepted and deferred examples in each class. O(N).

    Args:
        accepted: ``(N,)`` bool, what a threshold, or one threshold per class, decided.
        correct: ``(N,)`` bool, whether the prediction is right.
        classes: ``(N,)`` in 0..K-1: the labels, to see which classes are handed back (the MNIST article's table), or
            the predictions, to see how far an accepted answer can be trusted (what thresholds per class control).
        n_classes: K.

    Raises:
        UqError: a shape or dtype does not fit, or a class is out of range.
    """
    classes = checked_classes(classes, n_classes)
    accepted = checked_correct(accepted, len(classes), "accepted")
    correct = checked_correct(correct, len(classes))
    cells = np.bincount(classes * 4 + accepted * 2 + correct, minlength=4 * n_classes).reshape(n_classes, 2, 2)
    n_examples = cells.sum(axis=2)
    shares = np.divide(cells[..., 1], n_examples, out=np.full(n_examples.shape, np.nan), where=n_examples > 0)
    return ClassSplit(n_examples[:, 1], n_examples[:, 0], shares[:, 1], shares[:, 0])


def checked_classes(classes: ArrayLike, n_classes: int, name: str = "classes") -> NDArray[np.int64]:
    """Classes ``(N,)`` as int64, each in 0..n_classes-1.

    Raises:
        UqError: it has another shape or dtype, or a class is out of range.
    """
    values = np.asarray(classes)
    if values.ndim != 1 or not np.issubdtype(values.dtype, np.integer):
        raise UqError(
            f"`{name}` must hold one integer for each example, its class from 0 to {n_classes - 1}. "
            f"Received: shape {values.shape}, dtype {values.dtype}."
        )
    if values.size and not (values.min() >= 0 and values.max() < n_classes):
        raise UqError(f"`{name}` must be from 0 to {n_classes - 1}. Received: {values.min()} to {values.max()}.")
    return values.astype(np.int64, copy=False)


def checked_in_own_dtype(measure: ArrayLike, name: str = "measure") -> FloatArray:
    """`checked_measure`, but float32 stays float32: half the memory, and the values are the same numbers."""
    values = np.asarray(measure)
    checked = checked_measure(values, name)
    return values if values.dtype == np.float32 else checked


def _n_at_most(values: FloatArray, thresholds: NDArray[np.float64]) -> NDArray[np.int64]:
    """How many of the sorted ``values`` are at or below each threshold, compared as exact numbers."""
    if values.dtype == np.float64:
        return values.searchsorted(thresholds, side="right")
    # Searching float32 values for a float64 would copy them all: round the threshold down to float32 instead.
    with np.errstate(over="ignore"):
        rounded = thresholds.astype(values.dtype)
    rounded = np.where(rounded > thresholds, np.nextafter(rounded, values.dtype.type(-np.inf)), rounded)
    return np.searchsorted(values, rounded, side="right")
