"""A measure of some predictions in two parts: one to choose a threshold on, one to judge it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from uqcore.metrics.classification import OodMetrics, misclassification_auroc, ood_metrics
from uqcore.plots.threshold_bins import MeasureBins, measure_bins
from uqcore.predictions import Predictions
from uqcore.selection import (
    Assessment,
    Costs,
    Estimate,
    OutcomeCounts,
    PerClassOptimum,
    RankedOutcomes,
    Ranking,
    ThresholdPolicy,
    assessment,
    aurc,
    cheapest_per_class,
    count_outcomes,
    rank,
    rank_outcomes,
    split_calibration,
)
from uqcore.types import FloatArray, IntArray, UqError

CONFIDENCE = 0.95
"""Of every interval."""


class Quality(NamedTuple):
    """How well a measure ranks examples.

    Attributes:
        aurc, excess_aurc: area under the risk-coverage curve, and what of it a perfect order would save; see `aurc`.
        misclassification_auroc: of telling errors from right predictions; NaN where all or none are right.
        ood: of telling OOD from in-distribution examples; None without OOD.
    """

    aurc: float
    excess_aurc: float
    misclassification_auroc: float
    ood: OodMetrics | None


@dataclass(frozen=True, eq=False)
class MeasuredPart:
    """Some of the examples, with one measure of them.

    Attributes:
        indices: ``(M,)`` which examples of the predictions these are, in-distribution first, then OOD.
        measure, predicted, correct, labels: ``(N,)`` of the in-distribution examples; the last two None without labels.
        ood_measure, ood_predicted: of the OOD examples, None where there are none.
        group, ood_group: which group each is of, None without groups.
        weight: ``(N,)`` of the in-distribution examples, None without weights.
    """

    indices: IntArray
    measure: FloatArray
    predicted: IntArray
    correct: NDArray[np.bool_] | None
    labels: IntArray | None
    ood_measure: FloatArray | None
    ood_predicted: IntArray | None
    n_classes: int
    group: NDArray[Any] | None = None
    ood_group: NDArray[Any] | None = None
    weight: FloatArray | None = None

    @cached_property
    def ranking(self) -> Ranking:
        """Sorted by the measure. Without labels every example counts as right, and no risk means anything."""
        correct = np.ones(len(self.measure), np.bool_) if self.correct is None else self.correct
        return rank(self.measure, correct, self.ood_measure)

    @cached_property
    def bins(self) -> MeasureBins:
        """For a histogram."""
        return measure_bins(self.ranking.right, self.ranking.wrong, self.ranking.ood)

    @cached_property
    def outcomes(self) -> RankedOutcomes:
        """For pricing. UqError without labels."""
        return rank_outcomes(self.measure, self.predicted, self.known_labels(), self.n_classes, self.ood_measure)

    def known_labels(self) -> IntArray:
        """The labels ``(N,)``. UqError without them."""
        if self.labels is None:
            raise UqError("This needs labels, to know which predictions are right. Received predictions without them.")
        return self.labels

    def counts(self, thresholds: tuple[float, ...]) -> OutcomeCounts:
        """What one threshold, or one for each predicted class, does. UqError without labels."""
        threshold = np.array(thresholds) if len(thresholds) > 1 else thresholds[0]
        return count_outcomes(
            threshold,
            self.measure,
            self.predicted,
            self.known_labels(),
            self.n_classes,
            self.ood_measure,
            self.ood_predicted,
        )

    def assess(self, thresholds: tuple[float, ...]) -> Assessment:
        """Coverage, risk and OOD share of one threshold, or of one for each predicted class, with exact intervals.

        Without labels the risk is NaN in (0, 1), and ``n_errors`` is 0 and means nothing. UqError: a threshold is NaN.
        """
        limits = np.array(thresholds, np.float64)
        if np.isnan(limits).any():
            raise UqError("`threshold` must be a number. Received: NaN.")

        def accepted(measure: FloatArray, predicted: IntArray) -> NDArray[np.bool_]:
            return measure <= (limits[predicted] if len(limits) > 1 else limits[0])

        ood = None
        if self.ood_measure is not None and self.ood_predicted is not None:
            ood = accepted(self.ood_measure, self.ood_predicted)
        return self._assessed(accepted(self.measure, self.predicted), ood)

    def assess_policy(self, policy: ThresholdPolicy) -> Assessment:
        """`assess` for a rule of any kind."""
        ood = None
        if self.ood_measure is not None:
            ood = policy.decide_measured(self.ood_measure, self.ood_predicted, self.ood_group)
        return self._assessed(policy.decide_measured(self.measure, self.predicted, self.group), ood)

    def _assessed(self, accepted: NDArray[np.bool_], ood: NDArray[np.bool_] | None) -> Assessment:
        """Of what is accepted of the in-distribution examples and of the OOD ones, if any."""
        n_errors = 0 if self.correct is None else int(np.count_nonzero(accepted & ~self.correct))
        n_ood = (0, 0) if ood is None else (len(ood), int(np.count_nonzero(ood)))
        seen = assessment(len(accepted), int(np.count_nonzero(accepted)), n_errors, *n_ood, CONFIDENCE)
        return seen if self.labels is not None else seen._replace(risk=Estimate(float("nan"), 0.0, 1.0))

    def quality(self) -> Quality:
        """How well the measure ranks these examples, without any threshold. UqError without labels."""
        self.known_labels()
        assert self.correct is not None
        area = aurc(self.ranking)
        ood = None if self.ood_measure is None else ood_metrics(self.measure, self.ood_measure)
        return Quality(area.aurc, area.excess, misclassification_auroc(self.measure, self.correct), ood)

    def cheapest_per_class(self, costs: Costs) -> PerClassOptimum:
        """The cheapest threshold of each predicted class. UqError without labels."""
        return cheapest_per_class(
            self.measure, self.predicted, self.known_labels(), costs, self.ood_measure, self.ood_predicted
        )


@dataclass(frozen=True, eq=False)
class Study:
    """One measure of some predictions, split in two. Make one with `study`."""

    predictions: Predictions
    measure_id: str
    calibration: MeasuredPart
    held_out: MeasuredPart

    def with_measure(self, measure_id: str) -> Study:
        """Another measure on the same two parts."""
        measure = self.predictions.measure(measure_id)
        parts = (_part(self.predictions, measure, part.indices) for part in (self.calibration, self.held_out))
        return Study(self.predictions, measure_id, *parts)

    @property
    def has_labels(self) -> bool:
        return self.predictions.labels is not None

    @property
    def has_ood(self) -> bool:
        """Whether both parts have OOD examples."""
        return self.calibration.ood_measure is not None and self.held_out.ood_measure is not None


def study(predictions: Predictions, measure_id: str, share: float = 0.5, seed: int = 0) -> Study:
    """Measure the predictions and split them at random, in-distribution and OOD apart.

    Args:
        share: of the calibration part.
        seed: of the split.

    Raises:
        UqError: the predictions do not have the measure, the share is out of range, or a part would have no
            in-distribution example.
    """
    measure, known = predictions.measure(measure_id), predictions.in_distribution
    parts = split_calibration(len(predictions), share, seed, ~known)
    calibration, held_out = (_part(predictions, measure, indices) for indices in parts)
    if not (len(calibration.measure) and len(held_out.measure)):
        raise UqError(
            "Expected examples that are not OOD for both parts, one to choose a threshold on and one to judge it. "
            f"Received {np.count_nonzero(known)} of them at a calibration share of {share:g}; use more."
        )
    return Study(predictions, measure_id, calibration, held_out)


def _part(predictions: Predictions, measure: FloatArray, indices: IntArray) -> MeasuredPart:
    inside = predictions.in_distribution[indices]
    known, ood = indices[inside], indices[~inside]
    labels, correct = predictions.labels, predictions.correct
    return MeasuredPart(
        indices=np.concatenate([known, ood]),
        measure=measure[known],
        predicted=predictions.predicted[known],
        correct=None if correct is None else correct[known],
        labels=None if labels is None else labels[known],
        ood_measure=measure[ood] if len(ood) else None,
        ood_predicted=predictions.predicted[ood] if len(ood) else None,
        n_classes=predictions.n_classes,
        group=None if predictions.group is None else predictions.group[known],
        ood_group=None if predictions.group is None or not len(ood) else predictions.group[ood],
        weight=None if predictions.weight is None else predictions.weight[known],
    )
