"""A page with the drawing pad, for the browser tests: it shows what Python got."""

import streamlit as st

from tests.ui.apps import visits
from ui.components import drawing_pad

visit = visits.begun()
st.query_params.setdefault("strokes", "")
name = st.radio("Pad", ["first", "second"], horizontal=True, key=f"pad{visit}")
strokes, is_moving = drawing_pad(st.query_params["strokes"], key=f"{name}{visit}")
if not is_moving:
    st.query_params["strokes"] = strokes
st.button("Run again")
st.text((strokes or "empty") + " …" * is_moving)
visits.ended()
