from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pytest

from uqcore.selection import rank
from uqcore.selection.cost import Costs, expected_cost
from uqcore.selection.gaps import ROUNDING, clearance
from uqcore.selection.optimum import Optimum, cheapest, cheapest_per_class, rank_outcomes
from uqcore.selection.outcomes import count_outcomes
from uqcore.types import FloatArray, IntArray, UqError


class Examples(NamedTuple):
    measure: FloatArray
    predicted: IntArray
    labels: IntArray
    ood_measure: FloatArray
    ood_predicted: IntArray


def some_examples(seed: int, n: int = 60, m: int = 25, n_classes: int = 3) -> Examples:
    """Random ones; a measure of one decimal makes many of them tie."""
    rng = np.random.default_rng(seed)
    return Examples(
        rng.random(n).round(1).astype(np.float32),
        rng.integers(n_classes, size=n),
        rng.integers(n_classes, size=n),
        rng.random(m).round(1).astype(np.float32),
        rng.integers(n_classes, size=m),
    )


def some_costs(seed: int, n_classes: int = 3) -> Costs:
    rng = np.random.default_rng(seed)
    return Costs(rng.random((n_classes, n_classes)), float(rng.random()), float(rng.random() * 3), float(rng.random()))


def cost_at(threshold: Any, examples: Examples, costs: Costs) -> float:
    measure, predicted, labels, ood_measure, ood_predicted = examples
    counts = count_outcomes(threshold, measure, predicted, labels, len(costs.matrix), ood_measure, ood_predicted)
    return expected_cost(counts, costs)


def test_optimum_by_hand() -> None:
    """Right, right, wrong, right, wrong: three accepted at 0.3 cost 1 error and 2 deferrals, four 1 error and 1."""
    found = cheapest([0.1, 0.2, 0.3, 0.4, 0.5], [0] * 5, [0, 0, 1, 0, 1], Costs.uniform(2, deferral=0.7))
    assert 0.4 < found.threshold < 0.5
    assert found[1:4] == pytest.approx((1000 * (1 + 0.7) / 5, 0.8, 0.25))
    assert np.isnan(found.ood_accepted)
    assert (found.accept_all_cost, found.defer_all_cost) == pytest.approx((400, 700))
    cheaper = cheapest([0.1, 0.2, 0.3, 0.4, 0.5], [0] * 5, [0, 0, 1, 0, 1], Costs.uniform(2, deferral=0.3))
    assert 0.2 < cheaper.threshold < 0.3


def test_chow_rule_holds_for_calibrated_confidence() -> None:
    """Of the ten examples with measure u just 10 u are wrong: accept up to u = deferral / error (Chow 1970)."""
    measure = np.repeat(np.arange(10) / 10, 10)
    labels = np.concatenate([np.arange(10) < n_wrong for n_wrong in range(10)]).astype(int)
    for deferral, value in [(0.31, 0.3), (0.29, 0.2), (0.75, 0.7), (0.05, 0)]:
        found = cheapest(measure, np.zeros(100, int), labels, Costs.uniform(2, deferral=deferral))
        assert value < found.threshold < value + 0.1
        scaled = Costs.uniform(2, error=50, deferral=50 * deferral)
        assert cheapest(measure, np.zeros(100, int), labels, scaled).threshold == found.threshold


@pytest.mark.parametrize("seed", range(5))
def test_curve_and_optimum_agree_with_a_loop_over_thresholds(seed: int) -> None:
    examples, costs = some_examples(seed), some_costs(seed)
    curve = rank_outcomes(*examples[:3], 3, examples.ood_measure).curve(costs)
    values = np.unique(np.concatenate([examples.measure, examples.ood_measure])).astype(float)
    np.testing.assert_allclose(curve.thresholds, [-np.inf, *values], rtol=0, atol=1e-11)
    assert (curve.thresholds[1:] > values + clearance(values)).all()
    assert curve.cost == pytest.approx([cost_at(threshold, examples, costs) for threshold in curve.thresholds])
    found = cheapest(*examples[:3], costs, examples.ood_measure)
    assert found.cost == pytest.approx(curve.cost.min())
    assert found.cost == pytest.approx(cost_at(found.threshold, examples, costs))
    assert (np.abs(values - found.threshold) > clearance(values)).all()
    assert found.coverage == np.mean(examples.measure.astype(float) <= found.threshold)
    assert found.accept_all_cost == pytest.approx(cost_at(np.inf, examples, costs))
    assert found.defer_all_cost == pytest.approx(1000 * costs.deferral)


