"""What the page that trains any model says."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ui.words import duration, in_the_queue, table
from uqcore.datasets import load
from uqcore.models.evaluation import Evaluated, Evaluation, RegressionEvaluation
from uqcore.text import percent
from uqcore.workers import Status

SHOWN = "trained before"
"""What the committed models are called."""

TRAIN_ANY = (
    "**Train any of the models yourself**, with settings of your own: how does yours do beside the one trained before?"
)
KEPT_FOR_THE_VISIT = (
    "What you train stands on every page beside the models that are there, for you alone and as long as the dashboard "
    "is open in this tab. A training that was stopped, by you or by a restart of the server, goes on from where it "
    "stood when the same is asked for again."
)


def how_far_in_all(status: Status, part: int, n_parts: int) -> str:
    """Beside the bar of a training of one model, which may have several parts."""
    if status.place:
        return in_the_queue(status.place, status.wait_s)
    if status.epoch == 0:
        return f"TensorFlow is loading, about {duration(status.left_s)} in all"
    if status.epoch == status.epochs:
        return f"Trained; its tables and figures are being made, about {duration(status.left_s)} left"
    of_parts = f", part {part} of {n_parts}" if n_parts > 1 else ""
    return f"Epoch {status.epoch} of {status.epochs}{of_parts}, about {duration(status.left_s)} left"


def stopped(n_complete: int, n_parts: int) -> str:
    """The answer after a training that was not taken to its end, in Markdown."""
    kept = f" {n_complete} of {n_parts} parts are complete." if n_parts > 1 else ""
    return f"**The training was stopped.**{kept} Train goes on from where it stood."


def beside_the_committed(name: str, ours: Evaluated, theirs: Evaluated | None) -> str:
    """The answer after a training, in Markdown: by the figure that matters most."""
    if isinstance(ours, Evaluation):
        said = f"**{name}**: {percent(ours.accuracy)} of test examples right"
        other = f"{percent(theirs.accuracy)}" if isinstance(theirs, Evaluation) else ""
    else:
        said = f"**{name}**: an error (RMSE) of {ours.rmse:.3f} on test points"
        other = f"{theirs.rmse:.3f}" if isinstance(theirs, RegressionEvaluation) else ""
    return f"{said}{f'; the one trained before: {other}' if other else ''}."


def evaluations(rows: Mapping[str, tuple[Evaluated, float]]) -> str:
    """A row a model of one task, in HTML; name -> (evaluation, seconds that its training took)."""
    made, head = [], [""]
    for name, (each, took_s) in rows.items():
        cells = _of_classifier(each) if isinstance(each, Evaluation) else _of_regression(each)
        head = ["", *cells, "trained in"]
        made.append([name, *cells.values(), duration(took_s)])
    return table(head, made)


def _of_classifier(each: Evaluation) -> dict[str, str]:
    found = {"right": percent(each.accuracy), "NLL": f"{each.nll:.4f}", "Brier": f"{each.brier:.4f}"}
    found |= {
        "ECE": f"{each.ece:.4f}",
        "AUROC of errors": f"{each.own_misclassification_auroc:.3f}".replace("nan", "–"),
    }
    titles = load(each.task).ood_sets
    return found | {
        f"AUROC of {titles[name].title}": f"{measured[each.own_measure].auroc:.3f}"
        for name, measured in each.ood.items()
    }


def _of_regression(each: RegressionEvaluation) -> dict[str, str]:
    found = {"RMSE": f"{each.rmse:.4f}", "NLL": f"{each.nll:.4f}", "CRPS": f"{each.crps:.4f}"}
    found |= {f"{percent(0.9)} covers": percent(each.coverage), "quantile error": f"{each.calibration_error:.3f}"}
    return found | {
        f"spread, {name}": "–" if math.isnan(ratio) else f"{ratio:.2f} times" for name, ratio in each.std_ratio.items()
    }
