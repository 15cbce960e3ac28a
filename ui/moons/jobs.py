"""The trainings of two moons in front of visitors."""

from __future__ import annotations

import streamlit as st

from uqcore.live.jobs import Jobs


@st.cache_resource(show_spinner=False)
def jobs() -> Jobs:
    """Those of all visitors of this server."""
    return Jobs()
