"""Several models to one goal: by hand, by the truth of simulated models, and what cannot be compared."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.prediction_files import calibrated
from uqcore.predictions import Predictions
from uqcore.selection import Costs, share_difference
from uqcore.tuning import Comparison, Goal, compare, study, tune
from uqcore.tuning.comparison import ALPHA, told, what_is_compared
from uqcore.types import UqError

N = 3000
GOOD = calibrated(N)


def worse(share: float, seed: int = 1) -> Predictions:
    """The same, but so many rows are those of other examples."""
    rng = np.random.default_rng(seed)
    rows = np.arange(N)
    moved = rng.random(N) < share
    rows[moved] = rng.permutation(rows[moved])
    return replace(GOOD, values=GOOD.values[:, rows])


def seen(goal: Goal, **others: Predictions) -> Comparison:
    return compare({"good": GOOD, **others}, "predictive_entropy", goal)


def test_all_promises_hold_together_and_figures_are_those_of_the_held_out_part() -> None:
    found = seen(Goal("risk", 0.3), other=worse(0.1), third=worse(0.5))
    assert found.goal.n_models == 3
    for one, predictions in zip(found.models, (GOOD, worse(0.1), worse(0.5)), strict=True):
        alone = tune(study(predictions, "predictive_entropy"), Goal("risk", 0.3, 0.05 / 3))
        assert one.tuned.policy.thresholds == alone.policy.thresholds
        held = study(predictions, "predictive_entropy").held_out
        assert held.correct is not None
        assert one.accuracy.value == np.mean(held.correct)
    parts = [one.study.held_out for one in found.models]
    rules = [p.measure <= one.tuned.policy.thresholds[0] for p, one in zip(parts, found.models, strict=True)]
    (pair,) = (p for p in found.pairs if (p.first, p.second, p.quantity) == ("good", "other", "coverage"))
    assert pair.difference == share_difference(rules[0], rules[1])
    assert "so that any may be kept" in what_is_compared(found)


def test_a_much_worse_model_is_told_apart_and_a_copy_is_not() -> None:
    found = seen(Goal("coverage", 0.7), copy=GOOD, bad=worse(0.6))
    apart = {(p.first, p.second, p.quantity): p.is_apart for p in found.pairs}
    assert len(apart) == 9
    for quantity in ("accuracy", "risk"):
        assert apart["good", "bad", quantity]
        assert not apart["good", "copy", quantity]
    assert found.coverage == 0.7
    (line,) = (told(p) for p in found.pairs if (p.second, p.quantity) == ("copy", "risk"))
    assert line.startswith("wrong at the same coverage: good and copy cannot be told apart: +0.00 points (")


def test_models_that_are_equally_good_are_rarely_told_apart() -> None:
    """All of one population, three models of the same skill: any mistake in a family of pairs at most in 5 of 100."""
    rng, mistakes, n_draws = np.random.default_rng(0), 0, 60
    for _ in range(n_draws):
        labels = rng.integers(0, 2, 300)
        models = {}
        for name in "abc":
            p = rng.beta(2, 1, 300)  # of the true class
            models[name] = Predictions(
                name, "probs", np.column_stack([np.where(labels == k, p, 1 - p) for k in (0, 1)]), ("0", "1"), labels
            )
        found = compare(models, "predictive_entropy", Goal("coverage", 0.6))
        mistakes += any(p.is_apart for p in found.pairs if p.quantity == "risk")
    assert mistakes <= 8  # 3 expected; more than 8 has a probability of 0.4 %
    assert ALPHA == 0.05


def test_a_model_that_accepts_nothing_is_said_to_and_the_rest_is_compared() -> None:
    found = seen(Goal("risk", 0.25), noise=worse(1.0))
    assert not found.models[1].tuned.policy.certified
    assert "Certified for good alone" in what_is_compared(found)
    assert {p.quantity for p in found.pairs} == {"coverage", "accuracy", "risk"}
    assert 0 < found.coverage < 1


def test_costs_and_thresholds_per_class() -> None:
    found = seen(Goal("cost", costs=Costs.uniform(3, deferral=0.3), per_class=True), bad=worse(0.6))
    assert [len(one.tuned.policy.thresholds) for one in found.models] == [3, 3]


def test_what_cannot_be_compared() -> None:
    with pytest.raises(UqError, match="needs labels"):
        compare({n: replace(GOOD, labels=None) for n in "ab"}, "predictive_entropy", Goal("coverage", 0.7))
    with pytest.raises(UqError, match="at most 20 models"):
        compare({str(i): GOOD for i in range(21)}, "predictive_entropy", Goal("coverage", 0.7))
