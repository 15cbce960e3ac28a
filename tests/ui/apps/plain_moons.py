"""The two-moons page as one would first write it: a plain script with Plotly and `st.cache_data`, to compare with.

`make load APP=tests/ui/apps/plain_moons.py PAGES='""'` measures it as `make load PAGES=two_moons` measures ours.
"""

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from uqcore.datasets import load
from uqcore.exhibits.moons import VIEWS, Plane
from uqcore.exhibits.verdicts import gauge
from uqcore.methods import METHODS, of_task
from uqcore.models.sampling import draw, load_posterior, with_mean_field
from uqcore.store import default_store
from uqcore.types import Draws

st.set_page_config(layout="wide")
st.title("Two moons")
plane = Plane(load("moons"))


@st.cache_data
def drawn(method_id: str, n_samples: int) -> Draws:
    store = default_store()
    return draw(load_posterior(store, store.find("moons", method_id)), plane.points, n_samples)


view = VIEWS[st.selectbox("Show", list(VIEWS), format_func=lambda view_id: VIEWS[view_id].label)]
shown = st.multiselect("Methods", of_task("moons"), of_task("moons"))
threshold = st.slider("Threshold", 0.0, 1.0, 0.5, 0.01)
n_samples = st.slider("Samples", 1, 100, 50)
n_members = st.slider("Ensemble members", 1, 10, 10)
factor = st.slider("Mean-field factor", 0.0, 20.0, 0.39, 0.01)
for column, method_id in zip(st.columns(max(1, len(shown))), shown, strict=False):
    draws = drawn(method_id, n_members if method_id == "deep_ensemble" else n_samples)
    if method_id == "sngp":
        draws = with_mean_field(draws, factor)
    own = gauge(default_store().find("moons", method_id), "own", 2)
    surface = plane.surface(view, draws, threshold, own)
    figure = go.Figure(
        go.Heatmap(x=plane.grid.x, y=plane.grid.y, z=surface.shown, zmin=0, zmax=1, colorscale="cividis")
    )
    figure.add_contour(
        x=plane.grid.x, y=plane.grid.y, z=surface.uncertainty, contours={"start": threshold, "end": threshold},
        contours_coloring="lines", showscale=False,
    )  # fmt: skip
    train = plane.dataset.train
    for k, name in enumerate(plane.dataset.class_names):
        x = train.x[train.y == k]
        figure.add_scatter(x=x[:, 0], y=x[:, 1], mode="markers", name=name)
    unseen = plane.dataset.ood["cluster"]
    figure.add_scatter(x=unseen[:, 0], y=unseen[:, 1], mode="markers", name="unseen")
    accepted = surface.acceptance
    column.subheader(METHODS[method_id].label)
    column.write(f"{accepted.coverage:.1%} of test points accepted, {accepted.ood_accepted:.1%} of the unseen")
    column.plotly_chart(figure, key=method_id)
st.caption(f"{len(np.unique(plane.dataset.test.y))} classes. {view.description}")
