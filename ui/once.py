"""What Streamlit would work out at every run, though it stays as it is: once a server."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.navigation import page as navigation
from streamlit.runtime import app_session, exists


@st.cache_resource(show_spinner=False)
def keep() -> None:
    """The theme, which every answer carries and which takes 0.4 ms, a tenth of a small one; and the list of pages,
    whose files are looked for at every opening, in as long."""
    if exists():  # not in tests of pages, which share their process with other apps
        setattr(app_session, "_populate_theme_msg", theme_kept(getattr(app_session, "_populate_theme_msg")))  # noqa: B009, B010
        setattr(navigation, "_create_page", page_kept(getattr(navigation, "_create_page")))  # noqa: B009, B010


def theme_kept(populate: Callable[[Any, str], None]) -> Callable[..., None]:
    """``populate``, which fills a message with a section of the settings, asked once for each section."""
    known: dict[str, Any] = {}

    def filled(message: Any, section: str = "theme") -> None:
        if section not in known:
            made = type(message)()
            populate(made, section)
            known[section] = made
        if known[section].ByteSize():  # else the message would be sent, though it is empty
            message.MergeFrom(known[section])

    return filled


def page_kept(create: Callable[..., Any]) -> Callable[..., Any]:
    """``create``, which makes a page of a file, asked once for each file; a run has a copy, on which it marks the page
    that is shown."""

    @cache
    def created(page: str | Path, default: bool) -> Any:
        return create(page, default=default)

    def another(page: str | Path, *, default: bool = False) -> Any:
        return copy.copy(created(page, default))

    return another
