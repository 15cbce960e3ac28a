"""Prediction sets (conformal) beside the threshold."""

from __future__ import annotations

import numpy as np
import streamlit as st

from ui import controls
from ui.charts import chart
from ui.threshold.source import Source
from uqcore.plots import selection as plots
from uqcore.selection import Score, assess_sets, calibrate, prediction_sets, risk_coverage_curve, singleton_curve
from uqcore.text import percent
from uqcore.tuning import Goal, Study, Tuned

MOST_FOR_CURVE = 20_000
_SCORES: dict[Score, str] = {"lac": "LAC", "aps": "APS"}


def show(source: Source, study: Study, goal: Goal, tuned: Tuned) -> None:
    left, right = st.columns([2, 5])
    with left:
        coverage = st.slider(
            "Sets hold the true class in", 80.0, 99.9, 99.0, 0.1, format="%.1f %%", key="sets_in", bind="query-params"
        )
        score = controls.choice(
            "Score",
            _SCORES,
            "score",
            "lac",
            "LAC: the smallest sets. APS: adaptive sets, never empty.",
        )
    probs, labels = study.predictions.predictive, study.predictions.labels
    assert labels is not None
    known = [part.indices[: len(part.measure)] for part in (study.calibration, study.held_out)]
    unseen = study.held_out.indices[len(study.held_out.measure) :]
    calibration = calibrate(probs[known[0]], labels[known[0]], round(1 - coverage / 100, 6), score)
    sets = prediction_sets(calibration, probs[known[1]])
    ood_sets = prediction_sets(calibration, probs[unseen]) if len(unseen) else None
    seen = assess_sets(sets, labels[known[1]], ood_sets)
    unseen_words = "" if ood_sets is None else f", and {percent(seen.ood_accepted)} of the unseen"
    with left:
        st.markdown(
            f"**{percent(seen.label_coverage)}** of {len(sets):,} held-out sets hold the true class "
            f"({percent(seen.label_coverage_low)} to {percent(seen.label_coverage_high)}), with "
            f"{seen.mean_size:.2f} classes on average.\n\nSets of one class accept **{percent(seen.coverage)}** "
            f"of the examples, {percent(seen.accuracy)} of them right{unseen_words}. The threshold above accepts "
            f"{percent(tuned.assessment.coverage.value)}."
        )
    counts = {"held out": seen.size_counts}
    if ood_sets is not None:
        counts["unseen"] = np.bincount(ood_sets.sum(axis=1), minlength=len(seen.size_counts))
    chart(plots.set_sizes(counts), "sets_figure", right)
    with right:
        of_threshold = risk_coverage_curve(study.held_out.ranking.table(1000))
        some = [indices[:MOST_FOR_CURVE] for indices in known]  # the split is random, so these are any
        of_sets = singleton_curve(probs[some[0]], labels[some[0]], probs[some[1]], labels[some[1]], score)
        points = {"threshold": (tuned.assessment.coverage.value, tuned.assessment.risk.value)}
        points["sets of one class"] = (seen.coverage, 1 - seen.accuracy)
        figure = plots.risk_coverage({"threshold": of_threshold, "sets of one class": of_sets}, points=points)
        chart(figure, "sets_curve")
