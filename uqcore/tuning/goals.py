"""From predictions and a goal to a threshold, on the evidence of two parts: one to choose on, one to judge on.

The threshold lab and ``python -m uqcore tune`` both do this.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal, NamedTuple

import numpy as np

from uqcore.selection import (
    Assessment,
    Certificate,
    ClassCertificates,
    Costs,
    Estimate,
    GroupCertificates,
    Optimum,
    PerClassOptimum,
    Procedure,
    Target,
    ThresholdPolicy,
    WeightedCertificate,
    certify,
    certify_per_class,
    certify_per_group,
    certify_weighted,
    clopper_pearson,
    cost_interval,
    groups_of,
    rank,
    smallest_of,
    smallest_risk,
    threshold_at_coverage,
    threshold_at_ood_share,
    threshold_for_budget,
    weighted_shares,
)
from uqcore.selection.certified import EMPTY
from uqcore.selection.groups import group_name
from uqcore.text import exact_percent as exact
from uqcore.tuning.promises import (
    bounded_risk,
    budget_promise,
    group_promise,
    per_class_promise,
    precision_promise,
    prices,
    risk_promise,
    weighted_promise,
    what_was_tried,
)
from uqcore.tuning.split import CONFIDENCE, Study, study
from uqcore.types import UqError

__all__ = ["ROUND_RISKS", "Goal", "Kind", "Study", "Tuned", "round_risk", "study", "tune"]

Kind = Literal["risk", "precision", "cost", "coverage", "budget", "ood_accepted", "manual"]

ROUND_RISKS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
"""Figures for a risk among which `round_risk` chooses."""


@dataclass(frozen=True)
class Goal:
    """What a threshold is to do.

    Attributes:
        kind: which of the following it is.
        value: the risk, precision, coverage, share deferred (``budget``) or OOD share in 0..1; for ``manual`` the
            threshold; None for ``cost``.
        delta: the probability with which what is promised may fail to hold: of ``risk``, ``precision``, ``budget``.
        procedure: of a certified ``risk`` or ``precision``.
        costs: for ``cost``.
        per_class: a threshold for each predicted class; ``risk`` and ``cost`` alone have that.
        per_group: a threshold for each group of examples, certified so that all hold at once; ``risk`` alone has that.
        weighted: the share of weight that is wrong, in place of the share of examples; ``risk`` alone has that.
        n_tried: among how many figures for the risk, all fixed beforehand, ``value`` was chosen after looking at the
            calibration examples. Each has its share of ``delta``, so that what is promised holds for whichever is kept.
        n_models: among how many models, all looked at on these examples, this one was chosen; they share ``delta`` too.
        positive: for ``precision``, the number of the class whose accepted predictions are to be right so often.
        per: for ``budget``, how many examples come a day, of which ``value`` may be deferred.
    """

    kind: Kind
    value: float | None = None
    delta: float = 0.05
    procedure: Procedure = "ltt"
    costs: Costs | None = None
    per_class: bool = False
    n_tried: int = 1
    n_models: int = 1
    positive: int | None = None
    per: int | None = None
    per_group: bool = False
    weighted: bool = False

    @property
    def level(self) -> float:
        """The share of ``delta`` that one figure of one model has."""
        n = self.n_tried * self.n_models
        return self.delta / n if n > 1 else self.delta


class Tuned(NamedTuple):
    """A threshold with its evidence.

    Attributes:
        policy: the rule, to be saved.
        promise: one sentence: what holds, and on what evidence.
        assessment: what the held-out part shows.
        certificate: of a ``risk`` goal: one, or one for each predicted class or group.
        optimum: of a ``cost`` goal: one, or one for each predicted class.
        recall: of a ``precision`` goal: the share of the positive class's held-out examples that is accepted as it.
        smallest_risk: what could be certified where the risk asked for cannot; None if nothing, or if it can.
    """

    policy: ThresholdPolicy
    promise: str
    assessment: Assessment
    certificate: Certificate | ClassCertificates | GroupCertificates | WeightedCertificate | None = None
    optimum: Optimum | PerClassOptimum | None = None
    smallest_risk: float | None = None
    recall: Estimate | None = None


def tune(study: Study, goal: Goal) -> Tuned:
    """Choose on the calibration part what `Goal` asks for, and judge it on the held-out part.

    Raises:
        UqError: the goal needs labels or OOD examples that are not there, or a value of it is out of range.
    """
    if goal.per_class and goal.kind not in ("risk", "cost"):
        raise UqError(f"Thresholds per class are chosen for a risk or for costs. Received the goal {goal.kind}.")
    if goal.weighted:
        return _weighted(study, goal)
    if goal.per_group:
        return _per_group(study, goal)
    return _TUNERS[goal.kind](study, goal)


def round_risk(study: Study, delta: float = 0.05, procedure: Procedure = "ltt") -> float | None:
    """The smallest of `ROUND_RISKS` that can be certified on the calibration part although it is chosen on it, as a
    `Goal` of ``n_tried=len(ROUND_RISKS)``; None without labels or where none can. See `smallest_of`."""
    if not study.has_labels:
        return None
    return smallest_of(study.calibration.ranking, ROUND_RISKS, delta, procedure)


def _risk(study: Study, goal: Goal) -> Tuned:
    if goal.n_tried < 1 or goal.n_models < 1:
        raise UqError(f"`n_tried` and `n_models` must be positive. Received: {goal.n_tried} and {goal.n_models}.")
    part, risk, delta, level = study.calibration, _value(goal), goal.delta, goal.level
    correct = part.predicted == part.known_labels()
    found: Certificate | ClassCertificates
    least = None
    if goal.per_class:
        found = certify_per_class(part.measure, correct, part.predicted, part.n_classes, risk, level, goal.procedure)
        thresholds = tuple(float(threshold) for threshold in found.thresholds)
        certified = len(found.uncertified) < part.n_classes
        promise = per_class_promise(found, study.predictions.class_names, risk, delta)
    else:
        found = certify(part.ranking, risk, level, goal.procedure)
        thresholds, certified = (found.threshold,), found.certified
        least = None if certified else smallest_risk(part.ranking, risk, level, goal.procedure)
        promise = risk_promise(found, least, delta)
    if certified:
        promise += what_was_tried(goal.n_tried, goal.n_models, risk, delta)
    if certified and part.ood_measure is not None:
        promise += " Unseen (OOD) examples that are accepted come on top."
    target = Target(
        "risk",
        risk,
        f"at most {exact(risk)} of the accepted wrong, with {exact(1 - delta)} confidence",
    )
    tuned = _tuned(study, thresholds, target, goal.procedure, promise, delta, certified)
    return tuned._replace(certificate=found, smallest_risk=least)


def _weighted(study: Study, goal: Goal) -> Tuned:
    """A threshold for all examples, certified for the share of weight that is wrong."""
    part, held, risk = study.calibration, study.held_out, _value(goal)
    if goal.kind != "risk" or goal.per_class or goal.per_group:
        raise UqError("A weighted risk is certified with one threshold for all. Received another goal, or several.")
    if part.weight is None or held.weight is None:
        raise UqError(
            "A weighted risk needs a column of weights. Received none; name one `weight`, with a finite number of 0 or "
            "more in every row."
        )
    right = part.predicted == part.known_labels()
    most = float(held.weight.max(initial=0))
    if not most > 0:
        raise UqError("A weighted risk needs weights above 0. Received nothing but zeros; correct them, or go without.")
    found = certify_weighted(part.measure, right, part.weight, most, risk, goal.level)
    seen = weighted_shares(held.measure <= found.threshold, held.predicted == held.known_labels(), held.weight)
    promise = weighted_promise(found, seen, goal.delta)
    if found.certified:
        promise += what_was_tried(goal.n_tried, goal.n_models, risk, goal.delta)
    target = Target(
        "risk", risk, f"at most {exact(risk)} of the weight accepted wrong, with {exact(1 - goal.delta)} confidence"
    )
    tuned = _tuned(study, (found.threshold,), target, "betting", promise, goal.delta, found.certified)
    return tuned._replace(certificate=found)


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
    said = prices(goal.costs)
    target = Target("cost", optimum.cost, f"the least expected cost on the calibration examples, at {said}")
    promise = (
        f"At {said}: cheapest on {len(part.measure):,} calibration examples, at {optimum.cost:.4g} per 1,000 "
        f"examples. The {len(study.held_out.measure):,} held out cost {seen.cost:.4g} per 1,000 ({seen.low:.4g} to "
        f"{seen.high:.4g}, 95 % bootstrap interval)."
    )
    return _tuned(study, thresholds, target, "cost", promise)._replace(optimum=optimum)


def _coverage(study: Study, goal: Goal) -> Tuned:
    part, coverage = study.calibration, _value(goal)
    threshold = threshold_at_coverage(part.measure, coverage)
    target = Target("coverage", coverage, f"accept at least {exact(coverage)} of the examples")
    promise = f"Accepts at least {exact(coverage)} of {len(part.measure):,} calibration examples, the surest ones."
    promise += bounded_risk(study.held_out.assess((threshold,)), goal.delta, study.has_labels)
    return _tuned(study, (threshold,), target, "coverage", promise)


def _per_group(study: Study, goal: Goal) -> Tuned:
    """A threshold for each group that the file names, certified on its own examples; all promises hold at once."""
    part, risk, group = study.calibration, _value(goal), study.predictions.group
    if goal.kind != "risk" or goal.per_class:
        raise UqError(f"Thresholds by group are chosen for a risk. Received the goal {goal.kind}.")
    if group is None or part.group is None:
        raise UqError("Thresholds by group need a column that says of which group each example is. Received none.")
    names = groups_of(group).names
    place = {name: g for g, name in enumerate(names)}
    codes = np.array([place[group_name(cell)] for cell in part.group.tolist()], np.int64)
    correct = part.predicted == part.known_labels()
    found = certify_per_group(part.measure, correct, codes, names, risk, goal.level, goal.procedure)
    certified = len(found.uncertified) < len(names)
    sentence = f"at most {exact(risk)} of the accepted wrong in every group, with {exact(1 - goal.delta)} confidence"
    promise = group_promise(found, risk, goal.delta)
    if certified:
        promise += what_was_tried(goal.n_tried, goal.n_models, risk, goal.delta)
    thresholds = tuple(float(threshold) for threshold in found.thresholds)
    target = Target("risk", risk, sentence)
    made = _tuned(study, thresholds, target, goal.procedure, promise, goal.delta, certified, names)
    return made._replace(certificate=found)


def _budget(study: Study, goal: Goal) -> Tuned:
    part, share = study.calibration, _value(goal)
    threshold = threshold_for_budget(part.measure, share, goal.delta)
    said = f"defer at most {exact(share)} of the examples"
    if goal.per is not None:
        said = f"defer at most {share * goal.per:,.6g} of {goal.per:,} examples"
    target = Target("coverage", 1 - share, f"{said}, with {exact(1 - goal.delta)} confidence")
    promise = budget_promise(part.measure, threshold, said, goal.delta, goal.per)
    promise += bounded_risk(study.held_out.assess((threshold,)), goal.delta, study.has_labels)
    return _tuned(study, (threshold,), target, "coverage", promise)


def _precision(study: Study, goal: Goal) -> Tuned:
    """A threshold for one predicted class; all others are deferred, for nothing is promised of them."""
    part, precision, names = study.calibration, _value(goal), study.predictions.class_names
    labels, held = part.known_labels(), study.held_out
    if goal.positive is None or not 0 <= goal.positive < part.n_classes:
        raise UqError(f"A goal of precision needs a class from 0 to {part.n_classes - 1}. Received: {goal.positive}.")
    if not 0 < precision < 1:
        raise UqError(f"A precision must be between 0 and 1, both excluded. Received: {precision}.")
    mine = part.predicted == goal.positive
    ranking = rank(part.measure[mine], labels[mine] == goal.positive) if mine.any() else EMPTY
    found = certify(ranking, round(1 - precision, 12), goal.level, goal.procedure)
    thresholds = tuple(found.threshold if k == goal.positive else -math.inf for k in range(part.n_classes))
    positives = held.known_labels() == goal.positive
    hits = positives & (held.predicted == goal.positive) & (held.measure <= found.threshold)
    n_hits, n_positives = int(hits.sum()), int(positives.sum())
    recall = Estimate(
        n_hits / n_positives if n_positives else math.nan, *clopper_pearson(n_hits, n_positives, CONFIDENCE)
    )
    name = repr(names[goal.positive][:40])
    sentence = f"at least {exact(precision)} of what is accepted as {name} is, with {exact(1 - goal.delta)} confidence"
    promise = precision_promise(found, name, precision, goal.delta, recall, n_positives)
    if found.certified:
        promise += what_was_tried(goal.n_tried, goal.n_models, 1 - precision, goal.delta)
    target = Target("risk", round(1 - precision, 12), sentence)
    tuned = _tuned(study, thresholds, target, goal.procedure, promise, goal.delta, found.certified)
    return tuned._replace(certificate=found, recall=recall)


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


_TUNERS = {
    "risk": _risk,
    "precision": _precision,
    "cost": _cost,
    "coverage": _coverage,
    "budget": _budget,
    "ood_accepted": _ood,
    "manual": _manual,
}


def _tuned(
    study: Study,
    thresholds: tuple[float, ...],
    target: Target,
    procedure: str,
    promise: str,
    delta: float | None = None,
    certified: bool = False,
    groups: tuple[str, ...] | None = None,
) -> Tuned:
    roles = study.predictions.roles
    assessment = study.held_out.assess(thresholds) if groups is None else None
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
        coverage=None if assessment is None else assessment.coverage,
        risk=None if assessment is None else assessment.risk,
        confidence=CONFIDENCE,
        created=datetime.now(UTC).date().isoformat(),
        fingerprint=study.predictions.fingerprint,
        roles=None if roles is None or roles.is_documented else roles.to_dict(),
        groups=groups,
    )
    if assessment is None:  # by a rule that asks for a group
        assessment = study.held_out.assess_policy(policy)
        policy = replace(policy, coverage=assessment.coverage, risk=assessment.risk)
    return Tuned(policy, promise, assessment)


def _value(goal: Goal) -> float:
    if goal.value is None:
        raise UqError(f"The goal {goal.kind} needs a value. Received none.")
    return goal.value
