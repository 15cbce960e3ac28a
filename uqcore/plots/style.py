"""What all figures share: no chart junk, text that reads from the back row, no buttons but the ones that help."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CONFIG: dict[str, Any] = {"displayModeBar": False, "displaylogo": False, "responsive": True}
"""Plotly's own settings, for `st.plotly_chart`."""

FONT_SIZE = 15
TICK_SIZE = 13  # the least of a figure
_STANDOFF = {"x": 12, "y": 16}  # pixels between the ticks and the axis title


def layout(height: int, **settings: Any) -> dict[str, Any]:
    """A layout with narrow margins; colours of text and background come from the page's theme."""
    return {
        "height": height,
        "margin": {"l": 10, "r": 10, "t": 10, "b": 10},
        "font": {"size": FONT_SIZE},
        "hoverlabel": {"font": {"size": FONT_SIZE}},
        **settings,
    }


def in_pixels(figure: Mapping[str, Any]) -> dict[str, Any]:
    """The figure with all sizes in pixels that Streamlit's theme else gives in the page's letters, which grow with the
    screen: the page then makes the figure larger as a whole, its lines and markers too."""
    made = dict(figure["layout"])
    made["margin"] = {"pad": 6, **made.get("margin", {})}
    made["legend"] = {"font": {"size": FONT_SIZE}, **made.get("legend", {})}
    names = {"xaxis", "yaxis"} | {name for name in made if name.startswith(("xaxis", "yaxis"))}
    for name in names:
        axis = dict(made.get(name, {}))
        title = {"font": {"size": FONT_SIZE}, "standoff": _STANDOFF[name[0]], **axis.get("title", {})}
        made[name] = {"tickfont": {"size": TICK_SIZE}, **axis, "title": title}
    return {**figure, "layout": made}
