"""A page with the functions of three methods, for the browser tests: what Python got, and how often this script ran."""

import numpy as np
import streamlit as st

from tests.ui.apps import visits
from ui.components import Curves, Points, functions
from uqcore.metrics.regression import Gaussian

st.set_page_config(layout="wide")
visit = visits.begun()
asked = st.query_params
up = st.slider("Up", 0.0, 1.0, 0.0, 0.5, key=f"up{visit}")
overlaid = st.toggle("Overlaid", "overlaid" in asked, key=f"overlaid{visit}")
place = st.container()
st.button("Run again")

x = np.linspace(-6, 6, 241)
rng = np.random.default_rng(0)
wiggly = [
    Gaussian(np.sin(x + i) + up + rng.normal(0, 0.05, len(x)), 0.3 + 0.2 * np.cos(x) + rng.uniform(0, 0.05, len(x)))
    for i in range(3)
]
flat = [Gaussian(np.full(len(x), float(2 * i - 1)), np.full(len(x), 0.25)) for i in range(3)]
samples = np.full((1, len(x)), 0.75)
curves = [
    Curves(2 * i, f"Method {i}", function, samples if "flat" in asked and i == 0 else samples[:0])
    for i, function in enumerate(flat if "flat" in asked else wiggly)
]
points = Points(np.array([-3.0, 3.0]), np.array([0.5, 2.0]), 1) if "points" in asked else Points(x[:0], x[:0])

with place:
    clicked = functions(
        x,
        curves[: int(asked.get("n", 3))],
        points,
        n_stds=2,
        gap=(-1.0, 2.0),
        y_range=(-2.5, 2.5),
        key=f"functions{visit}",
        overlaid=overlaid,
        room="full" not in asked,
        height=int(asked.get("height", 300)),
    )
st.session_state["runs"] = st.session_state.get("runs", 0) + 1
if clicked is not None:
    st.session_state.setdefault("clicked", []).append(clicked)
st.text(f"runs {st.session_state['runs']}")
st.text(repr(st.session_state.get("clicked", [])))
st.text(repr(clicked))
visits.ended()
