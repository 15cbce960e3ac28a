"""A measure along a sweep: one line a method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from uqcore.plots.palette import series_style
from uqcore.plots.style import layout
from uqcore.types import FloatArray

_HEIGHT = 330


def sweep(
    x: Sequence[float],
    lines: Mapping[str, FloatArray],
    *,
    x_title: str,
    y_title: str,
    threshold: float,
    now: float,
    places: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """A plotly figure (as a dict) of ``lines``, label -> ``(len(x),)`` in 0..1.

    Args:
        threshold: a horizontal line; above it examples are deferred.
        now: a vertical line where the page's own slider stands.
        places: label -> number of its style, where lines that are not shown keep theirs; else they count up.
    """
    traces = []
    for i, (label, y) in enumerate(lines.items()):
        style = series_style((places or {}).get(label, i))
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": label,
                "x": list(x),
                "y": [round(float(value), 4) for value in y],
                "line": {"color": style.color, "dash": style.dash, "width": 3},
                "marker": {"symbol": style.symbol, "size": 8},
                "hovertemplate": "%{y:.3f}",
            }
        )
    return {
        "data": traces,
        "layout": layout(
            _HEIGHT,
            hovermode="x unified",
            legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
            xaxis={"title": {"text": x_title}, "zeroline": False},
            yaxis={"title": {"text": y_title}, "range": [-0.03, 1.03], "zeroline": False},
            shapes=[
                {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": threshold, "y1": threshold, **_GUIDE},
                {"type": "line", "yref": "paper", "y0": 0, "y1": 1, "x0": now, "x1": now, **_GUIDE},
            ],
        ),
    }


_GUIDE = {"line": {"color": "#888888", "width": 2, "dash": "dot"}}
