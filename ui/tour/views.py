"""Views that take a page's place: the speaker's notes, and two links side by side."""

from __future__ import annotations

import re
from functools import cache as kept
from pathlib import Path
from urllib.parse import parse_qs

import streamlit as st

from ui.components import stage
from ui.tour import frame, text
from ui.tour.steps import STEPS
from ui.words import sentence
from uqcore.types import UqError

NOTES = Path(__file__).parents[2] / "docs" / "speaker-notes.md"
_OWN_PAGE = re.compile(r"\w*")  # a page's address, without folders


def taken() -> bool:
    """Shows what the link asks for instead of the page, if anything."""
    if "notes" in st.query_params:
        _notes()
    elif "before" in st.query_params:
        _side_by_side()
    else:
        return False
    return True


def own_link(link: str) -> str:
    """The link to a page of this server, from its path and parameters.

    Raises:
        UqError: it leads elsewhere, or to another view of two links.
    """
    parts = text.parts_of(link.strip())
    page = "" if parts is None else parts.path.removeprefix("./").removeprefix("/")
    if parts is None or parts.scheme or parts.netloc or link.strip().startswith("//") or not _OWN_PAGE.fullmatch(page):
        raise UqError(f"Expected a link to a page here, such as /digit_lab?noise=0.5. Received: {link[:60]}.")
    if {"before", "after", "notes"} & parse_qs(parts.query, keep_blank_values=True).keys():
        raise UqError("Expected a link to a page here. Received: one to a view of two links, or to the notes.")
    return f"/{page}?{parts.query}" if parts.query else f"/{page}"


def _side_by_side() -> None:
    st.title("Before and after", anchor=False)
    base = f"/{st.get_option('server.baseUrlPath').strip('/')}".rstrip("/")
    for column, name in zip(st.columns(2, gap="small"), ("before", "after"), strict=True):
        with column.container(key=f"side_{name}"):
            try:
                link = own_link(st.query_params.get(name, ""))
            except UqError as error:
                st.warning(sentence(str(error)))
                continue
            st.markdown(f"**{name.capitalize()}**")
            st.iframe(f"{base}{link}", height=700)  # the page's style gives it the screen's height


@kept
def sections() -> tuple[str, ...]:
    """The notes' introduction and then a section a step, in Markdown. UqError: they cannot be read."""
    try:
        notes = NOTES.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UqError(f"The notes {NOTES} cannot be read ({error}); get them back from git.") from error
    return tuple(re.split(r"^## .*$", notes, flags=re.MULTILINE))


def _notes() -> None:
    n = frame.step() or 1
    stage(
        {
            "n": n,
            "notes": True,
            "steps": [{"claim": each.claim, "href": f"./?notes=1&tour={i}"} for i, each in enumerate(STEPS, 1)],
        }
    )
    st.title(f"{n}. {STEPS[n - 1].claim}", anchor=False)
    try:
        said = sections()
        st.markdown(said[n] if n < len(said) else "No notes.")
    except UqError as error:
        st.warning(sentence(str(error)))
    if n < len(STEPS):
        st.caption(f"Next: {STEPS[n].claim}")
    st.html(f'<p><a href="{text.of_step(n, {"present": "1"})}" target="_blank">Open the presentation</a></p>')
