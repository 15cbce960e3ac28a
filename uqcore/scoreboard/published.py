"""Figures of others, as their authors print them: one training each unless said, so without an interval."""

from __future__ import annotations

from uqcore.scoreboard.rows import Row


def _published(task: str, label: str, metric: str, unseen: str, value: float, citation: str) -> Row:
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
        reason="As published.",
    )


_DUQ = "van Amersfoort et al. 2020, arXiv 2003.02037"
_BASELINES = "Nado et al. 2021, uncertainty-baselines, arXiv 2106.04015"

PUBLISHED = (_published("fashion", "DUQ", "auroc", "digits", 0.955, _DUQ),)
