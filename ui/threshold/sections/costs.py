"""What the choice costs, and how that moves with each cost."""

from __future__ import annotations

import numpy as np
import streamlit as st

from ui import controls
from ui.charts import chart
from ui.threshold.source import Source
from uqcore.plots import selection as plots
from uqcore.selection import Costs
from uqcore.selection.cost import LARGEST
from uqcore.selection.optimum import Varied
from uqcore.tuning import Goal, Study, Tuned


def show(source: Source, study: Study, goal: Goal, tuned: Tuned) -> None:
    if goal.costs is None:
        st.info("Choose the target Cost: its costs are what is shown here.")
        return
    outcomes, costs = study.calibration.outcomes, goal.costs
    best = outcomes.cheapest(costs)
    by_class = f", the best for each class **{tuned.optimum.cost:.4g}**" if goal.per_class and tuned.optimum else ""
    st.markdown(
        f"Accepting all would cost **{best.accept_all_cost:.4g}** per 1,000 examples, deferring all "
        f"**{best.defer_all_cost:.4g}**, the best threshold for all **{best.cost:.4g}**{by_class}, on the calibration "
        "part."
    )
    varied: dict[Varied, tuple[str, float]] = {
        "deferral": ("a deferral", costs.deferral),
        "error": ("all errors, times as much", 1.0),
    }
    if study.has_ood:
        varied["ood_accepted"] = ("an unseen accepted", costs.ood_accepted)
        varied["ood_share"] = ("share of unseen", costs.ood_share)
    what = controls.choice(
        "How it moves with the cost of", {k: name for k, (name, _) in varied.items()}, "vary", "deferral"
    )
    name, now = varied[what]
    highest = max(0.5, now) if what == "ood_share" else min(4 * (now or 1.0), _largest(what, costs))
    moved = outcomes.sweep(costs, what, np.linspace(0, highest, 61))
    figure = plots.cost_sweep(moved, x_title=name, now=now, is_share=what == "ood_share")
    chart(figure, "cost_figure")
    st.caption(
        "The cheapest threshold for all classes at each cost; the dotted line is the cost above. An interval by the "
        "bootstrap knows nothing of errors that did not happen: with few of them it is short."
    )


def _largest(what: Varied, costs: Costs) -> float:
    """What may be varied up to: no cost is above `LARGEST`."""
    return LARGEST / max(1.0, float(np.abs(costs.matrix).max())) if what == "error" else LARGEST
