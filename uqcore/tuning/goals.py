"""From predictions and a goal to a threshold, on the evidence of two parts: one to choose on, one to judge on.

The threshold lab and ``python -m uqcore tune`` both do this.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, NamedTuple

import numpy as np

from uqcore.selection import (
    Assessment,
    Certificate,
    ClassCertificates,
    Costs,
    Optimum,
    PerClassOptimum,
    Procedure,
    Target,
    ThresholdPolicy,
    certify,
    certify_per_class,
    cost_interval,
    smallest_of,
    smallest_risk,
    threshold_at_coverage,
    threshold_at_ood_share,
)
from uqcore.selection.certified import MOST_TIMES
from uqcore.text import exact_percent as exact
from uqcore.tuning.split import CONFIDENCE, Study, study
from uqcore.types import UqError

__all__ = ["ROUND_RISKS", "Goal", "Kind", "Study", "Tuned", "round_risk", "study", "tune"]

_N_NAMED = 5  # classes that a promise names

Kind = Literal["risk", "cost", "coverage", "ood_accepted", "manual"]

ROUND_RISKS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
"""Figures for a risk among which `round_risk` chooses."""


@dataclass(frozen=True)
class Goal:
    """What a threshold is to do.

    Attributes:
        kind: which of the following it is.
        value: the risk, coverage or OOD share in 0..1; for ``manual`` the threshold; None for ``cost``.
        delta, procedure: of a certified ``risk``.
        costs: for ``cost``.
        per_class: a threshold for each predicted class; ``risk`` and ``cost`` alone have that.
        n_tried: among how many figures for the risk, all fixed beforehand, ``value`` was chosen after looking at the
            calibration examples. Each has its share of ``delta``, so that what is promised holds for whichever is kept.
    """

    kind: Kind
    value: float | None = None
    delta: float = 0.05
    procedure: Procedure = "ltt"
    costs: Costs | None = None
    per_class: bool = False
    n_tried: int = 1


class Tuned(NamedTuple):
    """A threshold with its evidence.

    Attributes:
        policy: the rule, to be saved.
        promise: one sentence: what holds, and on what evidence.
        assessment: what the held-out part shows.
        certificate: of a ``risk`` goal: one, or one for each predicted class.
        optimum: of a ``cost`` goal: one, or one for each predicted class.
        smallest_risk: what could be certified where the risk asked for cannot; None if nothing, or if it can.
    """

    policy: ThresholdPolicy
    promise: str
    assessment: Assessment
    certificate: Certificate | ClassCertificates | None = None
    optimum: Optimum | PerClassOptimum | None = None
    smallest_risk: float | None = None


def tune(study: Study, goal: Goal) -> Tuned:
    """Choose on the calibration part what `Goal` asks for, and judge it on the held-out part.

    Raises:
        UqError: the goal needs labels or OOD examples that are not there, or a value of it is out of range.
    """
    if goal.per_class and goal.kind not in ("risk", "cost"):
        raise UqError(f"Thresholds per class are chosen for a risk or for costs. Received the goal {goal.kind}.")
    return _TUNERS[goal.kind](study, goal)


def round_risk(study: Study, delta: float = 0.05, procedure: Procedure = "ltt") -> float | None:
    """The smallest of `ROUND_RISKS` that can be certified on the calibration part although it is chosen on it, as a
    `Goal` of ``n_tried=len(ROUND_RISKS)``; None without labels or where none can. See `smallest_of`."""
    if not study.has_labels:
        return None
    return smallest_of(study.calibration.ranking, ROUND_RISKS, delta, procedure)


def _risk(study: Study, goal: Goal) -> Tuned:
    if goal.n_tried < 1:
        raise UqError(f"`n_tried` must be positive. Received: {goal.n_tried}.")
    part, risk, delta = study.calibration, _value(goal), goal.delta
    level = delta / goal.n_tried if goal.n_tried > 1 else delta
    correct = part.predicted == part.known_labels()
    found: Certificate | ClassCertificates
    least = None
    if goal.per_class:
        found = certify_per_class(part.measure, correct, part.predicted, part.n_classes, risk, level, goal.procedure)
        thresholds = tuple(float(threshold) for threshold in found.thresholds)
        certified = len(found.uncertified) < part.n_classes
        promise = _per_class_promise(found, study.predictions.class_names, risk, delta)
    else:
        found = certify(part.ranking, risk, level, goal.procedure)
        thresholds, certified = (found.threshold,), found.certified
        least = None if certified else smallest_risk(part.ranking, risk, level, goal.procedure)
        promise = _risk_promise(found, least, delta)
    if certified:
        promise += (
            " This holds for one goal set beforehand, not for the best of several that were tried."
            if goal.n_tried == 1
            else f" {exact(risk)} was chosen on these examples; the promise allows for that: {goal.n_tried} figures "
            f"share the {exact(delta)}."
        )
    if certified and part.ood_measure is not None:
        promise += " Unseen (OOD) examples that are accepted come on top."
    target = Target(
        "risk",
        risk,
        f"at most {exact(risk)} of the accepted wrong, with {exact(1 - delta)} confidence",
    )
    tuned = _tuned(study, thresholds, target, goal.procedure, promise, delta, certified)
    return tuned._replace(certificate=found, smallest_risk=least)


def _cost(study: Study, goal: Goal) -> Tuned:
    if goal.costs is None:
        raise UqError("A goal of least cost needs `costs`. Received none.")
    part = study.calibration
    optimum: Optimum | PerClassOptimum
    if goal.per_class:
        optimum = part.cheapest_per_class(goal.costs)
        thresholds = tuple(float(threshold) for threshold in optimum.thresholds)
    else:
        optimum = part.outcomes.cheapest(goal.costs)
        thresholds = (optimum.threshold,)
    seen = cost_interval(study.held_out.counts(thresholds), goal.costs, CONFIDENCE)
    prices = _prices(goal.costs)
    target = Target("cost", optimum.cost, f"the least expected cost on the calibration examples, at {prices}")
    promise = (
        f"At {prices}: cheapest on {len(part.measure):,} calibration examples, at {optimum.cost:.4g} per 1,000 "
        f"examples. The {len(study.held_out.measure):,} held out cost {seen.cost:.4g} per 1,000 ({seen.low:.4g} to "
        f"{seen.high:.4g}, 95 % bootstrap interval)."
    )
    return _tuned(study, thresholds, target, "cost", promise)._replace(optimum=optimum)


def _coverage(study: Study, goal: Goal) -> Tuned:
    part, coverage = study.calibration, _value(goal)
    threshold = threshold_at_coverage(part.measure, coverage)
    target = Target("coverage", coverage, f"accept at least {exact(coverage)} of the examples")
    promise = f"Accepts at least {exact(coverage)} of {len(part.measure):,} calibration examples, the surest ones. " + (
        "How many of them are wrong is measured, not promised."
        if study.has_labels
        else "Nothing says how many of them are wrong: there are no labels."
    )
    return _tuned(study, (threshold,), target, "coverage", promise)


def _ood(study: Study, goal: Goal) -> Tuned:
    part, share = study.calibration, _value(goal)
    if part.ood_measure is None:
        raise UqError("This needs OOD examples, to see how many are let through. Received predictions without any.")
    threshold = threshold_at_ood_share(part.ood_measure, share)
    target = Target("ood_accepted", share, f"let through at most {exact(share)} of these OOD examples")
    promise = (
        f"Lets through at most {exact(share)} of {len(part.ood_measure):,} unseen examples of this kind. "
        "Unseen inputs of another kind may fare differently."
    )
    return _tuned(study, (threshold,), target, "ood", promise)


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
    assessment, roles = study.held_out.assess(thresholds), study.predictions.roles
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
        risk=assessment.risk,
        confidence=CONFIDENCE,
        created=datetime.now(UTC).date().isoformat(),
        fingerprint=study.predictions.fingerprint,
        roles=None if roles is None or roles.is_documented else roles.to_dict(),
    )
    return Tuned(policy, promise, assessment)


def _prices(costs: Costs) -> str:
    """What each outcome costs, in words."""
    errors = costs.matrix[~np.eye(len(costs.matrix), dtype=bool)]
    low, high = errors.min(), errors.max()
    said = [
        f"{low:.10g}" + (f" to {high:.10g}" if high > low else "") + " an error",
        f"{costs.deferral:.10g} a deferral",
    ]
    if costs.ood_share > 0:
        said.append(f"{costs.ood_accepted:.10g} an unseen (OOD) example accepted, {exact(costs.ood_share)} unseen")
    right = np.diag(costs.matrix)
    if right.any():
        said.append(f"{right.min():.10g} to {right.max():.10g} a right answer")
    return ", ".join(said)


def _risk_promise(found: Certificate, least: float | None, delta: float) -> str:
    if found.certified:
        return (
            f"At most {exact(found.target_risk)} of what is accepted is wrong, with {exact(1 - delta)} "
            f"confidence: certified on {found.n:,} calibration examples, of which it accepts {found.n_accepted:,} and "
            f"{found.n_errors:,} of these are wrong."
        )
    needed = (
        f"about {found.n_needed:,} would be needed if the model errs as often as it did here"
        if found.n_needed
        else f"not even {MOST_TIMES} times as many like these would make it likely"
    )
    suggestion = (
        ""
        if least is None
        else f" The smallest risk that can be promised here is {exact(least)}: a suggestion, for a goal chosen after "
        "looking at these labels needs other examples to be certified on, or a share of the probability of error."
    )
    return (
        f"No threshold can promise at most {exact(found.target_risk)} wrong with {exact(1 - delta)} confidence "
        f"on {found.n:,} calibration examples; {needed}. Everything is deferred.{suggestion}"
    )


def _per_class_promise(found: ClassCertificates, names: tuple[str, ...], risk: float, delta: float) -> str:
    missing = [f"{names[c][:40]!r} ({_shortfall(found.certificates[c])})" for c in found.uncertified]
    n_certified, confidence = len(names) - len(missing), f"{exact(1 - delta)} confidence"
    promise = (
        f"At most {exact(risk)} of what is accepted is wrong, for each of {n_certified} predicted "
        f"class{'es, all together' if n_certified > 1 else ''} with {confidence}."
        if n_certified
        else f"For no predicted class can a threshold promise at most {exact(risk)} wrong with {confidence}."
    )
    more = f" and {len(missing) - _N_NAMED:,} more" if len(missing) > _N_NAMED else ""
    return promise + (f" Always deferred: {', '.join(missing[:_N_NAMED])}{more}." if missing else "")


def _shortfall(found: Certificate) -> str:
    return f"{found.n:,} examples, " + (f"about {found.n_needed:,} needed" if found.n_needed else "too many wrong")


def _value(goal: Goal) -> float:
    if goal.value is None:
        raise UqError(f"The goal {goal.kind} needs a value. Received none.")
    return goal.value
