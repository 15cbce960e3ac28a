"""What a visitor has trained, beside the committed models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import streamlit as st

from ui import cache
from ui.moons import maps, stored
from ui.training import words
from uqcore.datasets import load
from uqcore.exhibits.moons import VIEWS
from uqcore.methods import METHODS
from uqcore.store import Store, default_store
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
        return words.stopped(visit.complete(order.stages), len(order.stages))
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


class _Row(NamedTuple):
    store: Store
    record: ModelRecord


def _rows(models: Mapping[str, ModelRecord], store: Store) -> dict[str, _Row]:
    """Label -> the committed model of each method that the visitor has trained, and theirs after it."""
    rows: dict[str, _Row] = {}
    for method_id in METHODS:
        own = {name: _Row(store, record) for name, record in models.items() if record.method == method_id}
        theirs = committed(next(iter(own.values())).record.task, method_id) if own else None
        if theirs is not None:
            rows[f"{METHODS[method_id].label}, {words.SHOWN}"] = _Row(default_store(), theirs)
        rows |= own
    return rows


def show(visit: Visit, task: str) -> None:
    """What the visitor has trained on ``task``, beside the committed models: maps of the plane, and a table."""
    try:
        models = visit.models(task)
        rows = _rows(models, visit.store)
        if not rows:
            return
        evaluations = {name: (cache.evaluated(*row), row.record.training_time_s) for name, row in rows.items()}
        drawn = {name: maps.Map(*cache.mapped(*row)) for name, row in rows.items()} if task == stored.TASK else {}
    except UqError:
        st.warning(_LOST)
        return
    st.subheader(f"Trained in this visit, {load(task).title}", anchor=False)
    st.html(words.evaluations(evaluations))
    st.caption(
        "On test data; AUROC by the method's own measure, the unseen or the errors being the positive class. NLL, "
        "Brier, ECE, RMSE and CRPS: lower is better."
    )
    if drawn:
        maps.keep(maps.show(drawn, VIEWS["own"], cache.plane().dataset, key="r_maps"))
    if may_save():
        _saving(visit, models)


def _saving(visit: Visit, models: Mapping[str, ModelRecord]) -> None:
    """For operators who allow it."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox("Model", list(models), len(models) - 1, key=f"r_save_{len(models)}", width=420)
        record = models[name]
        replaces = record.model_id in {row.model_id for row in default_store().records()}
        label = "Save in place of the one on the other pages" if replaces else "Save into the store"
        if st.button(label, icon=":material/save:", key="r_save"):
            try:
                save(visit, record, default_store())
            except UqError as error:
                st.error(str(error))
            else:
                st.success(f"{name} is in the store as {record.model_id}.")
