"""Choosing when to say "I don't know": thresholds on a measure, what they let through, and what can be guaranteed.

The decision rule is the same everywhere: accept where ``measure <= threshold``.
"""

from uqcore.selection.certified import (
    Certificate,
    ClassCertificates,
    Procedure,
    certify,
    certify_per_class,
    smallest_risk,
)
from uqcore.selection.conformal import (
    ConformalCalibration,
    Score,
    SetAssessment,
    assess_sets,
    calibrate,
    prediction_sets,
    singleton_curve,
)
from uqcore.selection.cost import CostEstimate, Costs, cost_interval, expected_cost
from uqcore.selection.curves import (
    AccuracyRejectionCurve,
    Aurc,
    RiskCoverageCurve,
    RocCurve,
    accuracy_rejection_curve,
    aurc,
    error_roc,
    ood_roc,
    risk_coverage_curve,
)
from uqcore.selection.heldout import Assessment, Estimate, assess, clopper_pearson, split_calibration
from uqcore.selection.optimum import (
    CostCurve,
    CostSweep,
    Optimum,
    PerClassOptimum,
    RankedOutcomes,
    cheapest,
    cheapest_per_class,
    rank_outcomes,
)
from uqcore.selection.outcomes import OutcomeCounts, count_outcomes
from uqcore.selection.policy import Target, ThresholdPolicy
from uqcore.selection.ranking import (
    Acceptance,
    ClassSplit,
    Ranking,
    ThresholdTable,
    rank,
    split_by_class,
    threshold_at_coverage,
    threshold_at_ood_share,
)

__all__ = [
    "Acceptance",
    "AccuracyRejectionCurve",
    "Assessment",
    "Aurc",
    "Certificate",
    "ClassCertificates",
    "ClassSplit",
    "ConformalCalibration",
    "CostCurve",
    "CostEstimate",
    "CostSweep",
    "Costs",
    "Estimate",
    "Optimum",
    "OutcomeCounts",
    "PerClassOptimum",
    "Procedure",
    "RankedOutcomes",
    "Ranking",
    "RiskCoverageCurve",
    "RocCurve",
    "Score",
    "SetAssessment",
    "Target",
    "ThresholdPolicy",
    "ThresholdTable",
    "accuracy_rejection_curve",
    "assess",
    "assess_sets",
    "aurc",
    "calibrate",
    "certify",
    "certify_per_class",
    "cheapest",
    "cheapest_per_class",
    "clopper_pearson",
    "cost_interval",
    "count_outcomes",
    "error_roc",
    "expected_cost",
    "ood_roc",
    "prediction_sets",
    "rank",
    "rank_outcomes",
    "risk_coverage_curve",
    "singleton_curve",
    "smallest_risk",
    "split_by_class",
    "split_calibration",
    "threshold_at_coverage",
    "threshold_at_ood_share",
]
