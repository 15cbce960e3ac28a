"""What a visitor has trained, beside the committed models."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from ui import cache
from ui.training import words
from uqcore.datasets import load
from uqcore.methods import METHODS
from uqcore.store import default_store
from uqcore.trainings import Training
from uqcore.trainings.visit import Visit, may_save, save
from uqcore.types import ModelRecord, UqError
from uqcore.workers import State

_LOST = "This model cannot be read any more; train it again."


def committed(task: str, method_id: str) -> ModelRecord | None:
    """The model of seed 0 that the pages show."""
    try:
        return default_store().find(task, method_id)
    except UqError:
        return None


def outcome(visit: Visit, job: Training, problems: list[str]) -> str:
    """The answer when a training is over, in Markdown; what went wrong is added to ``problems``."""
    order = job.order
    if job.state is State.CANCELLED:
        return words.stopped(max(0, job.stage - 1), len(order.stages))
    if job.error is not None:
        problems.append(job.error)
        return words.TRAIN_ANY
    theirs = committed(order.task, order.method_id)
    try:
        ours = cache.evaluated(visit.store, visit.models(order.task)[order.name])
        known = None if theirs is None else cache.evaluated(default_store(), theirs)
    except (UqError, KeyError):
        problems.append(_LOST)
        return words.TRAIN_ANY
    return words.beside_the_committed(order.name, ours, known)


def show(visit: Visit, task: str) -> None:
    """A row a model of ``task``: each committed one, and what the visitor has made of its method."""
    rows: dict[str, tuple[words.Evaluated, float]] = {}
    try:
        models = visit.models(task)
        for method_id in METHODS:
            own = {name: record for name, record in models.items() if record.method == method_id}
            theirs = committed(task, method_id)
            if own and theirs is not None:
                label = f"{METHODS[method_id].label}, committed"
                rows[label] = cache.evaluated(default_store(), theirs), theirs.training_time_s
            rows |= {name: (cache.evaluated(visit.store, each), each.training_time_s) for name, each in own.items()}
    except UqError:
        st.warning(_LOST)
    if not rows:
        return
    title = load(task).title
    st.subheader(f"Trained in this visit, {title}", anchor=False)
    st.html(words.evaluations(rows))
    st.caption(
        "On test data; AUROC by the method's own measure, the unseen or the errors being the positive class. NLL, "
        "Brier, ECE, RMSE and CRPS: lower is better."
    )
    if may_save():
        _saving(visit, models)


def _saving(visit: Visit, models: Mapping[str, ModelRecord]) -> None:
    """For operators who allow it."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox("Model", list(models), len(models) - 1, key=f"r_save_{len(models)}", width=420)
        record = models[name]
        replaces = record.model_id in {row.model_id for row in default_store().records()}
        label = "Save, in place of the committed one" if replaces else "Save into the store"
        if st.button(label, icon=":material/save:", key="r_save"):
            try:
                save(visit, record, default_store())
            except UqError as error:
                st.error(str(error))
            else:
                st.success(f"{name} is in the store as {record.model_id}.")
