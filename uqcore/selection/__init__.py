"""Choosing when to say "I don't know": thresholds on a measure, what they let through, and what can be guaranteed.

The decision rule is the same everywhere: accept where ``measure <= threshold``.
"""

from uqcore.selection.certified import (
    Certificate,
    ClassCertificates,
    Procedure,
    certify,
    certify_per_class,
    smallest_of,
    smallest_risk,
)
from uqcore.selection.conformal import (
    Score,
    assess_sets,
    calibrate,
    prediction_sets,
    singleton_curve,
)
from uqcore.selection.cost import Costs, cost_interval
from uqcore.selection.curves import (
    RiskCoverageCurve,
    RocCurve,
    augrc,
    aurc,
    error_roc,
    ood_roc,
    risk_coverage_curve,
)
from uqcore.selection.groups import (
    GroupCertificates,
    Groups,
    GroupSeen,
    assess_groups,
    certify_per_group,
    groups_of,
)
from uqcore.selection.heldout import Assessment, Estimate, assess, assessment, clopper_pearson, split_calibration
from uqcore.selection.optimum import (
    CostSweep,
    Optimum,
    PerClassOptimum,
    RankedOutcomes,
    cheapest_per_class,
    rank_outcomes,
)
from uqcore.selection.outcomes import OutcomeCounts, count_outcomes
from uqcore.selection.paired import Difference, holm, mcnemar, risk_difference, share_difference, wilson
from uqcore.selection.policy import Target, ThresholdPolicy
from uqcore.selection.ranking import (
    Acceptance,
    Ranking,
    ThresholdTable,
    rank,
    split_by_class,
    threshold_at_coverage,
    threshold_at_ood_share,
    threshold_for_budget,
)
from uqcore.selection.weighted import Weighted, WeightedCertificate, certify_weighted, weighted_shares

__all__ = [
    "Acceptance",
    "Assessment",
    "Certificate",
    "ClassCertificates",
    "CostSweep",
    "Costs",
    "Difference",
    "Estimate",
    "GroupCertificates",
    "GroupSeen",
    "Groups",
    "Optimum",
    "OutcomeCounts",
    "PerClassOptimum",
    "Procedure",
    "RankedOutcomes",
    "Ranking",
    "RiskCoverageCurve",
    "RocCurve",
    "Score",
    "Target",
    "ThresholdPolicy",
    "ThresholdTable",
    "Weighted",
    "WeightedCertificate",
    "assess",
    "assess_groups",
    "assess_sets",
    "assessment",
    "augrc",
    "aurc",
    "calibrate",
    "certify",
    "certify_per_class",
    "certify_per_group",
    "certify_weighted",
    "cheapest_per_class",
    "clopper_pearson",
    "cost_interval",
    "count_outcomes",
    "error_roc",
    "groups_of",
    "holm",
    "mcnemar",
    "ood_roc",
    "prediction_sets",
    "rank",
    "rank_outcomes",
    "risk_coverage_curve",
    "risk_difference",
    "share_difference",
    "singleton_curve",
    "smallest_of",
    "smallest_risk",
    "split_by_class",
    "split_calibration",
    "threshold_at_coverage",
    "threshold_at_ood_share",
    "threshold_for_budget",
    "weighted_shares",
    "wilson",
]
