"""Accepted and right, class by class."""

from __future__ import annotations

import streamlit as st

from ui import words
from ui.threshold.source import Source
from uqcore.selection import split_by_class
from uqcore.text import percent
from uqcore.tuning import Goal, Study, Tuned


def show(source: Source, study: Study, goal: Goal, tuned: Tuned) -> None:
    part, names = study.held_out, study.predictions.class_names
    assert part.labels is not None
    assert part.correct is not None
    accepted = tuned.policy.decide_measured(part.measure, part.predicted)
    by_label = split_by_class(accepted, part.correct, part.labels, part.n_classes)
    by_prediction = split_by_class(accepted, part.correct, part.predicted, part.n_classes)
    rows = [
        [
            name,
            *(f"{n:,}" for n in (by_label.n_accepted[k], by_label.n_deferred[k])),
            percent(by_label.accuracy[k]),
            percent(by_label.deferred_accuracy[k]),
            f"{by_prediction.n_accepted[k]:,}",
            percent(by_prediction.accuracy[k]),
        ]
        for k, name in enumerate(names)
    ]
    head = ["class", "accepted", "deferred", "right, accepted", "right, deferred", "predicted and accepted", "right"]
    st.html(words.table(head, rows))
    st.caption("Held-out examples: the first columns by their true class, the last two by the predicted one.")
