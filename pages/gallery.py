"""What does a method find easy, what does it find hard, and is it right to?"""

from collections.abc import Mapping
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ui import cache, controls, gallery_grid, page, shelf
from ui.html import Html
from uqcore.exhibits.gallery import N_CHAINER
from uqcore.methods import METHODS
from uqcore.models.answers import MOST_SAMPLES
from uqcore.types import Dataset, UqError

OTHER = "sngp"  # the second method that the page opens with: one of another kind
VIEWS = {"ends": "Extremes", "wrong": "Errors", "disagree": "Disagreement"}


def number(label: str, most: int, default: int, key: str) -> int:
    return controls.number(label, 1, most, default, key, width=115)


def pictures(top: DeltaGenerator) -> None:
    bar = st.container(horizontal=True)
    with bar:
        view = controls.choice("Show", VIEWS, "gallery", "ends")
        dataset = controls.task()
        task, known = dataset.task_id, shelf.labels(dataset.task_id)
        titles = {name: dataset.title_of(name) for name in dataset.kept}
        part = controls.choice("Images", titles, controls.task_key("images", task), "test")
        method_id = controls.method("Method", "method", known, controls.USUAL_METHOD, 140)
    page.part(partial(_shown, top, bar, view, dataset, part, known, method_id))


def _shown(
    top: DeltaGenerator,
    bar: DeltaGenerator,
    view: str,
    dataset: Dataset,
    part: str,
    known: Mapping[str, str],
    method_id: str,
) -> None:
    """What a method, one of ``known``, says of a part of the data, with the other controls in ``bar``."""
    task = dataset.task_id
    try:
        with bar:
            n_samples = controls.of_counts(cache.answers(task, method_id).counts, method_id, width=150)
            shown = gallery_grid.Shown(
                dataset,
                part,
                cache.images(task, part),
                cache.set_predictions(task, method_id, part, n_samples),
                cache.set_predictions(task, method_id, "test", n_samples),
            )
            own = method_id not in METHODS  # and so is what it says
            if view == "ends":
                by = controls.measure_of(shown.predictions.measures, 195)
                n = number("Images per class", 100, N_CHAINER, "n_each")
                made = gallery_grid.kept(own, (view, by, n, *shown.key), lambda: gallery_grid.ends(shown, by, n))
            elif view == "wrong":
                by = controls.measure_of(shown.predictions.measures, 195)
                n = number("Number", 300, 60, "n")
                made = gallery_grid.kept(own, (view, by, n, *shown.key), lambda: gallery_grid.wrong(shown, by, n))
            else:
                others = {other: label for other, label in known.items() if other != method_id}
                if not others:
                    raise UqError(f"Two methods are compared here. {dataset.title} has one.")
                other_id = controls.method("Other method", "other", others, OTHER, 140)
                other = cache.set_predictions(task, other_id, part, MOST_SAMPLES)
                n = number("Number", 300, 60, "n")
                key = (view, other.fingerprint, n, *shown.key)
                own = own or other_id not in METHODS
                made = gallery_grid.kept(own, key, lambda: gallery_grid.disagreeing(shown, other, n))
    except UqError as error:
        page.answer(top, "No trained model can be shown.", [str(error)])
        return
    page.answer(top, made.answer, [])
    st.html(Html(made.html))
    marks = "In bold: read wrong. " if shown.are_known else ""
    st.caption(f"{made.note} {marks}A picture opens in the digit lab. Of images that tie, the first come first.")


page.show("Gallery", pictures)
