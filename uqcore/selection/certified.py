"""Thresholds with a guarantee: ``P(selective risk <= target_risk) >= 1 - delta``.

The guarantee is over the draw of the calibration examples, which must be independent draws of the population that the
threshold will meet; it holds for any model, any measure and any finite number of examples, with ties or without.

For a threshold t fixed in advance the test is exact: given how many examples t accepts, the wrong ones among them are
binomial with t's true risk. Fixed-sequence testing starts at such a t and walks up through all higher thresholds, each
tested at the same level, until one fails. If the true risk exceeds the target anywhere above the start, there is a
first such place, fixed by the population alone: to certify too much, the walk has to pass there, with probability at
most delta. So all thresholds that passed hold together, and the one returned is the highest of them that lies in a gap
between the examples' values, clear of both ends by more than the measure is rounded (`uqcore.selection.gaps`).

Where to start must not depend on the examples that are tested. A pilot sample decides it: about sqrt(N) of the
examples, drawn at random, whose measures say where a given share of the population ends, and whose labels are not used.
Where that share ends among tied values (votes of a forest, calibrated steps, confidences that round to 1), the start is
behind them all.

The promise is for one measure, target, delta and procedure, fixed before the calibration labels were looked at. Who
tries m of them and keeps one has to certify each at delta / m. More in ``docs/certified-thresholds.md``.

Both procedures are that walk; they differ in where it starts, and so in what a start costs:

* ``"ltt"``: Learn then Test with fixed-sequence testing (Angelopoulos et al. 2021, arXiv 2110.01052): one start with
  all of delta, where ``fewest^0.4 N^0.6`` examples are accepted, between the fewest that could be certified and all N.
* ``"sgr"``: selection with guaranteed risk (Geifman & El-Yaniv 2017, arXiv 1705.08500, algorithm 1): ceil(log2 N)
  starts that share delta equally. The paper spends the same delta / ceil(log2 N) on the steps of a bisection, whose
  ranks depend on the data, so that the union bound does not cover them; starts fixed in advance do not have this flaw,
  and the walk gives back the coverage that a fixed grid would cost.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from uqcore.metrics.classification import checked_correct
from uqcore.selection.checks import checked_class_of_each
from uqcore.selection.gaps import between, clearance, just_above
from uqcore.selection.ranking import Ranking, checked_in_own_dtype, rank
from uqcore.types import FloatArray, IntArray, UqError

Procedure = Literal["sgr", "ltt"]


@dataclass(frozen=True)
class Certificate:
    """What calibration data prove about a threshold.

    Attributes:
        threshold: accept ``measure <= threshold``; infinity accepts all, minus infinity (nothing certified) none.
        certified: whether there is a threshold with the guarantee.
        n: calibration examples, in-distribution, the pilot sample among them.
        n_pilot: how many of them decided where to start and were not tested.
        n_accepted, n_errors: how many of the n the threshold accepts, and how many of those are wrong.
        coverage: ``n_accepted / n``.
        risk: ``n_errors / n_accepted``, NaN where none is accepted.
        risk_bound: with confidence 1 - delta the threshold's true risk is at most this: the target, for that is what
            was tested, or NaN where nothing is certified.
        target_risk, delta, procedure: as asked for.
        ranking: the examples.
    """

    threshold: float
    certified: bool
    n: int
    n_pilot: int
    n_accepted: int
    n_errors: int
    coverage: float
    risk: float
    risk_bound: float
    target_risk: float
    delta: float
    procedure: Procedure
    ranking: Ranking = field(repr=False, compare=False)

    @cached_property
    def n_needed(self) -> int | None:
        """Where nothing is certified, about how many calibration examples like these it would take.

        Of that many draws of them (with no example at all: of right answers) four in five certify something, to 10 %.
        None where something is certified, or where even `MOST_TIMES` as many would not do. Computed when asked for.
        """
        return None if self.certified else _n_needed(self.ranking, self.target_risk, self.delta, self.procedure)


def certify(
    ranking: Ranking, target_risk: float, delta: float, procedure: Procedure = "ltt", start_delta: float | None = None
) -> Certificate:
    """The threshold of largest coverage that the procedure certifies: ``P(risk <= target_risk) >= 1 - delta``.

    OOD examples of the ranking take no part: the risk is that of the population of the calibration examples. The
    threshold lies in a gap between calibration values, or at infinity.

    Args:
        start_delta: the walk starts where it would at this smaller delta, so that what it certifies at a larger one
            contains what it certifies at this. None: at ``delta``.

    Raises:
        UqError: the target or delta is not between 0 and 1, or the procedure is unknown.
    """
    _check(target_risk, delta, procedure)
    starts = _starts(ranking, target_risk, start_delta or delta, procedure)
    if start_delta is not None:
        starts = starts._replace(level=starts.level * (delta / start_delta))
    threshold = _largest_certified(ranking, target_risk, starts)
    certified = threshold is not None
    counts = ranking.count(np.array([-np.inf if threshold is None else threshold]))
    n, n_errors = ranking.n_examples, int(counts.n_wrong[0])
    n_accepted = int(counts.n_right[0]) + n_errors
    return Certificate(
        threshold=float(counts.thresholds[0]),
        certified=certified,
        n=n,
        n_pilot=starts.n_pilot,
        n_accepted=n_accepted,
        n_errors=n_errors,
        coverage=n_accepted / n if n else 0.0,
        risk=n_errors / n_accepted if n_accepted else float("nan"),
        risk_bound=target_risk if certified else float("nan"),
        target_risk=target_risk,
        delta=delta,
        procedure=procedure,
        ranking=ranking,
    )


def smallest_risk(ranking: Ranking, above: float, delta: float, procedure: Procedure = "ltt") -> float | None:
    """The smallest risk above ``above``, to two digits, that `certify` would certify on these examples; None if none.

    A suggestion: a goal chosen after looking at the labels needs other examples, or its own share of delta.
    """
    power = math.floor(math.log10(above))
    candidates = (
        round(digits * 10.0**exponent, 1 - exponent) for exponent in range(power - 1, 0) for digits in _DIGITS
    )
    for risk in candidates:
        if above < risk < 1 and _passing(ranking, risk, _starts(ranking, risk, delta, procedure)) is not None:
            return risk
    return None


_DIGITS = tuple(i / 10 for i in range(10, 100))


def smallest_of(ranking: Ranking, risks: Sequence[float], delta: float, procedure: Procedure = "ltt") -> float | None:
    """The smallest of some risks, all named beforehand, that `certify` certifies at ``delta / len(risks)``; or None.

    Each certificate at that level breaks its promise with probability ``delta / len(risks)`` at most, so with
    probability ``1 - delta`` all of them hold at once, and with them the one that is chosen, however it is chosen: this
    one may be kept on the same examples. It costs little: the shared delta enters by its logarithm.

    Args:
        risks: not empty, in any order; they must not depend on the examples.

    Raises:
        UqError: as for `certify`.
    """
    level = delta / len(risks)
    return next((risk for risk in sorted(risks) if certify(ranking, risk, level, procedure).certified), None)


@dataclass(frozen=True, eq=False)
class ClassCertificates:
    """One threshold per predicted class, certified so that all hold together.

    Attributes:
        thresholds: ``(K,)``; accept an example predicted as class c where ``measure <= thresholds[c]``.
        certificates: of each class, at delta / K; ``n`` and ``n_needed`` count examples predicted as that class.
    """

    thresholds: NDArray[np.float64]
    certificates: tuple[Certificate, ...]

    @property
    def uncertified(self) -> tuple[int, ...]:
        """The classes of which nothing is accepted: too few examples (see ``n_needed``) or too many errors."""
        return tuple(c for c, certificate in enumerate(self.certificates) if not certificate.certified)


def certify_per_class(
    measure: ArrayLike,
    correct: ArrayLike,
    predicted: ArrayLike,
    n_classes: int,
    target_risk: float,
    delta: float,
    procedure: Procedure = "ltt",
) -> ClassCertificates:
    """`certify` for each predicted class, the only class known when deciding, at delta / K.

    By the union bound all classes' risks, and so the risk of everything accepted, are at most the target with
    probability 1 - delta or more.

    Args:
        measure, correct: as for `rank`, of in-distribution calibration examples.
        predicted: ``(N,)`` the predicted classes, in 0..K-1.
        n_classes: K.

    Raises:
        UqError: a shape or dtype does not fit, a class is out of range, or as for `certify`.
    """
    _check(target_risk, delta, procedure)
    values = checked_in_own_dtype(measure)
    classes = checked_class_of_each(predicted, len(values), n_classes, "predicted")
    is_right = checked_correct(correct, len(values))
    by_class = np.split(np.argsort(classes, kind="stable"), np.bincount(classes, minlength=n_classes).cumsum()[:-1])
    rankings = (rank(values[rows], is_right[rows]) if len(rows) else EMPTY for rows in by_class)
    certificates = tuple(certify(ranking, target_risk, delta / n_classes, procedure) for ranking in rankings)
    return ClassCertificates(np.array([certificate.threshold for certificate in certificates]), certificates)


EMPTY = Ranking(np.empty(0), np.empty(0), None)
"""Of no example."""


class _Plan(NamedTuple):
    """What is fixed before any example is seen: the size of the pilot sample, and where the walks start.

    Attributes:
        n_pilot: examples that are not tested.
        shares: of the population accepted at each start, ascending; none where N is too small for any test.
        level: of each test.
    """

    n_pilot: int
    shares: FloatArray
    level: float


def _plan(n: int, target_risk: float, delta: float, procedure: Procedure) -> _Plan:
    n_starts = max(math.ceil(math.log2(n)), 1) if procedure == "sgr" and n else 1
    level = delta / n_starts
    least = fewest(target_risk, level)
    if n < least:
        return _Plan(0, np.empty(0), level)
    n_pilot = min(math.isqrt(n), (n - least) // 8)
    if n_pilot == 0:
        return _Plan(0, np.ones(1), level)
    n_tested = n - n_pilot
    steps = np.linspace(0, 1, n_starts) if procedure == "sgr" else np.array([0.6])
    return _Plan(n_pilot, (least / n_tested) ** (1 - steps), level)


def fewest(target_risk: float, level: float) -> int:
    """The fewest examples on which anything can be certified at ``level``: with no error among them."""
    return math.ceil(math.log(level) / math.log1p(-target_risk))


class _Starts(NamedTuple):
    """The plan on some examples.

    Attributes:
        n_pilot: examples that are not tested.
        pilot_right, pilot_wrong: their measures, ascending.
        thresholds: where the walks start, ascending; one may be there more than once.
        level: of each test.
    """

    n_pilot: int
    pilot_right: FloatArray
    pilot_wrong: FloatArray
    thresholds: FloatArray
    level: float


def _starts(ranking: Ranking, target_risk: float, delta: float, procedure: Procedure) -> _Starts:
    n_pilot, shares, level = _plan(ranking.n_examples, target_risk, delta, procedure)
    n_pilot = min(n_pilot, len(ranking.pilot))  # a ranking made by hand has none
    pilot, right = ranking.pilot[:n_pilot], ranking.pilot_right[:n_pilot]
    return _Starts(n_pilot, np.sort(pilot[right]), np.sort(pilot[~right]), _thresholds(np.sort(pilot), shares), level)


def _thresholds(pilot: FloatArray, shares: FloatArray) -> FloatArray:
    """Just above each share of the sorted pilot sample: behind whatever ties there."""
    if not len(pilot):
        return np.full(len(shares), np.inf)
    places = np.clip((shares * len(pilot)).astype(np.int64), 1, len(pilot)) - 1
    return np.where(shares < 1, just_above(pilot[places]), np.inf)


def _p_values(n_errors: IntArray, n_accepted: IntArray, target_risk: float) -> FloatArray:
    """Of the binomial test of "the risk exceeds the target": P(Binomial(n_accepted, target_risk) <= n_errors)."""
    from scipy.special import betaincc

    n_right = n_accepted - n_errors
    return np.where(n_right > 0, betaincc(n_errors + 1, np.maximum(n_right, 1), target_risk), 1.0)


def _tested(ranking: Ranking, thresholds: FloatArray, starts: _Starts) -> tuple[IntArray, IntArray]:
    """How many errors, and how many examples, each threshold accepts outside the pilot sample."""
    counts = ranking.count(thresholds)
    n_right = counts.n_right - np.searchsorted(starts.pilot_right, thresholds, side="right")
    n_wrong = counts.n_wrong - np.searchsorted(starts.pilot_wrong, thresholds, side="right")
    return n_wrong, n_right + n_wrong


def _first_failure(n_errors: IntArray, n_accepted: IntArray, target_risk: float, level: float) -> int | None:
    """The first of some tests that fails, None if all pass.

    Most p-values are far below the level, where Chernoff's bound, exp(-n KL(errors / n, target)), says so in a tenth of
    the time.
    """
    close = np.flatnonzero(_chernoff(n_errors, n_accepted, target_risk) < 1e-9 - math.log(level))
    for first in range(0, len(close), _EXACT):
        some = close[first : first + _EXACT]
        fails = _p_values(n_errors[some], n_accepted[some], target_risk) > level
        if fails.any():
            return int(some[fails.argmax()])
    return None


def _chernoff(n_errors: IntArray, n_accepted: IntArray, target_risk: float) -> FloatArray:
    """n KL(errors / n, target): minus the logarithm of a bound on the p-value; 0 where it bounds nothing."""
    n_right = n_accepted - n_errors
    expected, expected_right = n_accepted * target_risk, n_accepted * (1 - target_risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        bound = n_right * np.log(n_right / expected_right) + np.where(
            n_errors > 0, n_errors * np.log(n_errors / expected), 0
        )
    return np.where(n_errors < expected, bound, 0)


def _passing(ranking: Ranking, target_risk: float, starts: _Starts) -> float | None:
    """The highest start that passes: a walk from a lower one ends there too, or below. None if none passes."""
    p_values = _p_values(*_tested(ranking, starts.thresholds, starts), target_risk)
    passing = starts.thresholds[p_values <= starts.level]
    return float(passing[-1]) if len(passing) else None


def _largest_certified(ranking: Ranking, target_risk: float, starts: _Starts) -> float | None:
    """The highest threshold that a walk reaches and that is clear of every value. None if there is none."""
    start = _passing(ranking, target_risk, starts)
    if start is None:
        return None
    # From one value to the next the p-value rises only where there is an error, so a walk ends only below an error.
    errors = ranking.wrong[np.searchsorted(ranking.wrong, start, side="right") :]
    for first in range(0, len(errors), BLOCK):
        block = errors[first : first + BLOCK]
        failure = _first_failure(*_tested(ranking, block, starts), target_risk, starts.level)
        if failure is not None:
            return _clear(ranking, start, float(block[failure]))
    return math.inf


BLOCK, _EXACT = 8192, 64
"""Errors tested at once, and those of them that need an exact p-value: a walk seldom meets all of them."""


def _clear(ranking: Ranking, start: float, limit: float) -> float | None:
    """The highest threshold in ``[start, limit)`` that lies in a gap, clear of both ends. None if there is none.

    All of that range has passed. ``limit`` is a value, so the highest gap ends there at the latest.
    """
    n_right, n_wrong = (int(np.searchsorted(values, limit)) for values in (ranking.right, ranking.wrong))
    size = 64
    while True:
        values = [ranking.right[max(n_right - size, 0) : n_right], ranking.wrong[max(n_wrong - size, 0) : n_wrong]]
        low = np.sort(np.concatenate(values).astype(np.float64))[-size:]
        high = np.append(low[1:], limit)
        # A gap that the start lies in is of use from there on.
        thresholds = np.maximum(between(low, high), start)
        usable = np.flatnonzero((thresholds > low + clearance(low)) & (thresholds < high - clearance(high)))
        if len(usable):
            return float(thresholds[usable[-1]])
        if len(low) < size or low[0] < start:
            return None
        size *= 8


def _n_needed(ranking: Ranking, target_risk: float, delta: float, procedure: Procedure) -> int | None:
    """See `Certificate.n_needed`: doubled until a start would pass, then bisected on a logarithmic scale."""

    def enough(n_more: int) -> bool:
        return _would_start(ranking, n_more, target_risk, _plan(n_more, target_risk, delta, procedure))

    least = max(ranking.n_examples, fewest(target_risk, delta))
    upper = next((least * 2**i for i in range(int(math.log2(MOST_TIMES)) + 1) if enough(least * 2**i)), None)
    if upper is None:
        return None
    lower = max(upper // 2, least)
    for _ in range(3):
        middle = math.isqrt(lower * upper)
        lower, upper = (lower, middle) if enough(middle) else (middle, upper)
    return upper


MOST_TIMES = 128
"""So many times as many examples are looked ahead to."""

_LIKELY = 0.8

_QUANTILES = (np.arange(32) + 0.5) / 32
"""Of a pilot sample's order statistic, over which the probability to pass is averaged."""


