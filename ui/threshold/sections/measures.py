"""How well each measure orders the held-out examples."""

from __future__ import annotations

import streamlit as st

from ui.threshold.source import Source
from ui.words import small, table
from ui.words import threshold_lab as words
from uqcore.metrics.uncertainty import MEASURES
from uqcore.tuning import Goal, Study, Tuned


def show(source: Source, study: Study, goal: Goal, tuned: Tuned) -> None:
    rows = []
    for measure_id in study.predictions.measures:
        seen = study.with_measure(measure_id).held_out.quality()
        row = [small(value) for value in (seen.aurc, seen.excess_aurc)]
        row += [f"{value:.4f}".replace("nan", "–") for value in (seen.misclassification_auroc, *(seen.ood or ()))]
        rows.append([MEASURES[measure_id].label, *row])
    head = ["", "AURC", "E-AURC", "AUROC of errors"]
    st.html(table(head + (["AUROC of unseen", "AUPR", "FPR95"] if study.has_ood else []), rows))
    st.caption(words.QUALITY)
