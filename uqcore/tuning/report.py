"""The report on one `ThresholdPolicy`: what was promised, what held-out examples show, and how to apply it."""

from __future__ import annotations

import math
import platform
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from uqcore.metrics.uncertainty import MEASURES
from uqcore.plots.selection import histogram, risk_coverage, roc
from uqcore.plots.threshold_bins import MeasureBins
from uqcore.selection import Assessment, Estimate, Ranking, ThresholdPolicy, error_roc, ood_roc, risk_coverage_curve
from uqcore.text import fine_percent as fine
from uqcore.tuning.html_report import Section, Table, report
from uqcore.tuning.split import Study

POLICY_FILE = "policy.json"
"""The name under which a policy's report applies the policy."""

_PROCEDURES = {
    "sgr": "selection with guaranteed risk (Geifman & El-Yaniv 2017)",
    "betting": "betting on the weight of errors (Waudby-Smith & Ramdas 2024)",
    "ltt": "Learn then Test with fixed-sequence testing (Angelopoulos et al. 2021)",
    "cost": "least expected cost on the calibration examples",
    "coverage": "share of the calibration examples accepted",
    "ood": "share of the calibration OOD examples accepted",
    "manual": "by hand",
}


def policy_report(
    policy: ThresholdPolicy,
    *,
    source: str,
    promise: str,
    assessment: Assessment,
    ranking: Ranking,
    bins: MeasureBins,
    measure_label: str,
    notes: Sequence[str] = (),
) -> str:
    """The report on a policy: what was promised, what held-out examples show, and how to apply it.

    Args:
        source: what the predictions are called.
        promise: what holds and on what evidence, in a sentence or two.
        assessment: of the policy on the held-out examples.
        ranking: of the held-out examples by the policy's measure; without labels all count as right.
        bins: of the same values.
        measure_label: name of the measure, with the unit.
        notes: what was guessed or repaired when the predictions were read, a sentence each.
    """
    # Without labels a policy has no risk and no example is wrong; with them it lacks one where it accepts nothing.
    has_labels = policy.risk is not None or len(ranking.wrong) > 0
    sections = [
        Section("What is promised", [promise, _rule(policy, measure_label)], [_evidence(policy)]),
        Section(
            "What held-out examples show",
            [_counts(assessment, has_labels), _INTERVALS],
            [_intervals(policy, assessment, ranking, has_labels)],
            _figures(policy, assessment, ranking, bins, measure_label, has_labels),
        ),
        Section("How to apply it", code={POLICY_FILE: policy.to_json(), "Python": policy.snippet(POLICY_FILE)}),
        *([Section("What was noted when the predictions were read", notes)] if notes else []),
        Section("Made with", [_versions()]),
    ]
    return report(f"Rejection threshold for {source}", sections)


def report_of(study: Study, policy: ThresholdPolicy, promise: str, assessment: Assessment) -> str:
    """`policy_report` on a policy that was tuned on a `Study`."""
    ranking = study.held_out.ranking
    return policy_report(
        policy,
        source=study.predictions.name,
        promise=promise,
        assessment=assessment,
        ranking=ranking,
        bins=study.held_out.bins,
        measure_label=MEASURES[study.measure_id].label_with_unit,
        notes=study.predictions.notes,
    )


_INTERVALS = "Each interval is exact (Clopper-Pearson) and by itself holds the true share with the confidence given."


def _rule(policy: ThresholdPolicy, measure_label: str) -> str:
    if len(policy.thresholds) > 1:
        return f"Rule: accept where {measure_label} is at most the threshold of the predicted class, defer the rest."
    (threshold,) = policy.thresholds
    if math.isinf(threshold):
        return f"Rule: {'accept' if threshold > 0 else 'defer'} everything."
    return f"Rule: accept where {measure_label} is at most {threshold:.6g}, defer the rest."


def _evidence(policy: ThresholdPolicy) -> Table:
    rows = [
        ("Asked for", policy.target.sentence),
        ("Chosen by", _PROCEDURES[policy.procedure]),
        ("Certified", "yes" if policy.certified else "no"),
        ("Chosen on", f"{policy.n_calibration:,} calibration examples"),
        ("Judged on", f"{policy.n_test:,} held-out examples"),
        ("Day", policy.created),
        ("SHA-256 of the predictions", policy.fingerprint),
    ]
    return Table(rows)


def _counts(assessment: Assessment, has_labels: bool) -> str:
    accepted = f"Of {assessment.n:,} examples that took no part in the choice, {assessment.n_accepted:,} are accepted"
    return f"{accepted}; {assessment.n_errors:,} of these are wrong." if has_labels else f"{accepted}."


def _intervals(policy: ThresholdPolicy, assessment: Assessment, ranking: Ranking, has_labels: bool) -> Table:
    n, n_accepted, n_errors, coverage, risk, ood_accepted = assessment
    rows = [("Coverage: examples accepted", n_accepted, n, coverage)]
    if has_labels:
        rows.append(("Risk: wrong among the accepted", n_errors, n_accepted, risk))
    if ranking.ood is not None:
        n_ood = len(ranking.ood)
        rows.append(("OOD examples accepted", round(ood_accepted.value * n_ood), n_ood, ood_accepted))
    head = ("", "share", "count", f"{fine(policy.confidence)} interval")
    return Table([(name, fine(share.value), f"{k:,} of {of:,}", _span(share)) for name, k, of, share in rows], head)


def _figures(
    policy: ThresholdPolicy,
    assessment: Assessment,
    ranking: Ranking,
    bins: MeasureBins,
    measure_label: str,
    has_labels: bool,
) -> dict[str, dict[str, Any]]:
    (threshold, *others), table = policy.thresholds, ranking.table()
    figures = {
        f"{measure_label} of the held-out examples: how many have which value": histogram(
            bins,
            threshold=None if others else threshold,
            measure_label=measure_label,
            log_x=True,
            has_labels=has_labels,
        )
    }
    marked = "the policy, off the line of a single threshold" if others else "the policy"
    if has_labels:
        curve, point = risk_coverage_curve(table), (assessment.coverage.value, assessment.risk.value)
        figures[f"Share of wrong answers among the accepted, by how many are accepted; the marker is {marked}"] = (
            risk_coverage({measure_label: curve}, points={measure_label: point})
        )
    if ranking.ood is not None:
        point = (1 - assessment.coverage.value, 1 - assessment.ood_accepted.value)
        figures[f"Deferring OOD examples, at the price of deferring others; the marker is {marked}"] = roc(
            {measure_label: ood_roc(table)}, points={measure_label: point}
        )
    elif has_labels and len(ranking.right) and len(ranking.wrong):
        n_right_accepted = assessment.n_accepted - assessment.n_errors
        point = (1 - n_right_accepted / len(ranking.right), 1 - assessment.n_errors / len(ranking.wrong))
        figures[f"Deferring errors, at the price of deferring right predictions; the marker is {marked}"] = roc(
            {measure_label: error_roc(table)}, points={measure_label: point}, positive="errors"
        )
    return figures


def _span(share: Estimate) -> str:
    return f"{fine(share.low)} to {fine(share.high)}"


def _versions() -> str:
    packages = ", ".join(f"{package} {version(package)}" for package in ("numpy", "scipy", "plotly"))
    return f"Uncertainty Lab; Python {platform.python_version()}, {packages}."
