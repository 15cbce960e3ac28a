"""A page with the drawing pad, for the browser tests: it shows what Python got."""

import streamlit as st

from ui.components import drawing_pad

st.query_params.setdefault("strokes", "")
name = st.radio("Pad", ["first", "second"], horizontal=True)
strokes, is_moving = drawing_pad(st.query_params["strokes"], key=name)
if not is_moving:
    st.query_params["strokes"] = strokes
st.button("Run again")
st.text((strokes or "empty") + " …" * is_moving)
