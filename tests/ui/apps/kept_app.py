"""A page with an uploader whose file the tab keeps, for the browser tests; a click begins another visit in this tab."""

import streamlit as st

from ui.components import kept_file

visit = st.session_state.setdefault("visit", 0)
uploaded = st.file_uploader("A file", key=f"file_{visit}")
kept_file("file", f"file_{visit}", "restore" if uploaded is None else "keep")
if st.button("Another visit"):
    st.session_state["visit"] += 1
    st.rerun()
st.text("no file" if uploaded is None else f"{uploaded.name} in visit {visit}")
