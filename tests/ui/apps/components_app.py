"""The apps of single components as pages of one, so that the browser tests start one server for all of them."""

import streamlit as st

NAMES = ("pad", "cards", "functions", "kept", "surfaces", "threshold")
st.navigation(
    [st.Page(lambda: None, title="None", default=True), *(st.Page(f"{name}_app.py", url_path=name) for name in NAMES)],
    position="hidden",
).run()
