"""The same goal for several models on the same examples: what each reaches, and which can be told apart.

All models are split alike. Each threshold is chosen on the calibration part; every figure and difference is of the
held-out part, where thresholds are fixed numbers and examples independent draws.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from uqcore.predictions import Predictions, same_examples
from uqcore.selection import (
    Difference,
    Estimate,
    RiskCoverageCurve,
    assess,
    clopper_pearson,
    holm,
    risk_coverage_curve,
    risk_difference,
    share_difference,
    threshold_at_coverage,
)
from uqcore.tuning.goals import Goal, Tuned, tune
from uqcore.tuning.split import CONFIDENCE, Study, study
from uqcore.types import UqError

Quantity = Literal["coverage", "accuracy", "risk"]
"""Of the share accepted at the goal, of the share right of all, of the share wrong at the same coverage."""

ALPHA = 0.05
"""What are told apart are so, all pairs of one quantity together, with this probability of any mistake."""

MOST_MODELS = 20
_MOST_ROWS = 1000  # of a curve
_ELSE = 0.8  # coverage at which risks are compared, where no model accepts anything at the goal


class OneOf(NamedTuple):
    """One of the models.

    Attributes:
        name, study, tuned: of the model; the goal's promise holds for all models together.
        accuracy: share of the held-out examples whose prediction is right.
        risk_at_coverage: share wrong of the held-out examples accepted by the threshold that is to accept
            `Comparison.coverage`.
        curve: risk against coverage on the held-out part.
    """

    name: str
    study: Study
    tuned: Tuned
    accuracy: Estimate
    risk_at_coverage: Estimate
    curve: RiskCoverageCurve


class Pair(NamedTuple):
    """Two models compared in one quantity.

    Attributes:
        first, second: their names.
        quantity: what is compared.
        difference: first minus second, with an interval at 95 % by itself; None where one of them accepts nothing.
        adjusted: its p-value by Holm over all pairs of this quantity; 1 where there is no difference to test.
    """

    first: str
    second: str
    quantity: Quantity
    difference: Difference | None
    adjusted: float

    @property
    def is_apart(self) -> bool:
        """Whether the two can be told apart."""
        return self.adjusted <= ALPHA


class Comparison(NamedTuple):
    """Made by `compare`.

    Attributes:
        models: in the order given.
        pairs: of every quantity every two models.
        coverage: at which risks are compared: what all models reach at the goal, in whole percents.
        goal: with ``n_models`` set.
    """

    models: tuple[OneOf, ...]
    pairs: tuple[Pair, ...]
    coverage: float
    goal: Goal


def compare(
    models: Mapping[str, Predictions], measure_id: str, goal: Goal, share: float = 0.5, seed: int = 0
) -> Comparison:
    """Tune every model to the goal, on the same split, and compare each two of them.

    A certified risk is certified for each at its part of delta, so that all promises hold together and whichever model
    is kept keeps its own.

    Args:
        models: name -> its predictions, of the same examples (`same_examples` puts them in one order).
        measure_id, goal, share, seed: as for `study` and `tune`.

    Raises:
        UqError: the predictions are not of the same examples, have no labels, or lack the measure; as `tune`.
    """
    if len(models) > MOST_MODELS:
        raise UqError(f"Expected at most {MOST_MODELS} models. Received {len(models)}; leave some out.")
    aligned = same_examples(models)
    if next(iter(aligned.values())).labels is None:
        raise UqError("Comparing models needs labels, to know which predictions are right. Received none.")
    shared = replace(goal, n_models=len(aligned))
    studies = {name: study(one, measure_id, share, seed) for name, one in aligned.items()}
    tuned = {name: tune(of, shared) for name, of in studies.items()}
    coverage = _common_coverage(goal, studies, tuned)
    limits = {name: threshold_at_coverage(of.calibration.measure, coverage) for name, of in studies.items()}
    return Comparison(
        tuple(_one(name, studies[name], tuned[name], limits[name]) for name in studies),
        _pairs(studies, tuned, limits),
        coverage,
        shared,
    )


def _common_coverage(goal: Goal, studies: Mapping[str, Study], tuned: Mapping[str, Tuned]) -> float:
    """What all models accept of the calibration part, in whole percents rounded down."""
    if goal.kind == "coverage" and goal.value is not None:
        return goal.value
    reached = [of.calibration.assess_policy(tuned[name].policy).coverage.value for name, of in studies.items()]
    whole = math.floor(100 * min((one for one in reached if one > 0), default=_ELSE) + 1e-9) / 100
    return max(whole, 0.01)


def _one(name: str, of: Study, tuned: Tuned, limit: float) -> OneOf:
    part = of.held_out
    assert part.correct is not None
    n, right = len(part.correct), int(np.count_nonzero(part.correct))
    return OneOf(
        name,
        of,
        tuned,
        Estimate(right / n, *clopper_pearson(right, n, CONFIDENCE)),
        assess(part.ranking, limit, CONFIDENCE).risk,
        risk_coverage_curve(part.ranking.table(_MOST_ROWS)),
    )


def _pairs(studies: Mapping[str, Study], tuned: Mapping[str, Tuned], limits: Mapping[str, float]) -> tuple[Pair, ...]:
    accepted: dict[str, NDArray[np.bool_]] = {}
    right, kept = dict(accepted), dict(accepted)
    for name, of in studies.items():
        part = of.held_out
        assert part.correct is not None
        accepted[name] = tuned[name].policy.decide_measured(part.measure, part.predicted, part.group)
        right[name], kept[name] = part.correct, part.measure <= limits[name]
    couples, pairs = list(combinations(studies, 2)), []
    differences: dict[Quantity, list[Difference | None]] = {
        "coverage": [share_difference(accepted[a], accepted[b], CONFIDENCE) for a, b in couples],
        "accuracy": [share_difference(right[a], right[b], CONFIDENCE) for a, b in couples],
        "risk": [risk_difference([kept[a], kept[b]], [~right[a], ~right[b]], CONFIDENCE) for a, b in couples],
    }
    for quantity, found in differences.items():
        adjusted = holm([1.0 if one is None else one.p for one in found])
        for (a, b), one, p in zip(couples, found, adjusted.tolist(), strict=True):
            pairs.append(Pair(a, b, quantity, one, p))
    return tuple(pairs)


HOW = (
    "Differences are of the held-out part, first minus second, with 95 % intervals, each by itself: of coverage and "
    "accuracy Newcombe's paired interval and the exact McNemar test, of risk at the same coverage score intervals "
    "combined (MOVER). p is adjusted for the number of pairs (Holm); above 0.05 two models cannot be told apart."
)
"""How models are told apart, for a caption."""

WHAT: dict[Quantity, str] = {
    "coverage": "accepted at the goal",
    "accuracy": "accuracy",
    "risk": "wrong at the same coverage",
}
"""Quantity -> what people call it."""


def what_is_compared(seen: Comparison) -> str:
    """The goal, and what is promised to whom."""
    n, first = len(seen.models), seen.models[0]
    n_held_out = len(first.study.held_out.measure)
    start = f"{n} models on {len(first.study.predictions):,} examples, {n_held_out:,} of them held out. "
    if seen.goal.kind not in ("risk", "precision"):
        return f"{start}The goal of each: {first.tuned.policy.target.sentence}."
    certified = [one.name[:40] for one in seen.models if one.tuned.policy.certified]
    said = f"{start}The goal of each: {first.tuned.policy.target.sentence}, for all {n} together. "
    if not certified:
        return f"{said}No model reaches it."
    who = "All reach it" if len(certified) == n else f"Certified for {', '.join(certified)} alone"
    return f"{said}{who}, each at its share of the probability of error, so that any may be kept."


def told(pair: Pair) -> str:
    """One line on two models."""
    start = f"{WHAT[pair.quantity]}: {pair.first[:40]} and {pair.second[:40]}"
    if pair.difference is None:
        return f"{start}: nothing to compare, for one of them accepts nothing."
    value, low, high = (f"{100 * one:+.2f}" for one in pair.difference[:3])
    verdict = "differ" if pair.is_apart else "cannot be told apart"
    p = "p < 0.0001" if pair.adjusted < 1e-4 else f"p = {pair.adjusted:.2g}"
    return f"{start} {verdict}: {value} points ({low} to {high}), {p}."
