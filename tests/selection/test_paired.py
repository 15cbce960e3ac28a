"""Paired differences: a published example, identities, tests by hand, simulation, the bootstrap as a second way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from uqcore.selection import holm, mcnemar, risk_difference, share_difference, wilson
from uqcore.types import UqError


def cells(both: int, only_first: int, only_second: int, neither: int) -> tuple[NDArray[Any], NDArray[Any]]:
    counts = (both, only_first, only_second, neither)
    return np.repeat([True, True, False, False], counts), np.repeat([True, False, True, False], counts)


def test_newcombes_own_example() -> None:
    seen = share_difference(*cells(36, 12, 2, 0))
    assert (seen.value, round(seen.low, 4), round(seen.high, 4)) == (0.2, 0.0569, 0.3404)  # Newcombe 1998, method 10


def test_mcnemar_by_hand() -> None:
    assert mcnemar(0, 0) == mcnemar(3, 3) == 1
    assert mcnemar(5, 0) == mcnemar(0, 5) == 2 / 2**5
    assert mcnemar(1, 4) == 2 * (1 + 5) / 2**5
    assert share_difference(*cells(90, 5, 0, 5)).p == mcnemar(5, 0)


def test_wilson_solves_its_equation_and_holds_its_ends() -> None:
    for count, n in ((0, 10), (3, 10), (10, 10), (1, 1000)):
        for end in wilson(count, n):
            if 0 < end < 1:  # where the normal test of `end` just fails
                assert abs(count / n - end) == pytest.approx(1.959964 * (end * (1 - end) / n) ** 0.5, rel=1e-5)
    assert wilson(0, 0) == (0, 1)
    assert wilson(0, 5)[0] == 0
    assert wilson(5, 5)[1] == 1


def test_the_other_way_round_it_is_the_negative() -> None:
    rng = np.random.default_rng(0)
    accepted, wrong = rng.random((2, 200)) < 0.7, rng.random((2, 200)) < 0.2
    one, other = share_difference(*accepted), share_difference(*accepted[::-1])
    assert (other.value, other.low, other.high) == pytest.approx((-one.value, -one.high, -one.low))
    risk, turned = risk_difference([*accepted], [*wrong]), risk_difference([*accepted[::-1]], [*wrong[::-1]])
    assert risk is not None
    assert turned is not None
    assert (turned.value, turned.low, turned.high) == pytest.approx((-risk.value, -risk.high, -risk.low))
    assert turned.p == pytest.approx(risk.p)


def test_a_rule_does_not_differ_from_itself() -> None:
    rng = np.random.default_rng(0)
    accepted, wrong = rng.random(300) < 0.7, rng.random(300) < 0.2
    seen = risk_difference([accepted, accepted], [wrong, wrong])
    assert seen is not None
    assert (seen.value, seen.p) == (0, 1)
    assert seen.low <= 0 <= seen.high
    assert share_difference(accepted, accepted).p == 1


def test_no_error_is_no_certainty() -> None:
    seen = risk_difference([np.ones(20, bool)] * 2, [np.zeros(20, bool)] * 2)
    assert seen is not None
    assert seen.low < -0.1 < 0.1 < seen.high  # where a bootstrap would say (0, 0)


def test_nothing_accepted_has_no_risk() -> None:
    assert risk_difference([np.ones(5, bool), np.zeros(5, bool)], [np.zeros(5, bool)] * 2) is None


def test_the_p_value_is_the_level_at_which_the_interval_touches_zero() -> None:
    rng = np.random.default_rng(2)
    accepted = rng.random((2, 400)) < np.array([[0.9], [0.7]])
    wrong = rng.random((2, 400)) < np.array([[0.2], [0.12]])
    seen = risk_difference([*accepted], [*wrong])
    assert seen is not None
    touching = risk_difference([*accepted], [*wrong], 1 - seen.p)
    assert touching is not None
    assert min(abs(touching.low), abs(touching.high)) == pytest.approx(0, abs=1e-9)


def draw(n: int, rng: np.random.Generator) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
    """Two models with scores, and errors, that go together."""
    u = rng.random(n)
    v, x = 0.6 * u + 0.4 * rng.random(n), rng.random(n)
    y = np.where(rng.random(n) < 0.7, x, rng.random(n))
    return [u < 0.8, v < 0.6], [x < 0.08 * u, y < 0.1 * u]


def test_the_interval_of_risks_holds_the_truth_and_agrees_with_the_bootstrap() -> None:
    rng = np.random.default_rng(0)
    accepted, wrong = draw(2_000_000, rng)
    truth = np.mean(wrong[0][accepted[0]]) - np.mean(wrong[1][accepted[1]])
    found = [risk_difference(*draw(500, rng)) for _ in range(400)]
    assert np.mean([one is not None and one.low <= truth <= one.high for one in found]) > 0.93
    accepted, wrong = draw(5000, rng)
    rows = rng.integers(0, 5000, (1000, 5000))
    risks = [(w & a)[rows].sum(axis=1) / a[rows].sum(axis=1) for a, w in zip(accepted, wrong, strict=True)]
    seen = risk_difference(accepted, wrong)
    assert seen is not None
    assert (seen.low, seen.high) == pytest.approx(np.quantile(risks[0] - risks[1], [0.025, 0.975]), abs=0.0015)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]).tolist() == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.6, 0.7]).tolist() == [1, 1]
    assert holm([]).tolist() == []


def test_what_does_not_fit_is_said() -> None:
    with pytest.raises(UqError, match="second"):
        share_difference(np.ones(3, bool), np.ones(4, bool))
    with pytest.raises(UqError, match="at least one"):
        share_difference(np.ones(0, bool), np.ones(0, bool))
