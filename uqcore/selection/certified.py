"""Thresholds with a guarantee: ``P(selective risk <= target_risk) >= 1 - delta``.

The guarantee is over the draw of the calibration examples, which must be independent draws of the population that the
threshold will meet; it holds for any model, any measure and any finite number of examples, with ties or without.

Take a rank k fixed in advance and the value theta of the example after it. Given theta, the k examples before it are
independent draws of the population below theta, so the binomial test of "the risk of ``measure < theta`` exceeds the
target" is exact. Fixed-sequence testing starts at such a rank and walks up through every rank after it, each tested at
the same level, until one fails; the last that passed is certified. The rank where the risk first exceeds the target is
random, yet the level holds: between two values where the risk below is exactly the target, examples err at the
target's rate, whatever the risk does in between, and which rank is the first to violate depends only on the stretches
that the examples fall in, not on who errs there. The proof is in ``docs/certified-thresholds.md``.

The promise is for one measure, target, delta and procedure, fixed before the calibration labels were looked at. Who
tries m of them and keeps one has to certify each at delta / m.

Where the start falls among tied values, as it does where a float32 confidence of half of the examples rounds to 1, the
ties count as ordered at random, by numbers that are never drawn: their errors count as if they all came first, the
worst case of any order, so that what passes would pass in every order.

Both procedures are that walk; they differ in where it starts, and so in what a start costs:

* ``"ltt"``: Learn then Test with fixed-sequence testing (Angelopoulos et al. 2021, arXiv 2110.01052): one
  start with all of delta, halfway (in logarithms) between the fewest examples that could be certified and all.
* ``"sgr"``: selection with guaranteed risk (Geifman & El-Yaniv 2017, arXiv 1705.08500, algorithm 1): ceil(log2 n)
  starts that share delta equally. The paper spends the same delta / ceil(log2 n) on the steps of a bisection, whose
  ranks depend on the data, so that the union bound does not cover them; ranks fixed in advance do not have this flaw,
  and the walk gives back the coverage that a fixed grid would cost.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from uqcore.metrics import checked_correct
from uqcore.selection.checks import checked_class_of_each
from uqcore.selection.ranking import Ranking, checked_in_own_dtype, just_below
from uqcore.types import FloatArray, IntArray, UqError

Procedure = Literal["sgr", "ltt"]


@dataclass(frozen=True)
class Certificate:
    """What calibration data prove about a threshold.

    Attributes:
        threshold: accept ``measure <= threshold``; infinity accepts all, minus infinity (nothing certified) none.
        certified: whether there is a threshold with the guarantee.
        n: calibration examples, in-distribution.
        n_accepted, n_errors: how many of them the threshold accepts, and how many of those are wrong.
        coverage: ``n_accepted / n``.
        risk: ``n_errors / n_accepted``, NaN where none is accepted.
        risk_bound: with confidence 1 - delta the threshold's true risk is at most this: the target, for that is what
            was tested, or NaN where nothing is certified.
        target_risk, delta, procedure: as asked for.
        n_needed: where nothing is certified, about how many calibration examples it would take if the risk at each
            coverage stayed as observed (with no example at all: if no error occurred), to 10 %; None where something is
            certified, or where even 128 times as many would not do.
    """

    threshold: float
    certified: bool
    n: int
    n_accepted: int
    n_errors: int
    coverage: float
    risk: float
    risk_bound: float
    target_risk: float
    delta: float
    procedure: Procedure
    n_needed: int | None


def certify(ranking: Ranking, target_risk: float, delta: float, procedure: Procedure = "ltt") -> Certificate:
    """The threshold of largest coverage that the procedure certifies: ``P(risk <= target_risk) >= 1 - delta``.

    OOD examples of the ranking take no part: the risk is that of the population of the calibration examples. The
    threshold lies just below a calibration value, or at infinity.

    Raises:
        UqError: the target or delta is not between 0 and 1, or the procedure is unknown.
    """
    _check_between_0_and_1(target_risk=target_risk, delta=delta)
    if procedure not in ("sgr", "ltt"):
        raise UqError(f'`procedure` must be "sgr" or "ltt". Received: {procedure!r}.')
    starts = _starts(ranking.n_examples, target_risk, delta, procedure)
    threshold = _largest_certified(ranking, target_risk, starts)
    certified = threshold is not None
    counts = ranking.count(np.array([-np.inf if threshold is None else threshold]))
    n, n_errors = ranking.n_examples, int(counts.n_wrong[0])
    n_accepted = int(counts.n_right[0]) + n_errors
    return Certificate(
        threshold=float(counts.thresholds[0]),
        certified=certified,
        n=n,
        n_accepted=n_accepted,
        n_errors=n_errors,
        coverage=n_accepted / n if n else 0.0,
        risk=n_errors / n_accepted if n_accepted else float("nan"),
        risk_bound=target_risk if certified else float("nan"),
        target_risk=target_risk,
        delta=delta,
        procedure=procedure,
        n_needed=None if certified else _n_needed(ranking, target_risk, delta, procedure),
    )


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
    _check_between_0_and_1(target_risk=target_risk, delta=delta)
    values = checked_in_own_dtype(measure)
    classes = checked_class_of_each(predicted, len(values), n_classes, "predicted")
    is_right = checked_correct(correct, len(values))
    by_class = np.split(np.argsort(classes, kind="stable"), np.bincount(classes, minlength=n_classes).cumsum()[:-1])
    right, wrong = ([np.sort(values[rows[is_right[rows] == side]]) for rows in by_class] for side in (True, False))
    certificates = tuple(
        certify(Ranking(*of_class, ood=None), target_risk, delta / n_classes, procedure)
        for of_class in zip(right, wrong, strict=True)
    )
    return ClassCertificates(np.array([certificate.threshold for certificate in certificates]), certificates)


class _Starts(NamedTuple):
    """Where the walks start: at the value with ``n_below`` examples before it in rank. Each test is at ``level``."""

    n_below: NDArray[np.int64]
    level: float


def _starts(n: int, target_risk: float, delta: float, procedure: Procedure) -> _Starts:
    """The starts with n calibration examples, a function of nothing else; none where n is too small for any."""
    n_starts = max(math.ceil(math.log2(n)), 1) if procedure == "sgr" and n else 1
    level = delta / n_starts
    fewest = _fewest(target_risk, level)
    if n < fewest:
        return _Starts(np.empty(0, np.int64), level)
    steps = np.linspace(0, 1, n_starts) if procedure == "sgr" else np.array([0.5])
    n_below = np.ceil(fewest * (n / fewest) ** steps).astype(np.int64)
    return _Starts(np.unique(np.minimum(n_below, n)), level)


def _fewest(target_risk: float, level: float) -> int:
    """The fewest examples that pass the test at ``level``: with no error among them."""
    return math.ceil(math.log(level) / math.log1p(-target_risk))


def _p_values(n_errors: IntArray, n_accepted: IntArray, target_risk: float) -> FloatArray:
    """Of the binomial test of "the risk exceeds the target": P(Binomial(n_accepted, target_risk) <= n_errors)."""
    from scipy.special import betaincc

    n_right = n_accepted - n_errors
    return np.where(n_right > 0, betaincc(n_errors + 1, np.maximum(n_right, 1), target_risk), 1.0)


def _passes(ranking: Ranking, thresholds: FloatArray, target_risk: float, level: float) -> NDArray[np.bool_]:
    counts = ranking.count(thresholds)
    return _p_values(counts.n_wrong, counts.n_right + counts.n_wrong, target_risk) <= level


def _largest_certified(ranking: Ranking, target_risk: float, starts: _Starts) -> float | None:
    """The highest threshold that a walk reaches: that of the highest start that passes. None if none passes."""
    n_seen, n_errors = _at_starts(ranking, starts.n_below)
    passing = np.flatnonzero(_p_values(n_errors, n_seen, target_risk) <= starts.level)
    if not len(passing):
        return None
    # From one value to the next the p-value rises only where there is an error, so a walk ends only below an error.
    errors = ranking.wrong[n_errors[passing[-1]] :]
    for block in np.split(errors, range(_BLOCK, len(errors), _BLOCK)):
        passes = _passes(ranking, block, target_risk, starts.level)
        if not passes.all():
            return float(just_below(block[passes.argmin()]))
    return float("inf")


_BLOCK = 8192
"""Errors tested at once: a walk seldom meets all of them."""


def _at_starts(ranking: Ranking, n_below: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many examples each start tests, and how many of them are wrong.

    These are the first ``n_below``. Where the next value is tied with the last of these, all wrong ones among its ties
    are counted too, and as many examples as that takes.
    """
    measure = ranking.measure
    tied = np.zeros(len(n_below), bool)
    inside = (n_below > 0) & (n_below < len(measure))
    tied[inside] = measure[n_below[inside]] == measure[n_below[inside] - 1]
    thresholds = np.full(len(n_below), np.inf)
    inside = n_below < len(measure)
    thresholds[inside] = just_below(measure[n_below[inside]])
    below = ranking.count(thresholds)
    thresholds[tied] = measure[n_below[tied]]
    n_errors = ranking.count(thresholds).n_wrong
    return np.maximum(n_below, below.n_right + n_errors), n_errors


