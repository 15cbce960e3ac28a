"""Intervals and cliques against SciPy and hand values."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from uqcore.scoreboard.statistics import holm, mean_of, not_told_from_best, over_seeds, paired_p, wilson

VALUES = [0.91, 0.95, 0.93, 0.99, 0.90]
NOBODY: frozenset[str] = frozenset()


@pytest.mark.parametrize("n", [1, 2, 7, 8, 10, 300])
def test_the_mean_is_numpys(n: int) -> None:
    values = np.random.default_rng(n).random(n).tolist()
    assert mean_of(values) == np.mean(values)


def test_the_interval_over_seeds_is_scipys() -> None:
    judge = scipy.stats.t.interval(0.95, 4, np.mean(VALUES), scipy.stats.sem(VALUES))
    assert over_seeds(VALUES) == pytest.approx(judge)


@pytest.mark.parametrize(("n_right", "n"), [(0, 10), (7, 10), (10, 10), (9_959, 10_000)])
def test_wilsons_interval_is_scipys(n_right: int, n: int) -> None:
    judge = scipy.stats.binomtest(n_right, n).proportion_ci(method="wilson")
    assert wilson(n_right / n, n) == pytest.approx((judge.low, judge.high), abs=1e-12)


def test_the_paired_test_is_scipys() -> None:
    other = [0.90, 0.96, 0.92, 0.97, 0.91]
    assert paired_p(VALUES, other) == pytest.approx(scipy.stats.ttest_rel(VALUES, other).pvalue)
    assert paired_p([0.93], other) == pytest.approx(scipy.stats.ttest_1samp(other, 0.93).pvalue)


def test_differences_that_do_not_vary_are_certain() -> None:
    assert paired_p(VALUES, VALUES) == 1
    assert paired_p(VALUES, [value - 0.5 for value in VALUES]) == 0


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1, 1]
    assert holm([]) == []


def runs(*values: float) -> dict[int, float]:
    return dict(enumerate(values))


def test_the_clique_is_what_cannot_be_told_from_the_best() -> None:
    able = {
        "best": runs(0.990, 0.992, 0.991),
        "near": runs(0.989, 0.993, 0.990),
        "far": runs(0.900, 0.903, 0.901),
        "alone": runs(0.999),
    }
    assert not_told_from_best(able, True, NOBODY) == {"best", "near"}
    assert not_told_from_best(able, False, NOBODY) == {"far"}


def test_a_control_without_chance_is_tested_by_its_one_run() -> None:
    able = {"net": runs(0.990, 0.992, 0.991), "pixels": runs(0.9909), "worse": runs(0.5)}
    assert not_told_from_best(able, True, frozenset({"pixels", "worse"})) == {"net", "pixels"}


def test_one_competitor_is_no_contest() -> None:
    assert not_told_from_best({"one": runs(0.9, 0.8)}, True, NOBODY) == set()
