"""What the board measures: each figure's name, unit and direction, and the conventions of its definition."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Group = Literal["answers", "errors", "unseen", "shift", "cost", "regression"]
"""What a figure is about: the answers themselves; finding the model's own errors; finding inputs from elsewhere; the
same test images disturbed; what it takes; functions in place of classes."""


@dataclass(frozen=True)
class Metric:
    """A figure of the board.

    Attributes:
        metric_id: its key in `METRICS`.
        label: its name in a table.
        group: see `Group`.
        higher_is_better: its direction.
        description: one sentence with its definition; the positive class where there is one.
        unit: ``"%"`` for a share in 0..1 that people read in percent, or a unit's name, or "".
        is_share: whether it counts examples, so that one run has a Wilson interval.
        of_score: whether it depends on the score that ranks the inputs, not on the probabilities alone.
        signed: whether it may be negative.
        ranked: whether more, or less, is better whatever the other figures are; only then is anything marked.
    """

    metric_id: str
    label: str
    group: Group
    higher_is_better: bool
    description: str
    unit: str = ""
    is_share: bool = False
    of_score: bool = False
    signed: bool = False
    ranked: bool = True

    @property
    def least(self) -> float:
        """What it cannot fall below."""
        return -math.inf if self.signed else 0.0

    @property
    def largest(self) -> float:
        """What it cannot exceed."""
        return 1.0 if self.group in ("errors", "unseen") or self.unit == "%" else math.inf


METRICS: dict[str, Metric] = {
    metric.metric_id: metric
    for metric in (
        Metric("accuracy", "Accuracy", "answers", True, "Share of test inputs read right.", "%", is_share=True),
        Metric("nll", "NLL", "answers", False, "Mean negative log-likelihood of the true class.", "nats"),
        Metric(
            "brier", "Brier", "answers", False, "Squared error against the one-hot label, summed over classes: 0..2."
        ),
        Metric("ece", "ECE", "answers", False, "Gap of confidence and accuracy, 15 bins of equal width."),
        Metric("ece_adaptive", "Adaptive ECE", "answers", False, "The same with 15 bins of equally many inputs."),
        Metric(
            "nll_tempered", "NLL, tempered", "answers", False, "NLL after one temperature fitted on validation.", "nats"
        ),
        Metric("ece_tempered", "ECE, tempered", "answers", False, "ECE after one temperature fitted on validation."),
        Metric(
            "error_auroc",
            "AUROC of errors",
            "errors",
            True,
            "Probability that a wrong answer scores above a right one; errors are positive.",
            of_score=True,
        ),
        Metric("aurc", "AURC", "errors", False, "Area under risk against coverage.", of_score=True),
        Metric("eaurc", "E-AURC", "errors", False, "AURC less that of the best ranking.", of_score=True),
        Metric(
            "augrc",
            "AUGRC",
            "errors",
            False,
            "Mean over coverage of the share of all inputs that are accepted and wrong (Traub et al. 2024).",
            of_score=True,
        ),
        Metric(
            "certified_coverage",
            "Certified coverage",
            "errors",
            True,
            "Share of test inputs accepted where the task's usual risk is certified on validation (delta 0.05).",
            "%",
            is_share=True,
            of_score=True,
        ),
        Metric(
            "auroc",
            "AUROC of unseen",
            "unseen",
            True,
            "Probability that an unseen input scores above a test input; unseen is positive.",
            of_score=True,
        ),
        Metric("aupr", "AUPR of unseen", "unseen", True, "Average precision; unseen is positive.", of_score=True),
        Metric(
            "fpr95",
            "FPR95",
            "unseen",
            False,
            "Share of test inputs flagged where 95 % of the unseen are; unseen is positive.",
            "%",
            is_share=True,
            of_score=True,
        ),
        Metric(
            "accepted",
            "Unseen accepted",
            "unseen",
            False,
            "Share of the unseen accepted at the threshold that accepts 95 % of validation.",
            "%",
            is_share=True,
            of_score=True,
        ),
        Metric("shift_accuracy", "Accuracy", "shift", True, "Accuracy on disturbed test images.", "%", is_share=True),
        Metric("shift_nll", "NLL", "shift", False, "NLL on disturbed test images.", "nats"),
        Metric("shift_ece", "ECE", "shift", False, "ECE on disturbed test images, 15 bins of equal width."),
        Metric(
            "shift_errors",
            "Accepted errors",
            "shift",
            False,
            "Share of disturbed images accepted, at the threshold that accepts 95 % of validation, and read wrong.",
            "%",
            is_share=True,
            of_score=True,
        ),
        Metric(
            "regression_nll",
            "NLL",
            "regression",
            False,
            "Mean negative log density of test points, with observation noise fitted on validation; it may be below 0.",
            "nats",
            signed=True,
        ),
        Metric("rmse", "RMSE", "regression", False, "Root mean squared error on test points."),
        Metric("crps", "CRPS", "regression", False, "Continuous ranked probability score on test points."),
        Metric(
            "coverage",
            "Coverage",
            "regression",
            True,
            "Share of test points inside the central 90 % interval: calibrated at 90 %.",
            "%",
            is_share=True,
            ranked=False,
        ),
        Metric(
            "width",
            "Width",
            "regression",
            False,
            "Mean width of the central 90 % interval: of two that cover alike, the narrower is better.",
            ranked=False,
        ),
        Metric(
            "calibration_error",
            "Calibration error",
            "regression",
            False,
            "Root mean squared gap of predicted quantiles and the shares below them (Kuleshov et al. 2018).",
        ),
        Metric(
            "std_ratio",
            "Spread where there is no data",
            "regression",
            True,
            "Spread of the functions there, as a multiple of that on data: above 1 where a model knows its limits.",
        ),
        Metric("train_s", "Training", "cost", False, "CPU seconds of training, parts included.", "s", ranked=False),
        Metric("parameters", "Parameters", "cost", False, "Parameters, parts included.", ranked=False),
        Metric("megabytes", "Size", "cost", False, "Files of the model, parts included.", "MB", ranked=False),
        Metric(
            "ms_per_1000",
            "1,000 inputs",
            "cost",
            False,
            "CPU milliseconds for 1,000 inputs.",
            "ms",
            ranked=False,
        ),
        Metric("ms_per_1", "One input", "cost", False, "CPU milliseconds for one input.", "ms", ranked=False),
    )
}
