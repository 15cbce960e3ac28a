"""The frame of every page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ui import cache
from uqcore.parallel import one_blas_thread

_CSS = (Path(__file__).parent / "style.css").read_text("utf-8")
_ICON = str(Path(__file__).parent / "icon.svg")  # a Material icon here would be fetched from another host

# Streamlit finds pages/ by itself, which, unlike st.navigation, also serves a link into a server that has just started.
_DOORS = {
    "app.py": ("Home", ":material/home:"),
    "pages/two_moons.py": ("Two moons", ":material/scatter_plot:"),
    "pages/digit_lab.py": ("Digit lab", ":material/draw:"),
    "pages/threshold_lab.py": ("Threshold lab", ":material/tune:"),
    "pages/regression.py": ("Regression", ":material/show_chart:"),
    "pages/gallery.py": ("Gallery", ":material/photo_library:"),
    "pages/reproductions.py": ("Reproductions", ":material/fact_check:"),
}


def start(title: str) -> DeltaGenerator:
    """Navigation and title; returns the place for the page's answer, which is known only further down."""
    one_blas_thread()
    st.set_page_config(page_title=f"{title} · Uncertainty Lab", page_icon=_ICON, layout="wide")
    st.html(f"<style>{_CSS}</style>")
    with st.container(horizontal=True, key="doors"):
        for path, (label, icon) in _DOORS.items():
            st.page_link(path, label=label, icon=icon)
    st.title(title, anchor=False)
    cache.warm_up()
    return st.container()


def answer(place: DeltaGenerator, lead: str, problems: Sequence[str]) -> None:
    """The page's answer (Markdown), and a sentence for all that could not be had: the page works on with the rest."""
    place.markdown(lead)
    for sentence in problems:
        place.warning(sentence, icon=":material/build:")
