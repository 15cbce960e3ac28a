"""What does a method find easy, what does it find hard, and is it right to?"""

import streamlit as st

from ui import cache, controls, gallery_grid, page
from ui.controls import BIND
from uqcore.exhibits.gallery import N_CHAINER
from uqcore.methods import METHODS
from uqcore.metrics.uncertainty import MEASURES
from uqcore.types import UqError

VIEWS = {"ends": "Extremes", "wrong": "Errors", "disagree": "Disagreement"}
SETS = {"MNIST": ("test", "mnist"), "Fashion-MNIST": ("fashion", "fashion")}  # what the store and the cache call them


def method(label: str, key: str, method_ids: list[str], default: str) -> str:
    return st.selectbox(
        label, method_ids, method_ids.index(default), lambda m: METHODS[m].label, key=key, bind=BIND, width=140
    )


def samples(method_id: str) -> int | None:
    most = METHODS[method_id].n_kept or 1
    return st.slider("Samples", 1, most, most, key=f"samples_{method_id}", bind=BIND, width=110) if most > 1 else None


def measure(known: tuple[str, ...]) -> str:
    # A key for each choice of measures: Streamlit would keep a chosen one that the next method lacks.
    return st.selectbox(
        "Measure", known, format_func=lambda m: MEASURES[m].label, key=f"by_{len(known)}", bind=BIND, width=195
    )


def number(label: str, most: int, default: int, key: str) -> int:
    return st.number_input(label, 1, most, default, key=key, bind=BIND, width=115)


top = page.start("Gallery")
bar = st.container(horizontal=True)
try:
    with bar:
        view = controls.choice("Show", VIEWS, "gallery", "ends")
        images = controls.choice("Images", {name: name for name in SETS}, "images", "MNIST")
        kept, cached = SETS[images]
        method_id = method("Method", "method", list(METHODS), "mc_dropout")
        n_samples = samples(method_id)
        shown = gallery_grid.Shown(
            images,
            cache.test_images(cached),
            cache.kept_predictions(method_id, kept, n_samples),
            cache.kept_predictions(method_id, "test", n_samples),
        )
        if view == "ends":
            by = measure(shown.predictions.measures)
            made = gallery_grid.ends(shown, by, number("Images per class", 100, N_CHAINER, "n_each"))
        elif view == "wrong":
            by = measure(shown.predictions.measures)
            made = gallery_grid.wrong(shown, by, number("Number", 300, 60, "n"))
        else:
            others = [other for other in METHODS if other != method_id]
            other_id = method("Other method", "other", others, "sngp" if "sngp" in others else "mc_dropout")
            other = cache.kept_predictions(other_id, kept)
            made = gallery_grid.disagreeing(shown, other, number("Number", 300, 60, "n"))
except UqError as error:
    page.answer(top, "No trained model can be shown.", [str(error)])
    st.stop()
page.answer(top, made.answer, [])
st.html(made.html)
marks = "In bold: read wrong. " if shown.are_digits else ""
st.caption(f"{made.note} {marks}A picture opens in the digit lab. Of images that tie, the first come first.")
