"""How far a method's functions lie apart along one input, and whether its quantiles are right."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np

from uqcore.metrics.regression import QuantileCurve
from uqcore.plots.palette import series_style
from uqcore.plots.style import layout
from uqcore.types import FloatArray

_LEGEND = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "itemwidth": 55}  # as long as a long dash
_ONCE = {
    "type": "line",
    "x0": 0,
    "x1": 1,
    "xref": "paper",
    "y0": 1,
    "y1": 1,
    "line": {"color": "#888888", "dash": "dot"},
}


def spreads(
    x: FloatArray,
    times: Mapping[str, FloatArray],
    *,
    gap: tuple[float, float],
    places: Mapping[str, int] | None = None,
    height: int = 300,
) -> dict[str, Any]:
    """A plotly figure of how many times as far as on the data each method's functions lie apart along ``x (N,)``.

    The axis is logarithmic: twice as far is as high everywhere. ``times``: label -> ``(N,)``.
    ``places``: label -> number of its style, where lines that are not shown keep theirs; else they count up.
    ``height``: in CSS pixels.
    """
    traces = []
    for i, (label, values) in enumerate(times.items()):
        style = series_style((places or {}).get(label, i))
        line = {"width": 3, "color": style.color, "dash": style.dash}
        traces.append(
            {"type": "scatter", "mode": "lines", "name": label, "x": _numbers(x), "y": _numbers(values), "line": line,
             "hovertemplate": "%{y:.3g} times"}
        )  # fmt: skip
    ticks = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100]
    return {
        "data": traces,
        "layout": layout(
            height,
            hovermode="x unified",
            legend=_LEGEND,
            xaxis={"title": {"text": "x"}, "zeroline": False},
            yaxis={"title": {"text": "times as far<br>as on the data"}, "type": "log", "tickvals": ticks,
                   "ticktext": [f"{tick:g}" for tick in ticks]},
            shapes=[_shade(gap), _ONCE],
        ),
    }  # fmt: skip


def quantiles(curves: Mapping[str, QuantileCurve], places: Mapping[str, int] | None = None) -> dict[str, Any]:
    """A plotly figure: per method the share of y at or below each predicted quantile; the diagonal is calibrated.

    ``places``: as for `spreads`.
    """
    diagonal = {"type": "scatter", "mode": "lines", "x": [0, 1], "y": [0, 1], "name": "calibrated",
                "line": {"color": "#888888", "dash": "dot"}, "hoverinfo": "skip"}  # fmt: skip
    traces = [diagonal]
    for i, (label, (levels, observed)) in enumerate(curves.items()):
        style = series_style((places or {}).get(label, i))
        traces.append(
            {"type": "scatter", "mode": "lines+markers", "name": label, "x": _numbers(levels), "y": _numbers(observed),
             "line": {"color": style.color, "dash": style.dash, "width": 3}, "marker": {"symbol": style.symbol},
             "hovertemplate": "%{y:.2f}"}
        )  # fmt: skip
    return {
        "data": traces,
        "layout": layout(
            330,
            showlegend=False,
            xaxis={"title": {"text": "predicted quantile"}, "range": [0, 1]},
            yaxis={"title": {"text": "share of y below it"}, "range": [0, 1]},
        ),
    }


def _shade(gap: tuple[float, float]) -> dict[str, Any]:
    edges = {"x0": gap[0], "x1": gap[1], "y0": 0, "y1": 1, "xref": "x", "yref": "paper"}
    return {"type": "rect", **edges, "fillcolor": "#888888", "opacity": 0.12, "line": {"width": 0}, "layer": "below"}


def _numbers(values: FloatArray) -> dict[str, str]:
    """An array as plotly takes one: digits in JSON take ten times as long to write."""
    rounded = np.round(np.asarray(values, np.float64), 4).astype("<f4")
    return {"dtype": "f4", "bdata": base64.b64encode(rounded.tobytes()).decode("ascii")}
