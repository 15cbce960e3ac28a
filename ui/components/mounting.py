"""Registering a component from the files beside this module, and the state that a mounted one has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from ui.history import is_from_history
from uqcore.text import is_whole

_FOLDER = Path(__file__).parent
MOST = 1e300  # no more than a number of double precision holds, whole ones too


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


def state_of(key: str) -> Mapping[str, Any]:
    """What the component ``key`` has last sent. To be asked once: Streamlit makes a class for each answer, 17 µs and
    work for the garbage collector."""
    state = st.session_state.get(key)
    return state if isinstance(state, Mapping) else {}


def key_for(key: str, start: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The key to mount the component ``key`` by, and its `state_of`: another one where history has brought a link that
    starts it elsewhere than where its visitor has left it, for what is on the screen cannot be moved."""
    n, began = st.session_state.get(f"{key}_mounts", (0, start))
    state = state_of(f"{key}~{n}" if n else key)
    if is_from_history() and {**began, **state} != start:
        n, began = n + 1, start
        state = state_of(f"{key}~{n}")
    elif not state:
        began = start
    st.session_state[f"{key}_mounts"] = (n, began)
    return f"{key}~{n}" if n else key, state


def first(start: Any, key: str, state: Mapping[str, Any], name: str) -> Any:
    """``start`` as it was when the component ``key`` was last without a ``state`` of its own: before its visitor did
    anything."""
    kept: dict[str, Any] = st.session_state.setdefault(f"{key}_first", {})
    if not state:
        kept[name] = start
    return kept.setdefault(name, start)


Fits = Callable[[Any], bool]
"""Whether a value is of the kind that our script sends: whoever has a connection may send any other."""


def sent(result: Any, name: str, otherwise: Any, fits: Fits) -> Any:
    """What a mounted component's ``result`` or `state_of` has as ``name``; ``otherwise`` where that is nothing or does
    not fit."""
    value = result.get(name, otherwise) if isinstance(result, Mapping) else otherwise
    return value if value is otherwise or fits(value) else otherwise


def is_number(value: Any) -> bool:
    """Whether it is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < MOST


def is_text(value: Any) -> bool:
    return isinstance(value, str) and is_whole(value)


def is_point(value: Any) -> bool:
    """Whether it is a pair of finite numbers."""
    return isinstance(value, list | tuple) and len(value) == 2 and all(map(is_number, value))


def or_none(fits: Fits) -> Fits:
    """Whether it is None or fits."""
    return lambda value: value is None or fits(value)
