"""The curves behind selective prediction, from the counts at achievable thresholds: examples that tie are never split.

Every curve has one point for each row of a `ThresholdTable`: all of them with ``ranking.table(None)``, or with fewer
rows, for drawing, exact points of the same curve. Points run with the threshold, from accepting nothing to all.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from uqcore.selection.ranking import Ranking, ThresholdTable

Floats = NDArray[np.float64]


class RiskCoverageCurve(NamedTuple):
    """Selective risk against coverage, ``(T,)`` each; lower is better.

    Attributes:
        thresholds: ascending, from minus infinity.
        coverage: share of in-distribution examples accepted, from 0 to 1.
        risk: share of the accepted that is wrong, NaN where none is accepted.
    """

    thresholds: Floats
    coverage: Floats
    risk: Floats


class RocCurve(NamedTuple):
    """Detection of errors or of OOD by ``measure > threshold``, ``(T,)`` each, from (1, 1) down to (0, 0).

    Attributes:
        thresholds: ascending, from minus infinity.
        fpr: share of the negatives (right predictions, or in-distribution examples) flagged; NaN where there are none.
        tpr: share of the positives (errors, or OOD examples) flagged; NaN where there are none.
    """

    thresholds: Floats
    fpr: Floats
    tpr: Floats


def risk_coverage_curve(table: ThresholdTable) -> RiskCoverageCurve:
    """Selective risk at each coverage that a threshold can have (El-Yaniv & Wiener 2010, JMLR 11)."""
    n_accepted = table.n_right + table.n_wrong
    return RiskCoverageCurve(table.thresholds, n_accepted / n_accepted[-1], _shares(table.n_wrong, n_accepted))


def error_roc(table: ThresholdTable) -> RocCurve:
    """ROC of telling errors (positive) from right predictions."""
    return RocCurve(table.thresholds, _shares_above(table.n_right), _shares_above(table.n_wrong))


def ood_roc(table: ThresholdTable) -> RocCurve:
    """ROC of telling OOD (positive) from in-distribution examples."""
    return RocCurve(table.thresholds, _shares_above(table.n_right + table.n_wrong), _shares_above(table.n_ood))


class Aurc(NamedTuple):
    """Area under the risk-coverage curve.

    Attributes:
        aurc: in 0..1; lower is better; a measure without information scores the error rate.
        excess: E-AURC, ``aurc`` minus that of the best ranking with the same error rate; 0 is best.
    """

    aurc: float
    excess: float


def aurc(ranking: Ranking) -> Aurc:
    """AURC and E-AURC (Geifman, Uziel & El-Yaniv 2019, arXiv 1805.08206).

    AURC is the mean, over a coverage asked for that is uniform in (0, 1], of the risk at the smallest threshold that
    accepts at least as much. Without ties that is the paper's mean of the risks of the k most certain examples,
    k = 1..N; with ties it does not depend on the order of the examples. E-AURC subtracts the paper's
    ``r + (1 - r) ln(1 - r)`` for error rate r, the area of the best ranking of infinitely many examples: a perfect
    ranking of N examples is off by O(1 / N).
    """
    curve = risk_coverage_curve(ranking.table(None))
    area = float(np.sum(np.diff(curve.coverage) * np.nan_to_num(curve.risk[1:])))
    error_rate = float(curve.risk[-1])
    best = error_rate + (1 - error_rate) * math.log1p(-error_rate) if error_rate < 1 else 1.0
    return Aurc(area, area - best)


def augrc(ranking: Ranking) -> float:
    """Area under the generalised risk-coverage curve (Traub et al. 2024, arXiv 2407.01032), in 0..1/2; lower is better.

    The mean over coverage of the share of all examples that are accepted and wrong; straight between thresholds, so
    that of examples that tie half count. With A the AUROC of errors and r their share it is
    ``(1 - A) r (1 - r) + r^2 / 2``; a measure without information scores r / 2.
    """
    table = ranking.table(None)
    n_accepted = table.n_right + table.n_wrong
    return float(np.trapezoid(table.n_wrong / n_accepted[-1], n_accepted / n_accepted[-1]))


def _shares(counts: NDArray[np.int64], totals: NDArray[np.int64]) -> Floats:
    return np.divide(counts, totals, out=np.full(len(counts), np.nan), where=totals > 0)


def _shares_above(n_accepted: NDArray[np.int64]) -> Floats:
    return _shares(n_accepted[-1] - n_accepted, np.broadcast_to(n_accepted[-1], n_accepted.shape))
