"""Groups: intervals by SciPy's beta quantiles, plain recounts, and the guarantee for all at once over many draws."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta, binom

from uqcore.selection import assess_groups, certify, certify_per_group, groups_of, rank
from uqcore.selection.groups import MOST_GROUPS, NO_GROUP
from uqcore.types import UqError


def test_groups_are_numbered_by_name_and_an_empty_cell_is_one() -> None:
    groups = groups_of(np.array(["b", "", "a", "b"]))
    assert groups.names == (NO_GROUP, "a", "b")
    assert groups.codes.tolist() == [2, 0, 1, 2]
    with pytest.raises(UqError, match=rf"at most {MOST_GROUPS} groups. Received {MOST_GROUPS + 1}"):
        groups_of(np.arange(MOST_GROUPS + 1).astype(str))


def test_coverage_and_risk_of_a_group_by_hand() -> None:
    codes = np.array([0] * 10 + [1] * 4)
    accepted = np.array([True] * 8 + [False] * 2 + [False] * 4)
    correct = np.array([False] + [True] * 9 + [False] * 4)
    first, deferred, empty = assess_groups(accepted, correct, codes, ["a", "b", "c"])
    assert (first.n, first.n_accepted, first.n_errors) == (10, 8, 1)
    assert first.coverage is not None
    assert first.risk is not None
    assert first.coverage.value == 0.8
    assert first.risk.value == 0.125
    np.testing.assert_allclose(first.risk[1:], beta.ppf([0.025, 0.975], [1, 2], [8, 7]))
    np.testing.assert_allclose(first.coverage[1:], beta.ppf([0.025, 0.975], [8, 9], [3, 2]))
    assert (deferred.n, deferred.n_accepted, deferred.n_errors, deferred.risk) == (4, 0, 0, None)
    assert deferred.coverage is not None
    assert deferred.coverage.value == 0
    assert (empty.n, empty.coverage, empty.risk) == (0, None, None)
    unlabelled = assess_groups(accepted, None, codes, ["a", "b", "c"])
    assert [(seen.n_errors, seen.risk) for seen in unlabelled] == [(None, None)] * 3


def test_each_group_is_certified_by_itself_at_its_share_of_delta_and_small_ones_are_named() -> None:
    rng = np.random.default_rng(0)
    measure, codes = rng.random(3000), np.repeat([0, 1, 2], [1980, 1000, 20])
    correct = rng.random(3000) > 0.3 * measure**3
    found = certify_per_group(measure, correct, codes, ["a", "b", "small", "empty"], 0.05, 0.1)
    for g in range(3):
        # The small one and the empty one, of which nothing could be certified, have no part in delta.
        level = 0.1 / 2 if g < 2 else 0.1 / 4
        alone = certify(rank(measure[codes == g], correct[codes == g]), 0.05, level)
        assert found.thresholds[g] == alone.threshold
    assert [found.names[g] for g in found.uncertified] == ["small", "empty"]
    assert found.thresholds[2:].tolist() == [-np.inf, -np.inf]
    assert found.certificates[3].n == 0
    needed = found.certificates[2].n_needed
    assert needed is not None
    assert needed > 20


def test_a_group_of_which_all_is_certified_hands_its_share_on() -> None:
    rng = np.random.default_rng(1)
    measure, codes = rng.random(4000), np.repeat([0, 1, 2, 3], 1000)
    correct = rng.random(4000) > np.where(codes < 2, 0.001, 0.4 * measure**4)
    found = certify_per_group(measure, correct, codes, list("abcd"), 0.05, 0.05)
    assert found.thresholds[:2].tolist() == [np.inf, np.inf]
    for g in (2, 3):
        own = rank(measure[codes == g], correct[codes == g])
        alone, more = certify(own, 0.05, 0.05 / 4), certify(own, 0.05, 0.05 / 2, start_delta=0.05 / 4)
        assert found.thresholds[g] == more.threshold >= alone.threshold
        assert found.certificates[g].delta == 0.05 / 2


def test_a_larger_share_of_delta_certifies_what_a_smaller_one_did_and_more() -> None:
    rng = np.random.default_rng(2)
    for _ in range(40):
        measure = rng.random(600).round(2)
        own = rank(measure, rng.random(600) > 0.2 * measure)
        small = certify(own, 0.08, 0.01)
        assert certify(own, 0.08, 0.04, start_delta=0.01).threshold >= small.threshold


def test_easy_groups_that_hand_on_break_no_promise() -> None:
    """Two groups without errors hand their share to two whose whole would be too risky."""
    rng, delta, n_broken, n_draws = np.random.default_rng(5), 0.2, 0, 300
    for _ in range(n_draws):
        codes, measure = rng.integers(0, 4, 800), rng.random(800)
        correct = rng.random(800) >= np.where(codes < 2, 0.0, 0.24 * measure)
        found = certify_per_group(measure, correct, codes, list("abcd"), 0.1, delta)
        n_broken += bool((0.12 * np.clip(found.thresholds[2:], 0, 1) > 0.1).any())
    assert binom.sf(n_broken - 1, n_draws, delta) > 1e-4


def test_all_groups_keep_their_risk_at_once_as_often_as_promised() -> None:
    """In every group the risk of what lies below t is ``slope t / 2``: known for every threshold."""
    rng, delta, target, n_broken, n_draws = np.random.default_rng(4), 0.2, 0.1, 0, 300
    slopes = np.array([0.2, 0.3, 0.5, 0.9])
    for _ in range(n_draws):
        codes, measure = rng.integers(0, 4, 800), rng.random(800)
        correct = rng.random(800) >= slopes[codes] * measure
        found = certify_per_group(measure, correct, codes, list("abcd"), target, delta)
        risks = slopes * np.clip(found.thresholds, 0, 1) / 2
        n_broken += bool((risks > target).any())
    assert binom.sf(n_broken - 1, n_draws, delta) > 1e-4


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a\x07b", r"that can be seen\. Received others in 'a\\x07b'; give that group another name"),
        ("\u202ea", r"Received others in '\\u202ea'"),
        ("a\nb", r"Received others in 'a\\nb'"),
        ("x" * 1001, r"at most 1,000 characters that can be seen\. Received 1,001 of them in 'x{40}'; give that group"),
    ],
)
def test_a_name_that_no_policy_can_hold_is_told_with_what_to_do(name: str, message: str) -> None:
    with pytest.raises(UqError, match=message):
        groups_of(["b", name, "b"])
    assert groups_of(["b", "x" * 1000]).names == ("b", "x" * 1000)


def test_an_empty_cell_and_the_name_of_no_group_are_one_group() -> None:
    found = groups_of(["!", "", " (none) ", "b", "!"])
    assert found.names == ("(none)", "!", "b")
    assert found.codes.tolist() == [1, 0, 0, 2, 1]
