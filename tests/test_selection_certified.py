"""Certified thresholds: a slow second way, MAPIE, and the guarantee itself over draws of known populations."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import beta, binom

from uqcore.selection import Procedure, Ranking, certify, certify_per_class, rank
from uqcore.types import FloatArray, IntArray, UqError

PROCEDURES: tuple[Procedure, ...] = ("ltt", "sgr")


class Population(NamedTuple):
    """Blocks of the measure, from the lowest up: the probability of each, and the risk in it."""

    shares: FloatArray
    risks: FloatArray
    discrete: bool = False

    def draw(self, n: int, rng: np.random.Generator) -> tuple[FloatArray, NDArray[np.bool_]]:
        """The measure, block b spread over (b, b + 1] or all of it at b + 1, and whether each example is right."""
        blocks = rng.choice(len(self.shares), n, p=self.shares)
        within = 0 if self.discrete else rng.random(n)
        return blocks + 1.0 - within, rng.random(n) >= self.risks[blocks]

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
    """How many examples are accepted: every rank is tested by itself, as the module's docstring tells it."""
    n = len(measure)
    values = np.append(np.sort(measure), np.inf)
    n_starts = math.ceil(math.log2(n)) if procedure == "sgr" else 1
    fewest = next(k for k in range(10**6) if (1 - target) ** k <= delta / n_starts)
    if fewest > n:
        return 0

    def passes(rank_from_0: int) -> bool:
        below = measure < values[rank_from_0]
        return bool(binom.cdf((below & ~correct).sum(), below.sum(), target) <= delta / n_starts)

    certified = 0
    for i in range(n_starts):
        share = i / (n_starts - 1) if procedure == "sgr" else 0.5
        at = min(math.ceil(fewest ** (1 - share) * n**share - 1e-9), n)
        while at <= n and passes(at):
            certified = max(certified, int((measure < values[at]).sum()))
            at += 1
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
    assert certificate.threshold == np.nextafter(np.float32(1), np.float32(0))


@pytest.mark.parametrize("procedure", PROCEDURES)
def test_a_start_among_ties_counts_their_errors_as_if_they_came_first(procedure: Procedure) -> None:
    """Half of the examples tie at 0, as float32 confidences do that round to 1; a few of them are wrong."""
    measure = np.concatenate([np.zeros(2500), np.linspace(0.1, 1, 2500)])
    correct = np.ones(5000, bool)
    correct[:3] = correct[-30:] = False
    certificate = certify(rank(measure, correct), 0.02, 0.05, procedure)
    assert certificate.n_accepted > 4900
    correct[:600] = False  # now the ties are too often wrong, whatever their order
    assert not certify(rank(measure, correct), 0.02, 0.05, procedure).certified


@pytest.mark.parametrize("procedure", PROCEDURES)
def test_a_walk_through_many_errors_ends_where_a_short_one_would(procedure: Procedure) -> None:
    """More errors than are tested at once: the result is that of a loop over all of them."""
    rng = np.random.default_rng(61)
    measure = rng.random(120_000)
    correct = rng.random(120_000) >= 0.4 * measure
    certificate = certify(rank(measure, correct), 0.15, 0.1, procedure)
    assert certificate.n_errors > 8192
    order = np.argsort(measure)
    n_errors, n_accepted = np.cumsum(~correct[order]), np.arange(1, 120_001)
    level = 0.1 / (17 if procedure == "sgr" else 1)
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
def test_ranks_fixed_in_advance_cost_no_coverage_against_the_published_bisection(target: float, n: int) -> None:
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

POPULATIONS = {
    "rising": (rising(50, False), 0.1, 400),
    "rising, ties": (rising(6, True), 0.1, 400),
    "always just above the target": (Population(np.ones(1), np.array([0.1001])), 0.1, 200),
    "always just above the target, ties": (Population(np.full(4, 0.25), np.full(4, 0.1001), True), 0.1, 200),
    "crossing the target again and again": (crossing(0.1, False), 0.1, 400),
    "crossing the target again and again, ties": (crossing(0.1, True), 0.1, 400),
}


@pytest.mark.parametrize("procedure", PROCEDURES)
@pytest.mark.parametrize("name", POPULATIONS)
def test_the_true_risk_exceeds_the_target_in_no_more_than_delta_of_the_draws(name: str, procedure: Procedure) -> None:
    """At most the number that a true rate of delta stays below in 999 of 1,000 such tests."""
    population, target, n = POPULATIONS[name]
    rng, delta, n_violations, n_certified = np.random.default_rng(63), 0.2, 0, 0
    for _ in range(N_DRAWS):
        certificate = certify(rank(*population.draw(n, rng)), target, delta, procedure)
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
    fewest = math.ceil(math.log(0.1) / math.log(0.9))
    start = np.sort(measure)[math.ceil(math.sqrt(fewest * 600))]
    values = np.unique(measure)
    walk = values[np.searchsorted(values, start) - 1 :]
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
        controller.calibrate(1 - measure, correct.astype(int))
    assert certificate.certified
    assert certificate.n_accepted == (1 - measure >= controller.best_predict_param).sum()


@pytest.mark.parametrize("procedure", PROCEDURES)
def test_as_many_examples_as_are_said_to_be_needed_do(procedure: Procedure) -> None:
    """Copies of the same examples, side by side: the risk at each coverage stays as observed."""
    measure, correct = rising(20, False).draw(150, np.random.default_rng(65))
    certificate = certify(rank(measure, correct), 0.03, 0.05, procedure)
    assert not certificate.certified
    assert certificate.n_needed is not None
    assert certificate.n_needed > 150
    more = math.ceil(1.1 * certificate.n_needed / 150)
    copies = (measure[:, None] + 1e-9 * np.arange(more)).ravel()
    assert certify(rank(copies, np.repeat(correct, more)), 0.03, 0.05, procedure).certified


@pytest.mark.parametrize("procedure", PROCEDURES)
def test_a_target_below_every_observed_risk_is_out_of_reach(procedure: Procedure) -> None:
    certificate = certify(rank(np.arange(90.0), np.arange(90) % 3 > 0), 0.1, 0.05, procedure)
    assert (certificate.certified, certificate.n_needed) == (False, None)


def per_class_example() -> tuple[FloatArray, NDArray[np.bool_], IntArray]:
    rng = np.random.default_rng(66)
    predicted = np.repeat([2, 0, 3], [400, 20, 300])
    measure = rng.random(720).astype(np.float32)
    return measure, rng.random(720) >= np.where(predicted == 3, 0.5, 0.02), predicted


@pytest.mark.parametrize("procedure", PROCEDURES)
def test_each_class_is_certified_by_itself_at_its_share_of_delta(procedure: Procedure) -> None:
    measure, correct, predicted = per_class_example()
    found = certify_per_class(measure, correct, predicted, 4, 0.05, 0.2, procedure)
    for c in (0, 2, 3):
        alone = certify(rank(measure[predicted == c], correct[predicted == c]), 0.05, 0.05, procedure)
        np.testing.assert_equal(vars(found.certificates[c]), vars(alone))
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
