"""Registering a component from the files beside this module, and the state that a mounted one has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

_FOLDER = Path(__file__).parent


def register(name: str, *scripts: str) -> ComponentRenderer:
    """The component made of ``name.html``, ``name.css`` and ``name.js``, read once, here.

    An inline component is one script, which has no URL to import others from: ``scripts`` are put before it.
    """
    html, css = ((_FOLDER / f"{name}.{suffix}").read_text("utf-8") for suffix in ("html", "css"))
    js = "\n".join((_FOLDER / f"{script}.js").read_text("utf-8") for script in (*scripts, name))
    return st.components.v2.component(f"uncertainty_lab.{name}", html=html, css=css, js=js)


def state_or(start: Any, key: str, name: str) -> Any:
    """What the component ``key`` last sent as ``name``, or ``start`` if it has sent nothing yet."""
    state = st.session_state.get(key) or {}
    return state.get(name, start)