def _n_needed(ranking: Ranking, target_risk: float, delta: float, procedure: Procedure) -> int | None:
    """See `Certificate.n_needed`: doubled until a start would pass, then bisected on a logarithmic scale."""

    def enough(n_more: int) -> bool:
        return _would_start(ranking, n_more, target_risk, _starts(n_more, target_risk, delta, procedure))

    least = max(ranking.n_examples, _fewest(target_risk, delta))
    upper = next((least * 2**i for i in range(8) if enough(least * 2**i)), None)
    if upper is None:
        return None
    lower = max(upper // 2, least)
    for _ in range(3):
        middle = math.isqrt(lower * upper)
        lower, upper = (lower, middle) if enough(middle) else (middle, upper)
    return upper


def _would_start(ranking: Ranking, n_more: int, target_risk: float, starts: _Starts) -> bool:
    """Whether a start of ``n_more`` examples passes if the risk up to each share of the ranks is the ranking's."""
    n = ranking.n_examples
    if n_more <= n:
        return False  # so many were not enough
    if n == 0:
        return len(starts.n_below) > 0
    n_seen, n_wrong = _at_starts(ranking, (starts.n_below * (n / n_more)).astype(np.int64))  # n_below * n overflows
    n_errors = np.ceil(starts.n_below * (n_wrong / np.maximum(n_seen, 1)))
    return bool(np.any((n_seen > 0) & (_p_values(n_errors, starts.n_below, target_risk) <= starts.level)))


_SMALLEST = 1e-12
"""Of a target or delta: no number of examples that fits in memory could certify less."""


def _check_between_0_and_1(**values: float) -> None:
    for name, value in values.items():
        if not 0 < value < 1:
            raise UqError(f"`{name}` must be between 0 and 1, both excluded. Received: {value}.")
        if value < _SMALLEST:
            raise UqError(f"`{name}` must be at least {_SMALLEST:g}. Received: {value}.")
