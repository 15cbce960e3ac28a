"""A training at work: how far it is, what it has learnt so far, what the command line says."""

from __future__ import annotations

from functools import partial

import streamlit as st

from ui import fairness, shelf
from ui.charts import chart
from ui.words import train as words
from uqcore.plots.learning import learning
from uqcore.trainings import Training, Trainings
from uqcore.trainings.jobs import curves
from uqcore.trainings.visit import Visit
from uqcore.workers import Status

_EVERY_S = 1.0
_SHOWN = {"loss": "loss", "accuracy": "accuracy", "rmse": "RMSE"}


@st.cache_resource(show_spinner=False)
def trainings() -> Trainings:
    """The trainings of all visitors of this server."""
    return Trainings(is_there=shelf.is_there)


def show(visit: Visit, job: Training) -> None:
    """A job that waits or runs; the page is run again when it is over."""
    st.fragment(partial(_at_work, visit, job), run_every=_EVERY_S)()


@fairness.turn()
def _at_work(visit: Visit, job: Training) -> None:
    trainings().job(visit.owner)  # the visitor is here
    if job.state.is_over:
        st.rerun()
    status = trainings().status(job)
    left, right = st.columns([4, 1], vertical_alignment="center")
    left.progress(work_done(job, status), words.how_far_in_all(status, job.stage, len(job.order.stages)))
    if right.button("Cancel", icon=":material/stop:", key="r_cancel"):
        trainings().cancel(visit.owner)
        st.rerun()
    learnt(job)


def work_done(job: Training, status: Status) -> float:
    """The share of all that is done, by the time that it takes."""
    expected = trainings().expected(job.order)
    after = expected.after_s / (expected.fit_s + expected.after_s)
    return status.epoch / status.epochs * (1 - after) + (job.share or 0.0) * after


def learnt(job: Training) -> None:
    """The learning curves and the log."""
    epochs = list(job.epochs_done)  # it grows in another thread
    known = {name: label for name, label in _SHOWN.items() if any(name in epoch.metrics for epoch in epochs)}
    n_epochs = max((epoch.epochs for epoch in epochs), default=1)
    for column, (name, label) in zip(st.columns(max(2, len(known))), known.items(), strict=False):
        lines = {"training": curves(epochs, name), "validation": curves(epochs, f"val_{name}")}
        with column:
            chart(learning(lines, label, n_epochs, log=name != "accuracy"), f"r_{name}")
    if log := job.log:
        with st.expander("Log", key="r_log"):
            st.code("\n".join(log), language=None)
