"""A page with the dragged threshold, for the browser tests: what Python got, and how often this script has run."""

import time

import numpy as np
import streamlit as st

from tests.ui.apps import visits
from ui.components import threshold_view
from uqcore.plots.threshold_bins import measure_bins
from uqcore.selection import rank

st.set_page_config(layout="wide")
visit = visits.begun()
asked = st.query_params
n, n_ood = int(asked.get("n", 4_000)), int(asked.get("n_ood", 1_000))
has_labels = "unlabelled" not in asked

rng = np.random.default_rng(0)
measure = rng.beta(0.3, 4, n).astype(np.float32)
correct = rng.random(n) > measure if has_labels else np.ones(n, bool)
measure[: int(asked.get("zeros", 0))] = 0
ranking = rank(measure, correct, rng.beta(2, 3, n_ood).astype(np.float32) if n_ood else None)

st.session_state["runs"] = st.session_state.get("runs", 0) + 1
moved = st.session_state.setdefault("moved", [0, float(asked.get("threshold", 0.1))])
with st.container(horizontal=True):
    for name, value in {"Accept all": np.inf, "Accept none": -np.inf, "To a fifth": 0.2}.items():
        if st.button(name):
            moved[:] = [moved[0] + 1, value]
    st.button("Run again")
    st.text(f"runs {st.session_state['runs']}", width=120)

time.sleep(float(asked.get("pause", 0)))  # s; an answer that comes late
threshold = threshold_view(
    ranking.table(int(asked.get("rows", 4096))),
    measure_bins(ranking.right, ranking.wrong, ranking.ood),
    threshold=moved[1],
    revision=str(moved[0]),
    measure_label="Normalised entropy",
    scale="log" if "log" in asked else "linear",
    has_labels=has_labels,
    key=f"threshold{visit}",
    target=float(asked["target"]) if "target" in asked else None,
)
st.text(repr(threshold))
visits.ended()
