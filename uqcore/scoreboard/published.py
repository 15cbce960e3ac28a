"""Figures of others, as their authors print them: their own networks and splits, one training each unless said."""

from __future__ import annotations

from uqcore.scoreboard.rows import Row

AS_CITED = "The paper is found; the figure is as others cite it, its table was not at hand."
_NOT_FOUND = "As cited by others; the paper was looked for and not found."
_CHECKED = "As published; read in the source."
_LISTED = "Read in a listing of the paper's results (wizwand.com), not in the paper."


def _published(
    task: str, label: str, metric: str, unseen: str, value: float, citation: str, reason: str = AS_CITED
) -> Row:
    return Row(
        task=task,
        method="",
        label=label,
        score="",
        metric=metric,
        unseen=unseen,
        n_seeds=1,
        mean=value,
        low=None,
        high=None,
        control=False,
        origin="published",
        citation=citation,
        reason=reason,
    )


_DUQ = "van Amersfoort et al. 2020, arXiv 2003.02037"
_LENS = "Nguyen et al. 2024, arXiv 2404.08476"
_ZIGZAG = "Durasov et al. 2024, arXiv 2211.11435"
_UNKNOWN = "source not found"
_BASELINES = "Nado et al. 2021, arXiv 2106.04015: uncertainty-baselines, baselines/mnist/README.md"

PUBLISHED = (
    _published("fashion", "DUQ", "auroc", "digits", 0.955, _DUQ, _LISTED),
    _published("fashion", "Lens depth", "auroc", "digits", 0.971, _LENS),
    _published("digits", "ZigZag", "auroc", "fashion", 0.985, _ZIGZAG),
    _published("digits_0_4", "Deep nearest neighbours", "auroc", "digits_5_9", 0.975, _UNKNOWN, _NOT_FOUND),
    *(
        _published(task, f"LeNet5, {name}", metric, "", value, _BASELINES, _CHECKED)
        for task, name, values in (
            ("digits", "one", {"accuracy": 0.991, "nll": 0.037}),
            ("digits", "ensemble of 10", {"accuracy": 0.994, "nll": 0.016, "ece": 0.005}),
            ("digits", "variational inference", {"accuracy": 0.985, "nll": 0.048, "ece": 0.010}),
            ("fashion", "one", {"accuracy": 0.910, "nll": 0.321}),
            ("fashion", "ensemble of 10", {"accuracy": 0.932, "nll": 0.200, "ece": 0.010}),
            ("fashion", "variational inference", {"accuracy": 0.895, "nll": 0.292, "ece": 0.011}),
        )
        for metric, value in values.items()
    ),
    _published("fashion", "Capsules, ensemble of 7", "accuracy", "", 0.947, _UNKNOWN, _NOT_FOUND),
)
