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
    """

    metric_id: str
    label: str
    group: Group
    higher_is_better: bool
    description: str
    unit: str = ""
    is_share: bool = False
    of_score: bool = False

    @property
    def largest(self) -> float:
        """What it cannot exceed; the least is 0 for all."""
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
        Metric("rmse", "RMSE", "regression", False, "Root mean squared error on test points."),
        Metric("crps", "CRPS", "regression", False, "Continuous ranked probability score on test points."),
        Metric(
            "std_ratio", "Spread there", "regression", True, "Spread of the functions, as a multiple of that on data."
        ),
        Metric("train_s", "Training", "cost", False, "CPU seconds of training, parts included.", "s"),
        Metric("parameters", "Parameters", "cost", False, "Parameters, parts included."),
        Metric("megabytes", "Size", "cost", False, "Files of the model, parts included.", "MB"),
        Metric("ms_per_1000", "1,000 images", "cost", False, "CPU milliseconds for 1,000 images, one thread.", "ms"),
        Metric("ms_per_1", "One image", "cost", False, "CPU milliseconds for one image, one thread.", "ms"),
    )
}
