"""What all figures share: no chart junk, text that reads from the back row, no buttons but the ones that help."""

from __future__ import annotations

from typing import Any

CONFIG: dict[str, Any] = {"displayModeBar": False, "displaylogo": False, "responsive": True}
"""Plotly's own settings, for `st.plotly_chart`."""

FONT_SIZE = 15


def layout(height: int, **settings: Any) -> dict[str, Any]:
    """A layout with narrow margins; colours of text and background come from the page's theme."""
    return {
        "height": height,
        "margin": {"l": 10, "r": 10, "t": 10, "b": 10},
        "font": {"size": FONT_SIZE},
        "hoverlabel": {"font": {"size": FONT_SIZE}},
        **settings,
    }
