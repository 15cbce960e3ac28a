"""The same goal for all models that a visitor brought, and which of them can be told apart."""

from __future__ import annotations

import math
from dataclasses import replace

import streamlit as st

from ui import words
from ui.charts import chart
from ui.threshold.source import Source
from uqcore.plots import selection as plots
from uqcore.selection import Difference, Estimate
from uqcore.text import fine_percent, percent, unbroken
from uqcore.tuning import Comparison, Goal, Study, Tuned, compare
from uqcore.tuning.comparison import HOW, WHAT, what_is_compared

_HEAD = ["", "accepted", "wrong among them", "accuracy"]
_PAIRS = ["", "first", "second", "first minus second, points", "p (Holm)", "verdict"]


def show(source: Source, study: Study, goal: Goal, tuned: Tuned) -> None:
    seen = _compared(source, study, goal)
    st.markdown(words.plain(what_is_compared(seen)))
    rows = []
    for one in seen.models:
        accepted = one.tuned.assessment
        shares = [accepted.coverage, accepted.risk, one.accuracy, one.risk_at_coverage]
        rows.append([one.name, *(_share(share) for share in shares)])
    st.html(words.table([*_HEAD, f"wrong at {percent(seen.coverage)} accepted"], rows))
    verdicts = {True: "differ", False: "cannot be told apart"}
    st.html(
        words.table(
            _PAIRS,
            [
                [
                    WHAT[pair.quantity],
                    words.shortened(pair.first, 24),
                    words.shortened(pair.second, 24),
                    _points(pair.difference),
                    "–" if pair.difference is None else _p(pair.adjusted),
                    "nothing accepted" if pair.difference is None else verdicts[pair.is_apart],
                ]
                for pair in seen.pairs
            ],
        )
    )
    curves = {words.shortened(one.name): one.curve for one in seen.models}
    points = {
        words.shortened(one.name): (one.tuned.assessment.coverage.value, one.tuned.assessment.risk.value)
        for one in seen.models
    }
    chart(plots.risk_coverage(curves, points=points), "models_figure")
    st.caption(unbroken(HOW))


def _compared(source: Source, study: Study, goal: Goal) -> Comparison:
    """Kept for the visit as long as nothing that it depends on changes; a goal with costs is looked at anew."""
    share = round(len(study.calibration.indices) / len(study.predictions), 2)
    alone = replace(goal, n_models=1)
    key = (tuple(id(one) for one in source.models.values()), study.measure_id, share, alone)
    kept = st.session_state.get("own_compared")
    if goal.costs is None and kept is not None and kept[0] == key:
        found: Comparison = kept[1]
        return found
    found = compare(source.models, study.measure_id, alone, share)
    # The models are kept with it: a key by identity must not outlive them.
    st.session_state["own_compared"] = (key, found, source.models)
    return found


def _share(estimate: Estimate) -> str:
    if math.isnan(estimate.value):
        return "–"
    return f"{fine_percent(estimate.value)} ({fine_percent(estimate.low)} to {fine_percent(estimate.high)})"


def _points(found: Difference | None) -> str:
    return "–" if found is None else f"{100 * found.value:+.2f} ({100 * found.low:+.2f} to {100 * found.high:+.2f})"


def _p(p: float) -> str:
    return "< 0.0001" if p < 1e-4 else f"{p:.2g}"
