"""Registering a component from the files beside this module, and the state that a mounted one has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from ui.history import is_from_history

_FOLDER = Path(__file__).parent


def register(name: str, *parts: str, in_page_style: bool = False) -> Callable[..., Any]:
    """The component made of ``name.html``, ``name.css`` and ``name.js``, read once, here.

    An inline component is one script and one style sheet, which have no URL to import others from: those of ``parts``
    are put before them. With ``in_page_style`` the page's style (`ui/style.css`) holds in it too.
    """
    html = _read(name, "html")
    css, js = ("\n".join(_read(each, suffix) for each in (*parts, name)) for suffix in ("css", "js"))
    mount = st.components.v2.component(
        f"uncertainty_lab.{name}", html=html, css=css, js=js, isolate_styles=not in_page_style
    )

    def mounted(*, data: Mapping[str, Any] | bytes, **options: Any) -> Any:
        if not isinstance(data, bytes):
            # Streamlit looks through every list and dict for a data frame, and loads pandas for it; a tuple is the same
            # in JSON as a list.
            data = {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
        return mount(data=data, **options)

    return mounted


def _read(name: str, suffix: str) -> str:
    """A file of a component or a part of one, which need not have each kind."""
    path = _FOLDER / f"{name}.{suffix}"
    return path.read_text("utf-8") if path.exists() else ""


def key_for(key: str, start: Mapping[str, Any]) -> str:
    """The key to mount the component ``key`` by: another one where history has brought a link that starts it elsewhere
    than where its visitor has left it, for what is on the screen cannot be moved."""
    n, began = st.session_state.get(f"{key}_mounts", (0, start))
    state = st.session_state.get(f"{key}~{n}" if n else key) or {}
    if is_from_history() and {**began, **state} != start:
        n, began = n + 1, start
    elif not state:
        began = start
    st.session_state[f"{key}_mounts"] = (n, began)
    return f"{key}~{n}" if n else key


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
