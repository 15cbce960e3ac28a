"""Choose on one part, report on the other: the split, and exact intervals for what the other part shows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from uqcore.selection.ranking import Ranking
from uqcore.types import UqError


def split_calibration(
    n: int, share: float = 0.5, seed: int = 0, strata: ArrayLike | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split ``n`` examples at random: the indices of the calibration part and of the held-out part, ascending.

    Args:
        share: of the calibration part, between 0 and 1; rounded to whole examples.
        seed: the same seed gives the same split.
        strata: ``(n,)`` any values; the share is kept within each, e.g. within OOD and the rest.

    Raises:
        UqError: the share is out of range, the strata do not fit, or a part would be empty.
    """
    if not 0 < share < 1:
        raise UqError(f"`share` must be between 0 and 1, both excluded. Received: {share}.")
    groups = np.zeros(n, np.int64) if strata is None else np.asarray(strata)
    if groups.shape != (n,):
        raise UqError(f"`strata` must hold {n} values, one for each example. Received shape: {groups.shape}.")
    order = np.random.default_rng(seed).permutation(n)
    in_calibration, in_order = np.zeros(n, bool), groups[order]
    for group in (False, True) if groups.dtype == np.bool_ else np.unique(groups):
        members = order[np.flatnonzero(in_order == group)]  # a quarter of the time of a mask
        in_calibration[members[: round(share * len(members))]] = True
    calibration, held_out = np.flatnonzero(in_calibration), np.flatnonzero(~in_calibration)
    if not (len(calibration) and len(held_out)):
        raise UqError(f"A share of {share} of {n} examples leaves one of the two parts empty. Use more examples.")
    return calibration, held_out


def clopper_pearson(n_errors: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Exact two-sided interval for a share of which ``n_errors`` of ``n`` were seen (Clopper & Pearson 1934).

    It holds the true share with at least this confidence, whatever it is; (0, 1) where n is 0.

    Raises:
        UqError: the counts do not fit, or the confidence is not between 0 and 1.
    """
    from scipy.special import betaincinv

    if not 0 <= n_errors <= n:
        raise UqError(f"`n_errors` must be from 0 to n = {n}. Received: {n_errors}.")
    if not 0 < confidence < 1:
        raise UqError(f"`confidence` must be between 0 and 1, both excluded. Received: {confidence}.")
    tail = (1 - confidence) / 2
    low = float(betaincinv(n_errors, n - n_errors + 1, tail)) if n_errors else 0.0
    high = float(betaincinv(n_errors + 1, n - n_errors, 1 - tail)) if n_errors < n else 1.0
    return low, high


class Estimate(NamedTuple):
    """A share, and its exact interval; NaN in (0, 1) where nothing was seen."""

    value: float
    low: float
    high: float


class Assessment(NamedTuple):
    """What held-out data show of a threshold.

    Attributes:
        n, n_accepted, n_errors: in-distribution examples, those accepted, and the wrong ones among these.
        coverage: share of in-distribution examples accepted.
        risk: share of the accepted that is wrong.
        ood_accepted: share of OOD examples accepted; lower is better.
    """

    n: int
    n_accepted: int
    n_errors: int
    coverage: Estimate
    risk: Estimate
    ood_accepted: Estimate


def assess(ranking: Ranking, threshold: float, confidence: float = 0.95) -> Assessment:
    """Coverage, risk and OOD share of a threshold chosen on other data, each with its Clopper-Pearson interval.

    Each interval holds by itself at the confidence given.

    Raises:
        UqError: the threshold is NaN, or the confidence is not between 0 and 1.
    """
    counts = ranking.count(np.array([threshold]))
    n_errors = int(counts.n_wrong[0])
    n_accepted, n_ood = int(counts.n_right[0]) + n_errors, 0 if ranking.ood is None else len(ranking.ood)
    return assessment(ranking.n_examples, n_accepted, n_errors, n_ood, int(counts.n_ood[0]), confidence)


def assessment(
    n: int, n_accepted: int, n_errors: int, n_ood: int, n_ood_accepted: int, confidence: float = 0.95
) -> Assessment:
    """`assess` for who has counted: of ``n`` in-distribution and ``n_ood`` OOD examples."""
    return Assessment(
        n,
        n_accepted,
        n_errors,
        coverage=_estimate(n_accepted, n, confidence),
        risk=_estimate(n_errors, n_accepted, confidence),
        ood_accepted=_estimate(n_ood_accepted, n_ood, confidence),
    )


def _estimate(count: int, total: int, confidence: float) -> Estimate:
    return Estimate(count / total if total else float("nan"), *clopper_pearson(count, total, confidence))