def test_the_other_axes_are_those_of_the_ranking() -> None:
    measure, predicted, labels, ood_measure, _ = some_examples(7)
    curve = rank_outcomes(measure, predicted, labels, 3, ood_measure).curve(some_costs(7))
    ranking = rank(measure, predicted == labels, ood_measure)
    accepted = [ranking.at(threshold) for threshold in curve.thresholds]
    assert curve.coverage == pytest.approx([a.coverage for a in accepted])
    assert curve.risk == pytest.approx([1 - a.accuracy for a in accepted], nan_ok=True)
    assert curve.ood_accepted == pytest.approx([a.ood_accepted for a in accepted])


def test_free_deferral_defers_every_error_and_dear_deferral_accepts_all() -> None:
    measure, wrong = np.array([0.1, 0.2, 0.3]), np.array([1, 0, 0])
    free = cheapest(measure, [0, 0, 0], wrong, Costs.uniform(2, deferral=0))
    assert (free.threshold, free.cost, free.coverage) == (-np.inf, 0, 0)
    assert np.isnan(free.risk)
    dear = cheapest(measure, [0, 0, 0], wrong, Costs.uniform(2, deferral=10))
    assert 0.3 + clearance(measure).max() < dear.threshold < 0.3 + 1e-11
    assert dear.coverage == 1
    assert dear.cost == dear.accept_all_cost == pytest.approx(1000 / 3)


def test_of_equally_cheap_thresholds_the_lowest_that_accepts_most_is_taken() -> None:
    """The wrong example at 0.2 costs as much as a deferral; OOD costs nothing, but need not be let in either."""
    costs = Costs.uniform(2, error=1, deferral=1)
    assert 0.2 < cheapest([0.1, 0.2], [0, 0], [1, 1], costs, ood_measure=[0.05, 0.15, 0.3]).threshold < 0.3


def test_ood_moves_the_optimum_by_its_assumed_share_and_not_by_its_number() -> None:
    measure, predicted = np.array([0.1, 0.2, 0.3, 0.4]), np.zeros(4, int)
    costs = Costs.uniform(2, deferral=1, ood_accepted=10, ood_share=0.5)
    few = cheapest(measure, predicted, predicted, costs, ood_measure=[0.25, 0.5])
    assert 0.2 < few.threshold < 0.25
    assert few.ood_accepted == 0
    assert few.cost == pytest.approx(1000 * (0.5 * 0.5 + 0.5 * 1))
    assert cheapest(measure, predicted, predicted, costs, ood_measure=[0.25, 0.5] * 50) == few
    rare = cheapest(measure, predicted, predicted, replace(costs, ood_share=0.01), ood_measure=[0.25, 0.5])
    assert 0.4 < rare.threshold < 0.5
    assert rare.ood_accepted == 0.5


@pytest.mark.parametrize("seed", range(3))
def test_per_class_agrees_with_every_combination_of_thresholds(seed: int) -> None:
    examples, costs = some_examples(seed, n=12, m=5, n_classes=2), some_costs(seed + 10, n_classes=2)
    found = cheapest_per_class(*examples[:3], costs, *examples[3:])
    values = [-np.inf, *np.unique(np.concatenate([examples.measure, examples.ood_measure])).astype(float)]
    every = [cost_at(thresholds, examples, costs) for thresholds in product(values, values)]
    assert found.cost == pytest.approx(min(every))
    assert found.cost == pytest.approx(cost_at(found.thresholds, examples, costs))
    assert found.counts.n_examples == 12
    assert found.n_examples.tolist() == np.bincount(examples.predicted, minlength=2).tolist()


