"""From a figure of the scoreboard to the inputs behind it, on the pages that show them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal, NamedTuple

import streamlit as st

from ui import controls, page
from uqcore.datasets import load
from uqcore.methods import METHODS

Figure = Literal["unseen", "errors", "answers", "cost", "shift", "curves", "regression"]
_STANDS_IN: Final = {"digits_0_4": "digits"}
"""A task of which no answers are kept -> the one whose images are the same."""
_ON_THE_PLANE: Final = "moons"  # the one task that Two moons shows


class Lead(NamedTuple):
    """A link: its page, words and parameters."""

    page: str
    label: str
    query: Mapping[str, str]


def leads(task: str, figure: Figure, unseen: str, methods: Iterable[str]) -> list[Lead]:
    """Where the inputs of a figure are seen; of ``methods``, the first that pages know, the best first."""
    dataset = load(task)
    if dataset.is_regression:
        return [Lead("pages/regression.py", "The functions themselves", {})]
    if dataset.grid is not None:
        if task != _ON_THE_PLANE:
            return []
        return [Lead("pages/two_moons.py", "The points, and what each method says of the plane", {})]
    seen = _STANDS_IN.get(task, task)
    if seen not in controls.image_tasks():
        return []
    whose = load(seen).title + ("" if seen == task else ", read by networks that know all ten digits")
    method_id = next((method for method in methods if method in METHODS), controls.USUAL_METHOD)
    label, query = METHODS[method_id].label, controls.task_in_link(seen) | {"method": METHODS[method_id].label}
    if figure == "shift":
        return [Lead("pages/digit_lab.py", f"One image turned and under noise: {whose}", controls.task_in_link(seen))]
    errors = Lead("pages/gallery.py", f"Images that {label} reads wrong: {whose}", query | {"gallery": "Errors"})
    if figure not in ("unseen", "curves"):
        return [errors]
    kept = unseen if unseen in load(seen).kept else "test"
    images = {controls.task_key("images", seen): load(seen).title_of(kept)} if kept != "test" else {}
    ends = Lead(
        "pages/gallery.py", f"{load(seen).title_of(kept)} by {label}: the least and the most odd", query | images
    )
    if figure == "unseen":
        return [ends, errors]
    return [Lead("pages/threshold_lab.py", f"Every threshold: {whose}", controls.task_in_link(seen)), ends, errors]


def show(those: Iterable[Lead]) -> None:
    """As a row of links."""
    with st.container(horizontal=True):
        for lead in those:
            st.page_link(
                page.at(lead.page), label=lead.label, icon=":material/image_search:", query_params=dict(lead.query)
            )
