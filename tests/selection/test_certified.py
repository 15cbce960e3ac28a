"""Certified thresholds: a slow second way, MAPIE, and the guarantee itself over draws of known populations."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import beta, binom

from uqcore.selection import (
    Certificate,
    Procedure,
    Ranking,
    certify,
    certify_per_class,
    rank,
    smallest_of,
    smallest_risk,
)
from uqcore.selection.certified import MOST_TIMES
from uqcore.selection.gaps import clearance
from uqcore.types import FloatArray, IntArray, UqError

PROCEDURES: tuple[Procedure, ...] = ("ltt", "sgr")


class Population(NamedTuple):
    """Blocks of the measure, from the lowest up: the probability of each, and the risk in it."""

    shares: FloatArray
    risks: FloatArray
    discrete: bool = False

    def draw(self, n: int | tuple[int, int], rng: np.random.Generator) -> tuple[FloatArray, NDArray[np.bool_]]:
        """The measure, block b spread over (b, b + 1] or all of it at b + 1, and whether each example is right."""
        blocks = rng.choice(len(self.shares), n, p=self.shares)
        within = 0 if self.discrete else rng.random(n)
        return blocks + 1.0 - within, rng.random(n) >= self.risks[blocks]

    def draws(self, n_draws: int, n: int, rng: np.random.Generator) -> Iterator[Ranking]:
        """``n`` examples, ``n_draws`` times."""
        for first in range(0, n_draws, 100):
            measures, corrects = self.draw((min(100, n_draws - first), n), rng)
            yield from map(rank, measures, corrects)

    def risk_up_to(self, threshold: float) -> float:
        """The true risk of accepting ``measure <= threshold``."""
        part = np.clip(threshold - np.arange(len(self.shares)), 0, 1)
        accepted = self.shares * (np.floor(part) if self.discrete else part)
        return float(accepted @ self.risks / accepted.sum())


def rising(n_blocks: int, discrete: bool) -> Population:
    """A risk that rises from 1 % to 40 %."""
    return Population(np.full(n_blocks, 1 / n_blocks), 0.01 + 0.39 * np.linspace(0, 1, n_blocks) ** 2, discrete)


def crossing(target: float, discrete: bool) -> Population:
    """Blocks of no and of many errors in turn, so that the risk up to a block is 3 % above the target, or below it."""
    masses, risks, total, errors = [0.2], [target], 0.2, 0.2 * target
    for i in range(12):
        risk, goal = (0.5, 1.03 * target) if i % 2 == 0 else (0.0, 0.97 * target)
        mass = (goal * total - errors) / (risk - goal)
        masses.append(mass)
        risks.append(risk)
        total, errors = total + mass, errors + mass * risk
    return Population(np.array(masses) / total, np.array(risks), discrete)


def accepted_by(threshold: float, measure: FloatArray) -> NDArray[np.bool_]:
    return measure.astype(np.float64) <= threshold


def certify_slowly(
    measure: FloatArray, correct: NDArray[np.bool_], target: float, delta: float, procedure: Procedure
) -> int:
    """How many examples are accepted: every value is tested by itself, as the module's docstring tells it."""
    n = len(measure)
    n_starts = math.ceil(math.log2(n)) if procedure == "sgr" else 1
    fewest = next(k for k in range(10**6) if (1 - target) ** k <= delta / n_starts)
    if fewest > n:
        return 0
    n_pilot = min(math.isqrt(n), (n - fewest) // 8)
    pilot = np.random.default_rng(n).choice(n, math.isqrt(n), replace=False)[:n_pilot]
    is_tested = ~np.isin(np.arange(n), pilot)
    tested, right = measure[is_tested], correct[is_tested]

    def passes(threshold: float) -> bool:
        below = tested <= threshold
        return bool(binom.cdf((below & ~right).sum(), below.sum(), target) <= delta / n_starts)

    certified = 0
    for i in range(n_starts):
        step = i / (n_starts - 1) if procedure == "sgr" else 0.6
        share = (fewest / len(tested)) ** (1 - step)
        place = max(math.floor(share * n_pilot), 1) - 1
        start = np.inf if share == 1 else float(np.sort(measure[pilot])[place])
        for threshold in [start, *np.unique(measure[measure > start]).tolist()]:
            if not passes(threshold):
                break
            certified = max(certified, int((measure <= threshold).sum()))
    return certified


@pytest.mark.parametrize("procedure", PROCEDURES)
@pytest.mark.parametrize("n_levels", [8, 40, 10**6])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_threshold_is_what_testing_every_rank_gives(dtype: type, n_levels: int, procedure: Procedure) -> None:
    rng = np.random.default_rng(60)
    found = []
    for _ in range(8):
        measure: FloatArray = (rng.integers(0, n_levels, 260) / n_levels).astype(dtype)
        correct = rng.random(260) >= 0.3 * measure**3
        certificate = certify(rank(measure, correct), 0.1, 0.2, procedure)
        accepted = accepted_by(certificate.threshold, measure)
        assert certificate.n_accepted == accepted.sum() == certify_slowly(measure, correct, 0.1, 0.2, procedure)
        assert certificate.n_errors == (accepted & ~correct).sum()
        found.append(certificate.n_accepted)
    assert max(found) > 0


@pytest.mark.parametrize("procedure", PROCEDURES)
def test_a_certificate_by_hand(procedure: Procedure) -> None:
    """Of 29 right answers, (1 - 0.1)^29 = 0.047 passes at 0.05; shared among ceil(log2 29) = 5 starts it takes 44."""
    n = 29 if procedure == "ltt" else 52  # and ceil(log2 52) = 6, (1 - 0.1)^46 = 0.0079 <= 0.05 / 6
    certificate = certify(rank(np.arange(n, dtype=float), np.ones(n, bool)), 0.1, 0.05, procedure)
    assert certificate.threshold == np.inf
    assert certificate.certified
    assert (certificate.n, certificate.n_accepted, certificate.n_errors) == (n, n, 0)
    assert (certificate.coverage, certificate.risk, certificate.risk_bound) == (1, 0, 0.1)
    assert (certificate.target_risk, certificate.delta, certificate.procedure) == (0.1, 0.05, procedure)
    assert certificate.n_needed is None


def test_one_right_answer_too_few_certifies_nothing_and_says_so() -> None:
    certificate = certify(rank(np.arange(28.0), np.ones(28, bool)), 0.1, 0.05)
    assert (certificate.threshold, certificate.certified, certificate.n_needed) == (-np.inf, False, 29)
    assert (certificate.n, certificate.n_accepted, certificate.n_errors, certificate.coverage) == (28, 0, 0, 0)
    assert np.isnan(certificate.risk)
    assert np.isnan(certificate.risk_bound)


def test_ties_are_certified_together_or_not_at_all() -> None:
    """40 right answers at 0, where the walk starts, then 10 of which half are wrong, all at 1: only 40 can be taken."""
    measure, correct = np.repeat([0.0, 1.0], [40, 10]), np.arange(50) < 45
    certificate = certify(rank(measure.astype(np.float32), correct), 0.1, 0.05)
    assert certificate.n_accepted == 40
    assert 0.1 < certificate.threshold < 0.9


@pytest.mark.parametrize("procedure", PROCEDURES)
def test_a_start_among_ties_stands_behind_them(procedure: Procedure) -> None:
    """Half of the examples tie at 0, as float32 confidences do that round to 1; a few of them are wrong."""
    measure = np.concatenate([np.zeros(2500), np.linspace(0.1, 1, 2500)])
    correct = np.ones(5000, bool)
    correct[:3] = correct[-30:] = False
    certificate = certify(rank(measure, correct), 0.02, 0.05, procedure)
    assert certificate.n_accepted > 4900
    correct[:600] = False  # now the ties are too often wrong, whatever their order
    assert not certify(rank(measure, correct), 0.02, 0.05, procedure).certified


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_threshold_is_clear_of_every_value(dtype: type) -> None:
    """Clusters of values that differ in their last bits only: as the same probabilities measured in two ways would."""
    rng = np.random.default_rng(67)
    for _ in range(20):
        centres = np.sort(rng.random(30)) * 3
        cluster = rng.integers(0, 30, 800)
        measure: FloatArray = (centres[cluster] * (1 + 2.0**-50 * rng.integers(-4, 5, 800))).astype(dtype)
        certificate = certify(rank(measure, rng.random(800) >= 0.01 * cluster), 0.1, 0.1)
        assert certificate.certified
        if math.isfinite(certificate.threshold):
            distance = np.abs(measure.astype(np.float64) - certificate.threshold)
            assert (distance > clearance(measure)).all()
            assert len(np.unique((measure <= certificate.threshold)[np.argsort(cluster, kind="stable")])) == 2
            accepted = {int(c) for c in cluster[measure <= certificate.threshold]}
            assert not accepted & {int(c) for c in cluster[measure > certificate.threshold]}


def test_a_sample_that_does_not_fit_between_gaps_is_not_cut() -> None:
    """A thousand steps of one unit in the last place are a single tie: all of it, or nothing."""
    measure = 1 + 2.0**-52 * np.arange(1000.0)
    correct = np.arange(1000) < 900
    assert not certify(rank(measure, correct), 0.05, 0.05).certified
    assert certify(rank(measure, correct), 0.2, 0.05).threshold == math.inf


@pytest.mark.parametrize("procedure", PROCEDURES)
def test_a_walk_through_many_errors_ends_where_a_short_one_would(procedure: Procedure) -> None:
    """More errors than are tested at once: the result is that of a loop over all of them."""
    rng = np.random.default_rng(61)
    measure = rng.random(120_000)
    correct = rng.random(120_000) >= 0.4 * measure
    certificate = certify(rank(measure, correct), 0.15, 0.1, procedure)
    assert certificate.n_errors > 8192
    order = np.argsort(measure)
    level = 0.1 / (17 if procedure == "sgr" else 1)
    in_pilot = np.isin(np.arange(120_000), np.random.default_rng(120_000).choice(120_000, 346, replace=False))[order]
    n_errors, n_accepted = np.cumsum(~correct[order] & ~in_pilot), np.cumsum(~in_pilot)
    failing = binom.cdf(n_errors, n_accepted, 0.15) > level
    assert failing[certificate.n_accepted]
    assert not failing[60_000 : certificate.n_accepted].any()


@pytest.mark.parametrize("procedure", PROCEDURES)
def test_ood_examples_take_no_part(procedure: Procedure) -> None:
    measure, correct = rising(20, False).draw(900, np.random.default_rng(62))
    assert certify(rank(measure, correct, np.zeros(50)), 0.1, 0.1, procedure) == certify(
        rank(measure, correct), 0.1, 0.1, procedure
    )


def published_sgr(ranking: Ranking, target: float, delta: float) -> int:
    """Algorithm 1 of arXiv 1705.08500: how many examples the bisection accepts."""
    n, low, high, best = ranking.n_examples, 1, ranking.n_examples, 0
    n_steps = math.ceil(math.log2(n))
    for _ in range(n_steps):
        k = math.ceil((low + high) / 2)
        n_errors = int(ranking.count(ranking.measure[k - 1 : k]).n_wrong[0])
        bound = beta.ppf(1 - delta / n_steps, n_errors + 1, k - n_errors) if n_errors < k else 1.0
        low, high, best = (k, high, max(best, k)) if bound <= target else (low, k, best)
    return best


@pytest.mark.parametrize(("target", "n"), [(0.05, 1000), (0.05, 10_000), (0.1, 2000)])
def test_starts_fixed_in_advance_cost_no_coverage_against_the_published_bisection(target: float, n: int) -> None:
    coverages = []
    for seed in range(20):
        ranking = rank(*rising(1000, False).draw(n, np.random.default_rng(seed)))
        ltt, sgr = (certify(ranking, target, 0.05, procedure).n_accepted for procedure in PROCEDURES)
        coverages.append((ltt / n, sgr / n, published_sgr(ranking, target, 0.05) / n))
    ltt_mean, sgr_mean, published = np.mean(coverages, axis=0)
    assert published > 0.2
    assert sgr_mean > published - 0.005
    assert ltt_mean > published


N_DRAWS = 1000


def tied(shares: list[float], risks: list[float]) -> Population:
    return Population(np.array(shares), np.array(risks), discrete=True)


def convex() -> Population:
    """Risk that rises with the fourth power of the measure; 5 % is the risk of the first 80.3 %."""
    places = (np.arange(1000) + 0.5) / 1000
    return Population(np.full(1000, 0.001), np.minimum(0.25 * places**4 / 0.803**4, 1))


def down_to(target: float, start: float) -> Population:
    """A tie with a risk above the target, and one behind it that errs seldom: at its end the risk is just above it."""
    return tied([start, 1 - start], [2 * target, max((target * 1.001 - 2 * target * start) / (1 - start), 0)])


POPULATIONS = {
    "rising": (rising(50, False), 0.1, 400),
    "rising, ties": (rising(6, True), 0.1, 400),
    "always just above the target": (Population(np.ones(1), np.array([0.1001])), 0.1, 200),
    "always just above the target, ties": (Population(np.full(4, 0.25), np.full(4, 0.1001), True), 0.1, 200),
    "crossing the target again and again": (crossing(0.1, False), 0.1, 400),
    "crossing the target again and again, ties": (crossing(0.1, True), 0.1, 400),
    # A start falls into one tie or the other.
    **{f"down to the target behind a tie of {share}": (down_to(0.3, share), 0.3, 300) for share in (0.1, 0.2, 0.4)},
    "one value, just above the target": (tied([1.0], [0.1001]), 0.1, 400),
    "a right tie, then one above the target": (tied([0.3, 0.7], [0.0, 0.1001 / 0.7]), 0.1, 400),
    "a hundred ties, just above the target": (Population(np.full(100, 0.01), np.full(100, 0.1001), True), 0.1, 400),
}


@pytest.mark.parametrize(
    ("population", "n", "target", "delta", "reached"),
    [
        (tied([0.5, 0.3, 0.2], [0.02, 0.02, 0.6]), 1000, 0.05, 0.1, 0.77),
        (tied([0.7, 0.3], [0.01, 0.4]), 300, 0.05, 0.1, 0.67),
        (tied([0.9, 0.1], [0.03, 0.5]), 1000, 0.05, 0.05, 0.78),
        (tied([1.0], [0.03]), 1000, 0.05, 0.05, 0.92),
        (convex(), 1000, 0.05, 0.1, 0.75),
    ],
)
def test_ties_are_certified_as_well_as_other_values(
    population: Population, n: int, target: float, delta: float, reached: float
) -> None:
    """Mean coverage over 2,000 draws, and violations within delta."""
    rng, coverage, n_violations = np.random.default_rng(70), 0.0, 0
    for ranking in population.draws(2000, n, rng):
        certificate = certify(ranking, target, delta)
        if certificate.certified:
            within = min(certificate.threshold, len(population.shares))
            part = np.clip(within - np.arange(len(population.shares)), 0, 1)
            coverage += float((population.shares * (np.floor(part) if population.discrete else part)).sum())
            n_violations += population.risk_up_to(within) > target
    assert coverage / 2000 >= reached
    assert n_violations <= 2000 * delta


def test_more_examples_do_not_certify_less() -> None:
    """As a tie that holds the start once did."""
    population, rng = tied([0.5, 0.3, 0.2], [0.02, 0.02, 0.6]), np.random.default_rng(71)
    means = [
        np.mean([certify(ranking, 0.05, 0.1).coverage for ranking in population.draws(200, n, rng)])
        for n in (300, 1000, 3000, 10_000)
    ]
    assert means == sorted(means)
    assert means[-1] > 0.79


@pytest.mark.parametrize("procedure", PROCEDURES)
@pytest.mark.parametrize("name", POPULATIONS)
def test_the_true_risk_exceeds_the_target_in_no_more_than_delta_of_the_draws(name: str, procedure: Procedure) -> None:
    """At most the number that a true rate of delta stays below in 999 of 1,000 such tests."""
    population, target, n = POPULATIONS[name]
    rng, delta, n_violations, n_certified = np.random.default_rng(63), 0.2, 0, 0
    for ranking in population.draws(N_DRAWS, n, rng):
        certificate = certify(ranking, target, delta, procedure)
        if certificate.certified:
            n_certified += 1
            n_violations += population.risk_up_to(min(certificate.threshold, len(population.shares))) > target
    assert n_violations <= binom.ppf(0.999, N_DRAWS, delta)
    if "rising" in name:
        assert n_certified > 0.9 * N_DRAWS


@pytest.mark.parametrize("procedure", PROCEDURES)
def test_thresholds_per_class_keep_every_class_within_the_target_at_once(procedure: Procedure) -> None:
    classes = [rising(30, False), rising(6, True), Population(np.ones(1), np.array([0.1001]))]
    rng, delta, n_violations, n_accepting = np.random.default_rng(64), 0.3, 0, 0
    for _ in range(N_DRAWS):
        predicted = rng.integers(0, 3, 900)
        measure, correct = np.empty(900), np.empty(900, bool)
        for c, population in enumerate(classes):
            measure[predicted == c], correct[predicted == c] = population.draw(int((predicted == c).sum()), rng)
        thresholds = certify_per_class(measure, correct, predicted, 3, 0.1, delta, procedure).thresholds
        n_accepting += thresholds[0] > 0
        n_violations += any(
            threshold > 0 and population.risk_up_to(min(threshold, len(population.shares))) > 0.1
            for threshold, population in zip(thresholds, classes, strict=True)
        )
    assert n_violations <= binom.ppf(0.999, N_DRAWS, delta)
    assert n_accepting > 0.5 * N_DRAWS


@pytest.mark.parametrize("seed", range(4))
def test_learn_then_test_agrees_with_mapie(seed: int) -> None:
    """MAPIE's fixed sequence over the thresholds of the walk, with "the top label is right" as its binary target.

    Its risk is written as the share of accepted examples that is wrong: from its precision, 1 - precision, MAPIE
    computes the number of errors with a rounding error that may add one.
    """
    control = pytest.importorskip("mapie.risk_control", reason="MAPIE is not installed")
    rng = np.random.default_rng(seed)
    measure = rng.integers(0, 1000, 600) / 1024  # so that 1 - measure is exact
    correct = rng.random(600) >= 0.01 + 0.5 * measure**3
    certificate = certify(rank(measure, correct), 0.1, 0.1)
    fewest, n_pilot = math.ceil(math.log(0.1) / math.log(0.9)), math.isqrt(600)
    places = np.random.default_rng(600).choice(600, n_pilot, replace=False)
    pilot, is_tested = np.sort(measure[places]), ~np.isin(np.arange(600), places)
    start = pilot[math.floor((fewest / (600 - n_pilot)) ** 0.4 * n_pilot) - 1]
    walk = np.unique(np.append(measure[is_tested & (measure > start)], start))
    controller = control.BinaryClassificationController(
        lambda x: np.column_stack([1 - x, x]),
        control.BinaryRisk(lambda y, taken: y != taken, lambda y, taken: taken == 1, higher_is_better=False),
        target_level=0.1,
        confidence_level=0.9,
        best_predict_param_choice="recall",
        list_predict_params=1 - walk,
        fwer_method="fixed_sequence",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that the observed risk does not rise at every step
        controller.calibrate(1 - measure[is_tested], correct[is_tested].astype(int))
    assert certificate.certified
    tested = measure[is_tested]
    assert (tested <= certificate.threshold).sum() == (1 - tested >= controller.best_predict_param).sum()


def share_certified(
    measure: FloatArray, correct: NDArray[np.bool_], n: int, target: float, procedure: Procedure, n_draws: int = 100
) -> float:
    """In how many of the draws of ``n`` of these examples something is certified, at a delta of 5 %."""
    rng, n_certified = np.random.default_rng(68), 0
    for _ in range(n_draws):
        drawn = rng.integers(0, len(measure), n)
        n_certified += certify(rank(measure[drawn], correct[drawn]), target, 0.05, procedure).certified
    return n_certified / n_draws


@pytest.mark.parametrize("procedure", PROCEDURES)
@pytest.mark.parametrize("discrete", [False, True])
def test_as_many_examples_as_are_said_to_be_needed_do(procedure: Procedure, discrete: bool) -> None:
    """Four in five draws of that many certify something; a third as many do so less often."""
    measure, correct = rising(20, discrete).draw(150, np.random.default_rng(1))
    certificate = certify(rank(measure, correct), 0.03, 0.05, procedure)
    assert not certificate.certified
    assert certificate.n_needed is not None
    assert certificate.n_needed > 150
    assert share_certified(measure, correct, math.ceil(1.1 * certificate.n_needed), 0.03, procedure) > 0.65
    assert share_certified(measure, correct, certificate.n_needed // 3, 0.03, procedure) < 0.6


@pytest.mark.parametrize("procedure", PROCEDURES)
def test_a_target_below_every_observed_risk_is_out_of_reach(procedure: Procedure) -> None:
    measure, correct = np.arange(90.0), np.arange(90) % 3 > 0
    certificate = certify(rank(measure, correct), 0.1, 0.05, procedure)
    assert (certificate.certified, certificate.n_needed) == (False, None)
    assert share_certified(measure, correct, MOST_TIMES * 90, 0.1, procedure, 30) < 0.1


@pytest.mark.parametrize("procedure", PROCEDURES)
def test_the_smallest_risk_is_certified_and_the_one_before_it_is_not(procedure: Procedure) -> None:
    ranking = rank(*rising(20, False).draw(400, np.random.default_rng(69)))
    assert not certify(ranking, 0.012, 0.05, procedure).certified
    risk = smallest_risk(ranking, 0.012, 0.05, procedure)
    assert risk is not None
    assert f"{risk:.1e}" == f"{risk:.10e}".replace("0" * 9, "")  # two digits
    assert certify(ranking, risk, 0.05, procedure).certified
    for i in range(13, 99):
        if i / 1000 < risk:
            assert not certify(ranking, i / 1000, 0.05, procedure).certified


@pytest.mark.parametrize("procedure", PROCEDURES)
def test_the_smallest_of_some_risks_is_certified_at_its_share_of_delta_and_no_smaller_one_is(
    procedure: Procedure,
) -> None:
    ranking = rank(*convex().draw(1000, np.random.default_rng(5)))
    risks = [0.2, 0.001, 0.1, 0.05, 0.02]
    found = smallest_of(ranking, risks, 0.05, procedure)
    certified = {risk: certify(ranking, risk, 0.01, procedure).certified for risk in risks}
    assert found == min(risk for risk in risks if certified[risk])
    assert smallest_of(ranking, [0.001, 0.002], 0.05, procedure) is None


@pytest.mark.parametrize("name", POPULATIONS)
def test_a_risk_chosen_on_the_examples_holds_as_often_as_promised(name: str) -> None:
    population, risks, delta = POPULATIONS[name][0], (0.02, 0.05, 0.1, 0.2), 0.2
    rng, n_broken, n_draws = np.random.default_rng(8), 0, 400
    for ranking in population.draws(n_draws, 300, rng):
        risk = smallest_of(ranking, risks, delta)
        if risk is not None:
            threshold = certify(ranking, risk, delta / len(risks)).threshold
            n_broken += population.risk_up_to(min(threshold, len(population.shares))) > risk
    assert binom.sf(n_broken - 1, n_draws, delta) > 1e-4


def test_no_risk_can_be_certified_where_all_are_wrong_or_too_few_are_there() -> None:
    assert smallest_risk(rank(np.arange(50.0), np.zeros(50, bool)), 0.01, 0.05) is None
    assert smallest_risk(rank(np.zeros(1), np.ones(1, bool)), 0.01, 0.05) == 0.96
    assert smallest_risk(rank(np.zeros(1), np.ones(1, bool)), 0.97, 0.05) == 0.98


def per_class_example() -> tuple[FloatArray, NDArray[np.bool_], IntArray]:
    rng = np.random.default_rng(66)
    predicted = np.repeat([2, 0, 3], [400, 20, 300])
    measure = rng.random(720).astype(np.float32)
    return measure, rng.random(720) >= np.where(predicted == 3, 0.5, 0.02), predicted


def figures(certificate: Certificate) -> dict[str, object]:
    """All that it says, without the examples."""
    said = {name: value for name, value in vars(certificate).items() if name != "ranking"}
    return said | {"n_needed": certificate.n_needed}


@pytest.mark.parametrize("procedure", PROCEDURES)
def test_each_class_is_certified_by_itself_at_its_share_of_delta(procedure: Procedure) -> None:
    measure, correct, predicted = per_class_example()
    found = certify_per_class(measure, correct, predicted, 4, 0.05, 0.2, procedure)
    for c in (0, 2, 3):
        alone = certify(rank(measure[predicted == c], correct[predicted == c]), 0.05, 0.05, procedure)
        np.testing.assert_equal(figures(found.certificates[c]), figures(alone))
        assert found.thresholds[c] == alone.threshold
    assert [certificate.n for certificate in found.certificates] == [20, 0, 400, 300]


def test_a_class_too_small_is_listed_with_what_it_needs() -> None:
    found = certify_per_class(*per_class_example(), 4, 0.05, 0.2)
    assert found.uncertified == (0, 1, 3)
    np.testing.assert_array_equal(found.thresholds[[0, 1, 3]], [-np.inf] * 3)
    needed = [certificate.n_needed for certificate in found.certificates]
    assert needed[1] == math.ceil(math.log(0.05) / math.log(0.95))  # none predicted: without an error
    assert needed[0] is not None
    assert needed[0] > 20
    assert needed[2] is None
    assert needed[3] is None


@pytest.mark.parametrize("procedure", ["sgr", "ltt"])
def test_the_least_target_and_delta_on_many_examples_stay_in_range(procedure: Procedure) -> None:
    n = 200_000  # times the examples needed this is more than an int64 holds
    found = certify(rank(np.arange(n), np.arange(n) > 2), 1e-12, 1e-12, procedure)
    assert (found.certified, found.n_needed) == (False, None)
    no_error = certify(rank(np.arange(n), np.ones(n, bool)), 1e-12, 1e-12, procedure)
    assert not no_error.certified
    # A start comes at least halfway, in logarithms, to all; its test must pass with no error.
    assert no_error.n_needed is not None
    assert no_error.n_needed >= np.log(1e-12) / np.log1p(-1e-12)


RANKING, FOUR = rank(np.arange(4.0), np.ones(4, bool)), np.arange(4)
RIGHT = np.ones(4, bool)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        *[
            (lambda value=value: certify(RANKING, value, 0.05), "`target_risk` must be between 0 and 1")
            for value in (0, 1, -0.1, float("nan"))
        ],
        *[
            (lambda value=value: certify(RANKING, 0.1, value), "`delta` must be between 0 and 1")
            for value in (0, 1, 2, float("nan"))
        ],
        (lambda: certify(RANKING, 1e-19, 0.05), "`target_risk` must be at least 1e-12. Received: 1e-19"),
        (lambda: certify(RANKING, 0.1, 5e-324, "sgr"), "`delta` must be at least 1e-12. Received: 5e-324"),
        (lambda: certify(RANKING, 0.1, 0.05, "holm"), '`procedure` must be "sgr" or "ltt". Received: \'holm\''),  # type: ignore[arg-type]
        (
            lambda: certify_per_class(FOUR, RIGHT, FOUR, 4, 0.1, 1.5),
            "`delta` must be between 0 and 1. .* Received: 1.5",
        ),
        (lambda: certify_per_class(FOUR, RIGHT, FOUR, 3, 0.1, 0.1), "`predicted` must be from 0 to 2"),
        (lambda: certify_per_class(FOUR, RIGHT, FOUR[:3], 4, 0.1, 0.1), "`predicted` must hold 4 classes"),
        (lambda: certify_per_class(FOUR, RIGHT[:3], FOUR, 4, 0.1, 0.1), "`correct` must be 4 booleans"),
        (lambda: certify_per_class(FOUR / 0.0, RIGHT, FOUR, 4, 0.1, 0.1), "`measure` must be finite"),
        (lambda: certify_per_class([], [], np.array([], int), 4, 0.1, 0.1), "`measure` must hold one number"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
def test_what_cannot_be_certified_is_refused(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(UqError, match=message):
        call()
