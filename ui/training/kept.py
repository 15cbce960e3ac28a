"""What a visitor has trained, beside the committed models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import streamlit as st

from ui import cache, controls, shelf
from ui.moons import maps, stored
from ui.shelf import Stored
from ui.words import sentence
from ui.words import train as words
from uqcore.datasets import load
from uqcore.exhibits.moons import VIEWS
from uqcore.methods import METHODS
from uqcore.models.evaluation import Evaluated
from uqcore.store import default_store
from uqcore.trainings import Training
from uqcore.trainings.visit import Visit, may_save, save
from uqcore.types import ModelRecord, UqError
from uqcore.workers import State

_LOST = "This model cannot be read any more; train it again."


def outcome(visit: Visit, job: Training, problems: list[str]) -> str:
    """The answer when a training is over, in Markdown; what went wrong is added to ``problems``."""
    order = job.order
    if job.state is State.CANCELLED:
        return words.stopped(visit.complete(order.stages), len(order.stages))
    if job.error is not None:
        problems.append(job.error)
        return words.TRAIN_ANY
    if job.figures is None:
        problems.append(_LOST)
        return words.TRAIN_ANY
    return words.beside_the_committed(order.name, job.figures, job.beside)


class _Row(NamedTuple):
    stored: Stored
    figures: Evaluated


def _rows(visit: Visit, task: str) -> dict[str, _Row]:
    """Label -> the committed model of each method that the visitor has trained, and theirs after it."""
    rows: dict[str, _Row] = {}
    committed, _ = cache.models(task)
    for method_id in METHODS:
        for model in shelf.own(task).values():
            if model.record.method != method_id:
                continue
            ours, theirs = (*visit.figures(model.record.model_id), None, None)[:2]
            if theirs is not None and method_id in committed:
                rows[f"{METHODS[method_id].label}, {words.SHOWN}"] = _Row(committed[method_id].stored, theirs)
            if ours is not None:
                rows[model.label] = _Row(model, ours)
    return rows


def show(visit: Visit, task: str) -> None:
    """What the visitor has trained on ``task``, beside the committed models: maps of the plane, and a table."""
    try:
        rows = _rows(visit, task)
        if not rows:
            return
        drawn = {}
        if task == stored.TASK:
            drawn = {label: maps.Map(*cache.mapped(row.stored)) for label, row in rows.items()}
    except UqError:
        st.warning(_LOST)
        return
    st.header(f"Trained in this visit, {load(task).title}", anchor=False)
    st.html(words.evaluations({name: (row.figures, row.stored.record.training_time_s) for name, row in rows.items()}))
    st.caption(
        "On test data; AUROC by the method's own measure, the unseen or the errors being the positive class. NLL, "
        "Brier, ECE, RMSE and CRPS: lower is better."
    )
    if drawn:
        maps.keep(maps.show(drawn, VIEWS["own"], cache.plane().dataset, key="r_maps"))
    if may_save():
        _saving(visit, {label: row.stored.record for label, row in rows.items() if row.stored.own})


def _saving(visit: Visit, models: Mapping[str, ModelRecord]) -> None:
    """For operators who allow it."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = controls.one_of("Model", list(models), start=len(models) - 1, key=f"r_save_{len(models)}", width=420)
        record = models[name]
        replaces = record.model_id in {row.model_id for row in default_store().records()}
        label = "Save in place of the one trained before" if replaces else "Save into the store"
        if st.button(label, icon=":material/save:", key="r_save"):
            try:
                save(visit, record, default_store())
            except UqError as error:
                st.error(sentence(str(error)))
            else:
                st.success(f"{name} is in the store as {record.model_id}.")