def test_per_class_is_never_dearer_than_a_shared_threshold() -> None:
    for seed in range(20):
        examples, costs = some_examples(seed), some_costs(seed)
        shared = cheapest(*examples[:3], costs, examples.ood_measure)
        assert cheapest_per_class(*examples[:3], costs, *examples[3:]).cost <= shared.cost + 1e-9


def test_a_class_that_was_never_predicted_is_deferred() -> None:
    found = cheapest_per_class([0.1, 0.2], [0, 2], [0, 2], Costs.uniform(3, deferral=1))
    np.testing.assert_allclose(found.thresholds, [0.1, -np.inf, 0.2], rtol=0, atol=1e-11)
    values = np.array([0.1, 0.2])
    assert (found.thresholds[[0, 2]] > values + clearance(values)).all()
    assert found.n_examples.tolist() == [1, 0, 1]


@pytest.mark.parametrize("varied", ["error", "deferral", "ood_accepted", "ood_share"])
def test_sweep_is_the_optimum_at_each_value(varied: Any) -> None:
    examples, costs = some_examples(3), some_costs(3)
    outcomes = rank_outcomes(*examples[:3], 3, examples.ood_measure)
    values = [0.0, 0.03, 0.2, 0.5, 0.77, 1.0]
    sweep = outcomes.sweep(costs, varied, values)

    def at(value: float) -> Optimum:
        changed: dict[str, Any] = {"matrix": value * costs.matrix} if varied == "error" else {varied: value}
        return outcomes.cheapest(replace(costs, **changed))

    expected = np.array([at(value)[:5] for value in values]).T
    assert sweep.values.tolist() == values
    for moved, column in zip(sweep[1:], expected, strict=True):
        assert moved == pytest.approx(column, nan_ok=True)


def test_dearer_deferral_never_lowers_coverage() -> None:
    examples = some_examples(4, n=400)
    outcomes = rank_outcomes(*examples[:3], 3)
    sweep = outcomes.sweep(Costs.uniform(3, deferral=0), "deferral", np.linspace(0, 1.2, 40))
    assert (np.diff(sweep.coverage) >= 0).all()
    assert (sweep.coverage[0], sweep.coverage[-1]) == (0, 1)


def test_costs_that_do_not_fit_the_examples_are_refused() -> None:
    examples = some_examples(5)
    with pytest.raises(UqError, match=r"An `ood_share` of 0.1 needs OOD examples"):
        cheapest(*examples[:3], Costs.uniform(3, deferral=1, ood_share=0.1))
    outcomes = rank_outcomes(*examples[:3], 3)
    with pytest.raises(UqError, match=r"must be of 3 classes, like the examples. Received: 2"):
        outcomes.curve(Costs.uniform(2, deferral=1))
    with pytest.raises(UqError, match=r"An `ood_share` of 0.5 needs OOD examples"):
        outcomes.sweep(Costs.uniform(3, deferral=1), "ood_share", [0, 0.5])
    with pytest.raises(UqError, match="Every cost must be a finite number"):
        outcomes.sweep(Costs.uniform(3, deferral=1), "deferral", [np.nan])
    with pytest.raises(UqError, match=r"`varied` must be one of error, deferral, ood_accepted, ood_share. Received: x"):
        outcomes.sweep(Costs.uniform(3, deferral=1), "x", [1])  # type: ignore[arg-type]
    with pytest.raises(UqError, match="Thresholds per class need `ood_predicted`"):
        cheapest_per_class(*examples[:3], Costs.uniform(3, deferral=1), examples.ood_measure)


@pytest.mark.parametrize("steps", [3.0, 4.5, 5.5, 8.0])
def test_the_cheapest_threshold_is_clear_of_two_values_however_close(steps: float) -> None:
    """Two values a few roundings apart: one is accepted if they can be told apart, both or none if not."""
    measure = np.array([0, steps * ROUNDING])
    found = cheapest(measure, [0, 0], [0, 1], Costs.uniform(2, deferral=0.6))
    assert found.coverage == np.mean(measure <= found.threshold) == (0.5 if steps > 4 else 1)
    assert (np.abs(measure - found.threshold) > clearance(measure)).all()