def _would_start(ranking: Ranking, n_more: int, target_risk: float, plan: _Plan) -> bool:
    """Whether one of the starts on ``n_more`` draws of the ranking's examples is likely to pass."""
    if ranking.n_examples == 0:
        return len(plan.shares) > 0
    return any(_chance(ranking, n_more - plan.n_pilot, target_risk, plan, share) >= _LIKELY for share in plan.shares)


def _chance(ranking: Ranking, n_tested: int, target_risk: float, plan: _Plan, share: float) -> float:
    """The probability that a start passes if the population is the ranking's examples."""
    from scipy.special import bdtr, bdtrik, betaincinv

    values, places = ranking.measure, np.ones(1)
    if share < 1:
        rank_in_pilot = max(math.floor(share * plan.n_pilot), 1)
        places = betaincinv(rank_in_pilot, plan.n_pilot - rank_in_pilot + 1, _QUANTILES)
    at = values[np.ceil(places * len(values)).astype(np.int64).clip(1, len(values)) - 1]
    counts = ranking.count(just_above(at))
    n_seen = counts.n_right + counts.n_wrong
    n_accepted = np.floor(n_seen / len(values) * n_tested)
    # The most errors that pass; no error at all must.
    passes = _p_values(np.zeros(len(at), np.int64), n_accepted, target_risk) <= plan.level
    n_accepted = np.where(passes, n_accepted, n_tested)
    most = np.floor(bdtrik(plan.level, n_accepted, target_risk))
    return float(np.mean(np.where(passes, bdtr(most, n_accepted.astype(np.int64), counts.n_wrong / n_seen), 0)))


_SMALLEST = 1e-12
"""Of a target or delta: no number of examples that fits in memory could certify less."""


def _check(target_risk: float, delta: float, procedure: Procedure) -> None:
    for name, value in {"target_risk": target_risk, "delta": delta}.items():
        if not 0 < value < 1:
            raise UqError(f"`{name}` must be between 0 and 1, both excluded. Received: {value}.")
        if value < _SMALLEST:
            raise UqError(f"`{name}` must be at least {_SMALLEST:g}. Received: {value}.")
    if procedure not in get_args(Procedure):
        raise UqError(f'`procedure` must be "sgr" or "ltt". Received: {procedure!r}.')
