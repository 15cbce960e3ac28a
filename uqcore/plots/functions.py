"""Functions of one input: the band and mean of a method, its sampled functions, and the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from uqcore.metrics.regression import Gaussian, QuantileCurve
from uqcore.plots.palette import series_style
from uqcore.plots.style import layout
from uqcore.types import FloatArray

_LEGEND = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "itemwidth": 55}  # as long as a long dash
_DATA = {"color": "#888888", "size": 5, "opacity": 0.7}
_ADDED = {"color": "#888888", "size": 11, "symbol": "star", "line": {"width": 1, "color": "white"}}


class Curves(NamedTuple):
    """One method on a grid of N inputs: ``function`` is the mean and spread, ``samples (S, N)`` are functions."""

    place: int
    label: str
    function: Gaussian
    samples: FloatArray


class Points(NamedTuple):
    """Data to draw: ``x (N,)`` and ``y (N,)``; the last ``n_added`` are a visitor's."""

    x: FloatArray
    y: FloatArray
    n_added: int = 0


def functions(
    x: FloatArray,
    curves: Sequence[Curves],
    points: Points,
    *,
    n_stds: float,
    gap: tuple[float, float],
    y_range: tuple[float, float],
    height: int = 300,
) -> dict[str, Any]:
    """A plotly figure (as a dict): per method the mean and a band of ``n_stds`` standard deviations, over the data.

    Args:
        x: ``(N,)`` the grid.
        gap: shaded, as there is no data.

    An invisible lattice over the plot makes every place of it a point whose click Streamlit reports.
    """
    traces: list[dict[str, Any]] = []
    for one in curves:
        color = series_style(one.place).color
        low, high = (one.function.mean + side * n_stds * one.function.std for side in (-1, 1))
        band = {"type": "scatter", "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
        traces += [
            {**band, "x": _numbers(x), "y": _numbers(low)},
            {**band, "x": _numbers(x), "y": _numbers(high), "fill": "tonexty", "fillcolor": f"{color}40"},
        ]
        thin = {"width": 1, "color": color}
        traces += [
            {**band, "x": _numbers(x), "y": _numbers(sample), "line": thin, "opacity": 0.45} for sample in one.samples
        ]
        style = series_style(one.place)
        line = {"width": 3, "color": color, "dash": style.dash if len(curves) > 1 else "solid"}
        # Without a word to say it takes no click away from the lattice.
        traces.append(
            {"type": "scatter", "mode": "lines", "name": one.label, "x": _numbers(x), "y": _numbers(one.function.mean),
             "line": line, "hoverinfo": "skip"}
        )  # fmt: skip
    traces += [*_data(points), _lattice(x, y_range)]
    return {
        "data": traces,
        "layout": layout(
            height,
            showlegend=len(curves) > 1,
            legend={**_LEGEND, "traceorder": "normal"},
            xaxis={"range": [float(x[0]), float(x[-1])], "zeroline": False},
            yaxis={"range": list(y_range), "zeroline": False},
            shapes=[_shade(gap)],
        ),
    }


def spreads(
    x: FloatArray, stds: Mapping[str, FloatArray], *, gap: tuple[float, float], places: Mapping[str, int] | None = None
) -> dict[str, Any]:
    """A plotly figure of the standard deviation ``(N,)`` of each method's functions along ``x (N,)``.

    ``places``: label -> number of its style, where lines that are not shown keep theirs; else they count up.
    """
    traces = []
    for i, (label, std) in enumerate(stds.items()):
        style = series_style((places or {}).get(label, i))
        line = {"width": 3, "color": style.color, "dash": style.dash}
        traces.append(
            {"type": "scatter", "mode": "lines", "name": label, "x": _numbers(x), "y": _numbers(std), "line": line,
             "hovertemplate": "%{y:.3f}"}
        )  # fmt: skip
    return {
        "data": traces,
        "layout": layout(
            300,
            hovermode="x unified",
            legend=_LEGEND,
            xaxis={"title": {"text": "x"}, "zeroline": False},
            yaxis={"title": {"text": "standard deviation"}, "rangemode": "tozero"},
            shapes=[_shade(gap)],
        ),
    }


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


def _data(points: Points) -> list[dict[str, Any]]:
    n_given = len(points.x) - points.n_added
    made = []
    for name, part, marker in (("data", slice(n_given), _DATA), ("added", slice(n_given, None), _ADDED)):
        made.append(
            {"type": "scatter", "mode": "markers", "name": name, "x": _numbers(points.x[part]),
             "y": _numbers(points.y[part]), "marker": marker, "hoverinfo": "skip", "showlegend": False}
        )  # fmt: skip
    return made


def _lattice(x: FloatArray, y_range: tuple[float, float]) -> dict[str, Any]:
    columns, rows = np.linspace(x[0], x[-1], 121), np.linspace(*y_range, 41)
    across, up = (part.ravel() for part in np.meshgrid(columns, rows))
    return {
        "type": "scattergl",
        "mode": "markers",
        "x": _numbers(across),
        "y": _numbers(up),
        "marker": {"size": 9, "opacity": 0},
        "hovertemplate": "%{x:.2f}, %{y:.2f}<extra></extra>",
        "showlegend": False,
        "name": "places",
    }


def _shade(gap: tuple[float, float]) -> dict[str, Any]:
    edges = {"x0": gap[0], "x1": gap[1], "y0": 0, "y1": 1, "xref": "x", "yref": "paper"}
    return {"type": "rect", **edges, "fillcolor": "#888888", "opacity": 0.12, "line": {"width": 0}, "layer": "below"}


def _numbers(values: FloatArray) -> list[float]:
    return np.round(np.asarray(values, np.float64), 4).tolist()
