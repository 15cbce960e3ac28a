"""The frame of every page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ui import controls, memory, uploads
from ui.tour import frame, views
from uqcore.networks.parallel import one_blas_thread

_CSS, _FIGURE_ONLY, _PRESENTED = (
    (Path(__file__).parent / name).read_text("utf-8") for name in ("style.css", "figure_only.css", "presented.css")
)
_ICON = str(Path(__file__).parent / "icon.svg")  # a Material icon here would be fetched from another host


class Invitation(NamedTuple):
    """A tile of the home page: what to do behind a door, and the link's parameters."""

    label: str
    text: str
    query: Mapping[str, str] = {}


class Door(NamedTuple):
    """A page: its file, its name and icon in the row of links, and its tiles on the home page."""

    path: str
    label: str
    icon: str
    invitations: tuple[Invitation, ...] = ()


# The one list of pages: links, tiles and tests come from it.
# Streamlit finds pages/ by itself, which, unlike st.navigation, also serves a link into a server that has just started.
DOORS = (
    Door("app.py", "Home", ":material/home:"),
    Door(
        "pages/two_moons.py",
        "Two moons",
        ":material/scatter_plot:",
        (Invitation("See it on two moons", "Every method's uncertainty over one plane, side by side."),),
    ),
    Door(
        "pages/digit_lab.py",
        "Digit lab",
        ":material/draw:",
        (
            Invitation("Draw a digit", "Every method reads your handwriting and says how sure it is."),
            Invitation(
                "Try a garment",
                "Show the digit readers Fashion-MNIST, add noise, turn it, and watch who notices.",
                {"source": "Pick", "images": "Fashion-MNIST"},
            ),
        ),
    ),
    Door(
        "pages/threshold_lab.py",
        "Threshold lab",
        ":material/tune:",
        (Invitation("Choose a threshold", "Certify a risk, on our models or on your predictions."),),
    ),
    Door(
        "pages/regression.py",
        "Regression",
        ":material/show_chart:",
        (Invitation("Fit a curve", "How wide is the band where there is no data? Click to add some."),),
    ),
    Door(
        "pages/gallery.py",
        "Gallery",
        ":material/photo_library:",
        (Invitation("Browse the doubtful", "The digits that a model is surest and least sure of."),),
    ),
    Door(
        "pages/train.py",
        "Train",
        ":material/model_training:",
        (Invitation("Train a model", "Any task and method, with settings of your own, beside ours."),),
    ),
    Door("pages/reproductions.py", "Reproductions", ":material/fact_check:"),
)


def start(title: str) -> DeltaGenerator:
    """Navigation and title; returns the place for the page's answer, which is known only further down."""
    one_blas_thread()
    memory.give_back()
    uploads.guard()
    st.set_page_config(page_title=f"{title} · Uncertainty Lab", page_icon=_ICON, layout="wide")
    presented, on_tour, page = frame.is_presented(), frame.step() > 0, _page_of(title)
    st.html(f"<style>{_CSS}{_FIGURE_ONLY * (presented or on_tour)}{_PRESENTED * presented}</style>")
    if views.taken():
        st.stop()
    if presented or on_tour:
        frame.show(page)
    else:
        with st.container(horizontal=True, key="doors"):
            for door in DOORS:
                st.page_link(door.path, label=door.label, icon=door.icon)
            frame.show(page)
    st.title(title, anchor=False)
    return st.container(key="answer")


def _page_of(title: str) -> str:
    """The file of a page, by its title; Home's is a question."""
    return next((door.path for door in DOORS if door.label == title), DOORS[0].path)


def tiles() -> None:
    """What there is to do, three in a row."""
    invitations = [(door.path, invitation) for door in DOORS for invitation in door.invitations]
    for column, (path, (label, text, query)) in controls.in_rows(invitations, 3):
        with column.container(border=True):
            st.page_link(path, label=f"**{label}**", icon=":material/arrow_forward:", query_params=dict(query))
            st.write(text)


def answer(place: DeltaGenerator, lead: str, problems: Sequence[str]) -> None:
    """The page's answer (Markdown), and a sentence for all that could not be had: the page works on with the rest."""
    place.markdown(lead)
    for sentence in problems:
        place.warning(sentence, icon=":material/build:")
