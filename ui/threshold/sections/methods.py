"""The same target for every method, on the same split."""

from __future__ import annotations

import streamlit as st

from ui import cache, shelf
from ui.charts import chart
from ui.threshold.source import Source
from ui.words import sentence, table
from ui.words import threshold_lab as words
from uqcore.methods import METHODS
from uqcore.metrics.uncertainty import MEASURES
from uqcore.plots import selection as plots
from uqcore.selection import risk_coverage_curve
from uqcore.text import percent, unbroken
from uqcore.tuning import Goal, Study, Tuned, tune
from uqcore.types import UqError


def show(source: Source, study: Study, goal: Goal, tuned: Tuned) -> None:
    assert source.unseen is not None
    assert source.task is not None
    rows, curves, points, qualities, promised = [], {}, {}, {}, ""
    n_samples = source.n_samples or 50
    for key, label in shelf.labels(source.task).items():
        try:
            method = METHODS[shelf.find(source.task, key).record.method]
            source_id, predictions = cache.our_predictions(source.task, key, source.unseen, n_samples)
            measure_id = study.measure_id if study.measure_id in predictions.measures else "predictive_entropy"
            share = len(study.calibration.indices) / len(study.predictions)
            other = cache.our_study(key, source_id, measure_id, round(share, 2), predictions)
            reached = tune(other, goal)
        except UqError as error:
            st.warning(sentence(str(error)))
            continue
        seen, promised = reached.assessment, reached.policy.target.sentence
        rows.append(
            [
                label,
                MEASURES[measure_id].label,
                words.threshold(reached.policy.thresholds[0]) if len(reached.policy.thresholds) == 1 else "per class",
                f"{percent(seen.coverage.value)} {words.interval(seen.coverage)}",
                " ".join(words.risk(seen.risk)),
                percent(seen.ood_accepted.value),
                f"{predictions.n_samples}",
                f"{cache.seconds_per_1000(source.task, key, predictions.n_samples):.2g} s",
            ]
        )
        by_own = other if measure_id == method.own_measure else other.with_measure(method.own_measure)
        qualities[label] = (MEASURES[method.own_measure].label, by_own.held_out.quality())
        curves[label] = risk_coverage_curve(other.held_out.ranking.table(1000))
        points[label] = (seen.coverage.value, seen.risk.value)
    head = [
        "",
        "measure",
        "threshold",
        "accepted",
        "wrong among accepted",
        "unseen let through",
        "samples",
        "per 1,000",
    ]
    st.html(table(head, rows))
    figure = plots.risk_coverage(curves, points=points)
    chart(figure, "methods_figure")
    st.caption(
        f"The target is that of the buttons above, for every method on the same split: {unbroken(promised)}. "
        "Each threshold is chosen on the calibration part and judged on the other. Seconds: this server, now."
    )
    st.markdown(f"**By each method's own measure.** {words.what_finds_what(qualities)}")
    st.html(words.qualities_table(qualities))
    st.caption(words.QUALITY)
