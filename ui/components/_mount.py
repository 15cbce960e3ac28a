"""Registering a component from the files beside this module, and the state that a mounted one has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

_FOLDER = Path(__file__).parent


def register(name: str, *scripts: str, in_page_style: bool = False) -> ComponentRenderer:
    """The component made of ``name.html``, ``name.css`` and ``name.js``, read once, here.

    An inline component is one script, which has no URL to import others from: ``scripts`` are put before it.
    With ``in_page_style`` there is no CSS of its own: the page's (`ui/style.css`) holds in it.
    """
    html = (_FOLDER / f"{name}.html").read_text("utf-8")
    css = None if in_page_style else (_FOLDER / f"{name}.css").read_text("utf-8")
    js = "\n".join((_FOLDER / f"{script}.js").read_text("utf-8") for script in (*scripts, name))
    return st.components.v2.component(
        f"uncertainty_lab.{name}", html=html, css=css, js=js, isolate_styles=not in_page_style
    )


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
