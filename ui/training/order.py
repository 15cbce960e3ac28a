"""The controls of a training: task, method, seed and the method's settings. All of them are in the link."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ui import controls
from ui.controls import BIND
from uqcore.datasets import DATASETS, load
from uqcore.methods import METHODS, of_task
from uqcore.methods.base import Range
from uqcore.trainings import Order, allowed
from uqcore.trainings.order import MOST_SEED, takes_images

_IN_ROW = 4
_USUAL = "sngp"
_LABELS = {
    "spec_norm_bound": "Spectral-norm bound",
    "n_members": "Members",
    "n_random_features": "Random features",
    "n_prototypes": "Training examples kept",
    "k": "Which neighbour counts",
    "kl_weight": "KL weight",
}


def choose() -> Order:
    """What is asked for. UqError: it cannot be trained."""
    with st.container(horizontal=True, gap="medium", key="stays_order"):
        titles = {task: load(task).title[:1].upper() + load(task).title[1:] for task in DATASETS}
        task = controls.choice("Task", titles, "r_task", next(iter(titles)))
        known = {method_id: METHODS[method_id].label for method_id in of_task(task)}
        method_id = controls.method("Method", f"r_method_{task}", known, _USUAL, 200)
        seed = controls.number("Seed", 0, MOST_SEED, 0, "r_seed", width=130)
    usual = METHODS[method_id].configs[task]
    values: dict[str, Any] = {}
    with st.expander("Settings", key="r_more"):
        st.caption("They start as those of the model that was trained before.")
        fields = [pair for pair in asdict(usual).items() if pair[0] != "augment" or takes_images(task)]
        for column, (name, value) in controls.in_rows(fields, _IN_ROW):
            values[name] = _setting(name, value, allowed(task, usual, name), f"r_{task}_{method_id}_{name}", column)
    return Order(task, method_id, seed, replace(usual, **values))


def _setting(name: str, usual: Any, limits: Range | tuple[str, ...] | None, key: str, place: DeltaGenerator) -> Any:
    """One setting, of the type of its usual value."""
    label = _LABELS.get(name, name.replace("_", " ").capitalize())
    if isinstance(usual, bool):
        return place.toggle(label, usual, key=key, bind=BIND)
    if isinstance(usual, str):
        if limits is None or isinstance(limits, Range):
            return place.text_input(label, usual, key=key, bind=BIND)
        start = limits.index(usual)
        return controls.one_of(label, limits, lambda word: word or "last hidden", start, place, key=key, bind=BIND)
    made = type(usual)
    span = limits if isinstance(limits, Range) else None
    return controls.number(
        label,
        None if span is None else made(span.least),
        None if span is None else made(span.most),
        usual,
        key,
        1 if made is int else float(f"{abs(usual) / 10 or 0.01:.0e}"),
        place,
        format="%d" if made is int else "%.6g",  # not seventeen digits of pi / 8
        help=None if span is None else f"{span}".capitalize() + ".",
    )
