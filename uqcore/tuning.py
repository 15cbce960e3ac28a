"""From predictions and a goal to a threshold, on the evidence of two parts: one to choose on, one to judge on.

The threshold lab and ``python -m uqcore tune`` both do this.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from uqcore.predictions import Predictions
from uqcore.selection import (
    Assessment,
    Certificate,
    ClassCertificates,
    Procedure,
    Ranking,
    assess,
    certify,
    certify_per_class,
    rank,
    split_calibration,
    threshold_at_coverage,
    threshold_at_ood_share,
)
from uqcore.selection.cost import Costs, cost_interval
from uqcore.selection.optimum import Optimum, PerClassOptimum, RankedOutcomes, cheapest_per_class, rank_outcomes
from uqcore.selection.outcomes import OutcomeCounts, count_outcomes
from uqcore.selection.policy import Target, ThresholdPolicy
from uqcore.types import FloatArray, IntArray, UqError

CONFIDENCE = 0.95
"""Of every interval."""

Kind = Literal["risk", "cost", "coverage", "ood_accepted", "manual"]


@dataclass(frozen=True)
class Goal:
    """What a threshold is to do.

    Attributes:
        kind: which of the following it is.
        value: the risk, coverage or OOD share in 0..1; for ``manual`` the threshold; None for ``cost``.
        delta, procedure: of a certified ``risk``.
        costs: for ``cost``.
        per_class: a threshold for each predicted class; ``risk`` and ``cost`` alone have that.
    """

    kind: Kind
    value: float | None = None
    delta: float = 0.05
    procedure: Procedure = "ltt"
    costs: Costs | None = None
    per_class: bool = False


@dataclass(frozen=True, eq=False)
class Part:
    """Some of the examples, with one measure of them.

    Attributes:
        indices: ``(M,)`` which examples of the predictions these are, in-distribution first, then OOD.
        measure, predicted, correct, labels: ``(N,)`` of the in-distribution examples; the last two None without labels.
        ood_measure, ood_predicted: of the OOD examples, None where there are none.
    """

    indices: IntArray
    measure: FloatArray
    predicted: IntArray
    correct: NDArray[np.bool_] | None
    labels: IntArray | None
    ood_measure: FloatArray | None
    ood_predicted: IntArray | None
    n_classes: int

    @cached_property
    def ranking(self) -> Ranking:
        """Sorted by the measure. Without labels every example counts as right, and no risk means anything."""
        correct = np.ones(len(self.measure), np.bool_) if self.correct is None else self.correct
        return rank(self.measure, correct, self.ood_measure)

    @cached_property
    def outcomes(self) -> RankedOutcomes:
        """For pricing. UqError without labels."""
        return rank_outcomes(self.measure, self.predicted, self._labels(), self.n_classes, self.ood_measure)

    def counts(self, thresholds: tuple[float, ...]) -> OutcomeCounts:
        """What one threshold, or one for each predicted class, does. UqError without labels."""
        threshold = np.array(thresholds) if len(thresholds) > 1 else thresholds[0]
        return count_outcomes(
            threshold,
            self.measure,
            self.predicted,
            self._labels(),
            self.n_classes,
            self.ood_measure,
            self.ood_predicted,
        )

    def assess(self, thresholds: tuple[float, ...]) -> Assessment:
        """Coverage, risk and OOD share of the thresholds here, with exact intervals."""
        if len(thresholds) == 1:
            return assess(self.ranking, thresholds[0], CONFIDENCE)
        by_class = np.array(thresholds)

        def deferred(measure: FloatArray, predicted: IntArray) -> FloatArray:
            return (measure > by_class[predicted]).astype(np.float64)

        ood = None
        if self.ood_measure is not None and self.ood_predicted is not None:
            ood = deferred(self.ood_measure, self.ood_predicted)
        correct = np.ones(len(self.measure), np.bool_) if self.correct is None else self.correct
        return assess(rank(deferred(self.measure, self.predicted), correct, ood), 0.0, CONFIDENCE)

    def per_class(self, costs: Costs) -> PerClassOptimum:
        return cheapest_per_class(
            self.measure, self.predicted, self._labels(), costs, self.ood_measure, self.ood_predicted
        )

    def _labels(self) -> IntArray:
        if self.labels is None:
            raise UqError("This needs labels, to know which predictions are right. Received predictions without them.")
        return self.labels


@dataclass(frozen=True, eq=False)
class Study:
    """One measure of some predictions, split in two. Make one with `study`."""

    predictions: Predictions
    measure_id: str
    calibration: Part
    held_out: Part

    @property
    def has_labels(self) -> bool:
        return self.predictions.labels is not None

    @property
    def has_ood(self) -> bool:
        return self.held_out.ood_measure is not None


class Tuned(NamedTuple):
    """A threshold with its evidence.

    Attributes:
        policy: the rule, to be saved.
        promise: one sentence: what holds, and on what evidence.
        assessment: what the held-out part shows.
        certificate: of a ``risk`` goal: one, or one for each predicted class.
        optimum: of a ``cost`` goal: one, or one for each predicted class.
    """

    policy: ThresholdPolicy
    promise: str
    assessment: Assessment
    certificate: Certificate | ClassCertificates | None = None
    optimum: Optimum | PerClassOptimum | None = None


def study(predictions: Predictions, measure_id: str, share: float = 0.5, seed: int = 0) -> Study:
    """Measure the predictions and split them at random, in-distribution and OOD apart.

    Args:
        share: of the calibration part.
        seed: of the split.

    Raises:
        UqError: the predictions do not have the measure, or a part would be empty.
    """
    measure, is_ood = predictions.measure(measure_id), ~predictions.in_distribution
    if is_ood.all():
        raise UqError("Expected examples that are not OOD: thresholds are chosen on them. Received OOD alone.")
    calibration, held_out = split_calibration(len(predictions), share, seed, is_ood)
    return Study(
        predictions,
        measure_id,
        _part(predictions, measure, calibration),
        _part(predictions, measure, held_out),
    )


def tune(study: Study, goal: Goal) -> Tuned:
    """Choose on the calibration part what `Goal` asks for, and judge it on the held-out part.

    Raises:
        UqError: the goal needs labels or OOD examples that are not there, or a value of it is out of range.
    """
    if goal.per_class and goal.kind not in ("risk", "cost"):
        raise UqError(f"Thresholds per class are chosen for a risk or for costs. Received the goal {goal.kind}.")
    return _TUNERS[goal.kind](study, goal)


def _risk(study: Study, goal: Goal) -> Tuned:
    part, risk = study.calibration, _value(goal)
    part._labels()
    target = Target("risk", risk, f"at most {risk:.4g} of the accepted wrong, with confidence {1 - goal.delta:.4g}")
    if goal.per_class:
        assert part.correct is not None
        of_classes = certify_per_class(
            part.measure, part.correct, part.predicted, part.n_classes, risk, goal.delta, goal.procedure
        )
        thresholds = tuple(float(threshold) for threshold in of_classes.thresholds)
        certified = len(of_classes.uncertified) < part.n_classes
        promise = _per_class_promise(of_classes, goal, risk)
        return _tuned(study, thresholds, target, goal.procedure, promise, goal.delta, certified)._replace(
            certificate=of_classes
        )
    found = certify(part.ranking, risk, goal.delta, goal.procedure)
    promise = _risk_promise(found)
    return _tuned(study, (found.threshold,), target, goal.procedure, promise, goal.delta, found.certified)._replace(
        certificate=found
    )


def _cost(study: Study, goal: Goal) -> Tuned:
    if goal.costs is None:
        raise UqError("A goal of least cost needs `costs`. Received none.")
    part = study.calibration
    optimum: Optimum | PerClassOptimum
    if goal.per_class:
        optimum = part.per_class(goal.costs)
        thresholds = tuple(float(threshold) for threshold in optimum.thresholds)
    else:
        optimum = part.outcomes.cheapest(goal.costs)
        thresholds = (optimum.threshold,)
    seen = cost_interval(study.held_out.counts(thresholds), goal.costs, CONFIDENCE)
    target = Target("cost", optimum.cost, "the least expected cost on the calibration examples")
    promise = (
        f"Cheapest on {len(part.measure):,} calibration examples, at {optimum.cost:.4g} per 1,000 examples. The others "
        f"cost {seen.cost:.4g} per 1,000 ({seen.low:.4g} to {seen.high:.4g}, 95 % bootstrap interval)."
    )
    return _tuned(study, thresholds, target, "cost", promise)._replace(optimum=optimum)


def _coverage(study: Study, goal: Goal) -> Tuned:
    part, coverage = study.calibration, _value(goal)
    target = Target("coverage", coverage, f"accept {coverage:.4g} of the examples")
    promise = (
        f"Accepts {_share(coverage)} of {len(part.measure):,} calibration examples, the surest ones. "
        "How many of them are wrong is measured, not promised."
    )
    return _tuned(study, (threshold_at_coverage(part.measure, coverage),), target, "coverage", promise)


def _ood(study: Study, goal: Goal) -> Tuned:
    part, share = study.calibration, _value(goal)
    if part.ood_measure is None:
        raise UqError("This needs OOD examples, to see how many are let through. Received predictions without any.")
    target = Target("ood_accepted", share, f"let through at most {share:.4g} of these OOD examples")
    promise = (
        f"Lets through at most {_share(share)} of {len(part.ood_measure):,} unseen examples of this kind. "
        "Unseen inputs of another kind may fare differently."
    )
    return _tuned(study, (threshold_at_ood_share(part.ood_measure, share),), target, "ood", promise)


def _manual(study: Study, goal: Goal) -> Tuned:
    target = Target("manual", None, "chosen by hand")
    return _tuned(study, (_value(goal),), target, "manual", "Chosen by hand: nothing is promised.")


_TUNERS = {"risk": _risk, "cost": _cost, "coverage": _coverage, "ood_accepted": _ood, "manual": _manual}


def _tuned(
    study: Study,
    thresholds: tuple[float, ...],
    target: Target,
    procedure: str,
    promise: str,
    delta: float | None = None,
    certified: bool = False,
) -> Tuned:
    assessment = study.held_out.assess(thresholds)
    policy = ThresholdPolicy(
        measure=study.measure_id,
        thresholds=thresholds,
        n_classes=study.predictions.n_classes,
        target=target,
        procedure=procedure,
        certified=certified,
        delta=delta,
        n_calibration=len(study.calibration.measure),
        n_test=len(study.held_out.measure),
        coverage=assessment.coverage,
        risk=assessment.risk if study.has_labels else None,
        confidence=CONFIDENCE,
        created=datetime.now(UTC).date().isoformat(),
        fingerprint=study.predictions.fingerprint,
    )
    return Tuned(policy, promise, assessment)


def _risk_promise(found: Certificate) -> str:
    if found.certified:
        return (
            f"At most {_share(found.target_risk)} of what is accepted is wrong, with {_share(1 - found.delta)} "
            f"confidence: certified on {found.n:,} calibration examples, of which it accepts {found.n_accepted:,} and "
            f"{found.n_errors:,} of these are wrong."
        )
    needed = (
        f"about {found.n_needed:,} would be needed if the model errs as often as it did here"
        if found.n_needed
        else "and no number of examples like these would do"
    )
    return (
        f"No threshold can promise at most {_share(found.target_risk)} wrong with {_share(1 - found.delta)} confidence "
        f"on {found.n:,} calibration examples; {needed}. Everything is deferred."
    )


def _per_class_promise(of_classes: ClassCertificates, goal: Goal, risk: float) -> str:
    n_classes, missing = len(of_classes.thresholds), of_classes.uncertified
    promise = (
        f"At most {_share(risk)} of what is accepted is wrong, for each of {n_classes - len(missing)} predicted "
        f"classes, all together with {_share(1 - goal.delta)} confidence."
    )
    return promise + (
        f" {len(missing)} of {n_classes} classes could not be certified and are deferred." * bool(missing)
    )


def _share(share: float) -> str:
    return f"{100 * share:.4g} %"


def _value(goal: Goal) -> float:
    if goal.value is None:
        raise UqError(f"The goal {goal.kind} needs a value. Received none.")
    return goal.value


def _part(predictions: Predictions, measure: FloatArray, indices: IntArray) -> Part:
    inside = predictions.in_distribution[indices]
    known, ood = indices[inside], indices[~inside]
    labels, correct = predictions.labels, predictions.correct
    return Part(
        indices=np.concatenate([known, ood]),
        measure=measure[known],
        predicted=predictions.predicted[known],
        correct=None if correct is None else correct[known],
        labels=None if labels is None else labels[known],
        ood_measure=measure[ood] if len(ood) else None,
        ood_predicted=predictions.predicted[ood] if len(ood) else None,
        n_classes=predictions.n_classes,
    )
