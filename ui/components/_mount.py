"""Registering a component from the files beside this module, and the state that a mounted one has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

_FOLDER = Path(__file__).parent


def register(name: str, *parts: str, in_page_style: bool = False) -> ComponentRenderer:
    """The component made of ``name.html``, ``name.css`` and ``name.js``, read once, here.

    An inline component is one script and one style sheet, which have no URL to import others from: those of ``parts``
    are put before them. With ``in_page_style`` the page's style (`ui/style.css`) holds in it too.
    """
    html = _read(name, "html")
    css, js = ("\n".join(_read(each, suffix) for each in (*parts, name)) for suffix in ("css", "js"))
    return st.components.v2.component(
        f"uncertainty_lab.{name}", html=html, css=css, js=js, isolate_styles=not in_page_style
    )


def _read(name: str, suffix: str) -> str:
    """A file of a component or a part of one, which need not have each kind."""
    path = _FOLDER / f"{name}.{suffix}"
    return path.read_text("utf-8") if path.exists() else ""


def first(start: Any, key: str, name: str) -> Any:
    """``start`` as it was when the component ``key`` was last without a state of its own: before its visitor did
    anything."""
    kept: dict[str, Any] = st.session_state.setdefault(f"{key}_first", {})
    if not st.session_state.get(key):
        kept[name] = start
    return kept.setdefault(name, start)


def state_or(start: Any, key: str, name: str) -> Any:
    """What the component ``key`` last sent as ``name``, or ``start`` if it has sent nothing yet."""
    state = st.session_state.get(key) or {}
    return state.get(name, start)
