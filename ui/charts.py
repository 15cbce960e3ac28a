"""Plotly figures on a page: the one place that shows them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from typing import Any

import streamlit as st
from plotly.basedatatypes import BaseFigure
from streamlit.delta_generator import DeltaGenerator

from uqcore.plots import style
from uqcore.plots.describe import describe

_NO_NAME = re.compile("[^a-zA-Z0-9_-]")


class _Ready(BaseFigure):  # type: ignore[misc]
    """A figure that is a dict already. Given the dict, Streamlit has Plotly check and copy every number of it again.

    The dict is plain JSON: for other values Plotly looks into pandas, if that is loaded, and where another visitor's
    page is just loading it, breaks the figure ("partially initialized module 'pandas'").
    """

    def __init__(self, figure: Mapping[str, Any]) -> None:
        self._figure = figure

    def to_dict(self) -> Mapping[str, Any]:
        return self._figure


def chart(figure: Mapping[str, Any], key: str, place: DeltaGenerator | None = None, **options: Any) -> Any:
    """Shows a figure, and says to those who cannot see it what it shows; returns what Streamlit does: with
    ``on_select``, what is selected."""
    name = _NO_NAME.sub("-", key)  # of the element's class, as Streamlit makes it of the key
    tall = (
        f"<style>.st-key-{name} {{--tall: {figure['layout']['height']}px}}</style>"  # as drawn; style.css enlarges it
    )
    (place or st).html(f'<p class="unseen">{escape(describe(figure))}</p>{tall}')
    return (place or st).plotly_chart(_Ready(style.in_pixels(figure)), config=style.CONFIG, key=key, **options)
