"""A page with five surfaces, for the browser tests: two planes, and ripples that look like the real thing."""

import numpy as np
import streamlit as st

from tests.ui.apps import visits
from ui.components import Panel, PointGroup, surfaces

st.set_page_config(layout="wide")
visit = visits.begun()

X_RANGE, Y_RANGE = (-3.0, 4.0), (-2.0, 3.0)
NAMES = ("Plane in x", "Plane in y", "Deep ensemble", "SNGP", "SVI (Flipout)")
shift = st.slider("Shift", 0.0, 1.0, 0.0, key=f"shift{visit}")

columns, rows = np.linspace(*X_RANGE, 100), np.linspace(*Y_RANGE, 100)
x, y = np.meshgrid(columns, rows)
distance = np.hypot(x - 0.5, y - 0.25) - shift
ripples = [0.25 * (1 - np.exp(-(distance**2) / 4)) + 0.01 * i * np.sin(2 * x * y) for i in (1, 2, 3)]
fields = [(x + 3) / 28, (y + 2) / 20, *ripples]

rng = np.random.default_rng(0)
angle = rng.uniform(0, np.pi, 500)
moon = np.stack([np.cos(angle), np.sin(angle)], axis=1)
groups = [
    PointGroup("Class 0", moon + rng.normal(0, 0.1, moon.shape)),
    PointGroup("Class 1", np.array([1, 0.5]) - moon + rng.normal(0, 0.1, moon.shape)),
    PointGroup("Out of distribution", np.array([2.5, -1.75]) + rng.normal(0, 0.1, (50, 2))),
]
THRESHOLDS = [i / 100 for i in range(26)]
slides = "slides" in st.query_params
subtitles = [f"cut at {each:.2f}" for each in THRESHOLDS] if slides else ["AUROC 0.910"]
point, threshold = surfaces(
    [Panel(name, values, subtitles) for name, values in zip(NAMES, fields, strict=True)],
    x_range=X_RANGE,
    y_range=Y_RANGE,
    value_range=(0, 0.25),
    label="Uncertainty p (1 − p)",
    colormap=st.query_params.get("colormap", "cividis"),
    points=groups,
    threshold=float(st.query_params.get("threshold", 0.125)),
    thresholds=THRESHOLDS if slides else (),
    point=(1.0, 2.0) if "picked" in st.query_params else None,
    key=f"surfaces{visit}",
)
st.text(repr(point))
st.caption(f"threshold {threshold}")
if point is not None:
    column, row = np.abs(columns - point[0]).argmin(), np.abs(rows - point[1]).argmin()
    st.text(" ".join(f"{values[row, column]:.3f}".replace("-", "\u2212") for values in fields))
visits.ended()
