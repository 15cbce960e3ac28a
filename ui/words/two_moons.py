"""What the two-moons page says, of models that stand there and of trainings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from ui.words import ACCEPT, DEFER, duration, head_cells, in_the_queue, listed, plain, table
from uqcore.datasets.moons import OOD_MEAN
from uqcore.exhibits.moons import Surface
from uqcore.exhibits.verdicts import Verdict
from uqcore.methods import METHODS
from uqcore.selection import Acceptance
from uqcore.text import percent

if TYPE_CHECKING:  # which pages that train nothing need not load
    from uqcore.live import Trained
    from uqcore.live.jobs import Status

USUAL_CLUSTER = (float(OOD_MEAN[0]), float(OOD_MEAN[1]))
TRAIN_HERE = (
    "**Train them here, now:** every method's uncertainty forms before your eyes. Then go through it epoch by epoch."
)
PAINT_FIRST = "Paint points of the first and the second class, then train."
TRAIN_AGAIN = "These are the networks that were trained last; the settings have changed since. Train again."
RESET = "Back to the models that were trained before; what was trained here is forgotten."
LET_GO = "What was trained then was let go to make room for what others train. Train again."
STOPPED = "The training was stopped. What was drawn until then stays."
ORDER = ("first", "second", "third")
"""Of classes that were painted or brought."""


def acceptance(accepted: Acceptance) -> str:
    """The line under a surface."""
    right = "" if math.isnan(accepted.accuracy) else f" ({percent(accepted.accuracy)} right)"
    return f"accepts {percent(accepted.coverage)} of test points{right}, {percent(accepted.ood_accepted)} of unseen"


def brought(class_names: Sequence[str], scaled: bool) -> str:
    """What became of a visitor's file of points, in Markdown."""
    order = ", ".join(f"{plain(name)} is the {nth}" for name, nth in zip(class_names, ORDER, strict=False))
    moved = " The points were moved and scaled into the plane." if scaled else ""
    return f"Classes: {order}.{moved}"


def forming(n_methods: int) -> str:
    """The answer while networks learn, in Markdown."""
    return f"**{n_methods} method{'s' * (n_methods > 1)}** at work: the maps form as the networks learn."


def how_far(status: Status) -> str:
    """Beside the bar of a training."""
    if status.place:
        return in_the_queue(status.place, status.wait_s)
    paused = ", paused" if status.paused else f", about {duration(status.left_s)} left"
    return f"Epoch {status.epoch} of {status.epochs}{paused}"


def learnt(cross_entropy: float, accuracy: float) -> str:
    """The line under a map that forms."""
    return f"loss {cross_entropy:.3f}, {percent(accuracy)} right"


def outcomes(trained: Trained) -> str:
    """A row a method, in HTML: what the training came to."""
    rows = [
        [
            METHODS[name].label,
            f"{trained.figures[name].loss:.4g}",
            f"{trained.figures[name].cross_entropy:.4g}",
            percent(outcome.test_accuracy),
            f"{outcome.auroc:.3f}",
        ]
        for name, outcome in trained.outcomes.items()
    ]
    made = table(["", "loss", "cross-entropy", "right on test points", "AUROC of the unseen cluster"], rows)
    return f"{made}<p><small>{trained.cpu_s:.1f} s of one core, with all maps. The AUROC is by the entropy.</small></p>"


def who_accepts_the_unseen(seen: Mapping[str, Surface], cluster: tuple[float, float] = USUAL_CLUSTER) -> str:
    """The answer of the two-moons page, in Markdown; ``cluster`` is where the unseen points lie."""
    if not seen:
        return "No trained model can be shown."
    shares = {label: surface.acceptance.ood_accepted for label, surface in seen.items()}
    fooled = [label for label, share in shares.items() if share >= 0.5]
    wary = [label for label, share in shares.items() if share < 0.5]
    where = " at the lower right" if cluster == USUAL_CLUSTER else ""
    start = f"The crosses{where} are unlike anything the models were trained on. At this threshold "
    if not fooled:
        return start + "**every method** defers most of them."
    if not wary:
        return start + "**no method** notices: each accepts at least half of them as if it knew."
    return (
        f"{start}**{listed(wary)}** {'defers' if len(wary) == 1 else 'defer'} most of them; "
        f"**{listed(fooled)}** {'accepts' if len(fooled) == 1 else 'accept'} them as if nothing were odd."
    )


def verdict_table(verdicts: Mapping[str, Verdict], class_names: Sequence[str]) -> str:
    """A table, in HTML, of each method's verdict on one input."""
    rows = "".join(
        f"<tr><th>{escape(label)}</th><td>{escape(class_names[v.label])} {percent(float(v.probs[v.label]))}</td>"
        f"<td>{v.total:.3f}</td><td>{v.aleatoric:.3f}</td><td>{v.epistemic:.3f}</td>"
        f"<td class='{'accept' if v.accepted else 'defer'}'>{ACCEPT if v.accepted else DEFER}</td></tr>"
        for label, v in verdicts.items()
    )
    head = head_cells(("", "predicts", "entropy", "aleatoric", "epistemic", "verdict"))
    return f"<div class='scroll'><table class='verdicts'><tr>{head}</tr>{rows}</table></div>"
